//! Sizes for people.

/// `812 B`, `45 kB`, `3.1 MB`, `179 MB`, `1.2 GB`: powers of ten, as disks are sold.
pub fn in_words(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1_000.0;
    let mut unit = units[0];
    for next in &units[1..] {
        if size < 999.5 {
            break;
        }
        size /= 1_000.0;
        unit = next;
    }
    if size < 9.95 { format!("{size:.1} {unit}") } else { format!("{size:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn sizes() {
        let cases = [
            (0, "0 B"),
            (812, "812 B"),
            (3_100, "3.1 kB"),
            (45_000_000, "45 MB"),
            (999_900, "1.0 MB"),
            (1_200_000_000, "1.2 GB"),
        ];
        for (bytes, words) in cases {
            assert_eq!(in_words(bytes), words);
        }
    }
}
