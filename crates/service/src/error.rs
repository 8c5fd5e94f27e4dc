use state::{Exit, InstanceName, hook};

use crate::install;

/// What stands against an action, and what went wrong in one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Nginx(#[from] nginx::Error),
    #[error(transparent)]
    Supervise(#[from] supervise::Error),
    #[error(transparent)]
    Release(#[from] release::Error),
    #[error(transparent)]
    Hook(#[from] hook::Failed),
    /// It would interrupt the service.
    #[error("{instance} {why}; to {action} it would interrupt the service. {remedy}")]
    CarriesTraffic { instance: InstanceName, why: String, action: &'static str, remedy: String },
    /// Nobody knows what nginx serves.
    #[error("it cannot be told whether nginx serves {instance} ({why}); see status, or use --force")]
    Unknown { instance: InstanceName, why: String },
    /// And why that could not be mended.
    #[error("{cause}\n{problem}")]
    OutOfReach { cause: Box<nginx::Error>, problem: String },
    /// A person has written something into the switch that no command should overrule.
    #[error("{0}; name the instance that is to serve: connect-to-nginx A or connect-to-nginx B")]
    Switch(String),
    #[error("there is no release to go back to; name one that releases shows")]
    NothingBefore,
    #[error("nothing is enabled; run deploy, or connect-to-nginx with the name of an instance that runs")]
    NothingEnabled,
    #[error("{instance} is not fit to serve ({problem}); start-instance {instance}, or use --force")]
    Unfit { instance: InstanceName, problem: String },
    /// Users are served, but not by what is enabled.
    #[error("{live} serves, though it is not what was to serve: {cause}")]
    NotFinished { live: InstanceName, cause: Box<Self> },
    /// What should serve does not.
    #[error("the service is down: {0}")]
    Down(String),
    /// After the switch.
    #[error("{instance} failed while it was watched: {problem}")]
    Watched { instance: InstanceName, problem: String },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn exit(&self) -> Exit {
        match self {
            Self::State(error) => error.exit(),
            Self::Nginx(error) => error.exit(),
            Self::OutOfReach { cause, .. } => cause.exit(),
            Self::Supervise(error) => error.exit(),
            Self::Release(error) => error.exit(),
            Self::NotFinished { .. } | Self::Hook(_) | Self::NothingEnabled | Self::NothingBefore => Exit::No,
            Self::CarriesTraffic { .. } | Self::Unknown { .. } | Self::Switch(_) | Self::Unfit { .. } => {
                Exit::Refused
            }
            Self::Down(_) => Exit::Down,
            Self::Watched { .. } => Exit::PutBack,
        }
    }

    /// Lines of a log that show the cause.
    pub fn quoted(&self) -> &[String] {
        match self {
            Self::Nginx(error) => error.quoted(),
            Self::Supervise(error) => error.quoted(),
            Self::Release(error) => error.quoted(),
            Self::Hook(failed) => &failed.output,
            Self::NotFinished { cause, .. } => cause.quoted(),
            _ => &[],
        }
    }
}

/// The exit status of an error from any crate, and the lines to quote with it.
pub fn anatomy(error: &anyhow::Error) -> (u8, Vec<String>) {
    let known = |cause: &(dyn std::error::Error + 'static)| -> Option<(Exit, Vec<String>)> {
        let ours = cause.downcast_ref::<Error>().map(|error| (error.exit(), error.quoted().to_vec()));
        ours.or_else(|| cause.downcast_ref::<state::Error>().map(|error| (error.exit(), Vec::new())))
            .or_else(|| {
                cause.downcast_ref::<nginx::Error>().map(|error| (error.exit(), error.quoted().to_vec()))
            })
            .or_else(|| {
                cause.downcast_ref::<supervise::Error>().map(|error| (error.exit(), error.quoted().to_vec()))
            })
            .or_else(|| {
                cause.downcast_ref::<install::Error>().map(|error| (error.exit(), error.quoted().to_vec()))
            })
            .or_else(|| {
                cause.downcast_ref::<release::Error>().map(|error| (error.exit(), error.quoted().to_vec()))
            })
    };
    let (exit, quoted) = error.chain().find_map(known).unwrap_or((Exit::No, Vec::new()));
    (exit.into(), quoted)
}
