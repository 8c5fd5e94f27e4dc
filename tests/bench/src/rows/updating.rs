//! A new release of a real app, whose dependencies are those of the one before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::World;

use crate::Effort;
use crate::report::{Report, Timed};
use crate::timing::{Rounds, running};

pub fn update(effort: &Effort, report: &mut Report) {
    let app = if effort.quick { App::small() } else { App::large() };
    let world = World::new()
        .set("build.dependencies.command", "'npm ci --no-audit --no-fund --cache $FLIPSIDE_HOME/npm'")
        .set("build.dependencies.path", "\"node_modules\"")
        .set("build.dependencies.key", "[\"package.json\", \"package-lock.json\"]")
        .release("v1")
        .with_file("package.json", &app.package)
        .with_file("package-lock.json", &app.lock)
        .with_file("server.js", &app.server);
    let releases: Vec<_> = (0..effort.few).map(|number| format!("v1.{number}")).collect();
    let world = releases.iter().fold(world, |world, name| world.release(name));
    // Both sides are an ordinary user's; a home of root is given copies.
    let of_nobody = world.give_to_nobody();
    running(world.command(&["update-instance", "b", "v1"]))(); // the registry may take its time
    let mut rounds = Vec::new();
    for (number, release) in releases.iter().enumerate() {
        let mut round = [0.0; 2];
        for which in if number % 2 == 0 { [0, 1] } else { [1, 0] } {
            // What the other one has left in memory, this one does not have to write.
            let _ = Command::new("sync").status();
            round[which] = match which {
                0 => world.run(["update-instance", "b", release]).succeeds().took.as_secs_f64(),
                _ => by_hand(&world, release, of_nobody),
            } * 1e3;
        }
        rounds.push(round);
    }
    let rounds = Rounds::of(rounds);
    let timed = Timed::of("`update-instance`, same dependencies", &rounds, "`git clone`, `npm ci`");
    report.tell(timed.within(&rounds, "a twentieth of that", |[_, by_hand]| by_hand / 20.0));
}

/// Seconds. npm finds all that it needs in its cache.
fn by_hand(world: &World, release: &str, as_nobody: bool) -> f64 {
    let (home, source) = (world.home(), world.source());
    let clone = home.join("by-hand");
    let text = format!(
        "git clone -q -b {release} {} {1} && cd {1} && npm ci --no-audit --no-fund --cache {2}/npm",
        source.display(),
        clone.display(),
        home.display()
    );
    let mut shell = Command::new(if as_nobody { "setpriv" } else { "env" });
    if as_nobody {
        shell.args(["--reuid=nobody", "--regid=65534", "--clear-groups"]);
    }
    shell.args(["sh", "-c", &text]).current_dir(&home).env("HOME", &home);
    let taken = running(shell)().as_secs_f64();
    fs::remove_dir_all(clone).expect("it can be removed");
    taken
}

/// What makes up an app of npm's.
struct App {
    package: String,
    lock: String,
    server: String,
}

impl App {
    /// 12 packages.
    fn small() -> Self {
        Self::with_lock(&fixture("hapi-app"), &fixture("hapi-app"))
    }

    /// 15,000 files of 180 MB, locked by the registry once and kept in cargo's target folder.
    fn large() -> Self {
        let (app, kept) = (fixture("large-hapi-app"), crate::growth::folder().join("large-hapi-app"));
        let package = read(&app, "package.json");
        let same = fs::read_to_string(kept.join("package.json")).is_ok_and(|text| text == package);
        if !same || !kept.join("package-lock.json").exists() {
            let _ = fs::remove_dir_all(&kept);
            fs::create_dir_all(&kept).expect("a folder in target");
            let mut npm = Command::new("npm");
            npm.args(["install", "--package-lock-only", "--no-audit", "--no-fund", "--prefix"]).arg(&kept);
            fs::copy(app.join("package.json"), kept.join("package.json")).expect("the fixture is there");
            running(npm)();
        }
        Self::with_lock(&app, &kept)
    }

    fn with_lock(app: &Path, lock: &Path) -> Self {
        Self {
            package: read(app, "package.json"),
            lock: read(lock, "package-lock.json"),
            server: read(&fixture("hapi-app"), "server.js"),
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("the app is there")
}
