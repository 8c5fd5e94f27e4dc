//! Root's list of the apps: what set-switch(1) does for users is bounded by it.

use std::path::PathBuf;

use nginx::root::List;
use state::InstanceName;

pub fn check(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else { return };
    match List::parse(PathBuf::from("/etc/flipside/apps.toml"), text) {
        Ok(list) => {
            let Ok(app) = list.app(&crate::app().config.name) else { return };
            assert!(!app.user.is_empty());
            for target in [None, Some(InstanceName::A), Some(InstanceName::B)] {
                let switch = app.switch();
                let text = switch.text(target);
                assert_eq!(switch.interpret(&text).enabled(), target, "{text}");
                assert_eq!(text.lines().count(), 2, "{text}");
            }
        }
        Err((line, problem)) => {
            assert!(!problem.trim().is_empty());
            assert!(line.is_none_or(|line| (1..=text.lines().count() + 1).contains(&line)), "{line:?}");
        }
    }
}
