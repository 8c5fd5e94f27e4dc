//! install, as far as it can be tried without changing the machine: what it says, what it refuses, and the user's part.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Ran, Running, World, is_root};

use crate::world;

/// A user that every system has, and that owns nothing.
const NOBODY: u32 = 65534;

const FLAGS: [&str; 8] = [
    "--name",
    "hello",
    "--git",
    "https://example.org/hello.git",
    "--run",
    "exec app --port=$PORT",
    "--ports",
    "20201,20202,20200",
];

/// Where a user other than root has its home; it is gone with the world.
fn home_of_nobody(world: &World) -> PathBuf {
    let folder = world.folder().join("nobody");
    fs::create_dir(&folder).unwrap();
    chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    // Who is not root must come to it.
    fs::set_permissions(world.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    folder.join("home")
}

/// The commands and man pages where everybody can read them, as an unpacked tarball is; the path of its `install`.
fn unpacked(world: &World) -> PathBuf {
    let (tarball, install) = (world.folder().join("flipside"), world.command(&["install"]));
    if !tarball.exists() {
        fs::create_dir_all(tarball.join("bin")).unwrap();
        let commands = Path::new(install.get_program()).parent().unwrap();
        for command in fs::read_dir(commands).unwrap().flatten().filter(is_program) {
            let to = tarball.join("bin").join(command.file_name());
            let linked = fs::hard_link(command.path(), &to);
            linked.or_else(|_| fs::copy(command.path(), to).map(drop)).unwrap();
        }
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
        assert!(Command::new("cp").arg("-r").arg(pages).arg(&tarball).status().unwrap().success());
    }
    tarball.join("bin/install")
}

fn is_program(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// As an ordinary user, with its home there.
#[track_caller]
fn as_nobody(world: &World, words: &[&str]) -> Ran {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(unpacked(world));
    command.args(words).arg("--home").arg(world.folder().join("nobody/home")).current_dir("/");
    command.env_remove("FLIPSIDE_HOME");
    Running::start(&format!("install {}", words.join(" ")), command).wait()
}

#[test]
fn what_nobody_has_said_is_named_by_its_flags() {
    if !is_root() {
        return;
    }
    let world = world();
    home_of_nobody(&world);
    as_nobody(&world, &[]).exits_with(3).prints_nothing().says("say it by --git, --name, --run");
    as_nobody(&world, &["--git", "https://example.org/x"]).exits_with(3).says("say it by --run");
    as_nobody(&world, &["--name", "hello"]).exits_with(3).says("say it by --git, --run");
    assert!(!world.folder().join("nobody/home").exists(), "nothing was done");
}

#[test]
fn without_consent_nothing_is_done() {
    if !is_root() {
        return;
    }
    let world = world();
    home_of_nobody(&world);
    as_nobody(&world, &FLAGS).exits_with(3).says("this needs consent").says("--force");
    assert!(!world.folder().join("nobody/home").exists(), "nothing was done");
}

#[test]
fn a_dry_run_shows_each_thing_and_makes_none() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    let words = [&FLAGS[..], &["--dry-run"]].concat();
    let ran = as_nobody(&world, &words).succeeds().says_nothing();
    for what in ["flipside.toml", "/env", "/bin ", "/share/man"] {
        assert!(
            ran.stdout().contains(&format!("{}{what}", if what.starts_with('/') { "home" } else { "home/" })),
            "{what}: {ran}"
        );
    }
    assert!(!home.exists(), "nothing was done");
    let plan = as_nobody(&world, &[&words[..], &["--json"]].concat()).succeeds().json();
    assert!(
        plan.as_array().unwrap().iter().all(|line| line["action"] == "make" && line["part"] == "user"),
        "{plan}"
    );
}

#[test]
fn the_users_part_is_done_without_root_and_what_root_has_to_run_is_said() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    let words = [&FLAGS[..], &["--force"]].concat();
    as_nobody(&world, &words).exits_with(3).says("what root has to run is").says("install --user nobody");

    let mode = |path: &str| fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        [mode(""), mode("flipside.toml"), mode("env"), mode("bin/deploy")],
        [0o700, 0o600, 0o600, 0o755]
    );
    let config = fs::read_to_string(home.join("flipside.toml")).unwrap();
    assert!(
        config.contains(r#"set_switch = ["sudo", "-n", "/usr/local/libexec/flipside/set-switch", "hello"]"#),
        "{config}"
    );
    assert!(config.contains("command = \"exec app --port=$PORT\""), "{config}");
    assert!(home.join("share/man/man1/deploy.1").exists());
    assert!(!home.join("bin/set-switch").exists(), "that one is root's");

    let before = fs::metadata(home.join("bin/deploy")).unwrap().ino();
    as_nobody(&world, &words).exits_with(3).says("everything is there; nothing was changed");
    assert_eq!(fs::metadata(home.join("bin/deploy")).unwrap().ino(), before);

    fs::write(home.join("bin/deploy"), "an older version").unwrap();
    as_nobody(&world, &[&words[..], &["--dry-run"]].concat()).succeeds().shows("1 of ");
    as_nobody(&world, &words).exits_with(3).says("changed ");
    assert_eq!(
        fs::metadata(home.join("bin/deploy")).unwrap().len(),
        fs::metadata(world.command(&["deploy"]).get_program()).unwrap().len()
    );

    as_nobody(&world, &["--uninstall", "--force"]).succeeds().says("removed ");
    assert!(!home.join("bin").exists() && home.join("flipside.toml").exists() && home.join("env").exists());
    as_nobody(&world, &["--uninstall", "--purge", "--force"]).succeeds();
    assert!(!home.exists());
}

#[test]
fn on_a_terminal_what_is_missing_is_asked_and_then_whether_to_go_on() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    // Enough answers on standard input would be no terminal: the terminal is script's.
    let answers = "https://example.org/hello.git\n\n\n\n\nexec app\n\n20201,20202,20200\ny\n";
    let line = format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups {} --home {}",
        unpacked(&world).display(),
        home.display()
    );
    let mut typed = Command::new("script");
    typed.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env_remove("FLIPSIDE_HOME");
    typed.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).current_dir("/");
    let mut typed = typed.spawn().unwrap();
    std::io::Write::write_all(&mut typed.stdin.take().unwrap(), answers.as_bytes()).unwrap();
    let shown = typed.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&shown.stdout);
    assert_eq!(shown.status.code(), Some(3), "{text}");
    assert!(text.contains("The app's name [hello]: ") && text.contains("Shall I set it up? [y/N]"), "{text}");
    let config = fs::read_to_string(home.join("flipside.toml")).unwrap();
    assert!(config.contains("name = \"hello\"") && config.contains("port = 20201"), "{config}");
}

#[test]
fn a_configuration_that_is_there_is_what_counts() {
    if !is_root() {
        return;
    }
    let world = world();
    home_of_nobody(&world);
    as_nobody(&world, &[&FLAGS[..], &["--force"]].concat()).exits_with(3);
    as_nobody(&world, &["--force"]).exits_with(3).says("everything is there");
    as_nobody(&world, &["--run", "something else"])
        .exits_with(2)
        .says("--run is not what")
        .says("exec app --port=$PORT");
}

#[test]
fn a_mistake_in_a_flag_is_named_before_anything_is_done() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    let with = |flag: &str, value: &str| {
        let mut words: Vec<&str> = FLAGS.to_vec();
        match words.iter().position(|word| *word == flag) {
            Some(index) => words[index + 1] = value,
            None => words.extend([flag, value]),
        }
        words.push("--force");
        as_nobody(&world, &words).exits_with(2).prints_nothing()
    };
    with("--name", "../x").says("cannot be an app's name");
    with("--ports", "20201,20201,20200").says("20201 is the port of A, too");
    with("--ports", "80").says("is not three ports");
    with("--git", "").says("is not the address of a git repository");
    with("--revision", "a..b").says("is not a revision");
    with("--health", "x").says("begins with /");
    with("--secrets", "/etc/hostname").says("secrets are taken encrypted only");
    with("--domain", "a;b").says("is not a domain");
    with("--user", "root").says("must not run as root");
    with("--user", "nosuchuser").says("there is no user `nosuchuser`");

    assert!(!home.exists(), "nothing was done");
}

#[test]
fn encrypted_secrets_become_the_env_file_and_lie_nowhere_else() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    let (key, bundle) = (world.folder().join("key"), world.folder().join("env.age"));
    let script = format!(
        "age-keygen -o {key} 2>/dev/null; chown {NOBODY} {key}; \
         printf 'TOKEN=hunter2\\n' | age -r $(age-keygen -y {key}) -o {bundle}; \
         printf 'hunter2\\n' | age -r $(age-keygen -y {key}) -o {bad}",
        key = key.display(),
        bundle = bundle.display(),
        bad = world.folder().join("bad.age").display()
    );
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    let bad = world.folder().join("bad.age").display().to_string();
    let secrets = |bundle: &str| {
        let key = key.display().to_string();
        let words = [&FLAGS[..], &["--force", "--secrets", bundle, "--identity", &key]].concat();
        as_nobody(&world, &words)
    };
    let refused = secrets(&bad).exits_with(2).says("line 1 of what it holds: not a NAME=value line");
    assert!(!refused.stderr().contains("hunter2"), "{refused}");
    let bundle = bundle.display().to_string();
    let made = secrets(&bundle).exits_with(3);
    assert!(!made.stdout().contains("hunter2") && !made.stderr().contains("hunter2"), "{made}");
    assert_eq!(fs::read_to_string(home.join("env")).unwrap(), "TOKEN=hunter2\n");
    assert_eq!(fs::metadata(home.join("env")).unwrap().permissions().mode() & 0o777, 0o600);
    secrets(&bundle).exits_with(3).says("everything is there");
    let held = Command::new("grep").args(["-rl", "hunter2"]).arg(world.folder()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&held.stdout).trim(), home.join("env").display().to_string());
}

#[test]
fn a_bundle_of_gpg_is_taken_as_well() {
    let world = world();
    let folder = world.folder().join("gpg");
    let script = format!(
        "set -e; mkdir -m 700 {gpg}; export GNUPGHOME={gpg}; exec 2>/dev/null; \
         gpg --batch --passphrase '' --quick-generate-key a@example.com default default never; \
         printf 'TOKEN=hunter2\\n' | gpg --batch --trust-model always -e -r a@example.com -o {gpg}/env.gpg",
        gpg = folder.display()
    );
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    let mut command = Command::new(unpacked(&world));
    command.args(FLAGS).args(["--dry-run", "--no-deploy", "--home"]).arg(world.folder().join("new"));
    command.args(["--user", "nobody", "--domain", "hello.example.org", "--packages", "--secrets"]);
    command.arg(folder.join("env.gpg")).env("GNUPGHOME", &folder).env_remove("FLIPSIDE_HOME");
    let shown = Running::start("install", command);
    let shown = shown.wait();
    // Its agent lives on for a while.
    let _ = Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("GNUPGHOME", &folder).status();
    if is_root() {
        shown.succeeds().shows("/new/env").shows_no("hunter2");
    }
}

#[test]
fn nothing_is_written_where_a_planted_symlink_points() {
    if !is_root() {
        return;
    }
    let world = world();
    let home = home_of_nobody(&world);
    let roots = world.folder().join("roots");
    fs::create_dir(&roots).unwrap();
    fs::write(roots.join("file"), "root's own").unwrap();
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    for (name, target) in [("bin", roots.clone()), ("env", roots.join("file")), ("share", roots.clone())] {
        symlink(target, home.join(name)).unwrap();
    }
    // What root itself would do is tried on a machine (tests/machine); here it only tells.
    let mut command = Command::new(unpacked(&world));
    command.args(FLAGS).args(["--user", "nobody", "--domain", "hello.example.org", "--force", "--packages"]);
    command.arg("--dry-run").arg("--home").arg(&home).env_remove("FLIPSIDE_HOME");
    Running::start("install", command).wait().succeeds();
    as_nobody(&world, &[&FLAGS[..], &["--force"]].concat()).exits_with(1).says("is a symlink");
    assert_eq!(fs::read_dir(&roots).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(roots.join("file")).unwrap(), "root's own");
}
