//! From a revision to a release that is ready to run.

use std::time::Instant;

use state::config::WantedRevision;
use state::{App, Manifest, ReleaseId};

use crate::build::Building;
use crate::error::{Error, Result};
use crate::source::{Fetch, Source};
use crate::{dependencies, kept, key, shared, tree};

/// A release that is ready to run.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub manifest: Manifest,
    /// Whether it was built now, or was there already.
    pub built: bool,
    /// What whoever deploys should know, though nothing failed.
    pub notes: Vec<String>,
}

/// What [`prepare`] would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub id: ReleaseId,
    /// Whether it would have to be built.
    pub build: bool,
}

/// Finds the revision, fetches it if need be, and builds it, unless it is built already: the same commit with the same
/// `[build]` and the same shared paths is the same release, by whatever name it was asked for.
pub fn prepare(app: &App, wanted: Option<&WantedRevision>) -> Result<Prepared> {
    let source = Source::of(app, wanted)?;
    let revision = source.resolve(Fetch::IfNeeded)?;
    let build = key::of_build(&app.config);
    if let Some(manifest) = kept::of(&app.home, &revision, &build)? {
        return Ok(Prepared { manifest, built: false, notes: Vec::new() });
    }

    let begun = Instant::now();
    let mut building = Building::begin(app, kept::free_id(&app.home, &revision))?;
    source.export(&revision, building.folder())?;
    if tree::is_there(&building.folder().join(Manifest::FILE)) {
        return Err(Error::OwnManifest);
    }
    let notes: Vec<String> = source.left_out(building.folder()).map(str::to_owned).into_iter().collect();
    notes.iter().try_for_each(|note| building.tell(note))?;
    shared::link(app, building.folder())?;
    building.hook("pre-build")?;
    let dependencies = dependencies::provide(&mut building, &revision.name)?;
    if let Some(command) = &app.config.build.command {
        building.run(command)?;
    }
    building.hook("post-build")?;

    let manifest = Manifest {
        id: building.id.clone(),
        revision: revision.name,
        commit: revision.commit,
        build,
        dependencies,
        built: jiff::Timestamp::now(),
        build_seconds: begun.elapsed().as_secs_f64(),
        bytes: tree::bytes(building.folder())?,
    };
    building.finish(&manifest)?;
    Ok(Prepared { manifest, built: true, notes })
}

/// What [`prepare`] would do, without a change: the repository is asked, and nothing is fetched.
pub fn plan(app: &App, wanted: Option<&WantedRevision>) -> Result<Planned> {
    let revision = Source::of(app, wanted)?.resolve(Fetch::Never)?;
    Ok(match kept::of(&app.home, &revision, &key::of_build(&app.config))? {
        Some(manifest) => Planned { id: manifest.id, build: false },
        None => Planned { id: kept::free_id(&app.home, &revision), build: true },
    })
}
