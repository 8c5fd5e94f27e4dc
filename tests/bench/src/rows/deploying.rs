//! A whole deployment of a release that is built already.

use std::process::{Command, Stdio};
use std::time::Duration;

use support::world::demo_app;
use support::{World, http};

use super::{RELEASES, Style, three_releases, three_releases_by_hand};
use crate::Effort;
use crate::by_hand;
use crate::report::{Report, Timed};
use crate::timing::{in_turn, run_in_turn, timed};

pub fn deploy(effort: &Effort, report: &mut Report) {
    let mine = three_releases_by_hand();
    for (style, more) in [(Style::Upstream, 300), (Style::Socket, 150)] {
        let world = three_releases(style);
        let rounds = in_turn(
            effort.steps,
            [
                run_in_turn(RELEASES.map(|release| world.command(&["deploy", release])).into()),
                run_in_turn(RELEASES.map(|release| by_hand::deploy(&mine, release)).into()),
                timed(|| start_by_hand(&world)),
            ],
        );
        let what = format!("`deploy`, tiny app, release built{}", style.suffix());
        report.tell(Timed::of(&what, &rounds, "a script").within(
            &rounds,
            &format!("the app's start-up and {more} ms"),
            |[_, _, start_up]| start_up + f64::from(more),
        ));
    }
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
