//! connect-to-nginx: test, switch, test, reload, prove.

use std::fs;

use support::{SOON, Signal, World, eventually, only_resets_on_kept_connections, processes, served_by};

use crate::world;

/// A serves v1, B runs v2.
fn with_both_running() -> World {
    world().release("v1").release("v2").deployed("v1").with_standby("v2")
}

#[test]
fn it_returns_when_new_connections_go_to_the_target() {
    let world = with_both_running();
    world.run(["connect-to-nginx", "b"]).succeeds().prints_nothing();
    for _ in 0..50 {
        world.serves("B", "v2");
    }
    world.run(["enabled-instance"]).prints("B");
}

#[test]
fn without_an_argument_it_swaps() {
    let world = with_both_running();
    world.run(["connect-to-nginx"]).succeeds();
    world.serves("B", "v2");
    world.run(["connect-to-nginx"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn the_switch_tells_a_person_what_it_is() {
    let world = with_both_running();
    world.run(["connect-to-nginx", "b"]).succeeds();
    assert_eq!(
        world.read("nginx/upstream.conf"),
        format!(
            "# Which instance of demo nginx serves. flipside writes this file; connect-to-nginx changes it.\nserver \
             127.0.0.1:{};\n",
            world.port("B")
        )
    );
}

#[test]
fn no_request_fails() {
    let world = with_both_running();
    world
        .under_gentle_load(|world| {
            for _ in 0..6 {
                world.run(["connect-to-nginx"]).succeeds();
            }
        })
        .expect(only_resets_on_kept_connections(18))
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
}

#[test]
fn the_old_instance_may_be_killed_as_soon_as_it_returns() {
    let world = with_both_running();
    world
        .under_gentle_load(|world| {
            world.run(["connect-to-nginx", "b"]).succeeds();
            world.run(["drain-instance", "a"]).succeeds();
            processes::end(|| world.processes_of("A"));
        })
        .expect(only_resets_on_kept_connections(3))
        .expect(served_by("B", "v2"));
}

#[test]
fn without_a_check_server_the_workers_are_watched_which_is_said_once() {
    let world = with_both_running();
    let text = world.config_text();
    let check = format!("check = \"http://127.0.0.1:{}\"\n", world.check_port());
    assert!(text.contains(&check));
    world.write_config(text.replace(&check, ""));
    world
        .under_gentle_load(|world| {
            world
                .run(["connect-to-nginx", "b"])
                .succeeds()
                .prints_nothing()
                .says_once("no check server is configured");
            world.run(["drain-instance", "a"]).succeeds();
            processes::end(|| world.processes_of("A"));
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
}

#[test]
fn a_check_server_that_does_not_answer_is_a_failure() {
    let world = with_both_running();
    world.change("nginx.apply_timeout", "\"2s\"");
    world.change("nginx.check", &format!("\"http://127.0.0.1:{}\"", world.spare_port()));
    world.run(["connect-to-nginx", "b"]).fails_with(6).says(&world.spare_port().to_string());
    world.run(["enabled-instance"]).prints("A");
    world.serves("A", "v1");
}

#[test]
fn a_target_that_does_not_answer_is_refused() {
    let world = world().release("v1").deployed("v1");
    world.run(["connect-to-nginx", "b"]).fails_with(3).prints_nothing().says("--force");
    world.run(["enabled-instance"]).prints("A");
    world.serves("A", "v1");
    world.run(["connect-to-nginx", "b", "--force"]).succeeds();
    world.run(["enabled-instance"]).prints("B");
    assert_eq!(world.get("/").status, 502);
}

#[test]
fn a_configuration_of_nginx_that_was_broken_before_is_not_touched() {
    let world = with_both_running();
    world.break_nginx_configuration();
    let before = world.read("nginx/upstream.conf");
    world
        .run(["connect-to-nginx", "b"])
        .fails_with(1)
        .prints_nothing()
        .says("unknown directive \"bogus_directive\"");
    assert_eq!(world.read("nginx/upstream.conf"), before);
    world.serves("A", "v1");
    world.mend_nginx_configuration();
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn a_test_that_fails_after_the_switch_puts_it_back() {
    let world = with_both_running();
    // It is content as long as A is enabled.
    let test = format!(
        "grep -q {} {}/nginx/upstream.conf || {{ echo no B today; exit 1; }}",
        world.port("A"),
        world.home().display()
    );
    world.change("nginx.test", &format!("[\"/bin/sh\", \"-c\", \"{test}\"]"));
    let before = world.read("nginx/upstream.conf");
    world.run(["connect-to-nginx", "b"]).fails_with(1).says("no B today");
    assert_eq!(world.read("nginx/upstream.conf"), before);
    world.serves("A", "v1");
}

#[test]
fn a_reload_that_fails_puts_the_switch_back() {
    let world = with_both_running();
    world.change("nginx.apply_timeout", "\"2s\"");
    world.change("nginx.reload", "[\"/bin/sh\", \"-c\", \"echo not today; exit 1\"]");
    world.run(["connect-to-nginx", "b"]).fails_with(1).says("not today");
    world.run(["enabled-instance"]).prints("A");
    world.serves("A", "v1");
}

#[test]
fn a_reload_that_does_nothing_is_noticed() {
    let world = with_both_running();
    world.change("nginx.apply_timeout", "\"2s\"");
    world.change("nginx.reload", "[\"true\"]");
    world.run(["connect-to-nginx", "b"]).fails_with(5);
    world.run(["enabled-instance"]).prints("A");
    world.serves("A", "v1");
}

#[test]
fn nginx_is_down() {
    let world = with_both_running();
    world.stop_nginx();
    world.change("nginx.apply_timeout", "\"2s\"");
    world.run(["connect-to-nginx", "b"]).fails_with(6).says("does nginx run?").prints_nothing();
    world.start_nginx();
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn no_switch_yet() {
    let world = world().without_switch().release("v1");
    world.run(["update-instance", "a", "v1"]).succeeds();
    world.run(["start-instance", "a"]).succeeds();
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{} down;\n", world.port("A")));
    world.start_nginx();
    world.remove("nginx/upstream.conf");
    // nginx runs without it, since it has read it; its test needs it.
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_switch_that_names_a_port_of_no_instance_is_put_right() {
    let world = with_both_running();
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.spare_port()));
    world.nginx_reload_by_someone_else();
    assert_eq!(world.get("/").status, 502);
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_switch_that_was_not_applied_is_applied() {
    let world = with_both_running();
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port("B")));
    world.serves("A", "v1"); // not reloaded
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn a_slow_request_keeps_an_old_worker_and_holds_nothing_up() {
    let world = with_both_running();
    let slow = world.ask("/held");
    eventually(SOON, "the request has come in", || world.connections_to("A") > 0);
    let ran = world.run(["connect-to-nginx", "b"]).succeeds();
    assert!(world.connections_to("A") > 0, "it should not have waited for the request: {ran}");
    world.serves("B", "v2");
    world.let_go("A");
    assert_eq!(slow.answer().unwrap().header("x-instance"), Some("A"));
}

#[test]
fn a_reload_by_somebody_else_at_the_same_time_does_no_harm() {
    let world = with_both_running();
    let mut connecting = world.start(["connect-to-nginx", "b"]);
    while connecting.is_running() {
        world.nginx_reload_by_someone_else();
    }
    connecting.wait().succeeds();
    world.serves("B", "v2");
}

/// Its workers appear when ours were looked at already, and accept for 100 ms beside those that know the new switch.
#[test]
fn a_reload_that_read_the_old_switch_and_comes_late_is_waited_for() {
    let world = with_both_running();
    let switch = world.switch().display().to_string();
    let master = world.nginx_pid().unwrap();
    world.write_executable(
        "late-reload",
        &format!(
            "#!/bin/sh\nset -e\nworkers() {{ wc -w </proc/{master}/task/{master}/children; }}\ncp {switch} {switch}.new\ncp {switch}.old {switch}\n\
             kill -HUP {master}\nuntil [ $(workers) -gt 2 ]; do :; done\ncp {switch}.new {switch}\nkill -HUP {master}\n"
        ),
    );
    fs::copy(&switch, format!("{switch}.old")).unwrap();
    let reload = world.home().join("late-reload");
    world.change("nginx.reload", &format!("[\"{}\"]", reload.display()));
    world.run(["connect-to-nginx", "b"]).succeeds();
    for _ in 0..50 {
        world.serves("B", "v2");
    }
}

#[test]
fn interrupted_it_leaves_a_service() {
    let world = with_both_running();
    world.change("nginx.reload", "[\"sleep\", \"3\"]");
    let connecting = world.start(["connect-to-nginx", "b"]);
    eventually(SOON, "the switch is written", || {
        world.read("nginx/upstream.conf").contains(&world.port("B").to_string())
    });
    connecting.signal(Signal::SIGTERM);
    connecting.wait().fails_with(5);
    world.serves("A", "v1");
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = with_both_running();
    let before = world.read("nginx/upstream.conf");
    world.run(["connect-to-nginx", "b", "--dry-run"]).succeeds();
    assert_eq!(world.read("nginx/upstream.conf"), before);
    world.serves("A", "v1");
}
