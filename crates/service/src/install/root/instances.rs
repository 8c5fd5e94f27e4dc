use std::path::PathBuf;

use state::InstanceName;

use crate::install::item::{Found, Item, Removal};
use crate::install::tool::{ended, run};
use crate::install::{Account, Result};

/// What `--uninstall` stops. To start them is `deploy`'s.
pub struct Instances {
    pub account: Account,
    pub home: PathBuf,
}

/// Those that run, as the app's user finds them.
pub fn running(account: &Account, home: &std::path::Path) -> Vec<InstanceName> {
    let runs = |instance: &InstanceName| {
        let pid = home.join("bin/pid").display().to_string();
        let mut pid = account.command(&[&pid, "--home", &home.display().to_string(), &instance.to_string()]);
        home.join("bin/pid").exists() && ended(&mut pid, "pid").is_ok_and(|ended| ended.succeeded())
    };
    InstanceName::BOTH.into_iter().filter(runs).collect()
}

impl Item for Instances {
    fn what(&self) -> String {
        "stop-instance".to_owned()
    }

    fn about(&self) -> String {
        "the instances that run".to_owned()
    }

    fn look(&self) -> Result<Found> {
        Ok(Found::There)
    }

    fn make(&self) -> Result<()> {
        Ok(())
    }

    fn is_only_removed(&self) -> bool {
        true
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        let running: Vec<_> = running(&self.account, &self.home)
            .iter()
            .map(|instance| format!("stop-instance {instance}"))
            .collect();
        Ok(if running.is_empty() { Removal::Nothing } else { Removal::Run(running.join("; ")) })
    }

    fn unmake(&self) -> Result<()> {
        let (home, stop) = (self.home.display().to_string(), self.home.join("bin/stop-instance"));
        for instance in running(&self.account, &self.home) {
            let words =
                [&stop.display().to_string(), "--home", &home, "--force", "--wait=5m", &instance.to_string()];
            run(&mut self.account.command(&words), &format!("cannot stop {instance}"))?;
        }
        Ok(())
    }
}
