//! What was measured: a table for people, JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::timing::Times;

/// A command beside what one would do by hand.
#[derive(Serialize)]
pub struct Timed {
    pub what: String,
    pub now: Times,
    pub by_hand: String,
    pub by_hand_takes: Times,
    /// The most that `now` may take, in milliseconds, and how that comes about.
    pub bound: f64,
    pub bound_in_words: String,
}

/// How many of something there were, of how many.
#[derive(Serialize)]
pub struct Counted {
    pub what: String,
    pub count: u64,
    pub of: u64,
    pub at_most: u64,
}

#[derive(Default, Serialize)]
pub struct Report {
    pub times: Vec<Timed>,
    pub counts: Vec<Counted>,
}

impl Timed {
    fn is_kept(&self) -> bool {
        self.now.median <= self.bound
    }
}

impl Report {
    /// Whether every bound is kept; those of times only if they are judged.
    pub fn holds(&self, times_too: bool) -> bool {
        let counts = self.counts.iter().all(|counted| counted.count <= counted.at_most);
        counts && (!times_too || self.times.iter().all(Timed::is_kept))
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{:<34} {:>24} {:>24}  {:<22} bound", "milliseconds", "now", "", "by hand")?;
        for timed in &self.times {
            let verdict = if timed.is_kept() { "kept" } else { "NOT KEPT" };
            writeln!(
                f,
                "{:<34} {:>24} {:>24}  {:<22} {:.1}: {}, {verdict}",
                timed.what,
                timed.now.to_string(),
                timed.by_hand_takes.to_string(),
                timed.by_hand,
                timed.bound,
                timed.bound_in_words
            )?;
        }
        writeln!(f)?;
        for Counted { what, count, of, at_most } in &self.counts {
            let verdict = if count <= at_most { "kept" } else { "NOT KEPT" };
            writeln!(f, "{what}: {count} of {of}; at most {at_most}, {verdict}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Times {
    /// The median, and between what nine in ten and one in ten stayed.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.low, self.high)
    }
}
