//! deploy, when something fails: the table of what follows (flipside(7)).

use support::{
    Ran, SOON, Signal, World, eventually, no_failed_request, only_resets_on_kept_connections, processes,
    served_by, served_only_by,
};

use crate::world;

/// The service is as before: A serves v1, and the commands know.
fn as_before(world: &World) {
    world.serves("A", "v1");
    world.run(["enabled-instance"]).prints("A");
    assert_eq!(world.run(["status", "--json"]).json()["live"], "A");
}

/// It fails with 1 under load, and users notice nothing: A alone has served them. B is stopped again.
#[track_caller]
fn fails_unnoticed(world: &World, deploy: impl FnOnce(&World) -> Ran) {
    world
        .under_gentle_load(|world| deploy(world).fails_with(1).within_2000_characters())
        .expect(no_failed_request())
        .expect(served_only_by("A", "v1"));
    as_before(world);
    assert!(world.processes_of("B").is_empty());
}

/// It fails with 5 under load, when B has served already: A is given its users back.
#[track_caller]
fn is_taken_back(world: &World, deploy: impl FnOnce(&World) -> Ran) {
    world
        .under_gentle_load(|world| deploy(world).fails_with(5).within_2000_characters())
        .expect(only_resets_on_kept_connections(6))
        .expect(served_by("B", "v2"));
    as_before(world);
}

#[test]
fn the_new_release_exits() {
    let world = world().release("v1").release("v2").exits_at_start().deployed("v1");
    fails_unnoticed(&world, |world| {
        world
            .run(["deploy", "v2"])
            .says("exited with status 1")
            .says_once("  | Error: connect ECONNREFUSED 127.0.0.1:3306")
            .says(&format!("deploy: stopped at start-instance; A ({}) serves as before", world.id("v1")))
            .says(&world.home().join("logs/deploy-").display().to_string())
            .says("deploy v2")
    });
}

#[test]
fn a_long_log_stays_within_2000_characters() {
    let world = world().release("v1").release("v2").deployed("v1");
    let noise = "x".repeat(1500);
    world.change(
        "run.command",
        &format!("'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo {noise}; done; echo the cause; exit 3'"),
    );
    world
        .run(["deploy", "v2"])
        .fails_with(1)
        .says("exited with status 3")
        .says("  | the cause")
        .within_2000_characters()
        .is_plain();
    as_before(&world);
}

#[test]
fn the_new_release_never_gets_healthy() {
    for release in [World::never_healthy, World::never_answers, World::never_listens] {
        let world = release(world().set("health.start_timeout", "\"2s\"").release("v1").release("v2"));
        let world = world.deployed("v1");
        fails_unnoticed(&world, |world| world.run(["deploy", "v2"]).says("was not healthy within"));
    }
}

#[test]
fn the_build_fails() {
    let world =
        world().release("v1").release("v2").release("v3").deployed("v1").deployed("v2").deployed("v1");
    let standby = world.run(["pid", "b"]).succeeds();
    world.change("build.command", "'echo error TS2304 >&2; exit 2'");
    world
        .run(["deploy", "v3"])
        .fails_with(1)
        .says_once("  | error TS2304")
        .says(&format!("deploy: stopped at update-instance; A ({}) serves as before", world.id("v1")))
        .within_2000_characters();
    as_before(&world);
    world.run(["pid", "b"]).succeeds().prints(standby.answer());
}

#[test]
fn there_is_no_such_revision() {
    let world = world().release("v1").deployed("v1");
    world.run(["deploy", "v9"]).fails_with(1).says("there is no revision `v9`").within_2000_characters();
    as_before(&world);
}

#[test]
fn pre_connect_fails() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.write_executable("hooks/pre-connect", "#!/bin/sh\necho migration failed\nexit 9\n");
    fails_unnoticed(&world, |world| {
        let ran = world.run(["deploy", "v2"]);
        ran.says("the hook pre-connect exited with status 9").says_once("  | migration failed")
    });
}

#[test]
fn a_hook_that_does_not_end() {
    let world = world().set("deploy.hook_timeout", "\"1s\"").release("v1").release("v2").deployed("v1");
    world.write_executable("hooks/pre-connect", "#!/bin/sh\necho asking the payment service\nsleep 600\n");
    world
        .run(["deploy", "v2"])
        .fails_with(1)
        .says("the hook pre-connect took longer than 1.0 s")
        .says("  | asking the payment service");
    as_before(&world);
}

#[test]
fn a_hook_that_cannot_be_run_is_told() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.write("hooks/pre-connect", "#!/bin/sh\n");
    world.run(["deploy", "v2"]).fails_with(1).says("the hook pre-connect is not executable; run chmod +x ");
    as_before(&world);
}

#[test]
fn post_connect_fails() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.write_executable("hooks/post-connect", "#!/bin/sh\necho the smoke test failed\nexit 1\n");
    is_taken_back(&world, |world| {
        world
            .run(["deploy", "v2"])
            .says("the hook post-connect exited with status 1")
            .says_once("  | the smoke test failed")
            .says(&format!("A ({})", world.id("v1")))
    });
}

#[test]
fn what_users_began_with_the_new_instance_is_given_the_time() {
    let world = world().set("nginx.drain_timeout", "\"500ms\"").release("v1").release("v2").deployed("v1");
    let hook =
        "#!/bin/sh\ncd \"$FLIPSIDE_HOME\"; touch called\nuntil [ -e go ]; do sleep 0.01; done\nexit 1\n";
    world.write_executable("hooks/post-connect", hook);
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "the hook is called", || world.exists("called"));
    let mut socket = world.websocket();
    assert_eq!(socket.echo("hello").unwrap(), "hello");
    world.write("go", "");
    deploying.wait().fails_with(5).says_once("1 connection to B still open after 500 ms, and cut");
    as_before(&world);
}

#[test]
fn the_new_instance_fails_while_it_is_watched() {
    // Healthy when it is started, and not for long.
    let world = world().release("v1").release("v2").with("HEALTHY_TIMES", "3").deployed("v1");
    world.change("deploy.observe", "\"20s\"");
    is_taken_back(&world, |world| {
        world.run(["deploy", "v2"]).says("answered 500").says(&format!("A ({})", world.id("v1")))
    });
}

#[test]
fn the_new_instance_exits_while_it_is_watched() {
    let world = world().release("v1").release("v2").with("EXIT_AFTER", "2s").deployed("v1");
    world.change("deploy.observe", "\"30s\"");
    world.run(["deploy", "v2"]).fails_with(5).within_2000_characters();
    as_before(&world);
}

#[test]
fn the_configuration_of_nginx_was_broken_before() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.break_nginx_configuration();
    world
        .run(["deploy", "v2"])
        .fails_with(1)
        .says("unknown directive \"bogus_directive\"")
        .within_2000_characters();
    as_before(&world);
    world.mend_nginx_configuration();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_reload_does_not_take_effect() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.change("nginx.apply_timeout", "\"1s\"");
    world.change("nginx.reload", "[\"true\"]");
    world.run(["deploy", "v2"]).fails_with(5).within_2000_characters();
    as_before(&world);
}

#[test]
fn a_foreign_process_is_on_the_port() {
    let world = world().release("v1").release("v2").deployed("v1");
    let mut foreign = world.foreign_app("B");
    world
        .run(["deploy", "v2"])
        .fails_with(1)
        .says(&format!("is taken by demo-app (pid {})", foreign.pid()))
        .within_2000_characters();
    as_before(&world);
    assert!(foreign.is_running());
}

#[test]
fn the_first_deployment_fails() {
    let world = world().release("v1").exits_at_start().release("v2");
    world.run(["deploy", "v1"]).fails_with(1).says("exited with status 1").within_2000_characters();
    world.run(["enabled-instance"]).exits_with(1);
    world.run(["deploy", "v2"]).succeeds();
    world.serves("A", "v2");
}

#[test]
fn interrupted_while_the_new_instance_starts() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let world = world()
            .set("health.start_timeout", "\"100s\"")
            .release("v1")
            .release("v2")
            .with("START_DELAY", "60s")
            .deployed("v1");
        fails_unnoticed(&world, |world| {
            let deploying = world.start(["deploy", "v2"]);
            eventually(SOON, "B starts", || !world.processes_of("B").is_empty());
            deploying.signal(signal);
            deploying.wait().says(&format!("interrupted by {signal}"))
        });
    }
}

#[test]
fn interrupted_while_it_builds() {
    let world = world().release("v1").release("v2").deployed("v1");
    let begun = world.folder().join("begun");
    world.change("build.command", &format!("'touch {}; sleep 4321'", begun.display()));
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "the build runs", || begun.exists());
    deploying.signal(Signal::SIGTERM);
    deploying.wait().fails_with(1).says("interrupted");
    as_before(&world);
    let mark = format!("{}#build", world.home().display());
    assert!(processes::with_environment("FLIPSIDE_PROCESS", &mark).is_empty());
}

#[test]
fn interrupted_while_the_new_instance_is_watched() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.change("deploy.observe", "\"60s\"");
    is_taken_back(&world, |world| {
        let deploying = world.start(["deploy", "v2"]);
        eventually(SOON, "B serves", || {
            world.get("/").header("x-instance") == Some("B") && world.read("run/lock").contains("watching")
        });
        deploying.signal(Signal::SIGTERM);
        deploying.wait()
    });
}

#[test]
fn killed_and_run_again() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.change("deploy.observe", "\"60s\"");
    world
        .under_gentle_load(|world| {
            let deploying = world.start(["deploy", "v2"]);
            eventually(SOON, "B serves", || world.get("/").header("x-instance") == Some("B"));
            deploying.signal(Signal::SIGKILL);
            deploying.wait();
            let status = world.run(["status", "--json"]).json();
            assert!(!status["interrupted"].is_null(), "{status}");
            world.change("deploy.observe", "\"200ms\"");
            // The step that ran when it was killed may still come to its end.
            world.run(["deploy", "v2", "--wait"]).succeeds();
            assert!(world.run(["status", "--json"]).json()["interrupted"].is_null());
        })
        .expect(only_resets_on_kept_connections(9));
    world.run(["status"]).exits_with(0);
}

#[test]
fn killed_between_the_switch_and_the_reload() {
    let world = world().release("v1").release("v2").deployed("v1");
    let reload = world.config_text().lines().find(|line| line.starts_with("reload = ")).unwrap().to_owned();
    world.change("nginx.reload", "[\"sleep\", \"4321\"]");
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "the switch is written", || {
        world.read("nginx/upstream.conf").contains(&world.port("B").to_string())
    });
    deploying.signal(Signal::SIGKILL);
    processes::end(|| world.commands_running());
    deploying.wait();
    world.serves("A", "v1");
    let status = world.run(["status", "--json"]).json();
    assert_eq!(
        (&status["enabled"], &status["live"], &status["applied"]),
        (&"B".into(), &"A".into(), &false.into())
    );
    let reload = reload.strip_prefix("reload = ").unwrap().to_owned();
    world.change("nginx.reload", &reload);
    world
        .under_gentle_load(|world| {
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(9));
    world.serves(world.run(["enabled-instance"]).succeeds().answer(), "v2");
}

#[test]
fn a_hang_up_is_ignored() {
    let world = world().release("v1").release("v2").with("START_DELAY", "1500ms").deployed("v1");
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "B starts", || !world.processes_of("B").is_empty());
    deploying.signal(Signal::SIGHUP);
    deploying.wait().succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_ssh_connection_drops() {
    let world = world().release("v1").release("v2").with("START_DELAY", "1500ms").deployed("v1");
    let mut deploying = world.start_in_terminal(["deploy", "v2"]);
    eventually(SOON, "B starts", || !world.processes_of("B").is_empty());
    deploying.hang_up();
    deploying.wait().succeeds();
    world.serves("B", "v2");
    let id = crate::sweep::last_deployment(&world)["id"].as_str().unwrap().to_owned();
    assert!(world.read(&format!("logs/deploy-{id}.log")).contains(" serves; "), "the log is kept to the end");
}

#[test]
fn the_service_is_down_and_the_new_release_does_not_start() {
    let world = world().release("v1").release("v2").exits_at_start().deployed("v1");
    processes::end(|| world.processes_of("A"));
    let ran = world.run(["deploy", "v2"]).says("exited with status 1").within_2000_characters();
    assert_eq!(ran.status(), 6, "{ran}");
}

#[test]
fn the_service_is_down_and_a_deployment_brings_it_up() {
    let world = world().release("v1").release("v2").deployed("v1");
    processes::end(|| world.processes_of("A"));
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}
