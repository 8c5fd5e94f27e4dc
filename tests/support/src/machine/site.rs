//! An app on a machine: its user, repository and home, and what install(1) makes for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Machine;
use crate::command::{Ran, Running};
use crate::http::{self, Answer};
use crate::load::{Load, is_release};
use crate::world::{self, Loaded};

/// Where root has its command.
pub const SET_SWITCH: &str = "/usr/local/libexec/flipside/set-switch";

/// See the module.
pub struct Site<'a> {
    machine: &'a Machine,
    pub user: String,
    pub name: String,
    first_port: u16,
}

impl Machine {
    /// The app of a user, installed and not yet deployed. Each app of a machine has ports of its own, from this one: for the
    /// check server, A and B.
    #[track_caller]
    pub fn site(&self, user: &str, name: &str, first_port: u16) -> Site<'_> {
        let site = Site { machine: self, user: user.to_owned(), name: name.to_owned(), first_port };
        if !self.exists("/opt/flipside") {
            self.unpack();
        }
        let home = site.home();
        self.write(&site.path("flipside.toml"), &site.config());
        self.run(&format!("chown -R {user}: {home}")).succeeds();
        let words = format!("--force --no-deploy --user {user} --home {home} --domain {}", site.domain());
        self.run(&format!("/opt/flipside/bin/install {words}")).succeeds();
        site
    }

    /// flipside as somebody unpacks it, and the demo app; where its commands are.
    #[track_caller]
    pub fn unpack(&self) -> &'static str {
        self.program(&world::demo_app(), "/usr/local/bin/demo-app");
        for command in commands() {
            let name = command.file_name().unwrap().to_string_lossy().into_owned();
            self.program(&command, &format!("/opt/flipside/bin/{name}"));
        }
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man");
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(pages).arg(self.path("/opt/flipside/man"));
        Running::start("cp", copy).wait().succeeds();
        "/opt/flipside/bin"
    }

    /// Puts a program there, without what only a debugger reads.
    fn program(&self, program: &Path, path: &str) {
        let target = self.path(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(stripped(program), target).unwrap();
    }
}

impl Site<'_> {
    pub fn home(&self) -> String {
        format!("/home/{}/.{}", self.user, self.name)
    }

    /// A file of the home.
    pub fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.home())
    }

    fn domain(&self) -> String {
        format!("{}.test", self.name)
    }

    pub fn port(&self, instance: &str) -> u16 {
        match instance {
            "A" => self.first_port + 1,
            "B" => self.first_port + 2,
            _ => panic!("{instance} is no instance"),
        }
    }

    fn config(&self) -> String {
        let Self { name, user, .. } = self;
        let (a, b, check) = (self.port("A"), self.port("B"), self.first_port);
        format!(
            r#"name = "{name}"

[instance.A]
port = {a}
[instance.B]
port = {b}

[source]
git = "/home/{user}/{name}"
revision = "tag:v*"

[run]
command = "exec /usr/local/bin/demo-app"
stop_timeout = "5s"

[health]
path = "/health"
start_timeout = "15s"

[nginx]
check = "http://127.0.0.1:{check}"
drain_timeout = "5s"

[deploy]
observe = "200ms"
"#
        )
    }

    pub fn switch(&self) -> String {
        format!("/etc/nginx/flipside/{}.conf", self.name)
    }

    /// Changes flipside.toml, given as TOML.
    #[track_caller]
    pub fn set(&self, key: &str, value: &str) {
        let path = self.path("flipside.toml");
        self.machine.write(&path, &world::changed(&self.machine.read(&path), key, value));
    }

    /// One more release: a commit with this tag, and with these switches of the demo app.
    #[track_caller]
    pub fn release(&self, name: &str, switches: &[(&str, &str)]) {
        let lines: Vec<_> = switches.iter().map(|(switch, value)| format!("\n{switch}={value}")).collect();
        let lines = lines.concat();
        self.machine.run_as(&self.user, &format!(
            "git init -q {folder} && cd {folder} && echo 'VERSION={name}{lines}' >switches && git add . && \
             git -c user.name=A -c user.email=a@example.com commit -qm {name} && git tag {name}",
            folder = self.name
        )).succeeds();
    }

    /// With this release deployed.
    #[track_caller]
    pub fn deployed(self, release: &str) -> Self {
        self.release(release, &[]);
        self.run("deploy").succeeds();
        self
    }

    /// What a command of the home is called from elsewhere.
    pub fn command(&self, words: &str) -> String {
        self.path(&format!("bin/{words}"))
    }

    /// Runs a command of the home as its user.
    #[track_caller]
    pub fn run(&self, words: &str) -> Ran {
        self.start(words).wait()
    }

    #[track_caller]
    pub fn start(&self, words: &str) -> Running {
        self.machine.start_as(&self.user, &self.command(words))
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.run("status --json").json()
    }

    /// What somebody outside gets.
    pub fn get(&self, path: &str) -> std::io::Result<Answer> {
        http::get_from(&self.machine.address(), 80, &self.domain(), path)
    }

    /// 100 requests/s from outside while something is done.
    #[track_caller]
    pub fn under_gentle_load<T>(&self, during: impl FnOnce(&Self) -> T) -> Loaded<'_, Self> {
        let load = Load::on_machine(&self.machine.address(), &self.domain());
        world::under(self, load.keep_alive(20).new_connections(70).slow(10), 30, 0, during)
    }

    /// Whether users see this instance with this release.
    pub fn is_served_by(&self, instance: &str, release: &str) -> bool {
        let Ok(answer) = self.get("/") else { return false };
        answer.header("x-instance") == Some(instance)
            && answer.header("x-release").is_some_and(|id| is_release(id, release))
    }

    #[track_caller]
    pub fn serves(&self, instance: &str, release: &str) {
        assert!(
            self.is_served_by(instance, release),
            "{release} of {instance} should serve: {:?}",
            self.get("/")
        );
    }

    /// The pid of an instance, as its machine knows it; none if it does not run.
    pub fn pid(&self, instance: &str) -> Option<i32> {
        self.run(&format!("pid {instance}")).answer().parse().ok()
    }
}

/// The commands, without those of the tests.
fn commands() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bin");
    let sources =
        fs::read_dir(folder).expect("the commands have sources").flatten().map(|entry| entry.path());
    let names = sources.filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned()));
    names.map(|name| world::commands().join(name)).collect()
}

/// A program that was built to be debugged is twenty times as large as it must be: it is kept stripped beside the others.
fn stripped(program: &Path) -> PathBuf {
    static STRIPPING: Mutex<()> = Mutex::new(());
    let _alone = STRIPPING.lock().unwrap_or_else(PoisonError::into_inner);
    let built = fs::metadata(program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    if built.len() < 10 << 20 {
        return program.to_owned();
    }
    let folder = program.parent().unwrap().join("stripped");
    let target = folder.join(program.file_name().unwrap());
    let is_recent = |kept: fs::Metadata| kept.modified().unwrap() >= built.modified().unwrap();
    if !fs::metadata(&target).is_ok_and(is_recent) {
        fs::create_dir_all(&folder).unwrap();
        let fresh = target.with_extension(std::process::id().to_string());
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(&fresh).arg(program);
        Running::start("strip", strip).wait().succeeds();
        fs::rename(fresh, &target).unwrap();
    }
    target
}
