//! A command that is a composition tells what it does: each sibling that it runs as a person would type it.

use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::output::note;
use crate::spinner::Step;

/// What is told is also kept in a log.
pub struct Story {
    quiet: bool,
    home: PathBuf,
    log: File,
    /// Seconds by step, in their order.
    pub times: Vec<(String, f64)>,
    /// How the last sibling that failed ended.
    pub last_exit: Option<u8>,
    /// Which signal asks us to stop, if one has come since the last call.
    interrupted: fn() -> Option<&'static str>,
}

/// A step that did not succeed.
#[derive(Debug)]
pub struct StepFailed {
    /// The command's name.
    pub command: String,
    pub exit: u8,
    /// What it said on standard error.
    pub words: Vec<String>,
}

impl fmt::Display for StepFailed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} failed", self.command)
    }
}

impl std::error::Error for StepFailed {}

const POLL: Duration = Duration::from_millis(20);
/// What a command wrote last may arrive after its end; but a process that it left behind must not hold us up.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Story {
    /// `home` is told to each sibling; `interrupted` is asked while one runs, and what it answers is passed on to it.
    pub fn new(quiet: bool, home: PathBuf, log: File, interrupted: fn() -> Option<&'static str>) -> Self {
        Self { quiet, home, log, times: Vec::new(), last_exit: None, interrupted }
    }

    /// Runs the sibling to its end; what it printed on standard output. `input` is its standard input; `flags` are
    /// for it alone, and not told.
    pub fn step(
        &mut self,
        command: &str,
        arguments: &[&str],
        flags: &[&str],
        input: Stdio,
    ) -> Result<String, StepFailed> {
        let typed = [&[command], arguments].concat().join(" ");
        let step = Step::begin(&typed, self.quiet);
        let ended = self.run(command, &[arguments, flags].concat(), input, &step);
        self.ended(step, command, ended.is_ok());
        match ended {
            Ok((output, words)) => {
                for line in words {
                    self.tell(&line);
                }
                Ok(output.trim_end().to_owned())
            }
            Err(failed) => {
                self.last_exit = Some(failed.exit);
                for line in &failed.words {
                    self.keep(line);
                }
                Err(failed)
            }
        }
    }

    /// A step of our own, in the same form. `name` is how its time is remembered.
    pub fn act<T, E>(&mut self, typed: &str, name: &str, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let step = Step::begin(typed, self.quiet);
        let done = act();
        self.ended(step, name, done.is_ok());
        done
    }

    /// A line to whoever watches, which is kept, too.
    pub fn tell(&mut self, line: &str) {
        if !self.quiet {
            note(line);
        }
        self.keep(line);
    }

    /// A line for the log alone; one that cannot be written is no reason to stop.
    pub fn keep(&mut self, line: &str) {
        let plain = anstream::adapter::strip_str(line);
        let _ = writeln!(self.log, "{plain}");
    }

    fn ended(&mut self, step: Step, name: &str, succeeded: bool) {
        let (line, elapsed) = if succeeded { step.succeeded() } else { step.failed() };
        self.keep(&line);
        self.times.push((name.to_owned(), elapsed.as_secs_f64()));
    }

    fn run(
        &self,
        command: &str,
        arguments: &[&str],
        input: Stdio,
        step: &Step,
    ) -> Result<(String, Vec<String>), StepFailed> {
        let failed = |exit, words| StepFailed { command: command.to_owned(), exit, words };
        let lost = |error: std::io::Error| failed(1, vec![format!("{command}: cannot be run: {error}")]);
        let mut child = self.sibling(command).args(arguments).stdin(input).spawn().map_err(lost)?;
        let words = lines_of(&mut child);
        let output = output_of(&mut child);
        let (status, mut words) = self.wait(&mut child, &words, step).map_err(lost)?;
        if status.success() {
            return Ok((output.recv_timeout(LAST_WORDS).unwrap_or_default(), words));
        }
        if words.is_empty() {
            words.push(format!("{command}: {status}"));
        }
        Err(failed(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1), words))
    }

    /// In our own folder, never through PATH; in a group of its own, so that a Ctrl-C reaches it once, through us.
    fn sibling(&self, command: &str) -> Command {
        use std::os::unix::process::CommandExt as _;
        let ours = std::env::current_exe().unwrap_or_default();
        let mut sibling = Command::new(ours.with_file_name(command));
        sibling.arg("--home").arg(&self.home).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        sibling
    }

    fn wait(
        &self,
        child: &mut Child,
        lines: &Receiver<String>,
        step: &Step,
    ) -> std::io::Result<(std::process::ExitStatus, Vec<String>)> {
        let mut words = Vec::new();
        let mut ended = None;
        loop {
            let open = match lines.recv_timeout(POLL) {
                Ok(line) => {
                    step.doing(&line);
                    words.push(line);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            match ended {
                None => ended = child.try_wait()?.map(|status| (status, Instant::now())),
                Some((status, at)) if !open || at.elapsed() > LAST_WORDS => return Ok((status, words)),
                Some(_) => {}
            }
            if !open && ended.is_none() {
                wait_for_the_end(child)?;
            }
            if let Some(signal) = (self.interrupted)() {
                let signal = if signal == "SIGINT" { Signal::INT } else { Signal::TERM };
                // It may have ended in the meantime.
                let _ = kill_process(Pid::from_child(child), signal);
            }
        }
    }
}

/// For a moment, or until it ends: what it said last came a little before.
fn wait_for_the_end(child: &Child) -> std::io::Result<()> {
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let moment = Timespec { tv_sec: 0, tv_nsec: POLL.subsec_nanos().into() };
    match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&moment)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(errors) = child.stderr.take() {
        in_the_background(move || {
            BufReader::new(errors).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
    }
    receiver
}

fn output_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(mut output) = child.stdout.take() {
        in_the_background(move || {
            let mut text = String::new();
            // A closed channel means that nobody waits any more.
            let _ = output.read_to_string(&mut text).map(|_| sender.send(text));
        });
    }
    receiver
}

/// Where the machine has no thread left, what a sibling says is lost, and nothing else.
fn in_the_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) {
    let _ = thread::Builder::new().spawn(work);
}
