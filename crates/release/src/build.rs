//! Building one release in a folder that begins with a dot, until it is whole.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use state::command::{self, End};
use state::process::{MARK, build_mark};
use state::{App, IoContext as _, Manifest, ReleaseId, builds, caller, file, hook, log};

use crate::error::{Error, Result};
use crate::tree;

/// How tools say that they may not write.
const REFUSED: [&str; 4] = ["EACCES", "EPERM", "ermission denied", "AccessDenied"];

/// Runs a command with its outputs going to a log.
type ToItsEnd = fn(&mut Command, &File, Duration) -> std::io::Result<command::Ended>;

/// Removed with all that is in it, unless it is finished.
pub struct Building<'a> {
    pub app: &'a App,
    pub id: ReleaseId,
    folder: PathBuf,
    log: File,
    /// Where the log was when this build began.
    begun: u64,
    /// Whether it has dependencies that it may not change.
    pub shares: bool,
    /// How many have been run.
    pub commands: usize,
    /// Words before a command.
    within: Vec<String>,
    finished: bool,
}

impl<'a> Building<'a> {
    pub fn begin(app: &'a App, id: ReleaseId, within: Vec<String>) -> Result<Self> {
        file::folder(&app.home.releases())?;
        builds::announce(&app.home)?;
        let folder = app.home.releases().join(format!(".{id}"));
        // Out of the way first: what an earlier build left running may still write into it.
        tree::put_away(&folder, &app.home.releases().join(format!(".{id}.old")))?;
        let log = file::open_log(&app.home.build_log(&id))?;
        let mut building =
            Self { app, id, folder, log, begun: 0, shares: false, commands: 0, within, finished: false };
        building.begun = building.log_length();
        building.make_folder()?;
        let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        building.tell(&format!("{}, {now}", building.id))?;
        Ok(building)
    }

    /// Nobody looks for it after a power cut: it need not be synced until it is whole.
    fn make_folder(&self) -> Result<()> {
        let made = DirBuilder::new().mode(0o700).create(&self.folder);
        Ok(made.on("cannot make the folder", &self.folder)?)
    }

    /// Away with all of it, and from the beginning.
    pub fn begin_anew(&mut self, why: &str) -> Result<()> {
        tree::put_away(&self.folder, &self.app.home.releases().join(format!(".{}.old", self.id)))?;
        self.make_folder()?;
        self.shares = false;
        self.begun = self.log_length();
        self.tell(why)
    }

    /// Whether it looks as if it failed because it may not change what it shares.
    pub fn was_refused_a_change(&self) -> bool {
        let said = || log::last_lines(&self.log_path(), self.begun, 1_000, 1_000);
        let refused = |line: &String| REFUSED.iter().any(|words| line.contains(words));
        self.shares && said().iter().any(refused)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn log_path(&self) -> PathBuf {
        self.app.home.build_log(&self.id)
    }

    /// Writes a line of ours into the log.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.log, "{line}").on("cannot write", &self.log_path())?)
    }

    /// A command of the configuration.
    pub fn run(&mut self, words: &str) -> Result<()> {
        self.tell(&format!("$ {words}"))?;
        let shell = ["/bin/sh", "-c", words];
        let mut all = self.within.iter().map(String::as_str).chain(shell);
        let mut shell = Command::new(all.next().expect("there is at least the shell"));
        shell.args(all);
        self.execute(shell, &format!("`{words}`"), self.app.config.build.timeout, command::logged_calmly)
    }

    /// A hook of the operator's, if there is one.
    pub fn hook(&mut self, name: &str) -> Result<()> {
        let described = format!("the hook {name}");
        let found =
            hook::find(&self.app.home, name).map_err(|failed| self.failed(&described, failed.problem, 0))?;
        let Some(path) = found else { return Ok(()) };
        self.tell(&format!("$ hooks/{name}"))?;
        self.execute(Command::new(path), &described, self.app.config.deploy.hook_timeout, command::logged)
    }

    fn execute(
        &mut self,
        mut command: Command,
        described: &str,
        timeout: Duration,
        to_its_end: ToItsEnd,
    ) -> Result<()> {
        self.commands += 1;
        let home = &self.app.home;
        command.current_dir(&self.folder).env_clear().envs(caller::variables());
        // Dependencies may come from private repositories.
        command.envs(std::env::var_os("SSH_AUTH_SOCK").map(|agent| ("SSH_AUTH_SOCK", agent)));
        command
            .env("APP", self.app.config.name.to_string())
            .env("RELEASE", self.id.as_str())
            .env("FLIPSIDE_HOME", home.path())
            .env(MARK, build_mark(home));
        let begin = self.log_length();
        match to_its_end(&mut command, &self.log, timeout) {
            Ok(ended) if ended.succeeded() => Ok(()),
            Ok(ended) => match ended.end {
                End::Interrupted(signal) => Err(state::Error::Interrupted(signal).into()),
                _ => Err(self.failed(described, ended.in_words(timeout), begin)),
            },
            Err(error) => Err(self.failed(described, format!("cannot be run: {error}"), begin)),
        }
    }

    fn failed(&self, described: &str, problem: String, begin: u64) -> Error {
        let log = self.log_path();
        let output = self.said_since(begin);
        Error::Build { id: self.id.clone(), command: described.to_owned(), problem, log, output }
    }

    /// Where the log ends now.
    pub fn log_length(&self) -> u64 {
        self.log.metadata().map_or(0, |metadata| metadata.len())
    }

    /// The end of what the log has beyond `begin`.
    pub fn said_since(&self, begin: u64) -> Vec<String> {
        log::last_lines(&self.log_path(), begin, 10, 160)
    }

    /// Writes the manifest, makes all of it durable at once, and gives it its name: nobody takes it for whole before that.
    pub fn finish(mut self, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
        let path = self.folder.join(Manifest::FILE);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(&text)).on("cannot write", &path)?;
        tree::sync(&self.folder)?;
        file::rename(&self.folder, &self.app.home.release(&self.id))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed by the next build or the next pruning.
            let _ = tree::remove(&self.folder);
        }
    }
}
