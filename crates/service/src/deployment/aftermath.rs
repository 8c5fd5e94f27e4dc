//! How the service is once a deployment has failed.

use nginx::Live;
use state::deployment::Outcome;
use state::{App, Exit};

use super::Deployment;
use crate::error::Result;
use crate::traffic::Service;

/// How the service is after a failure, as seen in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// What served before serves.
    AsBefore,
    /// It does not, or nobody knows; why.
    InDoubt(String),
}

impl Deployment {
    /// Whether nginx serves the new instance, or is to.
    pub fn has_taken_over(&self, app: &App) -> Result<bool> {
        let now = Service::observe(app)?;
        Ok(now.enabled() == Some(self.target) || now.live.instance() == Some(self.target))
    }

    /// Whether the service is as it was when the deployment began.
    pub fn aftermath(&self, app: &App) -> Result<Aftermath> {
        let now = Service::observe(app)?;
        if now.enabled() != self.from {
            let enabled = now.enabled().map_or("nobody".to_owned(), |instance| instance.to_string());
            return Ok(Aftermath::InDoubt(format!("{enabled} is enabled instead of {}", self.former())));
        }
        let served = match (&now.live, self.from) {
            (Live::Unknown, _) | (Live::Nobody, None) => true,
            (live, from) => live.instance() == from && from.is_some(),
        };
        if !served {
            return Ok(Aftermath::InDoubt(format!(
                "{} should serve, but {}",
                self.former(),
                now.live.in_words()
            )));
        }
        match self.from.and_then(|from| supervise::health::probe(app, from).problem) {
            Some(problem) => {
                Ok(Aftermath::InDoubt(format!("{} is not healthy: it {problem}", self.former())))
            }
            None => Ok(Aftermath::AsBefore),
        }
    }
}

impl Aftermath {
    /// The exit status and the outcome of a deployment that failed, before the switch or after it.
    pub fn judge(&self, after_the_switch: bool) -> (Exit, Outcome) {
        match (self, after_the_switch) {
            (Self::InDoubt(_), _) => (Exit::Down, Outcome::Down),
            (Self::AsBefore, true) => (Exit::PutBack, Outcome::PutBack),
            (Self::AsBefore, false) => (Exit::No, Outcome::Failed),
        }
    }
}
