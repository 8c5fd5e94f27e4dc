//! The runtime `systemd`, and root who works in the home of another user.

use std::time::Duration;

use support::machine::Site;
use support::{Machine, SOON, eventually};

const APP: &str = "/usr/local/bin/demo-app";

fn site(machine: &Machine) -> Site<'_> {
    machine.site("potados", "cafeteria", 20200)
}

/// What systemd says of an instance's unit.
fn unit(machine: &Machine, instance: &str, property: &str) -> String {
    let text = format!(
        "XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show -P {property} flipside-cafeteria-{instance}"
    );
    machine.run_as("potados", &text).succeeds().answer().to_owned()
}

fn has_unit(machine: &Machine, instance: &str) -> bool {
    unit(machine, instance, "LoadState") == "loaded"
}

/// Nothing of an instance is left: no process, no unit, no file.
#[track_caller]
fn nothing_is_left(machine: &Machine, site: &Site, instance: &str) {
    assert_eq!(site.pid(instance), None);
    assert!(!has_unit(machine, instance), "{}", unit(machine, instance, "ActiveState"));
    assert_eq!(machine.read(&site.path(&format!("run/{instance}.json"))), "{\"stopped\":true}\n");
    for file in ["start", "starts"] {
        assert!(!machine.exists(&site.path(&format!("run/{instance}.{file}"))), "{file}");
    }
}

#[test]
fn an_instance_is_a_unit_that_gives_no_secret_away() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    let secret = r#"it's "$HOME" `id` \ $(id) %h ${PATH} hunter2"#;
    machine.run_as("potados", &format!("umask 077; cat >{} <<'END'\nSECRET={secret}\nEND", site.path("env")));
    site.release("v1", &[]);
    site.run("deploy").succeeds();
    assert!(site.get("/env").unwrap().body.contains(&format!("SECRET={secret}\n")));
    assert_eq!(unit(&machine, "A", "MainPID"), site.pid("A").unwrap().to_string());
    for text in [
        "ps -eo args",
        "grep -rs hunter2 /run/user/*/systemd /run/systemd; true",
        "systemctl --user -M potados@ show flipside-cafeteria-A",
        "journalctl --no-pager",
    ] {
        machine.run(text).succeeds().shows_no("hunter2");
    }
    machine.run(&format!("stat -c %a {}", site.path("run/A.start"))).prints("600");

    let status = site.status();
    let a = &status["instances"][0];
    assert_eq!((&a["restarts"], &a["healthy"]), (&0.into(), &true.into()), "{a}");
    assert!(a["memory_bytes"].as_u64().unwrap() > 0);
    // A login shell knows the same as cron, which knows nothing.
    machine.run("env -i setpriv --reuid potados --regid potados --init-groups /home/potados/.cafeteria/bin/status")
        .succeeds();

    site.run("stop-instance a --force").succeeds();
    nothing_is_left(&machine, &site, "A");
    site.run("stop-instance a --force").succeeds();
    site.run("start-instance a").succeeds().says_nothing();
    site.run("start-instance a").succeeds().says_nothing();
    site.serves("A", "v1");
}

#[test]
fn systemd_is_asked_no_more_than_it_must_be() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.release("v2", &[]);
    site.run("deploy").succeeds();
    for tool in ["systemctl", "systemd-run"] {
        let text =
            format!("#!/bin/sh\necho {tool} \"$*\" >>/home/potados/asked\nexec /usr/bin/{tool} \"$@\"\n");
        machine.write(&format!("/usr/local/bin/{tool}"), &text);
        machine.set_mode(&format!("/usr/local/bin/{tool}"), 0o755);
    }
    let asks = |command: &str| {
        site.run(command).succeeds();
        let asked = machine.read("/home/potados/asked");
        machine.run("rm /home/potados/asked").succeeds();
        let word = |line: &str| {
            let mut words = line.split(' ').filter(|word| !word.starts_with("--"));
            words.by_ref().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        asked.lines().map(word).collect::<Vec<_>>()
    };
    assert_eq!(asks("stop-instance a"), ["systemctl stop", "systemctl stop", "systemctl reset-failed"]);
    let started = asks("start-instance a");
    assert_eq!(started.len(), 2, "it is made, and looked at: {started:?}");
}

#[test]
fn that_systemd_gives_no_answer_is_not_taken_for_there_being_no_unit() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.release("v2", &[]);
    site.run("deploy").succeeds();
    let pid = site.pid("A");
    machine.run(&format!("rm {}", site.path("run/A.json"))).succeeds();
    machine.write("/usr/local/bin/systemctl", "#!/bin/sh\necho Failed to connect to bus >&2\nexit 1\n");
    machine.set_mode("/usr/local/bin/systemctl", 0o755);
    site.run("stop-instance a")
        .fails_with(1)
        .says("cannot ask systemd for flipside-cafeteria-A.service: systemctl exited with status 1")
        .says("Failed to connect to bus");
    assert_eq!(site.pid("A"), pid);
    machine.run("rm /usr/local/bin/systemctl").succeeds();
    site.run("stop-instance a").succeeds();
    nothing_is_left(&machine, &site, "A");
}

#[test]
fn a_release_that_ends_at_its_start_is_told_and_not_started_again() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.release("v2", &[("EXIT_AT_START", "7"), ("MESSAGE", "Error: no disk")]);
    site.run("deploy")
        .fails_with(1)
        .says("exited with status 7")
        .says("Error: no disk")
        .says("serves as before");
    nothing_is_left(&machine, &site, "B");
    site.release("v3", &[("LISTEN", "never")]);
    site.set("health.start_timeout", "\"2s\"");
    site.run("deploy").fails_with(1).says("does not listen on its port");
    nothing_is_left(&machine, &site, "B");
    site.serves("A", "v1");
}

#[test]
fn an_instance_that_has_just_crashed_is_stopped_for_good() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.release("v2", &[]);
    site.run("deploy").succeeds();
    machine.run(&format!("kill -KILL {}", site.pid("A").unwrap())).succeeds();
    eventually(SOON, "A is between two lives", || unit(&machine, "A", "SubState") == "auto-restart");
    site.run("stop-instance a").succeeds();
    nothing_is_left(&machine, &site, "A");

    // In the same moment it can be started, too.
    site.run("start-instance a").succeeds();
    machine.run(&format!("kill -KILL {}", site.pid("A").unwrap())).succeeds();
    eventually(SOON, "A is between two lives", || unit(&machine, "A", "SubState") == "auto-restart");
    site.run("start-instance a").succeeds();
    assert_eq!(site.status()["instances"][0]["restarts"], 0);
}

#[test]
fn commands_that_are_killed_in_the_middle_are_finished() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.release("v2", &[("START_DELAY", "500ms")]);
    site.run("update-instance b").succeeds();

    // A start, before it could write down what it had started.
    let start = site.start("start-instance b");
    eventually(SOON, "B is started", || machine.processes(APP).len() == 2);
    machine.run("pkill -KILL -x start-instance").succeeds();
    assert_ne!(start.wait().status(), 0);
    machine.run(&format!("rm -f {}", site.path("run/B.json"))).succeeds();
    site.run("start-instance b").succeeds();
    assert_eq!(machine.processes(APP).len(), 2, "it is the one that was started");
    assert!(machine.read(&site.path("run/B.json")).contains("flipside-cafeteria-B.service"));

    // At any moment.
    for fiftieth in 0..13 {
        for command in ["stop-instance b", "start-instance b"] {
            let killed =
                format!("timeout --signal=KILL {} {}", f64::from(fiftieth) / 50.0, site.command(command));
            machine.run_as("potados", &killed);
            site.run(command).succeeds();
        }
        assert_eq!(machine.processes(APP).len(), 2, "{fiftieth}");
        site.serves("A", "v1");
    }

    // A stop: systemd goes on with it.
    site.release("v3", &[("IGNORE_SIGTERM", "yes")]);
    site.run("update-instance b").succeeds();
    site.run("start-instance b").succeeds();
    site.set("run.stop_timeout", "\"3s\"");
    site.run("stop-instance b").succeeds().says("ran on 3.0 s after SIGTERM, and had to be killed");
    site.run("start-instance b").succeeds();
    let stop = site.start("stop-instance b");
    eventually(SOON, "B is being stopped", || unit(&machine, "B", "SubState") == "stop-sigterm");
    machine.run("pkill -KILL -x stop-instance").succeeds();
    assert_ne!(stop.wait().status(), 0);
    eventually(Duration::from_secs(30), "B is gone", || machine.processes(APP).len() == 1);
    site.run("stop-instance b").succeeds();
    nothing_is_left(&machine, &site, "B");
    site.serves("A", "v1");
}

#[test]
fn two_homes_of_one_name_do_not_end_each_others_instances() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    // Not even with all that was copied of what runs.
    let copy = "cp -a .cafeteria .copy && cd .copy && mkdir -p nginx && \
        sed -i '/^set_switch/d; s#^switch = .*#switch = \"nginx/upstream.conf\"#; s/2020/2030/' flipside.toml && \
        echo 'server 127.0.0.1:20301;' >nginx/upstream.conf";
    machine.run_as("potados", copy).succeeds();
    for command in ["start-instance a", "stop-instance a --force", "start-instance a", "status"] {
        let ran = machine.run_as("potados", &format!(".copy/bin/{command}"));
        if command.starts_with("start") {
            ran.fails_with(3).says("flipside: /home/potados/.cafeteria#A").says("change name");
        }
        site.serves("A", "v1");
    }
    assert_eq!(site.status()["instances"][0]["restarts"], 0);

    // Another app may have a home of any name.
    let strange = "'we ird $HOME %n ${PATH} \\n'";
    machine
        .run_as(
            "potados",
            &format!(
                "mv .copy {strange} && sed -i 's/^name = .*/name = \"canteen\"/' {strange}/flipside.toml"
            ),
        )
        .succeeds();
    for command in ["start-instance a", "pid a", "status --json", "stop-instance a --force"] {
        let ran = machine.run_as("potados", &format!("{strange}/bin/{command}"));
        if command.starts_with("status") {
            let a = &ran.json()["instances"][0];
            assert_eq!((&a["healthy"], &a["restarts"]), (&true.into(), &0.into()), "{a}");
        } else {
            ran.succeeds();
        }
    }
    assert_eq!(machine.processes(APP).len(), 1);
}

#[test]
fn root_becomes_the_owner_of_a_home() {
    let Some(machine) = super::machine() else { return };
    machine.run("usermod --append --groups adm potados").succeeds();
    let site = site(&machine);
    machine.run("loginctl disable-linger potados && systemctl mask --now -q polkit").succeeds();
    site.release("v1", &[]);
    let hook =
        "#!/bin/sh\n{ grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status; env; pwd; } >hook.txt\n";
    machine.write(&site.path("hooks/pre-connect"), hook);
    machine.set_mode(&site.path("hooks/pre-connect"), 0o755);
    machine.run(&format!("chown -R potados: {}", site.home())).succeeds();
    site.set("user", "\"potados\"");
    let uid = machine.run("id -u potados").answer().to_owned();
    let gid = machine.run("getent group adm | cut -d: -f3").answer().to_owned();

    machine.run(&format!("cd /root; HOME=/root USER=root {}", site.command("deploy"))).succeeds();
    site.serves("A", "v1");
    assert!(machine.exists("/var/lib/systemd/linger/potados"), "only root could do this");
    let seen = machine.read(&site.path("hook.txt"));
    for line in [
        format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}"),
        format!("Gid:\t{uid}\t{uid}\t{uid}\t{uid}"),
        "CapPrm:\t0000000000000000".to_owned(),
        "CapEff:\t0000000000000000".to_owned(),
        "HOME=/home/potados".to_owned(),
        "USER=potados".to_owned(),
        "LOGNAME=potados".to_owned(),
        "SHELL=/bin/bash".to_owned(),
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    let groups = seen.lines().find(|line| line.starts_with("Groups:")).unwrap();
    assert_eq!(groups.split_whitespace().skip(1).collect::<Vec<_>>(), [&gid, &uid]);
    machine.run(&format!("find {} ! -user potados", site.home())).prints_nothing();
    assert_eq!(unit(&machine, "A", "MainPID"), site.pid("A").unwrap().to_string(), "a unit of potados");
    machine.run(&site.command("status")).succeeds();

    // What root is asked to do by the owner of a home, only root may do.
    site.set("user", "\"root\"");
    let refused = machine.run(&site.command("deploy")).fails_with(2);
    refused.says("user is root, but /home/potados/.cafeteria belongs to potados");
    site.set("user", "\"potados\"");
    machine.run(&format!("chown 4321 {}", site.home())).succeeds();
    machine.run(&site.command("status")).fails_with(2).says("the uid 4321, which is not in /etc/passwd");
}

#[test]
fn a_home_of_root_is_kept_by_the_machines_own_service_manager() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    site.release("v1", &[]);
    machine.run(&format!("chown -R root: {} /home/potados/cafeteria", site.home())).succeeds();
    let is_of = |user: &str| {
        machine.run(&format!("sed -i 's/^user = .*/user = \"{user}\"/' /etc/flipside/apps.toml"))
    };
    is_of("root").succeeds();
    machine.run(&site.command("deploy")).succeeds();
    site.serves("A", "v1");
    machine.run("systemctl show -P ActiveState flipside-cafeteria-A").prints("active");

    machine.run(&format!("chgrp potados {0} && chmod g+w {0}", site.home())).succeeds();
    machine.run(&site.command("status")).fails_with(2).says("others than root can write");

    // It is given to a user while it runs.
    is_of("potados").succeeds();
    machine.run(&format!("chown -R potados: {} && chmod 755 {0}", site.home())).succeeds();
    for command in ["stop-instance a --force", "start-instance a"] {
        let refused = site.run(command).fails_with(3);
        refused
            .says("kept by root's service manager; run systemctl stop flipside-cafeteria-A.service as root");
    }
    site.serves("A", "v1");
    machine.run("systemctl stop flipside-cafeteria-A").succeeds();
    site.run("bootup").succeeds();
    site.serves("A", "v1");
}

#[test]
fn without_a_service_manager_that_stays_an_instance_is_started_all_the_same() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    machine.run("loginctl disable-linger potados && systemctl mask --now -q polkit").succeeds();
    site.release("v1", &[]);
    let remedy = "run loginctl enable-linger potados as root";
    site.run("deploy").succeeds().says("A runs without systemd").says(remedy);
    site.serves("A", "v1");
    assert_eq!(site.status()["instances"][0]["restarts"], serde_json::Value::Null);

    site.set("run.runtime", "\"systemd\"");
    site.release("v2", &[]);
    site.run("deploy").fails_with(1).says(remedy).says("serves as before");
    site.serves("A", "v1");

    // What keeps it is what stops it.
    machine.run("loginctl enable-linger potados").succeeds();
    site.run("deploy").succeeds();
    site.run("stop-instance a").succeeds();
    site.set("run.runtime", "\"direct\"");
    site.run("stop-instance b --force").succeeds();
    nothing_is_left(&machine, &site, "B");
    machine.by_agent(&format!("runuser -u potados -- {}", site.command("bootup"))).succeeds();
    let started = machine.by_agent(&format!("runuser -u potados -- {}", site.command("start-instance a")));
    started.shows("A may end when systemd ends agent.service, from which it was started");
    site.run("stop-instance a").succeeds();
    let by_ssh = machine.ssh("potados", &site.command("start-instance a"));
    by_ssh.succeeds().says_nothing(); // sessions leave their processes alone here
}

#[test]
fn a_limit_of_memory_is_given_to_systemd_and_said_where_that_cannot_keep_it() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    site.set("run.memory_max", "\"64M\"");
    site.release("v1", &[]);
    let deployed = site.run("deploy").succeeds();
    assert_eq!(unit(&machine, "A", "MemoryMax"), (64 << 20).to_string());
    site.run("deploy").succeeds().says("nothing has changed");
    site.set("run.memory_max", "\"96M\"");
    site.run("deploy").succeeds();
    assert_eq!(unit(&machine, "B", "MemoryMax"), (96 << 20).to_string(), "another limit is something new");
    let limit = machine.run_as("potados", "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max");
    if limit.status() != 0 {
        // The control groups of version 1 are root's alone.
        deployed.says("A runs without memory_max");
    }
}

#[test]
fn the_watchman_is_silent_when_all_is_well_and_while_others_work() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine).deployed("v1");
    site.run("bootup").succeeds().says_nothing().prints_nothing();

    site.release("v2", &[("START_DELAY", "3s")]);
    let mut deploy = site.start("deploy");
    deploy.until_it_says("update-instance");
    site.run("bootup").succeeds().says_nothing();
    machine.run(&format!("kill -KILL {}", site.pid("A").unwrap())).succeeds();
    site.run("bootup --quiet").exits_with(4).says_nothing();
    deploy.wait().succeeds();

    // nginx comes later than the instance.
    machine.run("systemctl stop nginx").succeeds();
    let mut bootup = site.start("bootup");
    assert!(bootup.waits());
    machine.run("systemctl start nginx").succeeds();
    bootup.wait().succeeds();
    site.serves("B", "v2");
    site.run("status").exits_with(1).shows("A has crashed once since it was started");
}

#[test]
fn an_instance_that_crashed_finds_its_socket_free_when_it_is_brought_back() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    let config = machine.read(&site.path("flipside.toml"));
    let (ports, check) = (["A", "B"].map(|name| (name, site.port(name))), "\"http://127.0.0.1:20200\"");
    let sockets = ports.iter().fold(config, |text, (name, port)| {
        text.replace(&format!("port = {port}"), &format!("socket = \"run/{name}.sock\""))
    });
    let nginx = sockets.find("[nginx]").unwrap();
    let text = format!("{}[nginx]\nstyle = \"socket\"\ncheck = {check}\n", &sockets[..nginx]);
    machine.write(&site.path("flipside.toml"), &text);
    site.release("v1", &[]);
    site.run("update-instance a").succeeds();
    site.run("start-instance a").succeeds();
    let first = site.pid("A").unwrap();
    machine.run(&format!("kill -KILL {first}")).succeeds();
    eventually(SOON, "systemd has brought A back", || site.pid("A").is_some_and(|pid| pid != first));
    site.run("check-health a").succeeds();
    site.run("stop-instance a --force").succeeds();
    nothing_is_left(&machine, &site, "A");
    assert!(!machine.exists(&site.path("run/A.sock")));
}

#[test]
fn beside_one_that_serves_a_unit_weighs_less_until_nginx_is_to_be_told_of_it() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    let weights = |instance: &str| ["CPUWeight", "IOWeight"].map(|name| unit(&machine, instance, name));
    site.release("v1", &[]);
    site.run("deploy").succeeds();
    let unsaid = weights("A");
    assert!(!unsaid.contains(&"20".to_owned()), "nobody else served when it was started: {unsaid:?}");
    site.release("v2", &[]);
    site.run("update-instance b v2").succeeds();
    // Twice, since what was set for the first unit of this name is not to last.
    for _ in 0..2 {
        site.run("start-instance b").succeeds().says_nothing();
        assert_eq!(weights("B"), ["20", "20"]);
        assert_eq!(weights("A"), unsaid);
        site.run("connect-to-nginx b").succeeds().says_nothing();
        assert_eq!(weights("B"), ["100", "100"]);
        site.run("connect-to-nginx a").succeeds().says_nothing();
        site.run("stop-instance b").succeeds();
    }

    // Its start was cut off before the record was written.
    site.run("start-instance b").succeeds();
    machine.run(&format!("rm {}", site.path("run/B.json"))).succeeds();
    site.run("connect-to-nginx b").succeeds();
    assert_eq!(weights("B"), ["100", "100"]);
    // What a deployment leaves is no different.
    site.release("v3", &[]);
    site.run("deploy").succeeds();
    assert_eq!(weights("A"), ["100", "100"]);
    site.serves("A", "v3");
}

#[test]
fn a_build_weighs_less_than_an_instance_and_has_the_environment_that_it_would_have() {
    let Some(machine) = super::machine() else { return };
    let site = site(&machine);
    let script = r"env >environment; sed -n 's,.*/,,; /^run-.*scope$/p' /proc/self/cgroup | sort -u >scope; XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show -P CPUWeight $(cat scope) >weight; nice >niceness";
    site.set("build.command", &format!("{script:?}"));
    site.release("v1", &[]);
    site.run("deploy").succeeds();
    let built = |name: &str| machine.read(&site.path(&format!("instances/A/{name}")));
    assert_eq!(built("weight"), "20\n", "{}", built("scope"));
    assert_eq!(built("niceness"), "10\n");
    for name in ["XDG_RUNTIME_DIR", "SYSTEMD_"] {
        assert!(!built("environment").contains(name), "{}", built("environment"));
    }
    site.set("build.command", "\"exit 7\"");
    site.run("deploy --force").fails_with(1).says("exited with status 7");
    site.serves("A", "v1");
}
