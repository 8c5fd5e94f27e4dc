//! The whole releases that the home keeps.

use std::cmp::Reverse;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use state::{Home, InstanceName, IoContext as _, Manifest, ReleaseId};

use crate::error::{Error, Result};
use crate::source::Revision;
use crate::tree;

/// The whole releases, newest first.
pub fn list(home: &Home) -> Result<Vec<Manifest>> {
    manifests(home, |_| true)
}

/// A kept release by its id; its revision's name (the newest of that name); or the beginning of its id or of its commit,
/// if there is no other such release.
pub fn find(home: &Home, name: &str) -> Result<Manifest> {
    // By its whole id without a look at the others, which may be many.
    if let Ok(id) = ReleaseId::try_from(name.to_owned())
        && let Some(release) = one(home, id.as_str())?
    {
        return Ok(release);
    }
    let releases = list(home)?;
    if let Some(release) = releases.iter().find(|release| release.revision == name) {
        return Ok(release.clone());
    }
    let begins = |release: &&Manifest| {
        !name.is_empty()
            && (release.id.as_str().starts_with(name) || name.len() >= 4 && release.commit.starts_with(name))
    };
    let found: Vec<_> = releases.iter().filter(begins).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let known = match ids(releases.iter()) {
                none if none.is_empty() => "none has been built yet".to_owned(),
                some => format!("there are {some}"),
            };
            Err(Error::UnknownRelease { name: name.to_owned(), known })
        }
        _ => Err(Error::AmbiguousRelease { name: name.to_owned(), found: ids(found.into_iter()) }),
    }
}

/// The release of this revision that was built like this.
pub fn of(home: &Home, revision: &Revision, build: &str) -> Result<Option<Manifest>> {
    let is_it = |release: &Manifest| release.commit == revision.commit && release.build == build;
    if let Some(first) = one(home, &revision.id())?.filter(is_it) {
        return Ok(Some(first));
    }
    // Its id ends with the commit's digits, whatever the commit was called then: the others need not be read.
    let digits = &revision.commit[..7];
    let same = manifests(home, |folder| folder.contains(digits))?;
    Ok(same.into_iter().find(is_it))
}

/// The newest release that has these dependencies at `path`. Those of the instances are looked at first: nearly always one of
/// them has them, and then the others, which may be many, need not be read.
pub fn with_dependencies(home: &Home, key: &str, path: &Path) -> Result<Option<Manifest>> {
    let has_them = |release: &Manifest| {
        release.dependencies.as_deref() == Some(key) && tree::is_there(&home.release(&release.id).join(path))
    };
    let mut of_instances = Vec::new();
    for id in InstanceName::BOTH.into_iter().filter_map(|name| ReleaseId::of_instance(home, name)) {
        of_instances.extend(one(home, id.as_str())?.filter(has_them));
    }
    match of_instances.into_iter().max_by_key(|release| release.built) {
        None => Ok(list(home)?.into_iter().find(has_them)),
        found => Ok(found),
    }
}

/// The first id for this revision that no folder has.
pub fn free_id(home: &Home, revision: &Revision) -> ReleaseId {
    let id =
        |text: String| ReleaseId::try_from(text).expect("a revision's id is made of what an id may hold");
    let first = revision.id();
    let others = (2_u32..).map(|number| id(format!("{first}-{number}")));
    let mut all = std::iter::once(id(first.clone())).chain(others);
    all.find(|id| !tree::is_there(&home.release(id))).expect("numbers do not end")
}

/// Those in folders whose name passes, newest first.
fn manifests(home: &Home, passes: impl Fn(&str) -> bool) -> Result<Vec<Manifest>> {
    let folder = home.releases();
    let mut releases = Vec::new();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(releases),
        entries => entries.on("cannot read", &folder)?,
    };
    for entry in entries {
        let entry = entry.on("cannot read", &folder)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.') && passes(name)) else {
            continue;
        };
        // Whatever a symlink leads to is no release of ours.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            releases.extend(in_folder(&folder.join(name), name)?);
        }
    }
    releases.sort_by(|one, other| (Reverse(one.built), &one.id).cmp(&(Reverse(other.built), &other.id)));
    Ok(releases)
}

/// The whole release of this name.
fn one(home: &Home, name: &str) -> Result<Option<Manifest>> {
    let folder = home.releases().join(name);
    let is_folder = fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
    if is_folder { in_folder(&folder, name) } else { Ok(None) }
}

/// A copy under another name is none of ours.
fn in_folder(folder: &Path, name: &str) -> Result<Option<Manifest>> {
    Ok(Manifest::read(folder)?.filter(|manifest| manifest.id.as_str() == name))
}

/// `a, b, c`, at most five.
fn ids<'a>(releases: impl ExactSizeIterator<Item = &'a Manifest>) -> String {
    let more = if releases.len() > 5 { " …" } else { "" };
    let ids: Vec<_> = releases.take(5).map(|release| release.id.as_str()).collect();
    ids.join(", ") + more
}
