//! releases: what is built, what is in use; and --prune.

use crate::world;

#[test]
fn a_table_and_the_same_for_machines() {
    let world =
        world().release("v1").release("v2").release("v3").deployed("v1").deployed("v2").deployed("v3");
    let ran = world.run(["releases"]).succeeds().is_plain();
    for name in ["v1", "v2", "v3"] {
        assert!(ran.stdout().contains(&world.id(name)), "{ran}");
    }
    let json = world.run(["releases", "--json"]).succeeds().json();
    let all = json.as_array().unwrap();
    assert_eq!(all.len(), 3, "{json:#}");
    let of = |name: &str| all.iter().find(|release| release["id"] == world.id(name)).unwrap();
    assert_eq!(of("v1")["revision"], "v1");
    assert_eq!(of("v1")["commit"], world.commit_of("v1"));
    assert!(of("v1")["bytes"].as_u64().unwrap() > 0);
}

#[test]
fn none_yet() {
    let world = world();
    world.run(["releases"]).succeeds();
    let json = world.run(["releases", "--json"]).succeeds().json();
    assert!(json.as_array().unwrap().is_empty());
}

#[test]
fn prune_keeps_so_many_beside_those_in_use() {
    let world = world().release("v1").release("v2").release("v3").release("v4").release("v5");
    for name in ["v1", "v2", "v3", "v4", "v5"] {
        world.run(["update-instance", "b", name]).succeeds();
    }
    world.run(["update-instance", "a", "v1"]).succeeds();
    world.change("source.keep", "1");
    let all = world.list("releases");
    world.run(["releases", "--prune", "--dry-run"]).succeeds();
    assert_eq!(world.list("releases"), all);
    world.run(["releases", "--prune"]).succeeds();
    let mut expected: Vec<String> = ["v1", "v4", "v5"].map(|name| world.id(name)).into();
    expected.sort();
    assert_eq!(world.list("releases"), expected);
}

#[test]
fn the_logs_of_the_last_fifty_deployments_are_kept() {
    let world = world().release("v1").deployed("v1");
    let of_today = world.list("logs").into_iter().find(|name| name.starts_with("deploy-2")).unwrap();
    for number in 10..70 {
        world.write(&format!("logs/deploy-20200101-0000{number}.log"), "long ago");
    }
    world.write("logs/deploy-notes.log", "somebody's");
    world.write(&format!("logs/{of_today}"), "the newest");
    let all = world.list("logs");
    world.run(["releases", "--prune", "--dry-run"]).succeeds();
    assert_eq!(world.list("logs"), all);
    world.run(["releases", "--prune"]).succeeds();
    let left = world.list("logs");
    assert_eq!(left.iter().filter(|name| name.starts_with("deploy-2")).count(), 50, "{left:?}");
    for kept in [&of_today, "deploy-notes.log", "deploy-20200101-000069.log", "A.log", "deployments.jsonl"] {
        assert!(left.iter().any(|name| name == kept), "{kept}: {left:?}");
    }
    assert!(!left.iter().any(|name| name == "deploy-20200101-000010.log"), "{left:?}");
    world.run(["deployments"]).succeeds().shows("deployed");
}

#[test]
fn a_failed_build_never_pushes_out_a_good_release() {
    let world = world().set("source.keep", "1").release("v1").release("v2").release("v3");
    for name in ["v1", "v2"] {
        world.run(["update-instance", "b", name]).succeeds();
    }
    let good = world.list("releases");
    world.change("build.command", "'exit 1'");
    for _ in 0..3 {
        world.run(["update-instance", "b", "v3"]).fails_with(1);
        world.run(["releases", "--prune"]).succeeds();
    }
    let whole: Vec<String> =
        world.list("releases").into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(whole, good);
}

#[test]
fn what_a_crash_left_half_built_is_no_release_and_is_pruned() {
    let world = world().release("v1").deployed("v1");
    world.write("releases/.v9-1234567/switches", "VERSION=v9\n");
    assert!(!world.run(["releases"]).succeeds().stdout().contains("v9"));
    world.run(["releases", "--prune"]).succeeds();
    assert_eq!(world.list("releases"), [world.id("v1")]);
    world.serves("A", "v1");
}
