//! Users, and what they meet.

use super::World;
use crate::http::{self, Answer, WebSocket};
use crate::load::is_release;

impl World {
    /// What a user gets.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        http::get(self.public_port(), path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Asks, and does not wait for the answer.
    #[track_caller]
    pub fn ask(&self, path: &str) -> http::Asked {
        http::ask(self.public_port(), path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// A connection over which nothing is asked yet.
    #[track_caller]
    pub fn connection(&self) -> http::Connection {
        http::Connection::open(self.public_port()).unwrap_or_else(|error| panic!("connect: {error}"))
    }

    #[track_caller]
    pub fn websocket(&self) -> WebSocket {
        WebSocket::open(self.public_port()).unwrap_or_else(|error| panic!("WebSocket: {error}"))
    }

    /// Users see this instance with this release.
    #[track_caller]
    pub fn serves(&self, instance: &str, release: &str) {
        let answer = self.get("/");
        let who = (answer.header("x-instance").unwrap_or(""), answer.header("x-release").unwrap_or(""));
        let expected = who.0 == instance && is_release(who.1, release);
        assert!(expected, "{release} of {instance} should serve: {} {:?}", answer.status, answer.body);
    }
}
