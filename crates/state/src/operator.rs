//! Who runs a command, for those who read later what was done.

use std::env;
use std::fs;

use crate::Pid;
use crate::process::parent_of;
use crate::user::User;

/// The user, whom they were before sudo, and by what way they came: `potados from 192.0.2.7`, `root by SSM`.
pub fn operator() -> String {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let uid = rustix::process::getuid().as_raw();
    let user =
        User::with(uid).map(|user| user.name).or_else(|| variable("USER")).unwrap_or_else(|| uid.to_string());
    let person = variable("SUDO_USER").map_or(user.clone(), |before| format!("{before} as {user}"));
    let ssh = || {
        let connection = variable("SSH_CONNECTION")?;
        Some(format!("from {}", connection.split(' ').next().unwrap_or("ssh")))
    };
    let by = || agent(ancestors()).map(|agent| format!("by {agent}"));
    match by().or_else(ssh) {
        Some(way) => format!("{person} {way}"),
        None => person,
    }
}

/// Which of those that run commands without a person at the keyboard is among the ancestors.
fn agent(mut ancestors: impl Iterator<Item = String>) -> Option<&'static str> {
    ancestors.find_map(|name| match name.as_str() {
        "cron" | "crond" | "CRON" => Some("cron"),
        // `amazon-ssm-agent` and `ssm-document-worker`, of which the kernel keeps 15 bytes.
        name if name.starts_with("amazon-ssm-") || name.starts_with("ssm-") => Some("SSM"),
        _ => None,
    })
}

/// The names of our parent, its parent and so on (`comm` in proc_pid_comm(5)).
fn ancestors() -> impl Iterator<Item = String> {
    let first = rustix::process::getppid().map(|pid| Pid(pid.as_raw_pid()));
    std::iter::successors(first, |pid| parent_of(*pid)).take_while(|pid| pid.0 > 1).filter_map(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_its_process() {
        let among = |names: &[&str]| agent(names.iter().map(ToString::to_string));
        assert_eq!(among(&["sh", "runuser", "sh", "ssm-document-wo", "ssm-agent-worke"]), Some("SSM"));
        assert_eq!(among(&["sh", "cron", "cron"]), Some("cron"));
        assert_eq!(among(&["bash", "sshd", "sshd"]), None);
    }

    #[test]
    fn our_ancestors_have_names() {
        assert!(ancestors().next().is_some());
    }
}
