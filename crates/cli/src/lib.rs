//! The outside of every command: arguments, errors, progress, tables, JSON. No domain knowledge.

mod ask;
mod command;
mod globals;
mod output;
mod spinner;
mod story;
mod table;

pub use ask::{ask, confirm, has_person};
pub use command::{command, error_line, name};
pub use globals::{Changing, Force, Globals, Json, Wait};
pub use output::{
    Tone, answer, answer_json, answer_lines, answer_text, note, painted, query, quoted, quoted_lines, remark,
};
pub use spinner::Step;
pub use story::{StepFailed, Story};
pub use table::table;

/// musl's own gives back to the kernel whatever is freed, small as it is: in a command of some milliseconds, that is an
/// eighth of the time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
