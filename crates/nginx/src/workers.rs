//! nginx's worker processes, as their titles tell: an old worker that accepts no more says so in its title before it
//! closes its listening sockets (nginx sets "worker process is shutting down" first).

use std::cell::LazyCell;
use std::fmt;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use procfs::process::{Process, all_processes};
use rustix::process::geteuid;
use state::config::Style;
use state::process::{children_of, parent_of};
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
        let Ok(process) = Process::new(self.pid.0) else { return false };
        let accepts = title(&process).is_some_and(|title| is_worker(&title) && !is_leaving(&title));
        accepts && process.stat().is_ok_and(|stat| stat.starttime == self.start)
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

/// The workers of any nginx that accept connections now.
pub(crate) fn of_anybody() -> Vec<Worker> {
    let all = all_processes().into_iter().flatten().flatten().collect();
    workers(all, |_| true).filter(|(_, title)| !is_leaving(title)).map(|(worker, _)| worker).collect()
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

/// The user that nginx's workers run as, such as the one that gave an answer of the check server; none as long as nginx does not run, or its master is neither root's nor ours:
/// anybody could call a process so.
pub fn user(app: &App, worker: Option<Pid>) -> Option<u32> {
    let master = master(app, worker)?;
    let is_trusted = [0, geteuid().as_raw()].contains(&user_of(master)?);
    let worker = worker.or_else(|| Some(workers_of(master).next()?.0.pid))?;
    is_trusted.then(|| user_of(worker))?
}

fn user_of(process: Pid) -> Option<u32> {
    Process::new(process.0).ok()?.status().ok().map(|status| status.euid)
}

/// nginx gives up on a client that has sent no request for so long: `client_header_timeout`, ngx_http_core_module.
const CLIENT_HEADER_TIMEOUT: Duration = Duration::from_mins(1);

/// Each with its title; of all that runs on the machine, only the master's children are looked at.
fn workers_of(master: Pid) -> impl Iterator<Item = (Worker, String)> {
    let children = children_of(master).into_iter().filter_map(|child| Process::new(child.0).ok()).collect();
    workers(children, move |parent| parent == master)
}

fn workers(among: Vec<Process>, is_theirs: impl Fn(Pid) -> bool) -> impl Iterator<Item = (Worker, String)> {
    among.into_iter().filter_map(move |process| {
        let stat = process.stat().ok()?;
        let title = title(&process)?;
        let works = is_theirs(Pid(stat.ppid)) && stat.state != 'Z' && is_worker(&title);
        works.then_some((Worker { pid: Pid(stat.pid), start: stat.starttime }, title))
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
    let parent = Process::new(worker.0).ok()?.stat().ok()?.ppid;
    let is_master = is_master(&title(&Process::new(parent).ok()?)?);
    is_master.then_some(Pid(parent))
}

/// The only master, or the only one that was started with the prefix and configuration of our reload command.
fn master_of(app: &App) -> Option<Pid> {
    let masters =
        all_processes().ok()?.flatten().filter_map(|process| Some((Pid(process.pid()), title(&process)?)));
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

fn title(process: &Process) -> Option<String> {
    Some(process.cmdline().ok()?.join(" "))
}
