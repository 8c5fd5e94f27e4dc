use std::path::{Path, PathBuf};

use crate::lock::{Lock, Patience};
use crate::{Config, Home, InstanceName, Port, Result, caller, owner};

/// One deployed service: its home and what its `flipside.toml` says.
#[derive(Clone, Debug)]
pub struct App {
    pub home: Home,
    pub config: Config,
}

impl App {
    /// Finds the home ([`Home::find`]), becomes its owner if we are root, and reads its configuration.
    pub fn open(home: Option<&Path>) -> Result<Self> {
        let home = Home::find(home)?;
        owner::become_owner(&home)?;
        caller::forget();
        let config = Config::read(&home.configuration())?;
        owner::must_be(&home, &config)?;
        Ok(Self { home, config })
    }

    pub fn port(&self, instance: InstanceName) -> Port {
        match instance {
            InstanceName::A => self.config.instance.a.port,
            InstanceName::B => self.config.instance.b.port,
        }
    }

    pub fn switch(&self) -> PathBuf {
        self.home.path().join(self.config.nginx.switch.as_path())
    }

    /// Takes the lock for a command that changes something, or keeps the one that its caller handed down.
    pub fn lock(&self, command: &str, patience: Patience) -> Result<Lock> {
        Lock::take(&self.home, command, patience)
    }
}
