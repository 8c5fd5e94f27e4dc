//! One request, and what becomes of it.

use std::net::SocketAddr;

use super::answer::{Answer, Cut, ask};
use super::connection::{Connection, kept_connection};
use super::failure::kind;
use super::generate::Shared;
use super::{Failure, Mode};

pub(super) async fn exchange(
    shared: &Shared,
    address: SocketAddr,
    request: &str,
    mode: Mode,
) -> Result<Answer, (Failure, String)> {
    let mut connection = match kept_connection(shared, mode) {
        Some(connection) => connection,
        None => Connection::open(address)
            .await
            .map_err(|error| (kind(&error, false), format!("connect: {error}")))?,
    };
    let reused = connection.used;
    let from = connection.stream.local_addr().map_or(0, |address| address.port());
    let answer = ask(&mut connection.stream, request).await.map_err(|Cut { error, begun }| {
        let detail = if begun { "in the middle of an answer" } else { "before an answer" };
        (kind(&error, reused && !begun), format!("{detail}, from port {from}: {error}"))
    })?;
    if mode == Mode::KeepAlive && answer.keep {
        connection.used = true;
        shared.kept.lock().unwrap().push_back(connection);
    }
    match answer.status {
        200..=299 => Ok(answer),
        502 => Err((Failure::BadGateway, "answered".into())),
        status => Err((Failure::Status(status), "answered".into())),
    }
}
