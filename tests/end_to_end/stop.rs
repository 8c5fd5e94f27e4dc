//! stop-instance: the whole tree, and nothing left on the port.

use std::iter;

use support::{SOON, Signal, World, eventually, processes};

use crate::{traced, world};

/// B runs this release; nothing is enabled.
fn with_b_running(world: World) -> World {
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    world
}

fn nothing_is_left(world: &World) {
    nothing_is_left_of(world, "B");
}

fn nothing_is_left_of(world: &World, instance: &str) {
    assert_eq!(world.processes_of(instance), Vec::<i32>::new());
    assert!(!processes::listens(world.port(instance)));
    world.run(["pid", instance]).exits_with(1).prints_nothing();
}

#[test]
fn one_process() {
    let world = with_b_running(world().release("v1"));
    world.run(["stop-instance", "b"]).succeeds().prints_nothing();
    nothing_is_left(&world);
    assert!(world.read("logs/B.log").contains("demo-app: stopped"));
}

#[test]
fn what_does_not_run_is_success() {
    let world = world().release("v1").deployed("v1");
    world.run(["stop-instance", "b"]).succeeds();
    world.run(["stop-instance"]).succeeds();
}

#[test]
fn a_tree_as_npm_makes_it() {
    let world = with_b_running(world().release("v1").with("TREE", "npm"));
    let family = world.processes_of("B");
    assert_eq!(family.len(), 3);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
    assert!(world.read("logs/B.log").contains("demo-app: stopped"));
    assert!(!family.into_iter().any(processes::runs));
}

#[test]
fn who_interrupts_twice_does_not_wait_for_one_that_ignores_the_signal() {
    let world = with_b_running(world().set("run.stop_timeout", "\"1h\"").release("v1").ignores_sigterm());
    let mut stopping = world.start(["stop-instance", "b"]);
    eventually(SOON, "it was told", || world.read("logs/B.log").contains("SIGTERM ignored"));
    // As a person would: until it ends.
    eventually(SOON, "it is killed", || {
        stopping.signal(Signal::SIGINT);
        !stopping.is_running()
    });
    stopping.wait().succeeds().says("had to be killed").says_not("60 min");
    nothing_is_left(&world);
}

#[test]
fn one_that_ignores_the_signal_is_killed() {
    let world = with_b_running(world().set("run.stop_timeout", "\"1s\"").release("v1").ignores_sigterm());
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
    assert!(world.read("logs/B.log").contains("SIGTERM ignored"));
}

#[test]
fn a_tree_that_ignores_the_signal() {
    let world = world().set("run.stop_timeout", "\"1s\"").release("v1").ignores_sigterm().with("TREE", "npm");
    let world = with_b_running(world);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}

#[test]
fn a_grandchild_that_holds_the_port() {
    let world = world().set("run.stop_timeout", "\"1s\"").release("v1").with("GRANDCHILD", "holds-port");
    let world = with_b_running(world);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}

#[test]
fn a_grandchild_that_only_lives_on() {
    let world = world().set("run.stop_timeout", "\"1s\"").release("v1").with("GRANDCHILD", "idle");
    let world = with_b_running(world);
    eventually(SOON, "the grandchild has come", || world.processes_of("B").len() == 2);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}

#[test]
fn an_orphan_whose_parents_have_all_ended() {
    let world = world().set("run.stop_timeout", "\"1s\"").release("v1").with("GRANDCHILD", "holds-port");
    let world = with_b_running(world);
    let orphan = world.run(["pid", "b"]).succeeds();
    let orphan: i32 = orphan.answer().parse().unwrap();
    processes::end(|| world.processes_of("B").into_iter().filter(|pid| *pid != orphan).collect());
    world.remove("run/B.json"); // a hint, and nothing more
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}

#[test]
fn one_that_hangs() {
    let world = with_b_running(world().set("run.stop_timeout", "\"1s\"").release("v1"));
    let pid = world.run(["pid", "b"]).succeeds();
    processes::signal(pid.answer().parse().unwrap(), Signal::SIGSTOP);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}

#[test]
fn the_configured_signal_is_sent() {
    let world = world()
        .set("run.stop_signal", "\"INT\"")
        .set("run.stop_timeout", "\"20s\"")
        .config(|text| text.replace("command = \"exec ", "command = \"trap 'echo interrupted' INT; "))
        .release("v1");
    let world = with_b_running(world);
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
    assert!(world.read("logs/B.log").contains("interrupted"));
}

#[test]
fn parents_are_told_before_their_children() {
    if !traced::is_possible() {
        return;
    }
    let world = with_b_running(world().release("v1").with("TREE", "npm"));
    let family = world.processes_of("B");
    let with_ancestors = |pid: &i32| iter::successors(Some(*pid), |pid| processes::parent(*pid));
    let depth = |pid: &i32| with_ancestors(pid).filter(|pid| family.contains(pid)).count();
    let mut downwards = family.clone();
    downwards.sort_by_cached_key(depth);
    let calls = traced::calls(&world, &["stop-instance", "b"]);
    let told = |pid: &i32| {
        let of_it = |call: &String| call.contains(&format!("<pid:{pid}>, SIGTERM"));
        calls.iter().position(of_it).unwrap_or_else(|| panic!("{pid} was not told: {calls:#?}"))
    };
    let order: Vec<_> = downwards.iter().map(told).collect();
    assert!(order.is_sorted(), "{calls:#?}");
    nothing_is_left(&world);
}

#[test]
fn the_enabled_instance_is_refused() {
    let world = world().release("v1").deployed("v1");
    world.run(["stop-instance", "a"]).fails_with(3).prints_nothing().says("--force");
    world.serves("A", "v1");
    world.run(["stop-instance", "a", "--force"]).succeeds();
    assert!(world.processes_of("A").is_empty());
    assert_eq!(world.get("/").status, 502);
}

#[test]
fn a_switch_that_was_not_applied_is_finished_first() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    // Somebody has edited the switch and not reloaded: A is enabled, B is live.
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port("A")));
    world.run(["stop-instance", "a"]).fails_with(3).says("--force");
    // Before anything else the switch was finished, so that B carries no traffic any more.
    world.serves("A", "v1");
    world.run(["stop-instance", "b"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_dry_run_stops_nothing() {
    let world = with_b_running(world().release("v1"));
    world.run(["stop-instance", "b", "-n"]).succeeds();
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn a_request_in_flight_is_finished_first() {
    let world = world().release("v1").release("v2").deployed("v1");
    let slow = world.ask("/held");
    eventually(SOON, "the request has come in", || world.connections_to("A") > 0);
    world.run(["deploy", "v2"]).succeeds();
    let mut stopping = world.start(["stop-instance", "a"]);
    assert!(stopping.waits());
    world.let_go("A");
    stopping.wait().succeeds();
    let answer = slow.answer().unwrap();
    assert_eq!((answer.status, answer.header("x-instance")), (200, Some("A")));
}

#[test]
fn a_message_of_a_stop_never_hides_another_ones_process() {
    let world = world().release("v1");
    let mut foreign = world.foreign_app("B");
    world.run(["stop-instance", "b"]).fails_with(1).says(&format!("(pid {})", foreign.pid()));
    world.run(["stop-instance", "b", "--force"]).fails_with(1);
    assert!(foreign.is_running());
}

#[test]
fn nothing_is_asked_of_what_else_runs_on_the_machine() {
    if !traced::is_possible() {
        return;
    }
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    // What builds may have left running is looked for everywhere, once.
    assert!(!world.exists("run/build"));
    world.run(["update-instance", "a", "v1"]).succeeds();
    assert_eq!(world.read("run/build"), "{\"runs\":false}\n");
    for words in [&["start-instance", "a"][..], &["update-instance", "a", "v1"], &["stop-instance", "a"]] {
        let calls = traced::calls(&world, words);
        let everybody: Vec<_> = calls.iter().filter(|call| call.contains("\"/proc\"")).collect();
        assert!(everybody.is_empty(), "{words:?}: {everybody:#?}");
        if words[0] == "update-instance" {
            world.run(["start-instance", "a"]).succeeds();
        }
    }
    nothing_is_left_of(&world, "A");
}

#[test]
fn one_that_was_started_and_never_recorded() {
    let world = world().release("v1").with("START_DELAY", "60s").set("health.start_timeout", "\"100s\"");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let starting = world.start(["start-instance", "b"]);
    eventually(SOON, "it runs and is recorded", || {
        !world.processes_of("B").is_empty() && world.read("run/B.json").ends_with('}')
    });
    starting.signal(Signal::SIGKILL);
    starting.wait();
    // As a kill between the two would have left it.
    world.write("run/B.json", "");
    world.run(["start-instance", "b", "-n"]).succeeds().shows("it runs");
    world.run(["stop-instance", "b"]).succeeds();
    nothing_is_left(&world);
}
