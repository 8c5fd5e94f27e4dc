//! How long requests take while it is deployed.
//!
//! nginx, the instances and what deploys have two processors to themselves, as on a cheap server, and a build keeps both of
//! them busy. The load comes from the others, where there are any.

use std::process::{Command, Stdio};
use std::time::Duration;

use support::World;
use support::load::{Mode, Report as Loaded};
use support::processes;

use super::Style;
use crate::Effort;
use crate::by_hand;
use crate::report::{Report, Timed};
use crate::timing::Rounds;

const PROCESSORS: &str = "0,1";
/// So many there must be for the load to have some of its own.
const ENOUGH: usize = 4;
/// As long as it takes to deploy, about: short, so that there can be many in turn, and a moment in which the machine has
/// other things to do spoils few of them.
const STEADY: Duration = Duration::from_millis(1_500);
const ROUNDS_OF_A_FEW: usize = 3;
const BUILD: &str = "for each in 1 2 3 4; do timeout 1 sh -c 'while :; do :; done' & done; wait";

/// The time that 99 in 100 requests stay under, in turns with the steady state.
pub fn while_deploying(effort: &Effort, report: &mut Report) {
    let this = std::process::id().cast_signed();
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    if all >= ENOUGH {
        bind(this, &format!("2-{}", all - 1));
    }
    compared(effort, report);
    bind(this, &format!("0-{}", all - 1));
}

fn compared(effort: &Effort, report: &mut Report) {
    let by_hand =
        rounds(effort, &Style::Upstream.world(), |world, release| by_hand::with_build(world, release, BUILD));
    for style in Style::BOTH {
        let world = style.world().set("build.command", &format!("{BUILD:?}"));
        let now = rounds(effort, &world, |world, release| world.command(&["deploy", release]));
        let both = now.iter().zip(&by_hand).map(|([now, steady], [by_hand, _])| [*now, *by_hand, *steady]);
        let both = Rounds::of(both.collect());
        let what = format!("99 in 100 requests while deploying{}", style.suffix());
        let in_words = "1.3 times the steady state";
        report
            .tell(Timed::of(&what, &both, "a script").within(&both, in_words, |[_, _, steady]| 1.3 * steady));
    }
}

/// While deploying, and without.
fn rounds(effort: &Effort, world: &World, deploy: fn(&World, &str) -> Command) -> Vec<[f64; 2]> {
    let mut number = 0;
    let mut deploy_next = |world: &World| {
        number += 1;
        let release = format!("v{number}");
        world.publish(&release, &[("NUMBER", &number.to_string())]);
        on_two_processors(&deploy(world, &release));
    };
    world.make();
    // And so the workers that it will have.
    for pid in processes::in_sessions(&[world.nginx_pid().expect("nginx runs")]) {
        bind(pid, PROCESSORS);
    }
    for _ in 0..2 {
        deploy_next(world);
    }
    (0..effort.few * ROUNDS_OF_A_FEW)
        .map(|_| {
            let steady = world.under_load(|_: &World| std::thread::sleep(STEADY)).report;
            let deploying = world.under_load(|world| deploy_next(world));
            [p99(&deploying.report), p99(&steady)]
        })
        .collect()
}

/// All threads of a process, and whatever it will start.
fn bind(pid: i32, processors: &str) {
    let mut taskset = Command::new("taskset");
    taskset.args(["-a", "-p", "-c", processors, &pid.to_string()]).stdout(Stdio::null());
    assert!(taskset.status().expect("taskset is there").success());
}

fn on_two_processors(command: &Command) {
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", PROCESSORS]).arg(command.get_program()).args(command.get_args());
    support::surround(&mut taskset, command);
    taskset.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = taskset.status().expect("taskset is there");
    assert!(status.success(), "{command:?}: {status}");
}

/// Of requests over new connections.
fn p99(of: &Loaded) -> f64 {
    let of = of.modes.iter().find(|of| of.mode == Mode::New).expect("it was part of the load");
    of.latency.p99.as_secs_f64() * 1e3
}
