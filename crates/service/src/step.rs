//! The steps that commands take with one instance, each as one call.

use std::panic::resume_unwind;
use std::thread;

use nginx::{Rehearsed, Switch};
use release::{Planned, Prepared};
use state::config::WantedRevision;
use state::duration::in_words;
use state::{App, InstanceName, Manifest, ReleaseId};
use supervise::start::Started;
use supervise::{Presence, drain, presence, rehearse, start, stop};

use crate::connect;
use crate::error::Result;
use crate::reach::{let_nginx_in, what_nginx_lacks};
use crate::standby::point;
use crate::traffic::{self, Service};

/// What [`update`] did.
pub struct Updated {
    /// None if the enabled instance runs this release with this configuration already.
    pub release: Option<Manifest>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Which release an instance is to get.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// What `[source] revision` says.
    Configured,
    Revision(WantedRevision),
    /// One that is kept, by its id or a beginning of it: nothing is fetched or built.
    Kept(String),
}

impl Wanted {
    /// `beside` is called when a build is about to begin.
    fn prepare(&self, app: &App, beside: impl FnOnce()) -> Result<Prepared> {
        let words = || {
            beside();
            supervise::words_before_a_build(app)
        };
        match self.revision() {
            Ok(revision) => Ok(release::prepare(app, revision, words)?),
            Err(kept) => {
                Ok(Prepared { manifest: release::find(&app.home, kept)?, built: false, notes: Vec::new() })
            }
        }
    }

    fn plan(&self, app: &App) -> Result<Planned> {
        match self.revision() {
            Ok(revision) => Ok(release::plan(app, revision)?),
            Err(kept) => Ok(Planned { id: release::find(&app.home, kept)?.id, build: false }),
        }
    }

    /// The revision to look for, or the name of a kept release.
    fn revision(&self) -> Result<Option<&WantedRevision>, &str> {
        match self {
            Self::Configured => Ok(None),
            Self::Revision(revision) => Ok(Some(revision)),
            Self::Kept(name) => Err(name),
        }
    }
}

/// Fetches and builds; only then the instance is stopped and pointed at the release.
pub fn update(app: &App, instance: InstanceName, wanted: &Wanted, if_new: bool) -> Result<Updated> {
    traffic::make_folders(app)?;
    supervise::end_builds(&app.home);
    let (Prepared { manifest, mut notes, .. }, rehearsed) = prepare(app, instance, wanted)?;
    if if_new && is_served(app, &manifest)? {
        return Ok(Updated { release: None, remarks: notes });
    }
    // What would keep it from starting is found before anything is stopped for it.
    rehearsed.unwrap_or_else(|| rehearse(app, instance))?;
    notes.extend(stop(app, instance)?);
    point(app, instance, &manifest.id)?;
    Ok(Updated { release: Some(manifest), remarks: notes })
}

/// A store of secrets, which may be far away, is asked while a release is built: what came of the rehearsal then.
fn prepare(
    app: &App,
    instance: InstanceName,
    wanted: &Wanted,
) -> Result<(Prepared, Option<supervise::Result<()>>)> {
    thread::scope(|scope| {
        let mut rehearsal = None;
        // Where the machine has no thread left, it is asked afterwards.
        let begin =
            || rehearsal = thread::Builder::new().spawn_scoped(scope, || rehearse(app, instance)).ok();
        let prepared = wanted.prepare(app, begin)?;
        let rehearsed = rehearsal.map(|it| it.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok((prepared, rehearsed))
    })
}

fn is_served(app: &App, manifest: &Manifest) -> Result<bool> {
    let Some(enabled) = Switch::of(app).read()?.enabled() else { return Ok(false) };
    let same = ReleaseId::of_instance(&app.home, enabled).as_ref() == Some(&manifest.id);
    Ok(same && start::is_current(app, enabled)? && connect::may_connect(app, enabled).is_ok())
}

/// Waits until nginx holds no connection to the instance, and none of its old workers can open one; how many are left
/// when `[nginx] drain_timeout` is over.
pub fn drain(app: &App, instance: InstanceName) -> Result<usize> {
    Ok(drain::drain(app, instance, app.config.nginx.drain_timeout, nginx::linger(app))?)
}

/// Drains, then stops; what had to be cut or killed, in words.
pub fn stop(app: &App, instance: InstanceName) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    // One that does not run has nothing to lose.
    let runs = presence(app, instance)? != Presence::Stopped;
    let left = if runs { drain(app, instance)? } else { 0 };
    if left > 0 {
        let within = in_words(app.config.nginx.drain_timeout);
        let connections = counted(left, "connection", "connections");
        remarks.push(format!("{connections} to {instance} still open after {within}, and cut"));
    }
    let timeout = app.config.run.stop_timeout;
    if let stop::Stopped::Killed { processes, after } = stop::stop(app, instance, timeout)? {
        let within = in_words(after);
        let signal = app.config.run.stop_signal;
        let processes = counted(processes, "process", "processes");
        remarks
            .push(format!("{processes} of {instance} ran on {within} after {signal}, and had to be killed"));
    }
    Ok(remarks)
}

pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What [`update`] would do. Nothing is fetched for it.
pub fn plan_update(
    app: &App,
    service: &Service,
    instance: InstanceName,
    wanted: &Wanted,
) -> Result<Vec<String>> {
    service.may_take_away(app, instance, "update it")?;
    let Planned { id, build } = wanted.plan(app)?;
    let prepare = if build { format!("fetch and build {id}") } else { format!("{id} is built already") };
    let mut steps = vec![prepare];
    if presence(app, instance)? != Presence::Stopped {
        steps.extend(plan_stop(app, service, instance)?);
    }
    steps.push(format!("point {} to releases/{id}", app.home.instance(instance).display()));
    Ok(steps)
}

/// What [`stop`] would do.
pub fn plan_stop(app: &App, service: &Service, instance: InstanceName) -> Result<Vec<String>> {
    service.may_take_away(app, instance, "stop it")?;
    let (drain, stop) = (in_words(app.config.nginx.drain_timeout), in_words(app.config.run.stop_timeout));
    let open = drain::connections(app, instance)?;
    let signal = app.config.run.stop_signal;
    Ok(match presence(app, instance)? {
        Presence::Stopped => vec![format!("nothing: {instance} does not run")],
        Presence::Foreign(holder) => return Err(supervise::Error::foreign(app, instance, holder).into()),
        Presence::Listening(_) | Presence::Silent => vec![
            format!("drain {instance}: wait at most {drain} for {open} connections"),
            format!("send {signal} to all of its processes, and SIGKILL after {stop}"),
        ],
    })
}

/// What [`start`] would do.
pub fn plan_start(app: &App, instance: InstanceName) -> Result<Vec<String>> {
    let release = ReleaseId::of_instance(&app.home, instance).ok_or(supervise::Error::NoRelease(instance))?;
    Ok(match presence(app, instance)? {
        Presence::Foreign(holder) => return Err(supervise::Error::foreign(app, instance, holder).into()),
        Presence::Stopped => {
            let start = format!(
                "start {instance} ({release}) on {}: {}",
                app.address(instance).in_words(),
                app.config.run.command
            );
            let wait =
                format!("wait at most {} until it is healthy", in_words(app.config.health.start_timeout));
            let grants = what_nginx_lacks(app, &Service::observe(app)?);
            grants.iter().map(ToString::to_string).chain([start, wait]).collect()
        }
        Presence::Listening(_) | Presence::Silent => {
            vec![format!("nothing but wait until {instance} is healthy: it runs")]
        }
    })
}

/// Starts it; what the operator should know of how it runs.
pub fn start(app: &App, instance: InstanceName) -> Result<Option<String>> {
    traffic::make_folders(app)?;
    let service = Service::observe(app)?;
    // An instance that nginx does not reach is no failure of its start: connect-to-nginx finds it.
    let unreachable = let_nginx_in(app, &service).err();
    let remark = match start::start(app, instance, service.share_for(app, instance))? {
        Started::Now(remark) => remark,
        Started::Already => None,
    };
    let remarks: Vec<_> = remark.into_iter().chain(unreachable).collect();
    Ok(Some(remarks.join("\n")).filter(|remarks| !remarks.is_empty()))
}

/// Tries whether nginx could be made to serve the instance. If that `must_be_fit`, an error if it would fail the requests that
/// it would get, or if somebody else would get them.
pub fn rehearse_connection(app: &App, instance: InstanceName, must_be_fit: bool) -> Result<Rehearsed> {
    connect::rehearse(app, instance, must_be_fit)
}

/// Makes nginx serve what was rehearsed; what the operator should know of it.
pub fn connect(app: &App, rehearsed: Rehearsed) -> Result<Vec<String>> {
    connect::connect_rehearsed(app, rehearsed)
}
