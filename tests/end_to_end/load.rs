//! Under the full load: 500 requests/s over kept connections, 500/s over new ones, 50/s that take 300 ms.

use support::{only_resets_on_kept_connections, served_by};

use crate::world;

#[test]
fn twenty_deployments_in_a_row() {
    let world = world().release("v1").release("v2").deployed("v1");
    let mut deployments = 0;
    world
        .under_load(|world| {
            for _ in 0..10 {
                world.run(["deploy", "v2"]).succeeds();
                world.run(["deploy", "v1"]).succeeds();
                deployments += 2;
            }
        })
        .expect(only_resets_on_kept_connections(3 * 20))
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
    assert_eq!(deployments, 20);
    world.serves("A", "v1");
    let text = world.read("logs/deployments.jsonl");
    assert_eq!(text.lines().count(), 21);
    assert_eq!(text.matches("\"deployed\"").count(), 21, "{text}");
}

#[test]
fn deployments_that_stop_the_old_instance_each_time() {
    let world = world().set("deploy.old", "\"stop\"").release("v1").release("v2").deployed("v1");
    world
        .under_load(|world| {
            for revision in ["v2", "v1", "v2", "v1"] {
                world.run(["deploy", revision]).succeeds();
            }
        })
        .expect(only_resets_on_kept_connections(3 * 4))
        .expect(served_by("B", "v2"));
}

#[test]
fn releases_that_fail_in_each_way_fail_no_request() {
    let world = world()
        .set("health.start_timeout", "\"2s\"")
        .release("v1")
        .release("exits")
        .exits_at_start()
        .release("deaf")
        .never_listens()
        .release("sick")
        .never_healthy()
        .release("mute")
        .never_answers()
        .deployed("v1");
    world
        .under_load(|world| {
            for revision in ["exits", "deaf", "sick", "mute"] {
                world.run(["deploy", revision]).fails_with(1);
            }
        })
        .expect(support::no_failed_request())
        .expect(support::served_only_by("A", "v1"));
}
