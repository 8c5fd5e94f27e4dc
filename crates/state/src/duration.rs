//! Durations as people write them: `500ms`, `5s`, `15m`, `2h`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Reads a whole number with its unit.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration; write for example 500ms, 5s, 15m or 2h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    // A year is longer than anything here can mean, and short enough for every clock's arithmetic.
    let duration = number.checked_mul(milliseconds).filter(|ms| *ms <= 366 * 24 * 3_600_000);
    duration.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is longer than a year"))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// For people: `340 ms`, `1.2 s`, `12 s`, `3 min`, `5 h`, `9 days`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{} ms", duration.as_millis()),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{} min", (s / 60.0) as u64),
        s if s < 172_800.0 => format!("{} h", (s / 3_600.0) as u64),
        s => format!("{} days", (s / 86_400.0) as u64),
    }
}

/// What was written down as seconds, by whomever: nothing if it is less, and all that there is if it is more.
pub fn of_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// The way that it is written in flipside.toml.
pub fn as_written(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms > 0 && ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms > 0 && ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        for text in ["", "5", "s", "-5s", "5 s", "1.5s", "5d", "99999999999999999999h", "9999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_that_nothing_took() {
        assert_eq!(of_seconds(0.25), Duration::from_millis(250));
        assert_eq!(of_seconds(-1.0), Duration::ZERO);
        assert_eq!(of_seconds(f64::NAN), Duration::ZERO);
        assert_eq!(of_seconds(1e300), Duration::MAX);
    }

    #[test]
    fn written_as_read() {
        for text in ["500ms", "5s", "15m", "2h", "90s", "0s"] {
            assert_eq!(as_written(parse(text).unwrap()), text);
        }
    }
}
