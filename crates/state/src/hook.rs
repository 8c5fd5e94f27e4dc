//! Hooks: executables of the operator's in `hooks/`, run at certain steps.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Home, command, log};

/// A hook that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("the hook {name} {problem}")]
pub struct Failed {
    pub name: String,
    pub problem: String,
    /// The end of what it printed.
    pub output: Vec<String>,
}

/// Runs `hooks/<name>` in `folder` with these variables; false if there is no such hook.
pub fn run(
    home: &Home,
    name: &str,
    folder: &Path,
    variables: &[(&str, String)],
    timeout: Duration,
) -> Result<bool, Failed> {
    let Some(path) = find(home, name)? else { return Ok(false) };
    let failed = |problem: String, output| Failed { name: name.to_owned(), problem, output };
    let mut hook = Command::new(&path);
    hook.current_dir(folder).env("FLIPSIDE_HOME", home.path()).envs(variables.iter().cloned());
    let ended = command::captured(&mut hook, timeout)
        .map_err(|error| failed(format!("cannot be run: {error} ({})", path.display()), Vec::new()))?;
    if ended.succeeded() {
        return Ok(true);
    }
    Err(failed(ended.in_words(timeout), log::excerpt(&ended.output, 10, 160)))
}

/// The hook's path, if it is there; it is an error if it is there and cannot be run.
pub fn find(home: &Home, name: &str) -> Result<Option<PathBuf>, Failed> {
    let path = home.hook(name);
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    let failed = |problem| Failed { name: name.to_owned(), problem, output: Vec::new() };
    let mode = metadata.permissions().mode();
    if mode & 0o111 == 0 {
        return Err(failed(format!("is not executable; run chmod +x {}", path.display())));
    }
    if mode & 0o002 != 0 {
        return Err(failed(format!("can be changed by everybody; run chmod o-w {}", path.display())));
    }
    Ok(Some(path))
}
