//! Logs of builds and deployments, beyond those that somebody will read.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use state::{Home, IoContext as _, ReleaseId};

use crate::error::Result;
use crate::prune::names_in;
use crate::tree;

/// What a deployment printed is read in the days after it. That it was, and how it ended, stays in deployments.jsonl.
const DEPLOYMENTS: usize = 50;

/// Keeps the logs of these releases, and the newest few of builds that failed and of deployments: they are what is read in
/// the morning.
pub(crate) fn prune(home: &Home, releases: &HashSet<String>, failed_builds: usize) -> Result<()> {
    let (mut failed, mut deployments) = (Vec::new(), Vec::new());
    for name in names_in(&home.logs())? {
        if is_of_deployment(&name) {
            deployments.push(home.logs().join(name));
        } else if let Some(release) = built(&name)
            && !releases.contains(release.as_str())
        {
            failed.push(home.logs().join(name));
        }
    }
    keep_newest(failed, failed_builds)?;
    keep_newest(deployments, DEPLOYMENTS)
}

/// The release whose build wrote `build-<id>.log`.
fn built(name: &str) -> Option<ReleaseId> {
    let id = name.strip_prefix("build-")?.strip_suffix(".log")?;
    ReleaseId::try_from(id.to_owned()).ok()
}

/// `deploy-20261121-024008.log`; what somebody else has put there has another name.
fn is_of_deployment(name: &str) -> bool {
    let id = name.strip_prefix("deploy-").and_then(|name| name.strip_suffix(".log"));
    id.is_some_and(|id| id.len() >= 15 && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

fn keep_newest(paths: Vec<PathBuf>, count: usize) -> Result<()> {
    if paths.len() <= count {
        return Ok(());
    }
    let mut by_age = Vec::new();
    for path in paths {
        let written = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified());
        by_age.push((written.on("cannot read", &path)?, path));
    }
    by_age.sort_unstable();
    by_age.iter().rev().skip(count).try_for_each(|(_, path)| tree::remove(path))
}
