//! Status for people: what a table of it holds. Colours and columns are the command's.

use std::time::Duration;

use state::duration::in_words;

use super::{InstanceStatus, ServiceState, Status};

impl Status {
    pub fn columns(&self) -> [&'static str; 8] {
        let address = self.instances.first().map_or("address", |instance| instance.address.kind());
        ["instance", address, "serves", "release", "health", "pid", "up", "memory"]
    }

    /// `cafeteria is up: A (v1-0c1d2e3) serves`
    pub fn headline(&self) -> String {
        let state = match self.service {
            ServiceState::Up => "up",
            ServiceState::Degraded => "up, but something is amiss",
            ServiceState::Down => "down",
        };
        let serving =
            self.instances.iter().find(|instance| instance.live || (self.live.is_none() && instance.enabled));
        match serving {
            Some(InstanceStatus { name, release: Some(release), .. })
                if self.service != ServiceState::Down =>
            {
                format!("{} is {state}: {name} ({release}) serves", self.app)
            }
            _ => format!("{} is {state}", self.app),
        }
    }

    /// As many cells as there are columns, for each instance.
    pub fn rows(&self) -> Vec<Vec<String>> {
        self.instances.iter().map(InstanceStatus::row).collect()
    }

    /// Lines below the table.
    pub fn remarks(&self) -> Vec<String> {
        let last = self.last_deployment.as_ref().map(|last| {
            let ago =
                Duration::try_from(jiff::Timestamp::now().duration_since(last.started)).unwrap_or_default();
            let to = last
                .to
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| last.revision.clone())
                .unwrap_or_default();
            format!("last deployment: {to} {}, {} ago, by {}", last.result.name(), in_words(ago), last.by)
        });
        let running = self.running.as_ref().map(|running| format!("under way: {running}"));
        let asleep = self.standby().filter(|standby| standby.was_ended_by_a_boot()).map(|standby| {
            format!("{}, the standby, was not started since the boot; rollback would start it", standby.name)
        });
        last.into_iter().chain(running).chain(asleep).collect()
    }
}

impl InstanceStatus {
    /// `12 min`, `3.1 s (2 restarts)`
    fn up(&self, seconds: f64) -> String {
        let up = in_words(Duration::from_secs_f64(seconds));
        match self.restarts {
            None | Some(0) => up,
            Some(1) => format!("{up} (1 restart)"),
            Some(many) => format!("{up} ({many} restarts)"),
        }
    }

    fn row(&self) -> Vec<String> {
        let none = || "-".to_owned();
        let serves = match (self.enabled, self.live) {
            (true, true) => "yes",
            (true, false) => "enabled",
            (false, true) => "live",
            (false, false) => "-",
        };
        vec![
            self.name.to_string(),
            self.address.in_brief(),
            serves.to_owned(),
            self.release.as_ref().map_or_else(none, ToString::to_string),
            self.health.clone(),
            self.pid.map_or_else(none, |pid| pid.to_string()),
            self.uptime_seconds.map_or_else(none, |seconds| self.up(seconds)),
            self.memory_bytes.map_or_else(none, state::size::in_words),
        ]
    }
}
