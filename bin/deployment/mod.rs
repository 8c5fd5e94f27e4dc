//! What the commands that deploy have in common: each of their steps is told, and run under one lock.

use std::fmt::Display;

use cli::{StepFailed, Story, quoted_lines};
use service::Service;
use service::deployment::{Deployment, in_brief};
use state::config::Old;
use state::lock::Lock;
use state::{App, ReleaseId, duration, interrupt};

mod ending;

/// Why a deployment stopped, and at which step.
pub struct Failure {
    step: String,
    /// As the step itself said it.
    words: Vec<String>,
}

/// A deployment that is being told.
pub struct Run<'a> {
    app: &'a App,
    pub deployment: Deployment,
    lock: Lock,
    story: Story,
}

impl<'a> Run<'a> {
    /// What a person would type, and what is to serve, if that is known already.
    pub fn begin(
        app: &'a App,
        service: &Service,
        lock: Lock,
        (typed, to): (&str, Option<ReleaseId>),
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let (command, revision) = typed.split_once(' ').map_or((typed, None), |(c, r)| (c, Some(r)));
        let deployment = Deployment::begin(app, service, command, revision, to)?;
        let log = deployment.open_log(app)?;
        let story = Story::new(quiet, app.home.path().to_owned(), log, interrupt::take);
        Ok(Self { app, deployment, lock, story })
    }

    /// The instance that gets the release.
    pub fn target(&self) -> String {
        self.deployment.target.to_string()
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

    /// The same with one that only tidies up: the deployment has succeeded already.
    pub fn step_that_may_fail(&mut self, command: &str, arguments: &[&str]) {
        if let Err(Failure { words, .. }) = self.step(command, arguments) {
            for line in in_brief(&words) {
                self.story.tell(&line);
            }
        }
    }

    /// A step that has no command of its own.
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
            let words = [vec![error.to_string()], quoted_lines(error.quoted())].concat();
            Failure { step: name.to_owned(), words }
        })
    }

    /// From the instance that has been proved to the one that serves, and what becomes of the old one.
    pub fn switch_over(&mut self) -> Result<(), Failure> {
        let target = self.target();
        self.hook("pre-connect", false)?;
        self.step("connect-to-nginx", &[&target])?;
        self.hook("post-connect", true)?;
        self.watch()?;
        if let (Old::Stop, Some(old)) = (self.app.config.deploy.old, self.deployment.from) {
            self.step_that_may_fail("drain-instance", &[&old.to_string()]);
            self.step_that_may_fail("stop-instance", &[&old.to_string()]);
        }
        Ok(())
    }

    fn hook(&mut self, name: &'static str, public: bool) -> Result<(), Failure> {
        let app = self.app;
        if !app.home.hook(name).exists() {
            return Ok(());
        }
        let moment = self.deployment.moment(public, None);
        self.act(&format!("(hook {name})"), name, || service::hook(app, name, &moment))
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
}
