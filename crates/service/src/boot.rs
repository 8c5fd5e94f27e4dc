//! After a boot, or from cron: the enabled instance runs and is live; if its release cannot start, the other one.

use state::{App, InstanceName};
use supervise::start;

use crate::error::{Error, Result};
use crate::traffic::{self, Service};

/// What had to be done; nothing if all was well.
pub fn bring_up(app: &App) -> Result<Vec<String>> {
    traffic::make_folders(app)?;
    supervise::end_builds(&app.home);
    let service = Service::observe(app)?;
    if let Some(problem) = service.setting.problem() {
        return Err(Error::Switch(problem));
    }
    let enabled = service.enabled().ok_or(Error::NothingEnabled)?;
    let mut done = Vec::new();
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
    service.must_have_nginx()?;
    if service.live.instance() != Some(serving) {
        if let Some(remark) =
            traffic::connect(app, serving).map_err(|error| Error::Down(error.to_string()))?
        {
            done.push(remark.to_owned());
        }
        done.push(format!("nginx serves {serving}"));
    }
    Ok(done)
}

/// What [`bring_up`] would do.
pub fn plan(app: &App) -> Result<Vec<String>> {
    let service = Service::observe(app)?;
    let enabled = service.enabled().ok_or(Error::NothingEnabled)?;
    let mut steps = Vec::new();
    if Service::may_connect(app, enabled).is_err() {
        steps.push(format!("start {enabled}; if it does not become healthy, {}", enabled.other()));
    }
    if service.live.instance() != Some(enabled) {
        steps.push(format!("make nginx serve {enabled}"));
    }
    Ok(steps)
}

fn bring_up_instance(app: &App, instance: InstanceName, done: &mut Vec<String>) -> Result<()> {
    if start::start(app, instance)? == start::Started::Now {
        done.push(format!("{instance} was started"));
    }
    Ok(())
}
