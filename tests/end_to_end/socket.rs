//! The style `socket`: the instances listen on Unix sockets, and the switch is a symlink.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use support::{
    SOON, Signal, World, eventually, is_root, no_failed_request, processes, served_by, served_only_by,
};

use crate::sweep::status_is_true;
use crate::world as any_world;

fn world() -> World {
    any_world().with_sockets()
}

/// A serves v1, B runs v2.
fn with_both_running() -> World {
    world().release("v1").release("v2").deployed("v1").with_standby("v2")
}

/// What the switch says.
fn target(world: &World) -> PathBuf {
    fs::read_link(world.switch()).unwrap()
}

/// Whom it would be taken to serve if it were gone.
fn noted(world: &World) -> PathBuf {
    fs::read_link(world.home().join("instances/enabled")).unwrap()
}

fn point_the_switch_to(world: &World, target: impl AsRef<Path>) {
    let _ = fs::remove_file(world.switch());
    symlink(target, world.switch()).unwrap();
}

/// Changes nginx's site, and has nginx read it.
fn change_site(world: &World, from: &str, to: &str) {
    let path = world.folder().join("proxy/site.conf");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replace(from, to)).unwrap();
    world.nginx_reload_by_someone_else();
}

#[test]
fn it_deploys_to_and_fro() {
    let world = world().release("v1").release("v2").release("v3").deployed("v1");
    world.serves("A", "v1");
    assert_eq!(target(&world), Path::new("A.sock"));
    world.deploy("v2").succeeds();
    world.serves("B", "v2");
    assert_eq!(target(&world), Path::new("B.sock"));
    world.deploy("v3").succeeds();
    world.serves("A", "v3");
    world.run(["rollback"]).succeeds();
    world.serves("B", "v2");
    status_is_true(&world);
}

#[test]
fn deploying_under_load() {
    let world = world().release("v1").release("v2").deployed("v1").set("deploy.old", "\"stop\"");
    world
        .under_gentle_load(|world| {
            world.deploy("v2").succeeds();
        })
        .expect(no_failed_request())
        .expect(served_by("B", "v2"));
    assert!(world.processes_of("A").is_empty());
    assert!(!world.exists("run/A.sock"), "nothing is left at its address");
}

#[test]
fn no_request_fails_while_it_flips() {
    let world = with_both_running();
    world
        .under_gentle_load(|world| {
            for _ in 0..25 {
                world.run(["connect-to-nginx"]).succeeds().prints_nothing().says_nothing();
            }
        })
        .expect(no_failed_request())
        .expect(served_by("A", "v1"))
        .expect(served_by("B", "v2"));
}

#[test]
fn the_old_instance_may_be_killed_as_soon_as_it_is_drained() {
    let world = with_both_running();
    world
        .under_gentle_load(|world| {
            world.run(["connect-to-nginx", "b"]).succeeds();
            world.run(["drain-instance", "a"]).succeeds();
            processes::end(|| world.processes_of("A"));
        })
        .expect(no_failed_request())
        .expect(served_by("B", "v2"));
}

#[test]
fn no_new_request_reaches_the_old_instance_once_it_returns() {
    let world = with_both_running();
    for (instance, release) in [("B", "v2"), ("A", "v1")].into_iter().cycle().take(10) {
        world.run(["connect-to-nginx", instance]).succeeds();
        world.under_gentle_load(|_| {}).expect(no_failed_request()).expect(served_only_by(instance, release));
    }
}

#[test]
fn the_queries() {
    let world = with_both_running();
    let socket = |instance| world.socket(instance).display().to_string();
    world.run(["enabled-instance"]).prints("A");
    world.run(["disabled-instance"]).prints("B");
    world.run(["enabled-port"]).prints(&socket("A"));
    world.run(["disabled-port"]).prints(&socket("B"));
    world.run(["enabled-port", "--json"]).prints(&format!("{:?}", socket("A")));
    for name in ["A", "B"] {
        let pid = processes_of_one(&world, name).to_string();
        world.run(["pid", name]).prints(&pid);
        assert!(world.run(["check-health", name]).succeeds().answer().starts_with("ok 200 "));
    }
}

fn processes_of_one(world: &World, instance: &str) -> i32 {
    let all = world.processes_of(instance);
    assert_eq!(all.len(), 1, "{instance}: {all:?}");
    all[0]
}

#[test]
fn status_shows_the_sockets() {
    let world = with_both_running();
    let json = world.run(["status", "--json"]).succeeds().json();
    assert_eq!((&json["enabled"], &json["live"], &json["applied"]), (&"A".into(), &"A".into(), &true.into()));
    for instance in json["instances"].as_array().unwrap() {
        let name = instance["name"].as_str().unwrap();
        assert!(instance["port"].is_null(), "{json}");
        assert_eq!(instance["socket"], world.socket(name).display().to_string());
        assert_eq!(instance["healthy"], true, "{json}");
        assert_eq!(instance["pid"], processes_of_one(&world, name));
    }
    world.run(["status"]).succeeds().shows("socket").shows("run/A.sock").shows("run/B.sock");
}

#[test]
fn the_app_is_told_its_socket() {
    let world = world().release("v1").deployed("v1");
    let text = world.get_from("A", "/env").body;
    let has = |line: &str| text.lines().any(|is| is.starts_with(line));
    assert!(has(&format!("SOCKET={}", world.socket("A").display())), "{text}");
    assert!(!has("PORT=") && !has("HOST="), "{text}");
}

#[test]
fn hooks_are_told_the_socket() {
    let world = world().release("v1");
    let ask = "#!/bin/sh\ncurl -fs --unix-socket \"$SOCKET\" \"$ADDRESS/\" >\"$FLIPSIDE_HOME/asked\"\n";
    world.write_executable("hooks/pre-connect", ask);
    world.write_executable(
        "hooks/post-connect",
        "#!/bin/sh\ncurl -fs \"$ADDRESS/\" >\"$FLIPSIDE_HOME/told\"\n",
    );
    let world = world.deployed("v1");
    for file in ["asked", "told"] {
        assert!(world.read(file).starts_with("A v1"), "{}", world.read(file));
    }
}

#[test]
fn a_socket_that_was_bound_by_a_relative_path() {
    let world = world().release("v1").with("SOCKET_FORM", "relative").deployed("v1");
    world.run(["pid", "a"]).prints(&processes_of_one(&world, "A").to_string());
    let slow = world.ask("/held");
    eventually(SOON, "the request has come to A", || connections(&world, "A") == 1);
    world.let_go("A");
    drop(slow);
    eventually(SOON, "and is over", || connections(&world, "A") == 0);
    world.run(["stop-instance", "a", "--force"]).succeeds();
    world.run(["pid", "a"]).exits_with(1);
}

/// As status counts them.
fn connections(world: &World, instance: &str) -> u64 {
    let json = world.run(["status", "--json"]).json();
    let all = json["instances"].as_array().unwrap();
    all.iter().find(|it| it["name"] == instance).unwrap()["connections"].as_u64().unwrap()
}

#[test]
fn a_request_in_flight_is_finished_before_the_instance_is_stopped() {
    let world = with_both_running();
    let slow = world.ask("/held");
    eventually(SOON, "the request has come to A", || connections(&world, "A") == 1);
    world.run(["connect-to-nginx", "b"]).succeeds();
    let mut stopping = world.start(["stop-instance", "a"]);
    assert!(stopping.waits());
    world.let_go("A");
    stopping.wait().succeeds();
    let answer = slow.answer().unwrap();
    assert_eq!((answer.status, answer.header("x-instance")), (200, Some("A")));
}

#[test]
fn a_websocket_is_cut_after_the_drain_timeout_which_is_said() {
    let world = with_both_running();
    world.change("nginx.drain_timeout", "\"1s\"");
    let mut websocket = world.websocket();
    assert_eq!(websocket.echo("hello").unwrap(), "hello");
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.run(["drain-instance", "a"]).exits_with(1).prints("1 connection to A still open after 1.0 s");
    world.run(["stop-instance", "a"]).succeeds().says("1 connection to A still open after 1.0 s, and cut");
    assert!(websocket.is_closed());
}

#[test]
fn the_socket_of_a_killed_instance_is_in_nobodys_way() {
    let world = with_both_running();
    processes::end(|| world.processes_of("B"));
    assert!(world.exists("run/B.sock"), "it was left");
    world.run(["pid", "b"]).exits_with(1).prints_nothing();
    world.run(["check-health", "b"]).fails_with(1).says("does not listen on the socket run/B.sock");
    world.run(["start-instance", "b"]).succeeds();
    assert_eq!(world.get_from("B", "/health").status, 200);
    processes::end(|| world.processes_of("B"));
    world.run(["stop-instance", "b"]).succeeds();
    assert!(!world.exists("run/B.sock"));
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let world = with_both_running();
    world.run(["stop-instance", "b"]).succeeds();
    let path = world.socket("B");
    let refused = |found: &str| {
        let said = format!("{} is {found}, and no socket of B; remove it", path.display());
        world.run(["start-instance", "b"]).fails_with(1).says(&said);
        world.run(["stop-instance", "b"]).succeeds();
        world.deploy("v2").fails_with(1).says(&said).within_2000_characters();
        world.serves("A", "v1");
    };
    fs::write(&path, "not a socket\n").unwrap();
    refused("a file");
    assert_eq!(world.read("run/B.sock"), "not a socket\n");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("a folder");
    fs::remove_dir(&path).unwrap();
    symlink("A.sock", &path).unwrap();
    refused("a symlink");
    fs::remove_file(&path).unwrap();
    world.deploy("v2").succeeds();
    world.serves("B", "v2");
}

#[test]
fn a_stranger_at_the_socket() {
    let world = with_both_running();
    world.run(["stop-instance", "b"]).succeeds();
    let mut foreign = world.foreign_app("B");
    let said = format!(
        "the socket run/B.sock is taken by demo-app (pid {}), which flipside did not start",
        foreign.pid()
    );
    world.run(["start-instance", "b"]).fails_with(1).says(&said).says("[instance.B] socket");
    world.run(["pid", "b"]).fails_with(1).says(&said);
    world.run(["connect-to-nginx", "b"]).fails_with(3).says("is at its socket");
    world.run(["stop-instance", "b"]).fails_with(1).says(&said);
    world.deploy("v2").fails_with(1).says(&said).within_2000_characters();
    world.serves("A", "v1");
    assert!(foreign.is_running() && world.listens("B"));
}

#[test]
fn an_app_that_takes_no_connections_holds_nobody_up() {
    let world = with_both_running();
    world.change("health.timeout", "\"500ms\"");
    world.run(["stop-instance", "b"]).succeeds();
    // It listens, and never accepts; soon its queue is full, and a connection has to wait.
    let _listener = UnixListener::bind(world.socket("B")).unwrap();
    let waiting = full_queue(&world.socket("B"));
    let ran = world.run(["check-health", "b"]).fails_with(1).says("did not answer within 500 ms");
    assert!(ran.took.as_secs() < 5, "{ran}");
    drop(waiting);
}

/// As many connections as the queue takes.
fn full_queue(path: &Path) -> Vec<std::os::unix::net::UnixStream> {
    let (sent, received) = std::sync::mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        while let Ok(stream) = std::os::unix::net::UnixStream::connect(&path) {
            if sent.send(stream).is_err() {
                return;
            }
        }
    });
    let mut waiting = Vec::new();
    while let Ok(stream) = received.recv_timeout(std::time::Duration::from_millis(500)) {
        waiting.push(stream);
    }
    waiting
}

#[test]
fn a_switch_that_was_made_by_hand() {
    let world = with_both_running();
    for target in [world.socket("B"), "./B.sock".into(), "../run/B.sock".into(), "B.sock".into()] {
        point_the_switch_to(&world, &target);
        world.run(["enabled-instance"]).prints("B");
        world.serves("B", "v2");
        status_is_true(&world);
    }
    world.run(["connect-to-nginx", "a"]).succeeds();
    assert_eq!(target(&world), Path::new("A.sock"));
}

#[test]
fn a_switch_that_leads_to_no_instance() {
    let world = with_both_running();
    point_the_switch_to(&world, "/tmp/elsewhere.sock");
    let said = "the switch serves /tmp/elsewhere.sock, which is the address of no instance";
    world.run(["enabled-instance"]).fails_with(1).says(said);
    world.deploy("v2").fails_with(3).says(said);
    world.run(["status"]).exits_with(6).shows("/tmp/elsewhere.sock").shows("connect-to-nginx A or B");
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_switch_that_is_gone() {
    let world = with_both_running();
    fs::remove_file(world.switch()).unwrap();
    assert_eq!(world.get("/").status, 502);
    world.run(["enabled-instance"]).exits_with(1).prints_nothing();
    world.run(["status"]).exits_with(6).shows("nothing is enabled");
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
    fs::remove_file(world.switch()).unwrap();
    world.deploy("v2").succeeds();
    world.serves("A", "v2");
}

#[test]
fn a_file_where_the_switch_should_be() {
    let world = with_both_running();
    fs::remove_file(world.switch()).unwrap();
    fs::write(world.switch(), "B\n").unwrap();
    for command in [&["enabled-instance"][..], &["deploy", "v2"], &["connect-to-nginx", "a"], &["status"]] {
        let ran = support::Running::start(&command.join(" "), world.command(command)).wait();
        ran.exits_with(1).says("run/current.sock: it is no symlink; remove it");
    }
    assert_eq!(world.read("run/current.sock"), "B\n");
}

#[test]
fn a_run_folder_that_was_removed() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.remove("run");
    assert_eq!(world.get("/").status, 502);
    world.deploy("v2").succeeds();
    world.serves("A", "v2");
    world.deploy("v1").succeeds();
    world.serves("B", "v1");
    status_is_true(&world);
    assert!(world.processes_of("A").len() == 1 && world.processes_of("B").len() == 1);
}

#[test]
fn nginx_that_does_not_run() {
    let world = with_both_running();
    world.stop_nginx();
    let before = target(&world);
    for command in [&["connect-to-nginx", "b"][..], &["deploy", "v2"]] {
        let ran = support::Running::start(&command.join(" "), world.command(command)).wait();
        ran.fails_with(6).says("does nginx run?");
    }
    assert_eq!(target(&world), before);
    world.start_nginx();
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn nginx_needs_no_switch_to_start() {
    let world = world().release("v1").without_nginx();
    world.make();
    world.deploy("v1").fails_with(6).says("does nginx run?");
    world.start_nginx();
    world.deploy("v1").succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_broken_configuration_of_nginx_is_no_hindrance() {
    let world = with_both_running();
    world.break_nginx_configuration();
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");
    world.deploy("v1").succeeds();
    world.serves("A", "v1");
}

/// nginx's workers, which are root's in these tests, become another user's.
fn with_workers_of_another_user() -> World {
    let world = world().release("v1").without_nginx();
    world.make();
    let path = world.folder().join("proxy/nginx.conf");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("user root;", "user nobody root;")).unwrap();
    world.start_nginx();
    world
}

#[test]
fn a_dry_run_of_a_start_tells_what_nginx_would_be_given() {
    if !is_root() {
        return;
    }
    let world = with_workers_of_another_user();
    world.run(["update-instance", "a", "v1"]).succeeds();
    let run = world.home().join("run").display().to_string();
    let rights = "u::rwx,g::---,o::---,m::rw-,u:65534:rw-";
    world
        .run(["start-instance", "a", "-n"])
        .succeeds()
        .shows(&format!("setfacl --default --modify {rights} {run}\n"))
        .shows(&format!("setfacl --modify u:65534:--x {run}\n"));
    world.run(["start-instance", "a"]).succeeds();
    world.run(["stop-instance", "a", "--force"]).succeeds();
    let ran = world.run(["start-instance", "a", "-n"]).succeeds();
    assert!(!ran.stdout().contains("setfacl"), "{ran}");
}

#[test]
fn nginx_that_may_not_connect_is_told_before_anything_is_touched() {
    if !is_root() {
        return;
    }
    let world = with_workers_of_another_user()
        .config(|text| text.replace("command = \"exec ", "command = \"umask 077; exec "));
    let said = format!("nginx does not reach A at {} (it answers 502", world.socket("A").display());
    world.deploy("v1").fails_with(1).says(&said).says("nothing was touched").within_2000_characters();
    assert!(!world.exists("run/current.sock"));
    world.run(["update-instance", "a", "v1"]).succeeds();
    world.run(["start-instance", "a"]).succeeds();
    world.set_mode("run/A.sock", 0o666);
    world.run(["connect-to-nginx", "a"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn a_site_that_cannot_be_asked_for_one_instance() {
    let world = with_both_running();
    change_site(&world, "http://$demo_asked", "http://demo");
    world.run(["connect-to-nginx", "b"]).succeeds().says_once("cannot be asked for one instance");
    world.serves("B", "v2");
    world.run(["connect-to-nginx", "b"]).succeeds().says_nothing();
}

#[test]
fn a_switch_at_which_nginx_cannot_connect_is_put_back_at_once() {
    if !is_root() {
        return;
    }
    let world = with_workers_of_another_user();
    change_site(&world, "http://$demo_asked", "http://demo");
    world.publish("v2", &[]);
    let world = world.deployed("v1");
    world.change("run.command", &format!("\"umask 077; exec {}\"", support::world::demo_app().display()));
    let ran = world.deploy("v2").fails_with(5).within_2000_characters();
    ran.says("nginx did not serve B within 100 ms of the switch (it answers 502")
        .says("the switch was put back");
    assert_eq!(target(&world), Path::new("A.sock"));
    assert_eq!(noted(&world), Path::new("A"));
    world.serves("A", "v1");
}

#[test]
fn a_site_that_was_told_to_keep_connections_keeps_none() {
    let world = with_both_running();
    let server = format!("server unix:{};", world.switch().display());
    change_site(&world, &server, &format!("{server} keepalive 8;"));
    for (instance, release) in [("B", "v2"), ("A", "v1")].into_iter().cycle().take(6) {
        world.run(["connect-to-nginx", instance]).succeeds();
        world.under_gentle_load(|_| {}).expect(no_failed_request()).expect(served_only_by(instance, release));
    }
}

#[test]
fn a_site_that_goes_past_the_switch() {
    let world = with_both_running();
    world.change("nginx.apply_timeout", "\"1s\"");
    let (switch, a) = (world.switch().display().to_string(), world.socket("A").display().to_string());
    change_site(&world, &format!("unix:{switch};"), &format!("unix:{a};"));
    let ran = world.run(["connect-to-nginx", "b"]).fails_with(5);
    ran.says("nginx did not serve B within 1.0 s of the switch (it serves A)")
        .says("the switch was put back");
    world.run(["enabled-instance"]).prints("A");
    world.serves("A", "v1");
    status_is_true(&world);
}

#[test]
fn without_a_check_server() {
    let world = world().without_check_server().release("v1").release("v2");
    world.run(["deploy", "v1"]).succeeds().says_once("no check server is configured");
    world
        .under_gentle_load(|world| {
            world.deploy("v2").succeeds();
        })
        .expect(no_failed_request());
    world.serves("B", "v2");
}

#[test]
fn a_target_that_does_not_answer_is_refused_but_for_force() {
    let world = world().release("v1").deployed("v1");
    world
        .run(["connect-to-nginx", "b"])
        .fails_with(3)
        .says("does not listen on the socket run/B.sock")
        .says("--force");
    world.run(["enabled-instance"]).prints("A");
    world.run(["connect-to-nginx", "b", "--force"]).succeeds();
    world.run(["enabled-instance"]).prints("B");
    assert_eq!(world.get("/").status, 502);
}

#[test]
fn a_target_that_answers_nginx_wrongly_is_refused_in_the_words_of_its_own_answer() {
    let world = with_both_running();
    world.change("health.contains", "\"healthy A\"");
    world.run(["connect-to-nginx"]).fails_with(3).says("it answered 200 without the text `healthy A`");
    world.turn("B", "HEALTH", "500");
    world.run(["connect-to-nginx"]).fails_with(3).says("it answered 500, not 200 (/health)");
    world.serves("A", "v1");
}

#[test]
fn a_target_whose_health_takes_longer_than_the_check_server_waits_is_asked_itself() {
    let world = world().set("health.path", "\"/slow?ms=1100\"").release("v1").release("v2");
    let world = world.deployed("v1").with_standby("v2");
    world.run(["connect-to-nginx"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_new_release_is_no_good() {
    let bad: [fn(World) -> World; 4] =
        [World::exits_at_start, World::never_listens, World::never_healthy, World::never_answers];
    for make in bad {
        let world = world().set("health.start_timeout", "\"2s\"").release("v1").release("v2");
        let world = make(world).deployed("v1");
        world
            .under_gentle_load(|world| world.deploy("v2").fails_with(1).within_2000_characters())
            .expect(no_failed_request())
            .expect(served_only_by("A", "v1"));
        status_is_true(&world);
        assert!(!world.exists("run/B.sock"));
    }
}

#[test]
fn what_fails_while_it_is_watched_is_flipped_back() {
    let world = world().set("deploy.observe", "\"10s\"").release("v1").release("v2").with("EXIT_AFTER", "1s");
    let world = world.deployed("v1");
    world.deploy("v2").fails_with(5).within_2000_characters();
    world.serves("A", "v1");
    assert_eq!(target(&world), Path::new("A.sock"));
}

#[test]
fn bootup_after_the_machine_went_down() {
    let world = with_both_running();
    world.stop_nginx();
    processes::end(|| [world.processes_of("A"), world.processes_of("B")].concat());
    world.start_nginx();
    world.run(["bootup"]).succeeds();
    world.serves("A", "v1");
    world.run(["bootup"]).succeeds();
}

#[test]
fn bootup_after_the_machine_went_down_and_run_with_it() {
    let world = with_both_running();
    // Whoever was connected last, by whatever command.
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.stop_nginx();
    processes::end(|| [world.processes_of("A"), world.processes_of("B")].concat());
    world.remove("run");
    world.start_nginx();
    world.run(["status"]).exits_with(6).shows("nothing is enabled; run bootup");
    world.run(["bootup", "--dry-run"]).succeeds().shows("start B").shows("make nginx serve B");
    world.run(["bootup"]).succeeds().says("the switch is gone; B was the last that it served");
    world.serves("B", "v2");
    world.run(["bootup"]).succeeds().says_nothing();
    world.deploy("v1").succeeds();
    world.serves("A", "v1");
    status_is_true(&world);
}

#[test]
fn bootup_after_run_was_removed_beside_running_instances() {
    let world = with_both_running();
    let b = world.processes_of("B");
    world.remove("run");
    world.run(["bootup"]).succeeds().says("nginx serves A");
    world.serves("A", "v1");
    assert_eq!(world.processes_of("A").len(), 1, "the one that had no record any more has ended");
    assert_eq!(world.processes_of("B"), b, "nobody touched it");
}

#[test]
fn bootup_without_run_where_nothing_was_to_be_served() {
    let world = world().release("v1").exits_at_start();
    world.deploy("v1").fails_with(1);
    world.remove("run");
    world.run(["bootup"]).fails_with(1).says("nothing is enabled");
    let world = with_both_running();
    fs::remove_file(world.home().join("instances/enabled")).unwrap();
    fs::remove_file(world.switch()).unwrap();
    world.run(["bootup"]).fails_with(1).says("nothing is enabled");
}

#[test]
fn bootup_notes_a_switch_that_was_made_by_hand() {
    let world = with_both_running();
    assert_eq!(noted(&world), Path::new("A"));
    point_the_switch_to(&world, "B.sock");
    world.run(["bootup"]).succeeds();
    assert_eq!(noted(&world), Path::new("B"));
    world.serves("B", "v2");
}

#[test]
fn bootup_takes_the_other_one_if_it_must() {
    let world = with_both_running();
    world.turn("A", "HEALTH", "500");
    processes::end(|| world.processes_of("A"));
    world.set_mode("run", 0o700);
    fs::remove_file(world.socket("A")).unwrap();
    fs::create_dir(world.socket("A")).unwrap();
    world.run(["bootup"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn a_deployment_that_was_killed_is_done_again() {
    let world = world().set("deploy.observe", "\"30s\"").release("v1").release("v2").deployed("v1");
    let deploying = world.start(["deploy", "v2"]);
    eventually(SOON, "B is enabled", || target(&world) == Path::new("B.sock"));
    deploying.signal(Signal::SIGKILL);
    deploying.wait();
    processes::end(|| world.commands_running());
    world.run(["status"]).exits_with(1).shows("interrupted");
    world.change("deploy.observe", "\"100ms\"");
    world.deploy("v2").succeeds();
    status_is_true(&world);
    world.run(["status"]).exits_with(0);
}

#[test]
fn dry_runs_tell_and_change_nothing() {
    let world = with_both_running();
    let before = world.list("run");
    let socket = world.run(["connect-to-nginx", "b", "--dry-run"]).succeeds();
    socket.shows("prove by the check server").shows("current.sock to B.sock");
    world.run(["deploy", "v2", "--dry-run"]).succeeds().shows("on the socket run/B.sock");
    world.run(["start-instance", "a", "--dry-run"]).succeeds();
    assert_eq!(world.list("run"), before);
    world.serves("A", "v1");
}
