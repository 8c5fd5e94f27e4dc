//! status: what runs, in a table or for machines. It never hangs.

use serde_json::Value;
use support::{World, processes};

use crate::{traced, world};

const KEYS: [&str; 7] = ["app", "enabled", "live", "applied", "service", "interrupted", "last_deployment"];
const INSTANCE_KEYS: [&str; 13] = [
    "name",
    "port",
    "enabled",
    "live",
    "release",
    "revision",
    "pid",
    "healthy",
    "health_ms",
    "uptime_seconds",
    "memory_bytes",
    "cpu_percent",
    "restarts",
];

fn json(world: &World, exit: i32) -> Value {
    let json = world.run(["status", "--json"]).exits_with(exit).json();
    for key in KEYS {
        assert!(json.get(key).is_some(), "{key} is missing in {json:#}");
    }
    for instance in json["instances"].as_array().unwrap() {
        for key in INSTANCE_KEYS {
            assert!(instance.get(key).is_some(), "{key} is missing in {instance:#}");
        }
    }
    json
}

#[test]
fn up_with_a_standby() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let status = json(&world, 0);
    assert_eq!(status["app"], "demo");
    assert_eq!((&status["enabled"], &status["live"]), (&"B".into(), &"B".into()));
    assert_eq!((&status["applied"], &status["service"]), (&true.into(), &"up".into()));
    assert!(status["interrupted"].is_null());
    assert_eq!(status["last_deployment"]["to"], world.id("v2"));
    let (a, b) = (&status["instances"][0], &status["instances"][1]);
    assert_eq!((&a["name"], &b["name"]), (&"A".into(), &"B".into()));
    assert_eq!((&a["enabled"], &b["enabled"]), (&false.into(), &true.into()));
    assert_eq!((&a["live"], &b["live"]), (&false.into(), &true.into()));
    assert_eq!((&a["release"], &b["release"]), (&world.id("v1").into(), &world.id("v2").into()));
    assert_eq!((&a["revision"], &b["revision"]), (&"v1".into(), &"v2".into()));
    for (name, instance) in [("A", a), ("B", b)] {
        assert_eq!(instance["port"], world.port(name));
        let pid = world.run(["pid", name]).succeeds();
        assert_eq!(instance["pid"].to_string(), pid.answer());
        assert_eq!(instance["healthy"], true);
        assert!(instance["health_ms"].is_number() && instance["cpu_percent"].is_number(), "{instance:#}");
        assert!(instance["uptime_seconds"].as_f64().unwrap() >= 0.0);
        assert!(instance["memory_bytes"].as_u64().unwrap() > 100_000, "{instance:#}");
    }
}

#[test]
fn the_table_is_aligned() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let ran = world.run(["status"]).succeeds().is_plain().says_nothing();
    let row = |name: &str| {
        ran.stdout()
            .lines()
            .find(|line| !line.contains("is up") && line.contains(&world.id(name)))
            .unwrap()
            .to_owned()
    };
    let column = |name: &str| row(name).find(&world.id(name)).unwrap();
    assert_eq!(column("v1"), column("v2"), "{ran}");
    assert!(row("v1").contains(&world.port("A").to_string()), "{ran}");
    assert!(ran.stdout().lines().all(|line| line.chars().count() <= 120), "{ran}");
    assert!(ran.stdout().lines().all(|line| line.trim_end() == line), "{ran}");
}

#[test]
fn nothing_deployed_yet() {
    let world = world();
    let status = json(&world, 6);
    assert_eq!(status["service"], "down");
    assert!(status["enabled"].is_null() && status["last_deployment"].is_null(), "{status:#}");
    for instance in status["instances"].as_array().unwrap() {
        for key in
            ["release", "revision", "pid", "health_ms", "uptime_seconds", "memory_bytes", "cpu_percent"]
        {
            assert!(instance[key].is_null(), "{key}: {instance:#}");
        }
        assert_eq!((&instance["enabled"], &instance["live"]), (&false.into(), &false.into()));
    }
    world.run(["status"]).exits_with(6).is_plain();
}

#[test]
fn the_kept_standby_is_dead() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    processes::end(|| world.processes_of("A"));
    let status = json(&world, 1);
    assert_eq!(status["service"], "degraded");
    assert!(status["instances"][0]["pid"].is_null());
    world.run(["status"]).exits_with(1);
}

#[test]
fn the_kept_standby_was_ended_by_a_boot() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let record = world.read("run/A.json");
    processes::end(|| world.processes_of("A"));
    let mut record: Value = serde_json::from_str(&record).unwrap();
    record["process"]["boot"] = "another".into();
    world.write("run/A.json", &record.to_string());
    let status = json(&world, 0);
    assert_eq!(status["service"], "up");
    assert_eq!(status["instances"][0]["healthy"], false);
    world
        .run(["status"])
        .exits_with(0)
        .shows("A, the standby, was not started since the boot; rollback would start it");
    world.run(["rollback"]).succeeds();
    world.serves("A", "v1");
    json(&world, 0);
}

#[test]
fn the_switch_is_not_applied() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port("A")));
    let status = json(&world, 1);
    assert_eq!((&status["enabled"], &status["live"]), (&"A".into(), &"B".into()));
    assert_eq!((&status["applied"], &status["service"]), (&false.into(), &"degraded".into()));
    world.run(["status"]).exits_with(1).shows("connect-to-nginx");
}

#[test]
fn the_enabled_instance_is_gone() {
    let world = world().release("v1").deployed("v1");
    processes::end(|| world.processes_of("A"));
    let status = json(&world, 6);
    assert_eq!(status["service"], "down");
    assert_eq!(status["instances"][0]["enabled"], true);
}

#[test]
fn nginx_is_down() {
    let world = world().release("v1").deployed("v1");
    world.stop_nginx();
    let status = json(&world, 6);
    assert_eq!((&status["service"], &status["live"]), (&"down".into(), &Value::Null));
    assert_eq!(status["instances"][0]["healthy"], true);
    world.run(["status"]).exits_with(6).shows("nginx");
}

#[test]
fn an_app_that_hangs() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.change("health.timeout", "\"1s\"");
    for instance in ["A", "B"] {
        let pid = world.run(["pid", instance]).succeeds();
        processes::signal(pid.answer().parse().unwrap(), support::Signal::SIGSTOP);
    }
    let status = json(&world, 6);
    assert_eq!(status["instances"][1]["healthy"], false);
    assert!(!status["instances"][1]["pid"].is_null());
    let ran = world.run(["status"]).exits_with(6);
    assert!(ran.took.as_secs() < 10, "{ran}");
}

#[test]
fn without_a_check_server() {
    let world = world().without_check_server().release("v1").deployed("v1");
    let status = json(&world, 0);
    assert_eq!((&status["enabled"], &status["live"]), (&"A".into(), &Value::Null));
    assert_eq!(status["service"], "up");
}

#[test]
fn a_foreign_process_on_a_port() {
    let world = world().release("v1").deployed("v1");
    let foreign = world.foreign_app("B");
    let taken =
        format!("has its port taken by demo-app (pid {}), which flipside did not start", foreign.pid());
    world.run(["status"]).exits_with(0).shows(&taken);
    let status = world.run(["status", "--json"]).json();
    assert!(status["instances"][1]["pid"].is_null(), "{status:#}");
}

#[test]
fn it_needs_no_lock() {
    let (world, deploying) = crate::lock::busy();
    let status = world.run(["status", "--json"]).json();
    assert_eq!((&status["enabled"], &status["service"] == "down"), (&"A".into(), false));
    deploying.signal(support::Signal::SIGTERM);
    deploying.wait().fails_with(1);
}

#[test]
fn after_a_failed_deployment() {
    let world = world().release("v1").release("v2").exits_at_start().deployed("v1");
    world.run(["deploy", "v2"]).fails_with(1);
    let status = world.run(["status", "--json"]).json();
    assert_eq!(status["last_deployment"]["result"], "failed", "{status:#}");
    assert_eq!(status["service"], "degraded");
    assert_eq!(status["live"], "A");
}

#[test]
fn a_dead_instance_beside_a_healthy_one_is_told_with_what_helps_at_once() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.deploy("v2").succeeds();
    processes::end(|| world.processes_of("B"));
    world
        .run(["status"])
        .exits_with(6)
        .shows("B serves and is not healthy: it does not run; run bootup, or connect-to-nginx A: A (v1-");
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn it_runs_nothing_and_asks_nothing_of_what_else_runs_on_the_machine() {
    if !traced::is_possible() {
        return;
    }
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let calls = traced::calls_of_all_threads(&world, &["status"]);
    let ours: Vec<_> = ["A", "B"].iter().flat_map(|name| world.processes_of(name)).collect();
    for call in calls {
        let makes_a_process =
            call.contains("fork(") || call.contains("CLONE_") && !call.contains("CLONE_THREAD");
        assert!(!makes_a_process, "{call}");
        assert!(!call.contains("\"/proc\""), "all of /proc is listed: {call}");
        let asked =
            call.split_once("\"/proc/").and_then(|(_, rest)| rest.split(['/', '"']).next()?.parse().ok());
        assert!(asked.is_none_or(|pid: i32| ours.contains(&pid)), "of another process: {call}");
    }
}
