//! The switch-over.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use support::{SOON, World, eventually};

use super::{Style, two_releases};
use crate::Effort;
use crate::by_hand::in_world;
use crate::report::{Counted, Report, Timed};
use crate::timing::{and_then, before, in_turn, running};

/// How long it is watched who answers, once the command has returned.
const AFTERWARDS: Duration = Duration::from_millis(150);

/// To the other instance and back, by hand without any proof.
pub fn connect(effort: &Effort, report: &mut Report) {
    let world = two_releases(Style::Upstream);
    let nginx = format!("nginx -p {0} -c {0}/nginx.conf", world.folder().join("proxy").display());
    let flip = format!(
        "case $(cat {0}) in *:{1}*) port={2} ;; *) port={1} ;; esac; echo \"server 127.0.0.1:$port;\" >{0}; \
         {nginx} -t -q && {nginx} -s reload",
        world.switch().display(),
        world.port("A"),
        world.port("B"),
    );
    connect_beside(&world, effort, report, Style::Upstream, ("`nginx -t`, `-s reload`", &flip), 150.0);

    let world = two_releases(Style::Socket);
    let switch = world.switch().display().to_string();
    let flip = format!(
        "case $(readlink {switch}) in *A.sock) to=B ;; *) to=A ;; esac; ln -s $to.sock {switch}.new && mv -T {switch}.new {switch}"
    );
    connect_beside(&world, effort, report, Style::Socket, ("`ln -s`, `mv -T`", &flip), 5.0);
}

fn connect_beside(
    world: &World,
    effort: &Effort,
    report: &mut Report,
    style: Style,
    (by_hand, typed): (&str, &str),
    bound: f64,
) {
    let what = format!("`connect-to-nginx`{}", style.suffix());
    let (late, late_by_hand) = (Late::default(), Late::default());
    let workers = RefCell::default();
    let note = || *workers.borrow_mut() = world.workers();
    let rounds = in_turn(
        effort.steps,
        [
            and_then(running(world.command(&["connect-to-nginx"])), || late.watch(world)),
            and_then(before(note, running(in_world(world, typed))), || {
                late_by_hand.watch(world);
                // Until nginx's master is ready for another reload.
                eventually(SOON, "nginx has new workers alone", || {
                    let now = world.workers();
                    style == Style::Socket || !now.iter().any(|worker| workers.borrow().contains(worker))
                });
            }),
        ],
    );
    report
        .tell(Timed::of(&what, &rounds, by_hand).within(&rounds, &format!("{bound} ms, proved"), |_| bound));
    report.tell(
        Counted::new(&format!("requests to the old instance after {what}"), "", late.to_the_old.get())
            .of(late.sent.get())
            .at_most(0)
            .beside(by_hand, late_by_hand.to_the_old.get(), Some(late_by_hand.sent.get())),
    );
}

/// Requests after a switch-over.
#[derive(Default)]
struct Late {
    sent: Cell<u64>,
    to_the_old: Cell<u64>,
}

impl Late {
    fn watch(&self, world: &World) {
        let ran = world.run(["enabled-instance"]).succeeds();
        let new = ran.answer();
        let until = Instant::now() + AFTERWARDS;
        while Instant::now() < until {
            let answer = world.get("/");
            self.sent.set(self.sent.get() + 1);
            if answer.header("x-instance") != Some(new) {
                self.to_the_old.set(self.to_the_old.get() + 1);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
