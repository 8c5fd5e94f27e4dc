//! What is taken over from whoever called us: as little as possible, so that an ssh session, cron and SSM get the same.

use std::env;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

use crate::environment::Variables;

/// What a process needs to find its programs, its user, its language and its way out. All else a session may have in
/// its environment (secrets, `LD_PRELOAD`, `GIT_DIR`, `NODE_OPTIONS`) stays there.
const NAMES: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];

/// The variables of the caller that an instance, a build and `env_command` get.
pub fn variables() -> Variables {
    let wanted = |name: &str| {
        let lower = name.to_ascii_lowercase();
        // ssh passes on what begins like this, whatever comes then.
        let is_locale =
            name.starts_with("LC_") && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase());
        NAMES.contains(&name) || PROXIES.contains(&lower.as_str()) || is_locale
    };
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let mut variables: Variables = env::vars_os().filter_map(text).filter(|(name, _)| wanted(name)).collect();
    variables.sort_unstable();
    variables
}

/// From now on no file of ours is writable for others, whatever the caller's umask; and none of our memory, in which
/// there are secrets, becomes a core dump. Those whom we start inherit both.
pub fn forget() {
    umask(Mode::from_raw_mode(0o022));
    let limit = getrlimit(Resource::Core);
    // Lowering it cannot fail.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..limit });
}
