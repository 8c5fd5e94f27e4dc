//! Symlinks, hard links, FIFOs and modes in the home.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::Duration;

use super::{after, make_fifo, outside, plant};
use crate::world;

#[test]
fn a_folder_of_the_home_that_leads_elsewhere() {
    let world = world().release("v1").without_nginx();
    world.make();
    let elsewhere = outside(&world, "elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for folder in ["run", "logs", "releases", "instances", "nginx", "hooks", "shared", "repository.git"] {
        let kept = outside(&world, "kept");
        let was_there = fs::rename(world.home().join(folder), &kept).is_ok();
        plant(&world, folder, &elsewhere);
        for words in [["update-instance", "a"], ["status", "--json"]] {
            world.run(words).fails_with(2).says(&format!("home/{folder}: is a symlink"));
        }
        world.remove(folder);
        if was_there {
            fs::rename(&kept, world.home().join(folder)).unwrap();
        }
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_log_or_a_lock_that_leads_to_a_file_elsewhere() {
    let world = world().release("v1").deployed("v1");
    let theirs = outside(&world, "theirs");
    fs::write(&theirs, "theirs\n").unwrap();
    let id = world.id("v1");
    for path in ["logs/B.log", "run/lock"] {
        plant(&world, path, &theirs);
        let ran = world.run(["deploy", "--force"]);
        assert_ne!(ran.status(), 0, "{path}: {ran}");
        ran.says(&format!("{path}: it is a symlink"));
        world.remove(path);
        world.serves("A", "v1");
    }
    plant(&world, "logs/A.log", &theirs);
    world.run(["logs", "a"]).fails_with(1).says("it is a symlink").prints_nothing();
    world.remove("logs/A.log");
    for path in [
        "logs/deployments.jsonl",
        "run/.B.json.new",
        "run/.deploy.json.new",
        "instances/.B.new",
        "nginx/.upstream.conf.new",
    ] {
        plant(&world, path, &theirs);
    }
    world.run(["deploy", "--force"]).succeeds().shows(&id);
    world.serves("B", "v1");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs\n");
}

#[test]
fn a_hard_link_to_a_file_of_somebody_else() {
    if !support::is_root() {
        return;
    }
    let world = world().release("v1").without_nginx();
    world.run(["update-instance", "a"]).succeeds();
    let theirs = outside(&world, "theirs");
    fs::write(&theirs, "theirs\n").unwrap();
    chown(&theirs, Some(65_534), None).unwrap();
    fs::hard_link(&theirs, world.home().join("logs/A.log")).unwrap();
    world.run(["start-instance", "a"]).fails_with(1).says("it belongs to another user (uid 65534)");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs\n");
}

#[test]
fn an_instance_or_a_release_that_leads_out_of_the_home() {
    let world = world().release("v1").without_nginx();
    world.run(["update-instance", "a"]).succeeds();
    let id = world.id("v1");
    let manifest = world.read(&format!("releases/{id}/release.json")).replace(&id, "planted");
    let elsewhere = outside(&world, "elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("release.json"), manifest).unwrap();
    plant(&world, "releases/planted", &elsewhere);
    for (target, said) in [
        ("/etc", "no release yet"),
        ("../../elsewhere", "no release yet"),
        ("../releases/planted", "the release planted, which is gone"),
        ("../releases/..", "no release yet"),
        ("planted", "no release yet"),
    ] {
        plant(&world, "instances/A", Path::new(target));
        world.run(["start-instance", "a"]).fails_with(1).says(said);
        assert!(world.processes_of("A").is_empty(), "{target}");
    }
    world.run(["update-instance", "b", "planted", "--kept"]).fails_with(1).says("there is no release");
    world.change("source.keep", "0");
    world.run(["releases", "--prune"]).succeeds().shows_no("planted");
    assert!(elsewhere.join("release.json").exists());
}

#[test]
fn a_fifo_or_a_device_in_place_of_a_file_keeps_nobody_waiting() {
    let world = world().release("v1").deployed("v1");
    let soon = |words: &[&str]| {
        let ran = after(&world, ":", words);
        assert!(ran.took < Duration::from_secs(20), "{ran}");
        ran
    };
    let id = world.id("v1");
    let files = [
        "run/lock",
        "run/A.json",
        "run/B.json",
        "run/deploy.json",
        "logs/B.log",
        "logs/deployments.jsonl",
        &format!("releases/{id}/release.json"),
        "nginx/upstream.conf",
        "env",
        "flipside.toml",
    ];
    for path in files {
        let kept = world.home().join(path).exists().then(|| world.read(path));
        make_fifo(&world.home().join(path));
        for words in [["status", "--json"], ["start-instance", "b"], ["deployments", "--json"], ["logs", "b"]]
        {
            soon(&words);
        }
        if path.starts_with("nginx") || path.starts_with("releases") {
            soon(&["deploy", "--force"]);
        }
        // A record is replaced by the next.
        let _ = fs::remove_file(world.home().join(path));
        if let Some(text) = kept {
            world.write(path, &text);
        }
    }
    soon(&["stop-instance", "b", "--force"]).succeeds();
    soon(&["update-instance", "b", "v1"]).succeeds();
    plant(&world, "env", Path::new("/dev/zero"));
    soon(&["start-instance", "b"]).fails_with(1).says("env: it is not a regular file");
    plant(&world, "flipside.toml", Path::new("/dev/zero"));
    soon(&["status"]).fails_with(2);
}

#[test]
fn a_home_that_everybody_may_write_into() {
    let world = world().release("v1").without_nginx();
    world.make();
    world.write_executable("bin/deploy", "#!/bin/sh\n");
    world.write_executable("hooks/pre-build", "#!/bin/sh\ntouch \"$FLIPSIDE_HOME/planted\"\n");
    for (path, mode) in [("", 0o1777), ("flipside.toml", 0o666), ("hooks", 0o777), ("bin", 0o777)] {
        let kept = world.home().join(path).metadata().unwrap().permissions().mode() & 0o7777;
        world.set_mode(path, mode);
        world
            .run(["update-instance", "a"])
            .fails_with(2)
            .says("can be changed by everybody")
            .says("run chmod o-w");
        world.set_mode(path, kept);
    }
    world.set_mode("hooks/pre-build", 0o777);
    world.run(["update-instance", "a"]).fails_with(1).says("can be changed by everybody");
    assert!(!world.exists("planted"));
}

#[test]
fn every_file_of_a_home_is_private_whatever_the_umask() {
    for umask in ["umask 000", "umask 077"] {
        let world = world().release("v1").with_file("uploads/first", "1").set("run.shared", r#"["uploads"]"#);
        world.write("env", "SECRET=hunter2\n");
        world.set_mode("env", 0o600);
        after(&world, umask, &["deploy", "v1"]).succeeds();
        after(&world, umask, &["deploy", "v1", "--force"]).succeeds();
        world.serves("B", "v1");
        let mut found = Vec::new();
        readable_by_others(&world.home(), &mut found);
        // nginx and whoever edits the configuration need these; a person has made them.
        found.retain(|path| path != Path::new("flipside.toml"));
        assert_eq!(found, [Path::new("nginx"), Path::new("nginx/upstream.conf")], "{umask}");
    }
}

/// What users other than the owner can come to and read, and all that they can write.
fn readable_by_others(home: &Path, found: &mut Vec<std::path::PathBuf>) {
    let mut waiting = vec![home.to_owned()];
    while let Some(folder) = waiting.pop() {
        let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode();
            if metadata.is_symlink() {
                continue;
            }
            assert_eq!(mode & 0o002, 0, "{} can be written by everybody: {mode:o}", path.display());
            if mode & 0o077 != 0 {
                found.push(path.strip_prefix(home).unwrap().to_owned());
            }
            if metadata.is_dir() && mode & 0o077 != 0 {
                waiting.push(path);
            }
        }
    }
}
