//! One deployment from its beginning to its line in `logs/deployments.jsonl`.

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use indexmap::IndexMap;
use state::deployment::{self, Outcome, Underway};
use state::operator::operator;
use state::process::Identity;
use state::{App, InstanceName, Manifest, ReleaseId, file};

use crate::error::Result;
use crate::hook::Moment;
use crate::standby::Standby;
use crate::traffic::{self, Service};

mod aftermath;
mod before;
mod plan;
mod words;

pub use aftermath::Aftermath;
pub use before::release_before;
pub use plan::{plan, plan_rollback};
pub use words::in_brief;

/// A deployment that is under way: written to `run/deploy.json` until it is concluded.
pub struct Deployment {
    pub id: String,
    /// The instance that gets the new release.
    pub target: InstanceName,
    /// The instance that served when it began.
    pub from: Option<InstanceName>,
    /// What served when it began.
    pub from_release: Option<ReleaseId>,
    /// What is to serve, as soon as it is known.
    pub to: Option<ReleaseId>,
    pub standby: Standby,
    /// Whether the one before was cut off: then nobody knows how much of it was proved.
    pub after_interruption: bool,
    underway: Underway,
    begun: Instant,
}

impl Deployment {
    /// Writes down that it begins. One that was cut off before is concluded as interrupted.
    pub fn begin(
        app: &App,
        service: &Service,
        command: &str,
        revision: Option<&str>,
        to: Option<ReleaseId>,
    ) -> Result<Self> {
        traffic::make_folders(app)?;
        let after_interruption = conclude_interrupted(app)?;
        let started = jiff::Timestamp::now();
        let target = service.flip_side();
        let from = service.enabled();
        let from_release = from.and_then(|from| ReleaseId::of_instance(&app.home, from));
        let underway = Underway {
            id: free_id(app, started),
            by: operator(),
            command: command.to_owned(),
            revision: revision.map(str::to_owned),
            target,
            from: from_release.clone(),
            to: to.clone(),
            started,
            process: Identity::of_this_process(),
        };
        if let Err(error) = underway.write(&app.home) {
            // It may have got its name before the disk refused; and it has not begun.
            let _ = Underway::remove(&app.home);
            return Err(error.into());
        }
        let standby = Standby::of(app, target)?;
        let id = underway.id.clone();
        Ok(Self {
            id,
            target,
            from,
            from_release,
            to,
            standby,
            after_interruption,
            underway,
            begun: Instant::now(),
        })
    }

    /// Whether what served when it began is this release already.
    pub fn serves(&self, release: &Manifest) -> bool {
        self.from_release.as_ref() == Some(&release.id)
    }

    /// Whether the instance that is to serve points to it already.
    pub fn is_at_the_flip_side(&self, release: &Manifest) -> bool {
        self.standby.release() == Some(&release.id)
    }

    /// All that the deployment prints is kept there.
    pub fn log_path(&self, app: &App) -> PathBuf {
        app.home.logs().join(format!("deploy-{}.log", self.id))
    }

    pub fn open_log(&self, app: &App) -> Result<File> {
        Ok(file::open_log(&self.log_path(app))?)
    }

    /// What a hook is told; why it failed, if it has; and whether it is about what the public gets.
    pub fn moment(&self, public: bool, reason: Option<&str>) -> Moment {
        Moment {
            id: self.id.clone(),
            instance: self.target,
            from: self.from_release.clone(),
            to: self.to.clone(),
            reason: reason.map(str::to_owned),
            public,
        }
    }

    /// As what it is written down once all has gone well.
    pub fn success(&self) -> Outcome {
        if self.underway.command == "rollback" { Outcome::RolledBack } else { Outcome::Deployed }
    }

    /// Writes its line, and forgets that it was under way.
    pub fn conclude(
        &self,
        app: &App,
        result: Outcome,
        reason: Option<&str>,
        times: &[(String, f64)],
    ) -> Result<()> {
        let line = deployment::Deployment {
            id: self.id.clone(),
            by: self.underway.by.clone(),
            command: self.underway.command.clone(),
            revision: self.underway.revision.clone(),
            target: self.target,
            from: self.from_release.clone(),
            to: self.to.clone(),
            result,
            reason: reason.map(str::to_owned),
            steps: times.iter().cloned().collect(),
            started: self.underway.started,
            seconds: self.begun.elapsed().as_secs_f64(),
        };
        let written = line.append(&app.home);
        Underway::remove(&app.home)?;
        Ok(written?)
    }

    /// Forgets one that turned out to have nothing to do.
    pub fn abandon(&self, app: &App) -> Result<()> {
        Ok(Underway::remove(&app.home)?)
    }
}

/// Whether a deployment was cut off; it is concluded as such.
fn conclude_interrupted(app: &App) -> Result<bool> {
    let Some(cut_off) = Underway::read(&app.home).filter(|underway| underway.is_interrupted(&app.home))
    else {
        return Ok(false);
    };
    let line = deployment::Deployment {
        id: cut_off.id,
        by: cut_off.by,
        command: cut_off.command,
        revision: cut_off.revision,
        target: cut_off.target,
        from: cut_off.from,
        to: cut_off.to.or_else(|| ReleaseId::of_instance(&app.home, cut_off.target)),
        result: Outcome::Interrupted,
        reason: Some("it was killed, or the machine went down".to_owned()),
        steps: IndexMap::new(),
        started: cut_off.started,
        seconds: 0.0,
    };
    line.append(&app.home)?;
    Underway::remove(&app.home)?;
    Ok(true)
}

/// Two deployments may begin within a second.
fn free_id(app: &App, started: jiff::Timestamp) -> String {
    let id = deployment::id_at(started);
    let taken = |id: &String| app.home.logs().join(format!("deploy-{id}.log")).exists();
    let further = (2..).map(|number| format!("{id}-{number}"));
    std::iter::once(id.clone()).chain(further).find(|id| !taken(id)).unwrap_or(id)
}
