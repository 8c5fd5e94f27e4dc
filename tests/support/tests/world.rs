//! A world works, and leaves nothing behind.

use std::process::{Command, Stdio};

use support::{
    SOON, Signal, World, eventually, http, only_resets_on_kept_connections, processes, served_only_by,
};

const DEMO_APP: &str = env!("CARGO_BIN_EXE_demo-app");

fn world() -> World {
    support::commands_beside(DEMO_APP);
    World::new()
}

/// Starts an app as an instance would run, by hand.
fn start_instance(world: &World, instance: &str, environment: &[(&str, &str)]) -> i32 {
    world.make();
    let mut app = Command::new("setsid");
    app.arg(DEMO_APP)
        .env("FLIPSIDE_PROCESS", format!("{}#{instance}", world.home().display()))
        .env("INSTANCE", instance)
        .env("RELEASE", "v1-1234567")
        .env("PORT", world.port(instance).to_string())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let child = app.spawn().unwrap();
    let pid = child.id().cast_signed();
    std::thread::spawn(move || { child }.wait()); // no zombie when it has been killed
    eventually(SOON, "the app listens", || processes::listens(world.port(instance)));
    pid
}

fn switch_to(world: &World, instance: &str) {
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port(instance)));
    world.nginx_reload_by_someone_else();
}

#[test]
fn users_meet_the_instance_that_the_switch_names() {
    let world = world();
    start_instance(&world, "B", &[]);
    assert_eq!(world.get("/").status, 502);
    switch_to(&world, "B");
    world.serves("B", "v1");
    assert_eq!(world.websocket().echo("hello").unwrap(), "hello");
    let checked = http::get(world.check_port(), "/health").unwrap();
    assert_eq!(checked.header("x-flipside-upstream"), Some(&*format!("127.0.0.1:{}", world.port("B"))));
}

#[test]
fn load_is_answered_and_told_of() {
    let world = world();
    start_instance(&world, "A", &[]);
    switch_to(&world, "A");
    world
        .under_gentle_load(World::nginx_reload_by_someone_else)
        .expect(only_resets_on_kept_connections(3))
        .expect(served_only_by("A", "v1"));
}

#[test]
fn nothing_is_left_of_a_world() {
    let world = world().release("v1");
    let app = start_instance(&world, "A", &[("IGNORE_SIGTERM", "yes"), ("GRANDCHILD", "holds-port")]);
    let idler = start_instance(&world, "B", &[("GRANDCHILD", "idle")]);
    let family = world.processes_of("A");
    assert!(family.len() >= 2 && family.contains(&app), "{family:?}");
    let master = world.nginx_pid().unwrap();
    let (folder, ports) = (world.folder().to_owned(), [world.port("A"), world.public_port()]);
    drop(world);
    for pid in family.into_iter().chain([idler, master]) {
        assert!(!processes::runs(pid), "{pid} is left");
    }
    assert!(!ports.into_iter().any(processes::listens));
    assert!(!folder.exists());
    assert!(!folder.with_extension("lock").exists());
}

#[test]
fn nothing_is_left_of_a_world_whose_test_fails() {
    let (told, hear) = std::sync::mpsc::channel();
    let failed = std::thread::spawn(move || {
        let world = world();
        let app = start_instance(&world, "A", &[]);
        told.send((world.folder().to_owned(), app, world.nginx_pid().unwrap())).unwrap();
        world.read("no such file");
    });
    assert!(failed.join().is_err());
    let (folder, app, master) = hear.recv().unwrap();
    assert!(!processes::runs(app) && !processes::runs(master) && !folder.exists());
}

#[test]
fn what_a_killed_nginx_left_is_found() {
    let world = world();
    world.make();
    let workers = world.workers();
    processes::signal(world.nginx_pid().unwrap(), Signal::SIGKILL);
    eventually(SOON, "the master is gone", || world.nginx_pid().is_none());
    drop(world);
    assert!(!workers.into_iter().any(processes::runs));
}

#[test]
fn an_npm_like_app_is_a_tree() {
    let world = world();
    let top = start_instance(&world, "A", &[("TREE", "npm")]);
    let family = world.processes_of("A");
    assert_eq!(family.len(), 3, "{family:?}");
    assert!(processes::command_line(top).starts_with("/bin/sh"));
    assert_eq!(world.get_from("A", "/health").status, 200);
}

#[test]
fn an_app_finishes_what_is_in_flight() {
    let world = world();
    let app = start_instance(&world, "A", &[]);
    let asked = http::ask(world.port("A"), "/slow?ms=1000").unwrap();
    eventually(SOON, "the request is being answered", || {
        http::get(world.port("A"), "/env").is_ok() // a later request was answered: the earlier one has come in
    });
    processes::signal(app, Signal::SIGTERM);
    eventually(SOON, "it listens no more", || !processes::listens(world.port("A")));
    assert_eq!(asked.answer().unwrap().status, 200);
    eventually(SOON, "the app ends", || !processes::runs(app));
}

#[test]
fn two_worlds_share_no_port() {
    let (one, other) = (world(), world());
    let of = |world: &World| {
        [world.public_port(), world.check_port(), world.port("A"), world.port("B"), world.spare_port()]
    };
    assert!(of(&one).iter().all(|port| !of(&other).contains(port)));
}

#[test]
fn a_release_is_a_tag_with_its_switches() {
    let world = world().release("v1").release("v2").exits_at_start().with_file("folder/file", "text");
    world.make();
    assert_eq!(world.git(["tag", "--list"]), "v1\nv2");
    assert_eq!(world.git(["show", "v1:switches"]), "VERSION=v1");
    assert!(world.git(["show", "v2:switches"]).contains("EXIT_AT_START=1"));
    assert_eq!(world.git(["show", "v2:folder/file"]), "text");
    assert_eq!(world.id("v2").len(), "v2-1234567".len());
}

#[test]
fn the_configuration_can_be_changed() {
    let world = world().set("health.path", "\"/\"").set("deploy.old", "\"stop\"").without_check_server();
    let text = world.config_text();
    assert!(text.contains("path = \"/\"\n") && text.contains("old = \"stop\"\n"), "{text}");
    assert!(!text.contains("check ="), "{text}");
}
