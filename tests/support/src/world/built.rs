//! What a world runs: the commands and the demo app, as they were built.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static BUILT: OnceLock<PathBuf> = OnceLock::new();
static COMMANDS: OnceLock<PathBuf> = OnceLock::new();

/// The commands and the demo app are in the folder of this command: a test says
/// `support::commands_beside(env!("CARGO_BIN_EXE_deploy"))`.
pub fn commands_beside(command: &str) {
    BUILT.get_or_init(|| Path::new(command).parent().expect("a command is in a folder").to_owned());
}

/// The commands are elsewhere, as in a package; the demo app is not.
pub fn commands_in(folder: &Path) {
    COMMANDS.get_or_init(|| folder.to_owned());
}

/// As told, otherwise where cargo puts what it builds beside a test's executable.
fn built() -> PathBuf {
    BUILT.get().cloned().unwrap_or_else(|| {
        let test = std::env::current_exe().expect("the test's own path");
        test.ancestors().nth(2).expect("a test is in deps/ beside the commands").to_owned()
    })
}

pub(crate) fn commands() -> PathBuf {
    COMMANDS.get().cloned().unwrap_or_else(built)
}

pub fn demo_app() -> PathBuf {
    let path = built().join("demo-app");
    assert!(path.exists(), "{} is missing: cargo build --workspace --bins (or tests/run)", path.display());
    path
}
