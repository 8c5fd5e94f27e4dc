//! Values of the configuration that mean more than their text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::Deserialize;

use super::Style;
use crate::{AbsolutePath, RelativePath};

/// What to deploy: `tag:GLOB`, `branch:NAME`, or what git resolves (a tag, a branch, a commit).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum WantedRevision {
    /// The newest tag that matches, by version order.
    NewestTag(String),
    Branch(String),
    Named(String),
}

impl TryFrom<String> for WantedRevision {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for WantedRevision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name): (fn(String) -> Self, _) = match text.split_once(':') {
            Some(("tag", glob)) => (Self::NewestTag, glob),
            Some(("branch", name)) => (Self::Branch, name),
            _ => (Self::Named, text),
        };
        // What git allows in a name (git-check-ref-format(1)), and `*?[` for a glob; never an option.
        let bad = |c: char| c.is_control() || " ~^:\\".contains(c);
        if text.len() > 250 {
            return Err("a revision of more than 250 characters is none of git's".to_owned());
        }
        if name.is_empty() || name.starts_with('-') || name.contains("..") || name.contains(bad) {
            return Err(format!(
                "`{text}` is not a revision; write tag:GLOB, branch:NAME, a tag, a branch or a commit"
            ));
        }
        Ok(kind(name.to_owned()))
    }
}

impl fmt::Display for WantedRevision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NewestTag(glob) => write!(f, "tag:{glob}"),
            Self::Branch(name) => write!(f, "branch:{name}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// The path of a request, with its query: begins with `/`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HttpPath(String);

impl HttpPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HttpPath {
    fn default() -> Self {
        Self("/".into())
    }
}

impl TryFrom<String> for HttpPath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("`{path}` is not a path; it begins with / and holds no spaces"));
        }
        Ok(Self(path))
    }
}

/// HTTP statuses: `200`, `200-399`, `200,204`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StatusSet {
    text: String,
    ranges: Vec<(u16, u16)>,
}

impl StatusSet {
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

impl Default for StatusSet {
    fn default() -> Self {
        Self { text: "200".into(), ranges: vec![(200, 200)] }
    }
}

impl TryFrom<String> for StatusSet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let status = |text: &str| text.trim().parse().ok().filter(|status| (100..=599).contains(status));
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((status(first)?, status(last)?)).filter(|(first, last)| first <= last)
        };
        let ranges: Option<_> = text.split(',').map(range).collect();
        let ranges = ranges.ok_or_else(|| {
            format!("`{text}` is not a set of HTTP statuses; write 200, 200-399 or 200,204")
        })?;
        Ok(Self { text, ranges })
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The check server's address: loopback only, since it is for this machine's flipside alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CheckServer(SocketAddr);

impl CheckServer {
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl TryFrom<String> for CheckServer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = || -> Option<SocketAddr> {
            let rest = text.strip_prefix("http://")?;
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            match rest.strip_prefix("localhost:") {
                Some(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?)),
                None => rest.parse().ok(),
            }
        };
        let here = |address: &SocketAddr| address.ip().is_loopback() && address.port() != 0;
        // A URL has no `[::1%lo]`.
        let plain = |address: &SocketAddr| *address == SocketAddr::new(address.ip(), address.port());
        address().filter(here).filter(plain).map(Self).ok_or_else(|| {
            format!("`{text}` is not a check server on this machine; write it as http://127.0.0.1:PORT")
        })
    }
}

impl fmt::Display for CheckServer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// Where the switch is: below the home or, if root writes it, anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SwitchPath {
    InTheHome(RelativePath),
    Roots(AbsolutePath),
}

impl SwitchPath {
    pub fn as_path(&self) -> &Path {
        match self {
            Self::InTheHome(path) => path.as_path(),
            Self::Roots(path) => path.as_path(),
        }
    }
}

impl From<Style> for SwitchPath {
    /// Where it is when nobody says.
    fn from(style: Style) -> Self {
        let path = match style {
            Style::Upstream => "nginx/upstream.conf",
            Style::Socket => "run/current.sock",
        };
        Self::try_from(path.to_owned()).expect("a path inside the home")
    }
}

impl TryFrom<String> for SwitchPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('/') {
            AbsolutePath::try_from(text).map(Self::Roots)
        } else {
            RelativePath::try_from(text).map(Self::InTheHome)
        }
    }
}

/// The signal that asks an instance to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Signal {
    #[default]
    Term,
    Int,
    Quit,
    Hup,
    Usr1,
    Usr2,
}

impl TryFrom<String> for Signal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(match text.strip_prefix("SIG").unwrap_or(&text) {
            "TERM" => Self::Term,
            "INT" => Self::Int,
            "QUIT" => Self::Quit,
            "HUP" => Self::Hup,
            "USR1" => Self::Usr1,
            "USR2" => Self::Usr2,
            _ => {
                return Err(format!(
                    "`{text}` is not a stop signal; write TERM, INT, QUIT, HUP, USR1 or USR2"
                ));
            }
        })
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let set = |text: &str| StatusSet::try_from(text.to_owned());
        assert!(set("200-399").unwrap().contains(302));
        assert!(set("200,204").unwrap().contains(204));
        assert!(!set("200, 204").unwrap().contains(201));
        for text in ["", "2xx", "399-200", "99", "200-", "600"] {
            assert!(set(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_check_server_is_on_this_machine() {
        let check = |text: &str| CheckServer::try_from(text.to_owned());
        assert_eq!(check("http://localhost:20200"), check("http://127.0.0.1:20200/"));
        assert!(check("http://[::1]:20200").is_ok());
        for text in [
            "http://10.0.0.1:80",
            "https://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1",
            "http://localhost:x",
            "http://localhost:0",
            "http://[::1%1]:80",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn revisions() {
        assert_eq!("tag:v*".parse(), Ok(WantedRevision::NewestTag("v*".into())));
        assert_eq!("branch:main".parse(), Ok(WantedRevision::Branch("main".into())));
        assert_eq!("v1.2".parse(), Ok(WantedRevision::Named("v1.2".into())));
        for text in ["", "tag:", "-v", "--upload-pack=x", "a b", "a..b", "x:y"] {
            assert!(text.parse::<WantedRevision>().is_err(), "{text}");
        }
    }
}
