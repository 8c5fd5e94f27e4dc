//! install on a machine that really boots: from nothing to a service, and back.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{Machine, Ran, SOON};

/// As somebody types it whom nobody can ask.
const WORDS: &str = "--force --user potados --name cafeteria --git /home/potados/cafeteria \
    --run 'exec /usr/local/bin/demo-app' --health /health --ports 20201,20202,20200 --domain cafeteria.test";

const HOME: &str = "/home/potados/.flipside";

/// A bare machine with flipside unpacked, its user, and an app in a repository, if one can be booted here.
pub fn bare() -> Option<Machine> {
    if !super::possible() {
        return None;
    }
    let machine = Machine::new();
    machine.user("potados");
    machine.unpack();
    machine.power_on();
    release(&machine, "v1");
    Some(machine)
}

pub fn release(machine: &Machine, name: &str) {
    let git = "git -c user.name=A -c user.email=a@example.com";
    machine
        .run_as(
            "potados",
            &format!(
                "git init -q cafeteria && cd cafeteria && echo VERSION={name} >switches && git add . && \
                 {git} commit -qm {name} && git tag {name}"
            ),
        )
        .succeeds();
}

#[track_caller]
pub fn install(machine: &Machine, words: &str) -> Ran {
    machine.run(&format!("/opt/flipside/bin/install {words}"))
}

#[track_caller]
pub fn served(machine: &Machine) -> String {
    machine.get(80, "/").unwrap().body
}

/// All that is not the system's own: what install makes must be gone after --uninstall.
fn traces(machine: &Machine) -> String {
    let find = "find /etc /usr/local/libexec /var/lib/flipside /var/lib/systemd/linger \
        -path '*flipside*' -o -path '*cafeteria*' -o -path '/var/lib/systemd/linger/*' 2>/dev/null; true";
    machine.run(find).stdout().to_owned()
}

#[test]
fn a_bare_machine_serves_after_install_and_after_a_reboot_and_a_second_run_changes_nothing() {
    let Some(machine) = bare() else { return };
    machine.run("systemctl disable --quiet --now nginx").succeeds();
    install(&machine, WORDS).succeeds().shows("cafeteria is up: A (v1");
    assert!(served(&machine).contains("v1"), "{}", served(&machine));

    machine
        .run_as("potados", "bash -lc 'type -p deploy install'")
        .prints(&format!("{HOME}/bin/deploy\n/usr/bin/install"));
    machine
        .run_as("potados", "bash -lc 'man -w deploy install'")
        .shows("/home/potados/.flipside/share/man/man1/deploy.1")
        .shows("/usr/share/man/man1/install.1")
        .succeeds();
    install(&machine, WORDS).succeeds().prints_nothing().says("everything is there; nothing was changed");
    install(&machine, "--force --user potados").succeeds().says("everything is there; nothing was changed");
    machine.run_as("potados", "/opt/flipside/bin/install").succeeds().says("everything is there");

    release(&machine, "v2");
    machine.run_as("potados", &format!("{HOME}/bin/deploy")).succeeds().shows("B (v2");
    machine.reboot();
    machine.eventually(SOON, "the service is back", "curl -fsS http://127.0.0.1/ | grep v2");
    machine.run("systemctl is-system-running").prints("running");
    machine.run("systemctl is-active flipside-cafeteria").prints("active");
}

#[test]
fn all_that_sudo_allows_is_to_point_nginx_at_one_of_the_two() {
    let Some(machine) = bare() else { return };
    install(&machine, WORDS).succeeds();
    let allowed = machine.run_as("potados", "sudo -n -l").succeeds();
    let commands: Vec<_> =
        allowed.stdout().lines().filter(|line| line.contains("NOPASSWD")).map(str::trim).collect();
    let set_switch = "(root) NOPASSWD: /usr/local/libexec/flipside/set-switch cafeteria";
    let expected = ["A", "B", "nobody", "--test"].map(|target| format!("{set_switch} {target}"));
    assert_eq!(commands, expected, "{allowed}");
    for refused in ["nginx -t", "nginx -s reload", "/usr/local/libexec/flipside/set-switch other A", "sh"] {
        assert_ne!(machine.run_as("potados", &format!("sudo -n {refused}")).status(), 0, "{refused}");
    }
    let own = "/usr/local/libexec/flipside/set-switch /etc/flipside/apps.toml /etc/nginx/flipside/cafeteria.conf \
        /etc/sudoers.d/flipside-cafeteria /etc/systemd/system/flipside-cafeteria.service";
    machine.run(&format!("stat -c '%U %a' {own}")).prints("root 755\nroot 644\nroot 644\nroot 440\nroot 644");
    machine
        .run_as("potados", &format!("for file in {own}; do ! echo x 2>/dev/null >$file || echo $file; done"))
        .prints_nothing();
}

#[test]
fn a_site_that_certbot_or_the_operator_has_edited_is_kept_and_the_difference_shown() {
    let Some(machine) = bare() else { return };
    install(&machine, WORDS).succeeds();
    let site = "/etc/nginx/sites-available/cafeteria.conf";
    let edited =
        machine.read(site).replace("    listen 80;\n", "    listen 80;\n    listen 8080; # by hand\n");
    machine.write(site, &edited);
    let kept = install(&machine, WORDS).succeeds();
    assert!(
        kept.stderr().contains("stays as it is") && kept.stderr().contains("listen 8080; # by hand"),
        "{kept}"
    );
    assert_eq!(machine.read(site), edited);

    // What is as it was written follows the flags.
    machine.write(site, &machine.read("/var/lib/flipside/cafeteria/site.conf"));
    install(&machine, "--force --user potados --domain 'cafeteria.test www.cafeteria.test'")
        .succeeds()
        .says("changed ");
    assert!(machine.read(site).contains("server_name cafeteria.test www.cafeteria.test;"));

    machine.write(site, &edited);
    install(&machine, "--force --user potados --uninstall").succeeds();
    assert_eq!(machine.read(&format!("{site}.kept")), edited);
}

#[test]
fn the_commands_are_updated_while_a_deployment_runs() {
    let Some(machine) = bare() else { return };
    install(&machine, WORDS).succeeds();
    release(&machine, "v2");
    machine
        .run_as("potados", &format!("sed -i '/^\\[run\\]/a stop_timeout = \"5s\"' {HOME}/flipside.toml"))
        .succeeds();
    // A new version: another file of the same use.
    machine.run("for it in /opt/flipside/bin/*; do printf 'new' >>$it; done").succeeds();
    let mut deployment = machine.start_as("potados", &format!("{HOME}/bin/deploy"));
    deployment.until_it_says("start-instance");
    install(&machine, "--force --user potados").succeeds().says("changed ").says("set-switch");
    deployment.wait().succeeds().shows("B (v2");
    machine.run(&format!("cmp /opt/flipside/bin/deploy {HOME}/bin/deploy")).succeeds();
    machine.run("cmp /opt/flipside/bin/set-switch /usr/local/libexec/flipside/set-switch").succeeds();
    assert!(served(&machine).contains("v2"));
}

#[test]
fn with_a_certificate_the_site_is_served_over_tls_and_port_80_leads_there() {
    let Some(machine) = bare() else { return };
    machine
        .run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=cafeteria.test \
             -addext subjectAltName=DNS:cafeteria.test -keyout /etc/ssl/key.pem -out /etc/ssl/chain.pem 2>&1",
        )
        .succeeds();
    let tls = format!("{WORDS} --certificate /etc/ssl/chain.pem --certificate-key /etc/ssl/key.pem");
    install(&machine, &tls).succeeds();
    let curl = "curl -sS --cacert /etc/ssl/chain.pem --resolve cafeteria.test:443:127.0.0.1 --resolve cafeteria.test:80:127.0.0.1";
    let answer = machine.run(&format!("{curl} -i https://cafeteria.test/")).succeeds();
    answer.shows("HTTP/2 200").shows("strict-transport-security: max-age=31536000").shows("v1");
    machine
        .run(&format!("{curl} -i http://cafeteria.test/menu?day=1"))
        .shows("301")
        .shows("ocation: https://cafeteria.test/menu?day=1");
    assert_ne!(
        machine.run(&format!("{curl} --tls-max 1.1 https://cafeteria.test/")).status(),
        0,
        "an old protocol"
    );
    install(&machine, &tls).succeeds().says("everything is there");
}

#[test]
fn a_site_that_nginx_refuses_is_taken_back_and_no_other_site_suffers() {
    let Some(machine) = bare() else { return };
    machine.write(
        "/etc/nginx/sites-enabled/other.conf",
        "server { listen 81 default_server; return 200 other; }\n",
    );
    machine.run("nginx -s reload").succeeds();
    let tls = format!("{WORDS} --certificate /etc/ssl/none.pem --certificate-key /etc/ssl/none.key");
    let refused = install(&machine, &tls)
        .exits_with(1)
        .says("/etc/nginx/sites-available/cafeteria.conf")
        .says("run install again");
    assert!(refused.stderr().contains("none.pem"), "nginx's own words: {refused}");
    assert!(!machine.exists("/etc/nginx/sites-enabled/cafeteria.conf"), "it is taken back");
    machine.run("nginx -t -q").succeeds();
    assert_eq!(machine.get(81, "/").unwrap().body, "other");

    // What somebody else has broken is told, and stays theirs to mend.
    machine.run("rm -r /var/lib/flipside/cafeteria").succeeds();
    machine.write("/etc/nginx/sites-enabled/other.conf", "server { listen 81; oops; }\n");
    install(&machine, WORDS).exits_with(1).says("unknown directive");
    machine.write("/etc/nginx/sites-enabled/other.conf", "");
    install(&machine, WORDS).succeeds();
    assert!(served(&machine).contains("v1"));
}

#[test]
fn where_nginx_has_no_folder_of_enabled_sites_the_site_is_in_conf_d() {
    let Some(machine) = bare() else { return };
    machine.run("rm -r /etc/nginx/sites-available /etc/nginx/sites-enabled && nginx -t -q").succeeds();
    install(&machine, WORDS).succeeds();
    assert!(
        machine.exists("/etc/nginx/conf.d/cafeteria.conf") && !machine.exists("/etc/nginx/sites-available")
    );
    assert!(served(&machine).contains("v1"));
    install(&machine, WORDS).succeeds().says("everything is there");
    install(&machine, "--force --user potados --uninstall").succeeds();
    assert!(!machine.exists("/etc/nginx/conf.d/cafeteria.conf"));
}

#[test]
fn two_apps_of_two_users_share_nginx_and_one_goes_without_the_other() {
    let Some(machine) = bare() else { return };
    machine.run("useradd --create-home --shell /bin/bash mallory && cp -r ~potados/cafeteria ~mallory && chown -R mallory: ~mallory").succeeds();
    install(&machine, WORDS).succeeds();
    let other = WORDS
        .replace("potados", "mallory")
        .replace("--name cafeteria", "--name hello")
        .replace("20201,20202,20200", "20301,20302,20300")
        .replace("cafeteria.test", "hello.test");
    install(&machine, &other).succeeds().shows("hello is up");
    for host in ["cafeteria.test", "hello.test"] {
        machine.run(&format!("curl -fsS -H 'Host: {host}' http://127.0.0.1/")).shows("v1");
    }
    machine
        .run_as("mallory", "sudo -n /usr/local/libexec/flipside/set-switch cafeteria nobody; test $? != 0")
        .succeeds();

    install(&machine, "--force --user potados --uninstall").succeeds();
    machine.run("curl -fsS -H 'Host: hello.test' http://127.0.0.1/").shows("v1");
    machine
        .run_as("mallory", "cd cafeteria && git tag v2 && /home/mallory/.flipside/bin/deploy v2")
        .succeeds();
    install(&machine, "--force --user mallory --uninstall").succeeds();
    assert!(!machine.exists("/usr/local/libexec/flipside") && !machine.exists("/etc/flipside"));
}

#[test]
fn an_app_for_every_name_takes_the_place_of_the_page_of_welcome() {
    let Some(machine) = bare() else { return };
    let welcome = "/etc/nginx/sites-available/default";
    machine.write(welcome, "server { listen 80 default_server; server_name _; return 200 welcome; }\n");
    machine.run(&format!("ln -s {welcome} /etc/nginx/sites-enabled/default && nginx -s reload")).succeeds();
    install(&machine, WORDS).succeeds(); // beside it, for a name of its own
    machine.run("curl -sS -H 'Host: cafeteria.test' http://127.0.0.1/").shows("v1");
    machine.run("curl -sS http://127.0.0.1/").shows("welcome");

    install(&machine, "--force --user potados --domain _").succeeds();
    machine.eventually(SOON, "it answers to every name", "curl -fsS http://127.0.0.1/ | grep v1");
    install(&machine, "--force --user potados").succeeds().says("everything is there");
    install(&machine, "--force --user potados --uninstall").succeeds();
    machine.eventually(SOON, "the page of welcome is back", "curl -fsS http://127.0.0.1/ | grep welcome");
}

#[test]
fn a_configuration_written_before_is_completed_and_one_with_its_own_switch_is_left_alone() {
    let Some(machine) = bare() else { return };
    let config = "# by hand\nname = \"cafeteria\"\n[instance.A]\nport = 20201\n[instance.B]\nport = 20202\n\
        [source]\ngit = \"/home/potados/cafeteria\"\n[run]\ncommand = \"exec /usr/local/bin/demo-app\"\n\
        [health]\npath = \"/health\"\n[nginx]\ncheck = \"http://127.0.0.1:20200\" # mine\n";
    let write = |text: &str| {
        machine.write(&format!("{HOME}/flipside.toml"), text);
        machine.run(&format!("chown -R potados: {HOME}")).succeeds();
    };
    write(config);
    install(&machine, "--force --user potados").exits_with(3).says("say it by --domain");
    install(&machine, "--force --user potados --domain cafeteria.test")
        .succeeds()
        .says("changed /home/potados/.flipside/flipside.toml");
    let completed = machine.read(&format!("{HOME}/flipside.toml"));
    assert!(
        completed.starts_with("# by hand\n")
            && completed.contains("20200\" # mine\n")
            && completed.contains("set_switch"),
        "{completed}"
    );
    assert!(served(&machine).contains("v1"));
    install(&machine, "--force --user potados --uninstall --purge").succeeds();

    let own = format!("{config}test = [\"true\"]\nreload = [\"true\"]\n");
    write(&own);
    install(&machine, "--force --no-deploy --user potados").succeeds();
    assert_eq!(machine.read(&format!("{HOME}/flipside.toml")), own);
    for path in [
        "/etc/nginx/flipside",
        "/etc/sudoers.d/flipside-cafeteria",
        "/etc/nginx/sites-available/cafeteria.conf",
    ] {
        assert!(!machine.exists(path), "{path}");
    }
    assert!(machine.exists("/etc/systemd/system/flipside-cafeteria.service"));
}

#[test]
fn a_deployment_that_fails_leaves_an_installation_that_the_next_deployment_uses() {
    let Some(machine) = bare() else { return };
    machine.run_as("potados", "cd cafeteria && git tag -d v1").succeeds();
    install(&machine, WORDS).exits_with(1).says("deploy: stopped at update-instance");
    machine.reboot();
    machine.run("systemctl is-system-running").prints("running");
    release(&machine, "v3");
    install(&machine, WORDS).succeeds().shows("cafeteria is up: A (v3");
}

#[test]
fn the_logs_are_rotated_with_the_users_rights_and_the_app_goes_on_writing() {
    let Some(machine) = bare() else { return };
    install(&machine, WORDS).succeeds();
    let rotate = "logrotate --force --state /tmp/state /etc/logrotate.d/flipside-cafeteria";
    machine.run(rotate).succeeds();
    machine.run(&format!("stat -c %U:%a {HOME}/logs/A.log.1")).prints("potados:600");
    machine.run(&format!("test ! -s {HOME}/logs/A.log")).succeeds();
    // A symlink in its place leads root nowhere.
    machine
        .run_as("potados", &format!("cd {HOME}/logs && rm -f B.log && ln -s /etc/passwd B.log"))
        .succeeds();
    machine.run(&format!("{rotate}; true"));
    machine.run("test -s /etc/passwd && stat -c %U:%a /etc/passwd").prints("root:644");
}

#[test]
fn packages_come_from_apt_and_one_that_does_not_exist_is_named() {
    let Some(machine) = bare() else { return };
    install(&machine, &format!("{WORDS} --packages no-such-package"))
        .exits_with(1)
        .says("apt-get install no-such-package")
        .says("/var/lib/flipside/cafeteria/install.toml; mend the cause");
    // A repository of one package, on the machine itself.
    machine.run(
        "cd /opt && mkdir -p hello/DEBIAN hello/usr/share/hello repo && \
         printf 'Package: flipside-hello\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: x\n' >hello/DEBIAN/control && \
         dpkg-deb --root-owner-group --build hello repo/hello.deb && cd repo && \
         { dpkg-deb -f hello.deb; printf 'Filename: ./hello.deb\nSize: %s\nSHA256: %s\n' $(stat -c %s hello.deb) $(sha256sum hello.deb | cut -d ' ' -f 1); } >Packages && \
         rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/* && \
         echo 'deb [trusted=yes] file:/opt/repo ./' >/etc/apt/sources.list",
    ).succeeds();
    install(&machine, &format!("{WORDS} --packages flipside-hello"))
        .succeeds()
        .says("ran apt-get install flipside-hello");
    machine.run("dpkg-query --show --showformat='${db:Status-Status}' flipside-hello").shows("installed");
    install(&machine, &format!("{WORDS} --packages flipside-hello")).succeeds().says("everything is there");
}

#[test]
fn the_tarball_and_the_debian_package_install_what_serves() {
    let Some(machine) = bare() else { return };
    let package = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/share/package"))
        .arg("--bin-dir")
        .arg(Path::new(env!("CARGO_BIN_EXE_deploy")).parent().unwrap())
        .arg("--out")
        .arg(machine.path("/opt/package"))
        .output()
        .unwrap();
    assert!(package.status.success(), "{}", String::from_utf8_lossy(&package.stderr));
    assert_eq!(String::from_utf8_lossy(&package.stdout).lines().count(), 2, "a tarball and a package");
    let files = |folder: &str| format!("stat -c %i {folder}/* | sort -u | wc -l");

    // Where nobody but root can look.
    machine
        .run("mkdir -m 700 /root/here && cd /root/here && tar -xzf /opt/package/flipside-*.tar.gz")
        .succeeds();
    machine
        .run(&format!("/root/here/flipside-*/bin/install {WORDS}"))
        .succeeds()
        .shows("cafeteria is up: A (v1");
    machine.run_as("potados", "bash -lc 'man -w deploy'").shows("/.flipside/share/man/man1/deploy.1");
    machine.run(&files("/root/here/flipside-*/bin")).prints("2"); // root's command is by itself
    machine.run(&files(&format!("{HOME}/bin"))).prints("1");

    machine.run("dpkg -i /opt/package/flipside_*.deb 2>&1").succeeds();
    machine.run("flipside-install --force --user potados").succeeds().says("everything is there");
    machine.run("man -w flipside-install flipside.toml set-switch 7 flipside").succeeds();
    machine.run(&files("/usr/lib/flipside/bin")).prints("2");
    machine
        .run("command -v install; man -w install")
        .shows("/bin/install")
        .shows("/man1/install.1")
        .shows_no("flipside");
    machine.run("flipside-install --force --user potados --uninstall && dpkg -r flipside 2>&1").succeeds();
    machine.run("ls /usr/lib/flipside 2>&1; true").shows("No such file");
}

#[test]
fn an_uninstalled_machine_is_as_before_but_for_what_the_app_has_made() {
    let Some(machine) = bare() else { return };
    let before = traces(&machine);
    install(&machine, WORDS).succeeds();
    machine.run_as("potados", &format!("echo TOKEN=x >>{HOME}/env")).succeeds();

    let uninstall = "--user potados --uninstall";
    install(&machine, uninstall).exits_with(3).says("stop the service and remove it, use --force");
    assert!(served(&machine).contains("v1"), "nothing was done");
    install(&machine, &format!("{uninstall} --dry-run"))
        .succeeds()
        .shows("remove  /etc/sudoers.d/flipside-cafeteria")
        .shows("keep    /home/potados/.flipside ")
        .shows("change  /home/potados/.profile")
        .shows("run     loginctl disable-linger potados")
        .shows("run     stop-instance A");
    install(&machine, &format!("{uninstall} --force")).succeeds();
    assert_eq!(traces(&machine), before);
    assert!(machine.processes("demo-app").is_empty(), "it is stopped");
    machine.run("nginx -t -q && systemctl is-active nginx").prints("active");
    machine
        .run(&format!(
            "cd {HOME} && ls -d bin share run/lock releases/v1* env logs flipside.toml 2>/dev/null; true"
        ))
        .shows("releases/v1")
        .shows("env")
        .shows("logs")
        .shows_no("bin")
        .shows_no("share");
    machine.run("cat /home/potados/.profile").shows_no("flipside");

    install(&machine, WORDS).succeeds().shows("cafeteria is up");
    assert!(machine.read(&format!("{HOME}/env")).contains("TOKEN=x"));
    install(&machine, &format!("{uninstall} --purge --force")).succeeds();
    assert!(!machine.exists(HOME));
    assert_eq!(traces(&machine), before);
}

#[test]
fn killed_at_any_moment_install_is_finished_by_the_next_run() {
    let Some(machine) = bare() else { return };
    let before = traces(&machine);
    for milliseconds in (20..1200).step_by(140) {
        let seconds = Duration::from_millis(milliseconds).as_secs_f64();
        machine
            .run(&format!("timeout -s KILL {seconds} /opt/flipside/bin/install {WORDS} --no-deploy; true"));
        machine.run("nginx -t -q && visudo -c -q").succeeds();
    }
    install(&machine, WORDS).succeeds();
    assert!(served(&machine).contains("v1"));
    install(&machine, WORDS).succeeds().says("everything is there");

    let uninstall = "--force --user potados --uninstall --purge";
    for milliseconds in (20..900).step_by(140) {
        let seconds = Duration::from_millis(milliseconds).as_secs_f64();
        machine.run(&format!("timeout -s KILL {seconds} /opt/flipside/bin/install {uninstall}; true"));
        machine.run("nginx -t -q && visudo -c -q").succeeds();
    }
    if machine.exists(HOME) {
        install(&machine, uninstall).succeeds();
    }
    assert!(!machine.exists(HOME));
    assert_eq!(traces(&machine), before);
}

#[test]
fn root_is_asked_on_a_terminal_and_the_deployment_is_shown() {
    let Some(machine) = bare() else { return };
    let answers = "potados\n/home/potados/cafeteria\n\n\n\n\nexec /usr/local/bin/demo-app\n/health\n\ncafeteria.test\ny\n";
    let typed =
        format!("printf '{answers}' | script --quiet --return --command /opt/flipside/bin/install /dev/null");
    let shown = machine.run(&typed).succeeds();
    for text in [
        "The app's name [cafeteria]: ",
        "[20201,20202,20200]",
        "Shall I set it up? [y/N]",
        "connect-to-nginx A",
        "cafeteria is up",
    ] {
        assert!(shown.stdout().contains(text), "{text}: {shown}");
    }
    assert!(served(&machine).contains("v1"));
    let typed = "printf 'potados\nn\n' | script --quiet --return --command '/opt/flipside/bin/install --uninstall' /dev/null";
    machine
        .run(typed)
        .exits_with(3)
        .shows("Shall I stop the service and remove it?")
        .shows("nothing was done");
    assert!(served(&machine).contains("v1"));
}

#[test]
fn a_user_who_plants_symlinks_and_takes_anothers_name_gains_nothing() {
    let Some(machine) = bare() else { return };
    machine.run("useradd --create-home mallory").succeeds();
    install(&machine, WORDS).succeeds();
    let before =
        machine.run("find /etc /root /usr/local -type f -exec sha256sum {} + | sort").stdout().to_owned();

    // Root installs for mallory, who has been there before.
    let plant = |links: &str| {
        machine.run_as("mallory", &format!("rm -rf .flipside .profile; mkdir -m 700 .flipside; {links}"))
    };
    let words = "--force --no-deploy --user mallory --name hello --git /srv/x --run x --domain hello.test --ports 20301,20302,20300";
    for links in [
        "ln -s /etc .flipside/bin",
        "ln -s /root .flipside/share",
        "rmdir .flipside; ln -s /etc/flipside .flipside",
        "mkdir .flipside/bin; ln -s /etc/shadow .flipside/bin/deploy; ln -s /etc/shadow .flipside/env; chmod 500 .flipside/bin",
        "ln -s /etc/sudoers .profile",
        "ln -s /etc/shadow .flipside/flipside.toml",
        "mkfifo .flipside/flipside.toml.x; ln -s /proc/1/environ .flipside/flipside.toml",
    ] {
        plant(links).succeeds();
        let tried = install(&machine, words);
        assert!(tried.status() == 1 || tried.status() == 2, "{links}: {tried}");
        assert!(!tried.stderr().contains("root:"), "nothing of the file is told: {tried}");
        install(&machine, "--force --user mallory --name hello --uninstall --domain hello.test");
        machine.run("rm -rf /var/lib/flipside/hello").succeeds();
    }
    for stolen in [
        words.replace("--name hello", "--name cafeteria"),
        words.replace("20301,20302,20300", "20201,20302,20300"),
        words.replace("20301,20302,20300", "20301,20202,20300"),
        words.replace("20301,20302,20300", "20301,20302,20200"),
        words.replace("20301,20302,20300", "20200,20302,20300"),
    ] {
        plant("true").succeeds();
        install(&machine, &stolen).exits_with(2).says("already");
    }
    let after =
        machine.run("find /etc /root /usr/local -type f -exec sha256sum {} + | sort").stdout().to_owned();
    assert_eq!(after, before);
    assert!(served(&machine).contains("v1"), "the other site is as it was");
}

#[test]
fn root_runs_no_copy_that_the_apps_user_could_have_changed() {
    let Some(machine) = bare() else { return };
    machine.run("cp -r /opt/flipside /home/potados/roots && cp -r /opt/flipside /home/potados/mine && chown -R potados: /home/potados/mine").succeeds();
    for folder in ["/home/potados/mine", "/home/potados/roots"] {
        machine
            .run(&format!("{folder}/bin/install {WORDS}"))
            .exits_with(3)
            .says("could change what root runs");
    }
    machine.run("cp -r /opt/flipside /opt/all && chmod 777 /opt/all").succeeds();
    machine.run(&format!("/opt/all/bin/install {WORDS}")).exits_with(3).says("could change what root runs");
    assert!(!machine.exists(HOME));
}

#[test]
fn without_systemd_the_boot_is_crons() {
    let Some(machine) = bare() else { return };
    // What tells that systemd is process 1 is hidden from install alone.
    let hidden = format!(
        "unshare --mount sh -c 'mount -t tmpfs none /run/systemd && exec /opt/flipside/bin/install {} --no-deploy'",
        WORDS.replace('\'', "'\\''")
    );
    machine.run(&hidden).succeeds();
    machine
        .run("cat /etc/cron.d/flipside-cafeteria")
        .shows("@reboot")
        .shows("potados  /home/potados/.flipside/bin/bootup --quiet");
    assert!(!machine.exists("/etc/systemd/system/flipside-cafeteria.service"));
}
