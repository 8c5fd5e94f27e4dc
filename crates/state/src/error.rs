use std::io;
use std::path::{Path, PathBuf};

use crate::{Exit, lock};

/// What can be wrong with what is written down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No home was named and none was found.
    #[error(
        "there is no flipside.toml in {}; name the app's home by --home DIR or FLIPSIDE_HOME",
        .0.display()
    )]
    NoHome(PathBuf),
    /// A file that a person writes is wrong.
    #[error("{}: {problem}", place(.file, *.line))]
    Configuration { file: PathBuf, line: Option<usize>, problem: String },
    /// An argument that says what cannot be.
    #[error("{0}")]
    Usage(String),
    /// Others could read the secrets.
    #[error("{} can be read by others (mode {mode:04o}); run chmod 600 {}", .file.display(), .file.display())]
    Insecure { file: PathBuf, mode: u32 },
    /// Another command holds the lock.
    #[error("{0}")]
    Busy(Box<lock::Busy>),
    /// SIGINT or SIGTERM.
    #[error("interrupted by {0}")]
    Interrupted(&'static str),
    /// The system refused; `what` says what was tried, on what.
    #[error("{what}: {cause}")]
    Io { what: String, cause: io::Error },
}

/// What `state` answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit status that this error means for a command.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoHome(_) | Self::Usage(_) | Self::Configuration { .. } | Self::Insecure { .. } => {
                Exit::Usage
            }
            Self::Busy(_) => Exit::Busy,
            Self::Interrupted(_) | Self::Io { .. } => Exit::No,
        }
    }
}

fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}

/// Says what was tried when the system refused.
pub trait IoContext<T> {
    /// `what` reads like "cannot write" and is followed by the path.
    fn on(self, what: &str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> IoContext<T> for std::result::Result<T, E> {
    fn on(self, what: &str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { what: format!("{what} {}", path.display()), cause: source.into() })
    }
}
