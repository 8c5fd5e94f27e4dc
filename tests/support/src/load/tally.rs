//! What is counted while the load is on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::Answer;
use super::{Failure, Mode, Served};

#[derive(Default)]
pub(super) struct Tally {
    pub(super) modes: BTreeMap<Mode, ModeTally>,
    pub(super) served: Vec<Served>,
    pub(super) told: Vec<String>,
    pub(super) late: Vec<u32>,
    pub(super) closed_while_idle: u64,
}

#[derive(Default)]
pub(super) struct ModeTally {
    pub(super) sent: u64,
    pub(super) latencies: Vec<u32>,
    pub(super) failures: BTreeMap<Failure, u64>,
}

impl Tally {
    pub(super) fn served(&mut self, answer: Answer, at: Duration) {
        let known =
            |served: &&mut Served| served.instance == answer.instance && served.release == answer.release;
        match self.served.iter_mut().find(known) {
            Some(served) => {
                served.count += 1;
                served.last = served.last.max(at);
            }
            None => self.served.push(Served {
                instance: answer.instance,
                release: answer.release,
                count: 1,
                first: at,
                last: at,
            }),
        }
    }
}

pub(super) fn micros(duration: Duration) -> u32 {
    duration.as_micros().try_into().unwrap_or(u32::MAX)
}
