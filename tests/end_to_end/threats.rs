//! What somebody may try who wants more than they were given: by the home's files, by names, by the repository, by the
//! app's answers and output. Each test tries it, and it does not get through.

#[path = "threats/app.rs"]
mod app;
#[path = "threats/home.rs"]
mod home;
#[path = "threats/names.rs"]
mod names;
#[path = "threats/others.rs"]
mod others;
#[path = "threats/repository.rs"]
mod repository;
#[path = "threats/secrets.rs"]
mod secrets;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Ran, Running, World, surround};

/// A command that is run by a shell after this: with another umask or limit.
pub fn after(world: &World, preparation: &str, words: &[&str]) -> Ran {
    let plain = world.command(words);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{preparation}; exec \"$0\" \"$@\"")]);
    shell.arg(plain.get_program()).args(plain.get_args());
    surround(&mut shell, &plain);
    Running::start(&words.join(" "), shell).wait()
}

/// A file or folder beside the home, where nothing of flipside's has any business.
fn outside(world: &World, name: &str) -> PathBuf {
    world.folder().join(name)
}

/// Puts a symlink in the home, in place of what is there.
fn plant(world: &World, path: &str, target: &Path) {
    let link = world.home().join(path);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    if fs::symlink_metadata(&link).is_ok() {
        world.remove(path);
    }
    symlink(target, link).unwrap();
}

fn make_fifo(path: &Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
