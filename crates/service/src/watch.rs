//! Watching an instance after the switch.

use std::thread;
use std::time::{Duration, Instant};

use nginx::Live;
use state::{App, InstanceName, interrupt};
use supervise::{Vigil, health};

use crate::error::{Error, Result};

const PAUSE: Duration = Duration::from_millis(100);
/// Before a failed probe is believed, it is asked once more.
const SECOND_LOOK: Duration = Duration::from_millis(50);

/// Asks for the instance's health and for nginx's until `observe` is over; an error as soon as either fails twice, or
/// when nobody listens any more because the process that did has ended.
pub fn watch(app: &App, instance: InstanceName, observe: Duration) -> Result<()> {
    let deadline = Instant::now() + observe;
    let vigil = Vigil::over_the_listener_of(app, instance)?;
    while Instant::now() < deadline {
        interrupt::check()?;
        if problem(app, instance).is_some() {
            if !vigil.has_ended() {
                thread::sleep(SECOND_LOOK);
            }
            if let Some(problem) = problem(app, instance) {
                return Err(Error::Watched { instance, problem });
            }
        }
        vigil.wait(PAUSE.min(deadline.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

fn problem(app: &App, instance: InstanceName) -> Option<String> {
    if let Some(problem) = health::probe(app, instance).problem {
        return Some(format!("it {problem}"));
    }
    match nginx::live(app) {
        Live::Instance(live) if live == instance => None,
        Live::Unknown => None,
        other => Some(format!("nginx does not serve it: {}", other.in_words())),
    }
}
