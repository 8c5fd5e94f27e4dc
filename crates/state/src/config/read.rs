//! Reading the configuration; each mistake is named with its file, line and key, and what would be right.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{
    CheckServer, Config, Instance, Instances, ListensOn, Nginx, Runtime, Source, SourceKind, Style,
    SwitchPath, WantedRevision,
};
use crate::error::{Error, Result};
use crate::{InstanceName, Port, RelativePath, duration, file};

impl Config {
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |(line, problem)| Error::Configuration { file: path.to_owned(), line, problem };
        let unread = |error: std::io::Error| wrong((None, format!("cannot be read: {error}")));
        let file = file::open_of_operator(path).map_err(unread)?;
        let text = file::text(&file).map_err(unread)?;
        let config = Self::parse(&text).map_err(wrong)?;
        let home = path.parent().unwrap_or(Path::new("/"));
        config.check_length(home).map_err(|(key, problem)| wrong(at_line(&text, (&key, problem))))?;
        if config.source.kind.holds_secret() {
            file::must_be_private(&file, path)?;
        }
        Ok(config)
    }

    /// On error the line, if there is one, and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, (Option<usize>, String)> {
        let config: Self = parse(text)?;
        config.check().map_err(|found| at_line(text, found))?;
        Ok(config)
    }

    /// What no value can know of itself. On error where to look for it, and what is wrong.
    fn check(&self) -> Result<(), (&str, String)> {
        self.check_addresses()?;
        let check = self.nginx.check.map(|check| check.address().port());
        let ports = self.instance.ports().into_iter().flatten();
        let taken = InstanceName::BOTH.into_iter().zip(ports).find(|(_, port)| Some(port.get()) == check);
        if let Some((instance, port)) = taken {
            let problem =
                format!("[nginx] check: {port} is the port of {instance}; the check server needs its own");
            return Err(("check", problem));
        }
        if let Some(key) = &self.nginx.idle_key {
            let problem = format!(
                "[nginx] {key}: in the style socket nginx is neither tested nor reloaded, and root has no part; remove {key}"
            );
            return Err((key, problem));
        }
        if self.run.runtime == Runtime::Direct && self.run.memory_max.is_some() {
            let problem = "[run] memory_max: only systemd limits memory; write runtime = \"systemd\", or remove memory_max";
            return Err(("memory_max", problem.to_owned()));
        }
        self.check_switch().map_err(|problem| ("switch", format!("[nginx] switch: {problem}")))
    }

    /// Both on a port or both on a socket, each on its own, as the style wants it.
    fn check_addresses(&self) -> Result<(), (&str, String)> {
        use ListensOn::{Port, Socket};
        let Instances { a, b } = &self.instance;
        let of_b = |problem: String| Err(("[instance.B]", format!("[instance.B] {problem}")));
        match (&a.on, &b.on, self.nginx.style) {
            (Port(_), Socket(_), _) => {
                of_b("socket: A has a port; give both a port, or both a socket".into())
            }
            (Socket(_), Port(_), _) => {
                of_b("port: A has a socket; give both a port, or both a socket".into())
            }
            (Port(a), Port(b), _) if a == b => {
                of_b(format!("port: {b} is the port of A, too; give B its own"))
            }
            (Socket(a), Socket(b), _) if a == b => {
                of_b(format!("socket: `{b}` is the socket of A, too; give B its own"))
            }
            (Port(_), Port(_), Style::Socket) => {
                let problem = "[instance.A] port: the style socket needs sockets; write socket = \"run/A.sock\", and for B socket = \"run/B.sock\"";
                Err(("[instance.A]", problem.to_owned()))
            }
            (Socket(_), Socket(_), Style::Upstream) => {
                let problem = "[instance.A] socket: the style upstream needs ports; write [nginx] style = \"socket\", or give both a port";
                Err(("[instance.A]", problem.to_owned()))
            }
            (Socket(a), Socket(b), Style::Socket) => {
                let switch = self.nginx.switch.as_path();
                let sections = [("[instance.A]", a), ("[instance.B]", b)];
                match sections.into_iter().find(|(_, socket)| socket.as_path() == switch) {
                    Some((section, socket)) => {
                        let problem = "is the path of the switch; give the instance its own";
                        Err((section, format!("{section} socket: `{socket}` {problem}")))
                    }
                    None => Ok(()),
                }
            }
            (Port(_), Port(_), Style::Upstream) => Ok(()),
        }
    }

    /// The kernel, and so nginx and every app, knows no longer path of a socket (unix(7)).
    fn check_length(&self, home: &Path) -> Result<(), (String, String)> {
        let (ListensOn::Socket(a), ListensOn::Socket(b)) = (&self.instance.a.on, &self.instance.b.on) else {
            return Ok(());
        };
        let written = |key: &str, path: &Path| format!("{key} = \"{}\"", path.display());
        let switch = self.nginx.switch.as_path();
        let paths = [
            ("[instance.A] socket", written("socket", a.as_path()), a.as_path()),
            ("[instance.B] socket", written("socket", b.as_path()), b.as_path()),
            ("[nginx] switch", written("switch", switch), switch),
        ];
        for (key, written, path) in paths {
            let whole = home.join(path);
            let length = whole.as_os_str().len();
            if length > LONGEST_SOCKET {
                let problem = format!(
                    "{key}: {} has {length} bytes, and a socket's path has at most {LONGEST_SOCKET}; choose a shorter one, or move the home",
                    whole.display()
                );
                return Err((written, problem));
            }
        }
        Ok(())
    }

    /// Who writes it decides where it may be.
    fn check_switch(&self) -> Result<(), String> {
        match (&self.nginx.switch, &self.nginx.set_switch) {
            (SwitchPath::InTheHome(path), Some(_)) => Err(format!(
                "`{path}` must be the absolute path that root's list names, since set_switch is given"
            )),
            (SwitchPath::Roots(path), None) => Err(format!(
                "`{}` must be a relative path that stays inside the folder; an absolute one needs set_switch",
                path.as_path().display()
            )),
            _ => Ok(()),
        }
    }
}

/// `sun_path` without its NUL.
const LONGEST_SOCKET: usize = 107;

fn at_line(text: &str, (key, problem): (&str, String)) -> (Option<usize>, String) {
    let line = text.lines().position(|line| line.trim_start().starts_with(key)).map(|index| index + 1);
    (line, problem)
}

/// What a person has written in TOML. On error the line, if there is one, and what is wrong there.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, (Option<usize>, String)> {
    let syntax = |error: toml::de::Error| {
        let at = error.span().and_then(|span| text.get(span)).unwrap_or_default();
        let problem = match error.message() {
            "duplicate key" => format!("`{at}` is there twice"),
            message => message.to_owned(),
        };
        (line_of(text, &error), problem)
    };
    let document = toml::Deserializer::parse(text).map_err(syntax)?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        let (line, problem) = syntax(error.into_inner());
        (line, at_key(&key, &problem))
    })
}

/// serde's words in the words of the file: "[run] command is missing" for a missing field at `run`.
fn at_key(path: &str, problem: &str) -> String {
    let problem = problem.trim_end();
    let quoted = |prefix: &str| problem.strip_prefix(prefix)?.split('`').next();
    if let Some(name) = quoted("missing field `") {
        let missing = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        return match name {
            "instance" | "source" | "run" | "nginx" | "A" | "B" => format!("[{missing}] is missing"),
            _ => format!("{} is missing", section_and_key(&missing)),
        };
    }
    if let Some(name) = quoted("unknown field `") {
        let section =
            path.rsplit_once('.').map_or("the file".to_owned(), |(section, _)| format!("[{section}]"));
        let known = problem.split_once("expected ").map_or("", |(_, known)| known);
        return format!("{section} has no key `{name}`; there {}", known_keys(known));
    }
    let problem = in_plain_words(problem);
    match path {
        "." => problem,
        "source" | "instance.A" | "instance.B" => format!("[{path}] {problem}"),
        _ => format!("{}: {problem}", section_and_key(path)),
    }
}

/// serde's words for a value of the wrong type or outside a list, in those of somebody who edits the file.
fn in_plain_words(problem: &str) -> String {
    if let Some(rest) = problem.strip_prefix("unknown variant `") {
        let (value, known) = rest.split_once("`, expected ").unwrap_or((rest, ""));
        return format!("`{value}` is not known; there {}", known_keys(known));
    }
    let Some((found, expected)) = problem
        .strip_prefix("invalid type: ")
        .or(problem.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return problem.to_owned();
    };
    let found = found.split_once(' ').map_or(found, |(_, value)| value).trim_matches('`').trim_matches('"');
    match expected {
        "i64" | "usize" | "u64" | "u16" => {
            format!("{found} is not a whole number from 0 on; write it without quotes")
        }
        "a string" => format!("{found} must be text; write it in quotes"),
        "a sequence" => format!("{found} must be a list; write it in brackets, as [\"a\", \"b\"]"),
        expected => format!("{found} is not {expected}"),
    }
}

/// serde's "one of `a`, `b`" or "`a` or `b`" or "`a`".
fn known_keys(expected: &str) -> String {
    let names = expected.strip_prefix("one of ").unwrap_or(expected).replace(" or ", ", ").replace('`', "");
    if names.contains(',') { format!("are {names}") } else { format!("is {names}") }
}

fn section_and_key(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((section, key)) => format!("[{section}] {key}"),
        None => path.to_owned(),
    }
}

fn line_of(text: &str, error: &toml::de::Error) -> Option<usize> {
    let start = error.span()?.start;
    Some(text.get(..start)?.bytes().filter(|byte| *byte == b'\n').count() + 1)
}

/// `[instance.A]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstance {
    port: Option<Port>,
    socket: Option<RelativePath>,
}

impl TryFrom<RawInstance> for Instance {
    type Error = &'static str;

    fn try_from(raw: RawInstance) -> Result<Self, &'static str> {
        let on = match (raw.port, raw.socket) {
            (Some(port), None) => ListensOn::Port(port),
            (None, Some(socket)) => ListensOn::Socket(plain(socket)?),
            (Some(_), Some(_)) => return Err("has both `port` and `socket`; keep one"),
            (None, None) => {
                return Err("says not where it listens; write port = 20201, or socket = \"run/A.sock\"");
            }
        };
        Ok(Self { on })
    }
}

/// The path stands in nginx's configuration and in shell commands.
fn plain(socket: RelativePath) -> Result<RelativePath, &'static str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let bytes = socket.as_path().as_os_str().as_encoded_bytes();
    if bytes.iter().all(is_plain) {
        Ok(socket)
    } else {
        Err("has a `socket` with other characters than letters, digits, / . _ and -; rename it")
    }
}

/// `[nginx]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawNginx {
    switch: Option<SwitchPath>,
    style: Style,
    #[serde(deserialize_with = "maybe_words")]
    set_switch: Option<Vec<String>>,
    #[serde(deserialize_with = "maybe_words")]
    test: Option<Vec<String>>,
    #[serde(deserialize_with = "maybe_words")]
    reload: Option<Vec<String>>,
    check: Option<CheckServer>,
    #[serde(deserialize_with = "duration::deserialize")]
    apply_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    drain_timeout: Duration,
}

impl Default for RawNginx {
    fn default() -> Self {
        Self {
            switch: None,
            style: Style::default(),
            set_switch: None,
            test: None,
            reload: None,
            check: None,
            apply_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl From<RawNginx> for Nginx {
    fn from(raw: RawNginx) -> Self {
        let RawNginx { switch, style, set_switch, test, reload, check, apply_timeout, drain_timeout } = raw;
        let given = [("set_switch", &set_switch), ("test", &test), ("reload", &reload)];
        let idle_key = given.iter().find(|(_, words)| style == Style::Socket && words.is_some());
        let idle_key = idle_key.map(|(key, _)| (*key).to_owned());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            switch: switch.unwrap_or_else(|| style.into()),
            style,
            set_switch,
            test: test.unwrap_or_else(|| words(&["sudo", "-n", "nginx", "-t", "-q"])),
            reload: reload.unwrap_or_else(|| words(&["sudo", "-n", "nginx", "-s", "reload"])),
            check,
            apply_timeout,
            drain_timeout,
            idle_key,
        }
    }
}

/// `[source]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    git: Option<String>,
    directory: Option<String>,
    revision: Option<WantedRevision>,
    keep: Option<usize>,
}

impl TryFrom<RawSource> for Source {
    type Error = String;

    fn try_from(raw: RawSource) -> Result<Self, String> {
        let kind = match (raw.git, raw.directory, raw.revision) {
            (Some(address), None, _)
                if address.is_empty() || address.starts_with('-') || address.contains('\0') =>
            {
                return Err(format!("`{address}` is not the address of a git repository"));
            }
            (Some(address), None, revision) => {
                let revision = revision.unwrap_or_else(|| WantedRevision::NewestTag("v*".into()));
                SourceKind::Git { address, revision }
            }
            (None, Some(directory), None) if !directory.is_empty() && !directory.contains('\0') => {
                SourceKind::Directory(PathBuf::from(directory))
            }
            (None, Some(_), None) => return Err("`directory` is empty or holds a NUL; name a folder".into()),
            (None, Some(_), Some(_)) => return Err("a directory has no revisions; remove `revision`".into()),
            (Some(_), Some(_), _) => return Err("there are both `git` and `directory`; keep one".into()),
            (None, None, _) => {
                return Err("names no source; write git = \"ADDRESS\" or directory = \"FOLDER\"".into());
            }
        };
        Ok(Self { kind, keep: raw.keep.unwrap_or(5) })
    }
}

pub(super) fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    without_nul(&text)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A command as a list of words.
pub fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    if words.first().is_none_or(String::is_empty) {
        return Err(serde::de::Error::custom("the command is empty; write it as [\"nginx\", \"-t\"]"));
    }
    words.iter().try_for_each(|word| without_nul(word))?;
    Ok(words)
}

/// No program can be given one.
fn without_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("it holds a NUL; remove it")) } else { Ok(()) }
}

pub(super) fn maybe_words<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    words(deserializer).map(Some)
}

pub(super) fn command_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("the command is empty"));
    }
    without_nul(&text)?;
    Ok(text)
}

pub(super) fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "cafeteria"
[instance.A]
port = 20201
[instance.B]
port = 20202
[source]
git = "https://example.org/x.git"
[run]
command = "npm start"
[nginx]
check = "http://127.0.0.1:20200"
"#;

    #[test]
    fn the_least_that_is_needed() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.source.keep, 5);
        assert_eq!(config.health.start_timeout, Duration::from_secs(100));
        assert_eq!(config.nginx.test[0], "sudo");
    }

    #[test]
    fn mistakes_are_named_with_line_and_key() {
        let cases = [
            (
                "port = 20202",
                "port = 20201",
                Some(5),
                "[instance.B] port: 20201 is the port of A, too; give B its own",
            ),
            (
                "port = 20202",
                "port = 0",
                Some(6),
                "[instance.B] port: 0 is not a port; write one from 1 to 65535",
            ),
            (
                "command =",
                "comand =",
                Some(10),
                "[run] has no key `comand`; there are command, env_file, env_command, shared, runtime, stop_signal, stop_timeout, memory_max",
            ),
            ("command = \"npm start\"", "", Some(9), "[run] command is missing"),
            ("npm start", "npm\\u0000 start", Some(10), "[run] command: it holds a NUL; remove it"),
            (
                "127.0.0.1:20200",
                "127.0.0.1:20202",
                Some(12),
                "[nginx] check: 20202 is the port of B; the check server needs its own",
            ),
        ];
        for (good, bad, line, problem) in cases {
            assert_eq!(
                Config::parse(&GOOD.replace(good, bad)).unwrap_err(),
                (line, problem.to_owned()),
                "{bad}"
            );
        }
    }
}
