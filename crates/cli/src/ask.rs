//! Questions to a person. Only on a terminal: nobody else can answer.

use std::io::{IsTerminal as _, Write as _};

/// Whether somebody is there to be asked.
pub fn has_person() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks until there is an answer; an empty one means the default. None if the terminal is closed.
pub fn ask(question: &str, default: Option<&str>) -> Option<String> {
    let hint = default.filter(|default| !default.is_empty()).map_or(String::new(), |it| format!(" [{it}]"));
    loop {
        let answer = line(&format!("{question}{hint}: "))?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Some(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Some(answer.to_owned()),
        }
    }
}

/// Whether the answer is yes; anything else is no.
pub fn confirm(question: &str) -> bool {
    line(&format!("{question} [y/N] ")).is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn line(prompt: &str) -> Option<String> {
    let _ = write!(anstream::stderr().lock(), "{prompt}");
    let mut answer = String::new();
    let length = std::io::stdin().read_line(&mut answer).ok()?;
    (length > 0).then_some(answer)
}
