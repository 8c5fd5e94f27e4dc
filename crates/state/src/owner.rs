//! Whose a home is. Root becomes that user at once and for good, before anything in the home is believed: so nothing that
//! a user of the home controls is ever run, written or read with root's rights.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::{Access, access};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::error::{Error, IoContext as _, Result};
use crate::user::User;
use crate::{Config, Home, linger};

/// Returns if we are not root, or the home is root's own. Else this command starts anew as the home's owner.
pub(crate) fn become_owner(home: &Home) -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let uid = owner(home)?;
    if uid == 0 {
        return must_be_roots_alone(home);
    }
    let user = User::with(uid).ok_or_else(|| {
        Error::Usage(format!(
            "{} belongs to the uid {uid}, which is not in /etc/passwd; run this as that user",
            home.path().display()
        ))
    })?;
    // Only root may do this for another user everywhere.
    if linger::systemd_runs() {
        linger::let_linger(&user);
    }
    let what = format!("cannot become {}, whose {} is", user.name, home.path().display());
    Err(Error::Io { what, cause: step_down(&user).err().unwrap_or_else(|| run_again(home, &user)) })
}

/// `user` of the configuration, checked.
pub(crate) fn must_be(home: &Home, config: &Config) -> Result<()> {
    let Some(wanted) = &config.user else { return Ok(()) };
    let uid = owner(home)?;
    let owner = User::with(uid).map_or_else(|| format!("the uid {uid}"), |user| user.name);
    if owner == *wanted {
        return Ok(());
    }
    let path = home.path().display();
    let problem =
        format!("user is {wanted}, but {path} belongs to {owner}; run chown -R {wanted}: {path} as root");
    Err(Error::Configuration { file: home.configuration(), line: None, problem })
}

fn owner(home: &Home) -> Result<u32> {
    Ok(fs::metadata(home.path()).on("cannot look at", home.path())?.uid())
}

/// Whoever else can write there could make root run anything.
fn must_be_roots_alone(home: &Home) -> Result<()> {
    for path in [home.path().to_owned(), home.configuration()] {
        let metadata = fs::metadata(&path).on("cannot look at", &path)?;
        let by_group = metadata.mode() & 0o020 != 0 && metadata.gid() != 0;
        if metadata.uid() != 0 || by_group || metadata.mode() & 0o002 != 0 {
            let path = path.display();
            return Err(Error::Usage(format!(
                "others than root can write {path}, in a home of root; run chown root:root {path} and chmod go-w {path}, or give the whole home to its user"
            )));
        }
    }
    Ok(())
}

fn step_down(user: &User) -> io::Result<()> {
    let gid = Gid::from_raw(user.gid);
    let uid = Uid::from_raw(user.uid);
    let groups: Vec<_> = user.groups().into_iter().map(Gid::from_raw).collect();
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// With the owner's environment, so that all that is run from here on has it. Why it could not be done, if it returns.
fn run_again(home: &Home, user: &User) -> io::Error {
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    again
        .arg0(arguments.next().unwrap_or_default())
        .args(arguments)
        .env("FLIPSIDE_HOME", home.path())
        .env("HOME", &user.home)
        .env("USER", &user.name)
        .env("LOGNAME", &user.name)
        .env("SHELL", &user.shell);
    for roots in ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MAIL"]
    {
        again.env_remove(roots);
    }
    // Root may stand where its owner may not.
    if access(".", Access::EXEC_OK).is_err() {
        again.current_dir(home.path());
    }
    again.exec()
}
