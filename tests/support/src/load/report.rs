//! What became of the load, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tally::Tally;
use super::{Failure, Load, Mode};

/// Who answered, from when to when.
#[derive(Clone, Debug)]
pub struct Served {
    pub instance: String,
    pub release: String,
    pub count: u64,
    pub first: Duration,
    pub last: Duration,
}

/// Times that half, 99 in 100 and all of the requests stayed under.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Spread {
    pub(super) fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        let at = |share: f64| {
            let index = (micros.len() as f64 * share) as usize;
            micros.get(index.min(micros.len().saturating_sub(1))).copied().unwrap_or(0)
        };
        let at = |share| Duration::from_micros(at(share).into());
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// What became of the requests of one mode.
#[derive(Clone, Debug)]
pub struct OfMode {
    pub mode: Mode,
    pub per_second: u32,
    pub sent: u64,
    pub answered: u64,
    pub failures: BTreeMap<Failure, u64>,
    pub latency: Spread,
}

/// What became of the load.
#[derive(Clone, Debug)]
pub struct Report {
    pub url: String,
    pub elapsed: Duration,
    pub modes: Vec<OfMode>,
    /// In the order of their first answers.
    pub served: Vec<Served>,
    /// The first failures, one by one.
    pub told: Vec<String>,
    /// How late the generator itself was.
    pub late: Spread,
    /// Kept connections that the server closed while nothing was asked over them: no failure.
    pub closed_while_idle: u64,
}

impl Report {
    pub(super) fn new(load: &Load, elapsed: Duration, mut tally: Tally) -> Self {
        let modes = load.per_second.iter().filter(|(_, rate)| **rate > 0).map(|(&mode, &per_second)| {
            let tally = tally.modes.remove(&mode).unwrap_or_default();
            OfMode {
                mode,
                per_second,
                sent: tally.sent,
                answered: tally.latencies.len() as u64,
                failures: tally.failures,
                latency: Spread::of(tally.latencies),
            }
        });
        let modes = modes.collect();
        tally.served.sort_by_key(|served| served.first);
        Self {
            url: load.url.clone(),
            elapsed,
            modes,
            served: tally.served,
            told: tally.told,
            late: Spread::of(tally.late),
            closed_while_idle: tally.closed_while_idle,
        }
    }

    pub fn sent(&self) -> u64 {
        self.modes.iter().map(|mode| mode.sent).sum()
    }

    pub fn answered(&self) -> u64 {
        self.modes.iter().map(|mode| mode.answered).sum()
    }

    pub fn failed(&self) -> u64 {
        Mode::ALL.into_iter().map(|mode| self.failed_in(mode)).sum()
    }

    pub fn failed_in(&self, mode: Mode) -> u64 {
        self.modes.iter().filter(|of| of.mode == mode).flat_map(|of| of.failures.values()).sum()
    }

    /// How many requests of one mode failed in one way.
    pub fn failures(&self, mode: Mode, failure: Failure) -> u64 {
        let modes = self.modes.iter().filter(|of| of.mode == mode);
        modes.filter_map(|of| of.failures.get(&failure)).sum()
    }
}
