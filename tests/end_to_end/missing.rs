//! Files that are not there: a home begins with flipside.toml alone, and what is lost is made again.

use crate::world;

#[test]
fn a_home_needs_only_its_configuration() {
    let world = world().without_nginx().release("v1");
    world.make();
    world.remove("nginx");
    assert_eq!(world.list(""), ["flipside.toml"]);
    for query in ["enabled-instance", "disabled-port", "pid"] {
        world.run([query]).exits_with(1).prints_nothing();
    }
    world.run(["releases"]).succeeds();
    world.run(["status"]).exits_with(6);
    assert_eq!(world.list(""), ["flipside.toml"], "a query writes nothing");
    world.run(["update-instance", "b", "v1"]).succeeds();
    world.run(["start-instance", "b"]).succeeds();
    assert_eq!(world.get_from("B", "/health").status, 200);
}

#[test]
fn what_is_worthless_after_a_reboot_may_be_lost_at_any_time() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("run");
    let pid = world.run(["pid"]).succeeds();
    world.run(["status"]).succeeds();
    world.run(["start-instance", "a"]).succeeds();
    world.run(["pid"]).prints(pid.answer());
    world.run(["deploy", "v2"]).succeeds();
    world.remove("run");
    world.run(["stop-instance", "a"]).succeeds();
    assert!(world.processes_of("A").is_empty());
    world.serves("B", "v2");
}

#[test]
fn the_logs() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("logs");
    world.run(["logs"]).exits_with(1).prints_nothing();
    let status = world.run(["status", "--json"]).exits_with(0).json();
    assert!(status["last_deployment"].is_null());
    world.run(["deploy", "v2"]).succeeds();
    world.run(["logs"]).succeeds().shows("listening");
}

#[test]
fn the_mirror_of_the_repository() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("repository.git");
    world.run(["deploy", "v2"]).succeeds();
    world.write("repository.git/HEAD", "nonsense");
    world.publish("v3", &[]);
    world.run(["deploy", "v3"]).succeeds();
    world.serves("A", "v3");
}

#[test]
fn a_release_without_its_manifest_is_built_again() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.remove(&format!("releases/{}/release.json", world.id("v2")));
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_release_of_the_standby() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["update-instance", "b", "v2"]).succeeds();
    world.remove("releases");
    let status = world.run(["status", "--json"]).json();
    assert_eq!(status["live"], "A", "{status:#}");
    world.serves("A", "v1");
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_instances() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("instances");
    world.run(["pid"]).succeeds();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
    world.run(["stop-instance", "a"]).succeeds();
}

#[test]
fn the_switch_while_nginx_serves_on() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("nginx/upstream.conf");
    world
        .under_gentle_load(|world| {
            let status = world.run(["status", "--json"]).json();
            assert_eq!((&status["enabled"], &status["live"]), (&serde_json::Value::Null, &"A".into()));
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(support::only_resets_on_kept_connections(6));
    assert!(world.exists("nginx/upstream.conf"));
    assert_eq!(world.run(["status", "--json"]).json()["applied"], true);
}

#[test]
fn git_is_not_installed() {
    let world = world().release("v1");
    let nowhere = world.folder().join("nowhere").display().to_string();
    world.run_with(&[("PATH", &nowhere)], ["update-instance", "b", "v1"]).fails_with(1).says("git");
}

#[test]
fn nginx_is_not_installed() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.change("nginx.test", "[\"no-such-nginx\", \"-t\"]");
    world.run(["deploy", "v2"]).fails_with(1).says("no-such-nginx -t").says("[nginx] test");
    world.serves("A", "v1");
}
