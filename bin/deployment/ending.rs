//! How a deployment ends: written down, told, and with the service as it was if it failed.

use std::process::ExitCode;

use service::deployment::in_brief;
use state::deployment::Outcome;
use state::{Exit, interrupt};

use super::{Failure, Run};

impl Run<'_> {
    pub fn succeeded(&mut self) -> ExitCode {
        self.conclude(self.deployment.success(), None);
        self.tell_hook("on-success", None);
        self.verdict(&self.deployment.in_words(self.app.config.deploy.old));
        ExitCode::SUCCESS
    }

    pub fn nothing_new(&mut self) -> anyhow::Result<ExitCode> {
        self.deployment.abandon(self.app)?;
        let serves = format!("{} serves it already", self.deployment.former());
        self.verdict(&format!("nothing has changed: {serves}; --force deploys it all the same"));
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
            (Exit::No, outcome) if self.story.last_exit == Some(Exit::Usage.into()) => (Exit::Usage, outcome),
            judged => judged,
        };
        let reason = failure.words.first().unwrap_or(&failure.step);
        self.conclude(outcome, Some(reason));
        self.tell_hook("on-failure", Some(reason));

        for line in in_brief(&failure.words) {
            cli::note(&line);
        }
        for line in self.deployment.verdict(self.app, &failure.step, &aftermath, switched, standby) {
            cli::note(&line);
            self.story.keep(&line);
        }
        Ok(ExitCode::from(u8::from(exit)))
    }

    /// If nginx serves the new instance, or is to, it is made to serve the old one again. Whether the switch had been
    /// made, also if the step that failed has put it back itself.
    fn put_back(&mut self) -> bool {
        let app = self.app;
        match self.deployment.has_taken_over(app) {
            Err(_) => return self.was_connected(),
            Ok(false) => return self.was_connected() || self.connect_has_put_back(),
            Ok(true) => {}
        }
        let put_back = match self.deployment.from {
            Some(from) => self.step("connect-to-nginx", &[&from.to_string(), "--force"]).map(drop),
            None => {
                self.act("(making nginx serve nobody, as before)", "put-back", || service::disconnect(app))
            }
        };
        if let Err(Failure { words, .. }) = put_back {
            for line in in_brief(&words) {
                cli::note(&line);
            }
        }
        true
    }

    fn was_connected(&self) -> bool {
        self.story.times.iter().any(|(step, _)| step == "post-connect" || step == "watch")
    }

    /// After a reload, by itself.
    fn connect_has_put_back(&self) -> bool {
        self.story.last_exit == Some(Exit::PutBack.into())
    }

    /// The standby as it was, unless it carries traffic now; what to say of it.
    fn restore_standby(&mut self) -> Option<String> {
        let (app, standby) = (self.app, self.deployment.standby.clone());
        if !standby.is_to_be_restored(app) {
            return None;
        }
        let typed = format!("(putting back {})", standby.name());
        let mut remarks = Vec::new();
        let restore = || standby.restore(app).map(|cut| remarks = cut);
        let restored = self.act(&typed, "standby", restore);
        for remark in remarks {
            self.verdict(&remark);
        }
        let Failure { words, .. } = restored.err()?;
        Some(format!("{}, the standby, could not be put back: {}", standby.name(), words.join(" ")))
    }

    /// What it did is done, also if it cannot be written down.
    fn conclude(&mut self, outcome: Outcome, reason: Option<&str>) {
        if let Err(error) = self.deployment.conclude(self.app, outcome, reason, &self.story.times) {
            cli::note(&format!("{}: this deployment could not be written down: {error}", cli::name()));
        }
    }

    /// A hook that only hears of it changes nothing any more.
    fn tell_hook(&mut self, name: &str, reason: Option<&str>) {
        if let Err(error) = service::hook(self.app, name, &self.deployment.moment(true, reason)) {
            self.verdict(&error.to_string());
        }
    }

    fn verdict(&mut self, words: &str) {
        self.story.tell(&format!("{}: {words}", cli::name()));
    }
}
