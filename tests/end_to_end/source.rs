//! The source `directory`: releases are states of a folder.

use crate::world;

#[test]
fn each_state_is_a_release() {
    let world = world().source_directory().release("v1").deployed("v1");
    assert_eq!(world.get("/").body.split_whitespace().nth(2), Some("v1"));
    let first = world.list("releases");
    assert!(first.len() == 1 && first[0].starts_with("source-"), "{first:?}");
    world.publish("v2", &[]);
    world.run(["deploy"]).succeeds();
    assert_eq!(world.get("/").body.split_whitespace().nth(2), Some("v2"));
    assert_eq!(world.list("releases").len(), 2);
}

#[test]
fn the_same_state_again_is_nothing_new() {
    let world = world().source_directory().release("v1").deployed("v1");
    world.run(["deploy"]).succeeds().says("--force");
    world.run(["enabled-instance"]).prints("A");
    assert_eq!(world.list("releases").len(), 1);
}

#[test]
fn going_back_to_an_earlier_state_builds_nothing() {
    let world = world().source_directory().release("v1");
    let counted = world.folder().join("counted");
    world.change("build.command", &format!("'echo x >> {}'", counted.display()));
    let world = world.deployed("v1");
    world.publish("v2", &[]);
    world.run(["deploy"]).succeeds();
    world.publish("v1", &[]);
    world.run(["deploy"]).succeeds();
    assert_eq!(std::fs::read_to_string(counted).unwrap().lines().count(), 2);
    assert_eq!(world.get("/").body.split_whitespace().nth(2), Some("v1"));
}

#[test]
fn what_is_changed_later_does_not_reach_a_running_release() {
    let world = world().source_directory().release("v1").with_file("public/page", "old").deployed("v1");
    std::fs::write(world.source().join("public/page"), "new").unwrap();
    assert_eq!(world.read("instances/A/public/page"), "old");
}

#[test]
fn a_revision_is_bad_usage() {
    let world = world().source_directory().release("v1");
    world
        .run(["update-instance", "b", "v1"])
        .fails_with(2)
        .says("there is no revision `v1`: [source] directory has no revisions; leave it out");
}

#[test]
fn a_folder_that_is_not_there() {
    let world = world().source_directory().release("v1").deployed("v1");
    std::fs::remove_dir_all(world.source()).unwrap();
    world.run(["deploy"]).fails_with(2).says("[source] directory: ").says("does not exist");
    world.serves("A", "source");
}

#[test]
fn a_folder_that_holds_the_home() {
    let world = world().source_directory();
    let folder = world.folder().display().to_string();
    world.change("source.directory", &format!("\"{folder}\""));
    world.run(["deploy"]).fails_with(2).says("holds the home");
}
