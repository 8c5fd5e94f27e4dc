//! The env file: secrets for the app, `NAME=value` lines.

use std::path::Path;

use crate::error::{Error, IoContext, Result};
use crate::file;

/// Names and values, in the order of the file.
pub type Variables = Vec<(String, String)>;

/// Reads an env file, and refuses one that others can read.
pub fn read(path: &Path) -> Result<Variables> {
    let file = file::open_of_operator(path).on("cannot read", path)?;
    let text = file::text(&file).on("cannot read", path)?;
    file::must_be_private(&file, path)?;
    parse(&text).map_err(|(line, problem)| Error::Configuration {
        file: path.to_owned(),
        line: Some(line),
        problem,
    })
}

/// Empty lines and lines that begin with `#` are left out; `export ` before a name and quotes around a value, too. On
/// error the line's number and what is wrong, never its content: it is a secret.
pub fn parse(text: &str) -> Result<Variables, (usize, String)> {
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || (number + 1, "not a NAME=value line".to_owned());
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
            return Err(wrong());
        }
        if value.contains('\0') {
            return Err((number + 1, "a value cannot hold a NUL".to_owned()));
        }
        variables.push((name.to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "# secrets\nexport DB_URL=mysql://u:p=x@h/db\n\nEMPTY=\nQUOTED=\"a b\"\nSINGLE='#1'\n";
        let expected = [("DB_URL", "mysql://u:p=x@h/db"), ("EMPTY", ""), ("QUOTED", "a b"), ("SINGLE", "#1")];
        let expected: Variables = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn an_error_names_the_line_and_not_the_secret() {
        for text in ["\nhunter2", "\n1A=hunter2", "\nA B=hunter2"] {
            assert_eq!(parse(text), Err((2, "not a NAME=value line".to_owned())), "{text}");
        }
    }
}
