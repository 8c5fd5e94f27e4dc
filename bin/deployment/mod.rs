//! What the commands that deploy have in common: telling each step, and leaving the service as it was if one fails.

use std::fmt::Display;
use std::process::ExitCode;

use cli::{StepFailed, Story, quoted_lines};
use service::deployment::{Aftermath, Deployment, in_brief};
use service::{Moment, Service};
use state::config::Old;
use state::deployment::Outcome;
use state::lock::Lock;
use state::{App, Exit, ReleaseId, duration, interrupt};

/// Why a deployment stopped, and at which step.
pub struct Failure {
    step: String,
    /// As the step itself said it.
    words: Vec<String>,
}

/// A deployment that is being told.
pub struct Run<'a> {
    pub app: &'a App,
    pub deployment: Deployment,
    lock: Lock,
    story: Story,
    /// As a person would type it.
    typed: String,
}

impl<'a> Run<'a> {
    /// `to` is what is to serve, if that is known already.
    pub fn begin(
        app: &'a App,
        service: &Service,
        lock: Lock,
        (typed, to): (String, Option<ReleaseId>),
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let (command, revision) = typed.split_once(' ').map_or((typed.as_str(), None), |(c, r)| (c, Some(r)));
        let deployment = Deployment::begin(app, service, command, revision, to)?;
        let log = deployment.open_log(app)?;
        let story = Story::new(quiet, app.home.path().to_owned(), log, interrupt::take);
        Ok(Self { app, deployment, lock, story, typed })
    }

    /// The instance that gets the release.
    pub fn target(&self) -> String {
        self.deployment.target.to_string()
    }

    /// The instance that served before.
    pub fn from(&self) -> Option<String> {
        self.deployment.from.map(|from| from.to_string())
    }

    /// Runs a sibling under our lock; what it printed.
    pub fn step(&mut self, command: &str, arguments: &[&str]) -> Result<String, Failure> {
        self.step_with(command, arguments, &[])
    }

    /// The same with flags that a person would not type.
    pub fn step_with(
        &mut self,
        command: &str,
        arguments: &[&str],
        flags: &[&str],
    ) -> Result<String, Failure> {
        let in_the_way =
            |error: &dyn Display| Failure { step: command.to_owned(), words: vec![error.to_string()] };
        interrupt::check().map_err(|error| in_the_way(&error))?;
        self.lock.step(&[&[command], arguments].concat().join(" "));
        let input = self.lock.hand_down().map_err(|error| in_the_way(&error))?;
        let done = self.story.step(command, arguments, flags, input);
        done.map_err(|StepFailed { command, words, .. }| Failure { step: command, words })
    }

    /// From the instance that has been proved to the one that serves, and what becomes of the old one.
    pub fn switch_over(&mut self) -> Result<(), Failure> {
        let target = self.target();
        self.hook("pre-connect")?;
        self.step("connect-to-nginx", &[&target])?;
        self.hook("post-connect")?;
        self.watch()?;
        if let (Old::Stop, Some(old)) = (self.app.config.deploy.old, self.from()) {
            self.step_that_may_fail("drain-instance", &[&old]);
            self.step_that_may_fail("stop-instance", &[&old]);
        }
        Ok(())
    }

    /// Runs a sibling that only tidies up: the deployment has succeeded already.
    pub fn step_that_may_fail(&mut self, command: &str, arguments: &[&str]) {
        if let Err(Failure { words, .. }) = self.step(command, arguments) {
            for line in in_brief(&words) {
                self.story.tell(&line);
            }
        }
    }

    fn hook(&mut self, name: &str) -> Result<(), Failure> {
        if !self.app.home.hook(name).exists() {
            return Ok(());
        }
        let moment = moment(&self.deployment, name == "post-connect", None);
        let (app, act_name) = (self.app, name.to_owned());
        let act = move || service::hook(app, &act_name, &moment);
        self.act(&format!("(hook {name})"), name, act)
    }

    /// Watches the new instance for as long as `[deploy] observe` says.
    fn watch(&mut self) -> Result<(), Failure> {
        let (app, target, observe) = (self.app, self.deployment.target, self.app.config.deploy.observe);
        if observe.is_zero() {
            return Ok(());
        }
        let typed = format!("(watching {target} for {})", duration::as_written(observe));
        self.act(&typed, "watch", || service::watch(app, target, observe))
    }

    fn act(
        &mut self,
        typed: &str,
        name: &str,
        act: impl FnOnce() -> service::Result<()>,
    ) -> Result<(), Failure> {
        self.lock.step(typed);
        let done =
            interrupt::check().map_err(service::Error::from).and_then(|()| self.story.act(typed, name, act));
        done.map_err(|error| {
            let mut words = vec![error.to_string()];
            words.extend(quoted_lines(error.quoted()));
            Failure { step: name.to_owned(), words }
        })
    }

    pub fn succeeded(&mut self) -> ExitCode {
        let outcome =
            if self.typed.starts_with("rollback") { Outcome::RolledBack } else { Outcome::Deployed };
        self.conclude(outcome, None);
        self.tell_hook("on-success", None);
        let old = match self.app.config.deploy.old {
            _ if self.deployment.from.is_none() => String::new(),
            Old::Keep => format!("; {} is ready to go back to", self.deployment.former()),
            Old::Stop => format!("; {} was stopped", self.deployment.former()),
        };
        self.story.tell(&format!("{}: {} serves{old}", cli::name(), self.deployment.newcomer()));
        ExitCode::SUCCESS
    }

    /// What it did is done, also if it cannot be written down.
    fn conclude(&mut self, outcome: Outcome, reason: Option<&str>) {
        if let Err(error) = self.deployment.conclude(self.app, outcome, reason, &self.story.times) {
            cli::note(&format!("{}: this deployment could not be written down: {error}", cli::name()));
        }
    }

    pub fn nothing_new(&mut self) -> anyhow::Result<ExitCode> {
        self.deployment.abandon(self.app)?;
        let verdict = format!(
            "{}: nothing has changed: {} serves it already; --force deploys it all the same",
            cli::name(),
            self.deployment.former()
        );
        self.story.tell(&verdict);
        Ok(ExitCode::SUCCESS)
    }

    /// Puts back what was changed, and says what failed, why, what serves now, and what to do.
    pub fn failed(mut self, failure: &Failure) -> anyhow::Result<ExitCode> {
        interrupt::take(); // what it asked for is being done
        let switched = self.put_back();
        let standby = self.restore_standby();
        let aftermath = self.deployment.aftermath(self.app)?;
        let (exit, outcome) = match aftermath.judge(switched) {
            // Nothing was done: the step found a mistake in what a person wrote.
            (Exit::No, outcome) if self.story.last_exit == Some(u8::from(Exit::Usage)) => {
                (Exit::Usage, outcome)
            }
            judged => judged,
        };
        let reason = failure.words.first().map_or(failure.step.as_str(), String::as_str);
        self.conclude(outcome, Some(reason));
        self.tell_hook("on-failure", Some(reason));

        for line in in_brief(&failure.words) {
            cli::note(&line);
        }
        for line in self.verdict(failure, &aftermath, switched, standby) {
            cli::note(&line);
            self.story.keep(&line);
        }
        Ok(ExitCode::from(u8::from(exit)))
    }

    /// If nginx serves the new instance, or is to, it is made to serve the old one again. Whether the switch had been
    /// made, also if the step that failed has put it back itself.
    fn put_back(&mut self) -> bool {
        let connected = self.story.times.iter().any(|(step, _)| step == "post-connect" || step == "watch");
        let Ok(now) = Service::observe(self.app) else { return connected };
        let served = now.enabled() == Some(self.deployment.target)
            || now.live.instance() == Some(self.deployment.target);
        if !served {
            return connected || self.connect_was_put_back();
        }
        let put_back = match self.from() {
            Some(from) => self.step("connect-to-nginx", &[&from, "--force"]).map(drop),
            None => self
                .act("(making nginx serve nobody, as before)", "put-back", || service::disconnect(self.app)),
        };
        if let Err(Failure { words, .. }) = put_back {
            for line in in_brief(&words) {
                cli::note(&line);
            }
        }
        true
    }

    /// `connect-to-nginx` itself went back after a reload.
    fn connect_was_put_back(&self) -> bool {
        self.story.last_exit == Some(u8::from(Exit::PutBack))
    }

    /// The standby as it was, unless it carries traffic now; what to say of it.
    fn restore_standby(&mut self) -> Option<String> {
        let standby = self.deployment.standby.clone();
        let changed = standby.has_changed(self.app).unwrap_or(true);
        let service = Service::observe(self.app).ok()?;
        if !changed || service.may_take_away(self.app, self.deployment.target, "restore it").is_err() {
            return None;
        }
        let typed = format!("(putting back {})", standby.name());
        match self.act(&typed, "standby", || standby.restore(self.app)) {
            Ok(()) => None,
            Err(Failure { words, .. }) => {
                Some(format!("{}, the standby, could not be put back: {}", standby.name(), words.join(" ")))
            }
        }
    }

    fn verdict(
        &self,
        failure: &Failure,
        aftermath: &Aftermath,
        switched: bool,
        standby: Option<String>,
    ) -> Vec<String> {
        let state = match aftermath {
            Aftermath::AsBefore if switched => {
                format!("{} was put back and serves as before", self.deployment.former())
            }
            Aftermath::AsBefore if self.deployment.from.is_none() => {
                "nothing is enabled, as before".to_owned()
            }
            Aftermath::AsBefore => format!("{} serves as before", self.deployment.former()),
            Aftermath::InDoubt(why) => format!("the service needs a person: {why}; run status"),
        };
        let log = self.deployment.log_path(self.app);
        let mut lines = vec![format!("{}: stopped at {}; {state}", cli::name(), failure.step)];
        lines.extend(standby.map(|line| format!("  {line}")));
        lines.push(format!("  the whole log: {}", log.display()));
        lines.push(format!("  once the cause is mended: {}", self.typed));
        lines
    }

    /// A hook that only hears of it changes nothing any more.
    fn tell_hook(&mut self, name: &str, reason: Option<&str>) {
        let told = service::hook(self.app, name, &moment(&self.deployment, true, reason));
        if let Err(error) = told {
            self.story.tell(&format!("{}: {error}", cli::name()));
        }
    }
}

fn moment(deployment: &Deployment, public: bool, reason: Option<&str>) -> Moment {
    Moment {
        id: deployment.id.clone(),
        instance: deployment.target,
        from: deployment.from_release.clone(),
        to: deployment.to.clone(),
        reason: reason.map(str::to_owned),
        public,
    }
}
