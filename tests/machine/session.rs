//! Who deploys goes away: an agent is restarted, an ssh session ends. The service stays.

use support::machine::Site;
use support::{Machine, SOON};

#[test]
fn both_instances_outlive_the_agent_and_the_session_that_deployed_them() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200);

    site.release("v1", &[]);
    machine.by_agent(&format!("runuser -l potados -c '{}'", site.command("deploy"))).succeeds().is_plain();
    site.release("v2", &[]);
    // Outside of any session: all that is the agent's is in its control group.
    machine
        .by_agent(&format!(
            "setpriv --reuid potados --regid potados --init-groups --reset-env {}",
            site.command("deploy")
        ))
        .succeeds();
    machine.restart_agent();
    both_live_on(&site, "B", "v2");

    site.release("v3", &[]);
    machine.ssh("potados", &site.command("deploy")).succeeds();
    end_all_sessions(&machine);
    both_live_on(&site, "A", "v3");

    site.release("v4", &[]);
    let mut session = machine.start_ssh_in_terminal("potados", &site.command("deploy"));
    session.until_it_says("start-instance");
    session.hang_up();
    drop(session);
    machine.eventually(SOON, "deploy goes on to its end", "! pgrep -x deploy");
    both_live_on(&site, "B", "v4");

    // As root, for a home that is not root's.
    site.release("v5", &[]);
    machine.by_agent(&site.command("deploy")).succeeds();
    machine.restart_agent();
    both_live_on(&site, "A", "v5");
    let owner = machine.run(&format!("ps -o user= -p {}", site.pid("A").unwrap()));
    owner.prints("potados");
}

#[test]
fn without_lingering_an_instance_outlives_the_session_all_the_same() {
    if !super::possible() {
        return;
    }
    let machine = Machine::new();
    machine.user("potados");
    machine.write("/etc/systemd/logind.conf.d/at-once.conf", "[Login]\nUserStopDelaySec=0\n");
    machine.power_on();
    let site = machine.site("potados", "cafeteria", 20200);
    machine.run("loginctl disable-linger potados").succeeds();
    for (instance, release) in [("A", "v1"), ("B", "v2")] {
        site.release(release, &[]);
        machine.ssh("potados", &site.command("deploy")).succeeds();
        end_all_sessions(&machine);
        site.serves(instance, release);
    }
    both_live_on(&site, "B", "v2");
}

#[track_caller]
fn both_live_on(site: &Site, instance: &str, release: &str) {
    site.serves(instance, release);
    site.run("status").exits_with(0);
    for instance in 0..=1 {
        let instance = &site.status()["instances"][instance];
        assert_eq!(instance["healthy"], true, "{instance}");
    }
}

/// Waits until nobody is logged in, and what was there of a session is over.
fn end_all_sessions(machine: &Machine) {
    machine.eventually(SOON, "nobody is logged in", "! pgrep -u potados sshd");
}
