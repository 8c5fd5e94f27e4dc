//! logs: what an instance has printed.

use support::{SOON, Signal, eventually};

use crate::world;

#[test]
fn the_last_lines_of_the_enabled_instance() {
    let world = world().release("v1").deployed("v1");
    world.run(["logs"]).succeeds().says_nothing().shows("demo-app: listening on 127.0.0.1:");
    let last = |from: u32| (from..=30).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
    world.write("logs/A.log", &format!("{}\n", last(1)));
    world.run(["logs"]).prints(&last(21));
    world.run(["logs", "a", "-n", "3"]).prints(&last(28));
    world.run(["logs", "--lines=100"]).prints(&last(1));
    world.run(["logs", "--lines", "0"]).succeeds().prints_nothing();
}

#[test]
fn a_log_of_one_long_line_without_an_end() {
    let world = world().release("v1").deployed("v1");
    world.write("logs/A.log", &"x".repeat(300_000));
    let ran = world.run(["logs", "-n", "1"]).succeeds();
    assert_eq!(ran.stdout().trim_end().len(), 300_000);
}

#[test]
fn no_log_yet() {
    let world = world().release("v1").deployed("v1");
    world.run(["logs", "b"]).fails_with(1).prints_nothing();
}

#[test]
fn follow_shows_what_comes() {
    let world = world().release("v1").deployed("v1");
    let mut following = world.start(["logs", "a", "--follow"]);
    following.until_it_says("demo-app: listening");
    world.run(["deploy", "v1", "--force"]).succeeds();
    world.run(["stop-instance", "a"]).succeeds();
    following.until_it_says("demo-app: stopped");
    // Also when the log is turned over.
    world.write("logs/A.log.new", "a new log\n");
    std::fs::rename(world.home().join("logs/A.log.new"), world.home().join("logs/A.log")).unwrap();
    following.until_it_says("a new log");
    following.signal(Signal::SIGINT);
    eventually(SOON, "it ends", || !following.is_running());
}
