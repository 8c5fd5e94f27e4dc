//! start-instance: start, and wait until healthy.

use std::path::Path;

use support::{SOON, eventually, processes};

use crate::world;

#[test]
fn it_returns_when_the_instance_is_healthy() {
    let world = world().release("v1").starts_slowly();
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).succeeds().prints_nothing();
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn one_that_runs_and_is_healthy_is_success() {
    let world = world().release("v1").deployed("v1");
    let pid = world.run(["pid"]).succeeds();
    world.run(["start-instance", "A"]).succeeds().prints_nothing();
    world.run(["start-instance"]).succeeds(); // the enabled one
    world.run(["pid"]).succeeds().prints(pid.answer());
}

#[test]
fn the_environment_tells_the_app_who_it_is() {
    let world = world().release("v1");
    world.write("env", "DB_PASSWORD=hunter2\n# a remark\nexport QUOTED='two words'\n");
    world.set_mode("env", 0o600);
    world.change("run.env_command", "\"echo FROM_STORE=kept; echo DB_PASSWORD=overridden\"");
    let world = world.deployed("v1");
    let text = world.get_from("A", "/env").body;
    let has = |line: &str| assert!(text.lines().any(|is| is == line), "{line} is missing in\n{text}");
    let home = world.home().display().to_string();
    has(&format!("PORT={}", world.port("A")));
    has("HOST=127.0.0.1");
    has("INSTANCE=A");
    has("APP=demo");
    has(&format!("RELEASE={}", world.id("v1")));
    has(&format!("LOG_DIR={home}/logs"));
    has(&format!("FLIPSIDE_HOME={home}"));
    has(&format!("FLIPSIDE_PROCESS={home}#A"));
    has("DB_PASSWORD=hunter2");
    has("QUOTED=two words");
    has("FROM_STORE=kept");
}

#[test]
fn it_runs_in_the_releases_folder() {
    let world = world().release("v1").with_file("which-folder", "this one");
    world
        .change("run.command", &format!("'cat which-folder; exec {}'", support::world::demo_app().display()));
    let world = world.deployed("v1");
    assert!(world.read("logs/A.log").contains("this one"));
    let pid = world.run(["pid"]).succeeds();
    let folder = std::fs::read_link(format!("/proc/{}/cwd", pid.answer())).unwrap();
    assert_eq!(folder, world.home().join("releases").join(world.id("v1")));
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.write("env", "DB_PASSWORD=hunter2\n");
    world.set_mode("env", 0o644);
    let ran = world
        .run(["start-instance", "b"])
        .fails_with(2)
        .prints_nothing()
        .says("(mode 0644)")
        .says("chmod 600");
    assert!(!ran.stderr().contains("hunter2"), "{ran}");
}

#[test]
fn a_bad_env_file_is_told_by_its_line_and_never_by_its_content() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.write("env", "GOOD=1\nhunter2\n");
    world.set_mode("env", 0o600);
    let ran = world.run(["start-instance", "b"]).fails_with(2).says("env:2: not a NAME=value line");
    assert!(!ran.stderr().contains("hunter2"), "{ran}");
}

#[test]
fn a_named_env_file_must_be_there() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.change("run.env_file", "\"secrets/env\"");
    world.run(["start-instance", "b"]).fails_with(1).says("secrets/env");
}

#[test]
fn an_env_command_is_run_once_for_an_update_beside_its_build_and_once_for_a_start() {
    let world = world().release("v1");
    // Each waits for the other one.
    world.change("run.env_command", "'echo >>asked; until [ -e built ]; do sleep 0.01; done'");
    world.change("build.command", "'until [ -e ../../asked ]; do sleep 0.01; done; touch ../../built'");
    world.run(["update-instance", "b"]).succeeds();
    assert_eq!(world.read("asked"), "\n");
    world.run(["start-instance", "b"]).succeeds();
    assert_eq!(world.read("asked"), "\n\n");
}

#[test]
fn an_env_command_that_fails_is_shown() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.change("run.env_command", "\"echo no ticket >&2; exit 7\"");
    world
        .run(["start-instance", "b"])
        .fails_with(2)
        .says("env_command exited with status 7")
        .says("  | no ticket");
}

#[test]
fn an_update_refuses_a_bad_environment_before_it_stops_anything() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let pid = world.run(["pid", "a"]).succeeds();
    world.write("env", "hunter2\n");
    world.set_mode("env", 0o600);
    world.run(["update-instance", "a", "v2"]).fails_with(2).says("env:1: not a NAME=value line");
    world.run(["pid", "a"]).succeeds().prints(pid.answer());
}

#[test]
fn no_release_yet() {
    let world = world();
    world
        .run(["start-instance", "b"])
        .fails_with(1)
        .says_exactly("start-instance: B has no release yet; run update-instance B");
}

#[test]
fn a_release_that_is_gone() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let id = world.id("v1");
    world.remove(&format!("releases/{id}"));
    world
        .run(["start-instance", "b"])
        .fails_with(1)
        .says(&format!("B points to the release {id}, which is gone; run update-instance B"));
}

#[test]
fn an_app_that_exits_is_shown_with_its_last_words() {
    let world = world().release("v1").exits_at_start();
    world.run(["update-instance", "b", "v1"]).succeeds();
    let ran = world.run(["start-instance", "b"]).fails_with(1).prints_nothing();
    let told = format!("start-instance: B ({}) exited with status 1 after ", world.id("v1"));
    ran.says(&told)
        .says(", before it was healthy")
        .says_once("  | Error: connect ECONNREFUSED 127.0.0.1:3306");
    assert!(world.processes_of("B").is_empty());
}

#[test]
fn an_app_that_never_gets_healthy_is_stopped_again() {
    for (switch, value, problem) in [
        ("HEALTH", "500", "it answered 500, not 200 (/health)"),
        ("LISTEN", "never", "it does not listen on its port"),
        ("HEALTH", "mute", "it did not answer within"),
    ] {
        let world = world().set("health.start_timeout", "\"2s\"").release("v1").with(switch, value);
        world.run(["update-instance", "b", "v1"]).succeeds();
        world.run(["start-instance", "b"]).fails_with(1).says("was not healthy within 2.0 s").says(problem);
        assert!(world.processes_of("B").is_empty(), "{switch}={value}");
        assert!(!processes::listens(world.port("B")));
    }
}

#[test]
fn a_foreign_process_on_the_port_is_named_and_left_alone() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let mut foreign = world.foreign_app("B");
    let named = format!(
        "port {} is taken by demo-app (pid {}), which flipside did not start",
        world.port("B"),
        foreign.pid()
    );
    world.run(["start-instance", "b"]).fails_with(1).says(&named).says("[instance.B] port");
    world.run(["stop-instance", "b"]).fails_with(1).says(&named);
    assert!(foreign.is_running());
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn a_tree_as_npm_makes_it() {
    let world = world().release("v1").with("TREE", "npm");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    assert_eq!(world.processes_of("B").len(), 3);
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn an_instance_holds_nothing_of_what_started_it() {
    let world = world().release("v1").deployed("v1");
    // Running collects both outputs to their ends: it would have told of an instance that keeps them open.
    for pid in world.processes_of("A") {
        let of = |what: &str| std::fs::read_link(format!("/proc/{pid}/fd/{what}")).unwrap_or_default();
        assert_eq!(of("0").display().to_string(), "/dev/null");
        assert_eq!(of("1"), world.home().join("logs/A.log"));
        assert_eq!(of("2"), world.home().join("logs/A.log"));
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            assert!(!target.starts_with(world.home().join("run")), "{} is open", target.display());
        }
        assert_ne!(processes::session(pid), processes::session(std::process::id().cast_signed()));
    }
}

#[test]
fn an_instance_outlives_the_terminal_that_started_it() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.in_terminal(["start-instance", "b"]).succeeds();
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn nobody_is_left_as_a_zombie() {
    let world = world().release("v1").exits_at_start().release("v2");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).fails_with(1);
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    let pids = world.processes_of("B");
    world.run(["stop-instance", "b"]).succeeds();
    let is_known = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
    eventually(SOON, "somebody has waited for them", || !pids.iter().any(is_known));
}

#[test]
fn a_dry_run_starts_nothing() {
    let world = world().release("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b", "--dry-run"]).succeeds();
    assert!(world.processes_of("B").is_empty());
}

/// A serves, and B was started beside it. None where the kernel has no autogroups.
fn started_beside_one_that_serves() -> Option<support::World> {
    let world = world().release("v1").release("v2").deployed("v1");
    assert_ne!(niceness(&world, "A"), Some(10), "nobody else served when it was started");
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.run(["start-instance", "b"]).succeeds().says_nothing();
    niceness(&world, "A").is_some().then_some(world)
}

fn niceness(world: &support::World, instance: &str) -> Option<i32> {
    processes::niceness_of_its_session(*world.processes_of(instance).first().expect("it runs"))
}

#[test]
fn beside_one_that_serves_it_has_a_small_share_until_nginx_is_to_be_told_of_it() {
    let Some(world) = started_beside_one_that_serves() else { return };
    assert_eq!((niceness(&world, "A"), niceness(&world, "B")), (Some(0), Some(10)));
    // A swap back and forth finds it with its full share, and leaves it so.
    let pid = world.processes_of("B")[0];
    let reload = world.config_text();
    let reload = reload.lines().find_map(|line| line.strip_prefix("reload = ")).unwrap().to_owned();
    let words: Vec<String> = serde_json::from_str(&reload).unwrap();
    let seen = world.home().join("seen").display().to_string();
    let script = format!("cat /proc/{pid}/autogroup >{seen}; exec {}", words.join(" "));
    world.change("nginx.reload", &format!("[\"/bin/sh\", \"-c\", \"{script}\", \"-p\", {:?}]", words[2]));
    world.run(["connect-to-nginx", "b"]).succeeds().says_nothing();
    assert!(world.read("seen").ends_with(" nice 0\n"), "{}", world.read("seen"));
    assert_eq!((niceness(&world, "A"), niceness(&world, "B")), (Some(0), Some(0)));
}

#[test]
fn a_start_that_was_cut_off_before_its_record_leaves_no_small_share_to_one_that_serves() {
    let Some(world) = started_beside_one_that_serves() else { return };
    world.remove("run/B.json");
    world.run(["connect-to-nginx", "b"]).succeeds();
    assert_eq!(niceness(&world, "B"), Some(0));
}

#[test]
fn one_that_was_connected_by_hand_gets_its_full_share_from_the_watchman() {
    let Some(world) = started_beside_one_that_serves() else { return };
    let switch =
        world.read("nginx/upstream.conf").replace(&world.port("A").to_string(), &world.port("B").to_string());
    world.write("nginx/upstream.conf", &switch);
    world.nginx_reload_by_someone_else();
    world.serves("B", "v2");
    world.run(["bootup"]).succeeds();
    assert_eq!(niceness(&world, "B"), Some(0));
}

#[test]
fn one_that_is_enabled_gets_its_full_share_from_the_start() {
    let Some(world) = started_beside_one_that_serves() else { return };
    world.run(["stop-instance", "a", "--force"]).succeeds();
    world.run(["start-instance"]).succeeds();
    assert_eq!(niceness(&world, "A"), Some(0));
}
