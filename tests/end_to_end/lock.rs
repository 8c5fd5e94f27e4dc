//! The lock: one command at a time changes an app.

use support::{Running, SOON, Signal, World, eventually, processes};

use crate::world;

/// A deployment that goes on until it is told to stop.
pub fn busy() -> (World, Running) {
    let world = world()
        .set("health.start_timeout", "\"100s\"")
        .release("v1")
        .release("v2")
        .with("START_DELAY", "60s")
        .deployed("v1");
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "B starts", || !world.processes_of("B").is_empty());
    (world, deploying)
}

#[test]
fn busy_says_who_and_since_when_and_at_which_step() {
    let (world, deploying) = busy();
    let who = format!("busy: `deploy v2` (pid {}) has run for ", deploying.pid());
    for words in [
        ["deploy", "v1"],
        ["update-instance", "b"],
        ["start-instance", "b"],
        ["stop-instance", "b"],
        ["connect-to-nginx", "a"],
        ["releases", "--prune"],
    ] {
        world
            .run(words)
            .fails_with(4)
            .prints_nothing()
            .says(&who)
            .says(", now at start-instance B")
            .says("; --wait waits for it");
    }
    // The watchman asks first whether there is anything to do.
    world.run(["bootup"]).succeeds().says_nothing();
    processes::end(|| world.processes_of("A"));
    world.run(["bootup"]).fails_with(4).says(&who);
    world.run(["bootup", "-q"]).exits_with(4).says_nothing();
    deploying.signal(Signal::SIGTERM);
    deploying.wait();
}

#[test]
fn queries_need_no_lock() {
    let (world, deploying) = busy();
    world.run(["enabled-instance"]).succeeds().prints("A");
    world.run(["pid"]).succeeds();
    world.run(["check-health"]).succeeds();
    world.run(["releases"]).succeeds();
    world.run(["logs"]).succeeds();
    deploying.signal(Signal::SIGTERM);
    deploying.wait().fails_with(1);
}

#[test]
fn wait_waits_for_its_turn() {
    let (world, deploying) = busy();
    world.publish("v3", &[]);
    let mut waiting = world.start(["deploy", "v3", "--wait"]);
    assert!(waiting.waits());
    deploying.signal(Signal::SIGTERM);
    deploying.wait().fails_with(1);
    waiting.wait().succeeds();
    world.serves("B", "v3");
}

#[test]
fn wait_waits_only_so_long() {
    let (world, deploying) = busy();
    world.run(["stop-instance", "b", "--wait=300ms"]).fails_with(4).says("waited in vain");
    deploying.signal(Signal::SIGTERM);
    deploying.wait().fails_with(1);
}

#[test]
fn a_bad_duration_is_bad_usage() {
    world()
        .run(["deploy", "--wait=3"])
        .exits_with(2)
        .says("`3` is not a duration; write for example 500ms, 5s, 15m or 2h");
}

#[test]
fn there_is_no_lock_to_remove_after_a_kill() {
    let (world, deploying) = busy();
    deploying.signal(Signal::SIGKILL);
    processes::end(|| world.commands_running());
    deploying.wait();
    assert!(world.exists("run/lock"));
    world.publish("v3", &[]);
    world.run(["deploy", "v3"]).succeeds();
    world.serves("B", "v3");
}

#[test]
fn an_instance_does_not_hold_the_lock() {
    let world = world().release("v1").deployed("v1");
    world.run(["deploy", "v1", "--force"]).succeeds();
    world.run(["stop-instance", "a"]).succeeds();
}

#[test]
fn what_a_hook_leaves_behind_does_not_hold_the_lock() {
    let world = world().release("v1").release("v2");
    world.write_executable("hooks/post-connect", "#!/bin/sh\nsleep 60 >/dev/null 2>&1 &\n");
    let world = world.deployed("v1");
    world.run(["deploy", "v2"]).succeeds();
}
