//! The source, and the revisions that are published there.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use super::World;

/// A release that is still being told of.
pub(super) struct Release {
    pub(super) name: String,
    pub(super) switches: Vec<(String, String)>,
    pub(super) files: Vec<(String, String)>,
}

impl World {
    pub(super) fn publish_pending(&self) {
        let Some(Release { name, switches, files }) = self.pending.take() else { return };
        let mut text = String::new();
        for (switch, value) in &switches {
            writeln!(text, "{switch}={value}").unwrap();
        }
        let mut all = vec![("switches", text.as_str())];
        all.extend(files.iter().map(|(path, content)| (path.as_str(), content.as_str())));
        if self.git {
            self.commit(&all);
            self.git(["tag", &name]);
        } else {
            self.put(&all);
        }
    }

    /// One more release, of a world that is in use.
    pub fn publish(&self, name: &str, switches: &[(&str, &str)]) {
        self.publish_pending();
        let version = [("VERSION", name)];
        let switches = version.iter().chain(switches);
        let switches = switches.map(|(switch, value)| ((*switch).to_owned(), (*value).to_owned()));
        let release = Release { name: name.to_owned(), switches: switches.collect(), files: Vec::new() };
        self.pending.replace(Some(release));
        self.publish_pending();
    }

    /// Commits these files beside those that are there; the commit's full name.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        if !self.source().join(".git").exists() {
            self.git(["init", "--quiet", "--initial-branch=main", "--template="]);
        }
        self.put(files);
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message=A change"]);
        self.git(["rev-parse", "HEAD"])
    }

    fn put(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = self.source().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    /// Runs git in the repository.
    #[track_caller]
    pub fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        let mut git = Command::new("git");
        self.prepare(&mut git);
        git.current_dir(self.source())
            .args(["-c", "user.name=A developer", "-c", "user.email=developer@example.com"])
            .args(["-c", "commit.gpgSign=false", "-c", "core.fsync=none", "-c", "gc.auto=0"])
            .args(arguments)
            .stdin(Stdio::null());
        let output = git.output().expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The commit of a revision, in full.
    #[track_caller]
    pub fn commit_of(&self, revision: &str) -> String {
        self.publish_pending();
        self.git(["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
    }

    /// What a tag's or branch's release is called.
    #[track_caller]
    pub fn id(&self, revision: &str) -> String {
        format!("{}-{}", revision.replace('/', "-"), &self.commit_of(revision)[..7])
    }
}
