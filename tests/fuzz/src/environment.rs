//! The env file.

use std::fmt::Write as _;

use state::environment::parse;

pub fn check(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else { return };
    match parse(text) {
        Ok(variables) => {
            let mut written = String::new();
            for (name, value) in &variables {
                assert!(!name.is_empty() && !name.contains(['=', '\0']), "{name:?}");
                assert!(!value.contains(['\0', '\n']), "{value:?}");
                writeln!(written, "{name}=\"{value}\"").expect("memory takes it");
            }
            assert_eq!(parse(&written), Ok(variables));
        }
        Err((line, problem)) => {
            assert!((1..=text.lines().count()).contains(&line));
            // It is shown; what stands in the file is a secret.
            assert!(["not a NAME=value line", "a value cannot hold a NUL"].contains(&&*problem), "{problem}");
        }
    }
}
