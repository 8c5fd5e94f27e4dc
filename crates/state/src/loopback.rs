//! HTTP to this machine: to an instance, and to nginx's check server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// A client for one question that takes no longer than `timeout`: it follows no redirection and no proxy, and an answer is
/// an answer whatever its status.
pub fn client(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent("flipside")
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Literal)
}

/// All our addresses are numbers. The usual resolver would start a thread for them, which a limit may forbid.
#[derive(Debug)]
struct Literal;

impl Resolver for Literal {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr = host.parse().map_err(|_| ureq::Error::HostNotFound)?;
        let mut found = self.empty();
        found.push(SocketAddr::new(address, uri.port_u16().unwrap_or(80)));
        Ok(found)
    }
}
