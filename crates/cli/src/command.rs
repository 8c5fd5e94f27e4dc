//! The frame of every command: from arguments to an exit status.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::output::{note, quoted};

/// Reads the arguments, runs, and prints an error once, at the end, to standard error. `anatomy` tells of an error its
/// exit status, and the lines of a log that show the cause.
pub fn command<A: Parser>(
    run: impl FnOnce(&A) -> anyhow::Result<ExitCode>,
    anatomy: impl FnOnce(&anyhow::Error) -> (u8, Vec<String>),
) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            // As all other errors are: by the command's name.
            note(plain(&error.to_string().replacen("error:", &format!("{}:", name()), 1)).trim_end());
            return ExitCode::from(2);
        }
        Err(help) => {
            // A closed pipe is no error.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    match run(&arguments) {
        Ok(exit) => exit,
        Err(error) => {
            let (exit, lines) = anatomy(&error);
            note(&error_line(&error));
            quoted(&lines);
            ExitCode::from(exit)
        }
    }
}

/// `command: what: cause`.
pub fn error_line(error: &anyhow::Error) -> String {
    plain(&format!("{}: {error:#}", name()))
}

/// What is quoted in an error may come from anybody, and be of any length.
fn plain(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let shown = line.chars().filter(|character| !character.is_control());
        let mut line: String = shown.clone().take(LONGEST).collect();
        if shown.count() > LONGEST {
            line.push('…');
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

const LONGEST: usize = 800;

/// The name that this command was called by.
pub fn name() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| OsString::from("flipside"));
    std::path::Path::new(&called).file_name().unwrap_or(&called).to_string_lossy().into_owned()
}
