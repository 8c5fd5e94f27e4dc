//! SIGINT and SIGTERM as a question that long work asks itself. A hang-up is none: who deploys over ssh and loses the
//! connection wants the deployment to go on.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Error, Result};

static SIGNALS: OnceLock<Signals> = OnceLock::new();
static POSTPONED: AtomicBool = AtomicBool::new(false);

struct Signals {
    latest: Arc<AtomicUsize>,
    /// One that came before it, where somebody has asked whether it was the only one.
    first: AtomicUsize,
}

/// From here on SIGINT and SIGTERM are only noted, and a hang-up is ignored. A process that is started gets the
/// default actions back, since caught signals do not survive exec (unlike ignored ones, signal(7)).
pub fn listen() -> Result<()> {
    let latest = Arc::new(AtomicUsize::new(0));
    let nobody_reads = Arc::new(AtomicUsize::new(0));
    for (signal, noted) in [(SIGINT, &latest), (SIGTERM, &latest), (SIGHUP, &nobody_reads)] {
        signal_hook::flag::register_usize(signal, Arc::clone(noted), signal.unsigned_abs() as usize)
            .map_err(|source| Error::Io { what: "cannot listen to signals".into(), cause: source })?;
    }
    let _ = SIGNALS.set(Signals { latest, first: AtomicUsize::new(0) });
    Ok(())
}

/// From here on no signal that a terminal or another user's timer can send stops or ends this process: it does something
/// short and bounded that others wait for. What the caller ignores or waits for otherwise is undone, too.
pub fn be_deaf() -> Result<()> {
    use signal_hook::consts::{
        SIGALRM, SIGCHLD, SIGIO, SIGPROF, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGXCPU, SIGXFSZ,
    };
    let nobody_reads = Arc::new(AtomicBool::new(false));
    for signal in [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
        SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGCHLD,
    ] {
        signal_hook::flag::register(signal, Arc::clone(&nobody_reads))
            .map_err(|source| Error::Io { what: "cannot listen to signals".into(), cause: source })?;
    }
    Ok(())
}

/// Which of the two came since the last call, if one did.
pub fn take() -> Option<&'static str> {
    let Signals { latest, first } = SIGNALS.get()?;
    let first = name(first.swap(0, Ordering::Relaxed));
    name(latest.swap(0, Ordering::Relaxed)).or(first)
}

/// Whether one of the two came and was not taken yet.
pub fn requested() -> Option<&'static str> {
    if POSTPONED.load(Ordering::Relaxed) {
        return None;
    }
    let Signals { latest, first } = SIGNALS.get()?;
    name(latest.load(Ordering::Relaxed)).or_else(|| name(first.load(Ordering::Relaxed)))
}

/// Whether a second one came since this was asked first, and none was taken: for waiting that one alone does not end.
pub fn requested_twice() -> bool {
    let Some(Signals { latest, first }) = SIGNALS.get() else { return false };
    if first.load(Ordering::Relaxed) == 0 {
        first.store(latest.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
    latest.load(Ordering::Relaxed) != 0
}

/// Ends work that can be left: an error as soon as one of the two came.
pub fn check() -> Result<()> {
    requested().map_or(Ok(()), |signal| Err(Error::Interrupted(signal)))
}

/// Until the guard is dropped nobody hears of a signal: for short, bounded work that must not be left half-done.
#[must_use]
pub fn postpone() -> Postponed {
    POSTPONED.store(true, Ordering::Relaxed);
    Postponed(())
}

/// See [`postpone`].
pub struct Postponed(());

impl Drop for Postponed {
    fn drop(&mut self) {
        POSTPONED.store(false, Ordering::Relaxed);
    }
}

fn name(number: usize) -> Option<&'static str> {
    match i32::try_from(number) {
        Ok(SIGINT) => Some("SIGINT"),
        Ok(SIGTERM) => Some("SIGTERM"),
        _ => None,
    }
}
