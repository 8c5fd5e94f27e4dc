//! nginx's worker processes, as their titles tell: an old worker that accepts no more says so in its title before it
//! closes its listening sockets (nginx sets "worker process is shutting down" first).

use std::cell::LazyCell;
use std::fmt;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use rustix::process::geteuid;
use state::config::Style;
use state::process::{Stat, Users, children_of, everybody, parent_of, title_of};
use state::{App, Pid};

use crate::check;

/// A worker at one moment; a pid alone would not tell it from a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    pub pid: Pid,
    start: u64,
}

/// For those who are told of it: its pid and its start, in the kernel's own clock.
impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.start)
    }
}

impl FromStr for Worker {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (pid, start) = line.split_once(' ').ok_or(())?;
        Ok(Self { pid: Pid(pid.parse().map_err(drop)?), start: start.parse().map_err(drop)? })
    }
}

impl Worker {
    pub fn is_of(&self, master: Pid) -> bool {
        parent_of(self.pid) == Some(master)
    }

    /// Whether it still accepts connections. In this order: if it is the same process afterwards, it was its title.
    pub fn accepts(&self) -> bool {
        let accepts = title_of(self.pid).is_some_and(|title| is_worker(&title) && !is_leaving(&title));
        accepts && Stat::of(self.pid).is_some_and(|stat| stat.start == self.start)
    }
}

/// The master of the app's nginx: the parent of a worker that is known, or the one that can be told from all others.
pub fn master(app: &App, known: Option<Pid>) -> Option<Pid> {
    known.and_then(parent).or_else(|| master_of(app))
}

/// Its workers that accept connections now.
pub fn accepting(master: Pid) -> Vec<Worker> {
    workers_of(master).filter(|(_, title)| !is_leaving(title)).map(|(worker, _)| worker).collect()
}

/// Whether those that accept connections came by more than one reload. Between starting the workers of one configuration
/// and reading the next, the master rests for 100 ms, with its signals blocked (`ngx_master_process_cycle`). One that has
/// taken the place of a worker that died looks the same.
pub fn of_two_reloads(master: Pid) -> bool {
    let starts: Vec<_> = accepting(master).into_iter().map(|worker| worker.start).collect();
    let (first, last) = (starts.iter().min(), starts.iter().max());
    first.zip(last).is_some_and(|(first, last)| last - first >= REST)
}

/// In ticks of the kernel's clock, of which a second has 100 (`USER_HZ`, proc_pid_stat(5)).
const REST: u64 = 10;

/// The workers of any nginx that accept connections now.
pub(crate) fn of_anybody() -> Vec<Worker> {
    workers(everybody(), |_| true).filter(|(_, title)| !is_leaving(title)).map(|(worker, _)| worker).collect()
}

/// Whether old workers, which know the switch as it was, are still being shut down. A client that has connected to one and
/// asked nothing yet (browsers do that) may still ask, and its request goes to the old instance.
pub fn linger(app: &App) -> impl Fn() -> bool {
    // It stays the same; to find it a worker is asked, or all that runs is looked at.
    let master = LazyCell::new(|| master(app, check::ask(app).worker));
    move || {
        let changed = || fs::metadata(app.switch()).and_then(|metadata| metadata.modified());
        let recently =
            || changed().is_ok_and(|time| time.elapsed().unwrap_or_default() < CLIENT_HEADER_TIMEOUT);
        // With a link, nobody knows another switch.
        app.config.nginx.style == Style::Upstream
            && recently()
            && master.is_some_and(|master| workers_of(master).any(|(_, title)| is_leaving(&title)))
    }
}

/// The user that nginx's workers run as, such as the one that gave an answer of the check server; none as long as nginx does
/// not run, or its master is neither root's nor ours: anybody could call a process so.
pub fn user(app: &App, worker: Option<Pid>) -> Option<u32> {
    let master = master(app, worker)?;
    let is_trusted = [0, geteuid().as_raw()].contains(&user_of(master)?);
    let worker = worker.or_else(|| Some(workers_of(master).next()?.0.pid))?;
    is_trusted.then(|| user_of(worker))?
}

fn user_of(process: Pid) -> Option<u32> {
    Users::of(process).map(|users| users.effective)
}

/// nginx gives up on a client that has sent no request for so long: `client_header_timeout`, ngx_http_core_module.
const CLIENT_HEADER_TIMEOUT: Duration = Duration::from_mins(1);

/// Each with its title; of all that runs on the machine, only the master's children are looked at.
fn workers_of(master: Pid) -> impl Iterator<Item = (Worker, String)> {
    workers(children_of(master).into_iter(), move |parent| parent == master)
}

fn workers(
    among: impl Iterator<Item = Pid>,
    is_theirs: impl Fn(Pid) -> bool,
) -> impl Iterator<Item = (Worker, String)> {
    among.filter_map(move |pid| {
        // In this order: most of what runs is told by its title to be something else.
        let title = title_of(pid).filter(|title| is_worker(title))?;
        let stat = Stat::of(pid)?;
        let works = is_theirs(stat.parent) && stat.state != 'Z';
        works.then_some((Worker { pid, start: stat.start }, title))
    })
}

fn is_worker(title: &str) -> bool {
    title.starts_with("nginx: worker process")
}

fn is_leaving(title: &str) -> bool {
    title.contains("is shutting down")
}

/// The parent of a worker that answered, if it is a master.
fn parent(worker: Pid) -> Option<Pid> {
    parent_of(worker).filter(|parent| title_of(*parent).is_some_and(|title| is_master(&title)))
}

/// The only master, or the only one that was started with the prefix and configuration of our reload command.
fn master_of(app: &App) -> Option<Pid> {
    let masters = everybody().filter_map(|pid| Some((pid, title_of(pid)?)));
    let reload = &app.config.nginx.reload;
    let named: Vec<_> = reload
        .windows(2)
        .filter(|pair| pair[0] == "-p" || pair[0] == "-c")
        .map(|pair| pair.join(" "))
        .collect();
    let ours = |title: &str| is_master(title) && named.iter().all(|option| title.contains(option.as_str()));
    let mut ours = masters.filter(|(_, title)| ours(title));
    match (ours.next(), ours.next()) {
        (Some((pid, _)), None) => Some(pid),
        _ => None,
    }
}

fn is_master(title: &str) -> bool {
    title.starts_with("nginx: master process")
}
