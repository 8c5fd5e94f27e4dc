//! Starting an instance, and knowing that it works.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use state::instance::Record;
use state::process::Identity;
use state::{App, InstanceName, Pid, ReleaseId, file, interrupt, log};

use crate::crashes::crashes;
use crate::environment;
use crate::error::{Error, Result, system};
use crate::family::{self, Family};
use crate::first::First;
use crate::health::{self, Probe};
use crate::launch::launch;
use crate::presence::{Seen, listener, must_be_free};
use crate::runtime::{self, Keeper};
use crate::share::Share;
use crate::{place, stop, unit};

/// How it was when it was to be started.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    /// With what the operator should know of how it runs.
    Now(Option<String>),
    /// It ran and was healthy.
    Already,
}

/// Finds what would keep the instance from being started, before anything is stopped for it.
pub fn rehearse(app: &App, instance: InstanceName) -> Result<()> {
    runtime::choose(app, instance)?;
    environment::rehearse(app)
}

/// Starts the instance and returns when it is healthy. One that does not become so is stopped again.
/// Until it is connected to nginx it gets this share of the processors.
pub fn start(app: &App, instance: InstanceName, share: Share) -> Result<Started> {
    unit::must_be_ours(app, instance)?;
    let listens = must_be_free(app, instance)?.is_some();
    if listens || Family::of(&app.home, instance).is_there() {
        let (release, _) = release_of(app, instance)?;
        if comes_to_itself(app, instance, &release)? {
            adopt(app, instance, release)?;
            return Ok(Started::Already);
        }
        // It runs and serves nobody.
        stop::stop(app, instance, app.config.run.stop_timeout)?;
    }
    // Whatever a person has to mend is told at once.
    let (keeper, remark) = runtime::choose(app, instance)?;
    let (release, folder) = release_of(app, instance)?;
    let variables = environment::variables(app, instance, &release)?;
    place::make_free(app, instance)?;
    let path = app.home.instance_log(instance);
    let log = file::open_log(&path)?;
    let log_start = log.metadata().map_or(0, |metadata| metadata.len());
    Record::announce(&app.home, instance)?;
    let begun = Instant::now();
    let first = match keeper {
        Keeper::Direct => launch(app, instance, &folder, variables, &log)
            .inspect(|child| share.give_to(Pid(child.id().cast_signed())))
            .map(First::Child)
            .map_err(system(format!("cannot start {instance}"))),
        Keeper::Systemd => unit::launch(app, instance, &folder, &variables, share).map(First::of_unit),
    };
    let healthy = first.and_then(|mut first| {
        record(app, instance, &release, &first)?;
        let running = Running { first: &mut first, log_start, begun };
        wait_for_health(app, instance, &release, app.config.health.start_timeout, Some(running))?;
        Ok(remark.or_else(|| first.what_is_not_limited(app, instance)))
    });
    if healthy.is_err() {
        // The error that matters is why it did not start.
        let _ = stop::stop(app, instance, app.config.run.stop_timeout.min(Duration::from_secs(5)));
    }
    healthy.map(Started::Now)
}

/// Writes the record of an instance whose start was cut off before that. What it was started with is not known any more.
fn adopt(app: &App, instance: InstanceName, release: ReleaseId) -> Result<()> {
    if is_recorded(app, instance) {
        return Ok(());
    }
    let Seen::Ours(listens) = listener(app, instance)? else { return Ok(()) };
    let leader =
        rustix::process::Pid::from_raw(listens.0).and_then(|pid| rustix::process::getsid(Some(pid)).ok());
    let process =
        leader.and_then(|leader| Identity::of(Pid(leader.as_raw_pid()))).or_else(|| Identity::of(listens));
    let Some(process) = process else { return Ok(()) };
    let started = jiff::Timestamp::now();
    let unit = unit::of_process(app, instance, listens);
    Record { home: app.home.path().to_owned(), process, release, settings: String::new(), started, unit }
        .write(&app.home, instance)?;
    Ok(())
}

/// Whether what runs is what the record tells of: it may have been cut off before that was written.
pub fn is_recorded(app: &App, instance: InstanceName) -> bool {
    Record::read(&app.home, instance).is_some_and(|record| family::lives(&record))
}

/// Whether one that runs gets healthy: in what is left of its time to start, and if it has started long ago, in the time
/// of some probes.
fn comes_to_itself(app: &App, instance: InstanceName, release: &ReleaseId) -> Result<bool> {
    let health = &app.config.health;
    let age = Record::read(&app.home, instance)
        .and_then(|record| Duration::try_from(jiff::Timestamp::now().duration_since(record.started)).ok());
    let since_it_was_brought_back = crashes(app, instance).map(|crashes| crashes.ago);
    let age = age.unwrap_or_default().min(since_it_was_brought_back.unwrap_or(Duration::MAX));
    let to_start = health.start_timeout.saturating_sub(age);
    let patience = to_start.max(health.timeout * PROBES_OF_A_HUNG_ONE);
    match wait_for_health(app, instance, release, patience, None) {
        Ok(()) => Ok(true),
        Err(Error::Unhealthy { .. } | Error::Exited { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the instance runs what it would be started with now: the release it points to, and the same settings.
pub fn is_current(app: &App, instance: InstanceName) -> Result<bool> {
    let Some(record) = Record::read(&app.home, instance).filter(family::lives) else { return Ok(false) };
    let release = ReleaseId::of_instance(&app.home, instance);
    Ok(release == Some(record.release) && environment::settings(app, instance)? == record.settings)
}

/// The instance's release and its folder.
fn release_of(app: &App, instance: InstanceName) -> Result<(ReleaseId, PathBuf)> {
    let release = ReleaseId::of_instance(&app.home, instance).ok_or(Error::NoRelease(instance))?;
    match fs::canonicalize(app.home.instance(instance)) {
        Ok(folder) if folder == app.home.release(&release) => Ok((release, folder)),
        _ => Err(Error::ReleaseGone { instance, release }),
    }
}

fn record(app: &App, instance: InstanceName, release: &ReleaseId, first: &First) -> Result<()> {
    // A process that has ended already leaves no record; the wait for its health will tell why.
    let Some(process) = first.pid().and_then(Identity::of) else { return Ok(()) };
    let settings = environment::settings(app, instance)?;
    let unit = first.unit(app, instance);
    Record {
        home: app.home.path().to_owned(),
        process,
        release: release.clone(),
        settings,
        started: jiff::Timestamp::now(),
        unit,
    }
    .write(&app.home, instance)?;
    Ok(())
}

/// What we have started just now.
struct Running<'a> {
    first: &'a mut First,
    log_start: u64,
    begun: Instant,
}

/// An instance that has failed so many probes in a row is not just busy.
const PROBES_OF_A_HUNG_ONE: u32 = 3;
/// Between two probes, by how long it has been waited: whenever it gets healthy, an eighth of that time is lost at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// The last probe, too, gets the time to find out what is wrong.
const SHORTEST_PROBE: Duration = Duration::from_millis(250);

fn wait_for_health(
    app: &App,
    instance: InstanceName,
    release: &ReleaseId,
    patience: Duration,
    mut running: Option<Running>,
) -> Result<()> {
    let health = &app.config.health;
    let begun = Instant::now();
    let log_start = running.as_ref().map_or(0, |running| running.log_start);
    let log = || log::last_lines(&app.home.instance_log(instance), log_start, 10, 160);
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        let probe = health::probe_within(app, instance, health.timeout.min(left.max(SHORTEST_PROBE)));
        if let Some(ended) = ended(app, instance, running.as_mut())? {
            let after = running.as_ref().map_or(begun, |running| running.begun).elapsed();
            return Err(Error::Exited { instance, release: release.clone(), ended, after, log: log() });
        }
        if probe.healthy() && ours(app, instance)? {
            return Ok(());
        }
        if begun.elapsed() >= patience {
            let problem = why(app, instance, &probe);
            let after = patience;
            return Err(Error::Unhealthy { instance, release: release.clone(), after, problem, log: log() });
        }
        interrupt::check()?;
        // The end of a process is an event; its health can only be asked for again.
        let pause = (begun.elapsed() / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let until = Instant::now() + pause.min(left);
        match running.as_mut() {
            Some(running) => running.first.wait_until(until)?,
            None => thread::sleep(until.saturating_duration_since(Instant::now())),
        }
    }
}

/// The healthy answer must be the instance's own: somebody else may have taken the port meanwhile.
fn ours(app: &App, instance: InstanceName) -> Result<bool> {
    Ok(must_be_free(app, instance)?.is_some())
}

/// How the instance ended, if nothing of it runs any more.
fn ended(app: &App, instance: InstanceName, running: Option<&mut Running>) -> Result<Option<String>> {
    let first = match running {
        Some(running) => match running.first.ended(app, instance)? {
            None => return Ok(None),
            // systemd ends whatever else is left of it.
            Some(words) if running.first.is_unit() => return Ok(Some(words)),
            Some(words) => words,
        },
        None => "ended".to_owned(),
    };
    // The first process may have handed over to others.
    Ok((!Family::of(&app.home, instance).is_there()).then_some(first))
}

fn why(app: &App, instance: InstanceName, probe: &Probe) -> String {
    if probe.refused {
        format!("it does not listen on its {}", app.address(instance).kind())
    } else {
        format!("it {probe}")
    }
}
