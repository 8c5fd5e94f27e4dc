//! A switch that somebody has emptied, misspelt or removed, where no check server tells whom nginx serves: it is mended if
//! that can be told all the same, and otherwise it is said what to type.

use support::{World, no_failed_request, only_resets_on_kept_connections};

use crate::world;

const SPOILT: [&str; 3] = ["", "sever 127.0.0.1;\n", "server;\n"];

/// A serves v1.
fn without_check_server() -> World {
    world().without_check_server().release("v1").release("v2").deployed("v1")
}

fn spoil(world: &World, text: Option<&str>) {
    match text {
        Some(text) => world.write("nginx/upstream.conf", text),
        None => world.remove("nginx/upstream.conf"),
    }
}

#[test]
fn deploy_mends_it_for_the_only_instance_that_runs() {
    let world = without_check_server();
    for (number, text) in SPOILT.into_iter().map(Some).chain([None]).enumerate() {
        let name = format!("w{number}");
        world.publish(&name, &[]);
        let (from, to) = if number % 2 == 0 { ("A", "B") } else { ("B", "A") };
        spoil(&world, text);
        world
            .under_gentle_load(|world| {
                world.run(["deploy", &name]).succeeds();
            })
            .expect(only_resets_on_kept_connections(6));
        world.serves(to, &name);
        world.run(["stop-instance", from]).succeeds();
    }
}

#[test]
fn deploy_says_what_to_type_when_both_run() {
    let world = without_check_server();
    world.run(["deploy", "v2"]).succeeds();
    for text in SPOILT.into_iter().map(Some).chain([None]) {
        spoil(&world, text);
        world
            .under_gentle_load(|world| {
                for words in [&["deploy", "v1"] as &[&str], &["rollback"]] {
                    let ran = support::Running::start(words[0], world.command(words)).wait();
                    ran.fails_with(3)
                        .says("names no instance, nginx refuses it, and both instances run")
                        .says("connect-to-nginx A or connect-to-nginx B");
                }
            })
            .expect(no_failed_request());
        world.serves("B", "v2");
        world.run(["connect-to-nginx", "b"]).succeeds();
        world.serves("B", "v2");
    }
}

#[test]
fn deploy_makes_it_anew_when_nothing_runs() {
    for text in SPOILT.into_iter().map(Some).chain([None]) {
        let world = world().without_check_server().release("v1");
        world.make();
        spoil(&world, text);
        world.run(["deploy", "v1"]).succeeds();
        world.serves("A", "v1");
    }
}

#[test]
fn a_configuration_that_is_broken_elsewhere_is_left_alone_with_its_switch() {
    let world = without_check_server();
    world.break_nginx_configuration();
    for text in SPOILT {
        spoil(&world, Some(text));
        world.run(["deploy", "v2"]).fails_with(1).says("bogus_directive");
        assert_eq!(world.read("nginx/upstream.conf"), text);
        world.serves("A", "v1");
    }
    world.mend_nginx_configuration();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn an_nginx_that_cannot_start_without_it_is_given_one() {
    for text in SPOILT.into_iter().map(Some).chain([None]) {
        let world = world().release("v1").release("v2").deployed("v1");
        world.deploy("v2").succeeds();
        spoil(&world, text);
        world.stop_nginx();
        assert!(!world.nginx_accepts_its_configuration(), "{text:?}");
        world.run(["deploy", "v1"]).fails_with(6).says("does nginx run?");
        let told =
            if text.is_none() { "the switch is missing; connect-to-nginx" } else { "Start it; nginx -t" };
        world.run(["status"]).exits_with(6).shows(told);
        world.run(["connect-to-nginx", "b"]).fails_with(6).says("Start it");
        world.start_nginx();
        world.serves("B", "v2");
        world.run(["status"]).succeeds();
    }
}
