//! What a user can do who owns the home of an app and has one right of root's: to set this app's switch.

use support::machine::{SET_SWITCH, Site};
use support::{Machine, SOON, eventually, no_failed_request, only_resets_on_kept_connections, served_by};

#[test]
fn a_user_whom_sudo_allows_nothing_else_deploys_and_goes_back() {
    let Some(machine) = super::machine() else { return };
    let site = machine.site("potados", "cafeteria", 20200);
    for (instance, release) in [("A", "v1"), ("B", "v2")] {
        site.release(release, &[]);
        machine.by_agent(&format!("runuser -l potados -c {}", site.command("deploy"))).succeeds();
        site.serves(instance, release);
    }
    site.run("rollback").succeeds();
    site.serves("A", "v1");
    site.run("status").exits_with(0);
    machine.run_as("potados", "sudo -n nginx -s reload").exits_with(1);
    machine.run("find /etc /usr/local ! -user root -newer /etc/machine-id").prints_nothing();
}

#[test]
fn two_apps_of_two_users_deploy_at_the_same_time_behind_one_nginx_and_no_request_fails() {
    let Some(machine) = machine_of_two() else { return };
    let sites = [machine.site("potados", "cafeteria", 20200), machine.site("potatoes", "canteen", 20210)];
    deploy_all(&sites, "v1");

    let mut second = None;
    let first = sites[0].under_gentle_load(|_| {
        second = Some(sites[1].under_gentle_load(|_| {
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

/// The app of potados, who tries; its A serves.
#[track_caller]
fn ours(machine: &Machine) -> Site<'_> {
    machine.site("potados", "cafeteria", 20200).deployed("v1")
}

/// A machine of potados and of somebody else, who has an app there, too.
fn machine_of_two() -> Option<Machine> {
    if !super::possible() {
        return None;
    }
    let machine = Machine::new();
    machine.user("potados").user("potatoes");
    machine.power_on();
    Some(machine)
}

/// The apps of both; each is served by its A.
fn both(machine: &Machine) -> (Site<'_>, Site<'_>) {
    (ours(machine), machine.site("potatoes", "canteen", 20210).deployed("v1"))
}

/// What potados tries, as a shell would.
#[track_caller]
fn tries(machine: &Machine, text: &str) {
    let ran = machine.run_as("potados", text);
    assert_ne!(ran.status(), 0, "{ran}");
}

#[test]
fn a_user_cannot_make_nginx_include_anything() {
    let Some(machine) = super::machine() else { return };
    let ours = ours(&machine);
    let switch = ours.switch();
    let before = machine.read(&switch);
    for attempt in [
        format!("echo 'include /root/x;' >{switch}"),
        format!("echo 'include /root/x;' >/tmp/new && mv /tmp/new {switch}"),
        format!("ln -sf /tmp/mine {switch}"),
        format!("rm -f {switch}"),
        "touch /etc/nginx/flipside/.cafeteria.conf.new".to_owned(),
        "echo >/etc/flipside/apps.toml".to_owned(),
        "mv /etc/flipside /etc/mine".to_owned(),
        format!("sudo -n {SET_SWITCH} cafeteria 'A; include /root/x'"),
        format!("sudo -n {SET_SWITCH} cafeteria A B"),
        format!("sudo -n {SET_SWITCH} --apps /tmp/mine cafeteria A"),
    ] {
        tries(&machine, &attempt);
    }
    // What the home says is not asked.
    let ones_own = "mkdir -p .cafeteria/nginx && echo 'include /root/x;' >.cafeteria/nginx/upstream.conf";
    machine.run_as("potados", ones_own).succeeds();
    ours.set("instance.B.port", "20290");
    ours.run("connect-to-nginx a").succeeds();
    machine.run("nginx -T").succeeds().shows_no("/root/x").shows_no("20290").shows_no(".cafeteria");
    assert_eq!(machine.read(&switch), before);
}

#[test]
fn a_user_cannot_reach_another_sites_switch() {
    let Some(machine) = machine_of_two() else { return };
    let (ours, other) = both(&machine);
    let before = machine.read(&other.switch());
    other
        .under_gentle_load(|_| {
            tries(&machine, &format!("sudo -n {SET_SWITCH} canteen B"));
            tries(&machine, &format!("sudo -n {SET_SWITCH} canteen nobody"));
            ours.set("nginx.set_switch", &format!("[\"sudo\", \"-n\", {SET_SWITCH:?}, \"canteen\"]"));
            ours.run("connect-to-nginx b --force").fails_with(1).says("canteen B").says("sudo");
            // A careless line of sudoers(5) does not help either.
            machine.write("/etc/sudoers.d/careless", &format!("potados ALL=(root) NOPASSWD: {SET_SWITCH}\n"));
            for words in
                ["canteen B", "canteen nobody", "../canteen B", "--apps /etc/flipside/apps.toml canteen B"]
            {
                let ran = machine.run_as("potados", &format!("sudo -n {SET_SWITCH} {words}"));
                assert_eq!(ran.status(), 2, "{ran}");
            }
            for forged in ["SUDO_UID=0", "SUDO_UID=1002", "SUDO_USER=potatoes"] {
                tries(&machine, &format!("{forged} sudo -n {SET_SWITCH} canteen B"));
                tries(&machine, &format!("sudo -n {forged} {SET_SWITCH} canteen B"));
            }
        })
        .expect(no_failed_request());
    assert_eq!(machine.read(&other.switch()), before);
}

#[test]
fn a_user_cannot_break_nginx_for_other_sites() {
    let Some(machine) = machine_of_two() else { return };
    let (ours, other) = both(&machine);
    other
        .under_gentle_load(|_| {
            // With nothing behind its switch, again and again, and without the room to write.
            for text in [
                format!("sudo -n {SET_SWITCH} cafeteria nobody"),
                format!("ulimit -f 0 -n 16; sudo -n {SET_SWITCH} cafeteria B"),
                format!("ulimit -t 1; sudo -n {SET_SWITCH} cafeteria A"),
                format!("umask 0777; sudo -n {SET_SWITCH} cafeteria B"),
                format!("for i in 1 2 3 4 5; do sudo -n {SET_SWITCH} cafeteria A & done; wait"),
            ] {
                machine.run_as("potados", &text);
                machine.run("nginx -t -q").succeeds();
            }
            machine.run_as("potados", "rm -rf .cafeteria cafeteria");
            machine.run("nginx -t -q && systemctl reload nginx").succeeds();
        })
        .expect(only_resets_on_kept_connections(30));
    other.release("v2", &[]);
    other.run("deploy").succeeds();
    other.serves("B", "v2");
    drop(ours);
}

#[test]
fn a_user_cannot_stop_it_half_way_and_keep_the_lock() {
    let Some(machine) = machine_of_two() else { return };
    let (ours, other) = both(&machine);
    // nginx's test takes its time, as on a large server: until the signal is sent.
    let slowly = "#!/bin/sh\nuntil [ -e /run/sent ]; do sleep 0.02; done\nexec nginx -t -q\n";
    machine.write("/usr/local/libexec/slowly", slowly);
    machine.set_mode("/usr/local/libexec/slowly", 0o755);
    let list = machine.read("/etc/flipside/apps.toml");
    let slow = list.replacen("\n[canteen]", "\ntest = [\"/usr/local/libexec/slowly\"]\n[canteen]", 1);
    machine.write("/etc/flipside/apps.toml", &slow);
    for signal in ["STOP", "KILL", "TSTP", "INT"] {
        machine.run("rm -f /run/sent").succeeds();
        let setting = machine.start_as("potados", &format!("sudo -n {SET_SWITCH} cafeteria B"));
        eventually(SOON, "it tests", || !machine.processes("libexec/slowly").is_empty());
        let them = format!("-f '^(sudo -n )?{SET_SWITCH} cafeteria B'");
        let send = format!("pkill -{signal} {them}");
        // As the user, by pid; and as a terminal does to all that runs on it, whoever that is.
        if matches!(signal, "TSTP" | "INT") {
            machine.run(&send).succeeds();
        } else {
            machine.run_as("potados", &send).says("not permitted");
        }
        machine.run("touch /run/sent").succeeds();
        other.run("connect-to-nginx --force").succeeds();
        other.run("connect-to-nginx --force").succeeds();
        assert!(machine.read(&ours.switch()).contains("20202;"), "after {signal}");
        // sudo itself may stand still by now, and holds nobody up.
        machine.run(&format!("pkill -CONT {them}"));
        setting.wait();
        machine.run(&format!("{SET_SWITCH} cafeteria A")).succeeds();
    }
    // Who cannot open the lock cannot hold it.
    tries(&machine, "flock -n /run/flipside/nginx.lock true");
    tries(&machine, "flock -s -n /run/flipside/nginx.lock true");
}

#[test]
fn a_user_cannot_read_a_file_of_others_through_nginxs_words() {
    let Some(machine) = super::machine() else { return };
    let ours = ours(&machine);
    machine.write("/root/secret", "hunter2 hunter3;\n");
    machine.set_mode("/root/secret", 0o600);
    let mut said = String::new();
    for text in [
        "ln -s /root/secret .cafeteria/nginx; .cafeteria/bin/connect-to-nginx b --force; rm .cafeteria/nginx"
            .to_owned(),
        format!("sudo -n {SET_SWITCH} cafeteria /root/secret"),
        format!("sudo -n {SET_SWITCH} --apps /root/secret cafeteria --test"),
        "sudo -n nginx -t -c /root/secret".to_owned(),
        "sudo -n nginx -t".to_owned(),
    ] {
        said += &machine.run_as("potados", &text).to_string();
    }
    ours.set("nginx.test", "[\"nginx\", \"-t\", \"-c\", \"/root/secret\"]");
    ours.set("nginx.switch", "\"/root/secret\"");
    said += &ours.run("connect-to-nginx b --force").to_string();
    said += &ours.run("enabled-instance").to_string();
    assert!(!said.contains("hunter"), "{said}");

    // A mistake in another site is told in one line without control characters, and no more of that file.
    ours.set("nginx.switch", &format!("{:?}", ours.switch()));
    machine.write("/etc/nginx/conf.d/other.conf", "mistaken\u{1b}[31m directive;\nhunter2 hunter3;\n");
    machine.set_mode("/etc/nginx/conf.d/other.conf", 0o600);
    let ran = ours.run("connect-to-nginx b --force").fails_with(1).is_plain();
    ran.says("mistaken").says_not("hunter");
}

#[test]
fn a_user_cannot_run_code_as_root_through_the_environment() {
    let Some(machine) = super::machine() else { return };
    ours(&machine);
    machine.run_as(
        "potados",
        "mkdir tools; for tool in nginx sh sleep; do printf '#!/bin/sh\\nid -u >>/tmp/ran; exit 0\\n' >tools/$tool; \
         chmod +x tools/$tool; done; echo 'id -u >>/tmp/ran' >rc",
    );
    for environment in [
        "PATH=$HOME/tools:$PATH",
        "LD_PRELOAD=$HOME/tools/nginx LD_LIBRARY_PATH=$HOME/tools LD_AUDIT=$HOME/tools/nginx",
        "NGINX='3;4;' NGINX_BIN=$HOME/tools/nginx",
        "ENV=$HOME/rc BASH_ENV=$HOME/rc PERL5OPT=-d SHELLOPTS=xtrace PS4='$(id -u >>/tmp/ran)'",
        "OPENSSL_CONF=$HOME/rc OPENSSL_MODULES=$HOME/tools TMPDIR=$HOME GCONV_PATH=$HOME MALLOC_PERTURB_=1",
    ] {
        machine
            .run_as("potados", &format!("export {environment}; /usr/bin/sudo -n {SET_SWITCH} cafeteria A"))
            .succeeds();
        tries(&machine, &format!("/usr/bin/sudo -n {environment} {SET_SWITCH} cafeteria A"));
        tries(&machine, &format!("export {environment}; /usr/bin/sudo -n -E {SET_SWITCH} cafeteria A"));
    }
    tries(&machine, "test -e /tmp/ran");
    for shell in ["-s", "-i", "sh", "-u root id", "-e /etc/nginx/flipside/cafeteria.conf", "-D /tmp ls"] {
        tries(&machine, &format!("sudo -n {shell}"));
    }
}

#[test]
fn a_user_cannot_run_code_as_root_through_the_configuration_or_the_home() {
    let Some(machine) = super::machine() else { return };
    let ours = ours(&machine);
    let mine = "[\"sh\", \"-c\", \"id -u >>/tmp/ran\"]";
    for key in ["nginx.test", "nginx.reload"] {
        ours.set(key, mine);
    }
    ours.run("connect-to-nginx a").succeeds();
    tries(&machine, "test -e /tmp/ran");
    ours.set("nginx.set_switch", mine);
    ours.set("nginx.apply_timeout", "\"1s\"");
    ours.run("connect-to-nginx b --force").fails_with(5);
    machine.run_as("potados", "sort -u /tmp/ran | grep -v '^0$'").succeeds();
    machine.run_as("potados", "! grep '^0$' /tmp/ran").succeeds();
    // A set-switch of one's own is not what sudo allows.
    machine.run_as("potados", "printf '#!/bin/sh\\nid -u >>/tmp/ran\\n' >.cafeteria/bin/set-switch");
    tries(&machine, "sudo -n .cafeteria/bin/set-switch cafeteria A");
    tries(&machine, &format!("cp .cafeteria/bin/set-switch {SET_SWITCH}"));
    tries(&machine, "mv /usr/local/libexec/flipside /tmp/x");
}

#[test]
fn a_user_cannot_lead_it_elsewhere_by_links() {
    let Some(machine) = super::machine() else { return };
    let ours = ours(&machine);
    for text in [
        "ln -s /etc/shadow /etc/nginx/flipside/.cafeteria.conf.new",
        "ln -s /etc/shadow /run/flipside/nginx.lock.new",
        "ln -sf /etc/shadow /run/flipside/nginx.lock",
        "rm -rf /run/flipside",
        "mv /run/flipside /run/mine",
        "ln -sf /tmp/mine /etc/flipside/apps.toml",
    ] {
        tries(&machine, text);
    }
    // The kernel may allow a hard link to what one can read; it is not what is written to then.
    let shadow = machine.run("sha256sum /etc/shadow").succeeds();
    machine.run_as("potados", &format!("ln {} mine; ln /etc/flipside/apps.toml list", ours.switch()));
    ours.release("v2", &[]);
    ours.run("deploy").succeeds();
    ours.serves("B", "v2");
    tries(&machine, "test -e mine && echo 'include /etc/shadow;' >>mine");
    tries(&machine, "test -e list && echo '[mine]' >>list");
    machine.run("sha256sum /etc/shadow").prints(shadow.answer());
}
