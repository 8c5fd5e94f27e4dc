//! `[build.dependencies]`: what is made only when no kept release has it.

use state::Manifest;
use state::config::Dependencies;

use crate::build::Building;
use crate::error::{Error, Result};
use crate::{kept, key, tree};

/// Gives the release its dependencies, from another release with the same key or by their command; the key, if the
/// configuration has any.
///
/// They are copied, not linked: an app may write into them, and releases share nothing.
pub fn provide(building: &mut Building, revision: &str) -> Result<Option<String>> {
    let app = building.app;
    let Some(dependencies) = &app.config.build.dependencies else { return Ok(None) };
    let key = key::of_dependencies(dependencies, building.folder(), revision)?;
    match with_the_same(building, dependencies, &key)? {
        Some(release) => take_over(building, dependencies, &release)?,
        None => make(building, dependencies)?,
    }
    Ok(Some(key))
}

fn with_the_same(building: &Building, dependencies: &Dependencies, key: &str) -> Result<Option<Manifest>> {
    let home = &building.app.home;
    let has_them = |release: &Manifest| {
        release.dependencies.as_deref() == Some(key)
            && tree::is_there(&home.release(&release.id).join(dependencies.path.as_path()))
    };
    Ok(kept::list(home)?.into_iter().find(has_them))
}

fn take_over(building: &mut Building, dependencies: &Dependencies, release: &Manifest) -> Result<()> {
    building.tell(&format!("{} is that of {}", dependencies.path, release.id))?;
    let path = dependencies.path.as_path();
    let from = building.app.home.release(&release.id).join(path);
    let to = building.folder().join(path);
    tree::make_parents(building.folder(), path, "[build.dependencies] path")?;
    tree::remove(&to)?;
    tree::copy(&from, &to, building.app.config.build.timeout)
}

fn make(building: &mut Building, dependencies: &Dependencies) -> Result<()> {
    let begin = building.log_length();
    building.run(&dependencies.command)?;
    if tree::is_there(&building.folder().join(dependencies.path.as_path())) {
        return Ok(());
    }
    Err(Error::NoDependencies {
        command: dependencies.command.clone(),
        path: dependencies.path.to_string(),
        log: building.log_path(),
        output: building.said_since(begin),
    })
}
