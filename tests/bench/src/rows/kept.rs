//! Ten times a thousand releases and deployments, beside ten of them.

use support::World;

use super::{RELEASES, Style, three_releases};
use crate::Effort;
use crate::kept::{keep_deployments, keep_releases};
use crate::report::{Report, Timed};
use crate::timing::{Rounds, in_turn, run_in_turn, running};

const FEW: usize = 10;
const MANY: usize = 10_000;

pub fn whatever_is_kept(effort: &Effort, report: &mut Report) {
    let few = home_that_keeps(FEW);
    let many = home_that_keeps(MANY);
    let mut rows = Vec::new();
    for (words, runs) in [
        (&["enabled-port"][..], effort.queries / 4),
        (&["pid"], effort.queries / 4),
        (&["status"], effort.steps),
        (&["deployments", "-n", "10"], effort.queries / 4), // of either the same number
    ] {
        let command = |world: &World| running(world.command(words));
        rows.push(row(&words.join(" "), &in_turn(runs, [command(&many), command(&few)])));
    }
    let deploy =
        |world: &World| run_in_turn(RELEASES.map(|release| world.command(&["deploy", release])).into());
    rows.push(row("deploy", &in_turn(effort.steps / 2, [deploy(&many), deploy(&few)])));
    report.tell_all(rows);
}

fn row(command: &str, rounds: &Rounds<2>) -> Timed {
    Timed::of(&format!("`{command}`, 10,000 releases and deployments"), rounds, "with 10").within(
        rounds,
        "the same, within a tenth",
        |[_, few]| 1.1 * few,
    )
}

fn home_that_keeps(count: usize) -> World {
    let world = three_releases(Style::Upstream);
    world.change("source.keep", &(count + 10).to_string());
    keep_releases(&world, 0..count);
    keep_deployments(&world, 0..count);
    world
}
