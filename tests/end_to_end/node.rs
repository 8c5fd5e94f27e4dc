//! A real Node app with real dependencies, deployed twice under load.

use std::path::Path;
use std::process::Command;

use support::{only_resets_on_kept_connections, served_by};

use crate::world;

/// Whether node and npm are there; where CI runs they must be.
fn node_is_there() -> bool {
    let runs = |program| Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success());
    runs("node") && runs("npm") || support::skipped("node or npm is missing")
}

#[test]
fn a_hapi_app_is_deployed_twice_under_load() {
    if !node_is_there() {
        return;
    }
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hapi-app");
    let read = |name: &str| std::fs::read_to_string(fixture.join(name)).unwrap();
    let (package, lock, server) = (read("package.json"), read("package-lock.json"), read("server.js"));
    let world = world()
        .set("run.command", "'npm start -- --host=$HOST --port=$PORT'")
        .set("health.start_timeout", "\"60s\"")
        .set("run.stop_timeout", "\"10s\"")
        .set("build.dependencies.command", "'npm ci --no-audit --no-fund'")
        .set("build.dependencies.path", "\"node_modules\"")
        .set("build.dependencies.key", "[\"package.json\", \"package-lock.json\"]")
        .release("v1")
        .with_file("package.json", &package)
        .with_file("package-lock.json", &lock)
        .with_file("server.js", &server)
        .release("v2")
        .deployed("v1");
    world.serves("A", "v1");
    assert!(world.exists("instances/A/node_modules/@hapi/hapi/package.json"));
    let family = world.processes_of("A");
    assert!(family.len() >= 2, "npm, sh and node: {family:?}");
    world
        .under_load(|world| {
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(3))
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
    world.serves("B", "v2");
    // npm ci ran once: the second release has the same dependencies.
    let log = world.read(&format!("logs/build-{}.log", world.id("v2")));
    assert!(!log.contains("added "), "{log}");
    world.run(["stop-instance", "a"]).succeeds();
    assert!(world.processes_of("A").is_empty());
}

#[test]
fn the_lock_file_names_no_registry() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hapi-app/package-lock.json");
    let text = std::fs::read_to_string(lock).unwrap();
    assert!(!text.contains("\"resolved\""));
    assert!(text.contains("\"integrity\""));
}
