//! flipside.toml: each mistake is named with its file, its line and its key, and what would be right.

use support::World;

use crate::world;

const GOOD: &str = r#"name = "cafeteria"

[instance.A]
port = 20201
[instance.B]
port = 20202

[source]
git = "https://example.com/cafeteria.git"
revision = "tag:v*"
keep = 5

[build]
command = "npm run build"
timeout = "15m"
[build.dependencies]
command = "npm ci"
path = "node_modules"
key = ["package-lock.json"]

[run]
command = "npm start"
env_file = "env"
shared = ["uploads"]
runtime = "auto"
stop_signal = "TERM"
stop_timeout = "30s"

[health]
path = "/documentation"
status = "200"
timeout = "5s"
start_timeout = "100s"

[nginx]
switch = "nginx/upstream.conf"
style = "upstream"
test = ["nginx", "-t", "-q"]
reload = ["nginx", "-s", "reload"]
check = "http://127.0.0.1:20200"
apply_timeout = "10s"
drain_timeout = "30s"

[deploy]
old = "keep"
observe = "5s"
"#;

/// What is right, what is written instead, and the line and the words that tell of it.
const MISTAKES: &[(&str, &str, u32, &str)] = &[
    ("name = \"cafeteria\"\n", "", 1, "name is missing"),
    (
        "\"cafeteria\"\n",
        "\"the cafeteria\"\n",
        1,
        "name: `the cafeteria` cannot be an app's name; use letters, digits, - and _",
    ),
    (
        "\"cafeteria\"\n",
        "\"../cafeteria\"\n",
        1,
        "name: `../cafeteria` cannot be an app's name; use letters, digits, - and _",
    ),
    ("\"cafeteria\"\n", "\"\"\n", 1, "name: `` cannot be an app's name; use letters, digits, - and _"),
    ("[instance.B]\nport = 20202\n", "", 3, "[instance.B] is missing"),
    ("port = 20202", "port = 20201", 5, "[instance.B] port: 20201 is the port of A, too; give B its own"),
    ("port = 20202", "port = 0", 6, "[instance.B] port: 0 is not a port; write one from 1 to 65535"),
    ("port = 20202", "port = 70000", 6, "[instance.B] port: 70000 is not a port; write one from 1 to 65535"),
    (
        "port = 20202",
        "port = 20202\nsocket = \"run/B.sock\"",
        5,
        "[instance.B] has both `port` and `socket`; keep one",
    ),
    ("port = 20202", "host = \"::1\"", 6, "[instance.B] has no key `host`; there are port, socket"),
    (
        "port = 20202\n",
        "",
        5,
        "[instance.B] says not where it listens; write port = 20201, or socket = \"run/A.sock\"",
    ),
    (
        "port = 20202",
        "socket = \"run/B.sock\"",
        5,
        "[instance.B] socket: A has a port; give both a port, or both a socket",
    ),
    (
        "[instance.B]",
        "[instance.C]\nport = 20203\n[instance.B]",
        5,
        "[instance] has no key `C`; there are A, B",
    ),
    (
        "git = \"https://example.com/cafeteria.git\"\n",
        "",
        8,
        r#"[source] names no source; write git = "ADDRESS" or directory = "FOLDER""#,
    ),
    (
        r#"git = "https://example.com/cafeteria.git""#,
        "git = \"https://example.com/cafeteria.git\"\ndirectory = \"app\"",
        8,
        "[source] there are both `git` and `directory`; keep one",
    ),
    ("git = ", "directory = ", 8, "[source] a directory has no revisions; remove `revision`"),
    (
        r#""tag:v*""#,
        r#""v1..v2""#,
        10,
        "[source] revision: `v1..v2` is not a revision; write tag:GLOB, branch:NAME, a tag, a branch or a commit",
    ),
    (
        r#""tag:v*""#,
        r#""-v""#,
        10,
        "[source] revision: `-v` is not a revision; write tag:GLOB, branch:NAME, a tag, a branch or a commit",
    ),
    (
        "keep = 5",
        r#"archive = "a.tar""#,
        11,
        "[source] has no key `archive`; there are git, directory, revision, keep",
    ),
    (
        r#""15m""#,
        r#""15""#,
        15,
        "[build] timeout: `15` is not a duration; write for example 500ms, 5s, 15m or 2h",
    ),
    (
        r#""15m""#,
        r#""1.5h""#,
        15,
        "[build] timeout: `1.5h` is not a duration; write for example 500ms, 5s, 15m or 2h",
    ),
    (
        r#"path = "node_modules""#,
        r#"path = "../node_modules""#,
        18,
        "[build.dependencies] path: `../node_modules` must be a relative path that stays inside the folder",
    ),
    ("path = \"node_modules\"\n", "", 16, "[build.dependencies] path is missing"),
    (
        r#"key = ["package-lock.json"]"#,
        r#"key = ["/etc/passwd"]"#,
        19,
        "[build.dependencies] key[0]: `/etc/passwd` must be a relative path that stays inside the folder",
    ),
    ("command = \"npm start\"\n", "", 21, "[run] command is missing"),
    (
        r#"command = "npm start""#,
        r#"comand = "npm start""#,
        22,
        "[run] has no key `comand`; there are command, env_file, env_command, shared, runtime, stop_signal, stop_timeout, memory_max",
    ),
    (
        r#""env""#,
        r#""/etc/shadow""#,
        23,
        "[run] env_file: `/etc/shadow` must be a relative path that stays inside the folder",
    ),
    (
        r#"["uploads"]"#,
        r#"["../../uploads"]"#,
        24,
        "[run] shared[0]: `../../uploads` must be a relative path that stays inside the folder",
    ),
    (
        r#""TERM""#,
        r#""KILL""#,
        26,
        "[run] stop_signal: `KILL` is not a stop signal; write TERM, INT, QUIT, HUP, USR1 or USR2",
    ),
    (
        "\"30s\"\n\n[health]",
        "\"a while\"\n\n[health]",
        27,
        "[run] stop_timeout: `a while` is not a duration; write for example 500ms, 5s, 15m or 2h",
    ),
    (
        r#""/documentation""#,
        r#""documentation""#,
        30,
        "[health] path: `documentation` is not a path; it begins with / and holds no spaces",
    ),
    (
        r#""/documentation""#,
        r#""/a path""#,
        30,
        "[health] path: `/a path` is not a path; it begins with / and holds no spaces",
    ),
    (
        r#"status = "200""#,
        r#"status = "2xx""#,
        31,
        "[health] status: `2xx` is not a set of HTTP statuses; write 200, 200-399 or 200,204",
    ),
    (
        r#""nginx/upstream.conf""#,
        r#""/etc/nginx/upstream.conf""#,
        36,
        "[nginx] switch: `/etc/nginx/upstream.conf` must be a relative path that stays inside the folder; an absolute one needs set_switch",
    ),
    (
        "style = ",
        "set_switch = [\"sudo\", \"set-switch\", \"cafeteria\"]\nstyle = ",
        36,
        "[nginx] switch: `nginx/upstream.conf` must be the absolute path that root's list names, since set_switch is given",
    ),
    (
        "style = ",
        "set_switch = []\nstyle = ",
        37,
        r#"[nginx] set_switch: the command is empty; write it as ["nginx", "-t"]"#,
    ),
    (
        r#""nginx/upstream.conf""#,
        r#""../upstream.conf""#,
        36,
        "[nginx] switch: `../upstream.conf` must be a relative path that stays inside the folder",
    ),
    (
        r#"test = ["nginx", "-t", "-q"]"#,
        "test = []",
        38,
        r#"[nginx] test: the command is empty; write it as ["nginx", "-t"]"#,
    ),
    (
        r#""http://127.0.0.1:20200""#,
        r#""http://10.0.0.1:20200""#,
        40,
        "[nginx] check: `http://10.0.0.1:20200` is not a check server on this machine; write it as http://127.0.0.1:PORT",
    ),
    (
        r#""http://127.0.0.1:20200""#,
        r#""127.0.0.1:20200""#,
        40,
        "[nginx] check: `127.0.0.1:20200` is not a check server on this machine; write it as http://127.0.0.1:PORT",
    ),
    (
        r#""http://127.0.0.1:20200""#,
        r#""http://127.0.0.1:20202""#,
        40,
        "[nginx] check: 20202 is the port of B; the check server needs its own",
    ),
    (
        r#"drain_timeout = "30s""#,
        "drain_timeout = \"30s\"\nssh = \"user@host\"",
        43,
        "[nginx] has no key `ssh`; there are switch, style, set_switch, test, reload, check, apply_timeout, drain_timeout",
    ),
    (r#"observe = "5s""#, r#"observe = "9999h""#, 46, "[deploy] observe: `9999h` is longer than a year"),
    (
        r#"observe = "5s""#,
        r#"watch = "5s""#,
        46,
        "[deploy] has no key `watch`; there are old, observe, hook_timeout",
    ),
];

/// A world with this configuration, right or wrong; nothing runs in it.
fn with(world: &World, text: &str) {
    world.write("flipside.toml", text);
}

fn empty() -> World {
    let world = world().without_nginx();
    world.make();
    world
}

#[test]
fn the_right_one_is_right() {
    let world = empty();
    with(&world, GOOD);
    world.run(["enabled-instance"]).exits_with(1).prints_nothing();
}

#[test]
fn each_mistake_has_its_message() {
    let world = empty();
    assert!(MISTAKES.len() >= 25);
    for (good, bad, line, problem) in MISTAKES {
        assert!(GOOD.contains(good), "{good}");
        with(&world, &GOOD.replacen(good, bad, 1));
        let file = world.home().join("flipside.toml").display().to_string();
        world
            .run(["enabled-instance"])
            .fails_with(2)
            .prints_nothing()
            .says_exactly(&format!("enabled-instance: {file}:{line}: {problem}"));
    }
}

/// The same for sockets.
const GOOD_SOCKETS: &str = r#"
name = "cafeteria"
[instance.A]
socket = "run/A.sock"
[instance.B]
socket = "run/B.sock"
[source]
git = "https://example.com/cafeteria.git"
[run]
command = "npm start"
[nginx]
style = "socket"
check = "http://127.0.0.1:20200"
"#;

const MISTAKES_OF_SOCKETS: &[(&str, &str, u32, &str)] = &[
    (
        "run/B.sock",
        "run/A.sock",
        5,
        "[instance.B] socket: `run/A.sock` is the socket of A, too; give B its own",
    ),
    (
        "run/B.sock",
        "./run//A.sock",
        5,
        "[instance.B] socket: `run/A.sock` is the socket of A, too; give B its own",
    ),
    (
        "run/B.sock",
        "/run/B.sock",
        6,
        "[instance.B] socket: `/run/B.sock` must be a relative path that stays inside the folder",
    ),
    (
        "run/B.sock",
        "run/the B.sock",
        5,
        "[instance.B] has a `socket` with other characters than letters, digits, / . _ and -; rename it",
    ),
    (
        "socket = \"run/B.sock\"",
        "port = 20202",
        5,
        "[instance.B] port: A has a socket; give both a port, or both a socket",
    ),
    (
        "style = \"socket\"\n",
        "",
        3,
        "[instance.A] socket: the style upstream needs ports; write [nginx] style = \"socket\", or give both a port",
    ),
    (
        "socket = \"run/A.sock\"\n[instance.B]\nsocket = \"run/B.sock\"",
        "port = 20201\n[instance.B]\nport = 20202",
        3,
        "[instance.A] port: the style socket needs sockets; write socket = \"run/A.sock\", and for B socket = \"run/B.sock\"",
    ),
    (
        "run/B.sock",
        "run/current.sock",
        5,
        "[instance.B] socket: `run/current.sock` is the path of the switch; give the instance its own",
    ),
    (
        "style = \"socket\"",
        "style = \"socket\"\nswitch = \"run/A.sock\"",
        3,
        "[instance.A] socket: `run/A.sock` is the path of the switch; give the instance its own",
    ),
    (
        "style = \"socket\"",
        "style = \"socket\"\nreload = [\"true\"]",
        13,
        "[nginx] reload: in the style socket nginx is neither tested nor reloaded, and root has no part; remove reload",
    ),
    (
        "style = \"socket\"",
        "set_switch = [\"sudo\", \"set-switch\", \"cafeteria\"]\nstyle = \"socket\"",
        12,
        "[nginx] set_switch: in the style socket nginx is neither tested nor reloaded, and root has no part; remove set_switch",
    ),
];

#[test]
fn each_mistake_with_sockets_has_its_message() {
    let world = empty();
    let file = world.home().join("flipside.toml").display().to_string();
    with(&world, GOOD_SOCKETS);
    world.run(["enabled-instance"]).exits_with(1).prints_nothing();
    for (good, bad, line, problem) in MISTAKES_OF_SOCKETS {
        assert!(GOOD_SOCKETS.contains(good), "{good}");
        with(&world, &GOOD_SOCKETS.replacen(good, bad, 1));
        let said = format!("enabled-instance: {file}:{line}: {problem}");
        world.run(["enabled-instance"]).fails_with(2).prints_nothing().says_exactly(&said);
    }
}

#[test]
fn a_socket_whose_path_is_too_long_for_the_kernel() {
    let world = empty();
    let room = 107 - world.home().join("run/").as_os_str().len();
    with(&world, &GOOD_SOCKETS.replace("B.sock", &"B".repeat(room)));
    world.run(["enabled-instance"]).exits_with(1).prints_nothing();
    with(&world, &GOOD_SOCKETS.replace("run/B.sock", &format!("run/{}", "B".repeat(room + 1))));
    let socket = world.home().join("run").join("B".repeat(room + 1)).display().to_string();
    let file = world.home().join("flipside.toml").display().to_string();
    world.run(["enabled-instance"]).fails_with(2).says_exactly(&format!(
        "enabled-instance: {file}:6: [instance.B] socket: {socket} has 108 bytes, and a socket's path has at most 107; \
         choose a shorter one, or move the home"
    ));
}

#[test]
fn every_command_refuses_a_bad_configuration_and_does_nothing() {
    let world = empty();
    with(&world, &GOOD.replace("port = 20202", "port = 20201"));
    let before = world.list("");
    for command in [
        "bootup",
        "check-health",
        "connect-to-nginx",
        "deploy",
        "disabled-port",
        "drain-instance",
        "logs",
        "pid",
        "releases",
        "start-instance",
        "status",
        "stop-instance",
        "update-instance",
    ] {
        let said = "flipside.toml:5: [instance.B] port: 20201 is the port of A, too; give B its own";
        world.run([command]).fails_with(2).prints_nothing().says_once(said);
    }
    assert_eq!(world.list(""), before);
}

#[test]
fn no_mistake_is_told_in_the_words_of_a_library() {
    let world = empty();
    for (good, bad, line) in [
        (r#"name = "cafeteria""#, "name = 7", 1),
        ("port = 20202", r#"port = "20202""#, 6),
        ("keep = 5", "keep = -1", 11),
        (r#""15m""#, "15", 15),
        (r#"key = ["package-lock.json"]"#, r#"key = "package-lock.json""#, 19),
        (r#""auto""#, r#""docker""#, 25),
        (r#"status = "200""#, "status = 200", 31),
        (r#"style = "upstream""#, r#"style = "variable""#, 37),
        (r#"test = ["nginx", "-t", "-q"]"#, r#"test = "nginx -t -q""#, 38),
        (r#"old = "keep""#, r#"old = "kill""#, 45),
    ] {
        with(&world, &GOOD.replacen(good, bad, 1));
        let ran = world.run(["enabled-instance"]).fails_with(2).says(&format!("flipside.toml:{line}: "));
        for word in ["invalid type", "invalid value", "unknown variant", "i64", "usize", "sequence"] {
            assert!(!ran.stderr().contains(word), "{bad}: {ran}");
        }
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let world = empty();
    for (good, bad, line) in [
        ("name = \"cafeteria\"", "name = cafeteria", 1),
        ("name = \"cafeteria\"", "name = \"cafeteria", 1),
        ("[run]\n", "[run\n", 21),
    ] {
        with(&world, &GOOD.replacen(good, bad, 1));
        world.run(["enabled-instance"]).fails_with(2).says(&format!("flipside.toml:{line}: "));
    }
}

#[test]
fn a_key_twice_and_keys_of_nowhere_are_named() {
    let world = empty();
    let name = "name = \"cafeteria\"\n";
    with(&world, &GOOD.replacen(name, &format!("{name}name = \"canteen\"\n"), 1));
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml:2: ").says("name");
    with(&world, &GOOD.replacen(name, &format!("{name}port = 80\n"), 1));
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml:2: ").says("no key `port`");
    with(&world, &GOOD.replace("[deploy]", "[deployment]"));
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml:44: ").says("`deployment`");
}

#[test]
fn an_address_that_git_would_take_for_an_option() {
    let world = empty();
    for address in ["", "--upload-pack=touch /tmp/x"] {
        with(&world, &GOOD.replace("https://example.com/cafeteria.git", address));
        let problem = format!("`{address}` is not the address of a git repository");
        world.run(["enabled-instance"]).fails_with(2).says("[source]").says(&problem);
    }
}

#[test]
fn an_empty_run_command() {
    let world = empty();
    with(&world, &GOOD.replace("command = \"npm start\"", "command = \"\""));
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml:22: [run] command");
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let world = empty();
    world.remove("flipside.toml");
    std::fs::create_dir(world.home().join("flipside.toml")).unwrap();
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml");
    std::fs::remove_dir(world.home().join("flipside.toml")).unwrap();
    std::fs::write(world.home().join("flipside.toml"), b"name = \"\xff\"\n").unwrap();
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml");
    std::fs::write(world.home().join("flipside.toml"), "").unwrap();
    world.run(["enabled-instance"]).fails_with(2).says("flipside.toml").says("is missing");
}

#[test]
fn a_home_reached_through_a_symlink_is_the_same_home() {
    let world = world().release("v1").deployed("v1");
    let link = world.folder().join("link");
    std::os::unix::fs::symlink(world.home(), &link).unwrap();
    let link = link.display().to_string();
    let pid = world.run(["pid"]).succeeds();
    world.run(["pid", "--home", &link]).succeeds().prints(pid.answer());
    world.run(["stop-instance", "a", "--force", "--home", &link]).succeeds();
    assert!(world.processes_of("A").is_empty());
}
