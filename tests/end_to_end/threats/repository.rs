//! A repository whose content or address is meant to do more than to be built.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use support::World;

use super::outside;
use crate::world;

/// A commit, tagged v9, with a tree of these entries as they are: git would refuse to make it.
fn raw_commit(world: &World, entries: &[(&str, &str, &str)]) {
    let mut tree = Vec::new();
    for (mode, name, content) in entries {
        fs::write(world.folder().join("object"), content).unwrap();
        let object = world.git(["hash-object", "-w", "../object"]);
        tree.extend(format!("{mode} {name}\0").bytes());
        tree.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&object[at..at + 2], 16).unwrap()));
    }
    fs::write(world.folder().join("object"), tree).unwrap();
    let tree = world.git(["hash-object", "-w", "-t", "tree", "--literally", "../object"]);
    let commit = world.git(["commit-tree", "-m", "hostile", &tree]);
    world.git(["update-ref", "refs/tags/v9", &commit]);
}

#[test]
fn files_that_would_be_written_outside_of_the_release() {
    let world = world().release("v1").without_nginx();
    world.run(["update-instance", "a"]).succeeds();
    let elsewhere = outside(&world, "elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.display().to_string();
    let link = ("120000", "link", target.as_str());
    let cases: [&[(&str, &str, &str)]; 6] = [
        &[("100644", "../planted", "x")],
        &[("100644", "../../instances/planted", "x")],
        &[link, ("100644", "link/planted", "x")],
        &[("100644", &format!("{target}/planted"), "x")],
        &[("100644", "..", "x")],
        &[("120000", "link", "../.."), ("100644", "link/planted", "x")],
    ];
    for entries in cases {
        raw_commit(&world, entries);
        let ran = world.run(["update-instance", "b", "v9"]);
        let built =
            world.list("releases").into_iter().filter(|name| name.starts_with("v9")).collect::<Vec<_>>();
        for place in ["", "releases", "instances", "../elsewhere", ".."] {
            assert!(!world.exists(&format!("{place}/planted")), "{entries:?} {place}: {ran}");
        }
        assert_eq!(ran.status() == 0, !built.is_empty(), "{entries:?} {built:?}: {ran}");
        let _ = fs::remove_dir_all(
            world.home().join("releases").join(built.first().map_or("v9", String::as_str)),
        );
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn symlinks_that_lead_out_of_the_release_are_neither_read_nor_written_through() {
    let world = world().release("v1").without_nginx();
    world.make();
    let elsewhere = outside(&world, "elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for (key, value, link, said) in [
        ("run.shared", r#"["data/uploads"]"#, "data", "data is not a folder there"),
        ("build.dependencies.path", "\"data/modules\"", "data", "made no data/modules"),
        ("build.dependencies.key", r#"["lock"]"#, "lock", "there is no file lock"),
    ] {
        let good = world.config_text();
        if key.starts_with("build") {
            let section = "\n[build.dependencies]\ncommand = \"mkdir -p modules\"\npath = \"modules\"\nkey = [\"switches\"]\n";
            world.write_config(good.clone() + section);
        }
        world.change(key, value);
        let target = if link == "lock" { Path::new("/dev/zero") } else { &elsewhere };
        symlink(target, world.source().join(link)).unwrap();
        world.git(["add", "--all"]);
        world.git(["commit", "--quiet", "--allow-empty", "--message", link]);
        world.git(["tag", "--force", "v2"]);
        world.run(["update-instance", "a", "v2"]).fails_with(1).says(said);
        fs::remove_file(world.source().join(link)).unwrap();
        world.write_config(good);
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn git_s_own_configuration_hooks_filters_and_submodules_in_the_tree() {
    let world = world().release("v1").without_nginx();
    world.make();
    let planted = outside(&world, "planted");
    let touch = format!("touch {}", planted.display());
    let modules = format!(
        "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c {touch}\n[submodule \"y\"]\n\tpath = y\n\turl = -u./{touch}\n"
    );
    world.commit(&[
        (".gitattributes", "* filter=evil\nversion export-subst\n"),
        (".gitmodules", &modules),
        ("version", "$Format:%H$\n"),
        ("a\nname\twith \x1b[2J", "x"),
        (".flipside/hooks/pre-build", &touch),
        ("hooks/post-build", &touch),
    ]);
    world.git(["config", "filter.evil.smudge", &touch]);
    world.write_executable("../source/.git/hooks/post-upload-pack", &format!("#!/bin/sh\n{touch}\n"));
    world.git(["tag", "v2"]);
    world.change("build.command", "'git status || true'");
    world.run(["update-instance", "a", "v2"]).succeeds().says("submodules");
    assert!(!planted.exists());
    assert_eq!(world.read("instances/A/version").trim_end(), world.commit_of("v2"));
    raw_commit(
        &world,
        &[
            ("100644", ".git/config", &format!("[core]\n\tfsmonitor = {touch}\n")),
            ("100644", ".git/HEAD", "ref: refs/heads/x\n"),
        ],
    );
    world.run(["update-instance", "a", "v9"]).fails_with(1).says("invalid path '.git/config'");
    assert!(!planted.exists());
}

#[test]
fn a_repository_s_address_that_is_a_command() {
    let world = world().release("v1").without_nginx();
    let planted = outside(&world, "planted");
    for address in [
        "ext::sh -c touch% PLANTED",
        "ext::touch PLANTED",
        "ssh://-oProxyCommand=touch${IFS}PLANTED/x",
        "-oProxyCommand=touch PLANTED:x",
        "file:///nowhere;touch PLANTED",
    ] {
        let address = address.replace("PLANTED", &planted.display().to_string());
        world.change("source.git", &format!("'{address}'"));
        let ran = world.run(["update-instance", "a"]);
        assert_ne!(ran.status(), 0, "{ran}");
        assert!(!planted.exists(), "{address}");
    }
}
