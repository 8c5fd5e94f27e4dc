//! Processes of other users of the machine.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use support::{Running, SOON, eventually, processes};

use crate::world;

#[test]
fn a_process_that_wears_the_instance_s_mark_at_its_port() {
    if !support::is_root() {
        return;
    }
    let world = world().release("v1").deployed("v1");
    world.run(["update-instance", "b", "v1"]).succeeds();
    let copy = world.folder().join("impostor");
    // By another process: what is open for writing in ours, a test beside this one may be handing on.
    let copied = Command::new("install").arg("-m755").arg(support::world::demo_app()).arg(&copy).status();
    assert!(copied.unwrap().success());
    let mut impostor = Command::new(&copy);
    impostor.uid(65_534).gid(65_534).current_dir("/").env_clear();
    impostor.env("HOST", "127.0.0.1").env("PORT", world.port("B").to_string());
    impostor.env("FLIPSIDE_PROCESS", format!("{}#B", world.home().display())).env("INSTANCE", "B");
    let mut impostor = Running::start("impostor", impostor);
    eventually(SOON, "it listens", || processes::listens(world.port("B")));
    for words in [&["start-instance", "b"][..], &["connect-to-nginx", "b"], &["deploy", "--force"]] {
        let ran = Running::start(&words.join(" "), world.command(words)).wait();
        assert_ne!(ran.status(), 0, "{ran}");
    }
    world.run(["start-instance", "b"]).fails_with(1).says("impostor");
    world.run(["connect-to-nginx", "b"]).says("impostor").says("which flipside did not start");
    world.serves("A", "v1");
    assert!(impostor.is_running());
}
