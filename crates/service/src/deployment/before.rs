//! Where a rollback goes.

use state::deployment::{Deployment, Outcome, Underway};
use state::{App, Manifest, ReleaseId};

use crate::error::{Error, Result};
use crate::traffic::Service;

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
    let log = Deployment::last(&app.home, 100)?;
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
