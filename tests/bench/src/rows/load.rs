//! Under the full load: what fails while it is deployed.

use std::time::Duration;

use support::load::{Failure, Mode, Report as Loaded};
use support::{Signal, World};

use super::{RELEASES, Style, three_releases, three_releases_by_hand};
use crate::Effort;
use crate::by_hand;
use crate::report::{Counted, Report};

const SCRIPT: &str = "a script";

/// Deployments in a row.
pub fn deployments(effort: &Effort, report: &mut Report) {
    let count = effort.deployments;
    let releases = || RELEASES.into_iter().cycle().take(count);
    let by_hand = {
        let world = three_releases_by_hand();
        let loaded = world.under_load(|world| {
            for release in releases() {
                assert!(by_hand::run(world, release), "the script deploys");
            }
        });
        loaded.report
    };
    for style in Style::BOTH {
        let world = three_releases(style);
        let loaded = world.under_load(|world| {
            for release in releases() {
                world.run(["deploy", release]).succeeds();
            }
        });
        tell(report, &format!("failed, {count} deployments"), style, &loaded.report, &by_hand);
    }
}

/// Deployments that are killed, each at another time, and run again.
pub fn killed(effort: &Effort, report: &mut Report) {
    let count = effort.kills;
    let releases = || RELEASES.into_iter().cycle().take(count).enumerate();
    let after = |number: usize, whole: Duration| whole.mul_f64((number as f64 + 0.5) / count as f64);
    let by_hand = {
        let world = three_releases_by_hand();
        let whole = by_hand::took(&world, RELEASES[2]);
        let loaded = world.under_load(|world| {
            for (number, release) in releases() {
                by_hand::killed(world, release, after(number, whole));
                by_hand::run(world, release);
            }
        });
        loaded.report
    };
    for style in Style::BOTH {
        let world = three_releases(style);
        let whole = world.run(["deploy", RELEASES[0]]).succeeds().took;
        let loaded = world.under_load(|world| {
            for (number, release) in releases() {
                let deploying = world.start(["deploy", release]);
                std::thread::sleep(after(number, whole));
                deploying.signal(Signal::SIGKILL);
                deploying.wait();
                // A step that has lost its deployment goes on, and holds the lock until it is done.
                world.run(["deploy", "--wait=20s", release]).succeeds();
            }
        });
        let what = format!("failed, {count} deployments killed and run again");
        tell(report, &what, style, &loaded.report, &by_hand);
    }
}

/// Releases that do not work.
pub fn broken_releases(effort: &Effort, report: &mut Report) {
    type Told = fn(World) -> World;
    let broken: [(&str, Told); 4] = [
        ("exits", World::exits_at_start),
        ("never listens", World::never_listens),
        ("answers 500", |world| world.never_healthy().with("PAGES", "500")),
        ("never answers", World::never_answers),
    ];
    let mut changed = 0;
    for (what, told) in broken {
        let by_hand = (!effort.quick).then(|| {
            let world = told(Style::Upstream.world().release("v1").release("broken"));
            assert!(by_hand::run(&world, "v1"), "the script deploys");
            world.nginx_reload_by_someone_else(); // until nobody is left whom the first release was unknown to
            let loaded = world.under_load(|world| {
                by_hand::run(world, "broken");
            });
            loaded.report
        });
        let world =
            Style::Upstream.world().set("health.start_timeout", "\"2s\"").set("health.timeout", "\"1s\"");
        let world = told(world.release("v1").release("v2").release("broken")).deployed("v1").deployed("v2");
        let standby = || world.run(["status", "--json"]).json()["instances"][0].clone();
        let of_standby = |key: &str| standby()[key].clone();
        let before = of_standby("release");
        let now = world.under_load(|world| drop(world.run(["deploy", "broken"]).fails_with(1))).report;
        changed += u64::from(of_standby("release") != before || of_standby("healthy") != true);
        let mut counted = Counted::new(&format!("failed, a release that {what}"), "", now.failed())
            .of(now.sent())
            .at_most(0);
        show_failures(&now, "");
        if let Some(by_hand) = by_hand {
            show_failures(&by_hand, "by hand: ");
            counted = counted.beside(SCRIPT, by_hand.failed(), Some(by_hand.sent()));
        }
        report.tell(counted);
    }
    report.tell(
        Counted::new("standbys that are not as they were before such a release", "", changed)
            .of(4)
            .at_most(0),
    );
}

/// What failed by mode, and in how far that is the reload's: it closes idle connections over which a request may be on
/// its way. The style `socket` knows no reload.
fn tell(report: &mut Report, what: &str, style: Style, now: &Loaded, by_hand: &Loaded) {
    let suffix = style.suffix();
    for mode in Mode::ALL {
        let counted = Counted::new(&format!("{what}, {mode}{suffix}"), "", now.failed_in(mode))
            .of(sent(now, mode))
            .beside(SCRIPT, by_hand.failed_in(mode), Some(sent(by_hand, mode)));
        let is_reloads = mode == Mode::KeepAlive && style == Style::Upstream;
        report.tell(if is_reloads { counted } else { counted.at_most(0) });
    }
    let resets = now.failures(Mode::KeepAlive, Failure::ResetOnKept);
    if style == Style::Upstream {
        let others = now.failed_in(Mode::KeepAlive) - resets;
        let what = format!("{what}, kept connections, resets apart");
        report.tell(Counted::new(&what, "", others).of(sent(now, Mode::KeepAlive)).at_most(0).detail());
    }
    show_failures(now, "");
    show_failures(by_hand, "by hand: ");
}

fn show_failures(of: &Loaded, who: &str) {
    if of.failed() > 0 {
        eprintln!("{who}{of}");
    }
}

fn sent(of: &Loaded, mode: Mode) -> u64 {
    of.modes.iter().find(|of| of.mode == mode).map_or(0, |of| of.sent)
}
