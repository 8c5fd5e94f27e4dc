//! Removing what nobody needs any more.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use state::{App, Home, InstanceName, IoContext as _, ReleaseId};

use crate::error::Result;
use crate::{kept, logs, tree};

/// What to do about what is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Remove,
    Look,
}

/// Keeps the newest `[source] keep` whole releases beside those in use, and removes the others; and what interrupted
/// builds and removals left. Gives what it removed, or with `dry_run` what it would remove.
///
/// A folder in `releases/` that is no whole release and has no dot is not ours, and stays.
pub fn prune(app: &App, in_use: &[ReleaseId], dry_run: bool) -> Result<Vec<ReleaseId>> {
    let mode = if dry_run { Mode::Look } else { Mode::Remove };
    // An instance's release stays, whatever the caller says.
    let of_instances =
        InstanceName::BOTH.into_iter().filter_map(|name| ReleaseId::of_instance(&app.home, name));
    let used: HashSet<_> = in_use.iter().cloned().chain(of_instances).collect();
    let names = names_in(&app.home.releases())?;
    let mut beyond = Vec::new();
    let is_used = |name: &str| used.iter().any(|id| id.as_str() == name);
    let unused = names.iter().filter(|name| !name.starts_with('.') && !is_used(name)).count();
    // With so few, none is too many: years of releases need not be read.
    if unused > app.config.source.keep {
        let releases = kept::list(&app.home)?.into_iter().map(|release| release.id);
        beyond.extend(releases.filter(|id| !used.contains(id)).skip(app.config.source.keep));
    }
    if mode == Mode::Remove {
        for id in &beyond {
            tree::put_away(&app.home.release(id), &app.home.releases().join(format!(".{id}.old")))?;
            tree::remove(&app.home.build_log(id))?;
        }
        remove_leftovers(&app.home, &names)?;
        logs::prune(&app.home, &names, app.config.source.keep)?;
    }
    Ok(beyond)
}

fn remove_leftovers(home: &Home, in_releases: &HashSet<String>) -> Result<()> {
    let hidden = |name: &&String| name.starts_with('.');
    in_releases.iter().filter(hidden).try_for_each(|name| tree::remove(&home.releases().join(name)))?;
    [".repository.git.new", ".repository.git.old"]
        .iter()
        .try_for_each(|name| tree::remove(&home.path().join(name)))
}

/// The names of what is in a folder; none if there is no such folder.
pub(crate) fn names_in(folder: &Path) -> Result<HashSet<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashSet::new()),
        entries => entries.on("cannot read", folder)?,
    };
    let names =
        entries.map(|entry| Ok(entry.on("cannot read", folder)?.file_name().to_string_lossy().into_owned()));
    names.collect()
}
