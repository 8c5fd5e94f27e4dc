//! flipside.toml.

use std::collections::HashSet;
use std::path::{Component, Path};

use state::Config;
use state::config::{SourceKind, SwitchPath};

pub fn check(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else { return };
    match Config::parse(text) {
        Ok(config) => keeps_its_promises(&config),
        Err((line, problem)) => {
            assert!(!problem.trim().is_empty());
            assert!(line.is_none_or(|line| (1..=text.lines().count() + 1).contains(&line)), "{line:?}");
        }
    }
}

fn keeps_its_promises(config: &Config) {
    let check = config.nginx.check.map(|check| check.address().port());
    let of_instances = config.instance.ports().into_iter().flatten().map(|port| Some(port.get()));
    let ports: Vec<_> = of_instances.chain([check]).collect();
    let distinct: HashSet<_> = ports.iter().flatten().collect();
    assert_eq!(distinct.len(), ports.iter().flatten().count(), "{ports:?}");

    let dependencies = config.build.dependencies.as_ref();
    let of_dependencies =
        dependencies.into_iter().flat_map(|dependencies| dependencies.key.iter().chain([&dependencies.path]));
    let paths = config.run.shared.iter().chain(&config.run.env_file).chain(of_dependencies);
    for path in paths {
        stays_below(path.as_path());
    }
    match (&config.nginx.switch, &config.nginx.set_switch) {
        (SwitchPath::InTheHome(path), None) => stays_below(path.as_path()),
        (SwitchPath::Roots(path), Some(_)) => assert!(path.as_path().is_absolute()),
        other => panic!("{other:?}"),
    }

    for words in [&config.nginx.test, &config.nginx.reload].into_iter().chain(&config.nginx.set_switch) {
        assert!(!words[0].is_empty());
        for word in words {
            can_be_an_argument(word);
        }
    }
    can_be_an_argument(&config.run.command);
    let optional = [&config.run.env_command, &config.build.command];
    optional.into_iter().flatten().for_each(|command| can_be_an_argument(command));
    if let Some(dependencies) = dependencies {
        can_be_an_argument(&dependencies.command);
    }
    match &config.source.kind {
        SourceKind::Git { address, .. } => {
            can_be_an_argument(address);
            assert!(!address.starts_with('-'));
        }
        SourceKind::Directory(folder) => can_be_an_argument(&folder.to_string_lossy()),
    }

    let name = config.name.to_string();
    assert!(
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
}

fn stays_below(path: &Path) {
    assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{}", path.display());
    assert!(path.file_name().is_some());
    can_be_an_argument(&path.to_string_lossy());
}

/// Nothing that a program can be given holds a NUL.
fn can_be_an_argument(text: &str) {
    assert!(!text.is_empty() && !text.contains('\0'), "{text:?}");
}
