//! `flipside.toml`: what a person writes about an app (flipside.toml(5)).

mod read;
mod values;

use std::time::Duration;

use serde::Deserialize;

pub use read::{parse, words};
pub use values::{CheckServer, HttpPath, Signal, StatusSet, SwitchPath, WantedRevision};

use crate::{AppName, InstanceName, Port, RelativePath, duration, size};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: AppName,
    /// Whose the home is, and whom everything runs as, also when root runs a command.
    #[serde(default, deserialize_with = "read::not_empty")]
    pub user: Option<String>,
    pub instance: Instances,
    pub source: Source,
    #[serde(default)]
    pub build: Build,
    pub run: Run,
    #[serde(default)]
    pub health: Health,
    #[serde(default)]
    pub nginx: Nginx,
    #[serde(default)]
    pub deploy: Deploy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instances {
    #[serde(rename = "A")]
    pub a: Instance,
    #[serde(rename = "B")]
    pub b: Instance,
}

impl Instances {
    pub fn of(&self, name: InstanceName) -> &Instance {
        match name {
            InstanceName::A => &self.a,
            InstanceName::B => &self.b,
        }
    }

    /// The ports of A and B, unless they listen on sockets.
    pub fn ports(&self) -> Option<[Port; 2]> {
        match (&self.a.on, &self.b.on) {
            (ListensOn::Port(a), ListensOn::Port(b)) => Some([*a, *b]),
            _ => None,
        }
    }

    /// The sockets of A and B, unless they listen on ports.
    pub fn sockets(&self) -> Option<[&RelativePath; 2]> {
        match (&self.a.on, &self.b.on) {
            (ListensOn::Socket(a), ListensOn::Socket(b)) => Some([a, b]),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "read::RawInstance")]
pub struct Instance {
    pub on: ListensOn,
}

/// An instance's address, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListensOn {
    Port(Port),
    /// Below the home.
    Socket(RelativePath),
}

/// Where releases come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "read::RawSource")]
pub struct Source {
    pub kind: SourceKind,
    /// Releases kept beside those in use.
    pub keep: usize,
}

#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A repository's address, as git takes it, and what to deploy from it when nobody says.
    Git { address: String, revision: WantedRevision },
    /// A folder on this machine, relative to the home.
    Directory(std::path::PathBuf),
}

impl SourceKind {
    /// Whether a password or a token stands in the address (RFC 3986, 3.2.1).
    fn holds_secret(&self) -> bool {
        let Self::Git { address, .. } = self else { return false };
        let Some((protocol, rest)) = address.split_once("://") else { return false };
        let authority = rest.split('/').next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login.is_some_and(|login| login.contains(':') || matches!(protocol, "http" | "https"))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// For every release.
    #[serde(deserialize_with = "read::not_empty")]
    pub command: Option<String>,
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
    pub dependencies: Option<Dependencies>,
}

impl Build {
    pub fn runs_something(&self) -> bool {
        self.command.is_some() || self.dependencies.is_some()
    }
}

impl Default for Build {
    fn default() -> Self {
        Self { command: None, timeout: Duration::from_mins(15), dependencies: None }
    }
}

/// What is built only when no earlier release has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependencies {
    #[serde(deserialize_with = "read::command_line")]
    pub command: String,
    /// What the command makes.
    pub path: RelativePath,
    /// Files whose content, with the command's text, makes the key.
    pub key: Vec<RelativePath>,
    #[serde(default)]
    pub reuse: Reuse,
}

/// How a release gets the dependencies of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// As `link`, unless everything runs as root, whom no protection of a file holds back.
    #[default]
    Auto,
    /// The files are shared, and nobody may write to them.
    Link,
    /// Each release has files of its own.
    Copy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    #[serde(deserialize_with = "read::command_line")]
    pub command: String,
    /// The default, `env`, may be missing.
    pub env_file: Option<RelativePath>,
    /// Prints `NAME=value` lines.
    #[serde(default, deserialize_with = "read::not_empty")]
    pub env_command: Option<String>,
    /// What survives releases.
    #[serde(default)]
    pub shared: Vec<RelativePath>,
    #[serde(default)]
    pub runtime: Runtime,
    #[serde(default)]
    pub stop_signal: Signal,
    #[serde(default = "read::thirty_seconds", deserialize_with = "duration::deserialize")]
    pub stop_timeout: Duration,
    /// Bytes that an instance may use.
    #[serde(default, deserialize_with = "size::deserialize")]
    pub memory_max: Option<u64>,
}

/// What keeps an instance running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// systemd where it can keep an instance, else direct.
    #[default]
    Auto,
    Systemd,
    Direct,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    pub path: HttpPath,
    pub status: StatusSet,
    /// Text that the body must hold.
    #[serde(deserialize_with = "read::not_empty")]
    pub contains: Option<String>,
    /// Of one probe.
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
    /// From start to healthy.
    #[serde(deserialize_with = "duration::deserialize")]
    pub start_timeout: Duration,
}

impl Health {
    /// Why an answer of this status is not healthy.
    pub fn problem_of_status(&self, status: u16) -> Option<String> {
        let healthy = self.status.contains(status);
        (!healthy).then(|| format!("answered {status}, not {} ({})", self.status, self.path.as_str()))
    }

    /// The same by what is in it.
    pub fn problem_of_body(&self, status: u16, body: &[u8]) -> Option<String> {
        let text = self.contains.as_ref()?;
        let held = String::from_utf8_lossy(body).contains(text.as_str());
        (!held).then(|| format!("answered {status} without the text `{text}`"))
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            path: HttpPath::default(),
            status: StatusSet::default(),
            contains: None,
            timeout: Duration::from_secs(5),
            start_timeout: Duration::from_secs(100),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "read::RawNginx")]
pub struct Nginx {
    pub switch: SwitchPath,
    pub style: Style,
    /// Root's command, which writes the switch, tests and reloads in our place.
    pub set_switch: Option<Vec<String>>,
    pub test: Vec<String>,
    pub reload: Vec<String>,
    pub check: Option<CheckServer>,
    /// From the switch to the proof that it took.
    pub apply_timeout: Duration,
    pub drain_timeout: Duration,
    /// A key that is there and has no meaning in this style.
    idle_key: Option<String>,
}

impl Default for Nginx {
    fn default() -> Self {
        read::RawNginx::default().into()
    }
}

/// What the switch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// A file that nginx includes in an `upstream`, and reads anew when it is reloaded.
    #[default]
    Upstream,
    /// A symlink to the socket of an instance, which nginx follows at each connect.
    Socket,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deploy {
    pub old: Old,
    /// How long the new instance is watched after the switch.
    #[serde(deserialize_with = "duration::deserialize")]
    pub observe: Duration,
    /// Of one hook.
    #[serde(deserialize_with = "duration::deserialize")]
    pub hook_timeout: Duration,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { old: Old::Keep, observe: Duration::from_secs(5), hook_timeout: Duration::from_mins(1) }
    }
}

/// What becomes of the old instance after a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Old {
    /// It runs on, ready to go back to at once.
    Keep,
    Stop,
}
