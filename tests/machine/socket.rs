//! The style `socket` on a machine that really boots: nginx runs as www-data, and the home is its user's alone.

use support::{Machine, SOON};

use super::install::{bare, install, release, served};

const WORDS: &str = "--force --user potados --name cafeteria --git /home/potados/cafeteria --style socket \
    --run 'exec /usr/local/bin/demo-app' --health /health --ports 20200 --domain cafeteria.test";

fn command(machine: &Machine, words: &str) -> support::Ran {
    machine.run_as("potados", &format!("umask 077; .flipside/bin/{words}"))
}

/// What the machine's systemd of the user says of A.
fn restarts(machine: &Machine) -> String {
    let show = "XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show -P NRestarts flipside-cafeteria-A";
    machine.run_as("potados", show).succeeds().answer().to_owned()
}

#[test]
fn installed_without_a_right_of_roots_it_serves_after_a_crash_and_after_a_reboot() {
    let Some(machine) = bare() else { return };
    machine.run("chmod 700 /home/potados").succeeds();
    install(&machine, WORDS).succeeds();
    assert!(served(&machine).contains("v1"), "{}", served(&machine));
    machine.run("ls /etc/sudoers.d/flipside-cafeteria /etc/flipside /etc/nginx/flipside /usr/local/libexec/flipside")
        .exits_with(2);
    install(&machine, WORDS).succeeds().says("everything is there; nothing was changed");
    machine
        .run("getfacl -cp /home/potados/.flipside/run")
        .shows("user:www-data:--x")
        .shows("default:user:www-data:rw-");

    let pid = command(&machine, "pid a").answer().to_owned();
    machine.run(&format!("kill -KILL {pid}")).succeeds();
    machine.eventually(SOON, "A is back", "curl -fsS http://127.0.0.1/ | grep v1");
    assert_eq!(restarts(&machine), "1");

    release(&machine, "v2");
    command(&machine, "deploy").succeeds().shows("B (v2");
    assert!(served(&machine).contains("v2"));
    command(&machine, "rollback").succeeds();
    machine.reboot();
    machine.eventually(SOON, "the service is back", "curl -fsS http://127.0.0.1/ | grep v1");
    for file in ["flipside.toml", "run/lock", "run/A.start", "logs/A.log"] {
        machine
            .run(&format!(
                "setpriv --reuid=www-data --regid=www-data --clear-groups cat /home/potados/.flipside/{file}"
            ))
            .exits_with(1);
    }

    install(&machine, "--force --user potados --uninstall --purge").succeeds();
    machine.run("ls /home/potados/.flipside /etc/nginx/sites-enabled/cafeteria.conf").exits_with(2);
}
