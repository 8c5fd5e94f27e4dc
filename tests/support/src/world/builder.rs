//! Told in one line: releases, and what is special about the world.

use super::built::{commands, demo_app};
use super::source::Release;
use super::{Style, World};

impl World {
    pub(super) fn default_config(&self) -> String {
        let nginx = self.nginx_in_toml();
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

    /// B runs the release, beside A that serves.
    #[track_caller]
    pub fn with_standby(self, release: &str) -> Self {
        self.run(["update-instance", "b", release]).succeeds();
        self.run(["start-instance", "b"]).succeeds();
        self
    }
}
