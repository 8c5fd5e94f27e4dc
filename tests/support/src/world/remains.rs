//! What is left of a world when its test is over, or was killed: nothing.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use nix::unistd::geteuid;

use super::World;
use crate::ports;
use crate::processes;

/// In the environment of all that a world starts.
pub(super) const MARK: &str = "FLIPSIDE_TEST_WORLD";

/// Locked by each world together with the others, and alone while there is the full load.
pub(crate) const BUSY: &str = "busy.lock";

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", tails(&self.folder));
        }
        clean_up(&self.folder, &self.masters.borrow());
        let _ = fs::remove_file(&self.lock);
    }
}

/// The last lines of all logs of a world.
fn tails(folder: &Path) -> String {
    let mut text = String::new();
    for logs in ["home/logs", "proxy/logs"] {
        for entry in fs::read_dir(folder.join(logs)).into_iter().flatten().flatten() {
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<&str> = content.lines().collect();
            let _ = writeln!(text, "{logs}/{}:", entry.file_name().display());
            for line in &lines[lines.len().saturating_sub(15)..] {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    text
}

pub(super) fn mark(folder: &Path) -> String {
    format!("{}/", folder.display())
}

/// Ends what the world started, and removes its folder.
fn clean_up(folder: &Path, masters: &[i32]) {
    let instance = format!("FLIPSIDE_PROCESS={}#", folder.join("home").display());
    let marked = format!("{MARK}={}", mark(folder));
    let titled = || {
        let mine = |pid: &i32| {
            let line = processes::command_line(*pid);
            line.starts_with("nginx: ") && line.contains(&mark(folder))
        };
        processes::all().into_iter().filter(mine).collect::<Vec<_>>()
    };
    let masters: Vec<i32> = titled().into_iter().chain(masters.iter().copied()).collect();
    processes::end(|| {
        let mut found = processes::whose_environment(|it| it.holds(&instance) || it.holds(&marked));
        found.extend(nginx_in_sessions(&masters));
        found
    });
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("{}: {error}", folder.display());
    }
}

/// The masters and their workers: a worker whose master was killed has no other trace of it.
fn nginx_in_sessions(masters: &[i32]) -> Vec<i32> {
    let is_nginx = |pid: &i32| processes::command_line(*pid).starts_with("nginx: ");
    processes::in_sessions(masters).into_iter().filter(is_nginx).collect()
}

/// The folder of all worlds of this user. What a killed test left there is removed.
pub(crate) fn all_worlds() -> PathBuf {
    static SWEPT: Once = Once::new();
    let all = std::env::temp_dir().join(format!("flipside-tests-{}", geteuid()));
    fs::create_dir_all(&all).unwrap_or_else(|error| panic!("{}: {error}", all.display()));
    SWEPT.call_once(|| {
        for entry in fs::read_dir(&all).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_world = entry.file_name().to_string_lossy().starts_with("world-");
            if is_world
                && path.extension() == Some(OsStr::new("lock"))
                && let Some(_held) = ports::hold(&path)
            {
                clean_up(&path.with_extension(""), &[]);
                let _ = fs::remove_file(path);
            }
        }
    });
    all
}
