use std::path::{Path, PathBuf};

use crate::config::ListensOn;
use crate::lock::{Lock, Patience};
use crate::{Address, Config, Home, InstanceName, Result, Socket, caller, guard, owner};

/// One deployed service: its home and what its `flipside.toml` says.
#[derive(Clone, Debug)]
pub struct App {
    pub home: Home,
    pub config: Config,
}

impl App {
    /// Finds the home ([`Home::find`]), becomes its owner if we are root, and reads its configuration.
    pub fn open(home: Option<&Path>) -> Result<Self> {
        Self::find(home, guard::check)
    }

    /// The same for a query, which believes less of the home, and so has less to look at.
    pub fn open_to_ask(home: Option<&Path>) -> Result<Self> {
        Self::find(home, guard::check_to_ask)
    }

    fn find(home: Option<&Path>, check: impl FnOnce(&Home) -> Result<()>) -> Result<Self> {
        let home = Home::find(home)?;
        check(&home)?;
        owner::become_owner(&home)?;
        caller::forget();
        let config = Config::read(&home.configuration())?;
        owner::must_be(&home, &config)?;
        Ok(Self { home, config })
    }

    pub fn address(&self, instance: InstanceName) -> Address {
        match &self.config.instance.of(instance).on {
            ListensOn::Port(port) => Address::Port(*port),
            ListensOn::Socket(name) => Address::Socket(Socket::new(&self.home, name)),
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
