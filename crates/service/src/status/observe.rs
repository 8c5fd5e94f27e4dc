//! All questions are asked at once, and each has its timeout.

use std::thread;
use std::time::Duration;

use nginx::{Answer, Live, Setting, Switch};
use state::config::Old;
use state::deployment::{Deployment, Underway, typed};
use state::instance::Record;
use state::{App, Asked, InstanceName, Manifest, ReleaseId, duration};
use supervise::{Ended, Seen, crashes, drain, health, listener, resources};

use super::{InstanceStatus, Interrupted, Recorded, ServiceState, Status};
use crate::error::Result;
use crate::traffic::Service;

impl Status {
    pub fn observe(app: &App) -> Result<Self> {
        let setting = Switch::of(app).read()?;
        let ask_nginx = || nginx::ask_within(app, app.config.health.timeout);
        // The kernel walks past all connections of the machine for it, which takes the longest.
        let ask_connections = || drain::connections_of_both(app).ok();
        let asks = InstanceName::BOTH.map(|name| move || instance(app, name));
        let (Answer { live, worker }, connections, mut instances) = thread::scope(|scope| {
            let connections = Asked::at_once(scope, &ask_connections);
            let answer = Asked::at_once(scope, &ask_nginx);
            let instances = asks.each_ref().map(|ask| Asked::at_once(scope, ask));
            let instances: Vec<_> = instances.into_iter().map(Asked::answer).collect();
            (answer.answer(), connections.answer(), instances)
        });
        let service = Service { setting, live, worker };
        let connections = connections.map_or([None; 2], |connections| connections.map(Some));
        for (instance, connections) in instances.iter_mut().zip(connections) {
            instance.connections = connections;
            instance.enabled = service.enabled() == Some(instance.name);
            instance.live = service.live.instance() == Some(instance.name);
        }
        let underway = Underway::read(&app.home);
        let (interrupted, running): (Option<_>, Option<_>) = match underway {
            Some(underway) if underway.is_interrupted(&app.home) => (Some(underway), None),
            Some(underway) if underway.runs() => (None, Some(underway)),
            _ => (None, None),
        };
        let mut status = Self {
            app: app.config.name.clone(),
            service: ServiceState::Up,
            enabled: service.enabled(),
            live: service.live.instance(),
            applied: applied(&service),
            proxy_problem: proxy_problem(&service),
            interrupted: interrupted.map(cut_off),
            running: running
                .map(|running| in_words(&running.command, running.revision.as_deref(), &running.by)),
            // That they cannot be read is told by `deployments`; the service has its state all the same.
            last_deployment: Deployment::last(&app.home, 1).ok().and_then(|mut last| last.pop()),
            problems: Vec::new(),
            instances,
        };
        status.judge(app, &service);
        Ok(status)
    }

    /// Whether the service is up, and what is amiss.
    fn judge(&mut self, app: &App, service: &Service) {
        let down = self.why_down(app, service);
        let is_down = down.is_some();
        self.problems = match down {
            // That nginx does not run is not all that can be wrong with it.
            Some(why) if matches!(service.live, Live::Down(_)) => {
                [Some(why), told(&service.setting)].into_iter().flatten().collect()
            }
            Some(why) => vec![why],
            None => self.what_is_amiss(app, service),
        };
        if let Some(Interrupted { command, revision, .. }) = &self.interrupted {
            let command = typed(command, revision.as_deref());
            self.problems.push(format!("a deployment was interrupted; run {command} again"));
        }
        self.service = match (is_down, self.problems.is_empty()) {
            (true, _) => ServiceState::Down,
            (false, false) => ServiceState::Degraded,
            (false, true) => ServiceState::Up,
        };
    }

    fn why_down(&self, app: &App, service: &Service) -> Option<String> {
        let serving = service.live.instance().or(match service.live {
            Live::Unknown | Live::Mute(_) => service.enabled(),
            _ => None,
        });
        match (&service.live, serving) {
            (Live::Down(_), _) => service.why_no_nginx(),
            (Live::Stranger(_), _) => {
                Some(format!("nginx: {}; run connect-to-nginx A or B", service.live.in_words()))
            }
            (_, None) if service.setting.problem().is_some() => told(&service.setting),
            (_, None) if service.enabled().is_none() => {
                let command = if Switch::of(app).noted().is_some() { "bootup" } else { "deploy" };
                Some(format!("nothing is enabled; run {command}"))
            }
            (_, None) => Some(format!("nginx: {}; run bootup", service.live.in_words())),
            (_, Some(name)) => {
                let instance = self.instances.iter().find(|instance| instance.name == name)?;
                (!instance.healthy).then(|| {
                    let remedy = self.remedy_for(name);
                    format!("{name} serves and is not healthy: it {}; {remedy}", instance.health)
                })
            }
        }
    }

    /// What helps at once, and what helps at all.
    fn remedy_for(&self, serving: InstanceName) -> String {
        match self.instances.iter().find(|instance| instance.name != serving && instance.healthy) {
            Some(InstanceStatus { name, release: Some(release), .. }) => {
                format!("run bootup, or connect-to-nginx {name}: {name} ({release}) is healthy")
            }
            _ => "run bootup".to_owned(),
        }
    }

    fn what_is_amiss(&self, app: &App, service: &Service) -> Vec<String> {
        let switch = told(&service.setting);
        let mute = match &service.live {
            Live::Mute(why) => Some(why.clone()),
            _ => None,
        };
        let not_applied = match (self.applied, self.enabled, self.live) {
            (Some(false), Some(enabled), Some(live)) => Some(format!(
                "{enabled} is enabled, but nginx still serves {live}; run connect-to-nginx {enabled}"
            )),
            (Some(false), None, Some(live)) => Some(format!(
                "nothing is enabled, but nginx still serves {live}; run connect-to-nginx {live}"
            )),
            _ => None,
        };
        let kept = app.config.deploy.old == Old::Keep && self.enabled.is_some();
        let dead = self
            .standby()
            .filter(|standby| kept && standby.release.is_some() && !standby.healthy)
            // After a boot, bootup starts what serves, and that is how it should be.
            .filter(|standby| self.running.is_none() && !standby.was_ended_by_a_boot())
            .map(|standby| {
                format!(
                    "{}, the standby, is not healthy: it {}; run start-instance {0}",
                    standby.name, standby.health
                )
            });
        let crashes = self.instances.iter().filter_map(what_crashed);
        [switch, mute, not_applied, dead].into_iter().flatten().chain(crashes).collect()
    }
}

/// What is wrong with the switch, and what to run.
fn told(setting: &Setting) -> Option<String> {
    setting.problem().map(|problem| format!("{problem}; run connect-to-nginx A or B"))
}

fn applied(service: &Service) -> Option<bool> {
    match &service.live {
        Live::Unknown | Live::Mute(_) | Live::Down(_) => None,
        live => Some(live.instance() == service.enabled() && service.setting.problem().is_none()),
    }
}

fn proxy_problem(service: &Service) -> Option<String> {
    match &service.live {
        Live::Instance(_) | Live::Unknown => None,
        other => Some(other.in_words()),
    }
}

fn instance(app: &App, name: InstanceName) -> InstanceStatus {
    let address = app.address(name);
    let ask_health = || health::probe(app, name);
    let (probe, seen, used, crashed) = thread::scope(|scope| {
        let probe = Asked::at_once(scope, &ask_health);
        let (seen, used, crashed) = (listener(app, name), resources::of(app, name), crashes(app, name));
        (probe.answer(), seen, used, crashed)
    });
    let restarts = crashed.as_ref().map(|crashed| crashed.restarts);
    let restarted = crashed.as_ref().filter(|crashed| crashed.restarts > 0).map(|crashed| crashed.ago);
    let recorded = match Record::read(&app.home, name) {
        Some(record) if !record.process.is_of_this_boot() => Recorded::BeforeIt,
        _ => Recorded::SinceTheBoot,
    };
    let mut last_words = Vec::new();
    let release = ReleaseId::of_instance(&app.home, name);
    let manifest = release.as_ref().and_then(|id| Manifest::read(&app.home.release(id)).ok().flatten());
    let mut health = probe.to_string();
    let mut healthy = probe.healthy();
    let pid = match seen {
        Ok(Seen::Ours(pid)) => Some(pid),
        Ok(Seen::Foreign(holder)) => {
            health = format!("has its {} taken by {holder}, which flipside did not start", address.kind());
            healthy = false;
            None
        }
        Ok(Seen::Nobody) => {
            health = match crashed.and_then(|crashed| crashed.ended) {
                Some(Ended::GivenUp { how, log }) => {
                    last_words = log;
                    format!("crashed {} times and was given up: it {how}", restarts.unwrap_or_default() + 1)
                }
                Some(Ended::ComesBack) => "has crashed, and is about to be started again".into(),
                None if used.is_some() => "runs and does not listen".into(),
                None if recorded == Recorded::BeforeIt => "was not started since the boot".into(),
                None => "does not run".into(),
            };
            None
        }
        Err(error) => {
            health = error.to_string();
            None
        }
    };
    InstanceStatus {
        name,
        port: address.port(),
        socket: address.socket().map(|socket| socket.path().to_owned()),
        address,
        enabled: false,
        live: false,
        release,
        revision: manifest.map(|manifest| manifest.revision),
        pid,
        healthy,
        health,
        health_ms: probe.status.map(|_| probe.elapsed.as_secs_f64() * 1_000.0),
        uptime_seconds: used.map(|used| used.uptime_seconds),
        memory_bytes: used.map(|used| used.memory_bytes),
        cpu_percent: used.map(|used| used.cpu_percent),
        restarts,
        restarted,
        recorded,
        last_words,
        connections: None,
    }
}

/// Later than that, nobody needs to look at it any more.
const LATELY: Duration = Duration::from_hours(1);

/// One that was brought back, and is on its way to the next crash.
fn what_crashed(instance: &InstanceStatus) -> Option<String> {
    let ago = instance.restarted.filter(|ago| *ago < LATELY && instance.pid.is_some())?;
    let times = match instance.restarts? {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    let name = instance.name;
    Some(format!(
        "{name} has crashed {times} since it was started, last {} ago; see logs {name}",
        duration::in_words(ago)
    ))
}

fn cut_off(underway: Underway) -> Interrupted {
    let Underway { id, command, revision, by, started, .. } = underway;
    Interrupted { id, command, revision, by, started }
}

fn in_words(command: &str, revision: Option<&str>, by: &str) -> String {
    format!("{} by {by}", typed(command, revision))
}
