use std::path::PathBuf;
use std::time::Duration;

use state::duration::in_words;
use state::{Exit, InstanceName};

use crate::roots;

/// What can go wrong between the switch and nginx.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    /// It was edited by hand, and serves what no instance is, or both.
    #[error("{0}")]
    Switch(String),
    #[error("cannot run `{command}` ([nginx] {key}): {cause}")]
    CannotRun { key: &'static str, command: String, cause: std::io::Error },
    /// Before anything was touched.
    #[error("nginx's configuration is broken, and not by flipside; nothing was touched. `{command}` {ended}")]
    Broken { command: String, ended: String, words: Vec<String> },
    /// With the new switch in place; the old one is back.
    #[error("nginx does not accept the switch to {target}; it was put back. `{command}` {ended}")]
    Refused { target: String, command: String, ended: String, words: Vec<String> },
    /// nginx serves on as before.
    #[error("nginx could not be reloaded: `{command}` {ended}")]
    NotReloaded { command: String, ended: String, words: Vec<String> },
    /// Root's command could not do its part; nothing was changed.
    #[error("{problem} (`{command}`)")]
    Roots { command: String, problem: String, exit: Exit },
    #[error("root's command may not be called: `{command}` ({problem}); {remedy}")]
    NotAllowed { command: String, problem: String, remedy: String },
    /// Root's command was cut off, or could not put the switch back.
    #[error("`{command}` {ended} ({problem})")]
    RootsInDoubt { command: String, ended: String, problem: String },
    /// Another app's switch is being set, for too long.
    #[error(
        "busy: {holder} has held {} for more than {}; see whether it hangs", .lock.display(), in_words(*.waited)
    )]
    Locked { holder: String, lock: PathBuf, waited: Duration },
    #[error("nginx did not serve {target} within {} of the switch ({seen})", in_words(*.within))]
    NotApplied { target: String, within: Duration, seen: String },
    #[error("the service is down: {0} Start it; nginx -t tells what hinders it")]
    NotRunning(String),
    /// nginx's site, or nginx's rights; nothing was changed.
    #[error(
        "nginx does not reach {target} at {} ({seen}); nothing was touched. Its user must be able to connect there, see THE STYLE SOCKET in flipside(7)", .socket.display()
    )]
    OutOfReach { target: InstanceName, socket: PathBuf, seen: String },
    #[error("{0}; the switch was put back")]
    PutBack(Box<Self>),
    /// Putting it back did not succeed either.
    #[error(
        "{first}; and putting the switch back failed, too: {second}; run status, and look at nginx's error log"
    )]
    InDoubt { first: Box<Self>, second: Box<Self> },
    /// There was nothing to put back.
    #[error(
        "nginx does not serve {target}, which is enabled ({problem}); look at nginx's error log, then run connect-to-nginx {target}"
    )]
    NotServed { target: String, problem: String, words: Vec<String> },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn exit(&self) -> Exit {
        match self {
            Self::State(error) => error.exit(),
            Self::Switch(_)
            | Self::CannotRun { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::NotReloaded { .. }
            | Self::NotAllowed { .. }
            | Self::OutOfReach { .. } => Exit::No,
            Self::Roots { exit, .. } => *exit,
            Self::Locked { .. } => Exit::Busy,
            Self::NotApplied { .. } => Exit::PutBack,
            Self::PutBack(first) => first.exit(),
            Self::RootsInDoubt { .. }
            | Self::InDoubt { .. }
            | Self::NotServed { .. }
            | Self::NotRunning(_) => Exit::Down,
        }
    }

    /// Whether it came before nginx was told of anything, and the switch is as it was.
    pub(crate) fn has_changed_nothing(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Refused { .. } | Self::Roots { .. } | Self::NotAllowed { .. } => true,
            Self::CannotRun { key, .. } => *key == roots::KEY,
            _ => false,
        }
    }

    /// nginx's own words.
    pub fn quoted(&self) -> &[String] {
        match self {
            Self::Broken { words, .. }
            | Self::Refused { words, .. }
            | Self::NotReloaded { words, .. }
            | Self::NotServed { words, .. } => words,
            Self::PutBack(first) | Self::InDoubt { first, .. } => first.quoted(),
            _ => &[],
        }
    }
}
