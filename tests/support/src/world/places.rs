//! Where the things of a world are.

use std::path::{Path, PathBuf};

use super::{Style, World};
use crate::http;

impl World {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The file that the site includes, or the symlink that it names.
    pub fn switch(&self) -> PathBuf {
        match &self.roots {
            _ if self.style == Style::Socket => self.home().join("run/current.sock"),
            Some(roots) => roots.join("demo.conf"),
            None => self.home().join("nginx/upstream.conf"),
        }
    }

    /// Root's list of apps, if root's command writes the switch.
    pub fn roots_list(&self) -> PathBuf {
        self.folder.join("roots/apps.toml")
    }

    /// The repository, or the folder whose states are the releases.
    pub fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    pub fn public_port(&self) -> u16 {
        self.ports.get(0)
    }

    pub fn check_port(&self) -> u16 {
        self.ports.get(1)
    }

    pub fn port(&self, instance: &str) -> u16 {
        match instance {
            "A" => self.ports.get(2),
            "B" => self.ports.get(3),
            _ => panic!("{instance} is no instance"),
        }
    }

    /// Where an instance listens in the style `socket`.
    pub fn socket(&self, instance: &str) -> PathBuf {
        self.home().join(format!("run/{instance}.sock"))
    }

    /// Where an instance listens.
    pub fn address(&self, instance: &str) -> http::Address {
        if self.style == Style::Socket {
            http::Address::Socket(self.socket(instance))
        } else {
            http::Address::Port(self.port(instance))
        }
    }

    /// One more port of this world's own, which nothing uses.
    pub fn spare_port(&self) -> u16 {
        self.ports.get(4)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.public_port())
    }
}
