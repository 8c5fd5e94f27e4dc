//! Sizes for people.

use serde::{Deserialize as _, Deserializer};

/// `512M`, `2G`: a whole number with K, M or G, in powers of two, as the kernel counts memory.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write a whole number with K, M or G, as 512M");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err(wrong()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|size| *size > 0).ok_or_else(wrong)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    parse(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

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
    use super::{in_words, parse};

    #[test]
    fn sizes_of_memory() {
        assert_eq!(parse("512M"), Ok(536_870_912));
        assert_eq!(parse("2G"), Ok(2_147_483_648));
        for text in ["", "M", "512", "0M", "-1M", "+1M", "1.5G", "512 M", "512MB", "99999999999G"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

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
