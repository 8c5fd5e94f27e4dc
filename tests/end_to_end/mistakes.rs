//! What somebody else may do to an app, and what follows (flipside(7)).

use std::process::Command;

use support::{Running, no_failed_request, only_resets_on_kept_connections, served_by};

use crate::world;

#[test]
fn the_releases_are_deleted() {
    let world = world().release("v1").release("v2").deployed("v1");
    std::fs::remove_dir_all(world.home().join("releases")).unwrap();
    world
        .under_gentle_load(|world| {
            // What runs goes on, and what is gone is built again.
            world.run(["start-instance", "b"]).fails_with(1);
            world.run(["rollback"]).fails_with(1).says("there is no release to go back to");
            world.run(["deploy", "v2"]).succeeds();
        })
        .expect(only_resets_on_kept_connections(3));
    world.serves("B", "v2");
    world.run(["deploy", "v1"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn the_release_of_a_standby_is_deleted() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    world.run(["stop-instance", "a"]).succeeds();
    std::fs::remove_dir_all(world.home().join("releases").join(world.id("v1"))).unwrap();
    world.run(["start-instance", "a"]).fails_with(1).says("which is gone; run update-instance A");
    world.run(["update-instance", "a", "v1"]).succeeds();
    world.run(["start-instance", "a"]).succeeds();
}

#[test]
fn the_home_is_on_a_read_only_file_system() {
    let world = world().release("v1").release("v2").deployed("v1");
    let home = world.home().display().to_string();
    let read_only = format!("mount --bind {home} {home} && mount -o remount,bind,ro {home} && exec \"$@\"");
    let in_it = |words: &[&str]| {
        let original = world.command(words);
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", &read_only, "sh"])
            .arg(original.get_program())
            .args(original.get_args());
        for (name, value) in original.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        Running::start(&words.join(" "), command).wait()
    };
    world
        .under_gentle_load(|_| {
            in_it(&["status"]).succeeds();
            in_it(&["enabled-instance"]).succeeds().prints("A");
            for words in [&["deploy", "v2"][..], &["connect-to-nginx"], &["stop-instance", "b"], &["bootup"]]
            {
                in_it(words).fails_with(1).prints_nothing().says("Read-only file system");
            }
        })
        .expect(no_failed_request())
        .expect(served_by("A", "v1"));
    world.run(["deploy", "v2"]).succeeds();
}

#[test]
fn nginx_is_started_with_another_file() {
    let world = world().release("v1").release("v2").deployed("v1");
    world.stop_nginx();
    let other = world.folder().join("other.conf");
    let port = world.spare_port();
    let text = format!(
        "pid other.pid; error_log other.log; events {{}} http {{ access_log off; server {{ listen 127.0.0.1:{port}; }} }}\n"
    );
    std::fs::write(&other, text).unwrap();
    let nginx = |more: &[&str]| {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(world.folder()).arg("-c").arg(&other).args(more);
        assert!(command.status().unwrap().success());
    };
    nginx(&[]);
    world.run(["deploy", "v2"]).fails_with(6).says("nobody listens at the check server's address");
    world.run(["connect-to-nginx", "a"]).fails_with(6);
    nginx(&["-s", "stop"]);
    world.run(["enabled-instance"]).prints("A");
    world.start_nginx();
    world.serves("A", "v1");
}
