//! HTTP to this machine: to an instance, and to nginx's check server.

mod connection;

use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, Body};

use crate::Address;
use connection::Connector;

/// A client for one question that takes no longer than `timeout`: it follows no redirection and no proxy, and an answer is
/// an answer whatever its status.
pub fn client(timeout: Duration) -> Agent {
    Agent::with_parts(config(timeout), Connector::AsTheUrlSays, Literal)
}

/// Asks whoever listens on the address, over a new connection.
pub fn get(address: &Address, path: &str, timeout: Duration) -> Result<Response<Body>, ureq::Error> {
    let (client, url) = match address {
        Address::Port(port) => (client(timeout), format!("http://127.0.0.1:{port}{path}")),
        Address::Socket(socket) => {
            let connector = Connector::ToPath(socket.path().to_owned());
            (Agent::with_parts(config(timeout), connector, Literal), format!("http://127.0.0.1{path}"))
        }
    };
    client.get(&url).header("Connection", "close").call()
}

/// All of an answer, or what came of it before an error: an app should see no connection cut off. It is read no further than
/// 1 MB.
pub fn body(response: &mut Response<Body>) -> (Vec<u8>, io::Result<()>) {
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(MOST_BODY).read_to_end(&mut body);
    (body, read.map(drop))
}

const MOST_BODY: u64 = 1024 * 1024;

/// Whether the address takes connections: somebody listens there, and we may connect.
pub fn accepts(socket: &crate::Socket, timeout: Duration) -> io::Result<()> {
    connection::connect(socket.path(), timeout).map(drop)
}

fn config(timeout: Duration) -> Config {
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent("flipside")
        .input_buffer_size(MOST_HEADERS)
        .output_buffer_size(LONGEST_QUESTION)
        .build()
}

/// More than nginx takes of an app (`proxy_buffer_size`). All of a buffer is cleared for each question, and each page of it is
/// a fault: with ureq's own 256 KB that took longer than the answer.
const MOST_HEADERS: usize = 16 * 1024;
/// Of a client nginx takes no more, either (`large_client_header_buffers`).
const LONGEST_QUESTION: usize = 8 * 1024;

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
