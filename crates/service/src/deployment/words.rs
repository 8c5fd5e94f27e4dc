//! What is said of a deployment.

use state::App;
use state::config::Old;

use super::{Aftermath, Deployment};

impl Deployment {
    /// For people: `A (v1-0c1d2e3)`.
    pub fn former(&self) -> String {
        match (&self.from, &self.from_release) {
            (Some(from), Some(release)) => format!("{from} ({release})"),
            (Some(from), None) => from.to_string(),
            (None, _) => "nobody".to_owned(),
        }
    }

    /// The same of what it deploys.
    pub fn newcomer(&self) -> String {
        match &self.to {
            Some(release) => format!("{} ({release})", self.target),
            None => self.target.to_string(),
        }
    }

    /// That it has succeeded, and what became of the old instance.
    pub fn in_words(&self, old: Old) -> String {
        let old = match old {
            _ if self.from.is_none() => String::new(),
            Old::Keep => format!("; {} is ready to go back to", self.former()),
            Old::Stop => format!("; {} was stopped", self.former()),
        };
        format!("{} serves{old}", self.newcomer())
    }

    /// At which step it has failed, what serves now, and what to do; `standby` is what is to be said of that one.
    pub fn verdict(
        &self,
        app: &App,
        step: &str,
        aftermath: &Aftermath,
        switched: bool,
        standby: Option<String>,
    ) -> Vec<String> {
        let state = match aftermath {
            Aftermath::AsBefore if switched => {
                format!("{} was put back and serves as before", self.former())
            }
            Aftermath::AsBefore if self.from.is_none() => "nothing is enabled, as before".to_owned(),
            Aftermath::AsBefore => format!("{} serves as before", self.former()),
            Aftermath::InDoubt(why) => format!("the service needs a person: {why}; run status"),
        };
        let mut lines = vec![format!("{}: stopped at {step}; {state}", self.underway.command)];
        lines.extend(standby.map(|line| format!("  {line}")));
        lines.push(format!("  the whole log: {}", self.log_path(app).display()));
        lines.push(format!("  once the cause is mended: {}", self.underway.typed()));
        lines
    }
}

/// What an agent's output of some 2,000 characters has room for, beside the steps and the verdict.
const ROOM: usize = 1_200;

/// The first line, which tells what failed, and of those after it as many of the last as there is room for.
pub fn in_brief(words: &[String]) -> Vec<String> {
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let mut room = ROOM.saturating_sub(first.len());
    let fits = rest.iter().rev().take_while(|line| {
        let fits = line.len() < room;
        room = room.saturating_sub(line.len() + 1);
        fits
    });
    let kept = fits.count();
    std::iter::once(first).chain(&rest[rest.len() - kept..]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_brief_the_cause_and_the_end_remain() {
        let words: Vec<_> = (0..100).map(|number| format!("line {number} {}", "x".repeat(100))).collect();
        let brief = in_brief(&words);
        assert_eq!(brief.first(), words.first());
        assert_eq!(brief.last(), words.last());
        assert!(brief.iter().map(|line| line.len() + 1).sum::<usize>() <= ROOM + 1);
    }
}
