//! The lock: one command at a time changes an app.
//!
//! It is a flock(2) on `run/lock`, which is never removed. The kernel lets it go when the last process that holds the
//! descriptor ends, so nothing is left to clean up after a crash. A command hands it to those it runs as their standard
//! input: an flock belongs to the open file, not to a process.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::{Error, IoContext, Result};
use crate::process::Identity;
use crate::{Home, duration, file, interrupt};

/// How long to wait for another command to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    None,
    For(Duration),
    Forever,
}

impl Patience {
    /// What `--wait[=DURATION]` says: none without it, for ever without a value.
    pub fn from_flag(wait: Option<&str>) -> Result<Self> {
        match wait {
            None => Ok(Self::None),
            Some("") => Ok(Self::Forever),
            Some(text) => duration::parse(text)
                .map(Self::For)
                .map_err(|problem| Error::Usage(format!("--wait: {problem}"))),
        }
    }
}

/// Who holds the lock, as they wrote it into the file; shown to those who find it taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holder {
    pub process: Identity,
    /// As a person would type it.
    pub command: String,
    /// What it does at the moment, if it is a composition.
    pub step: Option<String>,
    pub since: jiff::Timestamp,
}

/// Held as long as this value lives, and as long as any process that it was handed to.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// What we wrote into it; none if it was handed down, since it is our caller's to describe.
    holder: Option<Holder>,
}

const POLL: Duration = Duration::from_millis(50);
/// A step whose composition was killed ends soon, and then the lock is free: whoever runs the command again waits for it.
const ORPHAN: Duration = Duration::from_secs(20);

impl Lock {
    pub(crate) fn take(home: &Home, command: &str, patience: Patience) -> Result<Self> {
        let path = home.lock();
        file::folder(&home.run())?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = file::open_with(&mut options, &path, OFlags::NOFOLLOW).on("cannot open", &path)?;
        if let Some(handed_down) = handed_down(&file)? {
            return Ok(Self { file: handed_down, holder: None });
        }
        wait_for(&file, patience)?;
        let since = jiff::Timestamp::now();
        let holder = Identity::of_this_process().map(|process| Holder {
            process,
            command: command.to_owned(),
            step: None,
            since,
        });
        let mut lock = Self { file, holder };
        lock.describe();
        Ok(lock)
    }

    /// Writes down what is being done, for those who find the lock taken.
    pub fn step(&mut self, step: &str) {
        if let Some(holder) = &mut self.holder {
            holder.step = Some(step.to_owned());
        }
        self.describe();
    }

    /// For the standard input of a command that is to work under this lock.
    pub fn hand_down(&self) -> Result<Stdio> {
        let file = self.file.try_clone();
        file.map(Stdio::from)
            .map_err(|source| Error::Io { what: "cannot hand down the lock".into(), cause: source })
    }

    /// In place: the lock is on this very file, so that it cannot be replaced. Who reads it half-written only misses a name,
    /// and that a full disk takes no names is no reason to stop.
    fn describe(&mut self) {
        let Some(holder) = &self.holder else { return };
        let mut text = serde_json::to_vec(holder).expect("a holder is plain data");
        // In one write and of one length, so that whoever reads meanwhile finds a whole name: the old one or the new.
        text.resize(text.len().max(ROOM), b' ');
        let _ = self.file.write_all_at(&text, 0);
    }
}

/// A holder's description is never longer.
const MOST_BYTES: u64 = 64 * 1024;
/// More than a command and its step need.
const ROOM: usize = 1024;

/// Our standard input, if it is the lock and the lock is its. Asking for a lock that one holds succeeds.
fn handed_down(lock: &File) -> Result<Option<File>> {
    let Ok(input) = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).map(File::from) else {
        return Ok(None);
    };
    let (Ok(ours), Ok(theirs)) = (lock.metadata(), input.metadata()) else { return Ok(None) };
    if (ours.dev(), ours.ino()) != (theirs.dev(), theirs.ino()) {
        return Ok(None);
    }
    match flock(&input, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(input)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(cause) => Err(Error::Io { what: "cannot lock run/lock".into(), cause: cause.into() }),
    }
}

fn wait_for(file: &File, patience: Patience) -> Result<()> {
    let begun = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) => {}
            Err(source) => {
                return Err(Error::Io { what: "cannot lock run/lock".into(), cause: source.into() });
            }
        }
        let orphaned = holder(file).is_some_and(|holder| !holder.process.runs());
        let patient = match patience {
            Patience::None if orphaned => begun.elapsed() < ORPHAN,
            Patience::None => false,
            Patience::For(long) => begun.elapsed() < long,
            Patience::Forever => true,
        };
        if !patient {
            return Err(Error::Busy(Box::new(Busy { holder: holder(file), patience })));
        }
        interrupt::check()?;
        thread::sleep(POLL);
    }
}

fn holder(mut file: &File) -> Option<Holder> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Why the lock could not be had.
#[derive(Debug)]
pub struct Busy {
    pub holder: Option<Holder>,
    patience: Patience,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.holder {
            Some(Holder { process, command, step, since }) => {
                let elapsed = Duration::try_from(jiff::Timestamp::now().duration_since(*since));
                write!(
                    f,
                    "busy: `{command}` (pid {}) has run for {}",
                    process.pid,
                    duration::in_words(elapsed.unwrap_or_default())
                )?;
                if let Some(step) = step {
                    write!(f, ", now at {step}")?;
                }
            }
            None => write!(f, "busy: another command of flipside changes this app")?,
        }
        match self.patience {
            Patience::None => write!(f, "; --wait waits for it"),
            _ => write!(f, "; waited in vain"),
        }
    }
}
