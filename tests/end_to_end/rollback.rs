//! rollback: back to what served before, without a build.

use support::{no_failed_request, only_resets_on_kept_connections, served_by};

use crate::world;

#[test]
fn to_the_one_before_at_once() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let standby = world.run(["pid", "a"]).succeeds();
    world
        .under_gentle_load(|world| {
            world
                .run(["rollback"])
                .succeeds()
                .says("start-instance A")
                .says("A (v1-")
                .within_2000_characters();
            world.run(["pid", "a"]).succeeds().prints(standby.answer());
        })
        .expect(only_resets_on_kept_connections(3))
        .expect(served_by("A", "v1"));
    let log = world.run(["deployments", "--json"]).succeeds().json();
    assert_eq!(log[2]["result"], "rolled-back", "{log:#}");
    assert_eq!(log[2]["command"], "rollback");
    // Once more leads back.
    world.run(["rollback"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn to_one_that_does_not_run_any_more() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.run(["stop-instance", "a"]).succeeds();
    world.run(["rollback"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn to_a_kept_one_without_a_build_and_without_the_repository() {
    let world = world().release("v1").release("v2").release("v3");
    let world = world.deployed("v1").deployed("v2").deployed("v3");
    world.change("source.git", "\"/nonexistent/repository.git\"");
    let id = world.id("v1");
    world.run(["rollback", &id]).succeeds().says(&format!("update-instance B {id} --kept"));
    world.serves("B", "v1");
    // What it replaced is where it goes back to.
    world.run(["rollback"]).succeeds();
    world.serves("A", "v3");
}

#[test]
fn to_the_one_before_although_the_last_one_was_cut_off_and_deployed_again() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.write_executable("hooks/post-connect", "#!/bin/sh\nkill -KILL $PPID\n");
    world.deploy("v2").exits_with(128 + 9);
    world.serves("B", "v2");
    world.remove("hooks/post-connect");
    world.deploy("v2").succeeds();
    world.serves("A", "v2");
    world.deploy("v2").succeeds();
    world.run(["rollback"]).succeeds();
    world.serves("B", "v1");
}

#[test]
fn to_the_one_before_although_the_flip_side_was_used_for_something_else() {
    let world = world().release("v1").release("v2").release("v3").deployed("v1").deployed("v2");
    world.run(["update-instance", "a", "v3"]).succeeds();
    world.run(["rollback"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn nothing_to_go_back_to() {
    let world = world().release("v1").deployed("v1");
    world.run(["rollback"]).fails_with(1).prints_nothing().says("there is no release to go back to");
    world.run(["rollback", "v9"]).fails_with(1).prints_nothing().says("v9");
    world.run(["rollback", &world.id("v1")]).succeeds().says("nothing has changed");
    world.serves("A", "v1");
}

#[test]
fn a_dry_run_goes_nowhere() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.run(["rollback", "-n"]).succeeds().shows("connect-to-nginx A").says_nothing();
    world.serves("B", "v2");
}

#[test]
fn one_that_cannot_start_any_more_changes_nothing() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.run(["stop-instance", "a"]).succeeds();
    world.write(&format!("releases/{}/switches", world.id("v1")), "EXIT_AT_START=1\n");
    world
        .under_gentle_load(|world| {
            world.run(["rollback"]).fails_with(1).says("stopped at start-instance").says("B (v2-");
        })
        .expect(no_failed_request())
        .expect(served_by("B", "v2"));
}
