//! The instance that a deployment replaces, so that a failed one leaves it as it was.

use std::path::Path;

use state::{App, InstanceName, ReleaseId, file};
use supervise::{Presence, presence, start, stop};

use crate::error::Result;
use crate::step;
use crate::traffic::Service;

/// What the flip side was before a deployment.
#[derive(Clone, Debug)]
pub struct Standby {
    instance: InstanceName,
    release: Option<ReleaseId>,
    ran: bool,
}

impl Standby {
    pub fn of(app: &App, instance: InstanceName) -> Result<Self> {
        let ran = matches!(presence(app, instance)?, Presence::Listening(_) | Presence::Silent);
        Ok(Self { instance, release: ReleaseId::of_instance(&app.home, instance), ran })
    }

    pub fn release(&self) -> Option<&ReleaseId> {
        self.release.as_ref()
    }

    /// Whether it is something else now.
    fn has_changed(&self, app: &App) -> Result<bool> {
        let now = Self::of(app, self.instance)?;
        Ok(now.release != self.release || now.ran != self.ran)
    }

    /// The same, and nobody is served by it.
    pub fn is_to_be_restored(&self, app: &App) -> bool {
        self.has_changed(app).unwrap_or(true)
            && Service::observe(app)
                .is_ok_and(|service| service.may_take_away(app, self.instance, "restore it").is_ok())
    }

    /// Makes it what it was: the same release, as fresh processes if it ran. nginx may have sent users to it for a moment,
    /// and old workers may still do so: they are waited for, unless a second signal says not to. What had to be cut, in words.
    pub fn restore(&self, app: &App) -> Result<Vec<String>> {
        let at_once = |_| stop::stop(app, self.instance, app.config.run.stop_timeout).map(|_| Vec::new());
        let remarks = step::stop(app, self.instance).or_else(at_once)?;
        if let Some(release) = &self.release {
            point(app, self.instance, release)?;
        }
        if self.ran {
            let share = Service::observe(app)?.share_for(app, self.instance);
            start::start(app, self.instance, share)?;
        }
        Ok(remarks)
    }

    /// For people: `B (v1-7a94ac4)`.
    pub fn name(&self) -> String {
        match &self.release {
            Some(release) => format!("{} ({release})", self.instance),
            None => self.instance.to_string(),
        }
    }
}

/// Points the instance to a release, by one rename.
pub(crate) fn point(app: &App, instance: InstanceName, release: &ReleaseId) -> Result<()> {
    let link = app.home.instance(instance);
    if let Some(folder) = link.parent() {
        file::folder(folder)?;
    }
    Ok(file::replace_symlink(&link, &Path::new("../releases").join(release.as_str()))?)
}
