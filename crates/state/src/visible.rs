//! A log of somebody else's on a terminal: what would move the cursor, change the terminal or fake a line is made
//! visible instead; colours are left.

use std::io::{self, Write};
use std::str;

/// Passes on what is written to it, as it may be shown on a terminal.
pub struct Visible<W> {
    out: W,
    /// The beginning of what cannot be told yet.
    pending: Vec<u8>,
    coloured: bool,
}

/// No sequence for a colour is longer.
const LONGEST: usize = 32;

impl<W: Write> Visible<W> {
    pub fn new(out: W) -> Self {
        Self { out, pending: Vec::new(), coloured: false }
    }

    /// Shows what is left, and ends the last colour.
    pub fn finish(mut self) -> io::Result<()> {
        let mut shown = Vec::new();
        for byte in &self.pending {
            show_byte(*byte, &mut shown);
        }
        if self.coloured {
            shown.extend(b"\x1b[0m");
        }
        self.out.write_all(&shown)?;
        self.out.flush()
    }

    /// Shows the first thing in `rest`; how many bytes it has, or none if its end is still to come.
    fn show_first(&mut self, rest: &[u8], shown: &mut Vec<u8>) -> Option<usize> {
        match rest[0] {
            b'\r' if rest.len() == 1 => None,
            // The end of a line, as some write it.
            b'\r' if rest[1] == b'\n' => Some(1),
            0x1b => match colour(rest) {
                Some(Colour::Unfinished) => None,
                Some(Colour::Whole(length)) => {
                    self.coloured = !matches!(&rest[2..length - 1], b"" | b"0");
                    shown.extend(&rest[..length]);
                    Some(length)
                }
                None => Some(show_byte(rest[0], shown)),
            },
            ..0x80 => Some(show_byte(rest[0], shown)),
            _ => {
                let (character, length) = first_character(&rest[..rest.len().min(4)])?;
                match character {
                    character if character.is_control() || reorders(character) => {
                        shown.extend(format!("<U+{:04X}>", u32::from(character)).bytes());
                    }
                    character => shown.extend(character.encode_utf8(&mut [0; 4]).bytes()),
                }
                Some(length)
            }
        }
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.pending);
        all.extend(text);
        let mut shown = Vec::with_capacity(all.len());
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let plain = rest.iter().take_while(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')).count();
            shown.extend(&rest[..plain]);
            rest = &rest[plain..];
            if rest.is_empty() {
                break;
            }
            match self.show_first(rest, &mut shown) {
                Some(length) => rest = &rest[length..],
                None => break,
            }
        }
        self.pending = rest.to_vec();
        self.out.write_all(&shown)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

enum Colour {
    Whole(usize),
    Unfinished,
}

/// SGR (ECMA-48, 8.3.117), the one control sequence that only paints.
fn colour(text: &[u8]) -> Option<Colour> {
    let Some(after) = text.get(1..).filter(|after| !after.is_empty()) else {
        return Some(Colour::Unfinished);
    };
    let parameters = after.strip_prefix(b"[")?;
    let length = parameters.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    match parameters.get(length) {
        _ if length > LONGEST => None,
        None => Some(Colour::Unfinished),
        Some(b'm') => Some(Colour::Whole(length + 3)),
        Some(_) => None,
    }
}

/// The first character and its length, an invalid byte as the replacement character; none if more must come.
fn first_character(text: &[u8]) -> Option<(char, usize)> {
    let valid = match str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) if error.valid_up_to() > 0 => str::from_utf8(&text[..error.valid_up_to()]).ok()?,
        Err(error) => return error.error_len().map(|length| (char::REPLACEMENT_CHARACTER, length)),
    };
    valid.chars().next().map(|character| (character, character.len_utf8()))
}

/// As `cat -v` shows it; one byte.
fn show_byte(byte: u8, shown: &mut Vec<u8>) -> usize {
    match byte {
        0x7f => shown.extend(b"^?"),
        ..0x20 => shown.extend([b'^', byte + b'@']),
        b' '..0x7f => shown.push(byte),
        _ => shown.extend(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]).bytes()),
    }
    1
}

/// Characters that change the order in which others are shown, or begin a line: text is not what it seems.
pub(crate) fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parts: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut visible = Visible::new(&mut out);
        for part in parts {
            visible.write_all(part).unwrap();
        }
        visible.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_moves_the_cursor_or_fakes_a_line_is_visible() {
        let cases: [(&[u8], &str); 11] = [
            (b"plain\ttext\r\n", "plain\ttext\n"),
            (b"\x1b[2J\x1b[1;1H", "^[[2J^[[1;1H"),
            (b"\x1b]0;title\x07", "^[]0;title^G"),
            (b"\x1b]52;c;aGk=\x1b\\", "^[]52;c;aGk=^[\\"),
            (b"error\rok   \n", "error^Mok   \n"),
            (b"a\x08b\x7f\x00", "a^Hb^?^@"),
            ("\u{9b}2J \u{202e}".as_bytes(), "<U+009B>2J <U+202E>"),
            ("\u{cc28} \u{1f375}".as_bytes(), "\u{cc28} \u{1f375}"),
            (b"\xff\xfe|", "\u{fffd}\u{fffd}|"),
            (b"\x1b[31mred\x1b[0m \x1b[38;2;1;2;3mx", "\x1b[31mred\x1b[0m \x1b[38;2;1;2;3mx\x1b[0m"),
            (b"\x1b[31", "^[[31"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(&[text]), expected);
            let bytes: Vec<_> = text.chunks(1).collect();
            assert_eq!(shown(&bytes), expected, "byte by byte");
        }
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        let mut visible = Visible::new(Vec::new());
        visible.write_all(b"\x1b[").unwrap();
        for _ in 0..1000 {
            visible.write_all(&[b'1'; 1000]).unwrap();
            assert!(visible.pending.len() <= 1002);
        }
        assert_eq!(visible.out.len(), 3 + 1_000_000);
    }
}
