//! A new release whose dependencies are those of the one before.

use std::fs;
use std::path::Path;

use support::World;

use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::{Rounds, typed};

pub fn update(effort: &Effort, report: &mut Report) {
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
    let rounds = (0..effort.few)
        .map(|number| {
            let release = format!("v1.{number}");
            world.publish(&release, &[("NUMBER", &number.to_string())]);
            let now = world.run(["update-instance", "b", &release]).succeeds().took;
            [now, by_hand()].map(|taken| taken.as_secs_f64() * 1e3)
        })
        .collect();
    let rounds = Rounds::of(rounds);
    let timed = Timed::of("`update-instance`, same dependencies", &rounds, "`git clone`, `npm ci`");
    report.tell(timed.within(&rounds, "a twentieth of that", |[_, by_hand]| by_hand / 20.0));
}
