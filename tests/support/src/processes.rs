//! Processes as the kernel tells of them.

use std::collections::BTreeSet;
use std::fs;
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
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| runs(*pid)).collect()
}

/// Whether it runs: a zombie doesn't.
pub fn runs(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// Whether it is a zombie, which nobody has waited for.
pub fn is_zombie(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == 'Z')
}

pub fn parent(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.parent)
}

/// How nice its session is (sched(7), "The autogroup feature"); none where the kernel has no such thing.
pub fn niceness_of_its_session(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/autogroup")).ok()?;
    text.trim_end().rsplit_once(" nice ")?.1.parse().ok()
}

pub fn session(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.session)
}

struct Stat {
    state: char,
    parent: i32,
    session: i32,
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
    let wanted = format!("{name}={value}").into_bytes();
    let holds = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(&wanted))
    };
    all().into_iter().filter(holds).collect()
}

pub fn in_session(session_leader: i32) -> Vec<i32> {
    all().into_iter().filter(|pid| session(*pid) == Some(session_leader)).collect()
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

/// Whether something on this machine listens on the port, by the kernel's tables.
pub fn listens(port: u16) -> bool {
    sockets().iter().any(|socket| socket.local == port && socket.state == "0A")
}

/// How many established connections there are to the port, as those who opened them see it.
pub fn connections_to(port: u16) -> usize {
    sockets().iter().filter(|socket| socket.remote == port && socket.state == "01").count()
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

fn sockets() -> Vec<Socket> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let socket = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Socket { local: port(local)?, remote: port(remote)?, state: state.to_owned() })
    };
    tables.iter().flat_map(|table| table.lines().skip(1).filter_map(socket)).collect()
}

/// The command line, for people.
pub fn command_line(pid: i32) -> String {
    let text = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&text).replace('\0', " ").trim().to_owned()
}
