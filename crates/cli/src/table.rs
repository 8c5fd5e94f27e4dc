//! Tables without lines: aligned columns, as ps and df print them.

use comfy_table::{Cell, ContentArrangement, Table, presets::NOTHING};

/// Every row has as many cells as the header; cells may be painted.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(Cell::new));
    for row in rows {
        table.add_row(row.iter().map(Cell::new));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<_> = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    lines.concat()
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
        let text = anstream::adapter::strip_str(&table(&["instance", "is"], &rows)).to_string();
        assert_eq!(text, "instance  is\nA         up\nBBB       down\n한글\n");
    }
}
