//! Many at once, and those who meddle: two people, cron, an operator who edits the switch, a pid that was given to
//! somebody else.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::{
    Running, SOON, Signal, World, eventually, no_failed_request, only_resets_on_kept_connections, processes,
    served_only_by,
};

use crate::sweep;
use crate::world;

/// A hook that holds a deployment up until the gate is opened.
struct Gate {
    waiting: PathBuf,
    open: PathBuf,
}

impl Gate {
    fn before(world: &World, step: &str) -> Self {
        let gate = Self { waiting: world.folder().join("waiting"), open: world.folder().join("open") };
        let text = format!(
            "#!/bin/sh\ntouch {}\nwhile [ ! -e {} ]; do sleep 0.02; done\n",
            gate.waiting.display(),
            gate.open.display()
        );
        world.write_executable(&format!("hooks/{step}"), &text);
        gate
    }

    fn until_reached(&self) {
        eventually(SOON, "the deployment comes to the gate", || self.waiting.exists());
    }

    fn open(&self) {
        fs::write(&self.open, "").unwrap();
    }
}

fn start(world: &World, words: &[&str]) -> Running {
    Running::start(&words.join(" "), world.command(words))
}

#[test]
fn of_twenty_at_once_one_deploys_and_the_others_are_told_whose_it_is() {
    let world = world().release("v1").release("v2").deployed("v1");
    let gate = Gate::before(&world, "pre-connect");
    world
        .under_gentle_load(|world| {
            let mut all: Vec<_> = (0..20).map(|_| world.start(["deploy", "v2"])).collect();
            gate.until_reached();
            eventually(SOON, "all but one give up", || {
                all.iter_mut().map(Running::is_running).filter(|runs| *runs).count() == 1
            });
            let winner = all.iter_mut().position(Running::is_running).unwrap();
            let winner = all.swap_remove(winner);
            let whose = format!("busy: `deploy v2` (pid {})", winner.pid());
            for loser in all {
                loser.wait().fails_with(4).prints_nothing().says_once(&whose).says("--wait waits for it");
            }
            world.run(["deploy", "v2"]).fails_with(4).says(&whose).says(", now at (hook pre-connect)");
            gate.open();
            winner.wait().succeeds();
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
    assert_eq!(world.read("logs/deployments.jsonl").lines().count(), 2);
}

#[test]
fn twenty_that_wait_work_in_turn() {
    let world =
        world().set("deploy.observe", "\"100ms\"").set("source.keep", "1").release("v1").deployed("v1");
    let names: Vec<String> = (1..=20).map(|number| format!("w{number}")).collect();
    for name in &names {
        world.publish(name, &[]);
    }
    world
        .under_gentle_load(|world| {
            let all: Vec<_> = names.iter().map(|name| start(world, &["deploy", name, "--wait"])).collect();
            for deploying in all {
                deploying.wait().succeeds();
            }
        })
        .expect(only_resets_on_kept_connections(3 * 20));
    let text = world.read("logs/deployments.jsonl");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 21, "{text}");
    assert!(lines.iter().all(|line| line["result"] == "deployed"), "{text}");
    // One after the other: each from what the one before has left.
    for pair in lines.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "{text}");
    }
    let (instance, release) = sweep::served(&world);
    assert_eq!((lines[20]["target"].as_str(), lines[20]["to"].as_str()), (Some(&*instance), Some(&*release)));
    sweep::is_tidy(&world);
}

#[test]
fn everything_at_once_fails_no_request() {
    let world = sweep::Scenario::world();
    world
        .under_gentle_load(|world| {
            for turn in 0..4 {
                let name = format!("e{turn}");
                world.publish(&name, &[]);
                let standby = world.run(["disabled-instance"]).succeeds().answer().to_owned();
                let all = [
                    start(world, &["deploy", &name, "--wait"]),
                    start(world, &["stop-instance", &standby, "--wait"]),
                    start(world, &["bootup", "--wait"]),
                    start(world, &["rollback", "--wait"]),
                    start(world, &["connect-to-nginx", "--wait"]),
                    start(world, &["update-instance", "v2", "--wait"]),
                    start(world, &["bootup"]),
                    start(world, &["deploy", "v1"]),
                    start(world, &["releases", "--prune", "--wait"]),
                    start(world, &["status"]),
                ];
                for running in all {
                    let ran = running.wait();
                    assert!(matches!(ran.status(), 0 | 1 | 3 | 4), "{ran}");
                    assert!(
                        ran.status() == 0 || !ran.stderr().is_empty() || !ran.stdout().is_empty(),
                        "{ran}"
                    );
                }
                sweep::status_is_true(world);
            }
        })
        .expect(only_resets_on_kept_connections(200));
    sweep::is_tidy(&world);
}

/// Holds the lock as any program may, without a word of who it is.
fn hold_the_lock(world: &World) -> Running {
    world.make();
    let lock = world.home().join("run/lock");
    let mut flock = Command::new("flock");
    flock.arg(&lock).args(["sh", "-c", "echo held; exec sleep 600"]);
    let mut holder = Running::start("flock", flock);
    holder.until_it_says("held");
    holder
}

#[test]
fn queries_never_wait_for_the_lock() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let holder = hold_the_lock(&world);
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["enabled-instance"],
        &["disabled-instance"],
        &["enabled-port"],
        &["disabled-port"],
        &["pid"],
        &["pid", "a"],
        &["check-health"],
        &["check-health", "a"],
        &["releases"],
        &["deployments"],
        &["logs"],
        &["logs", "a"],
        &["deploy", "v1", "--dry-run"],
        &["rollback", "--dry-run"],
        &["start-instance", "a", "--dry-run"],
        &["stop-instance", "a", "--dry-run"],
        &["connect-to-nginx", "a", "--dry-run"],
        &["update-instance", "a", "v1", "--dry-run"],
        &["drain-instance", "a", "--dry-run"],
        &["bootup", "--dry-run"],
        &["releases", "--prune", "--dry-run"],
    ] {
        start(&world, words).wait().succeeds();
    }
    world.run(["deploy", "v1"]).fails_with(4);
    world.run(["bootup"]).succeeds(); // there is nothing to do
    drop(holder);
}

/// Somebody's process that has nothing to do with us.
struct Innocent(Child);

impl Innocent {
    fn new() -> Self {
        let sleep = Command::new("sleep").arg("600").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(sleep.unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    fn is_untouched(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes a record of ours name another process, as if the kernel had given it the number of ours.
fn give_pid_to(world: &World, record: &str, pid: i32) {
    let mut json: serde_json::Value = serde_json::from_str(&world.read(record)).unwrap();
    json["process"]["pid"] = pid.into();
    world.write(record, &json.to_string());
}

#[test]
fn a_record_with_the_pid_of_somebody_else_is_not_believed() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let mut innocent = Innocent::new();
    let record = world.read("run/A.json");
    processes::end(|| world.processes_of("A"));
    world.write("run/A.json", &record);
    give_pid_to(&world, "run/A.json", innocent.pid());
    world.run(["pid", "a"]).exits_with(1).prints_nothing();
    let json = world.run(["status", "--json"]).json();
    assert!(json["instances"][0]["pid"].is_null(), "{json}");
    world.run(["stop-instance", "a"]).succeeds();
    assert!(innocent.is_untouched());

    world.write("run/A.json", &record);
    give_pid_to(&world, "run/A.json", innocent.pid());
    world.run(["start-instance", "a"]).succeeds();
    world.run(["deploy", "v1"]).succeeds();
    world.serves("A", "v1");
    assert!(innocent.is_untouched());
}

#[test]
fn a_pid_that_the_kernel_has_given_to_somebody_else_is_not_signalled() {
    let last_pid = "/proc/sys/kernel/ns_last_pid";
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let reused = (0..50).find_map(|_| {
        world.run(["start-instance", "a"]).succeeds();
        let pid: i32 = world.run(["pid", "a"]).succeeds().answer().parse().unwrap();
        let record = world.read("run/A.json");
        processes::end(|| world.processes_of("A"));
        eventually(SOON, "the kernel has the number back", || {
            !PathBuf::from(format!("/proc/{pid}")).exists()
        });
        world.write("run/A.json", &record);
        fs::write(last_pid, (pid - 1).to_string()).ok()?;
        let innocent = Innocent::new();
        (innocent.pid() == pid).then_some(innocent)
    });
    let Some(mut innocent) = reused else {
        support::skipped("the kernel could not be made to give out a pid again");
        return;
    };
    world.run(["pid", "a"]).exits_with(1).prints_nothing();
    world.run(["stop-instance", "a"]).succeeds();
    assert!(innocent.is_untouched());
    world.run(["deploy", "v1"]).succeeds();
    world.serves("A", "v1");
    assert!(innocent.is_untouched());
}

#[test]
fn a_deployment_of_a_process_that_is_somebody_else_now_was_interrupted() {
    let world = world().release("v1").release("v2").deployed("v1");
    let gate = Gate::before(&world, "pre-connect");
    let deploying = world.start(["deploy", "v2"]);
    gate.until_reached();
    deploying.signal(Signal::SIGKILL);
    processes::end(|| world.commands_running());
    deploying.wait();
    let mut innocent = Innocent::new();
    give_pid_to(&world, "run/deploy.json", innocent.pid());
    give_pid_to(&world, "run/lock", innocent.pid());
    let json = world.run(["status", "--json"]).exits_with(1).json();
    assert_eq!(json["interrupted"]["revision"], "v2", "{json}");
    assert!(json["running"].is_null(), "{json}");
    gate.open();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
    assert!(innocent.is_untouched());
}

#[test]
fn the_terminal_is_closed_at_each_step() {
    for step in ["pre-build", "pre-connect", "post-connect", "on-success"] {
        let world = world().release("v1").release("v2").deployed("v1");
        let gate = Gate::before(&world, step);
        world
            .under_gentle_load(|world| {
                let mut deploying = world.start_in_terminal(["deploy", "v2"]);
                gate.until_reached();
                deploying.hang_up();
                deploying.signal(Signal::SIGHUP);
                gate.open();
                deploying.wait().succeeds();
            })
            .expect(only_resets_on_kept_connections(3));
        world.serves("B", "v2");
        world.run(["status"]).exits_with(0);
        let last = sweep::last_deployment(&world);
        assert_eq!(last["result"], "deployed", "{step}: {last}");
        let log = world.read(&format!("logs/deploy-{}.log", last["id"].as_str().unwrap()));
        assert!(log.contains(" serves; "), "{step}: the log is kept to the end: {log}");
    }
}

/// Somebody meddles while a deployment of v2 waits between its start and its switch.
fn meddled(meddle: impl FnOnce(&World)) -> (World, support::Ran) {
    let world = world().release("v1").release("v2").deployed("v1");
    let gate = Gate::before(&world, "pre-connect");
    let deploying = world.start(["deploy", "v2"]);
    gate.until_reached();
    meddle(&world);
    gate.open();
    let ran = deploying.wait().within_2000_characters();
    (world, ran)
}

/// The same, where no request may fail. Whether the deployment succeeds is its own affair, if it says so.
fn meddled_under_load(meddle: impl Fn(&World)) {
    let world = world().release("v1").release("v2").deployed("v1");
    let gate = Gate::before(&world, "pre-connect");
    world
        .under_gentle_load(|world| {
            let deploying = world.start(["deploy", "v2"]);
            gate.until_reached();
            meddle(world);
            gate.open();
            let ran = deploying.wait().within_2000_characters();
            let (served, _) = sweep::served(world);
            match ran.status() {
                0 => assert_eq!(served, "B", "{ran}"),
                1 | 5 => assert_eq!(served, "A", "{ran}"),
                // Only if it says that a person is needed, and what for.
                6 => assert!(ran.stderr().contains("needs a person"), "{ran}"),
                _ => panic!("{ran}"),
            }
            world.run(["status"]);
        })
        .expect(only_resets_on_kept_connections(9));
    world.run(["connect-to-nginx", "a"]).succeeds();
    world
        .under_gentle_load(|world| {
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(9));
    world.serves("B", "v2");
    world.run(["status"]).exits_with(0);
    sweep::is_tidy(&world);
}

#[test]
fn the_switch_is_removed_in_the_middle() {
    meddled_under_load(|world| world.remove("nginx/upstream.conf"));
}

#[test]
fn the_switch_is_emptied_in_the_middle() {
    meddled_under_load(|world| world.write("nginx/upstream.conf", ""));
}

#[test]
fn the_switch_is_edited_in_the_middle() {
    meddled_under_load(|world| {
        world.write("nginx/upstream.conf", &format!("server localhost:{};\n", world.port("B")));
    });
    meddled_under_load(|world| {
        let (a, b) = (world.port("A"), world.port("B"));
        world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{a}; server 127.0.0.1:{b};\n"));
    });
    meddled_under_load(|world| world.write("nginx/upstream.conf", "server 127.0.0.1:1;\n"));
    meddled_under_load(|world| world.write("nginx/upstream.conf", "sever\n"));
}

#[test]
fn nginx_is_reloaded_in_the_middle() {
    meddled_under_load(World::nginx_reload_by_someone_else);
}

#[test]
fn nginx_is_restarted_in_the_middle() {
    let (world, ran) = meddled(World::restart_nginx);
    ran.succeeds();
    world.serves("B", "v2");
    world.run(["status"]).exits_with(0);
}

#[test]
fn the_configuration_of_nginx_is_broken_in_the_middle() {
    let (world, ran) = meddled(World::break_nginx_configuration);
    ran.fails_with(1).says("bogus_directive").says("stopped at connect-to-nginx").says("serves as before");
    world.serves("A", "v1");
    world.mend_nginx_configuration();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn nginx_is_stopped_in_the_middle() {
    let (world, ran) = meddled(World::stop_nginx);
    ran.fails_with(6).says("nginx");
    world.start_nginx();
    world.serves("A", "v1");
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_new_instance_is_killed_in_the_middle() {
    let world = world().release("v1").release("v2").deployed("v1");
    let gate = Gate::before(&world, "pre-connect");
    world
        .under_gentle_load(|world| {
            let deploying = world.start(["deploy", "v2"]);
            gate.until_reached();
            processes::end(|| world.processes_of("B"));
            gate.open();
            deploying.wait().fails_with(1).says("connect-to-nginx").says("serves as before");
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
}

#[test]
fn the_instance_that_serves_is_killed_in_the_middle() {
    let (world, ran) = meddled(|world| processes::end(|| world.processes_of("A")));
    ran.succeeds();
    world.serves("B", "v2");
    world.run(["status"]).exits_with(1).shows("A");
    world.run(["start-instance", "a"]).succeeds();
    world.run(["status"]).exits_with(0);
}

#[test]
fn the_releases_are_deleted() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2").deployed("v1");
    world.remove("releases");
    world
        .under_gentle_load(|world| {
            world.run(["status"]);
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
    world.run(["deploy", "v1"]).succeeds();
    world.serves("A", "v1");
    world.run(["status"]).exits_with(0);
    sweep::is_tidy(&world);
}

#[test]
fn nginx_does_not_run() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.stop_nginx();
    world.run(["deploy", "v2"]).fails_with(6).says("does nginx run?").within_2000_characters();
    world.run(["status"]).exits_with(6);
    assert!(world.processes_of("B").is_empty());
    world.start_nginx();
    world.serves("A", "v1");
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn nginx_was_started_with_another_file() {
    let world = world().release("v1").release("v2").deployed("v1");
    // It serves A by a file of its own, and neither includes the switch nor has a check server.
    let site = world.folder().join("proxy/site.conf");
    let ours = fs::read_to_string(&site).unwrap();
    let (public, a) = (world.public_port(), world.port("A"));
    let another = format!(
        "server {{ listen 127.0.0.1:{public}; location / {{ proxy_pass http://127.0.0.1:{a}; }} }}\n"
    );
    fs::write(&site, another).unwrap();
    world.restart_nginx();
    world
        .under_gentle_load(|world| {
            world.run(["deploy", "v2"]).fails_with(6).says("check server").within_2000_characters();
            world.run(["status"]).exits_with(6);
        })
        .expect(no_failed_request())
        .expect(served_only_by("A", "v1"));
    fs::write(&site, ours).unwrap();
    world.restart_nginx();
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_clock_was_set_back_an_hour() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2").deployed("v1");
    // All that was written down happens in an hour from now.
    for path in ["run/A.json", "run/B.json", "logs/deployments.jsonl"] {
        let lines: Vec<String> = world.read(path).lines().map(later).collect();
        world.write(path, &lines.concat());
    }
    let switch = world.home().join("nginx/upstream.conf");
    let touched = Command::new("touch").args(["-d", "1 hour"]).arg(switch).status();
    assert!(touched.is_ok_and(|status| status.success()));
    world
        .under_gentle_load(|world| {
            world.run(["status"]).exits_with(0);
            world.run(["deployments"]).succeeds();
            world.run(["deploy", "v2"]).succeeds();
            world.run(["rollback"]).succeeds();
            world.run(["stop-instance", "b"]).succeeds();
            world.run(["start-instance", "b"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(6));
    world.serves("A", "v1");
    world.run(["status"]).exits_with(0);
}

/// A line of JSON with its `started` an hour later, and its end.
fn later(line: &str) -> String {
    let mut json: serde_json::Value = serde_json::from_str(line).unwrap();
    let started = json["started"].as_str().unwrap().to_owned();
    let date = Command::new("date")
        .args(["-u", "-d", &format!("{started} + 1 hour"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    assert!(date.status.success(), "{date:?}");
    json["started"] = String::from_utf8_lossy(&date.stdout).trim().into();
    format!("{json}\n")
}
