//! What is built, and what of it is in use.

use serde::Serialize;
use state::{App, Home, InstanceName, Manifest, ReleaseId};

use crate::error::Result;

/// A kept release, for `releases`.
#[derive(Debug, Serialize)]
pub struct Kept {
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The instances that point to it.
    pub instances: Vec<InstanceName>,
    pub enabled: bool,
}

/// The releases that no pruning may take: those that instances point to or still run from.
pub fn in_use(home: &Home) -> Vec<ReleaseId> {
    let of = |instance| {
        let running = state::instance::Record::read(home, instance).map(|record| record.release);
        ReleaseId::of_instance(home, instance).into_iter().chain(running)
    };
    InstanceName::BOTH.into_iter().flat_map(of).collect()
}

/// Newest first.
pub fn releases(app: &App) -> Result<Vec<Kept>> {
    let enabled = nginx::Switch::of(app).read()?.enabled();
    let pointed: Vec<_> = InstanceName::BOTH
        .into_iter()
        .filter_map(|instance| Some((instance, ReleaseId::of_instance(&app.home, instance)?)))
        .collect();
    let kept = release::list(&app.home)?.into_iter().map(|manifest| {
        let of_it = pointed.iter().filter(|(_, release)| *release == manifest.id);
        let instances: Vec<_> = of_it.map(|(instance, _)| *instance).collect();
        let enabled = enabled.is_some_and(|enabled| instances.contains(&enabled));
        Kept { manifest, instances, enabled }
    });
    Ok(kept.collect())
}
