//! The targets: each takes any bytes, gives them to a parser, and panics if what comes out breaks a promise.
//!
//! `tests/fuzz/run TARGET SECONDS` searches for such bytes; `cargo test -p fuzz` replays those in corpus/.

mod apps;
mod arguments;
mod configuration;
mod deployments;
mod environment;
mod header;
mod process;
mod records;
mod sockets;
mod switch;
mod words;

/// Takes any bytes; panics if a promise is broken.
pub type Check = fn(&[u8]);

/// Each has a folder in corpus/.
pub const TARGETS: [(&str, Check); 11] = [
    ("apps", apps::check),
    ("arguments", arguments::check),
    ("configuration", configuration::check),
    ("deployments", deployments::check),
    ("environment", environment::check),
    ("header", header::check),
    ("process", process::check),
    ("records", records::check),
    ("sockets", sockets::check),
    ("switch", switch::check),
    ("words", words::check),
];

pub fn target(name: &str) -> Option<Check> {
    TARGETS.into_iter().find(|(known, _)| *known == name).map(|(_, check)| check)
}

/// What a person may have typed.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The app in home/.
fn app() -> &'static state::App {
    static APP: std::sync::LazyLock<state::App> = std::sync::LazyLock::new(|| {
        let home = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/home"));
        state::App::open(Some(home)).expect("the home of the targets is a good one")
    });
    &APP
}
