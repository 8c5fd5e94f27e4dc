//! drain-instance: until nginx holds no connection to the instance.

use support::{SOON, World, eventually};

use crate::world;

/// Something of users is still at A, while B serves.
fn switched_meanwhile<T>(begin: impl FnOnce(&World) -> T) -> (World, T) {
    let world = world().release("v1").release("v2").deployed("v1");
    let held = begin(&world);
    eventually(SOON, "it has reached A", || world.connections_to("A") > 0);
    world.run(["deploy", "v2"]).succeeds();
    assert!(world.connections_to("A") > 0);
    (world, held)
}

#[test]
fn it_waits_for_a_slow_request() {
    let (world, slow) = switched_meanwhile(|world| world.ask("/held"));
    let mut draining = world.start(["drain-instance", "a"]);
    assert!(draining.waits());
    world.let_go("A");
    draining.wait().succeeds().prints_nothing();
    assert_eq!(world.connections_to("A"), 0);
    assert_eq!(slow.answer().unwrap().header("x-instance"), Some("A"));
}

#[test]
fn what_is_left_when_time_runs_out_is_told() {
    let (world, mut socket) = switched_meanwhile(World::websocket);
    world.change("nginx.drain_timeout", "\"500ms\"");
    let told = "1 connection to A still open after 500 ms";
    world.run(["drain-instance", "a"]).exits_with(1).prints(told);
    assert_eq!(socket.echo("still here").unwrap(), "still here");
}

#[test]
fn it_goes_on_when_a_websocket_closes() {
    let (world, socket) = switched_meanwhile(World::websocket);
    let mut draining = world.start(["drain-instance", "a"]);
    assert!(draining.waits());
    drop(socket);
    draining.wait().succeeds();
}

#[test]
fn stop_instance_gives_connections_the_time_and_tells_what_it_cut() {
    let (world, mut socket) = switched_meanwhile(World::websocket);
    world.change("nginx.drain_timeout", "\"500ms\"");
    let told = "1 connection to A still open after 500 ms, and cut";
    world.run(["stop-instance", "a"]).succeeds().says(told);
    assert!(socket.is_closed());
    assert!(world.processes_of("A").is_empty());
}

#[test]
fn nothing_to_wait_for() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.run(["drain-instance"]).succeeds().prints_nothing();
    world.run(["stop-instance"]).succeeds();
    world.run(["drain-instance"]).succeeds();
}

#[test]
fn the_enabled_instance_is_refused() {
    let world = world().release("v1").deployed("v1");
    world.run(["drain-instance", "a"]).fails_with(3).prints_nothing();
}

#[test]
fn an_update_of_the_standby_lets_it_finish() {
    let (world, slow) = switched_meanwhile(|world| world.ask("/held"));
    world.change("nginx.drain_timeout", "\"20s\"");
    world.publish("v3", &[]);
    let mut updating = world.start(["update-instance", "a", "v3"]);
    let built = format!("releases/{}", world.id("v3"));
    eventually(SOON, "the release is built", || world.exists(&built));
    assert!(updating.waits());
    world.let_go("A");
    updating.wait().succeeds();
    assert_eq!(slow.answer().unwrap().header("x-instance"), Some("A"));
}

#[test]
fn a_connection_that_was_opened_before_the_switch_and_is_first_used_after_it() {
    // As browsers do it, ahead of time. The worker of nginx that has accepted it is an old one by then.
    // Longer than the site's client_header_timeout.
    let world = world().set("nginx.drain_timeout", "\"20s\"").release("v1").release("v2").deployed("v1");
    let early = world.connection();
    world.run(["deploy", "v2"]).succeeds();
    world.run(["stop-instance", "a"]).succeeds();
    // It may have been closed in the meantime, which browsers know; but it must not give a bad answer.
    if let Ok(answer) = early.get("/") {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
