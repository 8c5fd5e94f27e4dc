//! A home and a repository for one test, removed with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use state::App;
use state::config::WantedRevision;

use crate::{Prepared, Result};

/// A folder of the test's own.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("flipside-release-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = crate::tree::remove(&self.0);
    }
}

pub struct World {
    scratch: Scratch,
    source: String,
    sections: String,
}

impl World {
    /// With a repository that has one commit, tagged v1.
    pub fn new() -> Self {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("home")).unwrap();
        let world = Self {
            scratch,
            source: "git = \"../app\"\nkeep = 2".into(),
            sections: "[run]\ncommand = \"true\"\n".into(),
        };
        world.git(&["init", "--quiet", "--initial-branch=main", "."]);
        world.git(&["config", "user.name", "A Developer"]);
        world.git(&["config", "user.email", "developer@example.org"]);
        world.revision("v1")
    }

    /// The lines of `[source]`.
    pub fn source(mut self, lines: &str) -> Self {
        self.source = lines.to_owned();
        self
    }

    /// `[build]`, `[run]` and whatever else.
    pub fn sections(mut self, text: &str) -> Self {
        self.sections = text.to_owned();
        self
    }

    /// Commits a file `version` with this text, and tags it so.
    pub fn revision(self, tag: &str) -> Self {
        self.commit("version", tag);
        self.git(&["tag", "--annotate", "--message", tag, tag]);
        self
    }

    pub fn commit(&self, file: &str, text: &str) {
        self.write(&format!("app/{file}"), text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", text]);
    }

    /// Writes a file below the world's folder.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.scratch.path().join(path)
    }

    /// The names in a folder, sorted.
    pub fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let folder = self.path("app");
        fs::create_dir_all(&folder).unwrap();
        let output = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn app(&self) -> App {
        let Self { source, sections, .. } = self;
        let text = format!(
            "name = \"cafeteria\"\n[instance.A]\nport = 20201\n[instance.B]\nport = 20202\n[source]\n{source}\n{sections}\n[nginx]\n"
        );
        self.write("home/flipside.toml", &text);
        App::open(Some(&self.path("home"))).unwrap()
    }

    pub fn prepare(&self, revision: &str) -> Result<Prepared> {
        crate::prepare(&self.app(), wanted(revision).as_ref(), Vec::new)
    }

    /// What came of it: the id, with a `+` if it was built now.
    pub fn built(&self, revision: &str) -> String {
        let Prepared { manifest, built, .. } =
            self.prepare(revision).unwrap_or_else(|error| panic!("{error}: {:?}", error.quoted()));
        format!("{}{}", manifest.id, if built { "+" } else { "" })
    }

    /// The id that a revision has.
    pub fn id(&self, revision: &str) -> String {
        let digits = self.git(&["rev-parse", "--short=7", &format!("{revision}^{{commit}}")]);
        format!("{}-{digits}", revision.replace('/', "-"))
    }
}

/// None for the empty text.
pub fn wanted(revision: &str) -> Option<WantedRevision> {
    Some(revision).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap())
}
