//! A machine on which cron is the watchman.

use std::time::Duration;

use support::{SOON, eventually};

/// It runs what is due once a minute.
const NEXT_MINUTE: Duration = Duration::from_secs(80);

#[test]
fn cron_brings_the_service_up_after_a_boot_and_whenever_it_is_down_and_says_nothing() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200);
    machine.run("systemctl disable -q flipside-cafeteria").succeeds();
    site.set("run.runtime", "\"direct\"");
    site.release("v1", &[]);
    site.run("deploy").succeeds();
    let bootup = site.command("bootup -q");
    machine
        .write("/etc/cron.d/cafeteria", &format!("@reboot potados {bootup}\n* * * * * potados {bootup}\n"));

    machine.reboot();
    eventually(SOON, "A serves again", || site.is_served_by("A", "v1"));
    assert_eq!(site.pid("B"), None, "nothing else is started");

    machine.run(&format!("kill -KILL {}", site.pid("A").unwrap())).succeeds();
    eventually(NEXT_MINUTE, "A serves again", || site.is_served_by("A", "v1"));
    let said = machine.run("journalctl --no-pager --unit=cron");
    said.succeeds().shows("bootup -q").shows_no("discarding output");
}
