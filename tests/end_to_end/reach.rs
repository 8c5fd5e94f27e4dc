//! The style `socket`, and an nginx whose workers are neither root nor the owner of the home: they may connect to the
//! instances, and do nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{SOON, Signal, World, eventually, is_root, no_failed_request, processes};

use crate::threats::after;
use crate::world as any_world;

/// Where it can be told. Workers have a user of their own only where root starts nginx.
fn world() -> Option<World> {
    let has_setfacl = || Command::new("setfacl").arg("--version").output().is_ok();
    if !is_root() || !(has_setfacl() || support::skipped("setfacl is missing")) {
        return None;
    }
    let world = any_world().with_sockets().release("v1").release("v2");
    world.make();
    let path = world.folder().join("proxy/nginx.conf");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("user root;", "user nobody nogroup;")).unwrap();
    world.restart_nginx();
    world.set_mode("", 0o700);
    Some(world)
}

/// What a shell does as the user of nginx's workers.
fn as_nobody(text: &str) -> bool {
    let mut shell = Command::new("setpriv");
    shell.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", text]);
    shell.stderr(std::process::Stdio::null()).status().unwrap().success()
}

#[test]
fn nginx_reaches_the_instances_and_nothing_else_of_a_private_home() {
    let Some(world) = world() else { return };
    world.write("env", "SECRET=hunter2\n");
    world.set_mode("env", 0o600);
    world.set_mode("flipside.toml", 0o600);
    after(&world, "umask 077", &["deploy", "v1"]).succeeds();
    world.serves("A", "v1");
    let loaded = world.under_gentle_load(|world| world.deploy("v2").succeeds());
    loaded.expect(no_failed_request());
    world.serves("B", "v2");

    let home = world.home();
    for path in ["env", "flipside.toml", "run/lock", "run/A.json", "logs/A.log", "instances/A/switches"] {
        assert!(world.exists(path), "{path}");
        assert!(!as_nobody(&format!("cat {}/{path}", home.display())), "{path}");
    }
    for path in ["", "run", "logs", "releases", "shared"] {
        assert!(!as_nobody(&format!("ls {}/{path}", home.display())), "{path}");
        assert!(!as_nobody(&format!("touch {}/{path}/x", home.display())), "{path}");
    }
}

#[test]
fn an_instance_that_was_brought_back_is_reached_at_its_new_socket() {
    let Some(world) = world() else { return };
    world.deploy("v1").succeeds();
    for pid in world.processes_of("A") {
        processes::signal(pid, Signal::SIGKILL);
    }
    eventually(SOON, "A has ended", || world.processes_of("A").is_empty());
    world.run(["bootup"]).succeeds();
    world.serves("A", "v1");
}

#[test]
fn what_keeps_nginx_out_is_found_before_the_switch_and_mended_if_it_is_ours() {
    let Some(world) = world() else { return };
    let world = world.deployed("v1").with_standby("v2");
    let run = world.home().join("run");
    let strip =
        |path: &Path| assert!(Command::new("setfacl").arg("-b").arg(path).status().unwrap().success());
    strip(&run);
    strip(&run.join("B.sock"));
    world.run(["connect-to-nginx", "b"]).succeeds();
    world.serves("B", "v2");

    // What the app itself has closed is not ours to open.
    world.set_mode("run/A.sock", 0o600);
    world
        .run(["connect-to-nginx", "a"])
        .fails_with(1)
        .says("nginx does not reach A")
        .says("nothing was touched");
    world.serves("B", "v2");
}
