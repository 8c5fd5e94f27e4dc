//! Killed anywhere: at each system call that matters, of each process of a command, under load.
//!
//! By default a spread of the points is tried, one of each kind; `FLIPSIDE_SWEEP=all` tries all of them, in both ways;
//! `FLIPSIDE_SWEEP=WORDS` those whose names hold the words.

use support::{World, only_resets_on_kept_connections};

use crate::sweep::{self, Job, Scenario, Trial};
use crate::traced::{self, Fate, Point, Struck};
use crate::world;

/// At most so many points without `FLIPSIDE_SWEEP`, of all commands.
const SPREAD: usize = 96;
const SPREAD_OF_SOCKETS: usize = 32;

#[test]
fn killed_at_any_system_call() {
    if !traced::is_possible() {
        return;
    }
    let jobs = sweep::jobs(&Scenario::ALL, Scenario::world, fates);
    sweep::run("crash", sweep::spread(jobs, SPREAD), Scenario::world, killed);
}

#[test]
fn killed_at_any_system_call_in_the_style_socket() {
    if !traced::is_possible() {
        return;
    }
    let jobs = sweep::jobs(&Scenario::OF_SOCKETS, Scenario::world_of_sockets, fates);
    let jobs = sweep::spread(jobs, SPREAD_OF_SOCKETS);
    sweep::run("crash with sockets", jobs, Scenario::world_of_sockets, killed);
}

fn fates(_: Scenario, point: &Point) -> Vec<Fate> {
    let matters = point.call != "openat";
    if matters { vec![Fate::Killed, Fate::AllKilled] } else { Vec::new() }
}

/// One kill, and what must hold afterwards.
fn killed(world: &World, job: &Job, number: usize) -> Trial {
    let Job { scenario, point, fate } = job;
    let goal = scenario.prepare(world, number);
    let words: Vec<&str> = goal.words.iter().map(String::as_str).collect();
    let someone_restarts_nginx = number % 4 == 3;
    let at_once = number.is_multiple_of(2);
    let mut hit = false;
    let under_load = |world: &World, during: &mut dyn FnMut(&World)| {
        if scenario.is_without_load() {
            during(world);
        } else {
            // Each of the reloads there may be closes some idle connections.
            world.under_gentle_load(|world| during(world)).expect(only_resets_on_kept_connections(30));
        }
    };
    under_load(world, &mut |world| {
        let struck = traced::strike(world, &words, point, *fate);
        hit = struck.hit;
        judge_command(world, job, &struck);
        if !someone_restarts_nginx {
            let idle = sweep::eventually_idle(world, at_once);
            world.nginx_reload_by_someone_else();
            if idle && !scenario.is_without_load() {
                judge_what_is_left(world, *scenario);
            }
            again(world, *scenario, &words);
        }
    });
    if someone_restarts_nginx {
        sweep::eventually_idle(world, false);
        world.restart_nginx();
        if !scenario.is_without_load() {
            judge_what_is_left(world, *scenario);
        }
        under_load(world, &mut |world| again(world, *scenario, &words));
    }
    goal.is_reached(world);
    sweep::no_small_share_serves(world);
    sweep::is_tidy(world);
    Trial { hit }
}

/// What is left of the first one, which does not run any more.
fn judge_what_is_left(world: &World, scenario: Scenario) {
    sweep::status_is_true(world);
    // A standby that was made to serve by an edit and a reload by hand has what it had, until a command comes to it.
    if scenario != Scenario::BootupConnects {
        sweep::no_small_share_serves(world);
    }
}

/// The first one: what it said, if it came to that, and what it left.
fn judge_command(world: &World, job: &Job, struck: &Struck) {
    let Job { scenario, point, fate } = job;
    let status = struck.ran.status();
    let died = status == 128 + 9;
    assert_eq!(
        died,
        struck.hit && (*fate == Fate::AllKilled || is_first(*scenario, point)),
        "whether it died: {}",
        struck.ran
    );
    if died {
        return;
    }
    let documented = scenario.documented();
    assert!(documented.contains(&status), "exits with one of {documented:?}: {}", struck.ran);
    let said = struck.ran.stderr();
    assert!(status == 0 || !said.is_empty(), "says why: {}", struck.ran);
    let is_up = !scenario.is_without_load();
    assert!(!(is_up && said.contains("the service is down")), "it is up: {}", struck.ran);
    assert!(
        !world.exists("run/deploy.json"),
        "it ended by itself, and is no interrupted one: {}",
        struck.ran
    );
}

fn is_first(scenario: Scenario, point: &Point) -> bool {
    point.program == scenario.command()
}

/// The same command again does the work, if it was not done: a second rollback would go back further.
fn again(world: &World, scenario: Scenario, words: &[&str]) {
    let is_done =
        || sweep::cut_off(world).is_none() && sweep::last_deployment(world)["result"] == "rolled-back";
    if scenario == Scenario::Rollback && is_done() {
        return;
    }
    let ran = support::Running::start(&words.join(" "), world.command(words)).wait();
    assert_eq!(ran.status(), 0, "{scenario:?} again: {ran}");
}

#[test]
fn a_deployment_that_is_only_traced_succeeds() {
    if !traced::is_possible() {
        return;
    }
    let world = world().release("v1").release("v2").deployed("v1");
    let (ran, points) = traced::points(&world, &["deploy", "v2"]);
    ran.succeeds();
    world.serves("B", "v2");
    for (program, call, on) in [
        ("deploy", "rename", "run/deploy.json"),
        ("deploy", "fdatasync", "logs/deployments.jsonl"),
        ("update-instance", "rename", "instances/B"),
        ("start-instance", "rename", "run/B.json"),
        ("connect-to-nginx", "rename", "nginx/upstream.conf"),
        ("connect-to-nginx", "flock", "run/lock"),
        ("nginx", "kill", "process"),
    ] {
        let found =
            points.iter().any(|point| (&*point.program, &*point.call, &*point.on) == (program, call, on));
        assert!(found, "{program} {call} {on} is not among {points:#?}");
    }
}
