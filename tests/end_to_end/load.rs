//! Under the full load: 500 requests/s over kept connections, 500/s over new ones, 50/s that take 300 ms.

use support::{World, no_failed_request, only_resets_on_kept_connections, served_by};

use crate::world;

#[test]
fn twenty_deployments_in_a_row() {
    let world = world().release("v1").release("v2").deployed("v1");
    let mut deployments = 0;
    let loaded = world
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
    println!("{}", loaded.report);
    assert_eq!(deployments, 20);
    world.serves("A", "v1");
    let text = world.read("logs/deployments.jsonl");
    assert_eq!(text.lines().count(), 21);
    assert_eq!(text.matches("\"deployed\"").count(), 21, "{text}");
}

/// Deployments in a row in the style `socket`: ten, or with `FLIPSIDE_LOAD=all` a hundred, with more than 500,000 requests
/// in some ten minutes.
#[test]
fn deployments_by_the_socket_fail_no_request_also_over_kept_connections() {
    let all = std::env::var("FLIPSIDE_LOAD").is_ok_and(|say| say == "all");
    let (deployments, observe, requests) = if all { (100, "3s", 500_000) } else { (10, "200ms", 0) };
    let world = world()
        .with_sockets()
        .set("deploy.observe", &format!("{observe:?}"))
        .release("v1")
        .release("v2")
        .deployed("v1");
    let loaded = world
        .under_load_until(requests, |world| {
            for number in 0..deployments {
                world.run(["deploy", if number % 2 == 0 { "v2" } else { "v1" }]).succeeds();
            }
        })
        .expect(no_failed_request())
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
    println!("{deployments} deployments\n{}", loaded.report);
    world.serves("A", "v1");
    let text = world.read("logs/deployments.jsonl");
    assert_eq!(text.matches("\"deployed\"").count(), deployments + 1, "{text}");
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
        .release("late")
        .with("START_DELAY", "5s")
        .deployed("v1");
    world
        .under_load(|world| {
            for revision in ["exits", "deaf", "sick", "mute", "late"] {
                world.run(["deploy", revision]).fails_with(1);
            }
        })
        .expect(no_failed_request())
        .expect(support::served_only_by("A", "v1"));
}

#[test]
fn releases_that_do_not_want_to_go_fail_no_request() {
    let world = world()
        .set("run.stop_timeout", "\"500ms\"")
        .release("v1")
        .release("deaf-to-sigterm")
        .ignores_sigterm()
        .release("with-an-orphan")
        .with("GRANDCHILD", "holds-port")
        .deployed("v1");
    world
        .under_load(|world| {
            for revision in ["deaf-to-sigterm", "with-an-orphan", "v1", "deaf-to-sigterm", "v1"] {
                world.run(["deploy", revision]).succeeds();
            }
        })
        .expect(only_resets_on_kept_connections(15));
}

#[test]
fn releases_that_fail_after_the_switch_are_taken_back() {
    let world = world()
        .set("deploy.observe", "\"5s\"")
        .release("v1")
        .release("v2")
        .release("exits-later")
        .with("EXIT_AFTER", "1s")
        .release("sick-later")
        .with("HEALTHY_TIMES", "3")
        .deployed("v1")
        .deployed("v2");
    let standby = |world: &World| world.run(["check-health", "a"]).succeeds().shows("ok 200");
    // Its pages are served as before: nobody notices but the watch.
    world
        .under_load(|world| {
            world.run(["deploy", "sick-later"]).fails_with(5).says("was put back and serves as before");
            standby(world);
        })
        .expect(only_resets_on_kept_connections(6));
    let loaded = world.under_load(|world| {
        world.run(["deploy", "exits-later"]).fails_with(5).says("was put back and serves as before");
        standby(world);
        world.serves("B", "v2");
    });
    // From its end to the flip back is all that users may notice; the report says how much it was.
    println!("{}", loaded.report);
    assert!(loaded.report.failed() < loaded.report.answered(), "{}", loaded.report);
}
