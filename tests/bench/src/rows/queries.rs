//! What is asked: the switch, the pid, the status.

use std::process::Command;

use support::World;

use super::world;
use crate::Effort;
use crate::report::{Report, Timed};
use crate::surroundings::Surroundings;
use crate::timing::{Times, in_turn, running, typed};

fn nothing() -> Command {
    Command::new("/bin/true")
}

pub fn of_the_switch(effort: Effort, report: &mut Report) {
    let world = world();
    for query in ["enabled-instance", "enabled-port", "disabled-instance", "disabled-port"] {
        let [by_hand, now] = in_turn(effort.queries, [running(nothing()), running(world.command(&[query]))]);
        report.times.push(times_of_true(query, now, by_hand, 1.5));
    }
}

pub fn pid(effort: Effort, report: &mut Report) {
    let world = world();
    let what = |where_: &str| format!("pid{where_}");
    report.times.extend(pid_beside_lsof(&world, effort, &what("")));
    let _crowd = Surroundings::of_idle_processes(500, 20);
    report.times.extend(pid_beside_lsof(&world, effort, &what(" beside 500 processes")));
}

fn pid_beside_lsof(world: &World, effort: Effort, what: &str) -> [Timed; 2] {
    let port = world.port("B");
    let [nothing, now] = in_turn(effort.queries, [running(nothing()), running(world.command(&["pid"]))]);
    let [by_lsof, beside] = in_turn(
        effort.steps,
        [typed(&format!("lsof -nP -iTCP:{port} -sTCP:LISTEN -t")), running(world.command(&["pid"]))],
    );
    let lsof = Timed {
        what: what.to_owned(),
        now: beside,
        by_hand: "lsof -t".to_owned(),
        by_hand_takes: by_lsof,
        bound: by_lsof.median,
        bound_in_words: "lsof".to_owned(),
    };
    [times_of_true(what, now, nothing, 2.0), lsof]
}

pub fn status(effort: Effort, report: &mut Report) {
    let world = world();
    let health = format!("http://127.0.0.1:{}/health", world.port("A"));
    let [nothing, probe, now] = in_turn(
        effort.steps,
        [running(nothing()), typed(&format!("curl -sf {health}")), running(world.command(&["status"]))],
    );
    report.times.push(Timed {
        what: "status".to_owned(),
        now,
        by_hand: "curl one instance".to_owned(),
        by_hand_takes: probe,
        bound: probe.median + 10.0 * nothing.median,
        bound_in_words: "a probe and 10 times /bin/true".to_owned(),
    });
}

fn times_of_true(what: &str, now: Times, by_hand_takes: Times, at_most: f64) -> Timed {
    Timed {
        what: what.to_owned(),
        now,
        by_hand: "/bin/true".to_owned(),
        by_hand_takes,
        bound: by_hand_takes.median * at_most,
        bound_in_words: format!("{at_most} times /bin/true"),
    }
}
