use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};
use crate::{InstanceName, ReleaseId};

/// The app's folder: everything that flipside knows and keeps about the app is in it (DESIGN.md, section 4).
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// Looks in this order: `named`, `$FLIPSIDE_HOME`, the parent of the folder that the command is in, `~/.flipside`.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        let chosen = named.map(Path::to_owned).or_else(|| env::var_os("FLIPSIDE_HOME").map(PathBuf::from));
        let folder = chosen.or_else(beside_the_command).or_else(in_the_users_home).unwrap_or_default();
        let folder = std::path::absolute(&folder).on("cannot find", &folder)?;
        if !folder.join("flipside.toml").exists() {
            return Err(Error::NoHome(folder));
        }
        // One folder, one name: marks of processes and locks are compared by it.
        Ok(Self(folder.canonicalize().on("cannot find", &folder)?))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn configuration(&self) -> PathBuf {
        self.0.join("flipside.toml")
    }
    pub fn mirror(&self) -> PathBuf {
        self.0.join("repository.git")
    }
    pub fn releases(&self) -> PathBuf {
        self.0.join("releases")
    }
    pub fn release(&self, id: &ReleaseId) -> PathBuf {
        self.releases().join(id.as_str())
    }
    /// The symlink that tells which release the instance runs from.
    pub fn instance(&self, name: InstanceName) -> PathBuf {
        self.0.join("instances").join(name.to_string())
    }
    /// Which of them was enabled, for when the switch is gone: a symlink to one of the above.
    pub fn noted(&self) -> PathBuf {
        self.0.join("instances/enabled")
    }
    pub fn shared(&self) -> PathBuf {
        self.0.join("shared")
    }
    pub fn hook(&self, name: &str) -> PathBuf {
        self.0.join("hooks").join(name)
    }
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }
    pub fn instance_log(&self, name: InstanceName) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
    pub fn build_log(&self, id: &ReleaseId) -> PathBuf {
        self.logs().join(format!("build-{id}.log"))
    }
    pub fn deployments(&self) -> PathBuf {
        self.logs().join("deployments.jsonl")
    }
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }
    pub fn lock(&self) -> PathBuf {
        self.run().join("lock")
    }
    pub fn record(&self, name: InstanceName) -> PathBuf {
        self.run().join(format!("{name}.json"))
    }
    /// What a unit of systemd runs to start the instance.
    pub fn start_script(&self, name: InstanceName) -> PathBuf {
        self.run().join(format!("{name}.start"))
    }
    /// A line for each time that systemd has run it.
    pub fn starts(&self, name: InstanceName) -> PathBuf {
        self.run().join(format!("{name}.starts"))
    }
    /// There while it is known that no build runs, see [`crate::builds`].
    pub fn no_build(&self) -> PathBuf {
        self.run().join("build")
    }
    /// The deployment that is under way, or that was cut off.
    pub fn underway(&self) -> PathBuf {
        self.run().join("deploy.json")
    }
}

fn beside_the_command() -> Option<PathBuf> {
    let command = env::current_exe().ok()?;
    let home = command.parent()?.parent()?;
    home.join("flipside.toml").exists().then(|| home.to_owned())
}

fn in_the_users_home() -> Option<PathBuf> {
    env::home_dir().map(|home| home.join(".flipside"))
}
