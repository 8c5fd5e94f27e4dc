//! A whole deployment of a release that is built already.

use std::process::{Command, Stdio};
use std::time::Duration;

use support::{World, http, world::demo_app};

use super::world;
use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::{in_turn, running};

pub fn deploy(effort: Effort, report: &mut Report) {
    let world = world();
    let mut turns = ["v1", "v2"].into_iter().cycle();
    let deploy = Box::new(|| {
        let release = turns.next().expect("it never ends");
        running(world.command(&["deploy", release]))();
    });
    let [start_up, now] = in_turn(effort.steps, [Box::new(|| start_by_hand(&world)), deploy]);
    report.times.push(Timed {
        what: "deploy, tiny app, release built".to_owned(),
        now,
        by_hand: "the app's start-up".to_owned(),
        by_hand_takes: start_up,
        bound: start_up.median + 300.0,
        bound_in_words: "the app's start-up and 300 ms".to_owned(),
    });
}

/// From its start until it answers.
fn start_by_hand(world: &World) {
    let port = world.spare_port();
    let mut app = Command::new(demo_app())
        .env("PORT", port.to_string())
        .env("HOST", "127.0.0.1")
        .env("INSTANCE", "A")
        .env("RELEASE", "by hand")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo app can be started");
    while http::get(port, "/health").is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    app.kill().and_then(|()| app.wait()).expect("it can be ended");
}
