//! What the other machine tests rely on.

use support::{Machine, SOON, processes};

#[test]
fn a_machine_boots_reboots_loses_its_power_and_leaves_nothing() {
    if !super::possible() {
        return;
    }
    let machine = Machine::new();
    machine.user("potados");
    machine.write("/etc/nginx/conf.d/hello.conf", "server { listen 80; return 200 hello; }\n");
    machine.power_on();
    assert_eq!(
        machine.run("systemctl is-system-running").answer(),
        "running",
        "{}",
        machine.run("systemctl --failed")
    );
    machine.run_as("potados", "id -un; pwd").prints("potados\n/home/potados");
    machine.ssh("potados", "id -un; ls -d $XDG_RUNTIME_DIR").shows("potados\n/run/user/");
    assert_eq!(machine.get(80, "/").unwrap().status, 200, "its own nginx");

    let id = machine.read("/etc/machine-id");
    machine
        .run_as("potados", "echo still here >file; echo gone >/tmp/file; sleep 1000 >/dev/null 2>&1 &")
        .succeeds();
    machine.reboot();
    machine.ssh("potados", "cat file; test ! -e /tmp/file").prints("still here");
    assert!(machine.processes("sleep 1000").is_empty(), "nothing lives through a reboot");
    assert_eq!(machine.read("/etc/machine-id"), id, "it is the same machine");

    machine.run("systemd-run --quiet sleep 2000").succeeds();
    processes::eventually(SOON, "it runs", || machine.processes("sleep 2000").len() == 1);
    machine.power_cut();
    assert!(machine.processes("").is_empty(), "nothing lives without power");
    machine.power_on();
    assert_eq!(machine.read("/home/potados/file"), "still here\n");
    drop(machine); // fails if it leaves anything behind
}
