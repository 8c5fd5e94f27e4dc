//! deploy, when all goes well.

use support::{only_resets_on_kept_connections, served_by};

use crate::world;

#[test]
fn the_first_deployment_goes_to_a() {
    let world = world().release("v1");
    let ran = world.run(["deploy", "v1"]).succeeds().within_2000_characters().is_plain();
    for step in ["update-instance A v1", "start-instance A", "connect-to-nginx A", "(watching A for 200ms)"] {
        assert!(ran.stderr().lines().any(|line| is_step(line, step)), "{step}: {ran}");
    }
    assert!(ran.stderr().contains(&format!("deploy: A ({}) serves", world.id("v1"))), "{ran}");
    world.serves("A", "v1");
}

/// `update-instance B v2        0.4 s`
fn is_step(line: &str, step: &str) -> bool {
    line.trim()
        .strip_prefix(step)
        .and_then(|rest| rest.strip_suffix(" s"))
        .is_some_and(|time| time.starts_with("  ") && time.trim().parse::<f64>().is_ok())
}

#[test]
fn the_second_goes_to_the_flip_side_without_a_failed_request() {
    let world = world().release("v1").release("v2").deployed("v1");
    world
        .under_gentle_load(|world| {
            let ran = world.run(["deploy", "v2"]).succeeds().within_2000_characters();
            let verdict = format!(
                "deploy: B ({}) serves; A ({}) is ready to go back to",
                world.id("v2"),
                world.id("v1")
            );
            assert_eq!(ran.stderr().lines().last(), Some(&*verdict), "{ran}");
            ran.shows(&world.id("v1")).shows(&world.id("v2"));
        })
        .expect(only_resets_on_kept_connections(3))
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
    world.serves("B", "v2");
    assert_eq!(world.get_from("A", "/health").status, 200, "the old one is kept");
}

#[test]
fn the_newest_tag_when_no_revision_is_named() {
    let world = world().release("v1.9").release("v1.10");
    world.run(["deploy"]).succeeds();
    world.serves("A", "v1.10");
}

#[test]
fn the_same_again_says_so_and_does_nothing() {
    let world = world().release("v1").release("v2").deployed("v1");
    let pid = world.run(["pid"]).succeeds();
    let ran = world.run(["deploy", "v1"]).succeeds();
    assert!(ran.stderr().contains(&world.id("v1")) && ran.stderr().contains("--force"), "{ran}");
    world.run(["pid"]).prints(pid.answer());
    world.run(["enabled-instance"]).prints("A");
    assert!(world.processes_of("B").is_empty());
}

#[test]
fn force_deploys_the_same_again() {
    let world = world().release("v1").deployed("v1");
    world.run(["deploy", "v1", "--force"]).succeeds();
    world.serves("B", "v1");
}

#[test]
fn another_configuration_is_a_change() {
    let world = world().release("v1").deployed("v1");
    world.write("env", "GREETING=hello\n");
    world.set_mode("env", 0o600);
    world.run(["deploy", "v1"]).succeeds();
    world.serves("B", "v1");
    assert!(world.get_from("B", "/env").body.contains("GREETING=hello"));
}

#[test]
fn there_and_back_again() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2").deployed("v1");
    world.serves("A", "v1");
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn every_command_by_hand_in_the_order_of_the_old_scripts() {
    let world = world().release("v1").release("v2").deployed("v1");
    world
        .under_gentle_load(|world| {
            world.run(["disabled-instance"]).prints("B");
            world.run(["update-instance", "B", "v2"]).succeeds().prints(&world.id("v2"));
            world.run(["start-instance", "B"]).succeeds().prints_nothing();
            world.run(["check-health", "B"]).succeeds().shows("ok 200 ");
            world.run(["connect-to-nginx", "B"]).succeeds().prints_nothing();
            world.run(["enabled-instance"]).prints("B");
            world.run(["enabled-port"]).prints(&world.port("B").to_string());
            world.run(["drain-instance", "A"]).succeeds();
            world.run(["stop-instance", "A"]).succeeds().prints_nothing();
            world.run(["pid", "A"]).exits_with(1).prints_nothing();
            world.run(["status"]).shows(&world.id("v2"));
        })
        .expect(only_resets_on_kept_connections(3))
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
}

#[test]
fn the_old_one_is_stopped_if_configured() {
    let world = world().set("deploy.old", "\"stop\"").release("v1").release("v2").deployed("v1");
    let ran = world.run(["deploy", "v2"]).succeeds();
    assert!(ran.stderr().lines().any(|line| is_step(line, "drain-instance A")), "{ran}");
    assert!(ran.stderr().lines().any(|line| is_step(line, "stop-instance A")), "{ran}");
    assert!(world.processes_of("A").is_empty());
    world.serves("B", "v2");
}

#[test]
fn the_status_for_machines() {
    let world = world().release("v1").release("v2").deployed("v1");
    let json = world.run(["deploy", "v2", "--json"]).succeeds().json();
    assert_eq!(json["enabled"], "B");
    assert_eq!(json["live"], "B");
    assert_eq!(json["service"], "up");
    assert_eq!(json["last_deployment"]["result"], "deployed");
}

#[test]
fn quiet_prints_no_progress() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.run(["deploy", "v2", "--quiet"]).succeeds().says_not("update-instance").says_not("watching");
    world.serves("B", "v2");
}

#[test]
fn a_dry_run_tells_the_steps_and_takes_none() {
    let world = world().release("v1").release("v2").deployed("v1");
    let ran = world.run(["deploy", "v2", "--dry-run"]).succeeds();
    let all = format!("{}{}", ran.stdout(), ran.stderr());
    for step in ["update-instance B", &world.id("v2"), "start-instance B", "connect-to-nginx B"] {
        assert!(all.contains(step), "{step}: {ran}");
    }
    world.serves("A", "v1");
    assert!(!world.exists("instances/B"));
}

#[test]
fn what_it_prints_is_kept() {
    let world = world().release("v1");
    let ran = world.run(["deploy", "v1"]).succeeds();
    let logs = world.list("logs");
    let log = logs.iter().find(|name| name.starts_with("deploy-")).unwrap_or_else(|| panic!("{logs:?}"));
    let kept = world.read(&format!("logs/{log}"));
    for line in ran.stderr().lines() {
        assert!(kept.contains(line.trim()), "{line:?} is missing in\n{kept}");
    }
}

#[test]
fn it_is_written_down_who_deployed_what() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let text = world.read("logs/deployments.jsonl");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["revision"], "v2");
    assert_eq!(lines[1]["target"], "B");
    assert_eq!(lines[1]["from"], world.id("v1"));
    assert_eq!(lines[1]["to"], world.id("v2"));
    assert_eq!(lines[1]["result"], "deployed");
    assert!(lines[1]["steps"]["start-instance"].is_number(), "{text}");
}

#[test]
fn hooks_are_run_in_order_with_what_they_need() {
    let world = world().release("v1").release("v2");
    let told = world.folder().join("told").display().to_string();
    for hook in ["pre-connect", "post-connect"] {
        let say = format!(
            "#!/bin/sh\necho {hook} $INSTANCE $RELEASE $ADDRESS $(curl -s http://127.0.0.1:{}/ | cut -c1) >> {told}\n",
            world.public_port()
        );
        world.write_executable(&format!("hooks/{hook}"), &say);
    }
    let world = world.deployed("v1").deployed("v2");
    let address = |instance| format!("http://127.0.0.1:{}", world.port(instance));
    // After the switch, what matters is what nginx answers.
    let check = format!("http://127.0.0.1:{}", world.check_port());
    let (v1, v2) = (world.id("v1"), world.id("v2"));
    let text = std::fs::read_to_string(told).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], format!("post-connect A {v1} {check} A"));
    assert_eq!(lines[2], format!("pre-connect B {v2} {} A", address("B")));
    assert_eq!(lines[3], format!("post-connect B {v2} {check} B"));
}

#[test]
fn many_releases_of_one_day() {
    let world = world().set("source.keep", "2").release("v1").deployed("v1");
    for name in ["v2", "v3", "v4", "v5", "v6"] {
        world.publish(name, &[]);
        world.run(["deploy", name]).succeeds();
    }
    let mut expected: Vec<String> = ["v3", "v4", "v5", "v6"].map(|name| world.id(name)).into();
    expected.sort();
    assert_eq!(world.list("releases"), expected, "two in use and two more");
}

#[test]
fn an_app_that_listens_on_any_address() {
    for address in ["[::]", "0.0.0.0"] {
        let world = world().release("v1").with("LISTEN", address).release("v2").deployed("v1");
        world.run(["deploy", "v2"]).succeeds();
        world.serves("B", "v2");
        world.run(["stop-instance", "a"]).succeeds();
        assert!(world.processes_of("A").is_empty());
    }
}

#[test]
fn a_standby_with_a_websocket_is_not_cut_without_a_word() {
    let world = world().release("v1").release("v2").release("v3").deployed("v1");
    world.change("nginx.drain_timeout", "\"1s\"");
    let mut socket = world.websocket();
    world.run(["deploy", "v2"]).succeeds();
    assert_eq!(socket.echo("hello").unwrap(), "hello");
    world.run(["deploy", "v3"]).succeeds().says("1 connection");
    assert!(socket.is_closed());
    world.serves("A", "v3");
}
