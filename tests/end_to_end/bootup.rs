//! bootup: after a boot, or from cron.

use support::processes;

use crate::world;

#[test]
fn it_starts_the_enabled_instance() {
    let world = world().release("v1").deployed("v1");
    // The machine was rebooted: no processes, a nginx that has read its configuration again.
    processes::end(|| world.processes_of(""));
    world.remove("run");
    world.restart_nginx();
    assert_eq!(world.get("/").status, 502);
    world.run(["bootup"]).succeeds();
    world.serves("A", "v1");
    world.run(["status"]).succeeds();
}

#[test]
fn what_runs_is_left_alone() {
    let world = world().release("v1").deployed("v1");
    let pid = world.run(["pid"]).succeeds();
    world.under_gentle_load(|world| world.run(["bootup"]).succeeds()).expect(support::no_failed_request());
    world.run(["pid"]).prints(pid.answer());
}

#[test]
fn a_switch_that_was_not_applied_is_applied() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port("A")));
    world.run(["bootup"]).succeeds();
    world.serves("A", "v1");
    assert_eq!(world.run(["status", "--json"]).json()["applied"], true);
}

#[test]
fn the_other_one_if_the_enabled_release_cannot_start() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let id = world.id("v2");
    processes::end(|| world.processes_of(""));
    world.remove("run");
    std::fs::write(
        world.home().join(format!("releases/{id}/switches")),
        "VERSION=v2\nEXIT_AT_START=1\nMESSAGE=Error: the disk is full\n",
    )
    .unwrap();
    world.run(["bootup"]).succeeds().says("Error: the disk is full");
    world.serves("A", "v1");
    world.run(["enabled-instance"]).prints("A");
}

#[test]
fn neither_can_start() {
    let world = world().release("v1").deployed("v1");
    processes::end(|| world.processes_of(""));
    std::fs::write(world.home().join("instances/A/switches"), "EXIT_AT_START=1\n").unwrap();
    world.run(["bootup"]).fails_with(6);
}

#[test]
fn nothing_was_deployed_yet() {
    let world = world();
    world.run(["bootup"]).fails_with(1).says("nothing is enabled");
}

#[test]
fn a_dry_run_starts_nothing() {
    let world = world().release("v1").deployed("v1");
    processes::end(|| world.processes_of(""));
    world.run(["bootup", "--dry-run"]).succeeds().prints("start A; if it does not become healthy, B");
    assert!(world.processes_of("").is_empty());
}
