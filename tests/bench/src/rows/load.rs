//! Deployments in a row under the full load: what fails, and how long requests take.

use support::World;
use support::load::{Mode, Report as Loaded};

use super::world;
use crate::Effort;
use crate::report::{Counted, Report, Timed};
use crate::timing::Times;

pub fn deployments(effort: Effort, report: &mut Report) {
    let world = world();
    let steady = world.under_load(|_: &World| std::thread::sleep(std::time::Duration::from_secs(3))).report;
    let deploying = world
        .under_load(|world| {
            for number in 0..effort.deployments {
                world.run(["deploy", if number % 2 == 0 { "v1" } else { "v2" }]).succeeds();
            }
        })
        .report;
    for (mode, at_most) in [(Mode::New, 0), (Mode::Slow, 0), (Mode::KeepAlive, 3 * effort.deployments as u64)]
    {
        let of = deploying.modes.iter().find(|of| of.mode == mode).expect("it was part of the load");
        report.counts.push(Counted {
            what: format!("failed, {} deployments, {mode}", effort.deployments),
            count: of.failures.values().sum(),
            of: of.sent,
            at_most,
        });
    }
    let p99 = |report: &Loaded| {
        let of = report.modes.iter().find(|of| of.mode == Mode::New).expect("it was part of the load");
        let p99 = of.latency.p99.as_secs_f64() * 1e3;
        Times {
            median: p99,
            low: of.latency.p50.as_secs_f64() * 1e3,
            high: of.latency.max.as_secs_f64() * 1e3,
        }
    };
    let (steady, now) = (p99(&steady), p99(&deploying));
    report.times.push(Timed {
        what: "99 in 100 requests while deploying".to_owned(),
        now,
        by_hand: "in the steady state".to_owned(),
        by_hand_takes: steady,
        bound: steady.median * 1.3,
        bound_in_words: "1.3 times the steady state".to_owned(),
    });
}
