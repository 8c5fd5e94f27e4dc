//! A command that is run to its end, but not for ever: builds, hooks, `nginx -t`, `git fetch`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::calm::calm;
use crate::interrupt;

/// How a bounded command ended.
#[derive(Debug)]
pub enum End {
    Exited(ExitStatus),
    /// Killed by us after `timeout`.
    TimedOut,
    /// Killed by us because of all that it printed into our memory.
    Flooded,
    /// SIGINT or SIGTERM came for us; it was ended.
    Interrupted(&'static str),
}

/// How it ended and, if it was captured, what it printed on both of its outputs.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub output: Vec<u8>,
}

impl Ended {
    pub fn succeeded(&self) -> bool {
        matches!(self.end, End::Exited(status) if status.success())
    }

    /// `exited with status 1`, `was killed by signal 9`, `took longer than 10 s`, `was interrupted by SIGINT`.
    pub fn in_words(&self, timeout: Duration) -> String {
        match self.end {
            End::Exited(status) => status_in_words(status),
            End::TimedOut => format!("took longer than {}", crate::duration::in_words(timeout)),
            End::Flooded => "printed more than 8 MB".to_owned(),
            End::Interrupted(signal) => format!("was interrupted by {signal}"),
        }
    }
}

/// `exited with status 1` or `was killed by signal 9`.
pub fn status_in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// More than what 100,000 tags are told with.
const MOST_OUTPUT: u64 = 8 * 1024 * 1024;
const EXCERPT: u64 = 64 * 1024;
/// What is printed in this time has room in memory.
const TURN: Duration = Duration::from_millis(50);
/// After the polite signal, this much time to clean up.
const GRACE: Duration = Duration::from_secs(2);

/// Runs it with both of its outputs captured.
pub fn captured(command: &mut Command, timeout: Duration) -> io::Result<Ended> {
    let mut output = in_memory("output")?;
    command.stdout(output.try_clone()?).stderr(output.try_clone()?).process_group(0);
    let end = to_its_end(command, timeout, &[&output])?;
    Ok(Ended { end, output: whole(&mut output)? })
}

/// Runs it for what it prints on standard output; what it prints on standard error is the second value.
pub fn answer(command: &mut Command, timeout: Duration) -> io::Result<(Ended, Vec<u8>)> {
    let (mut output, mut errors) = (in_memory("output")?, in_memory("errors")?);
    command.stdout(output.try_clone()?).stderr(errors.try_clone()?).process_group(0);
    let end = to_its_end(command, timeout, &[&output, &errors])?;
    Ok((Ended { end, output: whole(&mut output)? }, whole(&mut errors)?))
}

/// A file in memory, not a pipe: a grandchild that keeps the descriptor open holds nobody up.
fn in_memory(name: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(name, MemfdFlags::CLOEXEC)?))
}

fn whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // Of a flood, what is shown of it will do.
    let from = if is_flooded(file)? { file.metadata()?.len() - EXCERPT } else { 0 };
    file.seek(SeekFrom::Start(from))?;
    file.take(MOST_OUTPUT).read_to_end(&mut text)?;
    Ok(text)
}

fn is_flooded(output: &File) -> io::Result<bool> {
    Ok(output.metadata()?.len() > MOST_OUTPUT)
}

/// Runs it with both of its outputs going to a log.
pub fn logged(command: &mut Command, log: &File, timeout: Duration) -> io::Result<Ended> {
    command.stdout(log.try_clone()?).stderr(log.try_clone()?).process_group(0);
    Ok(Ended { end: to_its_end(command, timeout, &[])?, output: Vec::new() })
}

/// The same without holding up whoever serves.
pub fn logged_calmly(command: &mut Command, log: &File, timeout: Duration) -> io::Result<Ended> {
    command.stdout(log.try_clone()?).stderr(log.try_clone()?);
    calm(command);
    Ok(Ended { end: to_its_end(command, timeout, &[])?, output: Vec::new() })
}

/// `outputs` are in our memory. It has to lead a group of its own, so that all of it can be ended, and the terminal's Ctrl-C
/// reaches it through us alone.
fn to_its_end(command: &mut Command, timeout: Duration, outputs: &[&File]) -> io::Result<End> {
    let mut child = command.stdin(Stdio::null()).spawn()?;
    let deadline = Instant::now() + timeout;
    loop {
        let turn = if outputs.is_empty() { deadline } else { deadline.min(Instant::now() + TURN) };
        let ended = wait_until(&mut child, turn)?;
        for output in outputs {
            if is_flooded(output)? {
                if ended.is_none() {
                    end_group(&mut child)?;
                }
                return Ok(End::Flooded);
            }
        }
        if let Some(status) = ended {
            return Ok(End::Exited(status));
        }
        if let Some(signal) = interrupt::requested() {
            end_group(&mut child)?;
            return Ok(End::Interrupted(signal));
        }
        if Instant::now() >= deadline {
            end_group(&mut child)?;
            return Ok(End::TimedOut);
        }
    }
}

/// Waits for the end of a child; None when the time is over or a signal came.
pub fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let pid = group(child);
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    let left = deadline.saturating_duration_since(Instant::now());
    // In short turns, since a signal that comes between the question and the wait would not end the wait.
    let turn = left.min(Duration::from_millis(250));
    let turn = rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(turn.subsec_nanos()) };
    match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&turn)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => child.try_wait(),
        Err(error) => Err(error.into()),
    }
}

fn end_group(child: &mut Child) -> io::Result<()> {
    let group = group(child);
    let _ = kill_process_group(group, Signal::TERM);
    let grace = Instant::now() + GRACE;
    while Instant::now() < grace {
        if wait_until(child, grace)?.is_some() {
            break;
        }
    }
    let _ = kill_process_group(group, Signal::KILL);
    child.wait().map(drop)
}

fn group(child: &Child) -> Pid {
    Pid::from_child(child)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prints_without_end_is_ended() {
        let flood = captured(&mut Command::new("yes"), Duration::from_mins(1)).unwrap();
        assert_eq!(flood.in_words(Duration::ZERO), "printed more than 8 MB");
        assert!(!flood.succeeded());
        assert_eq!(flood.output.len() as u64, EXCERPT);
    }

    #[test]
    fn both_outputs_can_be_opened_anew() {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo one; echo two >/dev/stderr; echo three"]);
        assert!(captured(&mut shell, Duration::from_mins(1)).unwrap().succeeded());
    }
}
