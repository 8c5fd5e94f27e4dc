//! An open-loop load generator: requests are due at a fixed rate, whatever becomes of those before them, and a
//! latency counts from the time that a request was due. It sends to loopback addresses and to machines that the test has
//! booted only, bounded in rate and time.

mod answer;
mod connection;
mod exchange;
mod expectations;
mod failure;
mod generate;
mod mode;
mod report;
mod running;
mod shown;
mod tally;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use generate::{Shared, generate};

pub(crate) use expectations::is_release;
pub use expectations::{no_failed_request, only_resets_on_kept_connections, served_by, served_only_by};
pub use failure::Failure;
pub use mode::Mode;
pub use report::{OfMode, Report, Served, Spread};
pub use running::Running;

pub const MOST_PER_SECOND: u32 = 5_000;
pub const LONGEST: Duration = Duration::from_mins(10);
/// Failures that are told one by one.
pub const MOST_TOLD: usize = 20;

/// Load to be put on a URL.
#[derive(Clone, Debug)]
pub struct Load {
    url: String,
    address: SocketAddr,
    host: String,
    path: String,
    per_second: BTreeMap<Mode, u32>,
    slow: Duration,
    longest: Duration,
}

impl Load {
    /// On a URL of this machine, `http://127.0.0.1:8080/`; any other one is refused.
    ///
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn on(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url}: not an http:// URL"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, port.parse().map_err(|_| format!("{url}: {port} is no port"))?)
            }
            _ => (host, 80),
        };
        let ip = match name.trim_start_matches('[').trim_end_matches(']') {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            name => name.parse().map_err(|_| format!("{url}: {name} is not an address of this machine"))?,
        };
        if !ip.is_loopback() {
            return Err(format!("{url}: {ip} is not a loopback address; load is for this machine only"));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self::to(SocketAddr::new(ip, port), host, path))
    }

    /// On a site of a machine that the test has booted.
    pub(crate) fn on_machine(address: &str, domain: &str) -> Self {
        let ip = address.parse().expect("a machine has an address");
        Self::to(SocketAddr::new(ip, 80), domain, "/")
    }

    fn to(address: SocketAddr, host: &str, path: &str) -> Self {
        Self {
            url: format!("http://{host}{path}"),
            address,
            host: host.to_owned(),
            path: path.to_owned(),
            per_second: BTreeMap::new(),
            slow: Duration::from_millis(300),
            longest: LONGEST,
        }
    }

    /// Requests per second over connections that are kept.
    pub fn keep_alive(self, per_second: u32) -> Self {
        self.rate(Mode::KeepAlive, per_second)
    }

    /// Requests per second that each open a connection of their own.
    pub fn new_connections(self, per_second: u32) -> Self {
        self.rate(Mode::New, per_second)
    }

    /// Requests per second for `slow?ms=300` beside the URL, each over a connection of its own.
    pub fn slow(self, per_second: u32) -> Self {
        self.rate(Mode::Slow, per_second)
    }

    fn rate(mut self, mode: Mode, per_second: u32) -> Self {
        self.per_second.insert(mode, per_second);
        self
    }

    /// Ends by itself after so long.
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.longest = longest.min(LONGEST);
        self
    }

    /// # Errors
    /// Says that the rate is beyond the bound.
    pub fn start(self) -> Result<Running, String> {
        let total: u32 = self.per_second.values().sum();
        if total == 0 || total > MOST_PER_SECOND {
            return Err(format!("{total} requests/s: between 1 and {MOST_PER_SECOND} can be sent"));
        }
        let shared = Arc::new(Shared::default());
        let generator = shared.clone();
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime for the load");
            runtime.block_on(generate(self, generator))
        });
        Ok(Running { shared, thread: Some(thread.map_err(|error| error.to_string())?) })
    }

    fn request(&self, mode: Mode) -> String {
        let path = match mode {
            Mode::Slow => {
                let folder = &self.path[..=self.path.rfind('/').unwrap_or(0)];
                format!("{folder}slow?ms={}", self.slow.as_millis())
            }
            _ => self.path.clone(),
        };
        let connection = if mode == Mode::KeepAlive { "keep-alive" } else { "close" };
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n", self.host)
    }
}

#[cfg(test)]
mod tests;
