//! What is remembered of builds, whose processes may run on after the command that began them was killed: a hint.

use crate::error::Result;
use crate::{Home, file};

/// All that counts. That it is missing, or cut off, tells nothing: `run/` may be lost while a build runs.
const NONE_RUNS: &[u8] = b"{\"runs\":false}\n";

/// Before something is started that carries the mark of builds and writes into the home.
pub fn announce(home: &Home) -> Result<()> {
    file::remove_if_there(&home.no_build())
}

/// Whether something of a build may run.
pub fn may_run(home: &Home) -> bool {
    !file::read(&home.no_build()).is_ok_and(|text| text == NONE_RUNS)
}

/// After all that runs was looked at, and nothing of a build is left.
pub fn conclude(home: &Home) {
    // A full disk has no room for that; then all that runs is looked at the next time, too.
    let _ = file::replace_hint(&home.no_build(), NONE_RUNS);
}
