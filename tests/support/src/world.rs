//! A world of its own for each test: a home, a private nginx, a repository and ports. It leaves nothing behind, also
//! when the test fails.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use nix::fcntl::Flock;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::command::{Ran, Running};
use crate::http::{self, Answer, WebSocket};
use crate::load::{LONGEST, Load, Report};
use crate::ports::{self, Ports};
use crate::processes;

/// In the environment of all that a world starts.
const MARK: &str = "FLIPSIDE_TEST_WORLD";

/// Locked by each world together with the others, and alone while there is the full load.
pub(crate) const BUSY: &str = "busy.lock";

/// How long what should happen may take, on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

static BUILT: OnceLock<PathBuf> = OnceLock::new();
static COMMANDS: OnceLock<PathBuf> = OnceLock::new();

/// The commands and the demo app are in the folder of this command: a test says
/// `support::commands_beside(env!("CARGO_BIN_EXE_deploy"))`.
pub fn commands_beside(command: &str) {
    BUILT.get_or_init(|| Path::new(command).parent().expect("a command is in a folder").to_owned());
}

/// The commands are elsewhere, as in a package; the demo app is not.
pub fn commands_in(folder: &Path) {
    COMMANDS.get_or_init(|| folder.to_owned());
}

/// As told, otherwise where cargo puts what it builds beside a test's executable.
fn built() -> PathBuf {
    BUILT.get().cloned().unwrap_or_else(|| {
        let test = std::env::current_exe().expect("the test's own path");
        test.ancestors().nth(2).expect("a test is in deps/ beside the commands").to_owned()
    })
}

pub(crate) fn commands() -> PathBuf {
    COMMANDS.get().cloned().unwrap_or_else(built)
}

pub fn demo_app() -> PathBuf {
    let path = built().join("demo-app");
    assert!(path.exists(), "{} is missing: cargo build --workspace --bins (or tests/run)", path.display());
    path
}

/// See the module. Its methods up to `deployed` build it; the others use it. It is put on disk by the first use.
pub struct World {
    folder: PathBuf,
    ports: Ports,
    config: RefCell<String>,
    git: bool,
    nginx: bool,
    switch: bool,
    style: Style,
    /// Root's folder, if root's command writes the switch.
    roots: Option<PathBuf>,
    pending: RefCell<Option<Release>>,
    made: Cell<bool>,
    masters: RefCell<Vec<i32>>,
    lock: PathBuf,
    _held: Flock<File>,
    /// Together with other worlds, as long as nobody puts the full load on the machine.
    busy: RefCell<Option<Flock<File>>>,
}

/// `[nginx] style`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Upstream,
    Socket,
}

/// A release that is still being told of.
struct Release {
    name: String,
    switches: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Building.
impl World {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let all = all_worlds();
        let busy = ports::share(&all.join(BUSY));
        let (folder, lock, held) = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = all.join(format!("world-{}-{number}", std::process::id()));
            let lock = folder.with_extension("lock");
            if let Some(held) = ports::hold(&lock) {
                break (folder, lock, held);
            }
        };
        for part in ["home/nginx", "proxy/logs", "proxy/temp", "source"] {
            fs::create_dir_all(folder.join(part)).expect("a folder for the world");
        }
        let ports = Ports::take(&all);
        let world = Self {
            folder,
            ports,
            config: RefCell::default(),
            git: true,
            nginx: true,
            switch: true,
            style: Style::Upstream,
            roots: None,
            pending: RefCell::default(),
            made: Cell::default(),
            masters: RefCell::default(),
            lock,
            _held: held,
            busy: RefCell::new(Some(busy)),
        };
        world.config.replace(world.default_config());
        world
    }

    fn default_config(&self) -> String {
        let proxy = self.folder.join("proxy").display().to_string();
        let nginx = format!(r#"{:?}, "-p", "{proxy}", "-c", "{proxy}/nginx.conf""#, nginx());
        format!(
            r#"name = "demo"

[instance.A]
port = {a}
[instance.B]
port = {b}

[source]
git = "{source}"
revision = "tag:v*"

[run]
command = "exec {app}"
stop_timeout = "5s"

[health]
path = "/health"
timeout = "5s"
start_timeout = "15s"

[nginx]
test = [{nginx}, "-t", "-q"]
reload = [{nginx}, "-s", "reload"]
check = "http://127.0.0.1:{check}"
drain_timeout = "5s"

[deploy]
observe = "200ms"
"#,
            a = self.port("A"),
            b = self.port("B"),
            source = self.source().display(),
            app = demo_app().display(),
            check = self.check_port(),
        )
    }

    /// A release: a commit with this tag, which the words that follow describe.
    pub fn release(self, name: &str) -> Self {
        self.publish_pending();
        let switches = vec![("VERSION".to_owned(), name.to_owned())];
        self.pending.replace(Some(Release { name: name.to_owned(), switches, files: Vec::new() }));
        self
    }

    /// A switch of the demo app in the release just named.
    pub fn with(self, switch: &str, value: &str) -> Self {
        let mut pending = self.pending.borrow_mut();
        let release = pending.as_mut().expect("a release is being told of");
        release.switches.push((switch.to_owned(), value.to_owned()));
        drop(pending);
        self
    }

    /// A file in the release just named.
    pub fn with_file(self, path: &str, content: &str) -> Self {
        let mut pending = self.pending.borrow_mut();
        let release = pending.as_mut().expect("a release is being told of");
        release.files.push((path.to_owned(), content.to_owned()));
        drop(pending);
        self
    }

    pub fn exits_at_start(self) -> Self {
        self.with("EXIT_AT_START", "1").with("MESSAGE", "Error: connect ECONNREFUSED 127.0.0.1:3306")
    }

    pub fn never_listens(self) -> Self {
        self.with("LISTEN", "never")
    }

    pub fn never_healthy(self) -> Self {
        self.with("HEALTH", "500")
    }

    pub fn never_answers(self) -> Self {
        self.with("HEALTH", "mute")
    }

    pub fn ignores_sigterm(self) -> Self {
        self.with("IGNORE_SIGTERM", "yes")
    }

    pub fn starts_slowly(self) -> Self {
        self.with("START_DELAY", "3s")
    }

    /// Changes flipside.toml, given as TOML: `set("health.path", "\"/\"")`.
    pub fn set(self, key: &str, value: &str) -> Self {
        self.change(key, value);
        self
    }

    /// Gives the home and the source, as they are now, to a user who is not root; false if we are not root and cannot.
    pub fn give_to_nobody(&self) -> bool {
        self.make();
        if !geteuid().is_root() {
            eprintln!("skipped: it takes root to give something away");
            return false;
        }
        let given =
            Command::new("chown").args(["-R", "nobody:"]).arg(self.home()).arg(self.source()).status();
        assert!(given.is_ok_and(|status| status.success()), "chown fails");
        true
    }

    /// Changes the text of flipside.toml.
    pub fn config(self, edit: impl FnOnce(String) -> String) -> Self {
        let edited = edit(self.config.take());
        self.write_config(edited);
        self
    }

    /// Releases are states of one folder instead of commits.
    pub fn source_directory(mut self) -> Self {
        self.git = false;
        let source = self.source().display().to_string();
        self.config(|text| {
            let text = text.replace(&format!("git = \"{source}\""), &format!("directory = \"{source}\""));
            text.replace("revision = \"tag:v*\"\n", "")
        })
    }

    pub fn without_check_server(self) -> Self {
        let check = format!("check = \"http://127.0.0.1:{}\"\n", self.check_port());
        self.config(|text| text.replace(&check, ""))
    }

    pub fn without_nginx(mut self) -> Self {
        self.nginx = false;
        self
    }

    /// nginx isn't started either: it would miss the switch.
    pub fn without_switch(mut self) -> Self {
        self.switch = false;
        self.nginx = false;
        self
    }

    /// The style `socket`.
    pub fn with_sockets(mut self) -> Self {
        self.style = Style::Socket;
        let ports = ["A", "B"].map(|name| (format!("port = {}", self.port(name)), name));
        self.config(|text| {
            let sockets = |text: String, (port, name): &(String, &str)| {
                text.replace(port, &format!("socket = \"run/{name}.sock\""))
            };
            let text = ports.iter().fold(text, sockets);
            let idle = |line: &&str| line.starts_with("test = ") || line.starts_with("reload = ");
            let lines: Vec<_> = text.lines().filter(|line| !idle(line)).collect();
            lines.join("\n").replace("[nginx]", "[nginx]\nstyle = \"socket\"") + "\n"
        })
    }

    /// Root's command writes the switch, as a list of this world's own says.
    pub fn with_roots_switch(mut self) -> Self {
        self.roots = Some(self.folder.join("roots"));
        let set_switch = commands().join("set-switch").display().to_string();
        let list = self.roots_list().display().to_string();
        let switch = self.switch().display().to_string();
        let proxy = self.folder.join("proxy").display().to_string();
        self.set("nginx.switch", &format!("{switch:?}"))
            .set("nginx.set_switch", &format!("[{set_switch:?}, \"--apps\", {list:?}, \"demo\"]"))
            .set("nginx.test", "[\"false\"]")
            // Not run: it only tells which of this machine's nginx it is.
            .set("nginx.reload", &format!("[\"false\", \"-p\", {proxy:?}]"))
    }

    /// Deploys the release.
    #[track_caller]
    pub fn deployed(self, release: &str) -> Self {
        self.deploy(release).succeeds();
        self
    }
}

/// Where things are.
impl World {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The file that the site includes, or the symlink that it names.
    pub fn switch(&self) -> PathBuf {
        match &self.roots {
            _ if self.style == Style::Socket => self.home().join("run/current.sock"),
            Some(roots) => roots.join("demo.conf"),
            None => self.home().join("nginx/upstream.conf"),
        }
    }

    /// Root's list of apps, if root's command writes the switch.
    pub fn roots_list(&self) -> PathBuf {
        self.folder.join("roots/apps.toml")
    }

    /// The repository, or the folder whose states are the releases.
    pub fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    pub fn public_port(&self) -> u16 {
        self.ports.get(0)
    }

    pub fn check_port(&self) -> u16 {
        self.ports.get(1)
    }

    pub fn port(&self, instance: &str) -> u16 {
        match instance {
            "A" => self.ports.get(2),
            "B" => self.ports.get(3),
            _ => panic!("{instance} is no instance"),
        }
    }

    /// Where an instance listens in the style `socket`.
    pub fn socket(&self, instance: &str) -> PathBuf {
        self.home().join(format!("run/{instance}.sock"))
    }

    /// Where an instance listens.
    pub fn address(&self, instance: &str) -> http::Address {
        if self.style == Style::Socket {
            http::Address::Socket(self.socket(instance))
        } else {
            http::Address::Port(self.port(instance))
        }
    }

    /// One more port of this world's own, which nothing uses.
    pub fn spare_port(&self) -> u16 {
        self.ports.get(4)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.public_port())
    }
}

/// Using.
impl World {
    /// Runs a command to its end: its name, then its arguments.
    #[track_caller]
    pub fn run<const N: usize>(&self, words: [&str; N]) -> Ran {
        self.start(words).wait()
    }

    /// The same, with these variables beside the others in its environment.
    #[track_caller]
    pub fn run_with<const N: usize>(&self, environment: &[(&str, &str)], words: [&str; N]) -> Ran {
        let mut command = self.command(&words);
        command.envs(environment.iter().copied());
        Running::start(&words.join(" "), command).wait()
    }

    #[track_caller]
    pub fn start<const N: usize>(&self, words: [&str; N]) -> Running {
        Running::start(&words.join(" "), self.command(&words))
    }

    /// Runs it as a person would: on a terminal.
    #[track_caller]
    pub fn in_terminal<const N: usize>(&self, words: [&str; N]) -> Ran {
        self.start_in_terminal(words).wait()
    }

    #[track_caller]
    pub fn start_in_terminal<const N: usize>(&self, words: [&str; N]) -> Running {
        Running::start_in_terminal(&words.join(" "), &self.command(&words))
    }

    /// `deploy RELEASE`; of a source directory, `deploy`.
    #[track_caller]
    pub fn deploy(&self, release: &str) -> Ran {
        if self.git { self.run(["deploy", release]) } else { self.run(["deploy"]) }
    }

    /// The command, told where the home is by its environment.
    pub fn command(&self, words: &[&str]) -> Command {
        self.make();
        let path = commands().join(words[0]);
        assert!(path.exists(), "{} is missing", path.display());
        let mut command = Command::new(path);
        command.args(&words[1..]);
        self.prepare(&mut command);
        command.env("FLIPSIDE_HOME", self.home());
        command
    }

    /// Takes out of the environment what would make a difference, and marks it.
    fn prepare(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let ours = ["FLIPSIDE_", "GIT_", "CARGO", "CLICOLOR"].iter().any(|it| text.starts_with(it));
            let apps = ["NO_COLOR", "PORT", "SOCKET", "HOST", "INSTANCE", "RELEASE", "APP"].contains(&&*text);
            if ours || apps {
                command.env_remove(name);
            }
        }
        command.env(MARK, mark(&self.folder)).current_dir(&self.folder);
    }

    /// Puts on disk what was only told so far, and starts nginx.
    pub fn make(&self) {
        self.publish_pending();
        if self.made.replace(true) {
            return;
        }
        let config = self.config_text();
        self.write_config(config);
        let proxy = self.folder.join("proxy");
        if self.roots.is_some() {
            self.write_roots_list(&proxy);
        }
        if self.switch && self.style == Style::Upstream && !self.switch().exists() {
            let nobody = format!("server 127.0.0.1:{} down;\n", self.port("A"));
            fs::write(self.switch(), nobody).unwrap();
        }
        let site = proxy.join("site.conf");
        let mut main = template("private.conf").replace("@SITE@", &site.display().to_string());
        if geteuid().is_root() {
            main.insert_str(0, "user root;\n");
        }
        let switch = self.switch();
        let listen = format!("127.0.0.1:{}", self.public_port());
        let check = format!("127.0.0.1:{}", self.check_port());
        let form = match self.style {
            Style::Upstream => "site.conf",
            Style::Socket => "site-socket.conf",
        };
        let text = nginx_site(form, "demo", &switch, &listen, &check)
            .replace("@A@", &self.socket("A").display().to_string())
            .replace("@B@", &self.socket("B").display().to_string());
        fs::write(proxy.join("nginx.conf"), main).unwrap();
        fs::write(site, text).unwrap();
        if self.nginx {
            self.start_nginx();
        }
    }

    fn write_roots_list(&self, proxy: &Path) {
        fs::create_dir_all(self.folder.join("roots")).unwrap();
        let proxy = proxy.display();
        let nginx = format!(r#"{:?}, "-p", "{proxy}", "-c", "{proxy}/nginx.conf""#, nginx());
        let text = format!(
            "[demo]\nuser = \"nobody\"\nswitch = {switch:?}\nA = \"127.0.0.1:{a}\"\nB = \"127.0.0.1:{b}\"\n\
             test = [{nginx}, \"-t\", \"-q\"]\nreload = [{nginx}, \"-s\", \"reload\"]\n",
            switch = self.switch().display().to_string(),
            a = self.port("A"),
            b = self.port("B"),
        );
        fs::write(self.roots_list(), text).unwrap();
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Writes a file that can be executed: a hook.
    pub fn write_executable(&self, path: &str, text: &str) {
        self.write(path, text);
        self.set_mode(path, 0o755);
    }

    pub fn set_mode(&self, path: &str, mode: u32) {
        let path = self.home().join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// A file of the home.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.home().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.home().join(path)).is_ok()
    }

    pub fn remove(&self, path: &str) {
        let path = self.home().join(path);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The names in a folder of the home, sorted; none if it does not exist.
    pub fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home().join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Changes a key of flipside.toml, the value given as TOML.
    pub fn change(&self, key: &str, value: &str) {
        let changed = changed(&self.config.borrow(), key, value);
        self.write_config(changed);
    }

    pub fn write_config(&self, text: String) {
        self.write("flipside.toml", &text);
        self.config.replace(text);
    }

    pub fn config_text(&self) -> String {
        self.config.borrow().clone()
    }
}

/// The source.
impl World {
    fn publish_pending(&self) {
        let Some(Release { name, switches, files }) = self.pending.take() else { return };
        let mut text = String::new();
        for (switch, value) in &switches {
            writeln!(text, "{switch}={value}").unwrap();
        }
        let mut all = vec![("switches", text.as_str())];
        all.extend(files.iter().map(|(path, content)| (path.as_str(), content.as_str())));
        if self.git {
            self.commit(&all);
            self.git(["tag", &name]);
        } else {
            self.put(&all);
        }
    }

    /// One more release, of a world that is in use.
    pub fn publish(&self, name: &str, switches: &[(&str, &str)]) {
        self.publish_pending();
        let version = [("VERSION", name)];
        let switches = version.iter().chain(switches);
        let switches = switches.map(|(switch, value)| ((*switch).to_owned(), (*value).to_owned()));
        let release = Release { name: name.to_owned(), switches: switches.collect(), files: Vec::new() };
        self.pending.replace(Some(release));
        self.publish_pending();
    }

    /// Commits these files beside those that are there; the commit's full name.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        if !self.source().join(".git").exists() {
            self.git(["init", "--quiet", "--initial-branch=main", "--template="]);
        }
        self.put(files);
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message=A change"]);
        self.git(["rev-parse", "HEAD"])
    }

    fn put(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = self.source().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    /// Runs git in the repository.
    #[track_caller]
    pub fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        let mut git = Command::new("git");
        self.prepare(&mut git);
        git.current_dir(self.source())
            .args(["-c", "user.name=A developer", "-c", "user.email=developer@example.com"])
            .args(["-c", "commit.gpgSign=false", "-c", "core.fsync=none", "-c", "gc.auto=0"])
            .args(arguments)
            .stdin(Stdio::null());
        let output = git.output().expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The commit of a revision, in full.
    #[track_caller]
    pub fn commit_of(&self, revision: &str) -> String {
        self.publish_pending();
        self.git(["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
    }

    /// What a tag's or branch's release is called.
    #[track_caller]
    pub fn id(&self, revision: &str) -> String {
        format!("{}-{}", revision.replace('/', "-"), &self.commit_of(revision)[..7])
    }
}

/// nginx, as its operator has it in hand.
impl World {
    #[track_caller]
    pub fn start_nginx(&self) {
        let said = self.folder.join("nginx-start.log");
        let mut nginx = self.nginx(&[]);
        let log = File::create(&said).unwrap();
        let status = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).status();
        let said = fs::read_to_string(&said).unwrap_or_default();
        assert!(status.expect("nginx is installed").success(), "nginx does not start: {said}");
        processes::eventually(SOON, "nginx writes its pid", || self.nginx_pid().is_some());
        self.masters.borrow_mut().push(self.nginx_pid().unwrap());
        processes::eventually(SOON, "nginx listens", || {
            processes::listens(self.public_port()) && self.workers().len() == 2
        });
    }

    fn nginx(&self, arguments: &[&str]) -> Command {
        let proxy = self.folder.join("proxy");
        let mut nginx = Command::new(nginx());
        self.prepare(&mut nginx);
        nginx.arg("-p").arg(&proxy).arg("-c").arg(proxy.join("nginx.conf")).args(arguments);
        nginx
    }

    /// The master's pid, if it runs.
    pub fn nginx_pid(&self) -> Option<i32> {
        let text = fs::read_to_string(self.folder.join("proxy/nginx.pid")).ok()?;
        text.trim().parse().ok().filter(|pid| processes::runs(*pid))
    }

    /// The workers that take new connections.
    pub fn workers(&self) -> Vec<i32> {
        let is_worker = |pid: &i32| processes::command_line(*pid) == "nginx: worker process";
        self.nginx_pid().map(processes::children).into_iter().flatten().filter(is_worker).collect()
    }

    /// A reload that has nothing to do with flipside, as certbot's; done when it has taken effect.
    pub fn nginx_reload_by_someone_else(&self) {
        let before = self.workers();
        let status =
            self.nginx(&["-s", "reload"]).stderr(Stdio::null()).status().expect("nginx is installed");
        assert!(status.success(), "nginx -s reload: {status}");
        processes::eventually(SOON, "nginx has new workers alone", || {
            let now = self.workers();
            now.len() == 2 && !now.iter().any(|worker| before.contains(worker))
        });
    }

    /// What `nginx -t` says of it.
    pub fn nginx_accepts_its_configuration(&self) -> bool {
        let tested = self.nginx(&["-t", "-q"]).stderr(Stdio::null()).status();
        tested.expect("nginx is installed").success()
    }

    pub fn stop_nginx(&self) {
        let Some(master) = self.nginx_pid() else { return };
        processes::signal(master, Signal::SIGTERM);
        processes::eventually(SOON, "nginx stops", || processes::in_sessions(&[master]).is_empty());
    }

    pub fn restart_nginx(&self) {
        self.stop_nginx();
        self.start_nginx();
    }

    /// Breaks the configuration of nginx; its running processes go on.
    pub fn break_nginx_configuration(&self) {
        let path = self.folder.join("proxy/site.conf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("bogus_directive on;\n{text}")).unwrap();
    }

    pub fn mend_nginx_configuration(&self) {
        let path = self.folder.join("proxy/site.conf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("bogus_directive on;\n", "")).unwrap();
    }
}

/// Users, and what they meet.
impl World {
    /// What a user gets.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        http::get(self.public_port(), path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// What an instance answers by itself.
    #[track_caller]
    pub fn get_from(&self, instance: &str, path: &str) -> Answer {
        let answer = http::get_at(&self.address(instance), path);
        answer.unwrap_or_else(|error| panic!("GET {path} from {instance}: {error}"))
    }

    /// Asks, and does not wait for the answer.
    #[track_caller]
    pub fn ask(&self, path: &str) -> http::Asked {
        http::ask(self.public_port(), path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// A connection over which nothing is asked yet.
    #[track_caller]
    pub fn connection(&self) -> http::Connection {
        http::Connection::open(self.public_port()).unwrap_or_else(|error| panic!("connect: {error}"))
    }

    #[track_caller]
    pub fn websocket(&self) -> WebSocket {
        WebSocket::open(self.public_port()).unwrap_or_else(|error| panic!("WebSocket: {error}"))
    }

    /// Turns a switch of a running instance.
    #[track_caller]
    pub fn turn(&self, instance: &str, switch: &str, value: &str) {
        assert_eq!(self.get_from(instance, &format!("/turn?{switch}={value}")).status, 200);
    }

    /// Lets an instance answer what was asked of `/held`.
    #[track_caller]
    pub fn let_go(&self, instance: &str) {
        self.turn(instance, "HELD", "no");
    }

    /// Users see this instance with this release.
    #[track_caller]
    pub fn serves(&self, instance: &str, release: &str) {
        let answer = self.get("/");
        let who = (answer.header("x-instance").unwrap_or(""), answer.header("x-release").unwrap_or(""));
        let expected = who.0 == instance && is_release(who.1, release);
        assert!(expected, "{release} of {instance} should serve: {} {:?}", answer.status, answer.body);
    }

    /// All processes of an instance, as their mark tells.
    pub fn processes_of(&self, instance: &str) -> Vec<i32> {
        processes::with_environment("FLIPSIDE_PROCESS", &format!("{}#{instance}", self.home().display()))
    }

    /// How many connections there are to an instance.
    pub fn connections_to(&self, instance: &str) -> usize {
        match self.address(instance) {
            http::Address::Port(port) => processes::connections_to(port),
            http::Address::Socket(path) => processes::connections_to_socket(&path),
        }
    }

    /// The commands that run, with all that they have started but the instances.
    pub fn commands_running(&self) -> Vec<i32> {
        let home = format!("FLIPSIDE_HOME={}", self.home().display());
        let of_an_instance = format!("FLIPSIDE_PROCESS={}#", self.home().display());
        processes::whose_environment(|it| it.holds(&home) && !it.holds(&of_an_instance))
    }

    /// An app that somebody else has started at an instance's address.
    pub fn foreign_app(&self, instance: &str) -> Running {
        self.make();
        let mut command = Command::new(demo_app());
        self.prepare(&mut command);
        match self.address(instance) {
            http::Address::Port(port) => command.args(["--port", &port.to_string()]),
            http::Address::Socket(path) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                command.arg("--socket").arg(path)
            }
        };
        let app = Running::start("demo-app", command);
        processes::eventually(SOON, "the foreign app listens", || self.listens(instance));
        app
    }

    /// Whether somebody listens at an instance's address.
    pub fn listens(&self, instance: &str) -> bool {
        match self.address(instance) {
            http::Address::Port(port) => processes::listens(port),
            http::Address::Socket(path) => http::accepts(&path),
        }
    }

    /// 500 requests/s over kept connections, 500/s over new ones, 50/s that take 300 ms. This test waits until it has
    /// the machine for itself: no other world is in use, of this process or another one.
    #[track_caller]
    pub fn under_load<T>(&self, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        self.under_load_until(0, during)
    }

    /// The same, and on until so many requests were answered.
    #[track_caller]
    pub fn under_load_until<T>(&self, requests: u64, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        let path = all_worlds().join(BUSY);
        self.busy.take();
        let alone = ports::wait_for(&path);
        let load = self.load().keep_alive(500).new_connections(500).slow(50);
        let loaded = self.under(load, 500, requests, during);
        let _ = fs::remove_file(&path); // while it is locked
        drop(alone);
        self.busy.replace(Some(ports::share(&path)));
        loaded
    }

    /// 100 requests/s, so that many tests can do so at the same time.
    #[track_caller]
    pub fn under_gentle_load<T>(&self, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        self.under(self.load().keep_alive(20).new_connections(70).slow(10), 30, 0, during)
    }

    fn load(&self) -> Load {
        self.make();
        Load::on(&self.url()).unwrap()
    }

    #[track_caller]
    fn under<T>(&self, load: Load, some: u64, requests: u64, during: impl FnOnce(&Self) -> T) -> Loaded<'_> {
        under(self, load, some, requests, during)
    }
}

/// Puts load on a world, or a machine, while something is done with it, and until so many requests were answered.
#[track_caller]
pub(crate) fn under<W, T>(
    world: &W,
    load: Load,
    some: u64,
    requests: u64,
    during: impl FnOnce(&W) -> T,
) -> Loaded<'_, W> {
    let running = load.start().unwrap();
    processes::eventually(SOON, "the service answers to load", || running.answered() >= some);
    during(world);
    // What goes wrong may show only afterwards.
    let so_far = running.answered() + running.failed();
    processes::eventually(SOON, "the load goes on", || {
        running.answered() + running.failed() >= so_far + some
    });
    processes::eventually(LONGEST, "enough requests are answered", || running.answered() >= requests);
    Loaded { world, report: running.stop() }
}

/// The text of a flipside.toml with this key changed, the value given as TOML.
#[track_caller]
pub(crate) fn changed(text: &str, key: &str, value: &str) -> String {
    let mut document: toml_edit::DocumentMut = text.parse().expect("flipside.toml is TOML");
    let value: toml_edit::Value = value.parse().unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
    let mut table = document.as_table_mut();
    let (tables, key) = key.rsplit_once('.').unwrap_or(("", key));
    for name in tables.split('.').filter(|name| !name.is_empty()) {
        table = table
            .entry(name)
            .or_insert_with(toml_edit::table)
            .as_table_mut()
            .unwrap_or_else(|| panic!("{name} is no table"));
    }
    table.insert(key, toml_edit::value(value));
    document.to_string()
}

/// The nginx of all worlds: `$FLIPSIDE_NGINX`, or the installed one.
fn nginx() -> String {
    std::env::var("FLIPSIDE_NGINX").unwrap_or_else(|_| "nginx".to_owned())
}

/// A template of nginx's files.
fn template(name: &str) -> String {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../share/nginx");
    fs::read_to_string(share.join(name)).expect("the templates of nginx are there")
}

/// The site file of an app.
fn nginx_site(form: &str, app: &str, switch: &Path, listen: &str, check: &str) -> String {
    template(form)
        .replace("@APP@", app)
        .replace("@VARIABLE@", app)
        .replace("@SWITCH@", &switch.display().to_string())
        .replace("@LISTEN@", listen)
        .replace("@SERVER_NAME@", "_")
        .replace("@CHECK@", check)
}

/// What became of the load, to be judged.
pub struct Loaded<'a, W = World> {
    world: &'a W,
    pub report: Report,
}

impl<W> Loaded<'_, W> {
    #[track_caller]
    pub fn expect(self, is_met: impl FnOnce(&Report) -> Result<(), String>) -> Self {
        if let Err(what) = is_met(&self.report) {
            panic!("{what}\n{}", self.report);
        }
        self
    }

    pub fn world(&self) -> &W {
        self.world
    }
}

pub fn no_failed_request() -> impl FnOnce(&Report) -> Result<(), String> {
    |report| match report.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} requests failed")),
    }
}

/// What 99 in 100 requests stay under on a machine that keeps up.
const USUAL_LATENCY: Duration = Duration::from_millis(25);

/// No request failed but those whose kept connection a reload of nginx had just closed: so many at most, three for each
/// reload. A reload cuts those whose request is on its way, and on a machine that does not keep up there are more.
pub fn only_resets_on_kept_connections(at_most: u64) -> impl FnOnce(&Report) -> Result<(), String> {
    use crate::load::{Failure, Mode};
    move |report| {
        let resets = report.failures(Mode::KeepAlive, Failure::ResetOnKept);
        if report.failed() > resets {
            return Err(format!("{} requests failed that must not", report.failed() - resets));
        }
        let kept = report.modes.iter().filter(|of| of.mode == Mode::KeepAlive);
        let on_their_way = kept
            .map(|of| f64::from(of.per_second) * of.latency.p99.saturating_sub(USUAL_LATENCY).as_secs_f64());
        let at_most = at_most + at_most.div_ceil(3) * on_their_way.sum::<f64>() as u64;
        if resets > at_most {
            return Err(format!("{resets} resets on kept connections, more than {at_most}"));
        }
        Ok(())
    }
}

/// It answered some of the requests.
pub fn served_by(instance: &str, release: &str) -> impl FnOnce(&Report) -> Result<(), String> {
    let (instance, release) = (instance.to_owned(), release.to_owned());
    move |report| {
        let found =
            report.served.iter().any(|by| by.instance == instance && is_release(&by.release, &release));
        if found { Ok(()) } else { Err(format!("{release} of {instance} answered nothing")) }
    }
}

/// Nobody else answered.
pub fn served_only_by(instance: &str, release: &str) -> impl FnOnce(&Report) -> Result<(), String> {
    let by = served_by(instance, release);
    |report| match report.served.len() {
        1 => by(report),
        several => Err(format!("{several} releases answered")),
    }
}

pub(crate) fn is_release(id: &str, name: &str) -> bool {
    id == name || id.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", tails(&self.folder));
        }
        clean_up(&self.folder, &self.masters.borrow());
        let _ = fs::remove_file(&self.lock);
    }
}

/// The last lines of all logs of a world.
fn tails(folder: &Path) -> String {
    let mut text = String::new();
    for logs in ["home/logs", "proxy/logs"] {
        for entry in fs::read_dir(folder.join(logs)).into_iter().flatten().flatten() {
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<&str> = content.lines().collect();
            let _ = writeln!(text, "{logs}/{}:", entry.file_name().display());
            for line in &lines[lines.len().saturating_sub(15)..] {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    text
}

fn mark(folder: &Path) -> String {
    format!("{}/", folder.display())
}

/// Ends what the world started, and removes its folder.
fn clean_up(folder: &Path, masters: &[i32]) {
    let instance = format!("FLIPSIDE_PROCESS={}#", folder.join("home").display());
    let marked = format!("{MARK}={}", mark(folder));
    let titled = || {
        let mine = |pid: &i32| {
            let line = processes::command_line(*pid);
            line.starts_with("nginx: ") && line.contains(&mark(folder))
        };
        processes::all().into_iter().filter(mine).collect::<Vec<_>>()
    };
    let masters: Vec<i32> = titled().into_iter().chain(masters.iter().copied()).collect();
    processes::end(|| {
        let mut found = processes::whose_environment(|it| it.holds(&instance) || it.holds(&marked));
        found.extend(nginx_in_sessions(&masters));
        found
    });
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("{}: {error}", folder.display());
    }
}

/// The masters and their workers: a worker whose master was killed has no other trace of it.
fn nginx_in_sessions(masters: &[i32]) -> Vec<i32> {
    let is_nginx = |pid: &i32| processes::command_line(*pid).starts_with("nginx: ");
    processes::in_sessions(masters).into_iter().filter(is_nginx).collect()
}

/// The folder of all worlds of this user. What a killed test left there is removed.
pub(crate) fn all_worlds() -> PathBuf {
    static SWEPT: Once = Once::new();
    let all = std::env::temp_dir().join(format!("flipside-tests-{}", geteuid()));
    fs::create_dir_all(&all).unwrap_or_else(|error| panic!("{}: {error}", all.display()));
    SWEPT.call_once(|| {
        for entry in fs::read_dir(&all).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_world = entry.file_name().to_string_lossy().starts_with("world-");
            if is_world
                && path.extension() == Some(OsStr::new("lock"))
                && let Some(_held) = ports::hold(&path)
            {
                clean_up(&path.with_extension(""), &[]);
                let _ = fs::remove_file(path);
            }
        }
    });
    all
}
