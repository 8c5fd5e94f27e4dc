//! Commands that are run in a world, as users run them.

use std::process::Command;

use super::World;
use super::built::commands;
use super::remains::{MARK, mark};
use crate::command::{Ran, Running};
use crate::processes;

impl World {
    /// Runs a command to its end: its name, then its arguments.
    #[track_caller]
    pub fn run<const N: usize>(&self, words: [&str; N]) -> Ran {
        self.start(words).wait()
    }

    /// The same, with these variables beside the others in its environment.
    #[track_caller]
    pub fn run_with<const N: usize>(&self, environment: &[(&str, &str)], words: [&str; N]) -> Ran {
        let mut command = self.command(&words);
        command.envs(environment.iter().copied());
        Running::start(&words.join(" "), command).wait()
    }

    #[track_caller]
    pub fn start<const N: usize>(&self, words: [&str; N]) -> Running {
        Running::start(&words.join(" "), self.command(&words))
    }

    /// Runs it as a person would: on a terminal.
    #[track_caller]
    pub fn in_terminal<const N: usize>(&self, words: [&str; N]) -> Ran {
        self.start_in_terminal(words).wait()
    }

    #[track_caller]
    pub fn start_in_terminal<const N: usize>(&self, words: [&str; N]) -> Running {
        Running::start_in_terminal(&words.join(" "), &self.command(&words))
    }

    /// `deploy RELEASE`; of a source directory, `deploy`.
    #[track_caller]
    pub fn deploy(&self, release: &str) -> Ran {
        if self.git { self.run(["deploy", release]) } else { self.run(["deploy"]) }
    }

    /// The command, told where the home is by its environment.
    pub fn command(&self, words: &[&str]) -> Command {
        self.make();
        let path = commands().join(words[0]);
        assert!(path.exists(), "{} is missing", path.display());
        let mut command = Command::new(path);
        command.args(&words[1..]);
        self.prepare(&mut command);
        command.env("FLIPSIDE_HOME", self.home());
        command
    }

    /// Takes out of the environment what would make a difference, and marks it.
    pub(super) fn prepare(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let ours = ["FLIPSIDE_", "GIT_", "CARGO", "CLICOLOR"].iter().any(|it| text.starts_with(it));
            let apps = ["NO_COLOR", "PORT", "SOCKET", "HOST", "INSTANCE", "RELEASE", "APP"].contains(&&*text);
            if ours || apps {
                command.env_remove(name);
            }
        }
        command.env(MARK, mark(&self.folder)).current_dir(&self.folder);
    }

    /// The commands that run, with all that they have started but the instances.
    pub fn commands_running(&self) -> Vec<i32> {
        let home = format!("FLIPSIDE_HOME={}", self.home().display());
        let of_an_instance = format!("FLIPSIDE_PROCESS={}#", self.home().display());
        processes::whose_environment(|it| it.holds(&home) && !it.holds(&of_an_instance))
    }
}
