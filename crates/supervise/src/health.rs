//! One health probe, as `[health]` describes it.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;
use state::{App, InstanceName, duration, log, loopback};

/// What one probe found.
#[derive(Clone, Debug)]
pub struct Probe {
    pub elapsed: Duration,
    /// None if there was no answer.
    pub status: Option<u16>,
    /// Why it is not healthy; none if it is.
    pub problem: Option<String>,
    /// Whether nobody listens.
    pub refused: bool,
}

impl Probe {
    pub fn healthy(&self) -> bool {
        self.problem.is_none()
    }
}

impl fmt::Display for Probe {
    /// `ok 200 3ms`, or what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.problem, self.status) {
            (None, status) => write!(f, "ok {} {}ms", status.unwrap_or_default(), self.elapsed.as_millis()),
            (Some(problem), _) => f.write_str(problem),
        }
    }
}

/// A probe as `check-health --json` answers it.
#[derive(Debug, Serialize)]
pub struct Report {
    pub instance: InstanceName,
    pub healthy: bool,
    pub status: Option<u16>,
    pub milliseconds: f64,
    /// Why it is not healthy.
    pub failure: Option<String>,
}

impl Probe {
    pub fn report(&self, instance: InstanceName) -> Report {
        let milliseconds = self.elapsed.as_secs_f64() * 1_000.0;
        Report {
            instance,
            healthy: self.healthy(),
            status: self.status,
            milliseconds,
            failure: self.problem.clone(),
        }
    }
}

/// Asks the instance itself, past nginx. It takes no longer than `[health] timeout`.
pub fn probe(app: &App, instance: InstanceName) -> Probe {
    probe_within(app, instance, app.config.health.timeout)
}

/// The same with less time.
pub fn probe_within(app: &App, instance: InstanceName, timeout: Duration) -> Probe {
    let health = &app.config.health;
    let address = app.address(instance);
    let begun = Instant::now();
    let answered = loopback::get(&address, health.path.as_str(), timeout);
    let mut probe = Probe { elapsed: begun.elapsed(), status: None, problem: None, refused: false };
    match answered {
        Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            probe.refused = true;
            probe.problem = Some(format!("does not listen on {}", address.in_words()));
        }
        Err(ureq::Error::Timeout(_)) => {
            probe.problem = Some(format!("did not answer within {}", duration::in_words(timeout)));
        }
        Err(error) => {
            probe.problem = Some(format!("gave no answer in HTTP: {}", log::harmless(&error.to_string())));
        }
        Ok(mut response) => {
            let status = response.status().as_u16();
            probe.status = Some(status);
            let (body, read) = loopback::body(&mut response);
            probe.elapsed = begun.elapsed();
            let problem_of_reading = |error| match probe.elapsed {
                elapsed if elapsed < timeout => format!("answered {status} and broke off: {error}"),
                _ => format!("answered {status} and did not finish within {}", duration::in_words(timeout)),
            };
            probe.problem = health
                .problem_of_status(status)
                .or_else(|| read.err().map(problem_of_reading))
                .or_else(|| health.problem_of_body(status, &body));
        }
    }
    probe
}
