//! The man pages and --help tell the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::world;

const COMMANDS: [&str; 20] = [
    "bootup",
    "check-health",
    "connect-to-nginx",
    "deploy",
    "deployments",
    "disabled-instance",
    "disabled-port",
    "drain-instance",
    "enabled-instance",
    "enabled-port",
    "install",
    "logs",
    "pid",
    "releases",
    "rollback",
    "set-switch",
    "start-instance",
    "status",
    "stop-instance",
    "update-instance",
];

/// Root's: it has no home, and is not typed by hand.
const ROOTS: &str = "set-switch";

fn page_of(command: &str) -> String {
    fs::read_to_string(project().join(format!("man/man1/{command}.1"))).unwrap()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `--dry-run` of a line of --help that describes an option: `  -n, --dry-run  ...`.
fn options_of_help(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| {
        let spelled = line.split("  ").next().unwrap_or(line);
        spelled.split([' ', ',', '=', '[']).filter(|word| word.starts_with('-')).collect::<Vec<_>>()
    });
    words.map(str::to_owned).collect()
}

/// The same of the list of options on a page in mdoc: `.It Fl n , Fl -dry-run`.
fn options_of_page(text: &str) -> BTreeSet<String> {
    let items = text.lines().filter_map(|line| line.strip_prefix(".It Fl "));
    let options = items.flat_map(|item| item.split(" Fl ").collect::<Vec<_>>());
    options.map(|option| format!("-{}", option.split_whitespace().next().unwrap_or_default())).collect()
}

#[test]
fn every_command_has_a_page_and_every_page_a_command() {
    let names = fs::read_dir(project().join("man/man1")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let pages: BTreeSet<String> = names.map(|name| name.replace(".1", "")).collect();
    assert_eq!(pages, COMMANDS.map(str::to_owned).into());
    let sources: BTreeSet<String> = fs::read_dir(project().join("bin"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    assert_eq!(sources, pages);
    let package = fs::read_to_string(project().join("bin/flipside/main.rs")).unwrap();
    for command in COMMANDS.into_iter().filter(|command| *command != "set-switch") {
        assert!(package.contains(&format!("\"../{command}.rs\"")), "{command} is in no package");
    }
    for page in ["man/man5/flipside.toml.5", "man/man7/flipside.7"] {
        assert!(project().join(page).exists(), "{page}");
    }
}

#[test]
fn each_page_lists_the_options_of_help() {
    let world = world();
    for command in COMMANDS {
        let help = world.run([command, "--help"]).succeeds().says_nothing();
        let page = page_of(command);
        assert_eq!(options_of_page(&page), options_of_help(help.stdout()), "{command}\n{help}");
        let of_all = ["--help", "-h", "--version", "-V"];
        let of_users = ["--home", "--quiet", "-q"].iter().filter(|_| command != ROOTS);
        for option in of_all.iter().chain(of_users) {
            assert!(options_of_help(help.stdout()).contains(*option), "{command} has no {option}");
        }
    }
}

#[test]
fn each_page_names_itself_in_one_line_as_help_does() {
    for command in COMMANDS {
        let page = page_of(command);
        assert!(page.contains(&format!(".Nm {command}\n.Nd ")), "{command}");
        for section in ["SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            assert!(page.contains(&format!(".Sh {section}\n")), "{command} has no {section}");
        }
    }
}

#[test]
fn every_command_that_is_typed_is_completed_but_install_which_is_coreutils_own() {
    let completions = fs::read_to_string(project().join("share/completions/flipside.bash")).unwrap();
    let completed = completions.split_once("complete -F _flipside ").unwrap().1.replace("\\\n", " ");
    let completed: BTreeSet<&str> = completed.split_whitespace().collect();
    let typed = COMMANDS.into_iter().filter(|command| !["install", ROOTS].contains(command));
    assert_eq!(completed, typed.collect());
}

#[test]
fn every_command_tells_its_version() {
    let world = world();
    for command in COMMANDS {
        let version = world.run([command, "--version"]).succeeds().says_nothing();
        assert!(version.answer().ends_with(concat!(" ", env!("CARGO_PKG_VERSION"))), "{version}");
        world.run([command, "-V"]).succeeds().prints(version.answer());
    }
}

#[test]
fn every_command_refuses_what_it_does_not_know() {
    let world = world();
    for command in COMMANDS {
        world.run([command, "--frobnicate"]).exits_with(2).prints_nothing().says("--frobnicate");
    }
}

#[test]
fn every_key_of_the_configuration_is_on_its_page() {
    let page = fs::read_to_string(project().join("man/man5/flipside.toml.5")).unwrap();
    for key in [
        "name",
        "user",
        "port",
        "git",
        "directory",
        "revision",
        "keep",
        "command",
        "timeout",
        "path",
        "key",
        "env_file",
        "env_command",
        "shared",
        "runtime",
        "stop_signal",
        "stop_timeout",
        "memory_max",
        "status",
        "contains",
        "start_timeout",
        "switch",
        "set_switch",
        "style",
        "test",
        "reload",
        "check",
        "apply_timeout",
        "drain_timeout",
        "old",
        "observe",
        "hook_timeout",
    ] {
        let told = [format!("Cm {key}\n"), format!("Cm {key} "), format!("Ic {key}\n"), format!("Ic {key} ")];
        assert!(told.iter().any(|told| page.contains(told)), "{key}");
    }
}
