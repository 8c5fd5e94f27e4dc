//! Draining: waiting until nginx holds no connection to an instance.

use std::thread;
use std::time::{Duration, Instant};

use state::{App, InstanceName, interrupt};

use crate::error::Result;
use crate::sockets;

/// Connections to the instance at this moment.
pub fn connections(app: &App, instance: InstanceName) -> Result<usize> {
    sockets::connections_to(app.port(instance))
}

const POLL: Duration = Duration::from_millis(20);

/// Waits until there are none, or `timeout` is over; how many are left then.
pub fn drain(app: &App, instance: InstanceName, timeout: Duration) -> Result<usize> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = connections(app, instance)?;
        if left == 0 || Instant::now() >= deadline {
            return Ok(left);
        }
        interrupt::check()?;
        thread::sleep(POLL);
    }
}
