//! The switch-over in the style `socket`: prove that nginx reaches the target, rename, prove that it serves it; and back
//! if it does not. Nobody tests, reloads or asks root.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use state::{Address, App, InstanceName, ask_meanwhile, interrupt, loopback};

use crate::check::{self, Heard, Live};
use crate::connect::Connected;
use crate::error::{Error, Result};
use crate::link::{Link, Unsynced};
use crate::turn::name;

/// Makes nginx send new connections to `target`. On an error the switch is as it was, if the error does not say otherwise.
pub(crate) fn flip(app: &App, link: &Link, target: Option<InstanceName>) -> Result<Connected> {
    // A signal between the switch and the proof would leave it unproved; all of it is bounded.
    let _postponed = interrupt::postpone();
    let before = link.target()?;
    let Some(target) = target else {
        link.put(None, None)?.sync()?;
        return Ok(Connected::Now);
    };
    let here = before.as_deref().is_some_and(|before| link.interpret(before).is_to(Some(target)));
    if here {
        link.note()?;
        if check::live(app).instance() == Some(target) {
            return Ok(Connected::Already);
        }
    }
    let noted = link.noted();
    let flip = Flip { app, link, target };
    let connected = flip.rehearse()?;
    // It may have taken effect, and an error come only then.
    let switched = if here { flip.prove() } else { flip.switch_and_prove() };
    match switched {
        Ok(()) => Ok(connected),
        Err(first) if here => Err(Error::NotServed {
            target: name(Some(target)),
            words: Vec::new(),
            problem: first.to_string(),
        }),
        Err(first) => Err(flip.put_back(before.as_deref(), noted, first)),
    }
}

/// What [`flip`] would do, step by step.
pub(crate) fn plan(app: &App, link: &Link, target: InstanceName) -> Vec<String> {
    let address = app.address(target).in_words();
    let rename = format!("point the switch {} to {}", link.path().display(), link.way_to(target).display());
    match app.config.nginx.check {
        Some(check) => vec![
            format!("prove by the check server {check} that nginx reaches {address}"),
            rename,
            format!("prove by the check server {check} that new connections go to {target}"),
        ],
        None => vec![rename],
    }
}

struct Flip<'a> {
    app: &'a App,
    link: &'a Link,
    target: InstanceName,
}

/// Rights do not mend themselves; a queue of connections that is full for a moment does.
const REHEARSAL: Duration = Duration::from_secs(2);
/// Users are failed meanwhile, as far as anybody can tell.
const FAILING: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(5);

impl Flip<'_> {
    /// nginx reaches the target's own socket, before anything is sent there: what this proves of the switch-over.
    fn rehearse(&self) -> Result<Connected> {
        let begun = Instant::now();
        let within = REHEARSAL.min(self.app.config.nginx.apply_timeout);
        loop {
            let seen = match check::hear(self.app, Some(self.target)) {
                Err(Live::Unknown) => return Ok(Connected::Unproved),
                Err(Live::Down(why)) => return Err(Error::NotRunning(why)),
                Err(live) => live.in_words(),
                Ok(heard) => match heard.socket() {
                    // The site does not know that question.
                    Some(asked) if self.link.is_at(asked) => return Ok(Connected::Unrehearsed),
                    Some(asked) if self.link.instance_at(asked) == Some(self.target) => {
                        if !self.is_out_of_reach(&heard) {
                            return Ok(Connected::Now);
                        }
                        format!("it answers {}, and its error log tells why", heard.status)
                    }
                    _ => heard.live(self.app).in_words(),
                },
            };
            if begun.elapsed() >= within {
                let socket = self.link.socket(self.target).to_owned();
                return Err(Error::OutOfReach { target: self.target, socket, seen });
            }
            thread::sleep(PAUSE);
        }
    }

    /// nginx follows the switch from the rename on, synced or not. So it is asked while the disk is waited for; that both are
    /// done is known when this returns. Killed before, it leaves the old switch or the new one: nginx reaches either.
    fn switch_and_prove(&self) -> Result<()> {
        let switched = self.link.put(Some(&self.link.way_to(self.target)), Some(self.target))?;
        let (proved, synced) = ask_meanwhile(|| self.prove(), || switched.sync());
        synced?;
        proved
    }

    /// New connections go to the target: each one follows the switch, so that one answer by it is enough.
    fn prove(&self) -> Result<()> {
        let within = self.app.config.nginx.apply_timeout;
        let begun = Instant::now();
        loop {
            let (seen, within) = match check::hear(self.app, None) {
                Err(Live::Unknown) => return Ok(()),
                Err(live) => (live.in_words(), within),
                Ok(heard) => match heard.socket() {
                    Some(asked) if self.link.is_at(asked) && !self.is_out_of_reach(&heard) => return Ok(()),
                    Some(asked) if self.link.is_at(asked) => {
                        let seen = format!("it answers {}, and its error log tells why", heard.status);
                        (seen, within.min(FAILING))
                    }
                    _ => (heard.live(self.app).in_words(), within),
                },
            };
            if begun.elapsed() >= within {
                return Err(Error::NotApplied { target: name(Some(self.target)), within, seen });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether nginx cannot connect to the target, though we can. What refuses us, too, is known already: it was asked for
    /// all the same. A healthy app may answer so, too, if it is told that this is healthy.
    fn is_out_of_reach(&self, heard: &Heard) -> bool {
        let Address::Socket(socket) = self.app.address(self.target) else { return false };
        heard.status == BAD_GATEWAY
            && !self.app.config.health.status.contains(BAD_GATEWAY)
            && loopback::accepts(&socket, check::TIMEOUT).is_ok()
    }

    /// The switch as it was, and nginx seen to serve whom it served.
    fn put_back(&self, before: Option<&Path>, noted: Option<InstanceName>, first: Error) -> Error {
        if let Err(second) = self.link.put(before, noted).and_then(Unsynced::sync) {
            return Error::InDoubt { first: Box::new(first), second: Box::new(second.into()) };
        }
        let former = before.and_then(|before| self.link.interpret(before).enabled());
        match (former, check::live(self.app)) {
            (Some(former), Live::Instance(live)) if live == former => {}
            (None, _) | (_, Live::Unknown) => {}
            (former, live) => {
                let target = name(former);
                let second = Error::NotServed { target, words: Vec::new(), problem: live.in_words() };
                return Error::InDoubt { first: Box::new(first), second: Box::new(second) };
            }
        }
        Error::PutBack(Box::new(first))
    }
}

/// What nginx answers when it cannot connect.
const BAD_GATEWAY: u16 = 502;
