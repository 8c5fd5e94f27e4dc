//! Secrets, and what the caller's environment may do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::{World, processes};

use super::after;
use crate::world;

const SECRET: &str = "hunter2-and-more";

/// The files in the home that hold the secret.
fn holders(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            holders(&path, found);
        } else if kind.is_file()
            && fs::read(&path).unwrap().windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
        {
            found.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

fn with_secrets() -> World {
    let world = world().release("v1");
    world.write("env", &format!("SECRET={SECRET}\n"));
    world.set_mode("env", 0o600);
    let store = world.folder().join("store");
    fs::write(&store, format!("OTHER={SECRET}\n")).unwrap();
    world.change("run.env_command", &format!("'cat {}; echo said >&2'", store.display()));
    world
}

#[test]
fn secrets_are_in_no_file_no_answer_and_no_command_line() {
    let world = with_secrets();
    let told = world.deploy("v1").succeeds();
    assert!(world.get_from("A", "/env").body.contains(SECRET));
    let lines: Vec<_> = processes::all().into_iter().map(processes::command_line).collect();
    assert!(lines.iter().all(|line| !line.contains(SECRET)), "{lines:?}");
    let mut answers = vec![told];
    for words in
        [["status", "--json"], ["deployments", "--json"], ["releases", "--json"], ["deploy", "--dry-run"]]
    {
        answers.push(world.run(words));
    }
    for answer in answers {
        assert!(!answer.to_string().contains(SECRET), "{answer}");
    }
    let mut found = BTreeSet::new();
    holders(&world.home(), &mut found);
    assert_eq!(found, ["env".to_owned()].into());
}

#[test]
fn a_secret_in_a_wrong_line_is_not_quoted() {
    let world = with_secrets();
    world.deploy("v1").succeeds();
    for text in [
        format!("{SECRET}\n"),
        format!("A B={SECRET}\n"),
        format!("'{SECRET}=x\n"),
        format!("A=\0{SECRET}\n"),
    ] {
        world.write("env", &text);
        let ran = world.run(["start-instance", "b"]);
        assert!(ran.status() != 0 && !ran.to_string().contains(SECRET), "{ran}");
        let ran = world.run(["deploy", "--force"]);
        assert!(ran.status() != 0 && !ran.to_string().contains(SECRET), "{ran}");
    }
    world.write("env", "");
    let file = world.home().join("printed");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    world.change("run.env_command", &format!("'cat {}'", file.display()));
    let ran = world.run(["start-instance", "b"]);
    assert!(ran.status() != 0 && !ran.to_string().contains(SECRET), "{ran}");
    world.serves("A", "v1");
}

#[test]
fn the_password_of_a_repository_is_told_to_git_alone() {
    let world = world().release("v1").without_nginx();
    let port = world.spare_port();
    for address in [
        "http://me:PASSWORD@127.0.0.1:PORT/x.git",
        "ssh://me:PASSWORD@127.0.0.1:PORT/x.git",
        "ftp://me:PASSWORD@127.0.0.1:PORT/x",
    ] {
        let address = address.replace("PASSWORD", SECRET).replace("PORT", &port.to_string());
        world.change("source.git", &format!("\"{address}\""));
        world.set_mode("flipside.toml", 0o644);
        world.run(["update-instance", "a"]).fails_with(2).says("can be read by others").says("chmod 600");
        world.set_mode("flipside.toml", 0o600);
        for words in [["update-instance", "a"], ["deploy", "--dry-run"]] {
            let ran = world.run(words);
            assert!(ran.status() != 0 && !ran.to_string().contains(SECRET), "{ran}");
        }
        let ran = world.run(["deploy", "v1"]);
        assert!(ran.status() != 0 && !ran.to_string().contains(SECRET), "{ran}");
    }
    let mut found = BTreeSet::new();
    holders(&world.home(), &mut found);
    assert_eq!(found, ["flipside.toml".to_owned()].into());
}

#[test]
fn what_the_caller_has_in_the_environment_reaches_neither_builds_nor_instances() {
    let world = world().release("v1").without_nginx();
    world.change("build.command", "'env > built-with; ulimit -c >> built-with'");
    let library = world.folder().join("nowhere.so").display().to_string();
    let callers = [
        ("DEPLOYERS_TOKEN", SECRET),
        ("NODE_OPTIONS", "--require=/tmp/evil.js"),
        ("BASH_ENV", "/tmp/evil.sh"),
        ("ENV", "/tmp/evil.sh"),
        ("GIT_WORK_TREE", "/"),
        ("GIT_EXTERNAL_DIFF", "/tmp/evil"),
        ("PYTHONPATH", "/tmp"),
        ("LD_PRELOAD", &library),
        ("LC_X;touch planted;X", "x"),
        ("LANG", "C.UTF-8"),
        ("https_proxy", "http://127.0.0.1:1"),
    ];
    world.run_with(&callers, ["update-instance", "a"]).succeeds();
    world.run_with(&callers, ["start-instance", "a"]).succeeds();
    let instance = fs::read(format!("/proc/{}/environ", world.run(["pid", "a"]).answer())).unwrap();
    let instance = String::from_utf8_lossy(&instance).replace('\0', "\n");
    let build = world.read("instances/A/built-with");
    for environment in [&instance, &build] {
        for (name, _) in &callers[..9] {
            assert!(!environment.contains(&format!("{name}=")), "{name}: {environment}");
        }
        for name in ["PATH=", "LANG=C.UTF-8", "https_proxy=", "RELEASE=", "FLIPSIDE_HOME="] {
            assert!(environment.lines().any(|line| line.starts_with(name)), "{name}: {environment}");
        }
    }
}

#[test]
fn no_core_dump_holds_what_a_command_knew() {
    let world = with_secrets();
    world.write_executable(
        "hooks/pre-connect",
        "#!/bin/sh\ngrep 'core file' /proc/$PPID/limits > \"$FLIPSIDE_HOME/limits\"\n",
    );
    after(&world, "ulimit -c unlimited", &["deploy", "v1"]).succeeds();
    let limits = world.read("limits");
    assert_eq!(limits.split_whitespace().nth(4), Some("0"), "{limits}");
    // The app, which has the same secrets, may raise its own.
    assert_eq!(limits.split_whitespace().nth(5), Some("unlimited"), "{limits}");
}
