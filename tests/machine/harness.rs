//! What the other machine tests rely on.

use std::fs;
use std::path::Path;

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
    let name = machine.run("hostname").succeeds().answer().to_owned();
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

    let left = drop_and_look(machine, &name);
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// What bears the machine's name once it is gone.
fn drop_and_look(machine: Machine, name: &str) -> Vec<String> {
    let folder = machine.path("/").parent().unwrap().display().to_string();
    drop(machine);
    let mut left: Vec<String> = processes::all()
        .into_iter()
        .map(processes::command_line)
        .filter(|line| line.contains(&folder) || line.contains(&format!("--machine={name}")))
        .collect();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    left.extend(mounts.lines().filter(|line| line.contains(&folder)).map(str::to_owned));
    let paths = [
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/systemd",
        "/sys/fs/cgroup/unified",
        "/run/systemd/nspawn/propagate",
    ];
    let mut paths: Vec<_> = paths.iter().map(|folder| Path::new(folder).join(name)).collect();
    paths.push(format!("/sys/class/net/ve-{name}").into());
    paths.push(folder.into());
    left.extend(paths.iter().filter(|path| path.exists()).map(|path| path.display().to_string()));
    left
}
