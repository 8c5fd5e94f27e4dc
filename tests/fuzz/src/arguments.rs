//! What is typed as an argument, or written as a value: names, revisions, durations.

use std::fmt::Display;
use std::path::Component;
use std::str::FromStr;

use state::config::{CheckServer, HttpPath, Signal, StatusSet, WantedRevision};
use state::{AbsolutePath, AppName, InstanceName, RelativePath, ReleaseId, duration, size};

pub fn check(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else { return };
    let parse = text.parse::<InstanceName>();
    same_when_written(parse, FromStr::from_str);
    if let Some(revision) = same_when_written(text.parse::<WantedRevision>(), FromStr::from_str) {
        a_name_is_no_option(&revision);
    }
    of_string::<AppName>(text);
    of_string::<CheckServer>(text);
    of_string::<Signal>(text);
    of_string::<StatusSet>(text);
    if let Some(id) = of_string::<ReleaseId>(text) {
        assert_eq!(std::path::Path::new(id.as_str()).components().count(), 1, "{id}");
    }
    if let Some(path) = of_string::<RelativePath>(text) {
        assert!(path.as_path().components().all(|part| matches!(part, Component::Normal(_))), "{path}");
    }
    if let Ok(path) = HttpPath::try_from(text.to_owned()) {
        assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Ok(path) = AbsolutePath::try_from(text.to_owned()) {
        let mut parts = path.as_path().components();
        assert_eq!(parts.next(), Some(Component::RootDir));
        assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{}", path.as_path().display());
    }
    if let Ok(size) = size::parse(text) {
        assert!(size > 0 && size % 1024 == 0, "{size}");
    }
    if let Ok(time) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::as_written(time)), Ok(time));
        assert!(!duration::in_words(time).is_empty());
    }
    if let Ok(number) = text.parse::<u64>() {
        assert!(size::in_words(number).len() < 20);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        assert!(!duration::in_words(duration::of_seconds(seconds)).is_empty());
    }
}

/// git must never take it for anything but a name.
fn a_name_is_no_option(revision: &WantedRevision) {
    let (WantedRevision::NewestTag(name) | WantedRevision::Branch(name) | WantedRevision::Named(name)) =
        revision;
    assert!(!name.starts_with('-') && !name.contains(char::is_control) && !name.contains(".."), "{name}");
}

fn of_string<T>(text: &str) -> Option<T>
where
    T: TryFrom<String, Error = String> + Display + PartialEq + std::fmt::Debug,
{
    same_when_written(T::try_from(text.to_owned()), |text| T::try_from(text.to_owned()))
}

fn same_when_written<T: Display + PartialEq + std::fmt::Debug>(
    parsed: Result<T, String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    match parsed {
        Ok(value) => {
            assert_eq!(parse(&value.to_string()).as_ref(), Ok(&value));
            Some(value)
        }
        Err(problem) => {
            assert!(!problem.is_empty());
            None
        }
    }
}
