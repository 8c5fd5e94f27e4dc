//! What a person at a terminal sees.

use crate::world;

#[test]
fn deploy_shows_a_live_line_per_step_and_a_table_at_the_end() {
    let world = world().release("v1").release("v2").with("START_DELAY", "500ms").deployed("v1");
    let ran = world.in_terminal(["deploy", "v2"]).succeeds();
    ran.shows("\u{1b}[").shows("update-instance B v2").shows("start-instance B").shows(&world.id("v2"));
    world.serves("B", "v2");
}

#[test]
fn status_is_coloured_on_a_terminal_alone() {
    let world = world().release("v1").deployed("v1");
    world.in_terminal(["status"]).succeeds().shows("\u{1b}[");
    world.run(["status"]).succeeds().is_plain();
    let mut command = world.command(&["status"]);
    command.env("NO_COLOR", "1");
    support::Running::start_in_terminal("status", &command).wait().succeeds().shows_no("\u{1b}[3");
}

#[test]
fn queries_print_the_same_on_a_terminal() {
    let world = world().release("v1").deployed("v1");
    world.in_terminal(["enabled-port"]).succeeds().prints(&format!("{}\r", world.port("A")));
}

#[test]
fn nobody_waits_for_a_keypress_without_a_terminal() {
    let world = world().release("v1").deployed("v1");
    for words in [["stop-instance", "a"], ["update-instance", "a"], ["connect-to-nginx", "b"]] {
        world.run(words).fails_with(3).says("--force");
    }
}
