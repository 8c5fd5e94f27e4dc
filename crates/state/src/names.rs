//! The names of things, parsed once at the edge.

use std::fmt;
use std::num::NonZeroU16;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the two copies of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InstanceName {
    A,
    B,
}

impl InstanceName {
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The flip side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

impl FromStr for InstanceName {
    type Err = String;

    /// `A`, `a`, `instanceA` and `instance-a` are the same instance.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let letter = lower.strip_prefix("instance").unwrap_or(&lower);
        match letter.strip_prefix('-').unwrap_or(letter) {
            "a" => Ok(Self::A),
            "b" => Ok(Self::B),
            _ => Err(format!("`{text}` is not an instance; there are A and B")),
        }
    }
}

/// A TCP port on which an instance listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl Port {
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<u16> for Port {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        NonZeroU16::new(number).map(Self).ok_or_else(|| "0 is not a port; write one from 1 to 65535".into())
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        u16::try_from(number).ok().and_then(|number| Self::try_from(number).ok()).ok_or_else(|| {
            serde::de::Error::custom(format!("{number} is not a port; write one from 1 to 65535"))
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A process's number; worth nothing without what makes it that process ([`crate::process::Identity`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of an app: letters, digits, `-` and `_`, since it becomes a part of names of files, units and upstreams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AppName(String);

impl FromStr for AppName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl TryFrom<String> for AppName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
            return Err(format!("`{name}` cannot be an app's name; use letters, digits, - and _"));
        }
        if name.len() > 64 {
            return Err("an app's name has at most 64 characters".to_owned());
        }
        Ok(Self(name))
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A path below the home or below a release: relative, and never out of it by `..`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RelativePath(PathBuf);

impl RelativePath {
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl TryFrom<String> for RelativePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let path = Path::new(&text);
        let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if text.is_empty() || !stays || text.contains(char::is_control) || path.file_name().is_none() {
            return Err(format!("`{text}` must be a relative path that stays inside the folder"));
        }
        Ok(Self(path.components().filter(|part| *part != Component::CurDir).collect()))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A path from the root on that goes there straight: no `..`, and nothing that could end a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for AbsolutePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for AbsolutePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let path = Path::new(&text);
        let straight = path.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
        if !path.is_absolute() || !straight || text.contains(char::is_control) || path.file_name().is_none() {
            return Err(format!("`{text}` must be an absolute path without `..`"));
        }
        Ok(Self(path.components().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_many_spellings() {
        for text in ["A", "a", "instanceA", "instance-a", "InstanceA"] {
            assert_eq!(text.parse(), Ok(InstanceName::A), "{text}");
        }
        for text in ["", "c", "instance", "AA", "-"] {
            assert!(text.parse::<InstanceName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_relative_path_stays_inside() {
        for text in ["env", "nginx/upstream.conf", "./a/b"] {
            assert!(RelativePath::try_from(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", ".", "..", "../env", "a/../../b", "/etc/passwd", "a/.."] {
            assert!(RelativePath::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_absolute_path_goes_straight() {
        assert!(AbsolutePath::try_from("/etc/nginx//flipside/./cafeteria.conf".to_owned()).is_ok());
        for text in ["", "/", "etc/passwd", "/etc/..", "/etc/../root/x", "/etc/a\nb"] {
            assert!(AbsolutePath::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
