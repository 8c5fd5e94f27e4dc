//! `[build.dependencies]`: what is made only when no kept release has it.

use rustix::process::geteuid;
use state::Manifest;
use state::config::{Dependencies, Reuse};

use crate::build::Building;
use crate::error::{Error, Result};
use crate::twin::{self, Moment};
use crate::{kept, key, tree};

/// How a release comes to its dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It shares those of another release, and nobody may write to what is shared.
    Shared,
    /// It has a copy of them.
    Copied,
    /// The same, and its build may change whatever it likes.
    CopiedToBeChanged,
}

impl Manner {
    /// As the configuration says.
    pub fn of(building: &Building) -> Self {
        match building.app.config.build.dependencies.as_ref().map(|dependencies| dependencies.reuse) {
            Some(Reuse::Copy) => Self::CopiedToBeChanged,
            Some(Reuse::Link) => Self::Shared,
            // A file's mode holds nobody back who may do everything.
            _ if geteuid().is_root() => Self::Copied,
            _ => Self::Shared,
        }
    }
}

/// The dependencies of a release that is being built.
pub struct Provided {
    pub key: String,
    /// When they were made, if they were made now.
    made: Option<Moment>,
    /// How large they were when they were taken over, and how many commands had been run until then.
    counted: Option<(u64, usize)>,
}

/// Gives the release its dependencies, from another release with the same key or by their command; none if the configuration
/// has none.
pub fn provide(building: &mut Building, revision: &str, manner: Manner) -> Result<Option<Provided>> {
    let app = building.app;
    let Some(dependencies) = &app.config.build.dependencies else { return Ok(None) };
    let key = key::of_dependencies(dependencies, building.folder(), revision)?;
    let from = kept::with_dependencies(&app.home, &key, dependencies.path.as_path())?;
    let (made, bytes) = match from {
        Some(release) => (None, take_over(building, dependencies, &release, manner)?),
        None => (Some(make(building, dependencies)?), None),
    };
    let counted = bytes.map(|bytes| (bytes, building.commands));
    Ok(Some(Provided { key, made, counted }))
}

/// Their size, if that came to light.
fn take_over(
    building: &mut Building,
    dependencies: &Dependencies,
    release: &Manifest,
    manner: Manner,
) -> Result<Option<u64>> {
    building.tell(&format!("{} is that of {}", dependencies.path, release.id))?;
    let path = dependencies.path.as_path();
    let from = building.app.home.release(&release.id).join(path);
    let to = building.folder().join(path);
    let timeout = building.app.config.build.timeout;
    tree::make_parents(building.folder(), path, "[build.dependencies] path")?;
    tree::remove(&to)?;
    match manner {
        Manner::Shared if from.is_dir() && !from.is_symlink() => {
            building.shares = true;
            return twin::make(&from, &to, timeout).map(Some);
        }
        Manner::Shared | Manner::Copied => tree::copy(&from, &to, timeout)?,
        Manner::CopiedToBeChanged => {
            tree::copy(&from, &to, timeout)?;
            twin::make_writable(&to)?;
        }
    }
    Ok(None)
}

fn make(building: &mut Building, dependencies: &Dependencies) -> Result<Moment> {
    let begin = building.log_length();
    building.run(&dependencies.command)?;
    if tree::is_there(&building.folder().join(dependencies.path.as_path())) {
        return Moment::at(building.folder());
    }
    Err(Error::NoDependencies {
        command: dependencies.command.clone(),
        path: dependencies.path.to_string(),
        log: building.log_path(),
        output: building.said_since(begin),
    })
}

impl Provided {
    /// Once the build is over: what has been made now, and what the build has not changed, can be shared from here on.
    pub fn protect(&self, building: &Building, manner: Manner) -> Result<()> {
        let dependencies = building.app.config.build.dependencies.as_ref();
        match (manner, dependencies, self.made) {
            (Manner::Shared, Some(dependencies), Some(made)) => {
                twin::protect(&building.folder().join(dependencies.path.as_path()), made)
            }
            _ => Ok(()),
        }
    }
}

/// The size of all that is in a release. What no command could have changed since it was counted is not counted again.
pub fn bytes(building: &Building, provided: Option<&Provided>) -> Result<u64> {
    let dependencies = building.app.config.build.dependencies.as_ref();
    let counted = provided.and_then(|provided| provided.counted);
    match (dependencies, counted) {
        (Some(dependencies), Some((bytes, commands))) if commands == building.commands => {
            let path = building.folder().join(dependencies.path.as_path());
            Ok(bytes + tree::bytes_without(building.folder(), &path)?)
        }
        _ => tree::bytes(building.folder()),
    }
}
