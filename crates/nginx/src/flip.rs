//! The switch-over in the style `socket`: prove that nginx reaches the target, rename, prove that it serves it; and back
//! if it does not. Nobody tests, reloads or asks root.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use state::{Address, App, InstanceName, ask_meanwhile, interrupt, loopback};

use crate::check::{self, Heard, Live};
use crate::connect::{Connected, Rehearsed, SwitchOver};
use crate::error::{Error, Result};
use crate::link::{Link, Unsynced};
use crate::turn::name;

/// The switch is a symlink that nginx follows at each connect.
pub(crate) struct Rename<'a> {
    pub app: &'a App,
    pub link: Link,
}

impl SwitchOver for Rename<'_> {
    fn rehearse(&self, target: InstanceName) -> Result<Rehearsed> {
        Flip { app: self.app, link: &self.link, target }.rehearse()
    }

    fn serve(&self, rehearsed: Rehearsed) -> Result<Connected> {
        // A signal between the switch and the proof would leave it unproved; all of it is bounded.
        let _postponed = interrupt::postpone();
        let Self { app, link } = self;
        let before = Before { target: link.target()?, noted: link.noted() };
        let flip = Flip { app, link, target: rehearsed.target };
        if before.enabled(link) == Some(rehearsed.target) {
            flip.prove_again(rehearsed.proof)
        } else {
            // The rename may have taken effect, and an error come only then.
            flip.switch_and_prove().map_err(|first| flip.put_back(&before, first))?;
            Ok(rehearsed.proof)
        }
    }

    fn serve_nobody(&self) -> Result<Connected> {
        self.link.put(None, None)?.sync()?;
        Ok(Connected::Now)
    }

    fn plan(&self, target: InstanceName) -> Vec<String> {
        let address = self.app.address(target).in_words();
        let rename = format!(
            "point the switch {} to {}",
            self.link.path().display(),
            self.link.way_to(target).display()
        );
        match self.app.config.nginx.check {
            Some(check) => vec![
                format!("prove by the check server {check} that nginx reaches {address}"),
                rename,
                format!("prove by the check server {check} that new connections go to {target}"),
            ],
            None => vec![rename],
        }
    }
}

/// What the switch and the note said, to put them back.
struct Before {
    target: Option<PathBuf>,
    noted: Option<InstanceName>,
}

impl Before {
    fn enabled(&self, link: &Link) -> Option<InstanceName> {
        link.interpret(self.target.as_deref()?).enabled()
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
    /// The switch is there already. Whatever hindered nginx before, it is told whether it serves the target now.
    fn prove_again(&self, by_rehearsal: Connected) -> Result<Connected> {
        self.link.note()?;
        if check::live(self.app).instance() == Some(self.target) {
            return Ok(Connected::Already);
        }
        let not_served = |error: Error| Error::NotServed {
            target: name(Some(self.target)),
            words: Vec::new(),
            problem: error.to_string(),
        };
        self.prove().map_err(not_served)?;
        Ok(by_rehearsal)
    }

    /// nginx reaches the target's own socket, before anything is sent there.
    fn rehearse(&self) -> Result<Rehearsed> {
        let rehearsed = |proof, healthy| Ok(Rehearsed { target: self.target, proof, healthy });
        let begun = Instant::now();
        let within = REHEARSAL.min(self.app.config.nginx.apply_timeout);
        loop {
            let seen = match check::hear(self.app, Some(self.target)) {
                Err(Live::Unknown) => return rehearsed(Connected::Unproved, false),
                Err(Live::Down(why)) => return Err(Error::NotRunning(why)),
                Err(live) => live.in_words(),
                Ok(heard) => match heard.socket() {
                    // The site does not know that question.
                    Some(asked) if self.link.is_at(asked) => return rehearsed(Connected::Unrehearsed, false),
                    Some(asked) if self.link.instance_at(asked) == Some(self.target) => {
                        if !self.is_out_of_reach(&heard) {
                            return rehearsed(Connected::Now, heard.tells_health(self.app));
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
    fn put_back(&self, before: &Before, first: Error) -> Error {
        let put = self.link.put(before.target.as_deref(), before.noted);
        if let Err(second) = put.and_then(Unsynced::sync) {
            return Error::InDoubt { first: Box::new(first), second: Box::new(second.into()) };
        }
        match (before.enabled(self.link), check::live(self.app)) {
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
