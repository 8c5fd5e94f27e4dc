//! Instances that nothing but the kernel keeps (the runtime `direct`), and the end of what had started them.

use support::{SOON, eventually};

#[test]
fn a_direct_instance_outlives_sessions_but_not_the_service_that_it_was_started_in() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200);
    site.set("run.runtime", "\"direct\"");

    site.release("v1", &[]);
    machine.ssh("potados", &site.command("deploy")).succeeds();
    machine.eventually(SOON, "the session is over", "! pgrep -u potados sshd");
    site.serves("A", "v1");

    // runuser(1) opens a session of its own, which isn't the agent's.
    site.release("v2", &[]);
    machine.by_agent(&format!("runuser -l potados -c {}", site.command("deploy"))).succeeds().is_plain();
    machine.restart_agent();
    site.serves("B", "v2");
    assert_eq!(site.status()["instances"][0]["healthy"], true, "the standby lives on, too");

    site.release("v3", &[]);
    machine.by_agent(&format!(
        "setpriv --reuid potados --regid potados --init-groups --reset-env {}",
        site.command("deploy")
    ));
    site.serves("A", "v3");
    machine.restart_agent();
    eventually(SOON, "A is gone with the agent's control group", || site.pid("A").is_none());
    site.run("status").exits_with(6).shows("A serves and is not healthy: it does not run; run bootup");
    site.run("bootup").succeeds();
    site.serves("A", "v3");
}
