//! Requests are sent when they are due, and counted.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::Connection;
use super::exchange::exchange;
use super::tally::{Tally, micros};
use super::{Failure, Load, MOST_TOLD, Mode, Report};

/// How long a request may take before it counts as a timeout.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests in flight at the same time; one that is due beyond that is not sent, and counted as such.
const MOST_IN_FLIGHT: usize = 10_000;
/// Kept connections to begin with, and how long each may take.
const KEPT: usize = 16;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    pub(super) answered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) in_flight: AtomicU64,
    pub(super) kept: Mutex<VecDeque<Connection>>,
    pub(super) tally: Mutex<Tally>,
}

pub(super) async fn generate(load: Load, shared: Arc<Shared>) -> Report {
    if load.per_second.get(&Mode::KeepAlive).is_some_and(|rate| *rate > 0) {
        let request = load.request(Mode::KeepAlive);
        for _ in 0..KEPT {
            if let Some(connection) = Connection::warm(load.address, &request).await {
                shared.kept.lock().unwrap().push_back(connection);
            }
        }
    }
    let load = Arc::new(load);
    let start = Instant::now() + Duration::from_millis(5);
    let mut modes = JoinSet::new();
    for (&mode, &rate) in load.per_second.iter().filter(|(_, rate)| **rate > 0) {
        modes.spawn(generate_mode(load.clone(), shared.clone(), mode, rate, start));
    }
    modes.join_all().await;
    let elapsed = start.elapsed();
    shared.kept.lock().unwrap().clear();
    let tally = std::mem::take(&mut *shared.tally.lock().unwrap());
    Report::new(&load, elapsed, tally)
}

async fn generate_mode(load: Arc<Load>, shared: Arc<Shared>, mode: Mode, rate: u32, start: Instant) {
    let request: Arc<str> = load.request(mode).into();
    let mut requests = JoinSet::new();
    // The modes take turns instead of being due all at once.
    let shift = Duration::from_micros(300) * mode as u32;
    for number in 0_u64.. {
        let since = Duration::from_nanos(number * 1_000_000_000 / u64::from(rate)) + shift;
        if since > load.longest {
            break;
        }
        sleep_until(start + since).await;
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let (shared, request, address) = (shared.clone(), request.clone(), load.address);
        requests.spawn(async move { send(&shared, address, &request, mode, start, start + since).await });
        while requests.try_join_next().is_some() {}
    }
    requests.join_all().await;
}

async fn send(shared: &Shared, address: SocketAddr, request: &str, mode: Mode, start: Instant, due: Instant) {
    let late = due.elapsed();
    let in_flight = shared.in_flight.fetch_add(1, Ordering::Relaxed);
    let outcome = if in_flight >= MOST_IN_FLIGHT as u64 {
        Err((Failure::NotSent, format!("{in_flight} are in flight")))
    } else {
        match timeout(PATIENCE, exchange(shared, address, request, mode)).await {
            Err(_) => Err((Failure::Timeout, format!("no answer within {PATIENCE:?}"))),
            Ok(outcome) => outcome,
        }
    };
    shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    let latency = due.elapsed();
    let at = start.elapsed();

    let mut tally = shared.tally.lock().unwrap();
    let tally = &mut *tally;
    tally.late.push(micros(late));
    let of_mode = tally.modes.entry(mode).or_default();
    of_mode.sent += 1;
    match outcome {
        Ok(answer) => {
            shared.answered.fetch_add(1, Ordering::Relaxed);
            of_mode.latencies.push(micros(latency));
            tally.served(answer, at);
        }
        Err((failure, detail)) => {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            *of_mode.failures.entry(failure).or_default() += 1;
            if tally.told.len() < MOST_TOLD {
                let after = at.as_secs_f64();
                tally.told.push(format!("after {after:.3} s, {mode}: {failure} ({detail})"));
            }
        }
    }
}
