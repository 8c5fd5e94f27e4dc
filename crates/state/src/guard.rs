//! Whether a home can be worked in: nobody else may write there, and nothing in it leads out of it.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::{Home, file};

/// What a query reads: the switch, and the records of the instances.
const ASKED: [&str; 2] = ["nginx", "run"];
/// The other folders in which we write, or out of which we run something.
const WORKED_IN: [&str; 6] = ["logs", "releases", "instances", "hooks", "shared", "repository.git"];

/// An error if everybody may write into the home, or a folder of it is a symlink.
pub fn check(home: &Home) -> Result<()> {
    check_to_ask(home)?;
    writable_by_others(&home.path().join("bin"))?;
    WORKED_IN.iter().try_for_each(|name| folder(&home.path().join(name)))
}

/// The same of what a query believes.
pub fn check_to_ask(home: &Home) -> Result<()> {
    let path = home.path();
    if path.to_string_lossy().contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err(wrong(path, "this name cannot be a home's: it must be UTF-8 without control characters"));
    }
    writable_by_others(path)?;
    writable_by_others(&home.configuration())?;
    ASKED.iter().try_for_each(|name| folder(&path.join(name)))
}

fn folder(path: &Path) -> Result<()> {
    file::real_folder(path)?.map_or(Ok(()), |folder| nobody_else_may_write(path, &folder))
}

fn writable_by_others(path: &Path) -> Result<()> {
    fs::metadata(path).map_or(Ok(()), |found| nobody_else_may_write(path, &found))
}

fn nobody_else_may_write(path: &Path, found: &Metadata) -> Result<()> {
    let mode = found.permissions().mode();
    if mode & 0o002 == 0 {
        return Ok(());
    }
    Err(wrong(
        path,
        &format!(
            "can be changed by everybody (mode {:04o}); run chmod o-w {}",
            mode & 0o7777,
            path.display()
        ),
    ))
}

fn wrong(path: &Path, problem: &str) -> Error {
    Error::Configuration { file: path.to_owned(), line: None, problem: problem.to_owned() }
}
