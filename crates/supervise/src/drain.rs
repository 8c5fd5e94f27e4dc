//! Draining: waiting until nginx holds no connection to an instance.

use std::thread;
use std::time::{Duration, Instant};

use state::{Address, App, InstanceName, interrupt};

use crate::error::Result;
use crate::{sockets, unix_sockets};

/// Connections to the instance at this moment.
pub fn connections(app: &App, instance: InstanceName) -> Result<usize> {
    let [a, b] = connections_of_both(app)?;
    Ok(match instance {
        InstanceName::A => a,
        InstanceName::B => b,
    })
}

/// Connections to A and to B: whatever is asked, the kernel walks past all there are.
pub fn connections_of_both(app: &App) -> Result<[usize; 2]> {
    match InstanceName::BOTH.map(|instance| app.address(instance)) {
        [Address::Port(a), Address::Port(b)] => sockets::connections_to([a, b]),
        addresses => {
            let path = |address: &Address| address.socket().map(|socket| socket.path().to_owned());
            let [a, b] = addresses.each_ref().map(|address| path(address).unwrap_or_default());
            unix_sockets::connections_to([&a, &b])
        }
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
