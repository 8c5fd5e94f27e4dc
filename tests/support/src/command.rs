//! A command that was run, or still runs, and sentences about what it did.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::processes;

/// No command takes longer than that, or something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    line: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
    pub took: Duration,
}

impl Ran {
    pub fn status(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// The answer without its line's end.
    pub fn answer(&self) -> &str {
        self.stdout.trim_end()
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.expect(|ran| ran.status() == 0, "exits with 0")
    }

    /// Exits with this status, and says why on standard error, naming itself.
    #[track_caller]
    pub fn fails_with(self, status: i32) -> Self {
        let named = format!("{}: ", self.line.split(' ').next().unwrap_or_default());
        let says_why = self.stderr.contains(&named) || self.stdout.contains(&named);
        self.exits_with(status).expect(|_| says_why, &format!("says why, as {named}"))
    }

    /// Exits with this status.
    #[track_caller]
    pub fn exits_with(self, status: i32) -> Self {
        self.expect(|ran| ran.status() == status, &format!("exits with {status}"))
    }

    /// Answers this line, or these lines, and nothing else on standard output.
    #[track_caller]
    pub fn prints(self, answer: &str) -> Self {
        self.expect(|ran| ran.stdout == format!("{answer}\n"), &format!("prints {answer:?}"))
    }

    #[track_caller]
    pub fn prints_nothing(self) -> Self {
        self.expect(|ran| ran.stdout.is_empty(), "prints nothing on standard output")
    }

    /// Standard output holds it.
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        self.expect(|ran| ran.stdout.contains(text), &format!("shows {text:?}"))
    }

    #[track_caller]
    pub fn shows_no(self, text: &str) -> Self {
        self.expect(|ran| !ran.stdout.contains(text), &format!("does not show {text:?}"))
    }

    /// Standard error holds it.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        self.expect(|ran| ran.stderr.contains(text), &format!("says {text:?}"))
    }

    #[track_caller]
    pub fn says_once(self, text: &str) -> Self {
        self.expect(|ran| ran.stderr.matches(text).count() == 1, &format!("says {text:?} once"))
    }

    #[track_caller]
    pub fn says_not(self, text: &str) -> Self {
        self.expect(|ran| !ran.stderr.contains(text), &format!("does not say {text:?}"))
    }

    /// Standard error is this line, or these lines.
    #[track_caller]
    pub fn says_exactly(self, text: &str) -> Self {
        self.expect(|ran| ran.stderr == format!("{text}\n"), &format!("says exactly {text:?}"))
    }

    #[track_caller]
    pub fn says_nothing(self) -> Self {
        self.expect(|ran| ran.stderr.is_empty(), "says nothing on standard error")
    }

    /// All it prints and says fits into what AWS SSM keeps.
    #[track_caller]
    pub fn within_2000_characters(self) -> Self {
        let characters = self.stdout.chars().count() + self.stderr.chars().count();
        self.expect(|_| characters <= 2000, &format!("is within 2,000 characters, not {characters}"))
    }

    /// Nothing of it is for terminals only.
    #[track_caller]
    pub fn is_plain(self) -> Self {
        let plain = |text: &str| !text.contains(['\x1b', '\r']);
        self.expect(|ran| plain(&ran.stdout) && plain(&ran.stderr), "is plain text")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    #[track_caller]
    fn expect(self, holds: impl FnOnce(&Self) -> bool, what: &str) -> Self {
        assert!(holds(&self), "expected that it {what}: {self}");
        self
    }
}

impl Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{} ({}, after {:.1} s)", self.line, self.status, self.took.as_secs_f64())?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "  {name}:")?;
            text.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        Ok(())
    }
}

/// A command that runs. Dropped, it is killed.
pub struct Running {
    line: String,
    child: Child,
    since: Instant,
    stdout: Collected,
    stderr: Collected,
}

/// What comes out of a pipe or a terminal, read by a thread.
#[derive(Default)]
struct Collected {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    enough: Arc<AtomicBool>,
}

impl Collected {
    fn from(source: OwnedFd) -> Self {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let enough = Arc::<AtomicBool>::default();
        let (sink, stop) = (text.clone(), enough.clone());
        let reader = std::thread::spawn(move || {
            let mut source = File::from(source);
            let mut buffer = [0; 4096];
            while !stop.load(Ordering::Relaxed) {
                let mut ready = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
                if poll(&mut ready, 20_u8) == Ok(0) {
                    continue;
                }
                // A terminal whose last process is gone gives an error: an end like any other.
                match source.read(&mut buffer) {
                    Ok(length @ 1..) => sink.lock().unwrap().extend(&buffer[..length]),
                    _ => return,
                }
            }
        });
        Self { text, reader: Some(reader), enough }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Everything. The end must come soon after the command's: a process that it left behind must not keep the pipe.
    fn whole(&mut self, line: &str) -> String {
        if let Some(reader) = self.reader.take() {
            let ended = processes::eventually_is(Duration::from_secs(10), || reader.is_finished());
            assert!(ended, "{line}: something that it started holds its output open");
            reader.join().unwrap();
        }
        self.so_far()
    }
}

impl Running {
    /// Starts it with pipes, as cron or SSM would.
    pub fn start(line: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        let stdout = Collected::from(child.stdout.take().unwrap().into());
        let stderr = Collected::from(child.stderr.take().unwrap().into());
        Self { line: line.to_owned(), child, since: Instant::now(), stdout, stderr }
    }

    /// Starts it on a terminal of its own, 120 characters wide: what it shows is its standard output.
    pub fn start_in_terminal(line: &str, command: &Command) -> Self {
        let (terminal, end) = terminal().expect("a terminal");
        // It leads a session whose terminal this is, as a shell's would.
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args());
        surround(&mut leader, command);
        leader.env("TERM", "xterm-256color");
        let copy = || Stdio::from(end.try_clone().expect("one more descriptor"));
        leader.stdin(copy()).stdout(copy()).stderr(copy());
        let child = leader.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        Self {
            line: line.to_owned(),
            child,
            since: Instant::now(),
            stdout: Collected::from(terminal),
            stderr: Collected::default(),
        }
    }

    /// Closes the terminal, as a dropped ssh connection does.
    pub fn hang_up(&mut self) {
        self.stdout.enough.store(true, Ordering::Relaxed);
        if let Some(reader) = self.stdout.reader.take() {
            reader.join().unwrap();
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// What it has printed so far, on both.
    pub fn so_far(&self) -> String {
        self.stdout.so_far() + &self.stderr.so_far()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Whether it still runs after a time in which what waits for nothing has long ended.
    pub fn waits(&mut self) -> bool {
        !processes::eventually_is(Duration::from_millis(300), || !self.is_running())
    }

    /// Waits until it has printed or said this.
    #[track_caller]
    pub fn until_it_says(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.so_far().contains(text) {
            let ended = !self.is_running() && !self.so_far().contains(text);
            let late = Instant::now() > deadline;
            assert!(!ended && !late, "{}: never said {text:?}: {}", self.line, self.so_far());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn wait(mut self) -> Ran {
        let deadline = self.since + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            assert!(Instant::now() < deadline, "{} does not end: {}", self.line, self.so_far());
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = self.since.elapsed();
        let line = self.line.clone();
        Ran { status, stdout: self.stdout.whole(&line), stderr: self.stderr.whole(&line), line, took }
    }
}

/// Gives a command the environment and the folder of another one, which it runs or stands for.
pub fn surround(command: &mut Command, like: &Command) {
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = like.get_current_dir() {
        command.current_dir(folder);
    }
}

/// A new terminal: its own end, and the one for the process on it.
fn terminal() -> std::io::Result<(OwnedFd, File)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let name = ptsname(&terminal, Vec::new())?;
    let end = File::options()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NOCTTY)
        .open(OsStr::from_bytes(name.as_bytes()))?;
    tcsetwinsize(&end, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok((terminal, end))
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
