//! Names and paths that mean something to a shell, to git or to a terminal.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use support::Running;

use crate::world;

#[test]
fn a_tag_that_is_a_command_or_an_option() {
    let world = world().release("v1").without_nginx();
    world.change("build.command", "'echo $RELEASE > id'");
    world.change("run.shared", r#"["uploads"]"#);
    world.commit_of("v1");
    let names = [
        "v1;touch planted".replace(' ', "${IFS}"),
        "v1$(touch${IFS}planted)".to_owned(),
        "v1`touch${IFS}planted`".to_owned(),
        "v1'\"&&touch".to_owned(),
        "v1|x>planted".to_owned(),
        "w/#%h\u{cc28}".to_owned(),
        "x".repeat(240),
    ];
    for name in &names {
        world.commit(&[("file", name)]);
        world.git(["update-ref", &format!("refs/tags/{name}"), "HEAD"]);
        let id = world.run(["update-instance", "a", name]).succeeds();
        let id = id.answer();
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c)), "{id}");
        assert_eq!(world.read("instances/A/id").trim_end(), id);
        assert!(world.exists(&format!("releases/{id}")));
    }
    for name in ["--upload-pack=touch planted".replace(' ', "${IFS}"), "-u./planted".to_owned()] {
        world.commit(&[("file", &name)]);
        world.git(["update-ref", &format!("refs/tags/{name}"), "HEAD"]);
        world.run(["update-instance", "a", &name]).fails_with(2);
        world.run(["update-instance", "a", &format!("tag:{name}")]).fails_with(2).says("is not a revision");
        let id = world.run(["update-instance", "a", "tag:[-]*"]).succeeds();
        assert!(!id.answer().starts_with('-'), "{id}");
    }
    for place in [world.folder().to_owned(), world.home(), world.home().join("instances/A")] {
        assert!(!place.join("planted").exists(), "{}", place.display());
    }
}

#[test]
fn an_argument_that_leads_out_of_the_home_or_is_an_option() {
    let world = world().release("v1").deployed("v1");
    for name in ["../../etc", "..", ".", "/etc", "releases/../..", "v1\nv2", "v1\x1b[2J", ""] {
        for words in [
            &["rollback", name][..],
            &["update-instance", "b", name],
            &["update-instance", "b", name, "--kept"],
        ] {
            let ran = Running::start(&words.join(" "), world.command(words)).wait();
            assert_ne!(ran.status(), 0, "{name:?}: {ran}");
            assert!(!ran.stderr().contains('\x1b'), "{name:?}: {ran}");
        }
    }
    let mut no_text = world.command(&["deploy"]);
    no_text.arg(OsStr::from_bytes(b"v1\xff"));
    Running::start("deploy", no_text).wait().fails_with(2);
    for option in ["--upload-pack=touch planted", "-u./x", "--kept", "--exec=x"] {
        world.run(["deploy", option]).fails_with(2);
        world.run(["rollback", option]).fails_with(2);
    }
    world.run(["deploy", &"x".repeat(100_000)]).fails_with(2).within_2000_characters();
    world.run(["rollback", &"x".repeat(100_000)]).within_2000_characters();
    world.serves("A", "v1");
}

#[test]
fn a_configuration_with_names_that_mean_something_else() {
    let world = world().release("v1").without_nginx();
    world.make();
    let long = "x".repeat(65);
    let cases = [
        ("name", "demo\\nserver"),
        ("name", "demo;}"),
        ("name", "../demo"),
        ("name", &long),
        ("source.revision", "v1\\nv2"),
        ("source.revision", "--upload-pack=x"),
        ("source.git", "--upload-pack=x"),
        ("source.git", "-u./x"),
        ("health.path", "/ HTTP/1.1\\r\\nX: y"),
        ("health.path", "/\\u0000"),
        ("health.path", "http://example.org/"),
        ("nginx.switch", "../upstream.conf"),
        ("nginx.switch", "nginx/a\\nb"),
        ("nginx.check", "http://127.0.0.1:1/; include /etc/passwd"),
        ("run.env_file", "../../etc/shadow"),
        ("run.env_file", "a\\u001b[2Jb"),
        ("run.shared", "[\"../..\"]"),
        ("run.shared", "[\"/etc\"]"),
    ];
    let good = world.config_text();
    for (key, value) in cases {
        let value = if value.starts_with('[') { value.to_owned() } else { format!("\"{value}\"") };
        world.change(key, &value);
        let ran = world.run(["status"]).fails_with(2);
        assert!(!ran.stderr().contains('\x1b'), "{key}: {ran}");
        world.write_config(good.clone());
    }
    fs::write(world.home().join("flipside.toml"), b"name = \"\xff\xfe\"\n").unwrap();
    world.run(["status"]).fails_with(2).says("it is not UTF-8");
}

#[test]
fn a_home_with_an_unusual_name() {
    let world = world().release("v1").without_nginx();
    world.make();
    for name in ["a b", "it's \"#1\" 100%", "$(touch planted);x", "-rf *", "\u{cc28}\u{c9d1}"] {
        let home = world.folder().join(name);
        fs::rename(world.home(), &home).unwrap();
        let run = |words: &[&str]| {
            let mut command = world.command(words);
            command.env("FLIPSIDE_HOME", &home);
            Running::start(&words.join(" "), command).wait()
        };
        run(&["update-instance", "a"]).succeeds();
        run(&["start-instance", "a"]).succeeds();
        run(&["status", "--json"]).shows("\"healthy\": true");
        run(&["stop-instance", "a", "--force"]).succeeds();
        fs::rename(&home, world.home()).unwrap();
    }
    assert!(!world.folder().join("planted").exists() && !world.home().join("planted").exists());
    let home = world.folder().join("two\nlines");
    fs::rename(world.home(), &home).unwrap();
    let mut command = world.command(&["status"]);
    command.env("FLIPSIDE_HOME", &home);
    Running::start("status", command).wait().fails_with(2).says("without control characters");
    fs::rename(&home, world.home()).unwrap();
}
