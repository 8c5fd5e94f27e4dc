//! What a home has kept in the course of time.

use std::fs;
use std::ops::Range;

use serde_json::{Value, json};
use support::World;

/// Whole releases of revisions that are older than those of the world.
pub fn keep_releases(world: &World, numbers: Range<usize>) {
    let known = world.list("releases").into_iter().find(|name| !name.starts_with('.')).expect("one is built");
    let like = world.read(&format!("releases/{known}/release.json"));
    let like: Value = serde_json::from_str(&like).expect("a manifest is JSON");
    for number in numbers {
        let commit = format!("{number:07}{:033}", 0);
        let id = format!("v0.{number}-{}", &commit[..7]);
        let mut manifest = like.clone();
        manifest["id"] = json!(id);
        manifest["revision"] = json!(format!("v0.{number}"));
        manifest["commit"] = json!(commit);
        manifest["built"] = json!(format!("2026-01-{:02}T00:00:00Z", 1 + number % 28));
        world.write(&format!("releases/{id}/release.json"), &manifest.to_string());
    }
}

/// Deployments before those of the world.
pub fn keep_deployments(world: &World, numbers: Range<usize>) {
    let log = "logs/deployments.jsonl";
    let latest = world.read(log);
    let like = latest.lines().next().expect("one has ended");
    let like: Value = serde_json::from_str(like).expect("a line is JSON");
    let earlier = numbers.map(|number| {
        let mut deployment = like.clone();
        deployment["id"] = json!(format!("20260101-{number:06}"));
        format!("{deployment}\n")
    });
    fs::write(world.home().join(log), earlier.collect::<String>() + &latest).expect("the log can be written");
}
