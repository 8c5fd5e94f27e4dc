//! Standard output carries the answer and nothing else; everything else goes to standard error. Who has closed either
//! does not want to hear it, which is no error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::globals::Json;

/// What a text means, shown by colour on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Doubtful,
    Strong,
    Faint,
    Plain,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Plain => Style::new(),
        }
    }
}

/// The text in its colour; the colour is taken out again where the output is no terminal or NO_COLOR is set.
pub fn painted(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// The answer, on a line of its own.
pub fn answer(answer: impl Display) {
    answer_text(&format!("{answer}\n"));
}

/// The answer, a line each.
pub fn answer_lines(lines: &[impl Display]) {
    let text: Vec<_> = lines.iter().map(|line| format!("{line}\n")).collect();
    answer_text(&text.concat());
}

/// The answer as it is.
pub fn answer_text(text: &str) {
    // What has no colours needs not know where it goes.
    if text.contains('\u{1b}') {
        put(anstream::stdout().lock(), text);
    } else {
        put(io::stdout().lock(), text);
    }
}

fn put(mut out: impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The answer as one JSON document.
pub fn answer_json(answer: &impl Serialize) {
    crate::answer(serde_json::to_string_pretty(answer).expect("an answer is plain data"));
}

/// The answer to a question that may have none: then nothing is printed (or null), and the status is 1.
pub fn query(Json { json }: Json, found: Option<impl Serialize + Display>) -> ExitCode {
    let status = ExitCode::from(u8::from(found.is_none()));
    match found {
        found if json => answer_json(&found),
        Some(found) => answer(found),
        None => {}
    }
    status
}

/// A line to whoever watches.
pub fn note(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// The same, with the command's name: something to know that is not an error.
pub fn remark(quiet: bool, line: &str) {
    if !quiet {
        note(&format!("{}: {line}", crate::name()));
    }
}

/// Lines of a log, shown as such.
pub fn quoted(lines: &[String]) {
    for line in quoted_lines(lines) {
        note(&line);
    }
}

/// The same, to be printed later.
pub fn quoted_lines(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("  | {line}")).collect()
}
