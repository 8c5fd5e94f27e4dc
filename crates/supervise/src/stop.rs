//! Stopping an instance: the whole tree, and nothing left on its address.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use state::instance::Record;
use state::{App, InstanceName, interrupt};

use crate::error::{Error, Result};
use crate::family::{Family, Member};
use crate::presence::{Seen, listener, must_be_free};
use crate::{place, unit};

/// How it stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing of it ran.
    Already,
    /// By its stop signal.
    Politely,
    /// What was left after this time was killed.
    Killed { processes: usize, after: Duration },
}

/// After SIGKILL the kernel needs a moment, and longer for a process that waits for a disk.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends `[run] stop_signal` to all of the instance's processes, by systemd if it keeps them, and SIGKILL to what is left
/// after `timeout`, or as soon as a second SIGINT or SIGTERM comes for us.
pub fn stop(app: &App, instance: InstanceName, timeout: Duration) -> Result<Stopped> {
    unit::must_be_ours(app, instance)?;
    let has_unit = unit::is_loaded(app, instance)?;
    let family = match listener(app, instance)? {
        Seen::Ours(_) => Family::of_what_runs(&app.home, instance),
        _ => Family::of(&app.home, instance),
    };
    let members = family.members();
    if members.is_empty() {
        if has_unit {
            // It has crashed, and would be back in a moment.
            unit::end(app, instance)?;
        }
        must_be_free(app, instance)?;
        place::clean(app, instance)?;
        Record::conclude(&app.home, instance)?;
        return Ok(Stopped::Already);
    }
    let signal = signal(app.config.run.stop_signal);
    if has_unit {
        unit::begin_to_stop(app, instance)?;
    } else {
        signal_all(&members, signal);
    }
    // A first one may have come before, and be why it is stopped.
    let is_enough = match interrupt::take() {
        Some(_) => || interrupt::requested().is_some(),
        None => interrupt::requested_twice,
    };
    let told = Instant::now();
    let left = wait_for_the_end(&family, members, told + timeout, signal, is_enough);
    let stopped = if left.is_empty() {
        Stopped::Politely
    } else {
        let (processes, after) = (left.len(), told.elapsed().min(timeout));
        interrupt::take(); // nothing is waited for any more
        kill(&family, left).map_err(|left| Error::Unkillable(instance, left))?;
        Stopped::Killed { processes, after }
    };
    if has_unit {
        unit::end(app, instance)?;
    }
    Record::conclude(&app.home, instance)?;
    must_be_free(app, instance)?;
    place::clean(app, instance)?;
    Ok(stopped)
}

/// Those that are left even then, on an error.
fn kill(family: &Family, members: Vec<Member>) -> Result<(), String> {
    signal_all(&members, Signal::KILL);
    let left = wait_for_the_end(family, members, Instant::now() + KILL_TIMEOUT, Signal::KILL, || false);
    if left.is_empty() {
        return Ok(());
    }
    Err(left.iter().map(|member| member.pid.to_string()).collect::<Vec<_>>().join(","))
}

/// Those that are left at the deadline, or as soon as it is enough. Processes that appear meanwhile are told, too.
fn wait_for_the_end(
    family: &Family,
    mut members: Vec<Member>,
    deadline: Instant,
    signal: Signal,
    is_enough: fn() -> bool,
) -> Vec<Member> {
    loop {
        while let Some(member) = members.first() {
            let now = Instant::now();
            if now >= deadline || is_enough() {
                return family.members();
            }
            member.wait_for_its_end(deadline.min(now + Duration::from_millis(250)));
            members.retain(|member| !member.has_ended());
        }
        members = family.members();
        if members.is_empty() || Instant::now() >= deadline {
            return members;
        }
        signal_all(&members, signal);
    }
}

fn signal_all(members: &[Member], signal: Signal) {
    for member in members {
        member.signal(signal);
    }
}

fn signal(configured: state::config::Signal) -> Signal {
    use state::config::Signal as Configured;
    match configured {
        Configured::Term => Signal::TERM,
        Configured::Int => Signal::INT,
        Configured::Quit => Signal::QUIT,
        Configured::Hup => Signal::HUP,
        Configured::Usr1 => Signal::USR1,
        Configured::Usr2 => Signal::USR2,
    }
}
