//! Processes as the kernel tells of them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Polls until it holds, or panics when the time is over.
#[track_caller]
pub fn eventually(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    assert!(eventually_is(within, &mut holds), "not within {within:?}: {what}");
}

/// Polls until it holds; false when the time is over.
pub fn eventually_is(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All processes that still run.
pub fn all() -> Vec<i32> {
    numbers().filter(|pid| runs(*pid)).collect()
}

/// Of all that there are, also of those that have ended and that nobody has waited for.
fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether it runs: a zombie doesn't.
pub fn runs(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.runs())
}

pub fn parent(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.parent)
}

/// How nice its session is (sched(7), "The autogroup feature"); none where the kernel has no such thing.
pub fn niceness_of_its_session(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/autogroup")).ok()?;
    text.trim_end().rsplit_once(" nice ")?.1.parse().ok()
}

/// The children of a process of one thread (`proc_pid_task(5)`).
pub fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

pub fn session(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.session)
}

struct Stat {
    state: char,
    parent: i32,
    session: i32,
}

impl Stat {
    fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Stat { state, parent, session })
}

/// The processes whose environment holds `NAME=value`, where the value begins so.
pub fn with_environment(name: &str, value: &str) -> Vec<i32> {
    let wanted = format!("{name}={value}");
    whose_environment(|environment| environment.holds(&wanted))
}

/// The variables of a process.
pub struct Environment(Vec<u8>);

impl Environment {
    /// Whether one of them, with its name and a `=`, begins so.
    pub fn holds(&self, variable: &str) -> bool {
        self.0.split(|byte| *byte == 0).any(|one| one.starts_with(variable.as_bytes()))
    }
}

/// The processes whose environment is as wanted. None is asked for more unless it is.
pub fn whose_environment(is_wanted: impl Fn(&Environment) -> bool) -> Vec<i32> {
    let environment = |pid: &i32| fs::read(format!("/proc/{pid}/environ")).map(Environment);
    let wanted = numbers().filter(|pid| environment(pid).is_ok_and(|it| is_wanted(&it)));
    wanted.filter(|pid| runs(*pid)).collect()
}

pub fn in_sessions(leaders: &[i32]) -> Vec<i32> {
    let is_in = |stat: Stat| leaders.contains(&stat.session) && stat.runs();
    numbers().filter(|pid| stat(*pid).is_some_and(is_in)).collect()
}

pub fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Whether it and all of its threads have ended, and so have closed what they held.
fn is_over(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !runs(pid) && threads <= 1
}

/// Kills whatever is found, until nothing is.
pub fn end(mut find: impl FnMut() -> Vec<i32>) {
    let mut killed = BTreeSet::new();
    let mut left = BTreeSet::new();
    let gone = eventually_is(Duration::from_secs(10), || {
        left = find().into_iter().filter(|pid| *pid != std::process::id().cast_signed()).collect();
        for pid in &left {
            signal(*pid, Signal::SIGKILL);
        }
        killed.extend(&left);
        left.extend(killed.iter().copied().filter(|pid| !is_over(*pid)));
        left.is_empty()
    });
    if !gone {
        eprintln!("processes that cannot be ended: {left:?}");
    }
}

/// Whether something on this machine listens on the port, by the kernel's tables. They begin with those that listen: what
/// follows is not read, which after load may be a hundred thousand connections.
pub fn listens(port: u16) -> bool {
    let those_that_listen = |table| sockets(table).take_while(|socket| socket.state == "0A");
    TABLES.into_iter().flat_map(those_that_listen).any(|socket| socket.local == port)
}

/// How many established connections there are to the port, as those who opened them see it.
pub fn connections_to(port: u16) -> usize {
    let is_one = |socket: &Socket| socket.remote == port && socket.state == "01";
    TABLES.into_iter().flat_map(sockets).filter(is_one).count()
}

/// How many connections to the socket are open, as those who accepted them see it.
pub fn connections_to_socket(path: &Path) -> usize {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let path = path.display().to_string();
    // Num, RefCount, Protocol, Flags, Type, St (03: connected), Inode, Path
    let is_one = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.len() == 8 && fields[5] == "03" && fields[7] == path
    };
    table.lines().filter(is_one).count()
}

struct Socket {
    local: u16,
    remote: u16,
    state: String,
}

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

fn sockets(table: &str) -> impl Iterator<Item = Socket> {
    let lines = File::open(table).into_iter().flat_map(|table| BufReader::new(table).lines());
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    lines.map_while(Result::ok).skip(1).filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Socket { local: port(local)?, remote: port(remote)?, state: state.to_owned() })
    })
}

/// The command line, for people.
pub fn command_line(pid: i32) -> String {
    let text = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&text).replace('\0', " ").trim().to_owned()
}
