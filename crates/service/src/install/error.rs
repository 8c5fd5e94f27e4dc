use state::Exit;

/// Why `install` stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    /// What was asked for cannot be.
    #[error("{0}")]
    Usage(String),
    /// It needs a person, or a flag.
    #[error("{0}")]
    Refused(String),
    /// A tool of the system did not do what it was to do.
    #[error("{what} ({problem})")]
    Tool { what: String, problem: String, output: Vec<String> },
    /// One thing could not be set up or removed; `done` says what is.
    #[error("{item}: {cause}; {done}")]
    Unfinished { item: String, cause: Box<Self>, done: String },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn exit(&self) -> Exit {
        match self {
            Self::State(error) => error.exit(),
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Tool { .. } => Exit::No,
            Self::Unfinished { cause, .. } => match cause.exit() {
                Exit::Usage => Exit::No, // something may be done already
                exit => exit,
            },
        }
    }

    /// Lines of a tool's output that show the cause.
    pub fn quoted(&self) -> &[String] {
        match self {
            Self::Tool { output, .. } => output,
            Self::Unfinished { cause, .. } => cause.quoted(),
            _ => &[],
        }
    }
}
