//! Whether systemd runs this machine, and keeps a user's service manager after their last session (loginctl(1)).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::user::User;
use crate::{command, interrupt};

const TIMEOUT: Duration = Duration::from_secs(20);

/// As sd_booted(3) finds it out.
pub fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

pub fn lingers(user: &User) -> bool {
    Path::new("/var/lib/systemd/linger").join(&user.name).exists()
}

/// Lets the user linger, if we may: root always may, and most machines allow it to the user. Whether they linger now.
pub fn let_linger(user: &User) -> bool {
    if lingers(user) {
        return true;
    }
    let _whole = interrupt::postpone();
    let mut loginctl = Command::new("loginctl");
    loginctl.args(["--no-ask-password", "enable-linger", "--", &user.name]);
    command::captured(&mut loginctl, TIMEOUT).is_ok_and(|ended| ended.succeeded()) && lingers(user)
}
