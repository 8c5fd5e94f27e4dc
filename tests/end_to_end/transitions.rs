//! Whatever is done in whatever order, and killed wherever: a request through nginx is answered by a release that once
//! was healthy.

use std::time::Duration;

use support::{Running, Signal, World, eventually, only_resets_on_kept_connections};

use crate::world;

/// Numbers that are the same in each run: splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

const GOOD: [&str; 3] = ["v1", "v2", "v3"];
const BROKEN: [&str; 3] = ["exits", "silent", "answers-500"];
const STEPS: usize = 14;

/// What a person, cron or an accident might do next; the command's words, and whether it is killed on its way.
fn next(chance: &mut Chance) -> (Vec<&'static str>, bool) {
    let words = match chance.below(10) {
        0..=2 => vec!["deploy", chance.one_of(&GOOD), "--force"],
        3 => vec!["deploy", chance.one_of(&BROKEN)],
        4 => vec!["rollback"],
        5 => vec!["connect-to-nginx"],
        6 => vec!["stop-instance", chance.one_of(&["a", "b"])],
        7 => vec!["start-instance", chance.one_of(&["a", "b"])],
        8 => vec!["update-instance", chance.one_of(&GOOD)],
        _ => vec!["bootup"],
    };
    (words, chance.below(3) == 0)
}

fn take(world: &World, words: &[&'static str], killed_after: Option<Duration>) {
    let mut running = Running::start(&words.join(" "), world.command(words));
    if let Some(after) = killed_after {
        let begun = std::time::Instant::now();
        eventually(Duration::from_secs(10), "its moment has come", || {
            begun.elapsed() >= after || !running.is_running()
        });
        running.signal(Signal::SIGKILL);
    }
    running.wait();
}

fn random_walk(seed: u64) {
    let world = world()
        .set("health.start_timeout", "\"2s\"")
        .release("v1")
        .release("v2")
        .release("v3")
        .release("exits")
        .exits_at_start()
        .release("silent")
        .never_listens()
        .release("answers-500")
        .never_healthy()
        .deployed("v1");
    let mut chance = Chance(seed);
    let mut story = Vec::new();
    let loaded = world.under_gentle_load(|world| {
        for _ in 0..STEPS {
            let (words, killed) = next(&mut chance);
            let after = killed.then(|| Duration::from_millis(chance.below(700)));
            story.push(format!("{} {after:?}", words.join(" ")));
            take(world, &words, after);
            if chance.below(4) == 0 {
                world.nginx_reload_by_someone_else();
                story.push("nginx is reloaded".to_owned());
            }
        }
        // Nothing has to be cleared up first.
        world.run(["deploy", "v2", "--force", "--wait=30s"]).succeeds();
    });
    let healthy_once = |id: &str| GOOD.iter().any(|good| id.starts_with(good));
    let strangers: Vec<_> = loaded.report.served.iter().filter(|by| !healthy_once(&by.release)).collect();
    assert!(strangers.is_empty(), "seed {seed}: {strangers:?} answered\n{}", story.join("\n"));
    println!("seed {seed}:\n{}", story.join("\n"));
    loaded.expect(only_resets_on_kept_connections(3 * (2 * STEPS as u64 + 4)));
    let status = world.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["service"], "up", "{status:#}");
}

#[test]
fn a_random_walk() {
    random_walk(1);
}

#[test]
fn another_random_walk() {
    random_walk(2);
}

/// `FLIPSIDE_SEEDS=3..40 cargo test --release --test end-to-end transitions::many -- --nocapture`
#[test]
fn many_random_walks_if_asked_for() {
    let Ok(seeds) = std::env::var("FLIPSIDE_SEEDS") else { return };
    let (first, end) = seeds.split_once("..").expect("FLIPSIDE_SEEDS=FIRST..END");
    (first.parse().unwrap()..end.parse().unwrap()).for_each(random_walk);
}
