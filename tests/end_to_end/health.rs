//! check-health: one probe, past nginx.

use crate::world;

/// `ok 200 3ms`
fn is_ok(line: &str, status: &str) -> bool {
    let mut words = line.split(' ');
    let (ok, code, time) = (words.next(), words.next(), words.next());
    let milliseconds = time.and_then(|time| time.strip_suffix("ms")).and_then(|ms| ms.parse::<u64>().ok());
    ok == Some("ok") && code == Some(status) && milliseconds.is_some() && words.next().is_none()
}

#[test]
fn a_healthy_instance() {
    let world = world().release("v1").deployed("v1");
    for words in [["check-health", "A"], ["check-health", "instance-a"]] {
        let ran = world.run(words).succeeds().says_nothing();
        assert!(is_ok(ran.answer(), "200"), "{ran}");
    }
    let enabled = world.run(["check-health"]).succeeds();
    assert!(is_ok(enabled.answer(), "200"), "{enabled}");
}

#[test]
fn for_machines() {
    let world = world().release("v1").deployed("v1");
    let json = world.run(["check-health", "--json"]).succeeds().json();
    assert_eq!((&json["healthy"], &json["status"]), (&true.into(), &200.into()), "{json}");
    world.turn("A", "HEALTH", "500");
    let json = world.run(["check-health", "--json"]).exits_with(1).json();
    assert_eq!((&json["healthy"], &json["status"]), (&false.into(), &500.into()), "{json}");
}

#[test]
fn the_wrong_status() {
    let world = world().release("v1").deployed("v1");
    world.turn("A", "HEALTH", "500");
    world.run(["check-health"]).fails_with(1).prints_nothing().says("answered 500, not 200 (/health)");
}

#[test]
fn nobody_listens() {
    let world = world();
    let said = format!("B does not listen on port {}", world.port("B"));
    world.run(["check-health", "b"]).fails_with(1).prints_nothing().says(&said);
}

#[test]
fn no_answer_within_the_timeout() {
    let world = world().release("v1").deployed("v1");
    world.change("health.timeout", "\"600ms\"");
    world.turn("A", "HEALTH", "mute");
    world.run(["check-health"]).fails_with(1).prints_nothing().says("did not answer within 600 ms");
}

#[test]
fn which_statuses_are_healthy_is_configured() {
    let world = world().release("v1").deployed("v1");
    world.change("health.status", "\"200-399\"");
    world.run(["check-health"]).succeeds();
    world.turn("A", "HEALTH", "204");
    world.run(["check-health"]).succeeds().shows("ok 204 ");
    world.change("health.status", "\"200,503\"");
    world.run(["check-health"]).fails_with(1).says("answered 204, not 200,503 (/health)");
    world.turn("A", "HEALTH", "503");
    world.run(["check-health"]).succeeds().shows("ok 503 ");
}

#[test]
fn the_body_must_hold_the_text() {
    let world = world().set("health.contains", "\"healthy A\"").release("v1").deployed("v1");
    world.run(["check-health"]).succeeds();
    world.change("health.contains", "\"a text that is not there\"");
    world
        .run(["check-health"])
        .fails_with(1)
        .says("answered 200 without the text `a text that is not there`");
}

#[test]
fn nothing_enabled_is_nothing_to_probe() {
    world().run(["check-health"]).fails_with(1).prints_nothing();
}
