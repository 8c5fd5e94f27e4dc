//! Users who may do nothing as root but set their own app's switch.

use support::machine::Site;
use support::{Machine, only_resets_on_kept_connections, served_by};

/// One for each instance, nobody and the test.
const RIGHTS: usize = 4;

#[test]
fn a_user_deploys_with_the_right_to_set_one_switch_and_has_no_other() {
    if !super::possible() {
        return;
    }
    let machine = Machine::new();
    machine.user("potados");
    machine.power_on();
    let site = machine.site("potados", "cafeteria", 20200);
    let other = "/usr/local/libexec/flipside/set-switch canteen A";

    let rights = machine.run_as("potados", "sudo -n -l").succeeds();
    let allowed: Vec<&str> = rights.stdout().lines().skip_while(|line| !line.contains("(root)")).collect();
    let commands = allowed.concat().replace("(root) NOPASSWD: ", "");
    let commands: Vec<_> =
        commands.split(',').map(|command| command.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let set_switch = "/usr/local/libexec/flipside/set-switch cafeteria";
    assert_eq!(commands.len(), RIGHTS, "{rights}");
    assert!(commands.iter().all(|command| command.starts_with(set_switch)), "{rights}");
    for refused in ["nginx -t", "nginx -s reload", "cat /etc/shadow", other] {
        machine.run_as("potados", &format!("sudo -n {refused}")).exits_with(1);
    }

    for (instance, release) in [("A", "v1"), ("B", "v2")] {
        site.release(release, &[]);
        machine.by_agent(&format!("runuser -l potados -c {}", site.command("deploy"))).succeeds();
        site.serves(instance, release);
    }
    site.run("rollback").succeeds();
    site.serves("A", "v1");
    site.run("status").exits_with(0);
    machine.run("find /etc /usr/local ! -user root -newer /etc/machine-id").prints_nothing();
}

#[test]
fn two_apps_of_two_users_deploy_at_the_same_time_behind_one_nginx_and_no_request_fails() {
    if !super::possible() {
        return;
    }
    let machine = Machine::new();
    machine.user("potados").user("tomates");
    machine.power_on();
    let sites = [machine.site("potados", "cafeteria", 20200), machine.site("tomates", "canteen", 20300)];
    deploy_all(&sites, "v1");

    let mut second = None;
    let first = machine.under_gentle_load(sites[0].public_port(), |_| {
        second = Some(machine.under_gentle_load(sites[1].public_port(), |_| {
            for release in ["v2", "v3", "v4"] {
                deploy_all(&sites, release);
            }
        }));
    });
    // Each of the six reloads may close a connection that is just being used again.
    for load in [first, second.unwrap()] {
        load.expect(only_resets_on_kept_connections(6 * 3))
            .expect(served_by("A", "v3"))
            .expect(served_by("B", "v4"));
    }
    for site in &sites {
        site.run("status").exits_with(0);
        site.serves("B", "v4");
    }
}

/// All at the same time.
#[track_caller]
fn deploy_all(sites: &[Site], release: &str) {
    for site in sites {
        site.release(release, &[]);
    }
    let running: Vec<_> = sites.iter().map(|site| site.start("deploy")).collect();
    for deploy in running {
        deploy.wait().succeeds();
    }
}
