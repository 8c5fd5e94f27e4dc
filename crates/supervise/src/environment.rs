//! What an instance is started with.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use state::config::Runtime;
use state::environment::{self, Variables};
use state::process::{MARK, instance_mark};
use state::{App, InstanceName, ReleaseId, caller, command, log};

use crate::error::{Error, Result, system};

/// A secret store may be slow; an operator at night is not to wonder for longer.
const ENV_COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes sure that the environment can be had.
pub fn rehearse(app: &App) -> Result<()> {
    env_file(app)?;
    env_command(app).map(drop)
}

/// All variables of an instance, those that count later.
pub fn variables(app: &App, instance: InstanceName, release: &ReleaseId) -> Result<Variables> {
    let home = &app.home;
    let own = [
        ("INSTANCE", instance.to_string()),
        ("APP", app.config.name.to_string()),
        ("RELEASE", release.to_string()),
        ("LOG_DIR", home.logs().display().to_string()),
        ("FLIPSIDE_HOME", home.path().display().to_string()),
    ];
    let address = app.address(instance);
    let host = address.port().map(|_| ("HOST", "127.0.0.1".to_owned()));
    let mut all = caller::variables();
    all.extend(
        [Some(address.variable()), host]
            .into_iter()
            .flatten()
            .chain(own)
            .map(|(name, value)| (name.to_owned(), value)),
    );
    all.extend(env_command(app)?);
    all.extend(env_file(app)?);
    all.push((MARK.to_owned(), instance_mark(home, instance)));
    Ok(all)
}

/// A hash of what decides how a release runs, besides the release: to know whether a deployment would change anything.
/// What env_command prints is left out, since it may be new each time.
pub fn settings(app: &App, instance: InstanceName) -> Result<String> {
    let run = &app.config.run;
    let mut hash = Sha256::new();
    let mut add = |text: &str| hash.update([text.as_bytes(), b"\0"].concat());
    add(&run.command);
    add(run.env_command.as_deref().unwrap_or_default());
    add(&app.address(instance).to_string());
    if let Some(bytes) = run.memory_max {
        add(&format!("memory_max {bytes}"));
    }
    if run.runtime != Runtime::Auto {
        add(&format!("runtime {:?}", run.runtime));
    }
    for (name, value) in env_file(app)? {
        add(&name);
        add(&value);
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// A file that was named must be there; the default one need not.
fn env_file(app: &App) -> Result<Variables> {
    let home = app.home.path();
    let path = match &app.config.run.env_file {
        Some(named) => home.join(named.as_path()),
        None if home.join("env").exists() => home.join("env"),
        None => return Ok(Variables::new()),
    };
    Ok(environment::read(&path)?)
}

fn env_command(app: &App) -> Result<Variables> {
    let Some(text) = &app.config.run.env_command else { return Ok(Variables::new()) };
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(text).current_dir(app.home.path());
    shell.env_clear().envs(caller::variables()).env("FLIPSIDE_HOME", app.home.path());
    let (ended, errors) =
        command::answer(&mut shell, ENV_COMMAND_TIMEOUT).map_err(system("cannot run [run] env_command"))?;
    let failed = |problem| Error::EnvCommand { problem, output: log::excerpt(&errors, 10, 160) };
    if !ended.succeeded() {
        return Err(failed(ended.in_words(ENV_COMMAND_TIMEOUT)));
    }
    let printed = String::from_utf8(ended.output).map_err(|_| failed("printed what is not UTF-8".into()))?;
    environment::parse(&printed)
        .map_err(|(line, problem)| failed(format!("printed a wrong line {line}: {problem}")))
}
