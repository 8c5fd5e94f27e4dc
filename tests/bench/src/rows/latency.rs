//! How long requests take while it is deployed.

use std::time::Duration;

use support::World;
use support::load::{Mode, Report as Loaded};

use super::{RELEASES, Style, three_releases};
use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::Rounds;

const STEADY: Duration = Duration::from_secs(3);

/// The time that 99 in 100 requests stay under, in turns with the steady state.
pub fn while_deploying(effort: &Effort, report: &mut Report) {
    let world = three_releases(Style::Upstream);
    let mut releases = RELEASES.into_iter().cycle();
    let rounds = (0..effort.few)
        .map(|_| {
            let steady = world.under_load(|_: &World| std::thread::sleep(STEADY)).report;
            let deploying = world
                .under_load(|world| {
                    for release in releases.by_ref().take(6) {
                        world.run(["deploy", release]).succeeds();
                    }
                })
                .report;
            [p99(&deploying), p99(&steady)]
        })
        .collect();
    let rounds = Rounds::of(rounds);
    report.tell(Timed::of("99 in 100 requests while deploying", &rounds, "the steady state").within(
        &rounds,
        "1.3 times the steady state",
        |[_, steady]| 1.3 * steady,
    ));
}

/// Of requests over new connections.
fn p99(of: &Loaded) -> f64 {
    let of = of.modes.iter().find(|of| of.mode == Mode::New).expect("it was part of the load");
    of.latency.p99.as_secs_f64() * 1e3
}
