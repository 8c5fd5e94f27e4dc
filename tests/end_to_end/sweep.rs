//! A sweep: one command after the other, each with something that happens to it at one of its system calls, and what
//! must hold afterwards whatever it was.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use support::http::Address;
use support::{SOON, World, eventually, processes};

use crate::traced::{self, Fate, Point};
use crate::world;

/// A command in a situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    Deploy,
    /// With `old = "stop"`.
    DeployStops,
    Rollback,
    /// To a kept release that no instance has.
    RollbackStarts,
    Connect,
    Stop,
    /// With the switch edited by hand, and not applied.
    BootupConnects,
    /// With the enabled instance dead.
    BootupStarts,
}

/// What a command is to reach.
pub struct Goal {
    pub words: Vec<String>,
    /// Who is to serve what: several, if it cannot be told whether an interrupted command had reached it.
    serves: Vec<(String, String)>,
    stopped: Option<String>,
}

impl Scenario {
    pub const ALL: [Self; 8] = [
        Self::Deploy,
        Self::DeployStops,
        Self::Rollback,
        Self::RollbackStarts,
        Self::Connect,
        Self::Stop,
        Self::BootupConnects,
        Self::BootupStarts,
    ];

    /// Those in which something else happens in the style `socket`.
    pub const OF_SOCKETS: [Self; 5] =
        [Self::Deploy, Self::DeployStops, Self::Connect, Self::Stop, Self::BootupStarts];

    /// The command's name.
    pub fn command(self) -> &'static str {
        match self {
            Self::Deploy | Self::DeployStops => "deploy",
            Self::Rollback | Self::RollbackStarts => "rollback",
            Self::Connect => "connect-to-nginx",
            Self::Stop => "stop-instance",
            Self::BootupConnects | Self::BootupStarts => "bootup",
        }
    }

    /// Where requests fail before the command begins.
    pub fn is_without_load(self) -> bool {
        self == Self::BootupStarts
    }

    /// How the command may end when something goes wrong on the way.
    pub fn documented(self) -> &'static [i32] {
        match self {
            // It begins in doubt.
            Self::BootupConnects | Self::BootupStarts => &[0, 1, 6],
            _ => &[0, 1, 5],
        }
    }

    /// A world in which both instances run, and any scenario can be prepared again and again.
    pub fn world() -> World {
        Self::make(world())
    }

    /// The same in the style `socket`.
    pub fn world_of_sockets() -> World {
        Self::make(world().with_sockets())
    }

    fn make(world: World) -> World {
        let world = world
            .set("deploy.observe", "\"100ms\"")
            .set("source.keep", "1")
            .set(
                "build.dependencies.command",
                "'mkdir -p modules/inner; echo tool > modules/inner/tool; sleep 0.02'",
            )
            .set("build.dependencies.path", "\"modules\"")
            .set("build.dependencies.key", "[]")
            .set("build.dependencies.reuse", "\"link\"")
            .release("v1")
            .deployed("v1");
        for release in ["v2", "v3", "v4"] {
            world.publish(release, &[]);
            world.deploy(release).succeeds();
        }
        world
    }

    /// Brings the world to where the command begins.
    pub fn prepare(self, world: &World, number: usize) -> Goal {
        if self == Self::Rollback {
            // What other trials did by hand is no deployment to go back from.
            deploy_one_more(world, &format!("r{number}"));
        }
        let kept = as_after_some_deployments(world, number);
        let enabled = world.run(["enabled-instance"]).succeeds().answer().to_owned();
        let standby = if enabled == "A" { "B" } else { "A" };
        world.run(["start-instance", standby]).succeeds();
        let old = if self == Self::DeployStops { "\"stop\"" } else { "\"keep\"" };
        world.change("deploy.old", old);
        let by_either = |release: &str| ["A", "B"].map(|name| (name.to_owned(), release.to_owned()));
        let release = |instance: &str| world.release_of(instance);
        let standby_serves = || (standby.to_owned(), release(standby));
        match self {
            Self::Deploy | Self::DeployStops => {
                let name = format!("x{number}");
                world.publish(&name, &[]);
                goal(["deploy", &name], by_either(&world.id(&name)))
            }
            Self::RollbackStarts => goal(["rollback", &kept], by_either(&kept)),
            Self::Rollback => goal(["rollback"], by_either(&release(standby))),
            Self::Connect => goal(["connect-to-nginx", standby], [standby_serves()]),
            Self::Stop => {
                let goal = goal(["stop-instance", standby], [(enabled.clone(), release(&enabled))]);
                Goal { stopped: Some(standby.to_owned()), ..goal }
            }
            Self::BootupConnects => {
                let port = world.port(standby);
                world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{port};\n"));
                goal(["bootup"], [standby_serves()])
            }
            Self::BootupStarts => {
                processes::end(|| world.processes_of(&enabled));
                goal(["bootup"], [(enabled.clone(), release(&enabled)), standby_serves()])
            }
        }
    }
}

fn goal<const N: usize, const M: usize>(words: [&str; N], serves: [(String, String); M]) -> Goal {
    Goal { words: words.map(str::to_owned).into(), serves: serves.into(), stopped: None }
}

impl Goal {
    pub fn is_reached(&self, world: &World) {
        let (instance, release) = served(world);
        assert!(
            self.serves.contains(&(instance.clone(), release.clone())),
            "{release} of {instance} serves instead of one of {:?}",
            self.serves
        );
        if let Some(stopped) = &self.stopped {
            assert!(world.processes_of(stopped).is_empty(), "{stopped} was to be stopped");
            assert!(!world.exists(&format!("run/{stopped}.sock")), "nothing is left at its address");
        }
        let json = sweep_status(world);
        assert!(json["interrupted"].is_null(), "nothing is interrupted any more: {json}");
        let expected = if self.stopped.is_some() { "degraded" } else { "up" };
        assert_eq!(json["service"], expected, "{json}");
    }
}

/// An interrupted deployment that was run again may leave both instances with the same release: then the next one would have
/// nothing to prune. So each gets one of its own. The id of a release that is kept beside these.
fn as_after_some_deployments(world: &World, number: usize) -> String {
    let kept = || {
        let json = world.run(["releases", "--json"]).succeeds().json();
        let unused =
            |release: &&serde_json::Value| release["instances"].as_array().is_some_and(Vec::is_empty);
        json.as_array()?.iter().find(unused)?["id"].as_str().map(str::to_owned)
    };
    let kept = || kept().filter(|_| world.release_of("A") != world.release_of("B"));
    let one_more = |name| {
        deploy_one_more(world, &format!("{name}{number}"));
        kept()
    };
    kept()
        .or_else(|| ["w", "y", "z"].into_iter().find_map(one_more))
        .expect("one is kept beside those in use")
}

fn deploy_one_more(world: &World, name: &str) {
    world.publish(name, &[]);
    world.deploy(name).succeeds();
}

/// Who answers users: instance and release.
pub fn served(world: &World) -> (String, String) {
    let answer = world.get("/");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    (header("x-instance"), header("x-release"))
}

fn sweep_status(world: &World) -> serde_json::Value {
    let ran = world.run(["status", "--json"]);
    let json = ran.json();
    let exit = match json["service"].as_str() {
        Some("up") => 0,
        Some("degraded") => 1,
        _ => 6,
    };
    assert_eq!(ran.status(), exit, "{ran}");
    json
}

/// Whoever serves has its full share of the processors.
pub fn no_small_share_serves(world: &World) {
    let (live, _) = served(world);
    for pid in world.processes_of(&live) {
        let niceness = processes::niceness_of_its_session(pid).unwrap_or(0);
        assert_eq!(niceness, 0, "{live} serves with a small share of the processors");
    }
}

/// `status` says what the world shows. The service is up, and no command runs.
pub fn status_is_true(world: &World) {
    let json = sweep_status(world);
    assert_ne!(json["service"], "down", "{json}");
    let (live, _) = served(world);
    assert_eq!(json["live"], live.as_str(), "{json}");
    let enabled = enabled(world);
    assert_eq!(json["enabled"].as_str(), enabled, "{json}");
    assert_eq!(json["applied"], enabled == Some(live.as_str()), "{json}");
    for instance in json["instances"].as_array().unwrap() {
        let name = instance["name"].as_str().unwrap();
        let health = support::http::get_at(&world.address(name), "/health");
        assert_eq!(instance["healthy"], health.is_ok_and(|answer| answer.status == 200), "{json}");
        let runs = !world.processes_of(name).is_empty();
        assert_eq!(!instance["pid"].is_null(), runs, "{json}");
        assert_eq!(instance["release"], world.release_of(name), "{json}");
    }
    assert_eq!(json["interrupted"]["id"].as_str().map(str::to_owned), cut_off(world), "{json}");
}

/// As a person would read the switch.
fn enabled(world: &World) -> Option<&'static str> {
    let named = |instance: &&str| match world.address(instance) {
        Address::Port(port) => {
            world.read("nginx/upstream.conf").contains(&format!("server 127.0.0.1:{port};"))
        }
        Address::Socket(path) => fs::canonicalize(world.switch()).is_ok_and(|target| target == path),
    };
    ["A", "B"].into_iter().find(named)
}

/// The deployment that has begun and never wrote down how it ended.
pub fn cut_off(world: &World) -> Option<String> {
    let underway = fs::read_to_string(world.home().join("run/deploy.json")).ok()?;
    let underway: serde_json::Value = serde_json::from_str(&underway).unwrap();
    let id = underway["id"].as_str().unwrap();
    (last_deployment(world)["id"] != id).then(|| id.to_owned())
}

/// Waits for what an interrupted command has left running, unless it is to be left alone. Whether it is known that
/// nothing runs.
pub fn eventually_idle(world: &World, left_alone: bool) -> bool {
    if left_alone {
        return false;
    }
    eventually(SOON, "what was left running ends", || world.commands_running().is_empty());
    true
}

/// Nothing runs that should not, and nothing lies about.
pub fn is_tidy(world: &World) {
    is_tidy_but_for(world, |_| false);
}

/// The same, where these files may be left.
pub fn is_tidy_but_for(world: &World, may_stay: impl Fn(&str) -> bool) {
    eventually_idle(world, false);
    for instance in ["A", "B"] {
        let all = world.processes_of(instance);
        assert!(all.len() <= 1, "{instance} is several: {all:?}");
    }
    let mut stray = stray(world);
    stray.retain(|path| !may_stay(path));
    assert!(stray.is_empty(), "left behind: {stray:?}");
    for line in world.read("logs/deployments.jsonl").lines() {
        let parsed = serde_json::from_str::<serde_json::Value>(line);
        assert!(parsed.is_ok() || !line.ends_with('}'), "in deployments.jsonl: {line}");
    }
}

/// Files of the home that nobody needs any more. A lock that a killed git has left in the mirror is none: it is mended by the
/// next fetch, which the next trial needs. Nor is what tells of a deployment that has concluded: the next one replaces it.
fn stray(world: &World) -> Vec<String> {
    let folder = |path: &str| -> Vec<String> {
        world.list(path).into_iter().map(|name| format!("{path}/{name}")).collect()
    };
    // A record or a socket of an instance that has ended is in nobody's way; nor is the word that nothing is built.
    let of_run = ["lock", "build", "A.json", "B.json", "A.sock", "B.sock", "current.sock"];
    let of_run = |path: &String| !of_run.iter().any(|name| path == &format!("run/{name}"));
    let half = |path: &String| !world.exists(&format!("{path}/release.json"));
    let mut stray: Vec<String> = folder("run").into_iter().filter(of_run).collect();
    stray.extend(folder("releases").into_iter().filter(half));
    for path in ["", "releases", "instances", "nginx", "logs"] {
        stray.extend(folder(path).into_iter().filter(|path| path.contains("/.")));
    }
    if cut_off(world).is_none() {
        stray.retain(|path| path != "run/deploy.json");
    }
    stray.sort();
    stray.dedup();
    stray
}

/// The last line of `deployments.jsonl`.
pub fn last_deployment(world: &World) -> serde_json::Value {
    serde_json::from_str(world.read("logs/deployments.jsonl").lines().last().unwrap()).unwrap()
}

/// One trial of a sweep.
#[derive(Clone, Debug)]
pub struct Job {
    pub scenario: Scenario,
    pub point: Point,
    pub fate: Fate,
}

impl Job {
    pub fn name(&self) -> String {
        format!("{:?}: {} {}", self.scenario, self.point, self.fate)
    }
}

/// What became of a trial in which all held.
pub struct Trial {
    /// Whether the command came to the point.
    pub hit: bool,
}

/// All points of the scenarios, with the fates that they are to meet.
pub fn jobs(
    scenarios: &[Scenario],
    make: fn() -> World,
    fates: impl Fn(Scenario, &Point) -> Vec<Fate> + Sync,
) -> Vec<Job> {
    let of = |scenario: Scenario| {
        let world = make();
        let goal = scenario.prepare(&world, 0);
        let words: Vec<&str> = goal.words.iter().map(String::as_str).collect();
        let (ran, mut points) = traced::points(&world, &words);
        // One probe of an instance that starts is like the next, and how many there are differs from run to run.
        points
            .dedup_by(|next, one| next.call == "connect" && (next.kind(), next.run) == (one.kind(), one.run));
        ran.succeeds();
        goal.is_reached(&world);
        is_tidy(&world);
        println!("{scenario:?} has {} points", points.len());
        let jobs = points.into_iter().flat_map(|point| {
            let fates = fates(scenario, &point);
            fates.into_iter().map(move |fate| Job { scenario, point: point.clone(), fate })
        });
        jobs.collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let of = &of;
        let threads: Vec<_> = scenarios.iter().map(|scenario| scope.spawn(move || of(*scenario))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// As `FLIPSIDE_SWEEP` says: all of them, those whose names hold its words, or one of each kind, at most so many. The fates
/// take turns.
pub fn spread(jobs: Vec<Job>, at_most: usize) -> Vec<Job> {
    match std::env::var("FLIPSIDE_SWEEP").as_deref() {
        Ok("all") => return jobs,
        Ok(words) if !words.is_empty() => {
            let named: Vec<_> = jobs.into_iter().filter(|job| job.name().contains(words)).collect();
            assert!(!named.is_empty(), "there is no point whose name holds `{words}`");
            return named;
        }
        _ => {}
    }
    let mut kinds = BTreeMap::<_, Vec<Job>>::new();
    for job in jobs {
        kinds.entry(job.point.kind()).or_default().push(job);
    }
    let all = kinds.len();
    // Of each kind another one, so that scenarios and fates take turns.
    let chosen = kinds.into_values().enumerate().map(|(number, mut kind)| {
        let turn = number * 7 % kind.len();
        kind.swap_remove(turn)
    });
    println!("{all} kinds of points, of which at most {at_most} are tried");
    let kept = at_most.min(all);
    let is_kept = |number: usize| number * kept / all != (number + 1) * kept / all;
    chosen.enumerate().filter(|(number, _)| is_kept(*number)).map(|(_, job)| job).collect()
}

/// Each has all processors.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs all trials, several at a time, each in a world that goes on from trial to trial until something is wrong in it.
pub fn run(
    name: &str,
    jobs: Vec<Job>,
    make: fn() -> World,
    attempt: impl Fn(&World, &Job, usize) -> Trial + Sync,
) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = Instant::now();
    let total = jobs.len();
    let jobs = Mutex::new(jobs.into_iter().enumerate());
    let failures = Mutex::new(Vec::new());
    let missed = Mutex::new(Vec::new());
    let workers = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut world = None;
                loop {
                    let Some((number, job)) = jobs.lock().unwrap().next() else { return };
                    let trial = catch_unwind(AssertUnwindSafe(|| {
                        let here = world.take().unwrap_or_else(make);
                        let trial = attempt(&here, &job, number + 1);
                        world = Some(here);
                        trial
                    }));
                    match trial {
                        Ok(Trial { hit: true }) => {}
                        Ok(Trial { hit: false }) => missed.lock().unwrap().push(job.name()),
                        Err(panic) => failures.lock().unwrap().push((job.name(), words(&*panic))),
                    }
                }
            });
        }
    });
    let (failures, missed) = (failures.into_inner().unwrap(), missed.into_inner().unwrap());
    println!(
        "{name}: {total} points in {:.0} s; {} were not come to",
        begun.elapsed().as_secs_f64(),
        missed.len()
    );
    for name in &missed {
        println!("  not come to: {name}");
    }
    for (name, words) in &failures {
        println!("\n{name}\n{words}");
    }
    assert!(
        failures.is_empty(),
        "{} of {total} failed: {:#?}",
        failures.len(),
        failures.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    // How often something is polled differs from run to run.
    assert!(missed.len() * 4 <= total, "too many of {total} points were not come to: {missed:#?}");
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
