//! Load that is being put on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use super::Report;
use super::generate::Shared;

/// Load being put on; it ends with this value.
pub struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) thread: Option<JoinHandle<Report>>,
}

impl Running {
    /// How many requests were answered well so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// How many requests have failed so far.
    pub fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Sends nothing more, waits for what is in flight, and tells.
    pub fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("stopped once").join().expect("the load generator does not panic")
    }

    /// Goes on until its time is over.
    pub fn finish(mut self) -> Report {
        self.thread.take().expect("stopped once").join().expect("the load generator does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
