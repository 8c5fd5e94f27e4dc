//! From a revision to a release that is ready to run.

use std::time::Instant;

use state::config::WantedRevision;
use state::{App, Manifest, ReleaseId};

use crate::build::Building;
use crate::dependencies::{self, Manner};
use crate::error::{Error, Result};
use crate::source::{Fetch, Revision, Source};
use crate::{kept, key, shared, tree};

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
///
/// `within` is asked only if something is built: words before a command of `[build]`, by which others make room for it.
pub fn prepare(
    app: &App,
    wanted: Option<&WantedRevision>,
    within: impl FnOnce() -> Vec<String>,
) -> Result<Prepared> {
    let source = Source::of(app, wanted)?;
    let revision = source.resolve(Fetch::IfNeeded)?;
    let build = key::of_build(&app.config);
    if let Some(manifest) = kept::of(&app.home, &revision, &build)? {
        return Ok(Prepared { manifest, built: false, notes: Vec::new() });
    }

    let within = if app.config.build.runs_something() { within() } else { Vec::new() };
    let mut building = Building::begin(app, kept::free_id(&app.home, &revision), within)?;
    let manner = Manner::of(&building);
    let (notes, manifest) = match fill(&mut building, &source, &revision, &build, manner) {
        Err(Error::Build { .. }) if building.was_refused_a_change() => {
            building.begin_anew(TO_BE_CHANGED)?;
            let (mut notes, manifest) =
                fill(&mut building, &source, &revision, &build, Manner::CopiedToBeChanged)?;
            notes.push(TO_BE_CHANGED.to_owned());
            (notes, manifest)
        }
        filled => filled?,
    };
    building.finish(&manifest)?;
    Ok(Prepared { manifest, built: true, notes })
}

const TO_BE_CHANGED: &str = "the build may not change the dependencies that it shares with another release; it got a copy of \
    its own: with reuse = \"copy\" in [build.dependencies] it has that at once";

/// Makes all of the release; what whoever deploys should know, and what is to be written down of it.
fn fill(
    building: &mut Building,
    source: &Source,
    revision: &Revision,
    build: &str,
    manner: Manner,
) -> Result<(Vec<String>, Manifest)> {
    let begun = Instant::now();
    source.export(revision, building.folder())?;
    if tree::is_there(&building.folder().join(Manifest::FILE)) {
        return Err(Error::OwnManifest);
    }
    let notes: Vec<String> = source.left_out(building.folder()).map(str::to_owned).into_iter().collect();
    notes.iter().try_for_each(|note| building.tell(note))?;
    shared::link(building.app, building.folder())?;
    building.hook("pre-build")?;
    let dependencies = dependencies::provide(building, &revision.name, manner)?;
    if let Some(command) = &building.app.config.build.command {
        building.run(command)?;
    }
    building.hook("post-build")?;
    if let Some(dependencies) = &dependencies {
        dependencies.protect(building, manner)?;
    }
    let bytes = dependencies::bytes(building, dependencies.as_ref())?;
    let manifest = Manifest {
        id: building.id.clone(),
        revision: revision.name.clone(),
        commit: revision.commit.clone(),
        build: build.to_owned(),
        dependencies: dependencies.map(|dependencies| dependencies.key),
        built: jiff::Timestamp::now(),
        build_seconds: begun.elapsed().as_secs_f64(),
        bytes,
    };
    Ok((notes, manifest))
}

/// What [`prepare`] would do, without a change: the repository is asked, and nothing is fetched.
pub fn plan(app: &App, wanted: Option<&WantedRevision>) -> Result<Planned> {
    let revision = Source::of(app, wanted)?.resolve(Fetch::Never)?;
    Ok(match kept::of(&app.home, &revision, &key::of_build(&app.config))? {
        Some(manifest) => Planned { id: manifest.id, build: false },
        None => Planned { id: kept::free_id(&app.home, &revision), build: true },
    })
}
