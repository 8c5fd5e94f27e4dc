//! The way to nginx's serving an instance: that it is fit for that, that nginx reaches it, and then the switch-over.

use nginx::{Connected, Rehearsed};
use state::{App, InstanceName};
use supervise::{Seen, health};

use crate::error::{Error, Result};
use crate::reach::let_nginx_in;
use crate::traffic::Service;

/// An error if the instance would fail the requests that it would get, or if somebody else would get them.
pub(crate) fn may_connect(app: &App, instance: InstanceName) -> Result<()> {
    must_be_its_own(app, instance)?;
    must_be_healthy(app, instance)
}

fn must_be_healthy(app: &App, instance: InstanceName) -> Result<()> {
    match health::probe(app, instance).problem {
        Some(problem) => Err(Error::Unfit { instance, problem: format!("it {problem}") }),
        None => Ok(()),
    }
}

/// Whoever listens at its address is the instance, or nobody is.
fn must_be_its_own(app: &App, instance: InstanceName) -> Result<()> {
    match supervise::listener(app, instance)? {
        Seen::Foreign(holder) => {
            let kind = app.address(instance).kind();
            let problem = format!("{holder} is at its {kind}, which flipside did not start");
            Err(Error::Unfit { instance, problem })
        }
        Seen::Nobody | Seen::Ours(_) => Ok(()),
    }
}

/// Tries whether nginx could be made to serve the instance. If that must be fit to serve, the same errors as of
/// [`may_connect`].
pub(crate) fn rehearse(app: &App, target: InstanceName, must_be_fit: bool) -> Result<Rehearsed> {
    if must_be_fit {
        must_be_its_own(app, target)?;
    }
    let rehearsed = rehearse_and_let_in(app, target);
    // What it answers itself tells more of the cause, of whatever kind that is.
    if must_be_fit && !rehearsed.as_ref().is_ok_and(|rehearsed| rehearsed.healthy) {
        must_be_healthy(app, target)?;
    }
    rehearsed
}

fn rehearse_and_let_in(app: &App, target: InstanceName) -> Result<Rehearsed> {
    match nginx::rehearse(app, target) {
        // The first time, or after nginx was given another user.
        Err(cause @ nginx::Error::OutOfReach { .. }) => match let_nginx_in(app, &Service::observe(app)?) {
            Ok(true) => Ok(nginx::rehearse(app, target)?),
            Ok(false) => Err(cause.into()),
            Err(problem) => Err(Error::OutOfReach { cause: Box::new(cause), problem }),
        },
        rehearsed => Ok(rehearsed?),
    }
}

/// Makes nginx serve `target`; what the operator should know.
pub(crate) fn connect(app: &App, target: InstanceName) -> Result<Vec<String>> {
    connect_rehearsed(app, rehearse(app, target, false)?)
}

/// The same with one that was rehearsed. It gets its full share of the machine before.
pub(crate) fn connect_rehearsed(app: &App, rehearsed: Rehearsed) -> Result<Vec<String>> {
    let share = supervise::give_back(app, rehearsed.target);
    let connected = nginx::connect(app, rehearsed)?;
    let proof = match connected {
        Connected::ByWorkersAlone => Some(BY_WORKERS_ALONE),
        Connected::Unrehearsed => Some(UNREHEARSED),
        Connected::Unproved => Some(UNPROVED),
        Connected::Already | Connected::Now => None,
    };
    Ok(share.into_iter().chain(proof.map(str::to_owned)).collect())
}

/// Makes nginx serve nobody, as before a first deployment.
pub fn disconnect(app: &App) -> Result<()> {
    nginx::disconnect(app)?;
    Ok(())
}

const BY_WORKERS_ALONE: &str =
    "no check server is configured; that the switch took was proved by nginx's worker processes alone";

const UNREHEARSED: &str = "nginx's site cannot be asked for one instance (see THE STYLE SOCKET in flipside(7)); that it reaches this one was proved only after the switch";
const UNPROVED: &str = "no check server is configured; that nginx reaches the instance was not proved";
