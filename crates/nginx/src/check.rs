//! The check server: which instance the running nginx really sends new connections to.

use std::time::Duration;

use state::{App, InstanceName, Pid, loopback};
use ureq::http::HeaderMap;

use crate::switch::Switch;

/// Whom the running nginx serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    Instance(InstanceName),
    /// It has nobody to send requests to.
    Nobody,
    /// An address of no instance.
    Stranger(String),
    /// The check server gives no answer, or not flipside's; why.
    Mute(String),
    /// Nobody listens where the check server should: nginx does not run.
    Down(String),
    /// There is no check server in the configuration.
    Unknown,
}

impl Live {
    pub fn instance(&self) -> Option<InstanceName> {
        match self {
            Self::Instance(instance) => Some(*instance),
            _ => None,
        }
    }

    /// As the check server's header X-Flipside-Upstream tells.
    pub fn at(app: &App, addresses: &str) -> Self {
        // With a second try there are several addresses; the last one answered.
        match addresses.rsplit([',', ' ']).next().unwrap_or_default() {
            // Instead of an address the upstream's name, if no server in it is up.
            name if !name.contains(':') => Self::Nobody,
            address => match Switch::of(app).instance_at(address) {
                Some(instance) => Self::Instance(instance),
                None => Self::Stranger(address.to_owned()),
            },
        }
    }

    pub fn in_words(&self) -> String {
        match self {
            Self::Instance(instance) => format!("it serves {instance}"),
            Self::Nobody => "it serves nobody".to_owned(),
            Self::Stranger(address) => format!("it serves {address}, which is no instance"),
            Self::Mute(why) | Self::Down(why) => why.clone(),
            Self::Unknown => "there is no check server".to_owned(),
        }
    }
}

/// An answer of the check server.
pub(crate) struct Answer {
    pub live: Live,
    /// The worker of nginx that gave it.
    pub worker: Option<Pid>,
}

/// A hanging instance is told of within a second (`proxy_read_timeout` of the check server).
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the check server once, over a new connection.
pub fn live(app: &App) -> Live {
    ask(app).live
}

pub(crate) fn ask(app: &App) -> Answer {
    let Some(check) = app.config.nginx.check else {
        return Answer { live: Live::Unknown, worker: None };
    };
    let address = format!("{check}{}", app.config.health.path.as_str());
    match loopback::client(TIMEOUT).get(&address).header("Connection", "close").call() {
        Ok(response) => interpret(app, response.headers()),
        Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            let why = format!("nobody listens at the check server's address {check}: does nginx run?");
            Answer { live: Live::Down(why), worker: None }
        }
        Err(error) => Answer {
            live: Live::Mute(format!("the check server {check} does not answer: {error}")),
            worker: None,
        },
    }
}

fn interpret(app: &App, headers: &HeaderMap) -> Answer {
    // nginx adds its own after those of the app, which may say what it likes.
    let header = |name| headers.get_all(name).iter().next_back()?.to_str().ok();
    let worker = header("x-flipside-worker").and_then(|pid| pid.parse().ok()).map(Pid);
    let live = header("x-flipside-upstream").map_or_else(
        || {
            Live::Mute(
                "the check server's answer lacks X-Flipside-Upstream: is [nginx] check its address?"
                    .to_owned(),
            )
        },
        |addresses| Live::at(app, addresses),
    );
    Answer { live, worker }
}
