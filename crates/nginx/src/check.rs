//! The check server: which instance the running nginx really sends new connections to.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use state::{App, InstanceName, Pid, loopback};
use ureq::Body;
use ureq::http::Response;

use crate::include::Include;
use crate::link::Link;
use crate::switch::{Setting, Switch};

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
        match Switch::of(app) {
            Switch::Include(include) => Self::of_include(&include, addresses),
            Switch::Link(link) => Self::of_link(&link, addresses),
        }
    }

    fn of_include(include: &Include, addresses: &str) -> Self {
        // With a second try there are several addresses; the last one answered.
        match addresses.rsplit([',', ' ']).next().unwrap_or_default() {
            // Instead of an address the upstream's name, if no server in it is up.
            name if !name.contains(':') => Self::Nobody,
            address => match include.instance_at(address) {
                Some(instance) => Self::Instance(instance),
                None => Self::Stranger(address.to_owned()),
            },
        }
    }

    /// By the switch, or past it if somebody has given nginx an instance's own socket.
    fn of_link(link: &Link, addresses: &str) -> Self {
        let setting = match last_socket(addresses) {
            Some(path) if link.is_at(path) => link.read(),
            Some(path) => Ok(link.interpret(path)),
            None if addresses.contains(':') => return Self::Stranger(addresses.to_owned()),
            None => return Self::Nobody,
        };
        match setting {
            Ok(Setting::Enabled(instance)) => Self::Instance(instance),
            Ok(Setting::Stranger(path)) => Self::Stranger(path),
            Ok(_) => Self::Nobody,
            Err(error) => Self::Mute(error.to_string()),
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
pub struct Answer {
    pub live: Live,
    /// The worker of nginx that gave it.
    pub worker: Option<Pid>,
}

/// A hanging instance is told of within a second (`proxy_read_timeout` of the check server).
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the check server once, over a new connection.
pub fn live(app: &App) -> Live {
    ask(app).live
}

/// The same, with who told.
pub fn ask(app: &App) -> Answer {
    ask_within(app, TIMEOUT)
}

/// The same of one who has less time.
pub fn ask_within(app: &App, timeout: Duration) -> Answer {
    match hear_within(app, None, timeout.min(TIMEOUT)) {
        Ok(heard) => Answer { live: heard.live(app), worker: heard.worker },
        Err(live) => Answer { live, worker: None },
    }
}

/// What the check server said.
pub(crate) struct Heard {
    pub status: u16,
    /// `$upstream_addr`.
    addresses: String,
    worker: Option<Pid>,
    response: Response<Body>,
}

impl Heard {
    pub fn live(&self, app: &App) -> Live {
        Live::at(app, &self.addresses)
    }

    /// By `[health]`. Who is live is told before the answer is all there; only this waits for it.
    pub fn tells_health(mut self, app: &App) -> bool {
        let health = &app.config.health;
        let (body, read) = loopback::body(&mut self.response);
        health.problem_of_status(self.status).is_none()
            && read.is_ok()
            && health.problem_of_body(self.status, &body).is_none()
    }

    /// The path to which nginx connected.
    pub fn socket(&self) -> Option<&Path> {
        last_socket(&self.addresses)
    }
}

/// With a second try there are several addresses; the last one answered.
fn last_socket(addresses: &str) -> Option<&Path> {
    addresses.rsplit_once("unix:").map(|(_, path)| Path::new(path))
}

/// Asks the check server, and by it one instance, if its site knows that question (share/nginx/site-socket.conf). On an
/// error who is live, as far as it can be told.
pub(crate) fn hear(app: &App, instance: Option<InstanceName>) -> Result<Heard, Live> {
    hear_within(app, instance, TIMEOUT)
}

fn hear_within(app: &App, instance: Option<InstanceName>, timeout: Duration) -> Result<Heard, Live> {
    let check = app.config.nginx.check.ok_or(Live::Unknown)?;
    let address = format!("{check}{}", app.config.health.path.as_str());
    let mut question = loopback::client(timeout).get(&address).header("Connection", "close");
    if let Some(instance) = instance {
        question = question.header("X-Flipside-Instance", instance.to_string());
    }
    let response = question.call().map_err(|error| match error {
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            Live::Down(format!("nobody listens at the check server's address {check}: does nginx run?"))
        }
        error => Live::Mute(format!("the check server {check} does not answer: {error}")),
    })?;
    // nginx adds its own after those of the app, which may say what it likes.
    let header = |name| response.headers().get_all(name).iter().next_back()?.to_str().ok();
    let worker = header("x-flipside-worker").and_then(|pid| pid.parse().ok()).map(Pid);
    let addresses = header("x-flipside-upstream").ok_or_else(|| {
        Live::Mute(
            "the check server's answer lacks X-Flipside-Upstream: is [nginx] check its address?".to_owned(),
        )
    })?;
    let (addresses, status) = (addresses.to_owned(), response.status().as_u16());
    Ok(Heard { status, addresses, worker, response })
}
