//! The instances, past nginx.

use std::fs;
use std::process::Command;

use super::built::demo_app;
use super::{SOON, World};
use crate::command::Running;
use crate::http::{self, Answer};
use crate::processes;

impl World {
    /// The id of the release that an instance has.
    #[track_caller]
    pub fn release_of(&self, instance: &str) -> String {
        let link = self.home().join("instances").join(instance);
        let target = fs::read_link(&link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        target.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// What an instance answers by itself.
    #[track_caller]
    pub fn get_from(&self, instance: &str, path: &str) -> Answer {
        let answer = http::get_at(&self.address(instance), path);
        answer.unwrap_or_else(|error| panic!("GET {path} from {instance}: {error}"))
    }

    /// Turns a switch of a running instance.
    #[track_caller]
    pub fn turn(&self, instance: &str, switch: &str, value: &str) {
        assert_eq!(self.get_from(instance, &format!("/turn?{switch}={value}")).status, 200);
    }

    /// Lets an instance answer what was asked of `/held`.
    #[track_caller]
    pub fn let_go(&self, instance: &str) {
        self.turn(instance, "HELD", "no");
    }

    /// All processes of an instance, as their mark tells.
    pub fn processes_of(&self, instance: &str) -> Vec<i32> {
        processes::with_environment("FLIPSIDE_PROCESS", &format!("{}#{instance}", self.home().display()))
    }

    /// How many connections there are to an instance.
    pub fn connections_to(&self, instance: &str) -> usize {
        match self.address(instance) {
            http::Address::Port(port) => processes::connections_to(port),
            http::Address::Socket(path) => processes::connections_to_socket(&path),
        }
    }

    /// An app that somebody else has started at an instance's address.
    pub fn foreign_app(&self, instance: &str) -> Running {
        self.make();
        let mut command = Command::new(demo_app());
        self.prepare(&mut command);
        match self.address(instance) {
            http::Address::Port(port) => command.args(["--port", &port.to_string()]),
            http::Address::Socket(path) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                command.arg("--socket").arg(path)
            }
        };
        let app = Running::start("demo-app", command);
        processes::eventually(SOON, "the foreign app listens", || self.listens(instance));
        app
    }

    /// Whether somebody listens at an instance's address.
    pub fn listens(&self, instance: &str) -> bool {
        match self.address(instance) {
            http::Address::Port(port) => processes::listens(port),
            http::Address::Socket(path) => http::accepts(&path),
        }
    }
}
