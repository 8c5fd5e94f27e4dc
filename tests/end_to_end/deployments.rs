//! deployments: what was deployed, and how it ended.

use std::io::Write as _;

use crate::world;

#[test]
fn none_yet() {
    let world = world();
    assert_eq!(world.run(["deployments", "--json"]).succeeds().json(), serde_json::json!([]));
    world.run(["deployments"]).succeeds().says_nothing();
}

#[test]
fn each_with_its_steps_and_its_end() {
    let world = world().release("v1").release("v2").exits_at_start().deployed("v1");
    world.run(["deploy", "v2"]).fails_with(1);
    let log = world.run(["deployments", "--json"]).succeeds().json();
    assert_eq!(log.as_array().unwrap().len(), 2, "{log:#}");
    assert_eq!(log[0]["result"], "deployed");
    assert_eq!(log[0]["to"], world.id("v1").as_str());
    assert_eq!(log[1]["result"], "failed");
    assert!(log[1]["reason"].as_str().unwrap().contains("exited with status"), "{log:#}");
    let steps: Vec<_> = log[0]["steps"].as_object().unwrap().values().collect();
    assert!(steps.len() >= 4 && steps.iter().all(|seconds| seconds.as_f64().unwrap() >= 0.0), "{log:#}");

    let table = world.run(["deployments"]).succeeds().says_nothing();
    assert_eq!(table.stdout().lines().count(), 3, "{table}");
    world.run(["deployments", "-n", "1"]).succeeds().shows("failed");
    let id = log[1]["id"].as_str().unwrap();
    world.run(["deployments", id]).succeeds().shows("start-instance").shows("exited with status");
    world.run(["deployments", "20000101-000000"]).fails_with(1).prints_nothing().says("20000101-000000");
}

#[test]
fn who_deployed_also_when_nobody_was_at_the_keyboard() {
    let world = world().release("v1").release("v2").release("v3");
    for (agent, revision, way) in [("cron", "v1", "by cron"), ("ssm-document-worker", "v2", "by SSM")] {
        let shell = world.home().join(agent);
        std::fs::copy("/bin/sh", &shell).unwrap();
        let deploy = world.command(&["deploy", revision]);
        let mut command = std::process::Command::new(shell);
        command.args(["-c", "\"$@\"; exit $?", agent]).arg(deploy.get_program()).args(deploy.get_args());
        support::surround(&mut command, &deploy);
        support::Running::start(agent, command).wait().succeeds();
        let log = world.run(["deployments", "--json", "-n", "1"]).succeeds().json();
        assert!(log[0]["by"].as_str().unwrap().ends_with(way), "{log:#}");
    }
    let mut by_ssh = world.command(&["deploy", "v3"]);
    by_ssh.env("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22").env("SUDO_USER", "minsu");
    support::Running::start("deploy v3", by_ssh).wait().succeeds();
    let log = world.run(["deployments", "--json", "-n", "1"]).succeeds().json();
    assert!(log[0]["by"].as_str().unwrap().starts_with("minsu as "), "{log:#}");
    assert!(log[0]["by"].as_str().unwrap().ends_with("from 192.0.2.7"), "{log:#}");
}

#[test]
fn a_long_line_is_found_too() {
    let world = world().release("v1").deployed("v1");
    let line = world.read("logs/deployments.jsonl");
    let endless = line.replace("\"reason\":null", &format!("\"reason\":\"{}\"", "x".repeat(100_000)));
    world.write("logs/deployments.jsonl", &format!("{line}{endless}"));
    let log = world.run(["deployments", "--json", "-n", "1"]).succeeds().json();
    assert_eq!(log[0]["reason"].as_str().unwrap().len(), 100_000);
    assert!(world.run(["status", "--json"]).json()["last_deployment"]["reason"].is_string());
}

#[test]
fn a_line_torn_by_a_crash_is_skipped_and_mended() {
    let world = world().release("v1").release("v2").deployed("v1");
    let path = world.home().join("logs/deployments.jsonl");
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"id\":\"2026").unwrap();
    assert_eq!(world.run(["deployments", "--json"]).succeeds().json().as_array().unwrap().len(), 1);
    world.run(["deploy", "v2"]).succeeds();
    let log = world.run(["deployments", "--json"]).succeeds().json();
    assert_eq!(log.as_array().unwrap().len(), 2, "{log:#}");
    assert_eq!(log[1]["to"], world.id("v2").as_str());
}
