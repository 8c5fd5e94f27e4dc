use std::path::PathBuf;
use std::time::Duration;

use state::duration::in_words;
use state::{Address, App, Exit, InstanceName, ReleaseId};

use crate::presence::Holder;

/// What can be wrong with an instance's processes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    /// The kernel would not tell or do something.
    #[error("{what}: {cause}")]
    System { what: String, cause: std::io::Error },
    #[error(
        "{} is taken by {holder}, which flipside did not start; stop it or change [instance.{instance}] {} in {configuration}", .address.in_words(), .address.kind()
    )]
    Foreign { instance: InstanceName, address: Address, holder: Holder, configuration: String },
    /// Something lies where the instance would make its socket.
    #[error("{} is {found}, and no socket of {instance}; remove it, or change [instance.{instance}] socket", .path.display())]
    InTheWay { instance: InstanceName, path: PathBuf, found: &'static str },
    #[error("{0} has no release yet; run update-instance {0}")]
    NoRelease(InstanceName),
    #[error("{instance} points to the release {release}, which is gone; run update-instance {instance}")]
    ReleaseGone { instance: InstanceName, release: ReleaseId },
    #[error("{instance} ({release}) {ended} after {}, before it was healthy", in_words(*.after))]
    Exited { instance: InstanceName, release: ReleaseId, ended: String, after: Duration, log: Vec<String> },
    #[error("{instance} ({release}) was not healthy within {}: {problem}", in_words(*.after))]
    Unhealthy {
        instance: InstanceName,
        release: ReleaseId,
        after: Duration,
        problem: String,
        log: Vec<String>,
    },
    #[error("[run] env_command {problem}")]
    EnvCommand { problem: String, output: Vec<String> },
    #[error("[run] runtime is systemd, which does not run this machine; write runtime = \"auto\"")]
    NoSystemd,
    #[error(
        "the service manager of {user} {problem}; run loginctl enable-linger {user} as root, or write [run] runtime = \"direct\""
    )]
    NoManager { user: String, problem: String },
    #[error("{problem}")]
    Systemd { problem: String, output: Vec<String> },
    /// Two homes have the same app's name, under one service manager.
    #[error(
        "{instance} cannot be started: the unit {unit} is of another home ({description}); stop it there, or change name in {configuration}"
    )]
    UnitTaken { instance: InstanceName, unit: String, description: String, configuration: String },
    #[error("{instance} is kept by {keeper}; run {remedy}, and then this again")]
    KeptByAnother { instance: InstanceName, keeper: &'static str, remedy: String },
    #[error("{0} did not end, not even after SIGKILL; see ps -o pid,stat,wchan,cmd -p {1}")]
    Unkillable(InstanceName, String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Somebody else is at the instance's address.
    pub fn foreign(app: &App, instance: InstanceName, holder: Holder) -> Self {
        let configuration = app.home.configuration().display().to_string();
        Self::Foreign { instance, address: app.address(instance), holder, configuration }
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::State(error) => error.exit(),
            Self::EnvCommand { .. } | Self::NoSystemd => Exit::Usage,
            Self::UnitTaken { .. } | Self::KeptByAnother { .. } => Exit::Refused,
            _ => Exit::No,
        }
    }

    /// Lines of a log that show the cause.
    pub fn quoted(&self) -> &[String] {
        match self {
            Self::Exited { log, .. } | Self::Unhealthy { log, .. } => log,
            Self::EnvCommand { output, .. } | Self::Systemd { output, .. } => output,
            _ => &[],
        }
    }
}

/// Says what was tried when the kernel refused.
pub(crate) fn system<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
    move |source| Error::System { what: what.into(), cause: source.into() }
}
