//! Times of many runs.

use std::process::{Command, Stdio};
use std::time::Instant;

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

/// Each of them in turn, so many times, so that what the machine does besides meets all of them alike.
pub fn in_turn<const N: usize>(runs: usize, mut tried: [Box<dyn FnMut() + '_>; N]) -> [Times; N] {
    let mut taken = [const { Vec::new() }; N];
    for run in 0..=runs {
        for (tried, taken) in tried.iter_mut().zip(&mut taken) {
            let begun = Instant::now();
            tried();
            if run > 0 {
                taken.push(begun.elapsed().as_secs_f64() * 1e3); // the first one warms up
            }
        }
    }
    taken.map(Times::of)
}

/// Running this command to its end.
pub fn running<'a>(mut command: Command) -> Box<dyn FnMut() + 'a> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Box::new(move || {
        let status = command.status().expect("the command can be run");
        assert!(status.success(), "{command:?}: {status}");
    })
}

/// A text of the shell, as one would type it.
pub fn typed<'a>(text: &str) -> Box<dyn FnMut() + 'a> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]);
    running(shell)
}
