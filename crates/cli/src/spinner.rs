//! A step that takes time: on a terminal a live line with the elapsed time, otherwise one plain line at its end.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Tone, note, painted};

/// Begun and not ended yet.
pub struct Step {
    text: String,
    begun: Instant,
    live: Option<ProgressBar>,
    quiet: bool,
}

/// Steps of usual length are aligned.
const WIDTH: usize = 36;

impl Step {
    /// `text` is what a person would type.
    pub fn begin(text: &str, quiet: bool) -> Self {
        let watched = !quiet && std::io::stderr().is_terminal();
        let live = watched.then(|| spinner(text));
        Self { text: text.to_owned(), begun: Instant::now(), live, quiet }
    }

    /// Shows what is waited for at the moment; only on a terminal.
    pub fn doing(&self, what: &str) {
        if let Some(live) = &self.live {
            live.set_message(format!("{:WIDTH$} {}", self.text, painted(Tone::Faint, what)));
        }
    }

    /// The line that remains of it, which is also for a log.
    pub fn succeeded(self) -> (String, Duration) {
        self.end(&painted(Tone::Good, "✓"))
    }

    pub fn failed(self) -> (String, Duration) {
        self.end(&painted(Tone::Bad, "✗"))
    }

    fn end(self, mark: &str) -> (String, Duration) {
        let elapsed = self.begun.elapsed();
        let line = format!("{:WIDTH$} {:>5.1} s", self.text, elapsed.as_secs_f64());
        match &self.live {
            Some(bar) => {
                bar.finish_and_clear();
                note(&format!("{mark} {line}"));
            }
            None if self.quiet => {}
            None => note(&line),
        }
        (line, elapsed)
    }
}

fn spinner(text: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a fixed template");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
    bar.set_message(format!("{text:WIDTH$}"));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
