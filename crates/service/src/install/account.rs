//! Whom the app belongs to.

use std::path::PathBuf;

use rustix::process::{Gid, Uid, getegid, geteuid, getgroups};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::tool::{ask, tool};
use super::{Error, Result};

/// A user of this machine, as the system's databases tell of it.
#[derive(Clone, Debug)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    gid: u32,
    groups: Vec<u32>,
    /// The name of the first group.
    pub group: String,
    pub folder: PathBuf,
    pub shell: String,
}

impl Account {
    /// By name or number.
    pub fn of(user: &str) -> Result<Self> {
        let unknown = || {
            Error::Usage(format!(
                "there is no user `{user}` on this machine; make one: useradd --create-home {user}"
            ))
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
            return Err(unknown());
        }
        let line = ask("getent", &["passwd", user]).ok_or_else(unknown)?;
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, uid, gid, _, folder, shell] = fields[..] else { return Err(unknown()) };
        let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { return Err(unknown()) };
        let groups = ask("id", &["-G", name]).ok_or_else(unknown)?;
        let group = ask("id", &["-gn", name]).ok_or_else(unknown)?;
        Ok(Self {
            name: name.to_owned(),
            uid,
            gid,
            groups: groups.split(' ').filter_map(|group| group.parse().ok()).collect(),
            group,
            folder: PathBuf::from(folder),
            shell: shell.to_owned(),
        })
    }

    /// Who runs this.
    pub fn mine() -> Result<Self> {
        Self::of(&geteuid().as_raw().to_string())
    }

    pub fn is_mine(&self) -> bool {
        geteuid().as_raw() == self.uid
    }

    /// Does it with the rights of this user and no others: in a folder that a user controls, root is led astray by the
    /// first symlink. Nothing is started in it: a child would have a way back to being root.
    pub fn with_its_rights<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if !geteuid().is_root() {
            return work();
        }
        let _back = self.become_it()?;
        work()
    }

    fn become_it(&self) -> Result<Back> {
        let back = Back { groups: getgroups().map_err(|error| self.refused(error))?, group: getegid() };
        let groups: Vec<_> = self.groups.iter().map(|group| Gid::from_raw(*group)).collect();
        let (user, group) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_groups(&groups)
            .and_then(|()| set_thread_res_gid(None, group, None))
            .and_then(|()| set_thread_res_uid(None, user, None))
            .map_err(|error| self.refused(error))?;
        Ok(back)
    }

    fn refused(&self, error: rustix::io::Errno) -> Error {
        let what = format!("cannot become {}", self.name);
        Error::State(state::Error::Io { what, cause: error.into() })
    }

    /// A command that is nothing but this user's: without root's terminal, environment and standard input.
    pub fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = if geteuid().is_root() {
            let (user, group) = (format!("--reuid={}", self.uid), format!("--regid={}", self.gid));
            // In a session of its own, since who shares root's terminal can type there.
            let mut command = tool("setsid", &["--wait", "setpriv", &user, &group, "--init-groups", "--"]);
            command.args(words).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
            command
        } else {
            let mut command = std::process::Command::new(words[0]);
            command.args(&words[1..]);
            command
        };
        command.env("HOME", &self.folder).env("USER", &self.name).env("LOGNAME", &self.name);
        command.env("SHELL", &self.shell).current_dir("/").stdin(std::process::Stdio::null());
        command
    }
}

/// On its way out, the thread is root again.
struct Back {
    groups: Vec<Gid>,
    group: Gid,
}

impl Drop for Back {
    fn drop(&mut self) {
        let back = set_thread_res_uid(None, Uid::ROOT, None)
            .and_then(|()| set_thread_res_gid(None, self.group, None))
            .and_then(|()| set_thread_groups(&self.groups));
        // What comes next is meant for root; with other rights nobody knows what it would do.
        back.expect("who was root may be it again");
    }
}
