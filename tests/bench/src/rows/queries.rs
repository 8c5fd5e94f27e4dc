//! What is asked: the switch, the pid, the status.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{World, http};

use super::{Style, two_releases, world};
use crate::Effort;
use crate::by_hand::in_world;
use crate::report::{Report, Timed, thousands};
use crate::surroundings::Surroundings;
use crate::timing::{Tried, in_turn, running, timed, typed};

const PROBE: Duration = Duration::from_secs(1);

pub fn nothing() -> Command {
    Command::new("/bin/true")
}

pub fn of_the_switch(effort: &Effort, report: &mut Report) {
    let mut rows = Vec::new();
    for style in Style::BOTH {
        let world = two_releases(style);
        for query in ["enabled-instance", "enabled-port", "disabled-instance", "disabled-port"] {
            if style == Style::Socket && query.ends_with("port") {
                continue; // there are none
            }
            let rounds = in_turn(effort.queries, [running(world.command(&[query])), running(nothing())]);
            let timed = Timed::of(&format!("`{query}`{}", style.suffix()), &rounds, "`/bin/true`");
            rows.push(timed.within(&rounds, "1.5 times `/bin/true`", |[_, nothing]| 1.5 * nothing));
        }
    }
    report.tell_all(rows);
}

pub fn pid(effort: &Effort, report: &mut Report) {
    let worlds = Style::BOTH.map(|style| (style, two_releases(style)));
    let mut measure = |beside: &str| {
        for (style, world) in &worlds {
            let what = format!("`pid`{}{beside}", style.suffix());
            let rounds = in_turn(effort.queries, [running(world.command(&["pid"])), running(nothing())]);
            let at_most = "twice `/bin/true`";
            let of_many =
                Timed::of(&what, &rounds, "`/bin/true`")
                    .within(&rounds, at_most, |[_, nothing]| 2.0 * nothing);
            report.tell(of_many.detail());

            let lsof = typed(&listener(world, *style));
            let rounds = in_turn(effort.steps, [running(world.command(&["pid"])), lsof, running(nothing())]);
            let timed = Timed::of(&what, &rounds, "`lsof -t`");
            report.tell(timed.within(&rounds, at_most, |[_, _, nothing]| 2.0 * nothing));
        }
    };
    measure("");
    let _crowd = Surroundings::of_idle_processes(effort.crowd, 20);
    measure(&beside(effort));
}

/// What one would type for the pid.
fn listener(world: &World, style: Style) -> String {
    match style {
        Style::Upstream => format!("lsof -nP -t -iTCP:{} -sTCP:LISTEN", world.port("B")),
        Style::Socket => format!("lsof -t {}", world.home().join("run/B.sock").display()),
    }
}

pub fn status(effort: &Effort, report: &mut Report) {
    let world = world();
    let mut measure = |beside: &str| {
        let rounds = in_turn(
            effort.steps,
            [
                running(world.command(&["status"])),
                running(in_world(&world, &looked_up(&world, ""))),
                slower_probe(&world),
                running(nothing()),
            ],
        );
        report.tell(Timed::of(&format!("`status`{beside}"), &rounds, "`lsof`, `curl`, both").within(
            &rounds,
            "the slower probe and 10 times `/bin/true`",
            |[_, _, probe, nothing]| probe + 10.0 * nothing,
        ));
    };
    measure("");
    let crowd = Surroundings::of_idle_processes(effort.crowd, 20);
    measure(&beside(effort));
    drop(crowd);
    status_of_an_app_that_hangs(effort, report);
}

fn status_of_an_app_that_hangs(effort: &Effort, report: &mut Report) {
    let world = world();
    world.change("health.timeout", "\"1s\"");
    world.turn("A", "HEALTH", "mute");
    let mut status = world.command(&["status"]);
    status.stdout(Stdio::null()).stderr(Stdio::null());
    let status = timed(|| {
        let ended = status.status().expect("status can be run");
        assert_eq!(ended.code(), Some(1), "something is amiss");
    });
    let by_hand = running(in_world(&world, &looked_up(&world, "-m 1")));
    let rounds = in_turn(effort.few, [status, by_hand, running(nothing())]);
    report.tell(Timed::of("`status`, an app hangs", &rounds, "`lsof`, `curl -m 1`, both").within(
        &rounds,
        "the probe's timeout (1 s) and 10 times `/bin/true`",
        |[_, _, nothing]| PROBE.as_secs_f64() * 1e3 + 10.0 * nothing,
    ));
}

fn beside(effort: &Effort) -> String {
    format!(", {} idle processes beside it", thousands(effort.crowd as u64))
}

/// What one would type to see how both instances are.
fn looked_up(world: &World, how: &str) -> String {
    let of = |instance| {
        let port = world.port(instance);
        format!(
            "pid=$(lsof -nP -t -iTCP:{port} -sTCP:LISTEN); ps -o pid,etime,rss -p \"$pid\"; \
             curl -s {how} http://127.0.0.1:{port}/health; "
        )
    };
    of("A") + &of("B") + "true"
}

/// One request to each instance: how long the slower one took.
fn slower_probe(world: &World) -> Tried<'_> {
    Box::new(|| {
        let probe = |instance| {
            let begun = Instant::now();
            let answer = http::get(world.port(instance), "/health").expect("it answers");
            assert_eq!(answer.status, 200);
            begun.elapsed()
        };
        probe("A").max(probe("B"))
    })
}
