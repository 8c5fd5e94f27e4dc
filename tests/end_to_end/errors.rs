//! No space, no descriptor, no permission: a system call of a command fails, once. Whatever it was, the service is
//! untouched, the status is a documented one, nothing is left half-written, and the same command succeeds afterwards.
//!
//! As in `crash`, a spread of the points by default; `FLIPSIDE_SWEEP=all` tries each with each error.

use std::process::{Command, Stdio};

use support::{Running, World, no_failed_request, only_resets_on_kept_connections, served_only_by, surround};

use crate::sweep::{self, Job, Scenario, Trial};
use crate::traced::{self, Fate, Point};
use crate::world;

/// At most so many points without `FLIPSIDE_SWEEP`, of all commands.
const SPREAD: usize = 60;
const SPREAD_OF_SOCKETS: usize = 24;

const SCENARIOS: [Scenario; 7] = [
    Scenario::Deploy,
    Scenario::DeployStops,
    Scenario::Rollback,
    Scenario::RollbackStarts,
    Scenario::Connect,
    Scenario::Stop,
    Scenario::BootupConnects,
];

#[test]
fn any_system_call_that_can_fail_fails() {
    if !traced::is_possible() {
        return;
    }
    let jobs = sweep::jobs(&SCENARIOS, Scenario::world, fates);
    sweep::run("errors", sweep::spread(jobs, SPREAD), Scenario::world, failed);
}

#[test]
fn any_system_call_that_can_fail_fails_in_the_style_socket() {
    if !traced::is_possible() {
        return;
    }
    let scenarios = Scenario::OF_SOCKETS.into_iter().filter(|scenario| !scenario.is_without_load());
    let scenarios: Vec<_> = scenarios.collect();
    let jobs = sweep::jobs(&scenarios, Scenario::world_of_sockets, fates);
    let jobs = sweep::spread(jobs, SPREAD_OF_SOCKETS);
    sweep::run("errors with sockets", jobs, Scenario::world_of_sockets, failed);
}

fn fates(_: Scenario, point: &Point) -> Vec<Fate> {
    errors(point).iter().copied().map(Fate::Fails).collect()
}

/// What the call may fail with, out of anybody's hands.
fn errors(point: &Point) -> &'static [&'static str] {
    match point.call.as_str() {
        "openat" => &["EMFILE", "EACCES", "ENOSPC"],
        "flock" => &["ENOLCK"],
        "unlink" | "unlinkat" | "rmdir" => &["EACCES", "EIO"],
        _ if point.is_on_disk() => &["ENOSPC", "EIO"],
        _ if point.is_fork() => &["EAGAIN"],
        _ => &[],
    }
}

/// Whether the error itself was that this could not be removed. The next command does it.
fn could_not_be_removed(point: &Point, path: &str) -> bool {
    match point.call.as_str() {
        "unlink" | "unlinkat" | "rmdir" if point.on == path => true,
        _ => point.program == "releases" && path.starts_with("releases/."),
    }
}

/// One error, and what must hold afterwards.
fn failed(world: &World, job: &Job, number: usize) -> Trial {
    let Job { scenario, point, fate } = job;
    let goal = scenario.prepare(world, number);
    let before = sweep::served(world);
    let words: Vec<&str> = goal.words.iter().map(String::as_str).collect();
    let mut hit = false;
    world
        .under_gentle_load(|world| {
            let struck = traced::strike(world, &words, point, *fate);
            hit = struck.hit;
            let ran = struck.ran;
            let documented = scenario.documented();
            assert!(documented.contains(&ran.status()), "exits with one of {documented:?}: {ran}");
            assert!(!ran.stderr().contains("the service is down"), "it is up: {ran}");
            if ran.status() != 0 {
                assert_eq!(sweep::served(world), before, "as before: {ran}");
                assert!(ran.stderr().contains(&format!("{}: ", scenario.command())), "says why: {ran}");
            }
            let ran = ran.within_2000_characters();
            sweep::status_is_true(world);
            sweep::is_tidy_but_for(world, |path| could_not_be_removed(point, path));
            if ran.status() == 0 && scenario.command() != "deploy" {
                goal.is_reached(world);
            } else {
                let again = Running::start(&words.join(" "), world.command(&words)).wait();
                assert_eq!(again.status(), 0, "again: {again}\nthe first time: {ran}");
            }
        })
        .expect(only_resets_on_kept_connections(20));
    goal.is_reached(world);
    sweep::is_tidy_but_for(world, |path| could_not_be_removed(point, path));
    Trial { hit }
}

/// Runs a command in a mount namespace of its own, after these words of the shell: nobody else sees what they mount.
fn with_mounts(world: &World, script: &str, words: &[&str]) -> Running {
    let plain = world.command(words);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
    command.arg(format!("{script}\nexec \"$@\"")).arg("sh").arg(plain.get_program()).args(plain.get_args());
    surround(&mut command, &plain);
    command.env("HOME_FOLDER", world.home());
    Running::start(&words.join(" "), command)
}

/// Whether this machine lets us mount; if not, the test says so and is over. In CI that is a failure.
fn mounts_are_possible() -> bool {
    let possible = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    possible || support::skipped("nothing may be mounted here")
}

#[test]
fn the_home_is_read_only() {
    if !mounts_are_possible() {
        return;
    }
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2").deployed("v1");
    let read_only = r#"mount --bind "$HOME_FOLDER" "$HOME_FOLDER"; mount -o remount,ro,bind "$HOME_FOLDER""#;
    world
        .under_gentle_load(|world| {
            for words in [
                &["deploy", "v2"][..],
                &["rollback"],
                &["connect-to-nginx", "b"],
                &["start-instance", "b"],
                &["stop-instance", "b"],
                &["update-instance", "b", "v2"],
                &["releases", "--prune"],
            ] {
                with_mounts(world, read_only, words)
                    .wait()
                    .fails_with(1)
                    .says("Read-only file system")
                    .within_2000_characters();
            }
            // bootup finds nothing to do.
            let reading = ["status", "bootup", "enabled-instance", "pid", "check-health", "releases"];
            for words in reading.map(|command| [command]) {
                with_mounts(world, read_only, &words).wait().succeeds();
            }
        })
        .expect(no_failed_request())
        .expect(served_only_by("A", "v1"));
    sweep::status_is_true(&world);
    sweep::is_tidy(&world);
    world.run(["deploy", "v2"]).succeeds();
    world.serves("B", "v2");
}

#[test]
fn the_disk_is_full() {
    if !mounts_are_possible() {
        return;
    }
    for folder in ["releases", "run", "logs", "nginx"] {
        let world = world().release("v1").release("v2").deployed("v1").deployed("v2").deployed("v1");
        world.publish("v3", &[]);
        // A small disk with what the folder held, filled to the last byte.
        let full = format!(
            r#"cd "$HOME_FOLDER"; cp -a {folder} ../kept
               mount -t tmpfs -o size=256k,mode=700 none {folder}
               cp -a ../kept/. {folder}; for release in {folder} {folder}/*; do
                   [ -d "$release" ] && [ ! -L "$release" ] && fill=$release/fill
               done; cat /dev/zero >"$fill" 2>/dev/null || true; cd .."#
        );
        world
            .under_gentle_load(|world| {
                let ran = with_mounts(world, &full, &["deploy", "v3"]).wait().within_2000_characters();
                // That a log cannot be written is no reason to fail.
                assert!(matches!(ran.status(), 1 | 5) || folder == "logs", "{folder}: {ran}");
                if ran.status() != 0 {
                    assert!(ran.stderr().contains("No space left on device"), "{folder}: {ran}");
                    world.serves("A", "v1");
                }
            })
            .expect(only_resets_on_kept_connections(12));
        world.run(["deploy", "v3"]).succeeds();
        world.run(["status"]).exits_with(0);
        sweep::is_tidy(&world);
    }
}

#[test]
fn what_a_power_cut_leaves_of_a_new_release_is_all_of_it() {
    if !mounts_are_possible() {
        return;
    }
    let world = world()
        .set("build.dependencies.command", "'mkdir modules; seq 50000 > modules/tool; sleep 0.02'")
        .set("build.dependencies.path", "\"modules\"")
        .set("build.dependencies.key", "[]")
        .set("build.dependencies.reuse", "\"link\"")
        .set("build.command", "'seq 50000 > built; cp built modules/.cache'")
        .release("v1")
        .release("v2");
    world.make();
    // A disk of its own for the releases. What is in the file that it consists of has been written; what the filesystem
    // still has in memory is not in it.
    let cut_off = r#"cd "$HOME_FOLDER/.."; PATH=$PATH:/sbin:/usr/sbin; mkdir -p "$HOME_FOLDER/releases" left
        [ -e disk ] || { truncate -s 64M disk; mkfs.ext4 -q -F disk; }
        mount -o loop disk "$HOME_FOLDER/releases"
        "$@"
        cp disk disk-then; mount -o loop disk-then left
        diff -rq --no-dereference "$HOME_FOLDER/releases" left
        set -- ls left"#;
    for release in ["v1", "v2"] {
        let ran = with_mounts(&world, cut_off, &["update-instance", "b", release]).wait().succeeds();
        assert!(ran.stdout().lines().any(|name| name == world.id(release)), "{ran}");
    }
}

#[test]
fn a_file_where_a_folder_should_be() {
    for folder in ["releases", "instances", "run", "logs"] {
        let world = world().release("v1");
        world.write(folder, "not a folder\n");
        world.run(["deploy", "v1"]).fails_with(1).says(folder).within_2000_characters();
        world.remove(folder);
        world.run(["deploy", "v1"]).succeeds();
        world.serves("A", "v1");
    }
}
