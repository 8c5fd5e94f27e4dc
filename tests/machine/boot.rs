//! What becomes of the service when its machine is switched off and on, and when it crashes.

use std::time::Duration;

use support::machine::Site;
use support::{Machine, SOON, eventually};

/// How long the app takes to start, and what flipside may take beside it.
const START_UP: Duration = Duration::from_millis(700);
const BESIDE: Duration = Duration::from_secs(2);

#[test]
fn a_reboot_brings_the_enabled_instance_back_and_nothing_else() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200);
    site.release("v1", &[]);
    site.run("deploy").succeeds().says_not("runs without systemd");
    site.release("v2", &[("START_DELAY", "700ms")]);
    site.run("deploy").succeeds();
    site.serves("B", "v2");
    assert_eq!(site.run("status").succeeds().status(), 0);

    machine.reboot();
    site.serves("B", "v2");
    assert_eq!(site.pid("A"), None, "the standby is not started");
    site.run("status").exits_with(0).shows("A, the standby, was not started since the boot; rollback would");
    let took = time_of(&machine, "flipside-cafeteria");
    assert!(took < START_UP + BESIDE, "bootup took {took:?}");
    let instance = &site.status()["instances"][1];
    assert_eq!((&instance["healthy"], &instance["restarts"]), (&true.into(), &0.into()), "{instance}");

    // The release cannot start any more: the other one is better than none.
    machine.run(&format!("echo EXIT_AT_START=1 >>{}", site.path("instances/B/switches"))).succeeds();
    machine.reboot();
    site.serves("A", "v1");
    site.run("status").exits_with(1).shows("A (v1");
}

#[test]
fn a_power_cut_in_a_deployment_costs_nothing_but_the_deployment() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200).deployed("v1");
    site.release("v2", &[("START_DELAY", "700ms")]);

    // While B starts.
    let running = site.start("deploy");
    eventually(SOON, "B starts", || machine.processes("/usr/local/bin/demo-app").len() == 2);
    machine.power_cut();
    assert_ne!(running.wait().status(), 0);
    machine.power_on();
    site.serves("A", "v1");
    site.run("status").exits_with(1).shows("was interrupted");
    tells_the_truth(&site);
    site.run("deploy").succeeds();
    site.serves("B", "v2");
    site.run("status").exits_with(0);

    // While nginx is told of A.
    site.release("v3", &[]);
    let mut running = site.start("deploy");
    running.until_it_says("start-instance");
    machine.power_cut();
    running.wait();
    machine.power_on();
    assert!(site.is_served_by("A", "v3") || site.is_served_by("B", "v2"), "{:?}", site.get("/"));
    tells_the_truth(&site);
    // It may have been cut off after the switch, and then the other instance gets its turn.
    site.run("deploy").succeeds();
    assert!(site.is_served_by("A", "v3") || site.is_served_by("B", "v3"), "{:?}", site.get("/"));
    site.run("status").exits_with(0);
}

/// Who serves is who is said to.
#[track_caller]
fn tells_the_truth(site: &Site) {
    let status = site.status();
    let answer = site.get("/").unwrap();
    for who in [&status["enabled"], &status["live"]] {
        assert_eq!(who.as_str(), answer.header("x-instance"), "{status:#}");
    }
    assert_ne!(status["service"], "down", "{status:#}");
}

#[test]
fn a_crash_is_mended_by_systemd_and_a_crash_loop_ends_and_is_told() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200).deployed("v1");

    crash(&machine, &site);
    eventually(SOON, "A is back by itself", || site.is_served_by("A", "v1"));
    let instance = &site.status()["instances"][0];
    assert_eq!((&instance["healthy"], &instance["restarts"]), (&true.into(), &1.into()), "{instance}");
    site.run("status").shows("A has crashed once since it was started");

    eventually(Duration::from_secs(40), "systemd gives up", || {
        if site.pid("A").is_some() {
            crash(&machine, &site);
        }
        site.status()["service"] == "down" && site.run("status").stdout().contains("given up")
    });
    site.run("status").exits_with(6).shows("was killed by signal 9");
    site.run("bootup").succeeds();
    site.serves("A", "v1");
    site.run("status").exits_with(0);
}

fn crash(machine: &Machine, site: &Site) {
    machine.run(&format!("kill -KILL {}", site.pid("A").unwrap()));
}

/// How long a unit that starts once took.
fn time_of(machine: &Machine, unit: &str) -> Duration {
    let shown = machine.run(&format!(
        "systemctl show --value -p InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic {unit}"
    ));
    let times: Vec<u64> = shown.stdout().lines().map(|line| line.parse().unwrap()).collect();
    Duration::from_micros(times[0].abs_diff(times[1]))
}
