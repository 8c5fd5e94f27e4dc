//! Tables without lines: aligned columns, as ps and df print them.

use std::iter::{once, repeat_n};

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

const BETWEEN: usize = 2;

/// Every row has as many cells as the header; cells may be painted.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows = rows.iter().map(|row| row.iter().map(String::as_str).collect());
    let lines: Vec<Vec<_>> = once(header.to_vec()).chain(rows).collect();
    let widths: Vec<_> = (0..header.len())
        .map(|column| lines.iter().map(|line| width(line[column])).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        for (cell, column) in line.into_iter().zip(&widths) {
            text.push_str(cell);
            text.extend(repeat_n(' ', column + BETWEEN - width(cell)));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// On a terminal, where colours take no place and a Korean syllable takes two.
fn width(cell: &str) -> usize {
    strip_str(cell).map(UnicodeWidthStr::width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_also_when_they_are_painted() {
        use crate::output::{Tone, painted};
        let rows = [
            vec![painted(Tone::Strong, "A"), painted(Tone::Good, "up")],
            vec!["BBB".to_owned(), "down".to_owned()],
            vec!["한글".to_owned(), String::new()],
        ];
        let text = strip_str(&table(&["instance", "is"], &rows)).to_string();
        assert_eq!(text, "instance  is\nA         up\nBBB       down\n한글\n");
    }
}
