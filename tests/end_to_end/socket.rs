//! The style `socket`: the instances listen on Unix sockets, and the switch is a symlink.

use std::fs;
use std::path::{Path, PathBuf};

use support::{World, no_failed_request, served_by};

use crate::world as any_world;

fn world() -> World {
    any_world().with_sockets()
}

/// A serves v1, B runs v2.
fn with_both_running() -> World {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    world
}

fn leads_to(world: &World) -> PathBuf {
    fs::read_link(world.switch()).unwrap()
}

#[test]
fn it_deploys() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.serves("A", "v1");
    assert_eq!(leads_to(&world), Path::new("A.sock"));
    world.deploy("v2").succeeds();
    world.serves("B", "v2");
    assert_eq!(leads_to(&world), Path::new("B.sock"));
}

#[test]
fn no_request_fails_while_it_flips_and_none_reaches_the_old_one_afterwards() {
    let world = with_both_running();
    world
        .under_gentle_load(|world| {
            for _ in 0..15 {
                world.run(["connect-to-nginx"]).succeeds().prints_nothing();
            }
        })
        .expect(no_failed_request())
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
}
