//! One deployment from its beginning to its line in `logs/deployments.jsonl`.

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use indexmap::IndexMap;
use nginx::Live;
use release::Planned;
use state::config::{Old, WantedRevision};
use state::deployment::{self, Outcome, Underway};
use state::duration::in_words;
use state::operator::operator;
use state::process::Identity;
use state::{App, Exit, InstanceName, Manifest, ReleaseId, file};

use crate::error::{Error, Result};
use crate::standby::Standby;
use crate::traffic::{self, Service};

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

/// How the service is after a failure, as seen in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// What served before serves.
    AsBefore,
    /// It does not, or nobody knows; why.
    InDoubt(String),
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

    /// For people: `A (v1-0c1d2e3)`.
    pub fn former(&self) -> String {
        match (&self.from, &self.from_release) {
            (Some(from), Some(release)) => format!("{from} ({release})"),
            (Some(from), None) => from.to_string(),
            (None, _) => "nobody".to_owned(),
        }
    }

    /// The same of what it deploys.
    pub fn newcomer(&self) -> String {
        match &self.to {
            Some(release) => format!("{} ({release})", self.target),
            None => self.target.to_string(),
        }
    }

    /// Whether the service is as it was when the deployment began.
    pub fn aftermath(&self, app: &App) -> Result<Aftermath> {
        let now = Service::observe(app)?;
        if now.enabled() != self.from {
            let enabled = now.enabled().map_or("nobody".to_owned(), |instance| instance.to_string());
            return Ok(Aftermath::InDoubt(format!("{enabled} is enabled instead of {}", self.former())));
        }
        let served = match (&now.live, self.from) {
            (Live::Unknown, _) | (Live::Nobody, None) => true,
            (live, from) => live.instance() == from && from.is_some(),
        };
        if !served {
            return Ok(Aftermath::InDoubt(format!(
                "{} should serve, but {}",
                self.former(),
                now.live.in_words()
            )));
        }
        match self.from.and_then(|from| supervise::health::probe(app, from).problem) {
            Some(problem) => {
                Ok(Aftermath::InDoubt(format!("{} is not healthy: it {problem}", self.former())))
            }
            None => Ok(Aftermath::AsBefore),
        }
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

impl Aftermath {
    /// The exit status and the outcome of a deployment that failed, before the switch or after it.
    pub fn judge(&self, after_the_switch: bool) -> (Exit, Outcome) {
        match (self, after_the_switch) {
            (Self::InDoubt(_), _) => (Exit::Down, Outcome::Down),
            (Self::AsBefore, true) => (Exit::PutBack, Outcome::PutBack),
            (Self::AsBefore, false) => (Exit::No, Outcome::Failed),
        }
    }
}

/// What a deployment would do, step by step, and what each would act on.
pub fn plan(app: &App, service: &Service, wanted: Option<&WantedRevision>) -> Result<Vec<String>> {
    let target = service.flip_side();
    let Planned { id, build } = release::plan(app, wanted)?;
    let named = wanted.map(|revision| format!(" {revision}")).unwrap_or_default();
    let mut steps = vec![
        format!(
            "update-instance {target}{named}: {} {id}; stop {target} and point it there",
            if build { "build" } else { "take the built" }
        ),
        format!(
            "start-instance {target}: on {}, healthy within {}",
            app.address(target).in_words(),
            in_words(app.config.health.start_timeout)
        ),
    ];
    steps.extend(plan_switch_over(app, service));
    let keep = app.config.source.keep;
    steps.push(format!("releases --prune: keep {keep} beside those in use"));
    Ok(steps)
}

/// What a rollback would do, step by step.
pub fn plan_rollback(app: &App, service: &Service, release: &Manifest) -> Vec<String> {
    let target = service.flip_side();
    let there = ReleaseId::of_instance(&app.home, target).as_ref() == Some(&release.id);
    let update = (!there).then(|| format!("update-instance {target} {} --kept", release.id));
    let start = if there && supervise::health::probe(app, target).healthy() {
        format!("start-instance {target}: it runs and is healthy")
    } else {
        format!(
            "start-instance {target}: on {}, healthy within {}",
            app.address(target).in_words(),
            in_words(app.config.health.start_timeout)
        )
    };
    update.into_iter().chain([start]).chain(plan_switch_over(app, service)).collect()
}

fn plan_switch_over(app: &App, service: &Service) -> Vec<String> {
    let target = service.flip_side();
    let hook = |name: &str| app.home.hook(name).exists().then(|| format!("hook {name}"));
    let mut steps = Vec::new();
    steps.extend(hook("pre-connect"));
    steps.push(format!("connect-to-nginx {target}: {}", app.switch().display()));
    steps.extend(hook("post-connect"));
    if !app.config.deploy.observe.is_zero() {
        steps.push(format!("watch {target} for {}", in_words(app.config.deploy.observe)));
    }
    if let (Old::Stop, Some(old)) = (app.config.deploy.old, service.enabled()) {
        steps.push(format!("drain-instance {old}, stop-instance {old}"));
    }
    steps
}

/// The release that `rollback` goes back to: the one that is named, or that a rollback which was cut off was going to, or
/// else the one before.
pub fn release_before(app: &App, service: &Service, named: Option<&str>) -> Result<Manifest> {
    if let Some(name) = named {
        return Ok(release::find(&app.home, name)?);
    }
    let cut_off = Underway::read(&app.home)
        .filter(|underway| underway.is_interrupted(&app.home) && underway.command == "rollback");
    let serving = service.enabled().and_then(|enabled| ReleaseId::of_instance(&app.home, enabled));
    let standby = ReleaseId::of_instance(&app.home, service.flip_side())
        .filter(|standby| Some(standby) != serving.as_ref());
    let candidates =
        [cut_off.and_then(|cut_off| cut_off.to), before_the_last(app, serving.as_ref())?, standby];
    for id in candidates.into_iter().flatten() {
        if let Some(whole) = Manifest::read(&app.home.release(&id))? {
            return Ok(whole);
        }
    }
    Err(Error::NothingBefore)
}

/// What served before what serves now, if that came by a deployment and nobody has swapped the instances since. (The flip
/// side may have been used for something else.) The same release may have been deployed again, as after one that was
/// cut off when it served already.
fn before_the_last(app: &App, serving: Option<&ReleaseId>) -> Result<Option<ReleaseId>> {
    let log = deployment::Deployment::last(&app.home, 100)?;
    let mut led_here = log
        .into_iter()
        .rev()
        .filter(|line| match line.result {
            Outcome::Deployed | Outcome::RolledBack => true,
            Outcome::Interrupted => line.to.as_ref() == serving,
            _ => false,
        })
        .take_while(|line| line.to.as_ref() == serving);
    Ok(led_here.find_map(|line| line.from.filter(|from| Some(from) != serving)))
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

/// What an agent's output of some 2,000 characters has room for, beside the steps and the verdict.
const ROOM: usize = 1_200;

/// The first line, which tells what failed, and of those after it as many of the last as there is room for.
pub fn in_brief(words: &[String]) -> Vec<String> {
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let mut room = ROOM.saturating_sub(first.len());
    let fits = rest.iter().rev().take_while(|line| {
        let fits = line.len() < room;
        room = room.saturating_sub(line.len() + 1);
        fits
    });
    let kept = fits.count();
    std::iter::once(first).chain(&rest[rest.len() - kept..]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_brief_the_cause_and_the_end_remain() {
        let words: Vec<_> = (0..100).map(|number| format!("line {number} {}", "x".repeat(100))).collect();
        let brief = in_brief(&words);
        assert_eq!(brief.first(), words.first());
        assert_eq!(brief.last(), words.last());
        assert!(brief.iter().map(|line| line.len() + 1).sum::<usize>() <= ROOM + 1);
    }
}
