//! The switch-over in the style `upstream`: test, switch, test, reload, prove; and back at the first thing that goes wrong.

use std::thread;
use std::time::{Duration, Instant};

use state::{App, Asked, InstanceName, Pid, ask_meanwhile, interrupt};

use crate::check::{self, Answer, Live};
use crate::connect::{Connected, Rehearsed, SwitchOver};
use crate::error::{Error, Result};
use crate::hand::Hand;
use crate::include::Include;
use crate::switch::Setting;
use crate::turn::name;
use crate::workers::{self, Worker};

/// The switch is a file that nginx reads when it is told to.
pub(crate) struct Reload<'a> {
    app: &'a App,
    switch: Include,
    hand: Hand<'a>,
}

impl<'a> Reload<'a> {
    pub fn new(app: &'a App, switch: Include) -> Self {
        let hand = Hand::of(&app.config.nginx, switch.clone());
        Self { app, switch, hand }
    }
}

impl SwitchOver for Reload<'_> {
    fn serve(&self, rehearsed: Rehearsed) -> Result<Connected> {
        self.make_it_serve(Some(rehearsed.target))
    }

    fn serve_nobody(&self) -> Result<Connected> {
        self.make_it_serve(None)
    }

    fn plan(&self, target: InstanceName) -> Vec<String> {
        let proof = match self.app.config.nginx.check {
            Some(check) => format!("prove by the check server {check} that new connections go to {target}"),
            None => "prove by nginx's worker processes that the reload took".to_owned(),
        };
        let mut steps = self.hand.plan(&self.switch, target);
        steps.push(proof);
        steps
    }

    fn test(&self) -> Result<()> {
        self.hand.test()
    }

    fn make_switch(&self) -> Result<()> {
        self.hand.make_switch()
    }

    fn write_for_a_start(&self, target: InstanceName) -> Result<()> {
        self.hand.write_for_a_start(target)
    }
}

impl Reload<'_> {
    fn make_it_serve(&self, target: Option<InstanceName>) -> Result<Connected> {
        // A signal between the switch and the proof would leave the two apart; all of it is bounded.
        let _postponed = interrupt::postpone();
        let Self { app, switch, hand } = self;
        let before = switch.read()?;
        let here = before.is_to(target);
        if here && target.is_some() && check::live(app).instance() == target {
            return Ok(Connected::Already);
        }
        let (master, old) =
            ask_meanwhile(|| workers::master(app, check::ask(app).worker), || hand.write(target));
        let old = old?;
        let goal = Goal { app, hand, target };
        goal.tell_nginx_and_prove(master).map_err(|first| match first {
            first if first.has_changed_nothing() => first,
            Error::NotReloaded { .. } if !hand.can_go_back_to(&before) => Error::PutBack(Box::new(first)),
            first if here || !hand.can_go_back_to(&before) => not_served(&goal, &first),
            first => goal.put_back(master, &old, &before, first),
        })
    }
}

/// The workers that do not know the new switch.
enum OldWorkers {
    /// Of this master.
    Seen(Pid, Vec<Worker>),
    /// Their master cannot be found from here, or is another one by now; those that root's command has told of.
    Unseen(Vec<Worker>),
}

impl OldWorkers {
    /// Whether any of them may accept connections, so long after the reload.
    fn accept(&self, since_the_reload: Duration) -> bool {
        match self {
            Self::Seen(_, workers) => workers.iter().any(Worker::accepts),
            Self::Unseen(_) => since_the_reload < UNSEEN_WORKERS,
        }
    }

    /// Whether more of them may accept connections than were seen before the reload: those of somebody else's, which read
    /// the switch as it was, and had not started its workers yet.
    fn have_followers(&self, since_the_reload: Duration) -> bool {
        match self {
            Self::Seen(master, _) => since_the_reload < UNSEEN_WORKERS && workers::of_two_reloads(*master),
            Self::Unseen(_) => false,
        }
    }

    fn hold(&self, pid: Pid) -> bool {
        let (Self::Seen(_, workers) | Self::Unseen(workers)) = self;
        workers.iter().any(|worker| worker.pid == pid)
    }
}

/// Whom nginx is to serve.
struct Goal<'a> {
    app: &'a App,
    hand: &'a Hand<'a>,
    target: Option<InstanceName>,
}

/// After a right one, so many more must be right, too. They confirm what the workers' titles prove, and are all there is
/// when those cannot be seen.
const MORE_ANSWERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// nginx's master lets old workers accept for 100 ms after a reload; where they cannot be seen, this must be over.
const UNSEEN_WORKERS: Duration = Duration::from_millis(500);

impl Goal<'_> {
    fn name(&self) -> String {
        name(self.target)
    }

    fn tell_nginx_and_prove(&self, master: Option<Pid>) -> Result<Connected> {
        let before = master.map(workers::accepting).unwrap_or_default();
        let unaware = self.hand.tell_nginx(self.target)?;
        let old_workers = match master {
            // Root's command tells of the workers of every nginx, of which only ours will leave.
            Some(master) if !before.is_empty() => {
                let unaware = unaware.into_iter().filter(|worker| worker.is_of(master));
                OldWorkers::Seen(master, before.into_iter().chain(unaware).collect())
            }
            _ => OldWorkers::Unseen(unaware),
        };
        self.prove(&old_workers)
    }

    /// New connections go to the target when none of the workers that ran before the reload accepts any more, and then all
    /// of several answers come from the target by way of a newer worker, of which there is one kind alone. Nothing is asked
    /// before: each question is a request to an instance, and an answer while old workers accept proves nothing.
    fn prove(&self, old_workers: &OldWorkers) -> Result<Connected> {
        let within = self.app.config.nginx.apply_timeout;
        let begun = Instant::now();
        let mut seen = None;
        while begun.elapsed() < within {
            if !old_workers.accept(begun.elapsed()) {
                match self.told(old_workers) {
                    Ok(connected) if !old_workers.have_followers(begun.elapsed()) => return Ok(connected),
                    Ok(_) => {}
                    Err(words) => seen = Some(words),
                }
            }
            pause(begun);
        }
        let seen = seen.unwrap_or_else(|| match check::live(self.app) {
            live if self.is_met(&live) || live == Live::Unknown => {
                "old workers of nginx still accept connections".to_owned()
            }
            live => live.in_words(),
        });
        Err(Error::NotApplied { target: self.name(), within, seen })
    }

    /// What the check server's answers prove, or else nginx's processes alone; what is seen instead, if they do not.
    fn told(&self, old_workers: &OldWorkers) -> Result<Connected, String> {
        let first = check::ask(self.app);
        if first.live == Live::Unknown {
            return self.told_by_workers(old_workers);
        }
        self.must_be_right(&first, old_workers)?;
        self.ask_more().iter().try_for_each(|answer| self.must_be_right(answer, old_workers))?;
        Ok(Connected::Now)
    }

    fn must_be_right(&self, answer: &Answer, old_workers: &OldWorkers) -> Result<(), String> {
        if answer.worker.is_some_and(|pid| old_workers.hold(pid)) {
            return Err("an old worker of nginx still answers".to_owned());
        }
        if self.is_met(&answer.live) { Ok(()) } else { Err(answer.live.in_words()) }
    }

    /// Without a check server, that there are workers, none of which knows the old switch.
    fn told_by_workers(&self, old_workers: &OldWorkers) -> Result<Connected, String> {
        let renewed =
            workers::master(self.app, None).is_some_and(|master| !workers::accepting(master).is_empty());
        match old_workers {
            _ if renewed => Ok(Connected::ByWorkersAlone),
            OldWorkers::Seen(..) => Err(Live::Unknown.in_words()),
            OldWorkers::Unseen(_) => Err("nginx's processes cannot be seen from here".to_owned()),
        }
    }

    /// At once, so that several workers answer.
    fn ask_more(&self) -> [Answer; MORE_ANSWERS] {
        let ask = || check::ask(self.app);
        thread::scope(|scope| [(); MORE_ANSWERS].map(|()| Asked::at_once(scope, &ask)).map(Asked::answer))
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
    fn put_back(&self, master: Option<Pid>, old: &str, before: &Setting, first: Error) -> Error {
        let former = Goal { app: self.app, hand: self.hand, target: before.enabled() };
        if let Err(second) = self.hand.put_back(old) {
            return Error::InDoubt { first: Box::new(first), second: Box::new(second) };
        }
        let first_alone = matches!(first, Error::NotReloaded { .. });
        if former.is_met(&check::live(self.app)) && first_alone {
            return Error::PutBack(Box::new(first));
        }
        match former.tell_nginx_and_prove(master) {
            // A reload that does not take leaves nginx as it was: what counts is whom it serves.
            Err(second) if second.has_changed_nothing() || !former.is_served_steadily() => {
                Error::InDoubt { first: Box::new(first), second: Box::new(second) }
            }
            _ => Error::PutBack(Box::new(first)),
        }
    }
}

/// Between two looks. It grows with the time that has been waited: no wait gets longer by much, and a long one costs little.
fn pause(begun: Instant) {
    thread::sleep((begun.elapsed() / 64).clamp(SHORTEST_PAUSE, PAUSE));
}

fn not_served(goal: &Goal, error: &Error) -> Error {
    Error::NotServed { target: goal.name(), words: error.quoted().to_vec(), problem: error.to_string() }
}
