//! Ports for a new app.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use super::root::LIST;

/// Three neighbours that nobody listens on and no other app has: of A, of B and of the check server.
pub fn free() -> String {
    let first = first_free();
    format!("{},{},{first}", first + 1, first + 2)
}

/// For the check server alone.
pub fn free_one() -> String {
    first_free().to_string()
}

fn first_free() -> u16 {
    let taken = fs::read_to_string(LIST).unwrap_or_default();
    let is_free = |port: u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && !taken.contains(&format!(":{port}\""))
    };
    (20200..30000).step_by(10).find(|first| (*first..first + 3).all(is_free)).unwrap_or(20200)
}
