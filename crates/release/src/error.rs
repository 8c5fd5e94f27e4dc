use std::path::PathBuf;

use state::{Exit, ReleaseId};

/// Why there is no such release.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    /// A revision was named, and the source is a folder.
    #[error("there is no revision `{revision}`: [source] directory has no revisions; leave it out")]
    NoRevisions { revision: String },
    /// The repository has no such tag, branch or commit.
    #[error("there is no revision `{revision}` in {address}; {known}")]
    UnknownRevision { revision: String, address: String, known: String },
    /// More than one commit begins like this.
    #[error("more than one commit begins with `{revision}`; write more of its digits")]
    AmbiguousCommit { revision: String },
    /// git did not do what was wanted; `what` reads like "cannot fetch from ADDRESS".
    #[error("{what}: {problem}")]
    Tool { what: String, problem: String, output: Vec<String> },
    /// `[source] directory` cannot be one.
    #[error("[source] directory: {} {problem}", .folder.display())]
    Directory { folder: PathBuf, problem: &'static str },
    /// Somebody writes into `[source] directory`.
    #[error("{} changed while it was copied; try again when nobody writes there", .0.display())]
    Changed(PathBuf),
    /// The source has a file where flipside writes its own.
    #[error(
        "the source has a release.json of its own at its top, where flipside keeps what it knows of a release; rename it"
    )]
    OwnManifest,
    /// A path of the configuration leads through a symlink or a file of the source's.
    #[error("{key}: {path} cannot be in the release: {part} is not a folder there")]
    NoFolder { key: &'static str, path: String, part: String },
    /// `[build.dependencies] key` names a file that the source does not have.
    #[error("[build.dependencies] key: there is no file {file} in {revision}")]
    NoKeyFile { file: String, revision: String },
    /// `[build.dependencies] command` did not make `path`.
    #[error("[build.dependencies] path: `{command}` made no {path}; the whole log: {}", .log.display())]
    NoDependencies { command: String, path: String, log: PathBuf, output: Vec<String> },
    /// A command of the build or a hook did not succeed; `command` reads like "`npm ci`" or "the hook pre-build".
    #[error("{command} {problem} while {id} was built; the whole log: {}", .log.display())]
    Build { id: ReleaseId, command: String, problem: String, log: PathBuf, output: Vec<String> },
    /// No kept release has this name.
    #[error("there is no release `{name}`; {known}")]
    UnknownRelease { name: String, known: String },
    /// More than one kept release has this name's beginning.
    #[error("`{name}` is the beginning of more than one release: {found}")]
    AmbiguousRelease { name: String, found: String },
}

/// What `release` answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit status that this error means for a command.
    pub fn exit(&self) -> Exit {
        match self {
            Self::State(error) => error.exit(),
            Self::NoRevisions { .. } | Self::Directory { .. } => Exit::Usage,
            _ => Exit::No,
        }
    }

    /// The last lines of what git or the build printed.
    pub fn quoted(&self) -> &[String] {
        match self {
            Self::Tool { output, .. } | Self::NoDependencies { output, .. } | Self::Build { output, .. } => {
                output
            }
            _ => &[],
        }
    }
}
