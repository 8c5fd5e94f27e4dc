//! A new release whose dependencies are those of the one before.

use std::fs;
use std::path::Path;
use std::time::Instant;

use support::World;

use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::{Times, typed};

pub fn update(effort: Effort, report: &mut Report) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/hapi-app");
    let read = |name: &str| fs::read_to_string(fixture.join(name)).expect("the fixture is there");
    let world = World::new()
        .set("run.command", "'npm start -- --host=$HOST --port=$PORT'")
        .set("health.start_timeout", "\"60s\"")
        .set("build.dependencies.command", "'npm ci --no-audit --no-fund'")
        .set("build.dependencies.path", "\"node_modules\"")
        .set("build.dependencies.key", "[\"package.json\", \"package-lock.json\"]")
        .release("v1")
        .with_file("package.json", &read("package.json"))
        .with_file("package-lock.json", &read("package-lock.json"))
        .with_file("server.js", &read("server.js"))
        .deployed("v1");
    let clone = world.folder().join("by-hand");
    let mut by_hand = typed(&format!(
        "rm -rf {0} && git clone -q {1} {0} && cd {0} && npm ci --no-audit --no-fund",
        clone.display(),
        world.source().display()
    ));
    let (mut by_hand_takes, mut now) = (Vec::new(), Vec::new());
    for number in 0..effort.steps.div_ceil(8) {
        let release = format!("v1.{number}");
        world.publish(&release, &[("NUMBER", &number.to_string())]);
        by_hand_takes.push(taken(&mut by_hand));
        now.push(taken(&mut || {
            world.run(["update-instance", "b", &release]).succeeds();
        }));
    }
    let (by_hand_takes, now) = (Times::of(by_hand_takes), Times::of(now));
    report.times.push(Timed {
        what: "update-instance, same dependencies".to_owned(),
        now,
        by_hand: "git clone, npm ci".to_owned(),
        by_hand_takes,
        bound: by_hand_takes.median / 20.0,
        bound_in_words: "a twentieth".to_owned(),
    });
}

fn taken(run: &mut dyn FnMut()) -> f64 {
    let begun = Instant::now();
    run();
    begun.elapsed().as_secs_f64() * 1e3
}
