//! Who calls, and what is not taken over from them.

use std::env;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, geteuid, getuid, setrlimit, umask};
use state::user::User;
use state::{AbsolutePath, IoContext as _, interrupt};

use super::list::Entry;
use crate::error::Result;

/// Root itself, or a user for whom sudo runs the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Root,
    /// By number.
    User(u32),
}

impl Caller {
    /// From here on nothing counts that the caller has chosen for its processes.
    pub fn find() -> Result<Self> {
        if !getuid().is_root() || !geteuid().is_root() {
            return Err(refused("only root may do that: call it with sudo -n, or as root"));
        }
        forget_the_caller()?;
        if env::var_os("DOAS_USER").is_some() || env::var_os("PKEXEC_UID").is_some() {
            return Err(refused("called by something else than sudo, it cannot tell for whom"));
        }
        let Some(uid) = env::var_os("SUDO_UID") else { return Ok(Self::Root) };
        let uid = uid.to_str().and_then(|uid| uid.parse().ok());
        uid.map(Self::User).ok_or_else(|| refused("SUDO_UID is not the number of a user"))
    }

    /// Another list than root's own: for root itself alone.
    pub fn may_name_a_list(self, named: Option<&AbsolutePath>) -> Result<Option<&Path>> {
        match (named, self) {
            (Some(_), Self::User(_)) => Err(refused("--apps is for root itself, without sudo")),
            (named, _) => Ok(named.map(AbsolutePath::as_path)),
        }
    }

    /// An error if it is not this app's user.
    pub fn may_set(self, app: &Entry) -> Result<()> {
        let Self::User(uid) = self else { return Ok(()) };
        let caller = User::with(uid).map_or(uid.to_string(), |user| user.name);
        if caller == app.user {
            return Ok(());
        }
        Err(refused(&format!(
            "{caller} may not set the switch of {}, root's list names {}; root itself may (sudo -i)",
            app.name, app.user
        )))
    }
}

fn refused(why: &str) -> crate::Error {
    state::Error::Usage(why.to_owned()).into()
}

/// sudo gives the command a new environment and closes descriptors; the rest goes through it. A limit that cannot be
/// lifted makes the command fail where the switch is whole.
fn forget_the_caller() -> Result<()> {
    interrupt::be_deaf()?;
    umask(Mode::from_raw_mode(0o022));
    env::set_current_dir("/").on("cannot enter", Path::new("/"))?;
    for resource in [Resource::Fsize, Resource::Cpu, Resource::As, Resource::Data, Resource::Memlock] {
        let _ = setrlimit(resource, Rlimit { current: None, maximum: None });
    }
    // As many as nginx may need for the logs and sockets of all sites.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(65_536), maximum: Some(65_536) });
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    Ok(())
}
