use std::path::Path;
use std::process::Command;

use state::file;

use crate::install::Result;
use crate::install::tool::run;

/// Writes a file that a tool has found right: under another name first, where nobody but root and the tool looks.
pub fn write_checked(
    path: &Path,
    content: &str,
    mode: u32,
    checks: impl FnOnce(&Path) -> Command,
) -> Result<()> {
    let candidates = Path::new("/run/flipside-install");
    file::folder(candidates)?;
    let candidate = candidates.join(path.file_name().unwrap_or_default());
    file::replace(&candidate, content.as_bytes(), mode)?;
    let checked = run(&mut checks(&candidate), &format!("{} would not be valid", path.display()));
    // Of use to nobody; what the check says is what matters.
    let _ = file::remove(&candidate);
    let _ = std::fs::remove_dir(candidates);
    checked?;
    crate::install::item::write(path, content.as_bytes(), mode)
}
