//! The switch-over: test, switch, test, reload, prove; and back at the first thing that goes wrong.

use std::thread;
use std::time::{Duration, Instant};

use state::{App, InstanceName, interrupt};

use crate::check::{self, Live};
use crate::error::{Error, Result};
use crate::flip::{self, flip};
use crate::hand::Hand;
use crate::include::Include;
use crate::switch::{Setting, Switch};
use crate::turn::name;
use crate::workers::{self, Worker};

/// How nginx came to serve the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// It was enabled and live.
    Already,
    /// Proved by the check server.
    Now,
    /// Proved by nginx's worker processes alone, since there is no check server.
    ByWorkersAlone,
    /// In the style `socket`, by the check server: its site cannot be asked for one instance before the switch.
    Unrehearsed,
    /// In the style `socket` there is no other proof than the check server's.
    Unproved,
}

/// Makes nginx send new connections to `target`, and returns when it does. On an error the switch is as it was, if the
/// error does not say otherwise.
pub fn connect(app: &App, target: InstanceName) -> Result<Connected> {
    serve(app, Some(target))
}

/// Makes nginx serve nobody: how it was before a first deployment that failed.
pub fn disconnect(app: &App) -> Result<Connected> {
    serve(app, None)
}

fn serve(app: &App, target: Option<InstanceName>) -> Result<Connected> {
    match Switch::of(app) {
        Switch::Include(include) => apply(app, &include, target),
        Switch::Link(link) => flip(app, &link, target),
    }
}

/// What [`connect`] would do, step by step.
pub fn plan(app: &App, target: InstanceName) -> Vec<String> {
    if let Switch::Link(link) = Switch::of(app) {
        return flip::plan(app, &link, target);
    }
    let proof = match app.config.nginx.check {
        Some(check) => format!("prove by the check server {check} that new connections go to {target}"),
        None => "prove by nginx's worker processes that the reload took".to_owned(),
    };
    let mut steps = Hand::of(app).plan(app, target);
    steps.push(proof);
    steps
}

/// Makes a switch that serves nobody and that nginx accepts, where there is none that does.
pub fn make_switch(app: &App) -> Result<()> {
    match Switch::of(app) {
        Switch::Include(_) => Hand::of(app).make_switch(),
        Switch::Link(_) => Ok(()),
    }
}

/// Writes the switch for an nginx that does not run, and cannot start without it.
pub fn write_for_a_start(app: &App, target: InstanceName) -> Result<()> {
    match Switch::of(app) {
        Switch::Include(_) => Hand::of(app).write_for_a_start(target),
        Switch::Link(_) => Ok(()),
    }
}

/// Tests nginx's configuration as it is now, where a reload is to come.
pub fn test(app: &App) -> Result<()> {
    match Switch::of(app) {
        Switch::Include(_) => Hand::of(app).test(),
        Switch::Link(_) => Ok(()),
    }
}

fn apply(app: &App, switch: &Include, target: Option<InstanceName>) -> Result<Connected> {
    // A signal between the switch and the proof would leave the two apart; all of it is bounded.
    let _postponed = interrupt::postpone();
    let before = switch.read()?;
    let here = before.is_to(target);
    if here && target.is_some() && check::live(app).instance() == target {
        return Ok(Connected::Already);
    }
    let hand = Hand::of(app);
    let old = hand.write(target)?;
    let goal = Goal { app, hand: &hand, target };
    goal.tell_nginx_and_prove().map_err(|first| match first {
        first if first.has_changed_nothing() => first,
        Error::NotReloaded { .. } if !hand.can_go_back_to(&before) => Error::PutBack(Box::new(first)),
        first if here || !hand.can_go_back_to(&before) => not_served(&goal, &first),
        first => goal.put_back(&old, &before, first),
    })
}

/// Whom nginx is to serve.
struct Goal<'a> {
    app: &'a App,
    hand: &'a Hand<'a>,
    target: Option<InstanceName>,
}

/// So many right answers in a row. They confirm what the workers' titles prove, and are all there is when those cannot
/// be seen.
const RIGHT_ANSWERS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(5);
/// nginx's master lets old workers accept for 100 ms after a reload; where they cannot be seen, this must be over.
const UNSEEN_WORKERS: Duration = Duration::from_millis(500);

impl Goal<'_> {
    fn name(&self) -> String {
        name(self.target)
    }

    fn tell_nginx_and_prove(&self) -> Result<Connected> {
        let before = workers::accepting(self.app, check::ask(self.app).worker);
        let unaware = self.hand.tell_nginx(self.target)?;
        let old_workers = match before {
            None if unaware.is_empty() => None,
            before => Some([before.unwrap_or_default(), unaware].concat()),
        };
        self.prove(old_workers.as_deref())
    }

    /// New connections go to the target when none of the workers that ran before the reload accepts any more, and all
    /// of several answers come from the target by way of a newer worker.
    fn prove(&self, old_workers: Option<&[Worker]>) -> Result<Connected> {
        let within = self.app.config.nginx.apply_timeout;
        let begun = Instant::now();
        let mut right = 0;
        let mut seen = String::from("nothing was seen of it");
        while begun.elapsed() < within {
            let answer = check::ask(self.app);
            let by_old =
                answer.worker.is_some_and(|pid| old_workers.into_iter().flatten().any(|old| old.pid == pid));
            let accepting = old_workers.and_then(|_| workers::accepting(self.app, answer.worker));
            let old_accept = match (&accepting, old_workers) {
                (Some(now), Some(old)) => now.iter().any(|worker| old.contains(worker)),
                _ => begun.elapsed() < UNSEEN_WORKERS,
            };
            let renewed = accepting.is_some_and(|now| !now.is_empty());
            right = if self.is_met(&answer.live) && !by_old { right + 1 } else { 0 };
            if answer.live == Live::Unknown && renewed && !old_accept {
                return Ok(Connected::ByWorkersAlone);
            }
            if right >= RIGHT_ANSWERS && !old_accept {
                return Ok(Connected::Now);
            }
            seen = match answer.live {
                Live::Unknown if old_workers.is_none() => {
                    "nginx's processes cannot be seen from here".to_owned()
                }
                _ if old_accept && (right > 0 || answer.live == Live::Unknown) => {
                    "old workers of nginx still accept connections".to_owned()
                }
                live => live.in_words(),
            };
            if right == 0 || old_accept {
                thread::sleep(PAUSE);
            }
        }
        Err(Error::NotApplied { target: self.name(), within, seen })
    }

    /// All answers come from the target for longer than an old worker would go on accepting.
    fn is_served_steadily(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < UNSEEN_WORKERS {
            if !self.is_met(&check::live(self.app)) {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    }

    fn is_met(&self, live: &Live) -> bool {
        match self.target {
            Some(target) => *live == Live::Instance(target),
            None => *live == Live::Nobody,
        }
    }

    /// After the reload failed or did not take: the switch as it was, and nginx proved to serve what it served.
    fn put_back(&self, old: &str, before: &Setting, first: Error) -> Error {
        let former = Goal { app: self.app, hand: self.hand, target: before.enabled() };
        if let Err(second) = self.hand.put_back(old) {
            return Error::InDoubt { first: Box::new(first), second: Box::new(second) };
        }
        let first_alone = matches!(first, Error::NotReloaded { .. });
        if former.is_met(&check::live(self.app)) && first_alone {
            return Error::PutBack(Box::new(first));
        }
        match former.tell_nginx_and_prove() {
            // A reload that does not take leaves nginx as it was: what counts is whom it serves.
            Err(second) if second.has_changed_nothing() || !former.is_served_steadily() => {
                Error::InDoubt { first: Box::new(first), second: Box::new(second) }
            }
            _ => Error::PutBack(Box::new(first)),
        }
    }
}

fn not_served(goal: &Goal, error: &Error) -> Error {
    Error::NotServed { target: goal.name(), words: error.quoted().to_vec(), problem: error.to_string() }
}
