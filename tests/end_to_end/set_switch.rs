//! set-switch: root's part of connect-to-nginx, by root itself with a list of the world's own; and `[nginx] set_switch`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use support::{
    Ran, Running, SOON, Signal, World, eventually, is_root, no_failed_request,
    only_resets_on_kept_connections, served_by,
};

use crate::world;

/// In passwd(5) of every system, and no user of any app.
const STRANGER: u32 = 65534;

/// A serves v1, B runs v2, and root's command writes the switch.
fn with_both_running() -> Option<World> {
    if !is_root() {
        return None;
    }
    Some(world().release("v1").release("v2").with_roots_switch().deployed("v1").with_standby("v2"))
}

/// The command with the world's own list.
fn command(world: &World, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_set-switch"));
    command.arg("--apps").arg(world.roots_list()).args(words).env_clear();
    command
}

fn set_switch(world: &World, words: &[&str]) -> Ran {
    Running::start(&format!("set-switch {}", words.join(" ")), command(world, words)).wait()
}

/// The same command, run by a shell after these words.
fn after(world: &World, prelude: &str, words: &[&str]) -> Ran {
    let mut shell = Command::new("sh");
    let set_switch = command(world, words);
    shell.args(["-c", &format!("{prelude} \"$@\""), "sh", env!("CARGO_BIN_EXE_set-switch")]);
    shell.args(set_switch.get_args());
    Running::start(&format!("set-switch {}", words.join(" ")), shell).wait()
}

/// Processes with this command line: what a killed set-switch has run has no mark of the world.
fn running(line: &str) -> Vec<i32> {
    let is_it = |pid: &i32| support::processes::command_line(*pid) == line;
    support::processes::all().into_iter().filter(is_it).collect()
}

fn may_lift_limits() -> bool {
    let lifts = Command::new("sh").args(["-c", "ulimit -t 9; ulimit -t 10"]).output();
    lifts.is_ok_and(|ran| ran.status.success())
}

fn switch(world: &World) -> String {
    fs::read_to_string(world.switch()).unwrap()
}

fn edit_list(world: &World, edit: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(world.roots_list()).unwrap();
    fs::write(world.roots_list(), edit(text)).unwrap();
}

/// Another command than nginx's own.
fn with_command(world: &World, key: &str, script: &str) {
    edit_list(world, |text| {
        let lines = text.lines().map(|line| match line.strip_prefix(&format!("{key} = ")) {
            Some(_) => format!("{key} = [\"/bin/sh\", \"-c\", '''{script}''']"),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    });
}

fn serves_b(world: &World) -> String {
    format!(
        "# Which instance of demo nginx serves. flipside writes this file; connect-to-nginx changes it.\nserver \
         127.0.0.1:{};\n",
        world.port("B")
    )
}

#[test]
fn connect_to_nginx_has_root_write_the_switch() {
    let Some(world) = with_both_running() else { return };
    world.run(["connect-to-nginx", "b"]).succeeds().prints_nothing().says_nothing();
    for _ in 0..50 {
        world.serves("B", "v2");
    }
    assert_eq!(switch(&world), serves_b(&world));
    assert_eq!(fs::metadata(world.switch()).unwrap().mode() & 0o777, 0o644);
    assert!(!world.exists("nginx/upstream.conf"));
    world.run(["connect-to-nginx"]).succeeds();
    world.serves("A", "v1");
    world.run(["status"]).exits_with(0);
}

#[test]
fn no_request_fails_while_releases_are_deployed_and_rolled_back() {
    let Some(world) = with_both_running() else { return };
    world
        .under_gentle_load(|world| {
            world.run(["deploy", "v2"]).succeeds();
            world.run(["rollback"]).succeeds();
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(9))
        .expect(served_by("B", "v2"));
}

#[test]
fn without_a_check_server_the_workers_that_root_saw_are_watched() {
    let Some(world) = with_both_running() else { return };
    let check = format!("check = \"http://127.0.0.1:{}\"\n", world.check_port());
    world.write_config(world.config_text().replace(&check, ""));
    world
        .under_gentle_load(|world| {
            world.run(["connect-to-nginx", "b"]).succeeds().says_once("no check server is configured");
            world.run(["drain-instance", "a"]).succeeds();
            support::processes::end(|| world.processes_of("A"));
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
}

#[test]
fn a_dry_run_tells_roots_command() {
    let Some(world) = with_both_running() else { return };
    let plan = world.run(["connect-to-nginx", "b", "--dry-run"]).succeeds();
    let list = world.roots_list();
    plan.shows(&format!("set-switch --apps {} demo B\n", list.display())).shows("prove by the check server");
    world.serves("A", "v1");
}

#[test]
fn it_is_told_what_was_wrong_and_nothing_has_changed() {
    let Some(world) = with_both_running() else { return };
    let before = switch(&world);
    let as_before = |status| {
        world.run(["connect-to-nginx", "b"]).fails_with(status).prints_nothing();
        assert_eq!(switch(&world), before);
        world.serves("A", "v1");
    };
    world.break_nginx_configuration();
    world
        .run(["connect-to-nginx", "b"])
        .fails_with(1)
        .says("nginx's configuration is broken, and not by flipside; nothing was touched")
        .says("unknown directive \"bogus_directive\"");
    set_switch(&world, &["demo", "B"]).fails_with(1).says("nothing was touched").says("bogus_directive");
    set_switch(&world, &["demo", "--test"]).fails_with(1).says("bogus_directive");
    as_before(1);
    world.run(["deploy", "v2"]).fails_with(1).says("bogus_directive");
    world.mend_nginx_configuration();

    let refuse =
        format!("grep -q {} {} || {{ echo no B today; exit 1; }}", world.port("A"), world.switch().display());
    with_command(&world, "test", &refuse);
    world
        .run(["connect-to-nginx", "b"])
        .fails_with(1)
        .says("does not accept the switch to B; it was put back");
    set_switch(&world, &["demo", "B"]).fails_with(3).says_once("  | no B today");
    as_before(1);

    with_command(&world, "test", "true");
    with_command(&world, "reload", "echo not today; exit 1");
    world.run(["connect-to-nginx", "b"]).fails_with(1).says("  | not today").says("the switch was put back");
    set_switch(&world, &["demo", "B"]).fails_with(5).says_once("  | not today");
    as_before(1);

    with_command(&world, "reload", "true");
    world.change("nginx.apply_timeout", "\"1s\"");
    let ran = world.run(["connect-to-nginx", "b"]).says("did not serve B within");
    assert_eq!(ran.status(), 5, "{ran}");
    assert_eq!(switch(&world), before);
    world.serves("A", "v1");
}

#[test]
fn twice_in_a_row_it_writes_once() {
    let Some(world) = with_both_running() else { return };
    set_switch(&world, &["demo", "B"]).succeeds().says_nothing();
    let first = fs::metadata(world.switch()).unwrap().ino();
    set_switch(&world, &["demo", "B"]).succeeds();
    assert_eq!(fs::metadata(world.switch()).unwrap().ino(), first);
    eventually(SOON, "B serves", || world.get("/").header("x-instance") == Some("B"));
    set_switch(&world, &["demo", "nobody"]).succeeds();
    eventually(SOON, "nobody serves", || world.get("/").status == 502);
    world.run(["enabled-instance"]).exits_with(1).prints_nothing();
    set_switch(&world, &["demo", "--test"]).succeeds().prints_nothing().says_nothing();
}

#[test]
fn it_prints_the_workers_that_do_not_know_the_switch() {
    let Some(world) = with_both_running() else { return };
    let before = world.workers();
    let ran = set_switch(&world, &["demo", "B"]).succeeds();
    let told: Vec<i32> =
        ran.stdout().lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(before.iter().all(|worker| told.contains(worker)), "{before:?}: {ran}");
}

#[test]
fn its_words_are_exact() {
    let Some(world) = with_both_running() else { return };
    let before = switch(&world);
    for words in [
        &["demo"] as &[&str],
        &["demo", "a"],
        &["demo", "instance-a"],
        &["demo", ""],
        &["demo", "A "],
        &["demo", "C"],
        &["demo", "A", "B"],
        &["demo", "A", "--test"],
        &["demo", "--tes"],
        &["demo; id", "A"],
        &["../demo", "A"],
        &["--", "demo", "--test"],
        &["", "A"],
        &["canteen", "A"],
    ] {
        let ran = set_switch(&world, words).prints_nothing();
        assert_eq!(ran.status(), 2, "{ran}");
    }
    assert_eq!(switch(&world), before);
}

#[test]
fn nobody_but_root_may() {
    let Some(world) = with_both_running() else { return };
    let mut by_another = command(&world, &["demo", "B"]);
    by_another.uid(STRANGER);
    Running::start("set-switch", by_another).wait().fails_with(2).says("call it with sudo");
    // What sudo says of its caller counts, and a list is for root itself.
    for (name, value) in [("SUDO_UID", "65534"), ("SUDO_UID", "0"), ("SUDO_UID", "-1"), ("DOAS_USER", "root")]
    {
        let mut by_sudo = command(&world, &["demo", "B"]);
        by_sudo.env(name, value);
        Running::start("set-switch", by_sudo).wait().fails_with(2).prints_nothing();
    }
    world.serves("A", "v1");
}

#[test]
fn a_list_that_others_could_have_written_is_not_believed() {
    let Some(world) = with_both_running() else { return };
    let list = world.roots_list();
    let folder = list.parent().unwrap();
    let refuses = |why: &str| {
        set_switch(&world, &["demo", "B"]).fails_with(2).prints_nothing().says(why);
        world.serves("A", "v1");
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();

    mode(&list, 0o664);
    refuses("can be changed by others; run chmod go-w");
    mode(&list, 0o644);
    chown(&list, Some(STRANGER), None).unwrap();
    refuses("does not belong to root");
    chown(&list, Some(0), None).unwrap();
    mode(folder, 0o777);
    refuses("can be changed by others");
    mode(folder, 0o1777);
    refuses("can be changed by others");
    mode(folder, 0o755);
    chown(folder, Some(STRANGER), None).unwrap();
    refuses("does not belong to root");
    chown(folder, Some(0), None).unwrap();

    let real = folder.join("real.toml");
    fs::rename(&list, &real).unwrap();
    symlink(&real, &list).unwrap();
    let ran = set_switch(&world, &["demo", "B"]).says("cannot open").prints_nothing();
    assert_ne!(ran.status(), 0, "{ran}");
    fs::remove_file(&list).unwrap();
    let status = Command::new("mkfifo").arg(&list).status().unwrap();
    assert!(status.success());
    refuses("is no plain file");
    fs::remove_file(&list).unwrap();
    fs::rename(&real, &list).unwrap();
    set_switch(&world, &["demo", "B"]).succeeds();
}

#[test]
fn a_list_that_is_missing_or_named_by_half_is_told() {
    let Some(world) = with_both_running() else { return };
    for (list, why) in
        [("/nowhere/apps.toml", "there is no list"), ("roots/apps.toml", "must be an absolute path")]
    {
        let mut with_list = Command::new(env!("CARGO_BIN_EXE_set-switch"));
        with_list.args(["--apps", list, "demo", "B"]).current_dir(world.folder());
        Running::start("set-switch", with_list).wait().fails_with(2).says(why);
    }
}

#[test]
fn a_list_with_a_mistake_is_not_believed() {
    let Some(world) = with_both_running() else { return };
    let good = fs::read_to_string(world.roots_list()).unwrap();
    for (edited, why) in [
        (good.replace("user = ", "usr = "), "[demo] has no key `usr`"),
        (good.replace("127.0.0.1:", "10.0.0.1:"), "is not an address of an instance"),
        (good.replace("[demo]", "[\"../demo\"]"), "`../demo` cannot be an app's name"),
        (good.replace("demo.conf", "../demo.conf"), "must be an absolute path without `..`"),
        (format!("{good}\n[demo]\n"), "`demo` is there twice"),
    ] {
        edit_list(&world, |_| edited);
        set_switch(&world, &["demo", "B"]).fails_with(2).prints_nothing().says(why);
    }
    world.serves("A", "v1");
}

#[test]
fn a_switch_that_leads_elsewhere_is_not_followed() {
    let Some(world) = with_both_running() else { return };
    let target = world.folder().join("roots/precious");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(world.switch()).unwrap();
    symlink(&target, world.switch()).unwrap();
    set_switch(&world, &["demo", "B"]).fails_with(2).says("is no plain file");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");

    // A name that was left for the new one is removed, and what it names is not written.
    fs::remove_file(world.switch()).unwrap();
    symlink(&target, world.folder().join("roots/.demo.conf.new")).unwrap();
    set_switch(&world, &["demo", "B"]).succeeds();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(switch(&world), serves_b(&world));

    // Neither is a folder, or a folder on the way.
    let roots = world.folder().join("roots");
    let moved = world.folder().join("moved");
    fs::create_dir(&moved).unwrap();
    symlink(&moved, roots.join("link")).unwrap();
    edit_list(&world, |text| text.replace("roots/demo.conf", "roots/link/demo.conf"));
    set_switch(&world, &["demo", "B"]).fails_with(2).says("is no folder, or a symlink");
    assert_eq!(fs::read_dir(&moved).unwrap().count(), 0);
}

#[test]
fn a_lock_that_leads_elsewhere_is_not_followed() {
    let Some(world) = with_both_running() else { return };
    let target = world.folder().join("roots/precious");
    fs::write(&target, "precious").unwrap();
    let lock = world.folder().join("roots/nginx.lock");
    fs::remove_file(&lock).unwrap();
    symlink(&target, &lock).unwrap();
    let ran = set_switch(&world, &["demo", "B"]).says("cannot open");
    assert_ne!(ran.status(), 0, "{ran}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    fs::remove_file(&lock).unwrap();
    set_switch(&world, &["demo", "B"]).succeeds();
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600, "who can open it can hold it");
}

#[test]
fn the_callers_environment_counts_nothing() {
    let Some(world) = with_both_running() else { return };
    let folder = world.folder().join("tools");
    fs::create_dir(&folder).unwrap();
    let seen = world.folder().join("seen");
    let fake = format!("#!/bin/sh\necho nginx >>{}\nexit 1\n", seen.display());
    for tool in ["nginx", "sh"] {
        fs::write(folder.join(tool), &fake).unwrap();
        fs::set_permissions(folder.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut with_path = command(&world, &["demo", "B"]);
    with_path.env("PATH", &folder).env("NGINX", "3;4;").env("NGINX_CONF", "/etc/shadow").env("ENV", &folder);
    Running::start("set-switch", with_path).wait().succeeds();
    assert!(!seen.exists(), "a program of the caller's PATH was run by root");

    with_command(&world, "test", &format!("env >{}", seen.display()));
    let mut with_more = command(&world, &["demo", "B"]);
    with_more.env("LD_LIBRARY_PATH", "/tmp").env("NGINX", "3;").env("BASH_ENV", "/tmp/x").env("SECRET", "s");
    Running::start("set-switch", with_more).wait().succeeds();
    let environment = fs::read_to_string(&seen).unwrap();
    let known = |line: &&str| {
        line.starts_with("PATH=/usr/sbin:")
            || line.starts_with("PWD=/")
            || line.starts_with("_=")
            || line.starts_with("SHLVL=")
            || line.starts_with("OLDPWD")
    };
    let unknown: Vec<_> = environment.lines().filter(|line| !known(line)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_callers_limits_umask_folder_and_descriptors_count_nothing() {
    let Some(world) = with_both_running() else { return };
    let gone = world.folder().join("gone");
    for (number, prelude) in [
        "ulimit -f 0; exec",
        "ulimit -n 8; exec",
        "ulimit -t 1; exec",
        "umask 0777; exec",
        "umask 0000; exec",
        &format!("mkdir {0}; cd {0}; rmdir {0}; exec", gone.display()),
        "exec 0<&- 1>&- 2>&-; exec",
        "exec 1>/dev/full 2>/dev/full; exec",
        "trap '' CHLD HUP INT TERM PIPE TSTP XFSZ; exec",
        "exec nice -n 19",
    ]
    .into_iter()
    .enumerate()
    {
        let (target, other) = if number % 2 == 0 { ("B", "A") } else { ("A", "B") };
        let before = switch(&world);
        let ran = after(&world, prelude, &["demo", target]);
        if prelude.starts_with("ulimit") && !may_lift_limits() {
            // As in a container that has not all of root's rights.
            assert!(ran.status() == 0 || switch(&world) == before, "{prelude}: {ran}");
            set_switch(&world, &["demo", target]).succeeds();
            continue;
        }
        assert_eq!(ran.status(), 0, "{prelude}: {ran}");
        assert!(!switch(&world).contains(&world.port(other).to_string()), "{prelude}");
        assert_eq!(fs::metadata(world.switch()).unwrap().mode() & 0o777, 0o644, "{prelude}");
    }
}

#[test]
fn a_terminal_can_neither_stop_nor_end_it() {
    let Some(world) = with_both_running() else { return };
    let begun = world.folder().join("begun");
    with_command(&world, "test", &format!("touch {}; sleep 0.5", begun.display()));
    let setting = Running::start("set-switch", command(&world, &["demo", "B"]));
    eventually(SOON, "it tests", || begun.exists());
    for signal in
        [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGHUP, Signal::SIGTERM, Signal::SIGALRM]
    {
        setting.signal(signal);
    }
    setting.wait().succeeds();
    assert_eq!(switch(&world), serves_b(&world));
}

#[test]
fn killed_between_the_switch_and_the_reload_it_is_finished_by_the_next() {
    let Some(world) = with_both_running() else { return };
    let list = fs::read_to_string(world.roots_list()).unwrap();
    let sleep = format!("sleep 4321.{}", std::process::id());
    with_command(&world, "reload", &sleep);
    let setting = Running::start("set-switch", command(&world, &["demo", "B"]));
    eventually(SOON, "the switch is written", || switch(&world) == serves_b(&world));
    eventually(SOON, "nginx is being told", || !running(&sleep).is_empty());
    setting.signal(Signal::SIGKILL);
    setting.wait();
    support::processes::end(|| running(&sleep));
    edit_list(&world, |_| list);
    world.serves("A", "v1");
    assert_eq!(world.run(["status", "--json"]).json()["applied"], false);
    world
        .under_gentle_load(|world| {
            world.run(["deploy", "v2", "--force"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(9));
    world.run(["status"]).exits_with(0);
}

#[test]
fn one_at_a_time_and_none_waits_for_ever() {
    let Some(world) = with_both_running() else { return };
    let all: Vec<_> = (0..6)
        .map(|number| {
            let target = if number % 2 == 0 { "B" } else { "A" };
            Running::start("set-switch", command(&world, &["demo", target]))
        })
        .collect();
    for one in all {
        one.wait().succeeds();
    }
    set_switch(&world, &["demo", "B"]).succeeds();
    eventually(SOON, "B serves", || world.get("/").header("x-instance") == Some("B"));

    let begun = world.folder().join("begun");
    let list = fs::read_to_string(world.roots_list()).unwrap();
    let sleep = format!("sleep 25.{}", std::process::id());
    with_command(&world, "test", &format!("touch {}; {sleep}; true", begun.display()));
    let holding = Running::start("set-switch", command(&world, &["demo", "A"]));
    eventually(SOON, "it tests", || begun.exists());
    edit_list(&world, |_| list);
    let ran = world.run(["connect-to-nginx", "a"]).fails_with(4);
    ran.says("busy: `set-switch demo A` (pid ").says("has held").says("for more than 30 s");
    world.serves("B", "v2");
    holding.signal(Signal::SIGKILL);
    holding.wait();
    support::processes::end(|| running(&sleep));
}

#[test]
fn a_switch_that_was_emptied_misspelt_or_removed_is_mended() {
    let Some(world) = with_both_running() else { return };
    for text in ["", "sever\n", "server 127.0.0.1:1;\n"] {
        fs::write(world.switch(), text).unwrap();
        world.run(["connect-to-nginx", "b"]).succeeds();
        world.serves("B", "v2");
        assert_eq!(switch(&world), serves_b(&world));
        world.run(["connect-to-nginx", "a"]).succeeds();
        fs::write(world.switch(), text).unwrap();
        let settled = text.contains("server");
        let ran = world.run(["deploy", "v2", "--force"]);
        if settled {
            ran.fails_with(3).says("connect-to-nginx A or connect-to-nginx B");
        } else {
            ran.succeeds();
        }
    }
    world.run(["connect-to-nginx", "a"]).succeeds();
    fs::remove_file(world.switch()).unwrap();
    world
        .under_gentle_load(|world| {
            world.run(["connect-to-nginx", "b"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(3));
    assert_eq!(switch(&world), serves_b(&world));
}

#[test]
fn a_spoilt_switch_is_mended_even_if_nginx_does_not_run_so_that_it_can_start() {
    let Some(world) = with_both_running() else { return };
    world.stop_nginx();
    for text in ["", "sever\n"] {
        fs::write(world.switch(), text).unwrap();
        set_switch(&world, &["demo", "B"]).fails_with(5).says("could not be reloaded");
        assert_eq!(switch(&world), serves_b(&world));
    }
    // One with which it can start is put back.
    set_switch(&world, &["demo", "A"]).fails_with(5);
    assert_eq!(switch(&world), serves_b(&world));
    world.start_nginx();
    world.serves("B", "v2");
}

/// What changes the disk, starts or tells another process, or waits for the lock.
const CALLS: [&str; 13] = [
    "write",
    "pwrite64",
    "ftruncate",
    "fchmod",
    "fsync",
    "rename",
    "renameat2",
    "unlink",
    "mkdir",
    "flock",
    "clone3",
    "clone",
    "vfork",
];

#[test]
fn killed_at_any_call_it_leaves_a_whole_switch_and_the_next_call_finishes() {
    if !crate::traced::is_possible() {
        return;
    }
    let Some(world) = with_both_running() else { return };
    let written = ["A", "B"]
        .map(|name| serves_b(&world).replace(&world.port("B").to_string(), &world.port(name).to_string()));
    let mut killed = 0;
    for call in CALLS {
        for number in 1.. {
            let (from, to) = if killed % 2 == 0 { ("A", "B") } else { ("B", "A") };
            set_switch(&world, &["demo", from]).succeeds();
            let inject = format!("inject={call}:signal=SIGKILL:when={number}");
            let mut strace = Command::new("strace");
            strace.args(["-qq", "-o", "/dev/null", "-e", &format!("trace=?{call}"), "-e", &inject]);
            strace.arg(env!("CARGO_BIN_EXE_set-switch")).args(command(&world, &["demo", to]).get_args());
            let ran = Running::start("set-switch", strace).wait();
            let now = switch(&world);
            assert!(written.contains(&now), "killed at {call} {number}: {now:?}");
            if ran.status() == 0 {
                break;
            }
            assert_eq!(ran.status(), 128 + 9, "{call} {number}: {ran}");
            killed += 1;
            set_switch(&world, &["demo", "--test"]).succeeds();
            set_switch(&world, &["demo", to]).succeeds();
            assert!(switch(&world).contains(&world.port(to).to_string()), "after {call} {number}");
        }
    }
    println!("killed at {killed} calls");
    assert!(killed > 10, "only at {killed} calls");
    let roots = fs::read_dir(world.folder().join("roots")).unwrap();
    let mut left: Vec<_> = roots.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["apps.toml", "demo.conf", "nginx.lock"]);
}

#[test]
fn what_root_cannot_write_is_told_and_nothing_has_changed() {
    let Some(world) = with_both_running() else { return };
    edit_list(&world, |text| text.replace("roots/demo.conf", "roots/nowhere/demo.conf"));
    world.run(["connect-to-nginx", "b"]).fails_with(1).says("cannot see").says("roots/nowhere");
    world.serves("A", "v1");
    edit_list(&world, |text| text.replace("[demo]", "[canteen]"));
    world
        .run(["connect-to-nginx", "b"])
        .fails_with(2)
        .says("`demo` is not in root's list")
        .says("set-switch --apps");
    world.serves("A", "v1");
}

#[test]
fn a_missing_right_is_told_with_the_line_that_gives_it() {
    let Some(world) = with_both_running() else { return };
    let sudo = world.folder().join("sudo");
    fs::write(&sudo, "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
    world.change(
        "nginx.set_switch",
        &format!("[\"{}\", \"-n\", \"/usr/libexec/set-switch\", \"demo\"]", sudo.display()),
    );
    world
        .under_gentle_load(|world| {
            for words in [["connect-to-nginx", "b"], ["deploy", "v2"]] {
                world
                    .run(words)
                    .fails_with(1)
                    .says("sudo: a password is required")
                    .says("/etc/sudoers.d/flipside-demo")
                    .says("root ALL=(root) NOPASSWD: /usr/libexec/set-switch demo A, /usr/libexec/set-switch demo B");
            }
        })
        .expect(no_failed_request());
    world.change("nginx.set_switch", "[\"/nowhere/sudo\", \"set-switch\", \"demo\"]");
    world.run(["connect-to-nginx", "b"]).fails_with(1).says("cannot run `/nowhere/sudo set-switch demo B`");
    world.serves("A", "v1");
}

#[test]
fn what_nginx_says_is_shown_short_and_without_control_characters() {
    let Some(world) = with_both_running() else { return };
    let noise =
        "for i in 1 2 3 4 5 6 7 8 9; do printf \"%0999d\\033[31m\\007\\033]0;x\\007 $i\\n\"; done; exit 1";
    with_command(&world, "test", noise);
    let ran = set_switch(&world, &["demo", "B"]).fails_with(1).is_plain();
    assert!(ran.stderr().len() < 1500 && ran.stderr().lines().count() <= 6, "{ran}");
    world.run(["connect-to-nginx", "b"]).fails_with(1).is_plain().within_2000_characters();
}
