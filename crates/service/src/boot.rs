//! After a boot, or from cron: the enabled instance runs and is live; if its release cannot start, the other one.

use std::thread;
use std::time::{Duration, Instant};

use nginx::{Live, Switch};
use state::{App, InstanceName, interrupt};
use supervise::{Seen, Share, health, listener, start};

use crate::connect::{connect, may_connect};
use crate::error::{Error, Result};
use crate::reach::let_nginx_in;
use crate::traffic::{self, Service};

const POLL: Duration = Duration::from_millis(100);

/// Whether there is nothing to do: the enabled instance is healthy and live, and its start was not cut off. It costs a few
/// questions and no lock, so that a watchman may ask every minute, also while a deployment runs.
pub fn is_well(app: &App) -> Result<bool> {
    let service = Service::observe(app)?;
    let Some(enabled) = service.enabled() else { return Ok(false) };
    Ok(is_served(&service, enabled)
        && Switch::of(app).is_noted(enabled)
        && health::probe(app, enabled).healthy()
        && matches!(listener(app, enabled)?, Seen::Ours(_))
        && start::is_recorded(app, enabled)
        && !supervise::has_small_share(app, enabled))
}

/// What had to be done; nothing if all was well.
pub fn bring_up(app: &App) -> Result<Vec<String>> {
    traffic::make_folders(app)?;
    supervise::end_builds(&app.home);
    let service = Service::observe(app)?;
    if let Some(problem) = service.setting.problem() {
        return Err(Error::Switch(problem));
    }
    let mut done = Vec::new();
    let enabled = to_serve(app, &service)?;
    if service.enabled().or(service.live.instance()).is_none() {
        done.push(format!("the switch is gone; {enabled} was the last that it served"));
    }
    // The folder of the sockets may be new. Before nginx runs this cannot be done; then connect finds it.
    let _ = let_nginx_in(app, &service);
    let serving = match bring_up_instance(app, enabled, &mut done) {
        Ok(()) => enabled,
        Err(error) => {
            let other = enabled.other();
            done.push(format!("{enabled} cannot serve: {error}"));
            done.extend(error.quoted().iter().map(|line| format!("  | {line}")));
            bring_up_instance(app, other, &mut done).map_err(|second| {
                Error::Down(format!("{enabled} cannot be started: {error}; nor can {other}: {second}"))
            })?;
            other
        }
    };
    // Somebody may have made it serve by hand.
    done.extend(supervise::give_back(app, serving));
    let service = wait_for_nginx(app)?;
    if !is_served(&service, serving) {
        match connect(app, serving) {
            Ok(remarks) => done.extend(remarks),
            Err(error) => return Err(how_bad(app, error)),
        }
        done.push(format!("nginx serves {serving}"));
    }
    Switch::of(app).note()?;
    Ok(done)
}

/// Whom the switch serves. One that somebody has emptied is mended for whom nginx still serves, and one that is gone with
/// `run/` for whom it served.
fn to_serve(app: &App, service: &Service) -> Result<InstanceName> {
    let known = service.enabled().or(service.live.instance()).or_else(|| Switch::of(app).noted());
    known.ok_or(Error::NothingEnabled)
}

/// After a boot it may come later than we do.
fn wait_for_nginx(app: &App) -> Result<Service> {
    let deadline = Instant::now() + app.config.nginx.apply_timeout;
    loop {
        let service = Service::observe(app)?;
        match service.must_have_nginx() {
            Ok(()) => return Ok(service),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => interrupt::check()?,
        }
        thread::sleep(POLL);
    }
}

/// As far as one can tell: without a check server, nginx serves what is enabled since its start.
fn is_served(service: &Service, instance: InstanceName) -> bool {
    match &service.live {
        Live::Unknown | Live::Mute(_) => service.enabled() == Some(instance),
        live => live.instance() == Some(instance) && service.enabled() == Some(instance),
    }
}

/// That the switch could not be finished is bad, but the service is only down if nobody healthy is live.
fn how_bad(app: &App, error: Error) -> Error {
    let live = Service::observe(app).ok().and_then(|service| service.live.instance());
    match live.filter(|live| may_connect(app, *live).is_ok()) {
        Some(live) => Error::NotFinished { live, cause: Box::new(error) },
        None => Error::Down(error.to_string()),
    }
}

/// What [`bring_up`] would do.
pub fn plan(app: &App) -> Result<Vec<String>> {
    let service = Service::observe(app)?;
    let enabled = to_serve(app, &service)?;
    let mut steps = Vec::new();
    if may_connect(app, enabled).is_err() {
        steps.push(format!("start {enabled}; if it does not become healthy, {}", enabled.other()));
    }
    if !is_served(&service, enabled) {
        steps.push(format!("make nginx serve {enabled}"));
    }
    Ok(steps)
}

fn bring_up_instance(app: &App, instance: InstanceName, done: &mut Vec<String>) -> Result<()> {
    if let start::Started::Now(remark) = start::start(app, instance, Share::Full)? {
        done.extend(remark);
        done.push(format!("{instance} was started"));
    }
    Ok(())
}
