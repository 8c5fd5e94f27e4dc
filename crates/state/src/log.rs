//! Excerpts of logs that are safe to show on a terminal.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::file;
use crate::visible::reorders;

/// More than this is never read for an excerpt.
const MOST_BYTES: u64 = 64 * 1024;

/// The end of what a log has beyond `from` bytes: at most `lines` lines, each of at most `width` characters. Nothing if
/// it cannot be read: an excerpt is a help, not a result.
pub fn last_lines(path: &Path, from: u64, lines: usize, width: usize) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = file::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(MOST_BYTES))))?;
        let mut text = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut text)?;
        Ok(text)
    };
    excerpt(&read().unwrap_or_default(), lines, width)
}

/// The same of what is in memory already.
pub fn excerpt(text: &[u8], lines: usize, width: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let all: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].iter().map(|line| shortened(&harmless(line), width)).collect()
}

/// Without what could move the cursor, colour the terminal or fake a line: the text may come from anybody.
pub fn harmless(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // A control sequence (ECMA-48, 5.4): up to its final byte.
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                for next in characters.by_ref() {
                    if ('\u{40}'..='\u{7e}').contains(&next) {
                        break;
                    }
                }
            }
            '\t' => plain.push_str("    "),
            control if control.is_control() || reorders(control) => {}
            shown => plain.push(shown),
        }
    }
    plain
}

fn shortened(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_end_without_empty_lines() {
        assert_eq!(excerpt(b"one\n\ntwo\nthree\n", 2, 80), ["two", "three"]);
        assert_eq!(excerpt(b"a long line", 2, 6), ["a lon\u{2026}"]);
        assert!(excerpt(b"", 2, 80).is_empty());
    }

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(harmless("\u{1b}[31mred\u{1b}[0m\u{7}\r and\t\u{202e}plain"), "red and    plain");
    }
}
