/// How a command ends; the same for every command, and on every man page (DESIGN.md, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; yes; healthy.
    Success = 0,
    /// The question has no answer, or the action failed and the service is as it was.
    No = 1,
    /// Bad usage or configuration; nothing was done.
    Usage = 2,
    /// It would interrupt the service or needs a person; the message names the flag.
    Refused = 3,
    /// Another command holds the lock.
    Busy = 4,
    /// It failed after the switch, and the service was put back on the old instance.
    PutBack = 5,
    /// The service is down or its state is in doubt: a person is needed.
    Down = 6,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as Self
    }
}
