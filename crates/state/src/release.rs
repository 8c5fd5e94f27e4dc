use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{IoContext, Result};
use crate::{Home, InstanceName, file};

/// The name of a release, which is the name of its folder: `v1.3.0-7a94ac4`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ReleaseId(String);

impl ReleaseId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The release that an instance's symlink points to; none while there is no such symlink, or it leads elsewhere.
    pub fn of_instance(home: &Home, instance: InstanceName) -> Option<Self> {
        let target = fs::read_link(home.instance(instance)).ok()?;
        let folder = target.parent()?;
        if folder != Path::new("../releases") && folder != home.releases() {
            return None;
        }
        Self::try_from(target.file_name()?.to_str()?.to_owned()).ok()
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if id.is_empty() || id.starts_with(['.', '-']) || id.len() > 200 || !id.chars().all(plain) {
            return Err(format!("`{id}` is not the name of a release"));
        }
        Ok(Self(id))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What `release.json` in a release's folder tells of it. A folder with a manifest is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub id: ReleaseId,
    /// As it was asked for: `v1.3.0`, or the branch's name.
    pub revision: String,
    /// git's full commit, or the content's hash of a directory.
    pub commit: String,
    /// A hash of the `[build]` section that built it.
    pub build: String,
    /// The key of its dependencies, if `[build.dependencies]` is there.
    pub dependencies: Option<String>,
    pub built: jiff::Timestamp,
    /// How long the build took.
    pub build_seconds: f64,
    /// Size of all of its files, counted once, when it was built.
    pub bytes: u64,
}

impl Manifest {
    pub const FILE: &str = "release.json";

    /// None if there is no whole release in `folder`.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(Self::FILE);
        match file::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).on("cannot read", &path),
        }
    }
}
