//! Keeping an eye on the process that serves: its end is an event, and need not be asked for.

use std::thread;
use std::time::{Duration, Instant};

use state::{App, InstanceName};

use crate::error::Result;
use crate::family::Member;
use crate::presence::{Seen, listener};

/// Over the process that listened on an instance's address when it began, if there was one.
pub struct Vigil(Option<Member>);

impl Vigil {
    pub fn over_the_listener_of(app: &App, instance: InstanceName) -> Result<Self> {
        Ok(Self(match listener(app, instance)? {
            Seen::Ours(pid) => Member::of(pid),
            Seen::Nobody | Seen::Foreign(_) => None,
        }))
    }

    pub fn has_ended(&self) -> bool {
        self.0.as_ref().is_none_or(Member::has_ended)
    }

    /// Until its end, and no longer than `pause`; all of it if it has ended before.
    pub fn wait(&self, pause: Duration) {
        match &self.0 {
            Some(process) if !process.has_ended() => process.wait_for_its_end(Instant::now() + pause),
            _ => thread::sleep(pause),
        }
    }
}
