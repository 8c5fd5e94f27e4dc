//! Load on a world while something is done with it, and what became of that.

use std::fs;

use super::remains::{BUSY, all_worlds};
use super::{SOON, World};
use crate::load::{LONGEST, Load, Report};
use crate::ports;
use crate::processes;

impl World {
    /// 500 requests/s over kept connections, 500/s over new ones, 50/s that take 300 ms. This test waits until it has
    /// the machine for itself: no other world is in use, of this process or another one.
    #[track_caller]
    pub fn under_load<T>(&self, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        self.under_load_until(0, during)
    }

    /// The same, and on until so many requests were answered.
    #[track_caller]
    pub fn under_load_until<T>(&self, requests: u64, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        let path = all_worlds().join(BUSY);
        self.busy.take();
        let alone = ports::wait_for(&path);
        let load = self.load().keep_alive(500).new_connections(500).slow(50);
        let loaded = under(self, load, 500, requests, during);
        let _ = fs::remove_file(&path); // while it is locked
        drop(alone);
        self.busy.replace(Some(ports::share(&path)));
        loaded
    }

    /// 100 requests/s, so that many tests can do so at the same time.
    #[track_caller]
    pub fn under_gentle_load<T>(&self, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        under(self, self.load().keep_alive(20).new_connections(70).slow(10), 30, 0, during)
    }

    fn load(&self) -> Load {
        self.make();
        Load::on(&self.url()).unwrap()
    }
}

/// Puts load on a world, or a machine, while something is done with it, and until so many requests were answered.
#[track_caller]
pub(crate) fn under<W, T>(
    world: &W,
    load: Load,
    some: u64,
    requests: u64,
    during: impl FnOnce(&W) -> T,
) -> Loaded<'_, W> {
    let running = load.start().unwrap();
    processes::eventually(SOON, "the service answers to load", || running.answered() >= some);
    during(world);
    // What goes wrong may show only afterwards.
    let so_far = running.answered() + running.failed();
    processes::eventually(SOON, "the load goes on", || {
        running.answered() + running.failed() >= so_far + some
    });
    processes::eventually(LONGEST, "enough requests are answered", || running.answered() >= requests);
    Loaded { world, report: running.stop() }
}

/// What became of the load, to be judged.
pub struct Loaded<'a, W = World> {
    world: &'a W,
    pub report: Report,
}

impl<W> Loaded<'_, W> {
    #[track_caller]
    pub fn expect(self, is_met: impl FnOnce(&Report) -> Result<(), String>) -> Self {
        if let Err(what) = is_met(&self.report) {
            panic!("{what}\n{}", self.report);
        }
        self
    }

    pub fn world(&self) -> &W {
        self.world
    }
}
