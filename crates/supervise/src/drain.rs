//! Draining: waiting until nginx holds no connection to an instance.

use std::thread;
use std::time::{Duration, Instant};

use state::{Address, App, InstanceName, interrupt};

use crate::error::Result;
use crate::{sockets, unix_sockets};

/// Connections to the instance at this moment.
pub fn connections(app: &App, instance: InstanceName) -> Result<usize> {
    match app.address(instance) {
        Address::Port(port) => sockets::connections_to(port),
        Address::Socket(socket) => unix_sockets::connections_to(socket.path()),
    }
}

const POLL: Duration = Duration::from_millis(20);

/// Waits until there are none and `more_may_come` says no, or until `timeout` is over; how many are left then.
pub fn drain(
    app: &App,
    instance: InstanceName,
    timeout: Duration,
    more_may_come: impl Fn() -> bool,
) -> Result<usize> {
    let deadline = Instant::now() + timeout;
    loop {
        // In this order: what comes while the second question is asked would be missed otherwise.
        let none_comes = !more_may_come();
        let asked = Instant::now();
        let left = connections(app, instance)?;
        let answered = asked.elapsed();
        if (left == 0 && none_comes) || Instant::now() >= deadline {
            return Ok(left);
        }
        interrupt::check()?;
        // For an answer the kernel walks past all connections of the machine: with 20,000 that takes tens of milliseconds.
        thread::sleep(POLL.max(answered * 4));
    }
}
