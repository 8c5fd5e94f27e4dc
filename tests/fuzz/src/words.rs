//! What an app, git or nginx printed, before it is shown on a terminal.

use state::log::{excerpt, harmless};

pub fn check(bytes: &[u8]) {
    let lines = excerpt(bytes, 5, 40);
    assert!(lines.len() <= 5);
    for line in &lines {
        assert!(line.chars().count() <= 40, "{line:?}");
        is_harmless(line);
    }
    if let Some(text) = crate::text(bytes) {
        let plain = harmless(text);
        is_harmless(&plain);
        assert_eq!(harmless(&plain), plain);
    }
}

fn is_harmless(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}
