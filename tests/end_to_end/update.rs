//! update-instance: fetch and build first, only then stop the instance and point it at the release.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use support::{Running, SOON, Signal, eventually, processes};

use crate::world;

#[test]
fn a_tag() {
    let world = world().release("v1").release("v2");
    world.run(["update-instance", "b", "v1"]).succeeds().prints(&world.id("v1"));
    assert_eq!(world.release_of("B"), world.id("v1"));
    assert_eq!(world.read("instances/B/switches"), "VERSION=v1\n");
    let manifest: serde_json::Value = serde_json::from_str(&world.read("instances/B/release.json")).unwrap();
    assert_eq!(manifest["id"], world.id("v1"));
    assert_eq!(manifest["revision"], "v1");
    assert_eq!(manifest["commit"], world.commit_of("v1"));
}

#[test]
fn the_newest_tag_by_version_order_when_no_revision_is_named() {
    let world = world().release("v1.9").release("v1.10").release("v1.2").release("w7").release("v1.10-rc1");
    world.run(["update-instance", "b"]).succeeds().prints(&world.id("v1.10"));
}

#[test]
fn one_argument_that_is_no_instance_is_a_revision() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["update-instance", "v2"]).succeeds().prints(&world.id("v2"));
    assert_eq!(world.release_of("B"), world.id("v2"));
    assert_eq!(world.release_of("A"), world.id("v1"));
}

#[test]
fn a_branch_and_what_it_has_become() {
    let world = world().release("v1");
    world.commit(&[("switches", "VERSION=first\n")]);
    world.git(["branch", "feature/tea"]);
    let first = world.id("feature/tea");
    assert!(first.starts_with("feature-tea-"), "{first}");
    world.run(["update-instance", "b", "branch:feature/tea"]).succeeds().prints(&first);
    world.git(["checkout", "--quiet", "feature/tea"]);
    world.commit(&[("switches", "VERSION=second\n")]);
    let second = world.id("feature/tea");
    assert_ne!(first, second);
    world.run(["update-instance", "b", "feature/tea"]).succeeds().prints(&second);
    assert_eq!(world.read("instances/B/switches"), "VERSION=second\n");
}

#[test]
fn a_configured_branch() {
    let world = world().set("source.revision", "\"branch:main\"").release("v1");
    world.make();
    world.commit(&[("switches", "VERSION=main\n")]);
    world.run(["update-instance", "b"]).succeeds().prints(&world.id("main"));
}

#[test]
fn a_commit() {
    let world = world().release("v1").release("v2");
    let commit = world.commit_of("v1");
    world.run(["update-instance", "b", &commit]).succeeds().prints(&commit[..12]);
    world.run(["update-instance", "b", &commit[..9]]).succeeds().prints(&commit[..12]);
    assert_eq!(world.read("instances/B/switches"), "VERSION=v1\n");
}

#[test]
fn what_is_as_good_as_sure_to_be_new_is_fetched_without_a_question() {
    let world = world().release("v1").release("v2");
    let trace = world.folder().join("trace");
    let connections = |revision: &str, id: &str| {
        let _ = std::fs::remove_file(&trace);
        let written = [("GIT_TRACE", trace.to_str().unwrap())];
        world.run_with(&written, ["update-instance", "b", revision]).succeeds().prints(id);
        std::fs::read_to_string(&trace).unwrap().matches("built-in: git upload-pack").count()
    };
    assert_eq!(connections("v1", &world.id("v1")), 2, "there is no mirror yet");
    assert_eq!(connections("v2", &world.id("v2")), 1, "a tag that was never deployed");
    assert_eq!(connections("v2", &world.id("v2")), 1, "one that was");
    world.commit(&[("switches", "VERSION=main\n")]);
    world.git(["tag", "--force", "v2"]);
    assert_eq!(connections("v2", &world.id("v2")), 2, "one that was moved");
    world.publish("v4", &[]);
    assert_eq!(connections("tag:v*", &world.id("v4")), 2, "the newest tag");
    world.commit(&[("switches", "VERSION=tea\n")]);
    assert_eq!(connections("branch:main", &world.id("main")), 1, "a branch");
    world.git(["commit", "--quiet", "--amend", "--message=Pushed with force"]);
    assert_eq!(connections("branch:main", &world.id("main")), 1, "one that was pushed with force");
    world.git(["branch", "other"]);
    world.run(["update-instance", "b", "other"]).succeeds().prints(&world.id("main"));
    world.git(["branch", "--delete", "other"]);
    world
        .run(["update-instance", "b", "branch:other"])
        .fails_with(1)
        .says("there is no revision `branch:other`");
}

#[test]
fn a_tag_that_was_moved() {
    let world = world().release("v1").release("v2");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let before = world.id("v1");
    world.git(["tag", "--force", "v1", "v2"]);
    assert_ne!(world.id("v1"), before);
    world.run(["update-instance", "b", "v1"]).succeeds().prints(&world.id("v1"));
    assert_eq!(world.read("instances/B/switches"), "VERSION=v2\n");
}

#[test]
fn an_annotated_tag() {
    let world = world().release("v1");
    world.make();
    world.git(["tag", "--annotate", "--message=The second", "v2"]);
    world.run(["update-instance", "b"]).succeeds().prints(&world.id("v2"));
}

#[test]
fn no_such_revision() {
    let world = world().release("v1").release("v2").deployed("v1");
    let source = world.source().display().to_string();
    for revision in ["v3", "branch:v1", "0123456789ab"] {
        world
            .run(["update-instance", "b", revision])
            .fails_with(1)
            .prints_nothing()
            .says(&format!("update-instance: there is no revision `{revision}` in {source}"));
    }
    world.run(["update-instance", "b", "v3"]).says("the newest tags are v2, v1");
    world.serves("A", "v1");
}

#[test]
fn what_can_be_no_revision_is_bad_usage() {
    let world = world().release("v1");
    for revision in ["v1..v2", "a b", "tag:"] {
        world.run(["update-instance", "b", revision]).fails_with(2).says("is not a revision");
    }
}

#[test]
fn no_such_repository() {
    let world = world().set("source.git", "\"/nonexistent/repository\"");
    world.run(["update-instance", "b", "v1"]).fails_with(1).prints_nothing().says("/nonexistent/repository");
}

#[test]
fn the_build_runs_in_the_release_before_it_is_one() {
    let world = world()
        .set("build.command", r#"'pwd > where; cp switches built; echo "built by $(id -un)"'"#)
        .release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let id = world.id("v1");
    assert_eq!(world.read("instances/B/built"), "VERSION=v1\n");
    assert!(world.read(&format!("logs/build-{id}.log")).contains("built by "));
    let folder = world.read("instances/B/where");
    assert!(folder.contains("/releases/."), "{folder}");
}

#[test]
fn the_same_release_is_not_built_twice() {
    let world = world().release("v1").release("v2");
    let counted = world.folder().join("counted").display().to_string();
    world.change("build.command", &format!("'echo built >> {counted}'"));
    let built = || std::fs::read_to_string(&counted).unwrap_or_default().lines().count();
    for (instance, revision, times) in [("a", "v1", 1), ("b", "v1", 1), ("a", "v2", 2), ("a", "v1", 2)] {
        world.run(["update-instance", instance, revision]).succeeds().prints(&world.id(revision));
        assert_eq!(built(), times, "{instance} {revision}");
    }
}

#[test]
fn another_build_section_makes_another_release() {
    let world = world().set("build.command", "'echo one > built'").release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds().prints(&world.id("v1"));
    world.change("build.command", "'echo two > built'");
    let second = format!("{}-2", world.id("v1"));
    world.run(["update-instance", "b", "v1"]).succeeds().prints(&second);
    assert_eq!(world.read("instances/B/built"), "two\n");
    assert_eq!(world.read(&format!("releases/{}/built", world.id("v1"))), "one\n");
    world.change("build.command", "'echo one > built'");
    world.run(["update-instance", "b", "v1"]).succeeds().prints(&world.id("v1"));
}

#[test]
fn a_build_that_fails_shows_its_last_lines_and_leaves_the_instance_alone() {
    let world = world().release("v1").release("v2");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    world.change("build.command", "'seq 100; echo error TS2304: no such name >&2; exit 2'");
    let id = world.id("v2");
    let ran = world.run(["update-instance", "b", "v2"]).fails_with(1).prints_nothing();
    let log = format!("logs/build-{id}.log");
    let ran = ran
        .says("exited with status 2")
        .says_once("  | error TS2304: no such name")
        .says("  | 100\n")
        .says_not("  | 50\n")
        .says(&world.home().join(&log).display().to_string());
    assert!(ran.stderr().chars().count() < 2000);
    assert!(world.read(&log).contains("\n50\n"));
    assert_eq!(world.release_of("B"), world.id("v1"));
    assert_eq!(world.get_from("B", "/").header("x-release"), Some(&*world.id("v1")));
    assert!(!world.list("releases").contains(&id), "{:?}", world.list("releases"));
}

#[test]
fn a_build_that_takes_too_long_is_ended_with_all_it_started() {
    let world = world()
        .set("build.timeout", "\"1s\"")
        .set("build.command", "'sleep 4321 & sleep 4321'")
        .release("v1");
    world.run(["update-instance", "b", "v1"]).fails_with(1).says("took longer than 1.0 s");
    let left = processes::with_environment("FLIPSIDE_PROCESS", &format!("{}#build", world.home().display()));
    assert_eq!(left, Vec::<i32>::new());
}

#[test]
fn what_was_cut_off_is_ended_by_the_next_one_also_if_run_was_lost_meanwhile() {
    let world = world().release("v1").release("v2").release("v3").release("v4");
    let mark = format!("{}#build", world.home().display());
    let running = || processes::with_environment("FLIPSIDE_PROCESS", &mark);
    let (begun, settings) = (world.folder().join("begun"), world.folder().join("gitconfig"));
    let endless = format!("touch {}; sleep 4321", begun.display());
    world.write_executable("fetch", &format!("#!/bin/sh\n{endless}\n"));
    let fetch = world.home().join("fetch");
    std::fs::write(&settings, format!("[uploadpack]\npackObjectsHook = {}\n", fetch.display())).unwrap();
    let cut_off = |command: Command| {
        let _ = std::fs::remove_file(&begun);
        let cut_off = Running::start("update-instance", command);
        eventually(SOON, "it is under way", || begun.exists());
        cut_off.signal(Signal::SIGKILL);
        cut_off.wait();
        assert!(!running().is_empty());
    };
    world.run(["update-instance", "b", "v1"]).succeeds();
    for (release, run_is_lost) in [("v2", false), ("v3", true)] {
        world.change("build.command", &format!("'{endless}'"));
        cut_off(world.command(&["update-instance", "b", release]));
        if run_is_lost {
            world.remove("run");
        }
        world.change("build.command", "'true'");
        world.run(["update-instance", "b", release]).succeeds();
        assert_eq!(running(), Vec::<i32>::new());
    }
    // Nothing is built now: it is known that nothing is left.
    world.run(["update-instance", "b", "v3"]).succeeds();
    let mut fetches = world.command(&["update-instance", "b", "v4"]);
    fetches.env("GIT_CONFIG_GLOBAL", &settings);
    cut_off(fetches);
    world.run(["update-instance", "b", "v4"]).succeeds();
    assert_eq!(running(), Vec::<i32>::new());
}

#[test]
fn dependencies_are_kept_while_their_key_is_the_same() {
    let world = world();
    let counted = world.folder().join("counted").display().to_string();
    world.change(
        "build.dependencies.command",
        &format!("'mkdir modules; cp lock modules/installed; echo x >> {counted}'"),
    );
    world.change("build.dependencies.path", "\"modules\"");
    world.change("build.dependencies.key", "[\"lock\"]");
    let world = world
        .release("v1")
        .with_file("lock", "one")
        .release("v2")
        .release("v3")
        .with_file("lock", "two")
        .release("v4")
        .with_file("lock", "one");
    let installed = || std::fs::read_to_string(&counted).unwrap_or_default().lines().count();
    for (revision, lock, times) in [("v1", "one", 1), ("v2", "one", 1), ("v3", "two", 2), ("v4", "one", 2)] {
        world.run(["update-instance", "b", revision]).succeeds();
        assert_eq!(world.read("instances/B/modules/installed"), lock, "{revision}");
        assert_eq!(installed(), times, "{revision}");
    }
}

#[test]
fn a_build_cannot_change_the_dependencies_of_other_releases() {
    let world = world()
        .set("build.dependencies.command", "'mkdir modules; echo tool > modules/tool; sleep 0.02'")
        .set("build.dependencies.path", "\"modules\"")
        .set("build.dependencies.key", "[]")
        .set("build.command", "'! grep -q v3 switches || echo changed > modules/tool'")
        .release("v1")
        .release("v2")
        .release("v3");
    if !world.give_to_nobody() {
        return;
    }
    let update = |release: &str| world.run(["update-instance", "b", release]).succeeds();
    let tool = |id: &str| world.home().join("releases").join(id).join("modules/tool");
    let inode = |id: &str| std::fs::metadata(tool(id)).unwrap().ino();
    let first = update("v1").answer().to_owned();
    let second = update("v2").says_not("copy of its own").answer().to_owned();
    assert_eq!(inode(&first), inode(&second));
    let third = update("v3").says_once("it got a copy of its own").answer().to_owned();
    for (release, text) in [(&first, "tool\n"), (&second, "tool\n"), (&third, "changed\n")] {
        assert_eq!(std::fs::read_to_string(tool(release)).unwrap(), text, "{release}");
    }
}

#[test]
fn dependencies_come_before_the_build() {
    let world = world()
        .set("build.dependencies.command", "'mkdir modules; echo tool > modules/tool'")
        .set("build.dependencies.path", "\"modules\"")
        .set("build.dependencies.key", "[\"switches\"]")
        .set("build.command", "'cp modules/tool built'")
        .release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    assert_eq!(world.read("instances/B/built"), "tool\n");
}

#[test]
fn a_key_that_is_no_file_of_the_release() {
    let world = world()
        .set("build.dependencies.command", "'mkdir modules'")
        .set("build.dependencies.path", "\"modules\"")
        .set("build.dependencies.key", "[\"package-lock.json\"]")
        .release("v1");
    world
        .run(["update-instance", "b", "v1"])
        .fails_with(1)
        .says("[build.dependencies] key: there is no file package-lock.json in v1");
}

#[test]
fn dependencies_that_were_not_made() {
    let world = world()
        .set("build.dependencies.command", "'true'")
        .set("build.dependencies.path", "\"modules\"")
        .set("build.dependencies.key", "[\"switches\"]")
        .release("v1");
    world
        .run(["update-instance", "b", "v1"])
        .fails_with(1)
        .says("[build.dependencies] path: `true` made no modules");
}

#[test]
fn a_running_standby_is_stopped_only_after_the_build() {
    let world = world().release("v1").release("v2").release("v3").deployed("v1").deployed("v2");
    let a = world.port("A");
    // The standby answers as long as the build runs.
    world.change("build.command", &format!("'curl -sf http://127.0.0.1:{a}/health > seen'"));
    world.run(["update-instance", "v3"]).succeeds();
    assert!(world.read("instances/A/seen").starts_with("healthy A"));
    assert!(world.processes_of("A").is_empty(), "the old process would go on under a new name");
    world.serves("B", "v2");
}

#[test]
fn the_enabled_instance_is_refused() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["update-instance", "a", "v2"]).fails_with(3).prints_nothing().says("--force");
    world.serves("A", "v1");
    assert_eq!(world.release_of("A"), world.id("v1"));
}

#[test]
fn if_new_leaves_alone_what_is_up_to_date() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let pid = world.run(["pid", "a"]).succeeds();
    world.run(["update-instance", "a", "v2", "--if-new"]).succeeds().prints_nothing();
    world.run(["pid", "a"]).succeeds().prints(pid.answer());
    assert_eq!(world.release_of("A"), world.id("v1"));
}

#[test]
fn shared_folders_survive_releases() {
    let world = world().set("run.shared", "[\"uploads\"]").release("v1").release("v2");
    world.run(["update-instance", "b", "v1"]).succeeds();
    std::fs::write(world.home().join("instances/B/uploads/picture"), "of a cat").unwrap();
    world.run(["update-instance", "b", "v2"]).succeeds();
    assert_eq!(world.read("instances/B/uploads/picture"), "of a cat");
    assert_eq!(world.read("shared/uploads/picture"), "of a cat");
}

#[test]
fn a_dry_run_builds_nothing() {
    let world = world().release("v1").set("build.command", "'touch /nonexistent/x'");
    world.run(["update-instance", "b", "v1", "--dry-run"]).succeeds();
    assert_eq!(world.list("releases"), Vec::<String>::new());
    assert!(!world.exists("instances/B"));
}

#[test]
fn a_build_leaves_the_processors_to_who_serves_and_a_hook_is_as_its_caller() {
    let world = world()
        .set("build.command", "\"nice >niceness; cat /proc/self/autogroup >session; sh -c nice >of-a-child\"")
        .release("v1");
    world.write_executable("hooks/pre-build", "#!/bin/sh\nnice >\"$FLIPSIDE_HOME/of-the-hook\"\n");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let ours = Command::new("nice").output().unwrap();
    assert_eq!(world.read("of-the-hook").as_bytes(), ours.stdout);
    assert_eq!(world.read("instances/B/niceness"), "10\n");
    assert_eq!(world.read("instances/B/of-a-child"), "10\n");
    let session = world.read("instances/B/session");
    // A kernel without autogroups has no such file.
    assert!(session.is_empty() || session.ends_with(" nice 10\n"), "{session}");
}
