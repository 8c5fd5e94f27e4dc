//! systemd's service managers: which one is ours, and whether it can keep an instance.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use state::command::{self, Ended};
use state::instance::Manager;
use state::linger::{let_linger, lingers, systemd_runs};
use state::user::User;
use state::{interrupt, log};

use crate::error::{Error, Result, system};

/// After a boot, or just after the user was let linger, their manager may still be starting.
const MANAGER_STARTS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
/// systemd answers at once, unless the machine is about to fall over.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Root's manager for a home of root, else the one of the home's user, which we are.
pub(crate) fn ours() -> Manager {
    if geteuid().is_root() { Manager::System } else { Manager::User }
}

/// An error if our manager cannot keep an instance for longer than who started it is logged in.
pub(crate) fn must_stay() -> Result<()> {
    if !systemd_runs() {
        return Err(Error::NoSystemd);
    }
    if ours() == Manager::System {
        return Ok(());
    }
    let uid = geteuid().as_raw();
    let user = User::this().ok_or_else(|| Error::NoManager {
        user: uid.to_string(),
        problem: "is not in /etc/passwd".to_owned(),
    })?;
    let problem = |problem: &str| Error::NoManager { user: user.name.clone(), problem: problem.to_owned() };
    if !let_linger(&user) {
        return Err(problem("ends with their last session"));
    }
    if reachable_soon() { Ok(()) } else { Err(problem("cannot be reached")) }
}

/// Whether our manager answers; one that is about to be started gets the time for it.
pub(crate) fn is_reachable() -> bool {
    let of_the_user = || is_there() || (User::this().is_some_and(|user| lingers(&user)) && reachable_soon());
    systemd_runs() && (ours() == Manager::System || of_the_user())
}

fn reachable_soon() -> bool {
    let deadline = Instant::now() + MANAGER_STARTS;
    while !is_there() && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    is_there()
}

fn is_there() -> bool {
    runtime_folder().join("systemd/private").exists()
}

/// By this variable a user's manager is found.
const RUNTIME_FOLDER: &str = "XDG_RUNTIME_DIR";

fn runtime_folder() -> PathBuf {
    Path::new("/run/user").join(geteuid().as_raw().to_string())
}

/// `systemctl` or `systemd-run`, for our manager. Who comes by cron, sudo or `runuser -l` has no variables that lead there,
/// or wrong ones.
pub(crate) fn tool(name: &str) -> Command {
    let mut tool = Command::new(name);
    if ours() == Manager::User {
        tool.arg("--user").env(RUNTIME_FOLDER, runtime_folder()).env_remove("DBUS_SESSION_BUS_ADDRESS");
    }
    tool.arg("--no-ask-password")
        .env("SYSTEMD_COLORS", "0")
        .env("SYSTEMD_PAGER", "")
        .env("LC_ALL", "C.UTF-8");
    tool
}

/// The same as words that may be put before those of a command, which then runs in its place and does not see by what
/// variable our manager was found.
pub(crate) fn typed(tool: &Command) -> Vec<String> {
    let words = [tool.get_program()].into_iter().chain(tool.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    if ours() == Manager::System {
        return words;
    }
    let set = ["env".to_owned(), format!("{RUNTIME_FOLDER}={}", runtime_folder().display())];
    let unset = ["env", "-u", RUNTIME_FOLDER].map(str::to_owned);
    [&set, words.as_slice(), &unset].concat()
}

/// Runs it to its end, also if a signal asks us to stop meanwhile: none of it takes long, and half of it is worse.
pub(crate) fn run(tool: &mut Command) -> Result<Ended> {
    let _whole = interrupt::postpone();
    let name = tool.get_program().display().to_string();
    command::captured(tool, TIMEOUT).map_err(system(format!("cannot run {name}")))
}

/// The same where failing is an error; `what` reads like "cannot start A".
pub(crate) fn must_run(tool: &mut Command, what: &str) -> Result<()> {
    must_answer(tool, what).map(drop)
}

/// The same for what it prints.
pub(crate) fn must_answer(tool: &mut Command, what: &str) -> Result<Vec<u8>> {
    let ended = run(tool)?;
    if ended.succeeded() {
        return Ok(ended.output);
    }
    let name = tool.get_program().display();
    let problem = format!("{what}: {name} {}", ended.in_words(TIMEOUT));
    Err(Error::Systemd { problem, output: log::excerpt(&ended.output, 5, 160) })
}
