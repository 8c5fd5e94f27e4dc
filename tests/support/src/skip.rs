//! A test that cannot run here says so and is over; with `CI` set, that is a failure.

use nix::unistd::geteuid;

/// Says why. Never true: `is_possible || support::skipped("…")`.
#[track_caller]
pub fn skipped(why: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "skipped: {why}");
    eprintln!("skipped: {why}");
    false
}

/// Whether the tests run as root.
#[track_caller]
pub fn is_root() -> bool {
    geteuid().is_root() || skipped("this takes root")
}
