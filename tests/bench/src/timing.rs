//! Times of many runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Milliseconds: half of the runs took less than the median, one in ten less than `low`, nine in ten less than `high`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Times {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Times {
    pub fn of(mut milliseconds: Vec<f64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        let at = |share: f64| milliseconds[((milliseconds.len() - 1) as f64 * share).round() as usize];
        Self { median: at(0.5), low: at(0.1), high: at(0.9) }
    }
}

/// Something that is tried again and again: how long it took.
pub type Tried<'a> = Box<dyn FnMut() -> Duration + 'a>;

/// Milliseconds of several things by round: what the machine does besides meets all of a round alike.
pub struct Rounds<const N: usize>(Vec<[f64; N]>);

impl<const N: usize> Rounds<N> {
    pub fn of(rounds: Vec<[f64; N]>) -> Self {
        Self(rounds)
    }

    /// Those of one thing.
    pub fn times(&self, which: usize) -> Times {
        self.spread(|round| round[which])
    }

    /// Of what each round amounts to.
    pub fn spread(&self, of: impl Fn(&[f64; N]) -> f64) -> Times {
        Times::of(self.0.iter().map(of).collect())
    }
}

/// Each of them in turn, so many times, every other time in the opposite order.
pub fn in_turn<const N: usize>(runs: usize, mut tried: [Tried; N]) -> Rounds<N> {
    let mut rounds = Vec::with_capacity(runs);
    for run in 0..=runs {
        let mut round = [0.0; N];
        for number in 0..N {
            let which = if run % 2 == 0 { number } else { N - 1 - number };
            round[which] = tried[which]().as_secs_f64() * 1e3;
        }
        if run > 0 {
            rounds.push(round); // the first one warms up
        }
    }
    Rounds(rounds)
}

/// All that it does.
pub fn timed<'a>(mut run: impl FnMut() + 'a) -> Tried<'a> {
    Box::new(move || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    })
}

/// Running this command to its end.
pub fn running<'a>(command: Command) -> Tried<'a> {
    run_in_turn(vec![command])
}

/// Running one of these commands after the other, one each time.
pub fn run_in_turn<'a>(mut commands: Vec<Command>) -> Tried<'a> {
    for command in &mut commands {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    let mut next = (0..commands.len()).cycle();
    timed(move || {
        let command = &mut commands[next.next().expect("there is one")];
        let status = command.status().expect("the command can be run");
        assert!(status.success(), "{command:?}: {status}");
    })
}

/// This first, not timed.
pub fn before<'a>(mut prepare: impl FnMut() + 'a, mut tried: Tried<'a>) -> Tried<'a> {
    Box::new(move || {
        prepare();
        tried()
    })
}

/// And this afterwards, not timed.
pub fn and_then<'a>(mut tried: Tried<'a>, mut look: impl FnMut() + 'a) -> Tried<'a> {
    Box::new(move || {
        let taken = tried();
        look();
        taken
    })
}

/// A text of the shell, as one would type it.
pub fn typed<'a>(text: &str) -> Tried<'a> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]);
    running(shell)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_order_of_a_round_is_turned_each_time() {
        let order = RefCell::new(String::new());
        let note = |name: char| {
            let order = &order;
            timed(move || order.borrow_mut().push(name))
        };
        in_turn(2, [note('a'), note('b')]);
        assert_eq!(order.into_inner(), "abbaab");
    }

    #[test]
    fn one_in_ten_is_beyond_each_end() {
        let times = Times::of((0..=100).rev().map(f64::from).collect());
        assert_eq!((times.low, times.median, times.high), (10.0, 50.0, 90.0));
    }
}
