//! An app on a machine: its user, repository, home and nginx's site, as somebody sets it up by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Machine;
use crate::command::{Ran, Running};
use crate::http::Answer;
use crate::world::{self, is_release};

/// Where root has its command.
pub const SET_SWITCH: &str = "/usr/local/libexec/flipside/set-switch";
/// Root's list.
const APPS: &str = "/etc/flipside/apps.toml";

/// See the module.
pub struct Site<'a> {
    machine: &'a Machine,
    pub user: String,
    pub name: String,
    first_port: u16,
}

impl Machine {
    /// The app of a user. Each app of a machine has ports of its own, from this one: for everybody, for the check
    /// server, A and B.
    #[track_caller]
    pub fn site(&self, user: &str, name: &str, first_port: u16) -> Site<'_> {
        let site = Site { machine: self, user: user.to_owned(), name: name.to_owned(), first_port };
        self.program(&world::demo_app(), "/usr/local/bin/demo-app");
        let bin = format!("{}/bin", site.home());
        for command in commands() {
            let name = command.file_name().unwrap().to_string_lossy().into_owned();
            self.program(&command, &format!("{bin}/{name}"));
        }
        self.write(&site.path("flipside.toml"), &site.config());
        site.have_a_switch();
        self.write(&format!("/etc/nginx/sites-enabled/{name}.conf"), &site.nginx_site());
        self.run(&format!("chown -R {user}: {} && nginx -s reload", site.home())).succeeds();
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

    pub fn public_port(&self) -> u16 {
        self.first_port
    }

    pub fn port(&self, instance: &str) -> u16 {
        match instance {
            "A" => self.first_port + 2,
            "B" => self.first_port + 3,
            _ => panic!("{instance} is no instance"),
        }
    }

    fn check_port(&self) -> u16 {
        self.first_port + 1
    }

    fn config(&self) -> String {
        let Self { name, user, .. } = self;
        let switch = self.switch();
        let (a, b, check) = (self.port("A"), self.port("B"), self.check_port());
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
switch = "{switch}"
set_switch = ["sudo", "-n", "{SET_SWITCH}", "{name}"]
check = "http://127.0.0.1:{check}"
drain_timeout = "5s"

[deploy]
observe = "200ms"
"#
        )
    }

    /// What root gives to an app: a switch, and the right to set it (set-switch(8)).
    fn have_a_switch(&self) {
        let Self { machine, user, name, .. } = self;
        let (a, b) = (self.port("A"), self.port("B"));
        machine.program(&world::commands().join("set-switch"), SET_SWITCH);
        machine.write(&self.switch(), &format!("server 127.0.0.1:{a} down;\n"));
        let app = format!(
            "[{name}]\nuser = \"{user}\"\nswitch = \"{}\"\nA = \"127.0.0.1:{a}\"\nB = \"127.0.0.1:{b}\"\n",
            self.switch()
        );
        let others = if machine.exists(APPS) { machine.read(APPS) } else { String::new() };
        machine.write(APPS, &(others + &app));
        let rights = ["A", "B", "nobody", "--test"].map(|word| format!("{SET_SWITCH} {name} {word}"));
        let sudoers = format!("/etc/sudoers.d/flipside-{name}");
        machine.write(&sudoers, &format!("{user} ALL=(root) NOPASSWD: {}\n", rights.join(", ")));
        machine.set_mode(&sudoers, 0o440);
    }

    pub fn switch(&self) -> String {
        format!("/etc/nginx/flipside/{}.conf", self.name)
    }

    fn nginx_site(&self) -> String {
        let listen = self.public_port().to_string();
        let check = format!("127.0.0.1:{}", self.check_port());
        world::nginx_site(&self.name, Path::new(&self.switch()), &listen, &check)
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
        self.machine.get(self.public_port(), path)
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
