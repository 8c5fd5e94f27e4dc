//! What an instance uses, from the kernel's own counters: nothing is measured over a pause.

use rustix::param::{clock_ticks_per_second, page_size};
use state::instance::Record;
use state::process::Stat;
use state::{App, InstanceName};

use crate::family;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resources {
    /// Resident memory of all of its processes.
    pub memory_bytes: u64,
    /// Since it was started.
    pub uptime_seconds: f64,
    /// Of one processor, on average since it was started.
    pub cpu_percent: f64,
}

/// None if nothing of it runs.
pub fn of(app: &App, instance: InstanceName) -> Option<Resources> {
    let processes: Vec<_> = family::in_sight(&app.home, instance)
        .into_iter()
        .filter_map(Stat::of)
        .filter(|stat| stat.state != 'Z')
        .collect();
    if processes.is_empty() {
        return None;
    }
    let ticks = clock_ticks_per_second() as f64;
    let now = uptime_of_the_machine()?;
    // One that systemd has brought back is as old as its oldest process.
    let recorded = Record::read(&app.home, instance).filter(|record| record.process.runs());
    let oldest = processes.iter().map(|stat| stat.start).min()?;
    let start = recorded.map_or(oldest, |record| record.process.start) as f64 / ticks;
    let uptime_seconds = (now - start).max(0.0);
    let busy: u64 = processes.iter().map(|stat| stat.busy).sum();
    Some(Resources {
        memory_bytes: processes.iter().map(|stat| stat.resident * page_size() as u64).sum(),
        uptime_seconds,
        cpu_percent: busy as f64 / ticks / uptime_seconds.max(0.01) * 100.0,
    })
}

/// proc_uptime(5): the first number.
fn uptime_of_the_machine() -> Option<f64> {
    std::fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()
}
