//! Who carries traffic, and what may be done because of it.

use nginx::{Answer, Live, Setting, Switch};
use state::config::Style;
use state::{App, InstanceName, Pid, file};
use supervise::{Presence, Share, drain, health, presence};

use crate::connect::connect;
use crate::error::{Error, Result};

/// What the world says at one moment of who serves.
#[derive(Clone, Debug)]
pub struct Service {
    pub setting: Setting,
    pub live: Live,
    /// The worker of nginx that told who is live, if one did.
    pub worker: Option<Pid>,
}

impl Service {
    pub fn observe(app: &App) -> Result<Self> {
        let setting = Switch::of(app).read()?;
        let Answer { live, worker } = nginx::ask(app);
        Ok(Self { setting, live, worker })
    }

    /// The same before nginx is made to serve another instance. Where it is not reloaded, that asks it soon enough.
    pub fn observe_to_connect(app: &App) -> Result<Self> {
        match app.config.nginx.style {
            Style::Upstream => Self::observe(app),
            Style::Socket => Ok(Self { setting: Switch::of(app).read()?, live: Live::Unknown, worker: None }),
        }
    }

    /// The instance that nginx is configured to serve.
    pub fn enabled(&self) -> Option<InstanceName> {
        self.setting.enabled()
    }

    /// The other one, if one is enabled.
    pub fn disabled(&self) -> Option<InstanceName> {
        self.enabled().map(InstanceName::other)
    }

    /// The instance that nginx does not serve; A if it serves none.
    pub fn flip_side(&self) -> InstanceName {
        self.enabled().map_or(InstanceName::A, InstanceName::other)
    }

    /// Finishes what an interrupted switch left: if the running nginx does not serve what is enabled, it is made to. If
    /// what is enabled is not fit to serve and the live one is, the other way round.
    pub fn settle(self, app: &App) -> Result<Self> {
        if let Some(problem) = self.setting.problem() {
            return Err(Error::Switch(problem));
        }
        let Some(enabled) = self.enabled() else {
            return self.settle_without_enabled(app);
        };
        match &self.live {
            Live::Instance(live) if *live == enabled => return Ok(self),
            Live::Down(_) | Live::Mute(_) | Live::Unknown => return Ok(self),
            Live::Instance(live)
                if !health::probe(app, enabled).healthy() && health::probe(app, *live).healthy() =>
            {
                connect(app, *live)?;
            }
            Live::Instance(_) | Live::Nobody | Live::Stranger(_) => {
                connect(app, enabled)?;
            }
        }
        Self::observe(app)
    }

    /// The switch was emptied, and nginx was not told: whoever is served still is what counts.
    fn settle_without_enabled(self, app: &App) -> Result<Self> {
        let Some(live) = self.live.instance() else { return Ok(self) };
        connect(app, live)?;
        Self::observe(app)
    }

    /// What an instance gets of the processors while it starts: less if the other one carries traffic, which is to notice
    /// nothing.
    pub(crate) fn share_for(&self, app: &App, instance: InstanceName) -> Share {
        let carries = |name| self.traffic_of(app, name).is_some();
        if carries(instance.other()) && !carries(instance) { Share::Small } else { Share::Full }
    }

    /// Whether new requests may go to the instance; why.
    fn traffic_of(&self, app: &App, instance: InstanceName) -> Option<String> {
        match (self.enabled() == Some(instance), self.live.instance() == Some(instance)) {
            (true, true) => Some("is enabled and live".to_owned()),
            (true, false) => Some(format!("is enabled ({})", app.switch().display())),
            (false, true) => Some("is live: nginx still serves it".to_owned()),
            (false, false) => None,
        }
    }

    /// An error if the instance carries traffic, or if nobody can tell.
    pub fn may_take_away(&self, app: &App, instance: InstanceName, action: &'static str) -> Result<()> {
        if self.setting == Setting::Several {
            return Err(Error::Switch(self.setting.problem().unwrap_or_default()));
        }
        if let Some(why) = self.traffic_of(app, instance) {
            let remedy = format!(
                "Make {} serve first (connect-to-nginx {}), or use --force",
                instance.other(),
                instance.other()
            );
            return Err(Error::CarriesTraffic { instance, why, action, remedy });
        }
        match &self.live {
            Live::Mute(why) if drain::connections(app, instance)? > 0 => {
                Err(Error::Unknown { instance, why: why.clone() })
            }
            _ => Ok(()),
        }
    }

    /// An error if nginx's configuration is broken already. A switch that somebody has removed, emptied or misspelt is
    /// mended, if it can be told for whom: for the only instance that runs, or for nobody if none does.
    pub fn test_nginx(self, app: &App) -> Result<Self> {
        let Err(broken) = nginx::test(app) else { return Ok(self) };
        if Switch::of(app).is_intact()? {
            return Err(broken.into());
        }
        match running(app)?[..] {
            [] => nginx::make_switch(app)?,
            [only] => drop(connect(app, only)?),
            _ => {
                let switch = app.switch();
                let problem = "names no instance, nginx refuses it, and both instances run";
                return Err(Error::Switch(format!("the switch {} {problem}", switch.display())));
            }
        }
        Self::observe(app)
    }

    /// An error if nobody is served although somebody should be: nginx does not run.
    pub fn must_have_nginx(&self) -> Result<()> {
        self.why_no_nginx().map_or(Ok(()), |why| Err(Error::Down(why)))
    }

    /// That nginx does not run, and what to do about it.
    pub(crate) fn why_no_nginx(&self) -> Option<String> {
        match (&self.live, &self.setting) {
            (Live::Down(why), Setting::Missing) => Some(format!(
                "{why} It cannot start, for the switch is missing; connect-to-nginx with the name of an instance makes it"
            )),
            (Live::Down(why), _) => Some(format!("{why} Start it; nginx -t tells what hinders it")),
            _ => None,
        }
    }

    /// An nginx that does not run cannot start without a switch that it accepts: where nothing is enabled, it is written
    /// for `target`.
    pub fn make_ready_to_start(self, app: &App, target: InstanceName) -> Result<Self> {
        if !matches!(self.live, Live::Down(_)) || self.enabled().is_some() {
            return Ok(self);
        }
        nginx::write_for_a_start(app, target)?;
        Self::observe(app)
    }
}

/// The instances that nginx could serve.
fn running(app: &App) -> Result<Vec<InstanceName>> {
    let mut running = Vec::new();
    for instance in InstanceName::BOTH {
        if matches!(presence(app, instance)?, Presence::Listening(_)) {
            running.push(instance);
        }
    }
    Ok(running)
}

/// The instance that was named, or else the enabled one: whoever names one does not need the switch.
pub fn named_or_enabled(app: &App, named: Option<InstanceName>) -> Result<InstanceName> {
    match named {
        Some(instance) => Ok(instance),
        None => Switch::of(app).enabled()?.ok_or(Error::NothingEnabled),
    }
}

/// The instance that was named, or else the disabled one: nginx need not be asked for that.
pub fn named_or_disabled(app: &App, named: Option<InstanceName>) -> Result<InstanceName> {
    match named {
        Some(instance) => Ok(instance),
        None => Switch::of(app).read()?.enabled().map(InstanceName::other).ok_or(Error::NothingEnabled),
    }
}

/// The same; A if nothing is enabled.
pub fn named_or_flip_side(app: &App, named: Option<InstanceName>) -> Result<InstanceName> {
    match named_or_disabled(app, named) {
        Err(Error::NothingEnabled) => Ok(InstanceName::A),
        found => found,
    }
}

/// What must be there before nginx can be tested: see [`nginx::connect`].
pub(crate) fn make_folders(app: &App) -> Result<()> {
    for folder in [app.home.logs(), app.home.run(), app.home.path().join("instances")] {
        file::folder(&folder)?;
    }
    Ok(())
}
