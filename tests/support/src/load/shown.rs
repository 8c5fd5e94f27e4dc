//! A report, as JSON and for people.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Report, Served, Spread};

impl Spread {
    fn json(&self) -> Value {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        json!({ "p50": ms(self.p50), "p99": ms(self.p99), "max": ms(self.max) })
    }
}

impl Report {
    pub fn json(&self) -> Value {
        let modes = self.modes.iter().map(|of| {
            let failures = of.failures.iter().map(|(failure, count)| (failure.to_string(), json!(count)));
            let value = json!({
                "per_second": of.per_second,
                "sent": of.sent,
                "answered": of.answered,
                "failed": of.failures.values().sum::<u64>(),
                "failures": Value::Object(failures.collect()),
                "latency_ms": of.latency.json(),
            });
            (of.mode.key().to_owned(), value)
        });
        let served = self.served.iter().map(|served| {
            json!({
                "instance": served.instance,
                "release": served.release,
                "count": served.count,
                "first_seconds": served.first.as_secs_f64(),
                "last_seconds": served.last.as_secs_f64(),
            })
        });
        json!({
            "url": self.url,
            "seconds": self.elapsed.as_secs_f64(),
            "sent": self.sent(),
            "answered": self.answered(),
            "failed": self.failed(),
            "modes": Value::Object(modes.collect()),
            "served": served.collect::<Vec<_>>(),
            "first_failures": self.told,
            "generator_late_ms": self.late.json(),
            "closed_while_idle": self.closed_while_idle,
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1e3);
        let sent = self.sent();
        writeln!(f, "{sent} requests to {} in {:.1} s", self.url, self.elapsed.as_secs_f64())?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<17} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
            "", "sent", "answered", "failed", "half", "99 in 100", "slowest"
        )?;
        for of in &self.modes {
            writeln!(
                f,
                "{:<17} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
                of.mode,
                of.sent,
                of.answered,
                of.failures.values().sum::<u64>(),
                ms(of.latency.p50),
                ms(of.latency.p99),
                ms(of.latency.max)
            )?;
        }
        writeln!(f)?;
        for served in &self.served {
            let Served { instance, release, count, first, last } = served;
            let (first, last) = (first.as_secs_f64(), last.as_secs_f64());
            let who = match (instance.as_str(), release.as_str()) {
                ("", "") => "somebody without a name".to_owned(),
                (instance, release) => format!("{instance} ({release})"),
            };
            writeln!(f, "{who} answered {count} requests, from {first:.1} s to {last:.1} s")?;
        }
        for of in &self.modes {
            for (failure, count) in &of.failures {
                writeln!(f, "failed with {}: {count}, {failure}", of.mode)?;
            }
        }
        for told in &self.told {
            writeln!(f, "  {told}")?;
        }
        let mut late = String::new();
        write!(late, "The generator itself was at most {} late", ms(self.late.max))?;
        writeln!(f, "{late} ({} in 99 of 100 requests).", ms(self.late.p99))
    }
}
