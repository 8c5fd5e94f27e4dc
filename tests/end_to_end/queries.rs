//! enabled-instance, enabled-port, disabled-instance, disabled-port, pid: they read, and answer in one line.

use std::fs;

use support::processes;

use crate::{traced, world};

const QUERIES: [&str; 4] = ["enabled-instance", "enabled-port", "disabled-instance", "disabled-port"];

#[test]
fn each_answers_in_one_line() {
    let world = world().release("v1").deployed("v1");
    let (a, b) = (world.port("A").to_string(), world.port("B").to_string());
    for (query, answer) in QUERIES.into_iter().zip(["A", &a, "B", &b]) {
        world.run([query]).succeeds().prints(answer).says_nothing();
    }
}

#[test]
fn the_answers_change_with_the_switch() {
    let world = world().release("v1").release("v2").deployed("v1").deployed("v2");
    let (a, b) = (world.port("A").to_string(), world.port("B").to_string());
    for (query, answer) in QUERIES.into_iter().zip(["B", &b, "A", &a]) {
        world.run([query]).succeeds().prints(answer);
    }
}

#[test]
fn nothing_and_exit_1_while_nothing_is_enabled() {
    let world = world();
    for query in QUERIES {
        world.run([query]).exits_with(1).prints_nothing();
    }
}

#[test]
fn no_switch_yet_is_nothing_enabled() {
    let world = world().without_switch();
    for query in QUERIES {
        world.run([query]).exits_with(1).prints_nothing();
    }
}

#[test]
fn a_switch_edited_by_hand_is_read_as_well() {
    let world = world();
    world.make();
    let b = world.port("B");
    for text in [
        format!("server 127.0.0.1:{b};"),
        format!("# B, since the morning\n\n  server   127.0.0.1:{b}  max_fails=0 ;   # the new one\n"),
        format!("server localhost:{b} weight=5;\n"),
        format!("#server 127.0.0.1:{};\nserver\n127.0.0.1:{b};\n", world.port("A")),
        format!("server 127.0.0.1:{} down;\nserver 127.0.0.1:{b};\n", world.port("A")),
    ] {
        world.write("nginx/upstream.conf", &text);
        world.run(["enabled-instance"]).succeeds().prints("B");
        world.run(["disabled-instance"]).succeeds().prints("A");
    }
}

#[test]
fn a_switch_that_names_a_port_of_no_instance_enables_none() {
    let world = world();
    world.make();
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.spare_port()));
    for query in QUERIES {
        world.run([query]).exits_with(1).prints_nothing();
    }
    world.run(["status"]).shows(&world.spare_port().to_string());
}

#[test]
fn for_machines() {
    let world = world().release("v1").deployed("v1");
    let json = |query: &str| world.run([query, "--json"]).succeeds().json();
    let (a, b) = (world.port("A"), world.port("B"));
    assert_eq!(json("enabled-instance"), "A");
    assert_eq!(json("disabled-instance"), "B");
    assert_eq!(json("enabled-port"), a);
    assert_eq!(json("disabled-port"), b);
    let pid = world.run(["pid"]).succeeds().answer().parse::<i64>().unwrap();
    assert_eq!(json("pid"), pid);
}

#[test]
fn pid_is_the_process_that_listens() {
    let world = world().release("v1").with("TREE", "npm").deployed("v1");
    let pid = world.run(["pid"]).succeeds().says_nothing();
    let pid: i32 = pid.answer().parse().unwrap();
    // Not the shell or the npm above it, in whose command lines it is named, too.
    let command = processes::command_line(pid);
    assert!(command.split(' ').next().unwrap().ends_with("/demo-app"), "{command}");
    assert_eq!(world.processes_of("A").len(), 3);
}

#[test]
fn pid_of_an_app_that_listens_on_any_address() {
    for address in ["[::]", "0.0.0.0", "127.0.0.1"] {
        let world = world().release("v1").with("LISTEN", address).deployed("v1");
        let pid = world.run(["pid", "a"]).succeeds();
        let pid: i32 = pid.answer().parse().unwrap();
        assert!(world.processes_of("A").contains(&pid), "{address}");
    }
}

#[test]
fn a_query_asks_the_kernel_for_little() {
    if !traced::is_possible() {
        return;
    }
    let world = world().release("v1").deployed("v1");
    for query in QUERIES {
        let calls = traced::calls(&world, &[query]);
        // From where it looks for its home. What is done before main differs between C libraries, as does for how many
        // pieces memory is asked; and each folder on the way to the home is looked at.
        let others = ["brk(", "mmap(", "mprotect(", "munmap(", "readlink("];
        let is_own = |call: &&String| !others.iter().any(|other| call.starts_with(other));
        let count = calls.iter().skip_while(|call| !call.contains("flipside.toml")).filter(is_own).count();
        assert!((1..=30).contains(&count), "{query}: {count} system calls\n{}", calls.join("\n"));
    }
}

#[test]
fn pid_looks_at_nobody_but_the_instance() {
    if !traced::is_possible() {
        return;
    }
    let world = world().release("v1").deployed("v1");
    let own = world.processes_of("A").iter().map(|pid| format!("/proc/{pid}/")).collect::<Vec<_>>();
    let calls = traced::calls(&world, &["pid"]);
    let is_others = |call: &&String| {
        let path = call.split('"').nth(1).unwrap_or_default();
        path.starts_with("/proc")
            && !own
                .iter()
                .map(String::as_str)
                .chain(["/proc/self/", "/proc/sys/"])
                .any(|it| path.starts_with(it))
    };
    let others: Vec<_> = calls.iter().filter(is_others).collect();
    assert!(others.is_empty(), "{others:#?}");
    // However many sockets there are: one answer, in which the kernel tells of the one that a connection would reach.
    let asked = calls.iter().filter(|call| call.starts_with("sendto(")).count();
    let told = calls.iter().filter(|call| call.starts_with("recvfrom(")).count();
    assert!(asked == 1 && told == 1, "{}", calls.join("\n"));
}

#[test]
fn pid_of_what_does_not_run_is_nothing_and_exit_1() {
    let world = world().release("v1").deployed("v1");
    world.run(["pid", "b"]).exits_with(1).prints_nothing();
    world.turn("A", "IGNORE", "nothing");
    world.run(["pid"]).succeeds();
    processes::end(|| world.processes_of("A"));
    world.run(["pid"]).exits_with(1).prints_nothing();
}

#[test]
fn pid_of_a_grandchild_that_holds_the_port() {
    let world = world().release("v1").with("GRANDCHILD", "holds-port").deployed("v1");
    let pid = world.run(["pid"]).succeeds();
    let pid: i32 = pid.answer().parse().unwrap();
    assert!(world.processes_of("A").contains(&pid));
    assert_eq!(processes::session(pid), Some(pid), "the orphan leads a session of its own");
}

#[test]
fn a_foreign_process_is_never_taken_for_the_instance() {
    let world = world();
    let _foreign = world.foreign_app("A");
    world.run(["pid", "A"]).exits_with(1).prints_nothing();
}

#[test]
fn an_instance_has_many_spellings() {
    let world = world().release("v1").deployed("v1");
    let pid = world.run(["pid", "A"]).succeeds();
    for spelling in ["a", "instanceA", "instance-a", "INSTANCE-A"] {
        world.run(["pid", spelling]).succeeds().prints(pid.answer());
    }
    world.run(["pid", "c"]).fails_with(2).prints_nothing().says("`c` is not an instance; there are A and B");
}

#[test]
fn the_home_is_found_where_the_commands_are() {
    let world = world().release("v1").deployed("v1");
    let mut original = world.command(&["enabled-instance"]);
    let copy = world.home().join("bin/enabled-instance");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    // By another process: a file that any child of a parallel test still holds open for writing cannot be run.
    let copied = std::process::Command::new("cp").arg(original.get_program()).arg(&copy).status().unwrap();
    assert!(copied.success());
    // As `runuser -l potados -c /home/potados/.cafeteria/bin/...` does it: no environment, no arguments.
    let output = std::process::Command::new(copy).env_clear().current_dir("/").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "A\n");
    // The home that is named counts more.
    original.env("FLIPSIDE_HOME", "/nonexistent").arg("--home").arg(world.home());
    assert_eq!(String::from_utf8_lossy(&original.output().unwrap().stdout), "A\n");
}

#[test]
fn the_home_is_found_in_the_users_home() {
    let world = world().release("v1").deployed("v1");
    fs::rename(world.home(), world.folder().join(".flipside")).unwrap();
    let mut query = world.command(&["enabled-instance"]);
    query.env_remove("FLIPSIDE_HOME").env("HOME", world.folder());
    let output = query.output().unwrap();
    fs::rename(world.folder().join(".flipside"), world.home()).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "A\n");
}

#[test]
fn no_home_is_bad_usage() {
    let world = world();
    let nowhere = world.folder().join("nowhere").display().to_string();
    for query in QUERIES {
        let said = format!(
            "{query}: there is no flipside.toml in {nowhere}; name the app's home by --home DIR or FLIPSIDE_HOME"
        );
        world.run([query, "--home", &nowhere]).fails_with(2).prints_nothing().says_exactly(&said);
    }
}

#[test]
fn bad_usage_goes_to_standard_error() {
    let world = world();
    for words in [["enabled-port", "--no-such-option"], ["pid", "--json=x"], ["deploy", "--waits"]] {
        world.run(words).exits_with(2).prints_nothing().says("Usage: ");
    }
    world.run(["enabled-port", "surplus"]).exits_with(2).prints_nothing();
}

#[test]
fn a_closed_pipe_is_no_error() {
    let world = world().release("v1").deployed("v1");
    let status = world.command(&["status"]);
    let script = format!("{} --json | true", status.get_program().display());
    let mut shell = std::process::Command::new("/bin/sh");
    let output = shell.args(["-c", &script]).env("FLIPSIDE_HOME", world.home()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn who_names_an_instance_does_not_need_the_switch() {
    let world = world().release("v1").deployed("v1");
    let pid = world.run(["pid", "a"]).succeeds().answer().to_owned();
    world.write("nginx/upstream.conf", "server 127.0.0.1:1; # typed in the middle of the night\n");
    world.run(["check-health", "a"]).succeeds();
    world.run(["pid", "a"]).succeeds().prints(&pid);
    world.run(["logs", "a"]).succeeds();
    world.run(["start-instance", "a"]).succeeds();
    world.run(["pid"]).fails_with(1).says("127.0.0.1:1, which is the address of no instance");
}
