//! The state of the service, all of it, as it is at this moment.

mod observe;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use state::deployment::Deployment;
use state::{Address, AppName, Exit, InstanceName, Port, ReleaseId};

/// What `status` answers. What does not apply is null.
#[derive(Debug, Serialize)]
pub struct Status {
    pub app: AppName,
    pub service: ServiceState,
    pub enabled: Option<InstanceName>,
    pub live: Option<InstanceName>,
    /// Whether the running nginx serves what is enabled; null if nobody can tell.
    pub applied: Option<bool>,
    /// What nginx's check server said, in words; null if all is as it should be.
    pub proxy_problem: Option<String>,
    pub interrupted: Option<Interrupted>,
    pub running: Option<String>,
    pub last_deployment: Option<Deployment>,
    /// What is amiss, and what to run.
    pub problems: Vec<String>,
    pub instances: Vec<InstanceStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    Up,
    Degraded,
    Down,
}

/// A deployment that was cut off.
#[derive(Debug, Serialize)]
pub struct Interrupted {
    pub id: String,
    pub command: String,
    pub revision: Option<String>,
    pub by: String,
    pub started: jiff::Timestamp,
}

#[derive(Debug, Serialize)]
pub struct InstanceStatus {
    pub name: InstanceName,
    pub port: Option<Port>,
    pub socket: Option<PathBuf>,
    #[serde(skip)]
    pub(crate) address: Address,
    pub enabled: bool,
    pub live: bool,
    pub release: Option<ReleaseId>,
    pub revision: Option<String>,
    pub pid: Option<state::Pid>,
    pub healthy: bool,
    /// `ok 200 3ms`, or what is wrong.
    pub health: String,
    pub health_ms: Option<f64>,
    pub uptime_seconds: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub cpu_percent: Option<f64>,
    /// How often systemd has brought it back since it was started; null where systemd does not keep it.
    pub restarts: Option<u64>,
    /// Seconds since the last time that it did.
    #[serde(skip)]
    pub(crate) restarted: Option<Duration>,
    #[serde(skip)]
    pub(crate) recorded: Recorded,
    /// The end of the instance's log, if it has crashed for good.
    #[serde(skip)]
    pub last_words: Vec<String>,
    /// Connections that nginx holds to it.
    pub connections: Option<usize>,
}

/// When an instance was started that has not been stopped since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Or there is no such one.
    SinceTheBoot,
    BeforeIt,
}

impl InstanceStatus {
    /// Whether nothing but a boot has ended it.
    pub(crate) fn was_ended_by_a_boot(&self) -> bool {
        self.recorded == Recorded::BeforeIt && self.pid.is_none()
    }
}

impl Status {
    /// The instance that does not serve, if one serves.
    pub(crate) fn standby(&self) -> Option<&InstanceStatus> {
        let serves = self.live.or(self.enabled)?;
        self.instances.iter().find(|standby| standby.name != serves && !standby.enabled)
    }

    pub fn exit(&self) -> Exit {
        match self.service {
            ServiceState::Up => Exit::Success,
            ServiceState::Degraded => Exit::No,
            ServiceState::Down => Exit::Down,
        }
    }
}
