//! A machine of its own for a test: a real systemd in a container over a copy of this root file system that forgets
//! what was written, with its own network, sshd, cron and nginx. It leaves nothing behind, also when the test fails.

mod agent;
mod control_group;
mod disk;
mod site;

use std::cell::RefCell;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::fcntl::Flock;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::command::{Ran, Running};
use crate::http::{self, Answer};
use crate::ports;
use crate::processes;
use crate::skip::skipped;
use crate::world;

pub use site::{SET_SWITCH, Site};

/// So many machines at the same time, of this process and others.
const SLOTS: u8 = 3;
/// How long a boot or a shutdown may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// What systemd-nspawn exits with when the machine asked for a reboot.
const REBOOT: i32 = 133;

/// Whether machines can be booted here; if not, the test says so and is over. In CI that is a failure.
pub fn is_possible() -> bool {
    let programs =
        ["systemd-nspawn", "ip", "nsenter", "ssh", "ssh-keygen", "sshd", "cron", "dbus-daemon", "sudo"];
    let missing = programs.iter().find(|program| !is_installed(program));
    let why = match missing {
        _ if !geteuid().is_root() => "it takes root".to_owned(),
        Some(program) => format!("there is no {program}"),
        None if !may_isolate() => "this root may not make namespaces or mount".to_owned(),
        None => return true,
    };
    skipped(&format!("no machine can be booted here ({why})"))
}

fn is_installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
}

fn may_isolate() -> bool {
    let tried = Command::new("unshare")
        .args([
            "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "mount", "-t", "tmpfs", "try", "/mnt",
        ])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// See the module.
pub struct Machine {
    number: u8,
    folder: PathBuf,
    power: RefCell<Option<Power>>,
    slot: PathBuf,
    _held: Flock<File>,
    /// Together with other tests, as long as nobody puts the full load on what they run on.
    _busy: Flock<File>,
}

/// A machine that is on.
struct Power {
    nspawn: Child,
    /// Its first process, as it is known outside.
    init: i32,
}

/// The machine itself.
impl Machine {
    /// A new machine, switched on.
    #[track_caller]
    pub fn boot() -> Self {
        let machine = Self::new();
        machine.power_on();
        machine
    }

    /// A new machine that is still off: its files can be arranged.
    #[track_caller]
    pub fn new() -> Self {
        let all = world::all_worlds();
        let busy = ports::share(&all.join(world::BUSY));
        let (number, slot, held) = free_slot(&all);
        let folder = slot.with_extension("");
        clean_up(number, &folder); // what a killed test left
        let machine = Self { number, folder, power: RefCell::default(), slot, _held: held, _busy: busy };
        disk::make(&machine.folder, &machine.name());
        machine
    }

    #[track_caller]
    pub fn power_on(&self) {
        let console = File::create(self.folder.join("console.log")).unwrap();
        let groups = control_group::make(&self.name());
        let mut nspawn = control_group::enter(&groups, "systemd-nspawn");
        nspawn
            .args([
                "--quiet",
                "--boot",
                "--register=no",
                "--keep-unit",
                "--console=pipe",
                "--link-journal=no",
            ])
            .args(["--private-network", "--network-veth"])
            .arg(format!("--machine={}", self.name()))
            .arg(format!("--directory={}", self.disk().display()))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console);
        let mut nspawn = nspawn.spawn().expect("systemd-nspawn is installed");
        let pid = nspawn.id().cast_signed();
        let mut init = None;
        processes::eventually(PATIENCE, "the machine has a first process", || {
            let ended = nspawn.try_wait().unwrap();
            assert!(ended.is_none(), "systemd-nspawn: {}", self.console());
            init = first_process_under(pid);
            init.is_some()
        });
        self.power.replace(Some(Power { nspawn, init: init.unwrap() }));
        self.connect_network();
        self.eventually(
            PATIENCE,
            "the machine is up",
            "systemctl is-system-running --wait | grep -v offline",
        );
    }

    /// Switches it off as `systemctl reboot` does, and on again.
    #[track_caller]
    pub fn reboot(&self) {
        self.run("systemctl reboot").succeeds();
        assert_eq!(self.wait_until_off(), Some(REBOOT), "the machine wants to be switched on again");
        self.power_on();
    }

    /// All of its processes are gone at once; its disk is as they left it.
    #[track_caller]
    pub fn power_cut(&self) {
        processes::signal(self.init(), Signal::SIGKILL);
        self.wait_until_off();
    }

    #[track_caller]
    fn wait_until_off(&self) -> Option<i32> {
        let mut status = None;
        processes::eventually(PATIENCE, "the machine is off", || {
            status = self.power.borrow_mut().as_mut().expect("it was on").nspawn.try_wait().unwrap();
            status.is_some()
        });
        self.power.take();
        processes::eventually(PATIENCE, "its network is gone", || !self.has_network());
        status.and_then(|status| status.code().or(status.signal().map(|signal| 128 + signal)))
    }

    /// What names it, and what is its own on this machine.
    fn name(&self) -> String {
        format!("flipside-{}", self.number)
    }

    /// Where it is reached.
    pub fn address(&self) -> String {
        format!("10.77.{}.2", self.number)
    }

    fn init(&self) -> i32 {
        self.power.borrow().as_ref().expect("the machine is on").init
    }

    fn connect_network(&self) {
        let (link, number) = (format!("ve-{}", self.name()), self.number);
        let here = format!("ip address add 10.77.{number}.1/30 dev {link} && ip link set {link} up");
        let there = format!("ip address add 10.77.{number}.2/30 dev host0 && ip link set host0 up");
        let there = format!("nsenter --target {} --net sh -c '{there}'", self.init());
        for text in [here, there] {
            let mut sh = Command::new("sh");
            sh.args(["-c", &text]);
            Running::start("ip", sh).wait().succeeds();
        }
    }

    fn has_network(&self) -> bool {
        Path::new("/sys/class/net").join(format!("ve-{}", self.name())).exists()
    }
}

/// What runs on it.
impl Machine {
    /// Runs a text of the shell as root, without a terminal and outside of any session: nothing but the machine's end
    /// ends what it leaves behind.
    #[track_caller]
    pub fn run(&self, text: &str) -> Ran {
        self.run_as("root", text)
    }

    /// The same as an ordinary user, in the user's home.
    #[track_caller]
    pub fn run_as(&self, user: &str, text: &str) -> Ran {
        self.start_as(user, text).wait()
    }

    /// Runs a text as root that a test knows by another line.
    #[track_caller]
    fn run_named(&self, line: &str, text: &str) -> Ran {
        Running::start(&first_word_without_folder(line), self.command_as("root", text)).wait()
    }

    #[track_caller]
    pub fn start_as(&self, user: &str, text: &str) -> Running {
        Running::start(&first_word_without_folder(text), self.command_as(user, text))
    }

    fn command_as(&self, user: &str, text: &str) -> Command {
        let groups = control_group::visitors(&self.name());
        let mut command = control_group::enter(&groups, "nsenter");
        // A shell waits outside: nsenter(1) itself would stop for good when a shutdown stops all processes for a moment.
        command.args(["--no-fork", "--all", "--target", &self.init().to_string(), "--"]);
        command.args(["sh", "-c", "\"$@\"; exit", "sh"]);
        command.args(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--reset-env", "--"]);
        command.args(["sh", "-c", &format!("cd; {text}")]);
        command
    }

    /// Runs it over ssh, in a session of its own that ends with it.
    #[track_caller]
    pub fn ssh(&self, user: &str, text: &str) -> Ran {
        self.start_ssh(user, text).wait()
    }

    #[track_caller]
    pub fn start_ssh(&self, user: &str, text: &str) -> Running {
        let mut ssh = self.ssh_command(user);
        ssh.arg(text);
        Running::start(&first_word_without_folder(text), ssh)
    }

    /// The same as a person who has a terminal.
    #[track_caller]
    pub fn start_ssh_in_terminal(&self, user: &str, text: &str) -> Running {
        let mut ssh = self.ssh_command(user);
        ssh.args(["-tt", text]);
        Running::start_in_terminal(&first_word_without_folder(text), &ssh)
    }

    fn ssh_command(&self, user: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
            .arg("-i")
            .arg(disk::key(&self.folder))
            .args(["-l", user, &self.address()]);
        ssh
    }

    /// Polls until this text of the shell, run by root, exits with 0.
    #[track_caller]
    pub fn eventually(&self, within: Duration, what: &str, text: &str) {
        let mut last = None;
        let holds = processes::eventually_is(within, || {
            let ran = self.run(text);
            let holds = ran.status() == 0;
            last = Some(ran);
            holds
        });
        assert!(holds, "not within {within:?}: {what}: {}", last.unwrap());
    }

    /// The processes of the machine whose command lines hold this, as they are known outside.
    pub fn processes(&self, wanted: &str) -> Vec<i32> {
        let all = control_group::processes(&self.name()).into_iter();
        all.filter(|pid| processes::command_line(*pid).contains(wanted)).collect()
    }
}

/// What is on its disk.
impl Machine {
    /// Where its root is seen from outside. What it mounts itself (/tmp, /run) is not there.
    fn disk(&self) -> PathBuf {
        self.folder.join("root")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.disk().join(path.trim_start_matches('/'))
    }

    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Writes a file of root's that all may read.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    #[track_caller]
    pub fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// An ordinary user with a home, who may come in by ssh.
    #[track_caller]
    pub fn user(&self, name: &str) -> &Self {
        let mut useradd = Command::new("chroot");
        useradd.arg(self.disk()).args([
            "useradd",
            "--create-home",
            "--user-group",
            "--shell",
            "/bin/bash",
            name,
        ]);
        Running::start("useradd", useradd).wait().succeeds();
        let ids = self.ids_of(name);
        let ssh = format!("/home/{name}/.ssh");
        let public = fs::read_to_string(disk::key(&self.folder).with_extension("pub")).unwrap();
        self.write(&format!("{ssh}/authorized_keys"), &public);
        for path in [ssh.clone(), format!("{ssh}/authorized_keys")] {
            chown(self.path(&path), Some(ids.0), Some(ids.1)).unwrap();
        }
        self.set_mode(&ssh, 0o700);
        self
    }

    fn ids_of(&self, name: &str) -> (u32, u32) {
        let users = self.read("/etc/passwd");
        let line = users.lines().find(|line| line.split(':').next() == Some(name));
        let fields: Vec<&str> = line.unwrap_or_else(|| panic!("{name} is no user")).split(':').collect();
        (fields[2].parse().unwrap(), fields[3].parse().unwrap())
    }
}

/// Its users, and what they meet.
impl Machine {
    /// What somebody outside gets from a port of the machine.
    pub fn get(&self, port: u16, path: &str) -> std::io::Result<Answer> {
        http::get_from(&self.address(), port, &self.address(), path)
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.console());
        }
        if let Some(mut power) = self.power.take() {
            if std::thread::panicking() {
                eprintln!("{}", last_words(power.init));
            }
            processes::signal(power.init, Signal::SIGKILL);
            if !processes::eventually_is(PATIENCE, || {
                power.nspawn.try_wait().is_ok_and(|ended| ended.is_some())
            }) {
                let _ = power.nspawn.kill();
                let _ = power.nspawn.wait();
            }
        }
        let left = clean_up(self.number, &self.folder);
        let _ = fs::remove_file(&self.slot);
        assert!(left.is_empty() || std::thread::panicking(), "the machine leaves behind: {left:?}");
    }
}

impl Machine {
    fn console(&self) -> String {
        format!("console: {}", fs::read_to_string(self.folder.join("console.log")).unwrap_or_default())
    }
}

/// The last lines of the journal and of the apps' logs, for the reader of a failed test.
fn last_words(init: i32) -> String {
    let text = "journalctl --no-pager --lines=60; tail -n 15 /home/*/.*/logs/*.log";
    let mut command = Command::new("nsenter");
    command.args(["--all", "--target", &init.to_string(), "--", "sh", "-c", text]).stdin(Stdio::null());
    command
        .output()
        .map_or_else(|error| error.to_string(), |it| String::from_utf8_lossy(&it.stdout).into_owned())
}

/// A number that no other machine has, and its lock. It waits for one.
fn free_slot(all: &Path) -> (u8, PathBuf, Flock<File>) {
    loop {
        for number in 1..=SLOTS {
            let lock = all.join(format!("machine-{number}.lock"));
            if let Some(held) = ports::hold(&lock) {
                return (number, lock, held);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends all that there is of a machine, and removes it; what could not be.
fn clean_up(number: u8, folder: &Path) -> Vec<String> {
    let name = format!("flipside-{number}");
    processes::end(|| control_group::processes(&name));
    // systemd-nspawn removes it itself unless it is killed.
    let _ = fs::remove_dir_all(Path::new("/run/systemd/nspawn/propagate").join(&name));
    let mut left = control_group::remove(&name);
    left.extend(disk::remove(folder).err());
    let link = Path::new("/sys/class/net").join(format!("ve-{name}"));
    if !processes::eventually_is(world::SOON, || !link.exists()) {
        left.push(link.display().to_string());
    }
    left
}

/// The process under that of systemd-nspawn which is the first one of a machine, and has begun to boot it.
fn first_process_under(nspawn: i32) -> Option<i32> {
    let is_first = |pid: &i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        numbers.is_some_and(|numbers| numbers.split_whitespace().collect::<Vec<_>>()[1..] == ["1"])
    };
    let mut children = processes::all().into_iter().filter(|pid| processes::parent(*pid) == Some(nspawn));
    let boots =
        |pid: i32| processes::command_line(pid).split(' ').next().is_some_and(|it| it.ends_with("/systemd"));
    children.find(|pid| is_first(pid) && boots(*pid))
}

/// As a test's sentences want a command: its name, and the rest.
fn first_word_without_folder(text: &str) -> String {
    let (command, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    format!("{}{rest}", command.rsplit('/').next().unwrap_or(command))
}
