//! Who is at an instance's address: nobody, the instance, or somebody else.

use std::fmt;
use std::fs;

use state::instance::Record;
use state::process::everybody;
use state::{Address, App, InstanceName, Pid, log};

use crate::error::{Error, Result};
use crate::family::{self, Family};
use crate::sockets::{self, Listening};
use crate::unix_sockets;

/// What an instance's address and processes show.
#[derive(Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing of it runs, and nobody is at its address.
    Stopped,
    /// It runs, and does not listen (yet, or any more).
    Silent,
    Listening(Pid),
    /// Somebody else is at its address.
    Foreign(Holder),
}

/// A process that flipside did not start. Its pid is unknown if it is another user's and we may not look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<Pid>,
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} (pid {pid})", self.command),
            None => f.write_str(&self.command),
        }
    }
}

/// Who listens at the instance's address.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Nobody,
    Ours(Pid),
    Foreign(Holder),
}

/// Who listens: the kernel's answer, found without looking at more than the instance's own processes if it is one.
pub fn listener(app: &App, instance: InstanceName) -> Result<Seen> {
    let Some(socket) = listening(&app.address(instance))? else { return Ok(Seen::Nobody) };
    let link = format!("socket:[{}]", socket.inode);
    Ok(match among_the_recorded(app, instance, &link) {
        Some(pid) => Seen::Ours(pid),
        None => among_all(app, instance, &link).unwrap_or_else(|| Seen::Foreign(somebody(socket))),
    })
}

/// The socket that a connection to the address reaches.
fn listening(address: &Address) -> Result<Option<Listening>> {
    match address {
        Address::Port(port) => sockets::listening(*port),
        Address::Socket(socket) => unix_sockets::listening(socket.path()),
    }
}

pub fn presence(app: &App, instance: InstanceName) -> Result<Presence> {
    Ok(match listener(app, instance)? {
        Seen::Ours(pid) => Presence::Listening(pid),
        Seen::Foreign(holder) => Presence::Foreign(holder),
        Seen::Nobody if Family::of(&app.home, instance).is_there() => Presence::Silent,
        Seen::Nobody => Presence::Stopped,
    })
}

/// The process of the instance that listens. An error if somebody else does: no release can be started there.
pub(crate) fn must_be_free(app: &App, instance: InstanceName) -> Result<Option<Pid>> {
    match listener(app, instance)? {
        Seen::Foreign(holder) => Err(Error::foreign(app, instance, holder)),
        Seen::Ours(pid) => Ok(Some(pid)),
        Seen::Nobody => Ok(None),
    }
}

/// The recorded process or one of its descendants; with a unit, any of its processes.
fn among_the_recorded(app: &App, instance: InstanceName, link: &str) -> Option<Pid> {
    let record = Record::read(&app.home, instance)?;
    family::recorded(&record)?.find(|pid| holds(*pid, link))
}

/// A process of the instance beside the recorded one's tree; or else, as the last resort, whoever holds the socket.
fn among_all(app: &App, instance: InstanceName, link: &str) -> Option<Seen> {
    let members = Family::of_what_runs(&app.home, instance).members();
    if let Some(ours) = members.iter().map(|member| member.pid).find(|pid| holds(*pid, link)) {
        return Some(Seen::Ours(ours));
    }
    let pid = everybody().filter(|pid| holds(*pid, link)).min()?;
    Some(Seen::Foreign(Holder { pid: Some(pid), command: command(pid) }))
}

fn holds(pid: Pid, link: &str) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.as_os_str() == link)
}

fn command(pid: Pid) -> String {
    // Whose process it is chooses the name.
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .map_or_else(|_| "a process".into(), |name| log::harmless(name.trim()))
}

fn somebody(socket: Listening) -> Holder {
    Holder { pid: None, command: format!("a process of the user with uid {}", socket.uid) }
}
