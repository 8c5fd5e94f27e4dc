use std::thread::{self, Scope, ScopedJoinHandle};

/// A question that is being asked beside other work, or, where the machine has no thread left, will be asked in turn.
pub enum Asked<'scope, T> {
    Meanwhile(ScopedJoinHandle<'scope, T>),
    Later(&'scope (dyn Fn() -> T + Sync)),
}

impl<'scope, T: Send + 'scope> Asked<'scope, T> {
    pub fn at_once<F: Fn() -> T + Sync>(scope: &'scope Scope<'scope, '_>, ask: &'scope F) -> Self {
        match thread::Builder::new().spawn_scoped(scope, ask) {
            Ok(handle) => Self::Meanwhile(handle),
            Err(_) => Self::Later(ask),
        }
    }

    pub fn answer(self) -> T {
        match self {
            Self::Meanwhile(handle) => handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Self::Later(ask) => ask(),
        }
    }
}

/// Asks while the work is done; the answer to the question, and what the work gave.
pub fn ask_meanwhile<T: Send, U>(ask: impl Fn() -> T + Sync, work: impl FnOnce() -> U) -> (T, U) {
    thread::scope(|scope| {
        let asked = Asked::at_once(scope, &ask);
        let done = work();
        (asked.answer(), done)
    })
}
