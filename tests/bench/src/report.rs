//! What was measured: a table for people, JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::growth::Curves;
use crate::machine::Machine;
use crate::timing::{Rounds, Times};

/// A command beside what one would do by hand.
#[derive(Serialize)]
pub struct Timed {
    pub what: String,
    pub now: Times,
    pub by_hand: String,
    pub by_hand_takes: Times,
    /// How many times as long as by hand: the median of the rounds' own.
    pub ratio: f64,
    pub bound: Option<Bound>,
    /// One of several that the README tells of in one line, and not its worst.
    pub detail: bool,
}

/// The most that something may take.
#[derive(Serialize)]
pub struct Bound {
    pub in_words: String,
    pub milliseconds: f64,
    /// By the medians, as the table shows them.
    pub kept: bool,
}

impl Timed {
    /// The first of the things tried, beside the second.
    pub fn of<const N: usize>(what: &str, rounds: &Rounds<N>, by_hand: &str) -> Self {
        Self {
            what: what.to_owned(),
            now: rounds.times(0),
            by_hand: by_hand.to_owned(),
            by_hand_takes: rounds.times(1),
            ratio: rounds.spread(|round| round[0] / round[1]).median,
            bound: None,
            detail: false,
        }
    }

    /// What it may take is told of each round by what else was tried in it.
    pub fn within<const N: usize>(
        mut self,
        rounds: &Rounds<N>,
        in_words: &str,
        bound: impl Fn(&[f64; N]) -> f64,
    ) -> Self {
        let milliseconds = rounds.spread(bound).median;
        let kept = self.now.median <= milliseconds;
        self.bound = Some(Bound { in_words: in_words.to_owned(), milliseconds, kept });
        self
    }

    pub fn detail(mut self) -> Self {
        self.detail = true;
        self
    }

    fn is_kept(&self) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.kept)
    }
}

/// How many of something there were.
#[derive(Serialize)]
pub struct Counted {
    pub what: String,
    pub unit: &'static str,
    pub count: u64,
    /// Of how many, where that tells something.
    pub of: Option<u64>,
    pub by_hand: Option<ByHand>,
    pub at_most: Option<u64>,
    pub detail: bool,
}

#[derive(Serialize)]
pub struct ByHand {
    pub what: String,
    pub count: u64,
    pub of: Option<u64>,
}

impl Counted {
    pub fn new(what: &str, unit: &'static str, count: u64) -> Self {
        let what = what.to_owned();
        Self { what, unit, count, of: None, by_hand: None, at_most: None, detail: false }
    }

    pub fn of(mut self, all: u64) -> Self {
        self.of = Some(all);
        self
    }

    pub fn at_most(mut self, bound: u64) -> Self {
        self.at_most = Some(bound);
        self
    }

    pub fn beside(mut self, what: &str, count: u64, of: Option<u64>) -> Self {
        self.by_hand = Some(ByHand { what: what.to_owned(), count, of });
        self
    }

    pub fn detail(mut self) -> Self {
        self.detail = true;
        self
    }

    pub fn is_kept(&self) -> bool {
        self.at_most.is_none_or(|bound| self.count <= bound)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Row {
    Times(Timed),
    Count(Counted),
}

impl From<Timed> for Row {
    fn from(timed: Timed) -> Self {
        Self::Times(timed)
    }
}

impl From<Counted> for Row {
    fn from(counted: Counted) -> Self {
        Self::Count(counted)
    }
}

impl Row {
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Times(timed) => timed.is_kept(),
            Self::Count(counted) => counted.is_kept(),
        }
    }

    pub fn is_bound(&self) -> bool {
        match self {
            Self::Times(timed) => timed.bound.is_some(),
            Self::Count(counted) => counted.at_most.is_some(),
        }
    }

    pub fn is_detail(&self) -> bool {
        match self {
            Self::Times(timed) => timed.detail,
            Self::Count(counted) => counted.detail,
        }
    }

    pub fn what(&self) -> &str {
        match self {
            Self::Times(timed) => &timed.what,
            Self::Count(counted) => &counted.what,
        }
    }

    pub fn now(&self) -> String {
        match self {
            Self::Times(timed) => timed.now.to_string(),
            Self::Count(counted) => amount(counted.count, counted.of, counted.unit),
        }
    }

    /// What one would do by hand, and what it takes.
    pub fn by_hand(&self) -> Option<(&str, String)> {
        match self {
            Self::Times(timed) => Some((&timed.by_hand, timed.by_hand_takes.to_string())),
            Self::Count(counted) => {
                let by_hand = counted.by_hand.as_ref()?;
                Some((&by_hand.what, amount(by_hand.count, by_hand.of, counted.unit)))
            }
        }
    }

    fn bound(&self) -> String {
        match self {
            Self::Times(timed) => timed.bound.as_ref().map_or_else(String::new, |bound| {
                format!("{} ms: {}", milliseconds(bound.milliseconds), bound.in_words)
            }),
            Self::Count(counted) => {
                counted.at_most.map_or_else(String::new, |most| amount(most, None, counted.unit))
            }
        }
    }

    fn ratio(&self) -> String {
        match self {
            Self::Times(timed) => format!("{:.2}", timed.ratio),
            Self::Count(_) => String::new(),
        }
    }

    pub fn verdict(&self) -> &'static str {
        match (self.is_bound(), self.is_kept()) {
            (false, _) => "",
            (true, true) => "kept",
            (true, false) => "NOT KEPT",
        }
    }
}

/// `2 of 37,800`, `4,312 KiB`.
pub fn amount(count: u64, of: Option<u64>, unit: &str) -> String {
    let of = of.map(|of| format!(" of {}", thousands(of))).unwrap_or_default();
    format!("{}{of} {unit}", thousands(count)).trim_end().to_owned()
}

pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// With as many digits as mean something.
pub fn milliseconds(value: f64) -> String {
    match value {
        short if short < 10.0 => format!("{short:.2}"),
        middling if middling < 100.0 => format!("{middling:.1}"),
        long => format!("{long:.0}"),
    }
}

#[derive(Serialize)]
pub struct Report {
    pub machine: Machine,
    pub quick: bool,
    pub rows: Vec<Row>,
    pub growth: Vec<Curves>,
}

impl Report {
    pub fn new(quick: bool, commands: String) -> Self {
        Self { machine: Machine::with(commands), quick, rows: Vec::new(), growth: Vec::new() }
    }

    pub fn tell(&mut self, row: impl Into<Row>) {
        let row = row.into();
        eprintln!("  {}: {} {}", row.what(), row.now(), row.verdict());
        self.rows.push(row);
    }

    /// Several of a kind: the README tells of that alone which is farthest beyond its bound, or nearest to it.
    pub fn tell_all(&mut self, rows: Vec<Timed>) {
        let part =
            |timed: &Timed| timed.bound.as_ref().map_or(0.0, |bound| timed.now.median / bound.milliseconds);
        let worst = rows.iter().map(part).fold(0.0, f64::max);
        for timed in rows {
            let is_worst = part(&timed) >= worst;
            self.tell(if is_worst { timed } else { timed.detail() });
        }
    }

    /// Whether every bound is kept; in the quick form, whose runs are too few, those of times aside.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.is_kept() || self.quick && matches!(row, Row::Times(_)))
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        let mut lines = vec![["", "now", "by hand", "", "times", "bound", ""].map(str::to_owned)];
        lines.extend(self.rows.iter().map(|row| {
            let (what_by_hand, by_hand) = row.by_hand().unwrap_or_default();
            let verdict = match row {
                Row::Times(_) if self.quick && row.is_bound() => "(not judged)",
                _ => row.verdict(),
            };
            [
                row.what().to_owned(),
                row.now(),
                by_hand,
                what_by_hand.to_owned(),
                row.ratio(),
                row.bound(),
                verdict.to_owned(),
            ]
        }));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        for line in &lines {
            let cells = line.iter().zip(widths).filter(|(_, width)| *width > 0);
            let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        write!(f, "Times in ms: the median (between one in ten and nine in ten), each round's sides in turn.")
    }
}

impl fmt::Display for Times {
    /// The median, and between what nine in ten and one in ten stayed.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [median, low, high] = [self.median, self.low, self.high].map(milliseconds);
        write!(f, "{median} ({low} to {high})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(amount(37_800, None, ""), "37,800");
        assert_eq!(amount(2, Some(1_037_800), ""), "2 of 1,037,800");
        assert_eq!(amount(431, None, "KiB"), "431 KiB");
        assert_eq!([0.616, 18.23, 738.4].map(milliseconds), ["0.62", "18.2", "738"]);
    }

    #[test]
    fn a_bound_is_judged_by_what_the_table_shows() {
        // The machine got ten times slower on the way, for both sides.
        let rounds = Rounds::of(vec![[1.0, 1.0], [14.0, 10.0], [140.0, 100.0]]);
        let timed = Timed::of("pid", &rounds, "/bin/true").within(&rounds, "1.5 times", |[_, by]| by * 1.5);
        assert!(timed.is_kept());
        let timed = Timed::of("pid", &rounds, "/bin/true").within(&rounds, "1.2 times", |[_, by]| by * 1.2);
        assert!(!timed.is_kept());
    }
}
