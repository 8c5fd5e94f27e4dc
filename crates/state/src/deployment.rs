//! Deployments: the one under way, and those that have ended.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::backwards::Backwards;
use crate::error::{IoContext, Result};
use crate::process::Identity;
use crate::{Home, InstanceName, ReleaseId, file};

/// `run/deploy.json`: what a deployment that was cut off leaves behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Underway {
    pub id: String,
    pub by: String,
    /// `deploy` or `rollback`.
    pub command: String,
    pub revision: Option<String>,
    pub target: InstanceName,
    /// What served when it began.
    pub from: Option<ReleaseId>,
    /// What is to serve, if that was known when it began: a rollback goes to a kept release.
    pub to: Option<ReleaseId>,
    pub started: jiff::Timestamp,
    pub process: Option<Identity>,
}

impl Underway {
    /// One that still runs, or that was cut off.
    pub fn read(home: &Home) -> Option<Self> {
        serde_json::from_slice(&file::read(&home.underway()).ok()?).ok()
    }

    pub fn write(&self, home: &Home) -> Result<()> {
        let text = serde_json::to_vec(self).expect("a deployment is plain data");
        file::replace(&home.underway(), &text, 0o600)
    }

    pub fn remove(home: &Home) -> Result<()> {
        file::remove(&home.underway())
    }

    /// As a person typed it.
    pub fn typed(&self) -> String {
        typed(&self.command, self.revision.as_deref())
    }

    /// Whether it was cut off: the process that led it is gone, and has not written down how it ended.
    pub fn is_interrupted(&self, home: &Home) -> bool {
        let is_concluded =
            || Deployment::last(home, 1).is_ok_and(|last| last.iter().any(|line| line.id == self.id));
        !self.runs() && !is_concluded()
    }

    /// Whether the process that leads it still runs.
    pub fn runs(&self) -> bool {
        self.process.as_ref().is_some_and(Identity::runs)
    }
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Deployed,
    RolledBack,
    /// Before the switch; the service is as it was.
    Failed,
    /// After the switch; the service was put back on the old instance.
    PutBack,
    /// Killed, or the power went.
    Interrupted,
    /// The service is down, or its state is in doubt.
    Down,
}

impl Outcome {
    /// As it is written in `deployments.jsonl` and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
            Self::PutBack => "put-back",
            Self::Interrupted => "interrupted",
            Self::Down => "down",
        }
    }
}

/// One line of `logs/deployments.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
    pub by: String,
    #[serde(default = "deploy")]
    pub command: String,
    pub revision: Option<String>,
    pub target: InstanceName,
    pub from: Option<ReleaseId>,
    pub to: Option<ReleaseId>,
    pub result: Outcome,
    pub reason: Option<String>,
    /// Seconds by step, in their order.
    pub steps: IndexMap<String, f64>,
    pub started: jiff::Timestamp,
    pub seconds: f64,
}

fn deploy() -> String {
    "deploy".into()
}

impl Deployment {
    /// As a person typed it.
    pub fn typed(&self) -> String {
        typed(&self.command, self.revision.as_deref())
    }

    /// The one with this id.
    pub fn find(home: &Home, id: &str) -> Result<Option<Self>> {
        Ok(Self::newest(home, 1, |deployment| deployment.id == id)?.pop())
    }

    pub fn append(&self, home: &Home) -> Result<()> {
        file::folder(&home.logs())?;
        file::append_line(
            &home.deployments(),
            &serde_json::to_string(self).expect("a deployment is plain data"),
        )
    }

    /// The last `count`, oldest first.
    pub fn last(home: &Home, count: usize) -> Result<Vec<Self>> {
        let mut last = Self::newest(home, count, |_| true)?;
        last.reverse();
        Ok(last)
    }

    /// The newest ones that are wanted, at most `count`. A line that cannot be read (torn by a crash) is left out.
    fn newest(home: &Home, count: usize, is_wanted: impl Fn(&Self) -> bool) -> Result<Vec<Self>> {
        let path = home.deployments();
        let mut lines = match file::open(&path).and_then(Backwards::of) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            lines => lines.on("cannot read", &path)?,
        };
        let mut found = Vec::new();
        while found.len() < count
            && let Some(line) = lines.next().on("cannot read", &path)?
        {
            found.extend(Self::in_log(&line).pop().filter(&is_wanted));
        }
        Ok(found)
    }

    /// Those of the lines that are whole. One may be torn anywhere, also within a character.
    pub fn in_log(text: &[u8]) -> Vec<Self> {
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// As a person typed it: the command, and the revision if one was named.
pub fn typed(command: &str, revision: Option<&str>) -> String {
    [command].into_iter().chain(revision).collect::<Vec<_>>().join(" ")
}

/// A name that sorts by time: `20261121-024008`.
pub fn id_at(time: jiff::Timestamp) -> String {
    time.strftime("%Y%m%d-%H%M%S").to_string()
}
