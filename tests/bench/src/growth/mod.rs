//! How the commands' times grow with what else there is: on the machine, in the home, in nginx.

mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use support::World;

use crate::Effort;
use crate::by_hand::in_world;
use crate::kept::{keep_deployments, keep_releases};
use crate::report::{Report, Timed, thousands};
use crate::rows::{RELEASES, Style, nothing, three_releases};
use crate::surroundings::Surroundings;
use crate::timing::{Rounds, Times, in_turn, run_in_turn, running};

/// Descriptors that each idle process holds.
const DESCRIPTORS: usize = 20;

/// A quantity, and the commands' times at some of its values.
#[derive(Serialize)]
pub struct Curves {
    pub quantity: &'static str,
    pub values: Vec<usize>,
    pub lines: Vec<Line>,
}

#[derive(Serialize)]
pub struct Line {
    pub command: &'static str,
    /// What one would do by hand, or nothing at all, to see what the machine itself makes of it.
    pub is_by_hand: bool,
    /// One for each of the values.
    pub times: Vec<Times>,
    /// One for each of the values: how many times `/bin/true` in the same rounds.
    pub times_of_nothing: Vec<Times>,
}

#[derive(Clone, Copy)]
enum Quantity {
    Processes,
    Connections,
    Releases,
    Deployments,
    Sites,
}

impl Quantity {
    const ALL: [Self; 5] =
        [Self::Processes, Self::Connections, Self::Releases, Self::Deployments, Self::Sites];

    fn name(self) -> &'static str {
        match self {
            Self::Processes => "idle processes with 20 descriptors each",
            Self::Connections => "established connections",
            Self::Releases => "kept releases",
            Self::Deployments => "deployments in the log",
            Self::Sites => "other sites in nginx",
        }
    }

    fn values(self, quick: bool) -> &'static [usize] {
        match (self, quick) {
            (Self::Processes, false) => &[0, 250, 500, 1_000, 2_000],
            (Self::Processes, true) => &[0, 500],
            (Self::Connections, false) => &[0, 2_500, 5_000, 10_000, 20_000],
            (Self::Connections, true) => &[0, 5_000],
            (Self::Releases | Self::Deployments, false) => &[10, 100, 1_000, 10_000],
            (Self::Releases | Self::Deployments, true) => &[10, 1_000],
            (Self::Sites, false) => &[0, 125, 250, 500, 1_000],
            (Self::Sites, true) => &[0, 250],
        }
    }

    /// Makes it so many: there were `before` of them. What is returned keeps them there.
    fn reach(self, world: &World, before: usize, now: usize) -> Option<Surroundings> {
        match self {
            Self::Processes => return Some(Surroundings::of_idle_processes(now - before, DESCRIPTORS)),
            Self::Connections => return Some(Surroundings::of_connections(now - before)),
            Self::Releases => keep_releases(world, before..now),
            Self::Deployments => keep_deployments(world, before..now),
            Self::Sites => serve_sites(world, before, now),
        }
        None
    }
}

/// One site more each, with an upstream of its own.
fn serve_sites(world: &World, before: usize, now: usize) {
    let (port, spare) = (world.public_port(), world.spare_port());
    let sites = (before..now).map(|number| {
        format!(
            "upstream site{number} {{ server 127.0.0.1:{spare}; }}\n\
             server {{ listen 127.0.0.1:{port}; server_name site{number}.example.org; \
             location / {{ proxy_pass http://site{number}; proxy_set_header Host $host; }} }}\n"
        )
    });
    let path = world.folder().join("proxy/site.conf");
    let site = fs::read_to_string(&path).expect("the site file is there");
    let hash = "server_names_hash_max_size 8192;\nserver_names_hash_bucket_size 128;\n";
    let hash = if site.contains(hash) { "" } else { hash };
    fs::write(&path, format!("{hash}{site}{}", sites.collect::<String>())).expect("it can be written");
    world.nginx_reload_by_someone_else();
}

/// Measures all of them, draws them, and judges what has to be flat.
pub fn measure(effort: &Effort, report: &mut Report) {
    let curves: Vec<_> = Quantity::ALL.into_iter().map(|quantity| curves(quantity, effort)).collect();
    for of in &curves {
        report.tell_all(of.growth());
    }
    let path = folder().join("growth.svg");
    fs::create_dir_all(folder()).expect("a folder for the drawing");
    fs::write(&path, svg::drawing(&curves, &report.machine)).expect("the drawing can be written");
    eprintln!("  {}", path.display());
    report.growth = curves;
}

/// In cargo's target folder, which may hold one of the same kind for each target.
pub fn folder() -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let marked = this.ancestors().filter(|folder| folder.join("CACHEDIR.TAG").exists());
    marked.last().unwrap_or(Path::new("target")).join("bench")
}

fn curves(quantity: Quantity, effort: &Effort) -> Curves {
    let world = three_releases(Style::Upstream);
    let sockets = three_releases(Style::Socket);
    for world in [&world, &sockets] {
        world.change("source.keep", "20000");
    }
    let mut before = 0;
    let mut there = Vec::new();
    let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
    let values = quantity.values(effort.quick);
    for &value in values {
        eprintln!("  {value} {}", quantity.name());
        let worlds = match quantity {
            Quantity::Processes | Quantity::Connections => &[&world][..],
            _ => &[&world, &sockets],
        };
        for world in worlds {
            there.push(quantity.reach(world, before, value));
        }
        before = value;
        for (number, (command, is_by_hand, times, times_of_nothing)) in
            measured(&world, &sockets, effort).into_iter().enumerate()
        {
            let line = lines.entry(number).or_insert_with(|| Line {
                command,
                is_by_hand,
                times: Vec::new(),
                times_of_nothing: Vec::new(),
            });
            line.times.push(times);
            line.times_of_nothing.push(times_of_nothing);
        }
    }
    Curves { quantity: quantity.name(), values: values.into(), lines: lines.into_values().collect() }
}

type Measured = (&'static str, bool, Times, Times);

/// All commands at one value.
fn measured(world: &World, sockets: &World, effort: &Effort) -> Vec<Measured> {
    let mut all = Vec::new();
    let mut tell = |command, is_by_hand, rounds: &Rounds<2>| {
        let of_nothing = rounds.spread(|[command, nothing]| command / nothing);
        all.push((command, is_by_hand, rounds.times(0), of_nothing));
    };
    let runs = effort.queries / 10;
    for query in ["enabled-port", "pid", "status", "releases", "deployments"] {
        let runs = if query == "status" { runs / 3 } else { runs };
        tell(query, false, &in_turn(runs, [running(world.command(&[query])), running(nothing())]));
    }
    let steps = (effort.steps / 8).max(2);
    let connect = |world: &World| running(world.command(&["connect-to-nginx"]));
    let deploy =
        |world: &World| run_in_turn(RELEASES.map(|release| world.command(&["deploy", release])).into());
    tell("connect-to-nginx", false, &in_turn(steps, [connect(world), running(nothing())]));
    tell("deploy", false, &in_turn(steps, [deploy(world), running(nothing())]));
    tell("connect-to-nginx (socket)", false, &in_turn(runs / 3, [connect(sockets), running(nothing())]));
    tell("deploy (socket)", false, &in_turn(steps, [deploy(sockets), running(nothing())]));

    tell("/bin/true", true, &in_turn(runs, [running(nothing()), running(nothing())]));
    let lsof = format!("lsof -nP -t -iTCP:{} -sTCP:LISTEN", world.public_port());
    tell("lsof -t", true, &in_turn(steps, [running(in_world(world, &lsof)), running(nothing())]));
    let nginx = format!("nginx -p {0} -c {0}/nginx.conf", world.folder().join("proxy").display());
    let test = format!("{nginx} -t -q");
    tell("nginx -t", true, &in_turn(steps, [running(in_world(world, &test)), running(nothing())]));
    all
}

impl Curves {
    /// What each command takes beside the most of the quantity, and beside the least, in multiples of `/bin/true` at the
    /// time: the machine itself may have become slower.
    fn growth(&self) -> Vec<Timed> {
        self.lines.iter().filter(|line| !line.is_by_hand).map(|line| self.growth_of(line)).collect()
    }

    fn growth_of(&self, line: &Line) -> Timed {
        let [first, last] = [0, self.values.len() - 1];
        let nothing = |at: usize| line.times[at].median / line.times_of_nothing[at].median;
        let as_at_first = line.times[last].median * nothing(first) / nothing(last);
        let rounds = Rounds::of(vec![[as_at_first, line.times[first].median]]);
        let many = thousands(self.values[last] as u64);
        let what = format!("`{}`, {many} {}", line.command, self.quantity);
        let timed = Timed::of(&what, &rounds, &format!("with {}", self.values[first]));
        if may_grow(line.command, self.quantity) {
            return timed.detail();
        }
        timed.within(&rounds, "the same, within a quarter", |[_, first]| 1.25 * first)
    }
}

/// Because it tells of each of them, or because nginx reads each of them when it is reloaded.
fn may_grow(command: &str, quantity: &str) -> bool {
    let by_reload = ["connect-to-nginx", "deploy"].contains(&command);
    command == "releases" && quantity == Quantity::Releases.name()
        || by_reload && quantity == Quantity::Sites.name()
}
