//! What a test may expect of a report.

use std::time::Duration;

use super::{Failure, Mode, Report};

pub fn no_failed_request() -> impl FnOnce(&Report) -> Result<(), String> {
    |report| match report.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} requests failed")),
    }
}

/// What 99 in 100 requests stay under on a machine that keeps up.
const USUAL_LATENCY: Duration = Duration::from_millis(25);

/// No request failed but those whose kept connection a reload of nginx had just closed: so many at most, three for each
/// reload. A reload cuts those whose request is on its way, and on a machine that does not keep up there are more.
pub fn only_resets_on_kept_connections(at_most: u64) -> impl FnOnce(&Report) -> Result<(), String> {
    move |report| {
        let resets = report.failures(Mode::KeepAlive, Failure::ResetOnKept);
        if report.failed() > resets {
            return Err(format!("{} requests failed that must not", report.failed() - resets));
        }
        let kept = report.modes.iter().filter(|of| of.mode == Mode::KeepAlive);
        let on_their_way = kept
            .map(|of| f64::from(of.per_second) * of.latency.p99.saturating_sub(USUAL_LATENCY).as_secs_f64());
        let at_most = at_most + at_most.div_ceil(3) * on_their_way.sum::<f64>() as u64;
        if resets > at_most {
            return Err(format!("{resets} resets on kept connections, more than {at_most}"));
        }
        Ok(())
    }
}

/// It answered some of the requests.
pub fn served_by(instance: &str, release: &str) -> impl FnOnce(&Report) -> Result<(), String> {
    let (instance, release) = (instance.to_owned(), release.to_owned());
    move |report| {
        let found =
            report.served.iter().any(|by| by.instance == instance && is_release(&by.release, &release));
        if found { Ok(()) } else { Err(format!("{release} of {instance} answered nothing")) }
    }
}

/// Nobody else answered.
pub fn served_only_by(instance: &str, release: &str) -> impl FnOnce(&Report) -> Result<(), String> {
    let by = served_by(instance, release);
    |report| match report.served.len() {
        1 => by(report),
        several => Err(format!("{several} releases answered")),
    }
}

pub(crate) fn is_release(id: &str, name: &str) -> bool {
    id == name || id.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
}
