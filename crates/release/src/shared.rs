//! What survives releases: `[run] shared`, folders in `shared/` to which each release has a symlink.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use state::{App, IoContext as _, RelativePath, file};

use crate::error::Result;
use crate::tree;

/// Links each shared path of the release in `folder`. What the release brings there itself is where the shared content
/// begins: it is taken over the first time, and left out later.
pub fn link(app: &App, folder: &Path) -> Result<()> {
    app.config.run.shared.iter().try_for_each(|path| link_one(app, folder, path))
}

fn link_one(app: &App, folder: &Path, path: &RelativePath) -> Result<()> {
    let kept = app.home.shared().join(path.as_path());
    let own = folder.join(path.as_path());
    tree::make_parents(folder, path.as_path(), "[run] shared")?;
    if is_missing_or_empty(&kept) {
        begin(app, &own, &kept)?;
    }
    tree::remove(&own)?;
    let up: PathBuf = path.as_path().components().map(|_| "..").collect();
    let target = Path::new("..").join(up).join("shared").join(path.as_path());
    Ok(symlink(target, &own).on("cannot create", &own)?)
}

fn begin(app: &App, own: &Path, kept: &Path) -> Result<()> {
    file::folder(&app.home.shared())?;
    if let Some(parent) = kept.parent() {
        file::folder(parent)?;
    }
    match fs::symlink_metadata(own) {
        Ok(metadata) if !metadata.is_symlink() => {
            let name = kept.file_name().unwrap_or(OsStr::new("shared")).display();
            let copy = kept.with_file_name(format!(".{name}.new"));
            tree::remove(&copy)?;
            tree::copy(own, &copy, app.config.build.timeout)?;
            tree::sync(&app.home.shared())?;
            if kept.is_dir() && !metadata.is_dir() {
                fs::remove_dir(kept).on("cannot remove", kept)?;
            }
            Ok(file::rename(&copy, kept)?)
        }
        _ => Ok(file::folder(kept)?),
    }
}

/// The operator may have put a symlink here, to a bigger disk; nothing is put in its place.
fn is_missing_or_empty(kept: &Path) -> bool {
    match fs::symlink_metadata(kept) {
        Ok(metadata) => {
            metadata.is_dir() && fs::read_dir(kept).is_ok_and(|mut entries| entries.next().is_none())
        }
        Err(_) => true,
    }
}
