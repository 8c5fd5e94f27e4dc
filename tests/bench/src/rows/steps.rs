//! The switch-over.

use std::fs;

use super::world;
use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::{in_turn, running, typed};

/// To the other instance and back, by hand without any proof.
pub fn connect(effort: Effort, report: &mut Report) {
    let world = world();
    let nginx = format!("nginx -p {0} -c {0}/nginx.conf", world.folder().join("proxy").display());
    let mut reload = typed(&format!("{nginx} -t -q && {nginx} -s reload"));
    let by_hand = Box::new(|| {
        let text = fs::read_to_string(world.home().join("nginx/upstream.conf")).expect("the switch is there");
        let (a, b) = (world.port("A").to_string(), world.port("B").to_string());
        let flipped = if text.contains(&a) { text.replace(&a, &b) } else { text.replace(&b, &a) };
        world.write("nginx/upstream.conf", &flipped);
        reload();
    });
    let [by_hand_takes, now] =
        in_turn(effort.steps, [by_hand, running(world.command(&["connect-to-nginx"]))]);
    report.times.push(Timed {
        what: "connect-to-nginx".to_owned(),
        now,
        by_hand: "nginx -t, -s reload".to_owned(),
        by_hand_takes,
        bound: 150.0,
        bound_in_words: "150 ms, proved".to_owned(),
    });
}
