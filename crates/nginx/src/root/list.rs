//! Root's list of the apps, `/etc/flipside/apps.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use state::{AbsolutePath, AppName, config};

use super::trust;
use crate::error::Result;

const ROOTS_OWN: &str = "/etc/flipside/apps.toml";

/// What root lets users do, and where.
#[derive(Debug)]
pub struct List {
    path: PathBuf,
    apps: BTreeMap<AppName, Entry>,
}

/// One app of the list.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: AppName,
    /// Who may set its switch, beside root.
    pub user: String,
    pub(super) switch: AbsolutePath,
    pub(super) a: Loopback,
    pub(super) b: Loopback,
    pub(super) test: Vec<String>,
    pub(super) reload: Vec<String>,
}

/// The same as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    user: String,
    switch: AbsolutePath,
    #[serde(rename = "A")]
    a: Loopback,
    #[serde(rename = "B")]
    b: Loopback,
    #[serde(default = "test", deserialize_with = "config::words")]
    test: Vec<String>,
    #[serde(default = "reload", deserialize_with = "config::words")]
    reload: Vec<String>,
}

fn test() -> Vec<String> {
    ["nginx", "-t", "-q"].map(str::to_owned).into()
}

fn reload() -> Vec<String> {
    ["nginx", "-s", "reload"].map(str::to_owned).into()
}

/// An address of this machine alone: whoever may set the switch cannot send requests elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Loopback(SocketAddr);

impl TryFrom<String> for Loopback {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let here = |it: &SocketAddr| it.ip().is_loopback() && it.port() != 0;
        // nginx knows no `[::1%lo]`.
        let plain = |it: &SocketAddr| *it == SocketAddr::new(it.ip(), it.port());
        let address = text.parse().ok();
        address
            .filter(here)
            .filter(plain)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not an address of an instance; write 127.0.0.1:PORT"))
    }
}

impl From<Loopback> for SocketAddr {
    fn from(address: Loopback) -> Self {
        address.0
    }
}

impl List {
    /// Root's own list, or the one that root names.
    pub fn read(named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or(Path::new(ROOTS_OWN)).to_owned();
        if !path.exists() {
            let problem = format!("there is no list {}; root writes it, see set-switch(1)", path.display());
            return Err(state::Error::Usage(problem).into());
        }
        let text = trust::read(&path)?;
        let wrong = |(line, problem)| state::Error::Configuration { file: path.clone(), line, problem };
        Ok(Self::parse(path.clone(), &text).map_err(wrong)?)
    }

    /// On error the line, if there is one, and what is wrong there.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self, (Option<usize>, String)> {
        Ok(Self { path, apps: parse(text)? })
    }

    pub fn app(&self, name: &AppName) -> Result<&Entry> {
        self.apps.get(name).ok_or_else(|| {
            let problem = format!("`{name}` is not in root's list {}", self.path.display());
            state::Error::Usage(problem).into()
        })
    }

    /// Where the lock is: one for all apps of one nginx.
    pub(super) fn lock_folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if self.path != Path::new(ROOTS_OWN) => folder,
            _ => Path::new("/run/flipside"),
        }
    }
}

fn parse(text: &str) -> Result<BTreeMap<AppName, Entry>, (Option<usize>, String)> {
    let sections: BTreeMap<AppName, Section> = config::parse(text)?;
    let apps = sections.into_iter().map(|(name, section)| {
        let Section { user, switch, a, b, test, reload } = section;
        (name.clone(), Entry { name, user, switch, a, b, test, reload })
    });
    let apps: BTreeMap<_, _> = apps.collect();
    each_has_its_own(&apps).map_err(|problem| (None, problem))?;
    Ok(apps)
}

fn each_has_its_own(apps: &BTreeMap<AppName, Entry>) -> Result<(), String> {
    let mut taken = BTreeMap::new();
    for Entry { name, user, switch, a, b, .. } in apps.values() {
        if user.is_empty() {
            return Err(format!("[{name}] user is empty; name who may set this switch"));
        }
        let (a, b) = (a.0.port(), b.0.port());
        let own = [switch.as_path().display().to_string(), format!("port {a}"), format!("port {b}")];
        for thing in own {
            if let Some(other) = taken.insert(thing.clone(), name) {
                return Err(format!("[{name}] {thing} is there already, in [{other}]; give each its own"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[cafeteria]
user = "potados"
switch = "/etc/nginx/flipside/cafeteria.conf"
A = "127.0.0.1:20201"
B = "127.0.0.1:20202"
[canteen]
user = "potatoes"
switch = "/etc/nginx/flipside/canteen.conf"
A = "127.0.0.1:20211"
B = "[::1]:20212"
reload = ["systemctl", "reload", "nginx"]
"#;

    #[test]
    fn what_is_not_said_is_nginx_itself() {
        let apps = parse(GOOD).unwrap();
        let app = |name: &str| &apps[&AppName::try_from(name.to_owned()).unwrap()];
        assert_eq!(app("cafeteria").reload, ["nginx", "-s", "reload"]);
        assert_eq!(app("canteen").reload, ["systemctl", "reload", "nginx"]);
        assert_eq!(app("canteen").test, ["nginx", "-t", "-q"]);
    }

    #[test]
    fn each_mistake_is_named() {
        let cases = [
            ("user = \"potados\"\n", "", Some(2), "[cafeteria] user is missing"),
            ("\"potados\"", "\"\"", None, "[cafeteria] user is empty; name who may set this switch"),
            (
                "/etc/nginx/flipside/cafeteria.conf",
                "/etc/nginx/../passwd",
                Some(4),
                "[cafeteria] switch: `/etc/nginx/../passwd` must be an absolute path without `..`",
            ),
            (
                "127.0.0.1:20201",
                "10.0.0.1:20201",
                Some(5),
                "[cafeteria] A: `10.0.0.1:20201` is not an address of an instance; write 127.0.0.1:PORT",
            ),
            (
                "127.0.0.1:20201",
                "127.0.0.1:20201; include /etc/shadow",
                Some(5),
                "[cafeteria] A: `127.0.0.1:20201; include /etc/shadow` is not an address of an instance; write 127.0.0.1:PORT",
            ),
            (
                "127.0.0.1:20201",
                "127.0.0.1:20202",
                None,
                "[cafeteria] port 20202 is there already, in [cafeteria]; give each its own",
            ),
            (
                "20211",
                "20201",
                None,
                "[canteen] port 20201 is there already, in [cafeteria]; give each its own",
            ),
            (
                "flipside/canteen.conf",
                "flipside/cafeteria.conf",
                None,
                "[canteen] /etc/nginx/flipside/cafeteria.conf is there already, in [cafeteria]; give each its own",
            ),
            (
                "A = \"127.0.0.1:20201\"",
                "A = \"127.0.0.1:20201\"\nC = \"127.0.0.1:20203\"",
                Some(6),
                "[cafeteria] has no key `C`; there are user, switch, A, B, test, reload",
            ),
        ];
        for (good, bad, line, problem) in cases {
            assert_eq!(parse(&GOOD.replacen(good, bad, 1)).unwrap_err(), (line, problem.to_owned()), "{bad}");
        }
    }
}
