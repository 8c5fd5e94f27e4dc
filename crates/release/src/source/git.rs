//! A git repository, of which the home keeps a bare mirror.
//!
//! The repository is asked each time what its tags and branches are; the mirror is fetched only when it lacks the
//! commit that they name, and then only the one tag or branch, with its history: what came before makes the next one
//! small, and `git describe` and the beginnings of commits mean something. A branch, and a tag that was never deployed, is
//! fetched at once: over a network, a question before that takes as long as the fetch. Submodules are not fetched: an
//! export has their folders, empty (see [`crate::Prepared`]).

use std::cell::OnceCell;
use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use state::config::WantedRevision;
use state::process::{MARK, build_mark};
use state::{Home, builds, file};

use super::address::Address;
use super::{COMMIT_DIGITS, Fetch, Revision};
use crate::error::{Error, Result};
use crate::{tool, tree};

pub struct Repository<'a> {
    home: &'a Home,
    address: Address,
    has_own_ssh: OnceCell<bool>,
}

/// A tag or a branch and the commit that it names.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    name: String,
    commit: String,
}

/// With fewer digits, a commit may be meant that the mirror does not have.
const TELLING_DIGITS: usize = 7;
/// Whatever it does, it must not go on for ever.
const TIMEOUT: Duration = Duration::from_mins(10);
/// The name that the address has for git: one that no configuration file has.
const REMOTE: &str = "flipside-source";
const TAGS: &str = "refs/tags/";
const BRANCHES: &str = "refs/heads/";

impl<'a> Repository<'a> {
    pub fn new(home: &'a Home, address: &str) -> Self {
        Self { home, address: Address::new(address), has_own_ssh: OnceCell::new() }
    }

    pub fn resolve(&self, wanted: &WantedRevision, fetch: Fetch) -> Result<Revision> {
        if fetch == Fetch::IfNeeded
            && let Some(revision) = self.fetched_unasked(wanted)?
        {
            return Ok(revision);
        }
        let found = match wanted {
            WantedRevision::NewestTag(glob) => self.newest_tag(glob)?,
            WantedRevision::Branch(name) => self.named(name, &[BRANCHES])?,
            WantedRevision::Named(name) if is_full_commit(name) && self.has(name)? => Some(commit(name)),
            WantedRevision::Named(name) => match self.named(name, &[TAGS, BRANCHES])? {
                None if is_commit(name) => self.commit(name, fetch)?,
                found => found,
            },
        };
        match found {
            Some(revision) => Ok(revision),
            None => Err(self.unknown(wanted)?),
        }
    }

    /// What is as good as sure to be new: a branch moves, and a tag that the mirror lacks was never deployed. None if it is
    /// neither, or there is none: then the repository is asked.
    fn fetched_unasked(&self, wanted: &WantedRevision) -> Result<Option<Revision>> {
        let mirror = self.home.mirror();
        // Where git has packed it, it is fetched once more.
        let is_known = |name| [TAGS, BRANCHES].iter().any(|kind| mirror.join(kind).join(name).is_file());
        let (kind, name) = match wanted {
            WantedRevision::Branch(name) => (BRANCHES, name),
            WantedRevision::Named(name) if !is_commit(name) && !is_known(name) => (TAGS, name),
            WantedRevision::Named(_) | WantedRevision::NewestTag(_) => return Ok(None),
        };
        if !mirror.exists() || name.contains('*') {
            return Ok(None);
        }
        let reference = format!("{kind}{name}");
        match self.fetch_into(&mirror, Some(&reference)) {
            Err(Error::Tool { .. }) => return Ok(None),
            fetched => fetched?,
        }
        let mut git = self.git(&mirror);
        git.args(["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")]);
        let ended = tool::try_run(&mut git, || format!("cannot look for {name}"), TIMEOUT)?;
        let commit = String::from_utf8_lossy(&ended.output).trim().to_owned();
        let found = Reference { name: reference, commit };
        Ok(found.without(kind).filter(|revision| is_full_commit(&revision.commit)))
    }

    /// By version order, in which `v1.0.0-rc1` comes before `v1.0.0`.
    fn newest_tag(&self, glob: &str) -> Result<Option<Revision>> {
        let tags = self.references(&[TAGS], glob)?;
        Ok(tags.into_iter().find_map(|tag| tag.without(TAGS)))
    }

    /// Of the first of these kinds that has such a name.
    fn named(&self, name: &str, kinds: &[&str]) -> Result<Option<Revision>> {
        let references = self.references(kinds, name)?;
        let of_kind = |kind: &&str| {
            let full = format!("{kind}{name}");
            references.iter().find(|reference| reference.name == full)?.without(kind)
        };
        Ok(kinds.iter().find_map(of_kind))
    }

    fn commit(&self, digits: &str, fetch: Fetch) -> Result<Option<Revision>> {
        if let Some(revision) = self.in_mirror(digits)?
            && (digits.len() >= TELLING_DIGITS || fetch == Fetch::Never)
        {
            return Ok(Some(revision));
        }
        match fetch {
            Fetch::IfNeeded => {
                self.fetch(None)?;
                self.in_mirror(digits)
            }
            // Without its history, only the commits that have a name are known.
            Fetch::Never if is_full_commit(digits) => Ok(Some(commit(digits))),
            Fetch::Never => {
                let named = self.references(&[TAGS, BRANCHES], "*")?;
                Ok(named
                    .iter()
                    .find(|reference| reference.commit.starts_with(digits))
                    .map(|found| commit(&found.commit)))
            }
        }
    }

    /// The one commit in the mirror that begins with these digits.
    fn in_mirror(&self, digits: &str) -> Result<Option<Revision>> {
        if !self.home.mirror().exists() {
            return Ok(None);
        }
        let mut git = self.git(&self.home.mirror());
        git.args(["rev-parse", &format!("--disambiguate={digits}")]);
        // A mirror that cannot answer has no such commit: it is fetched, and mended by that.
        let ended = tool::try_run(&mut git, || format!("cannot look for {digits}"), TIMEOUT)?;
        let objects = String::from_utf8_lossy(&ended.output);
        let mut commits = Vec::new();
        for object in objects.lines().filter(|line| is_full_commit(line)) {
            if self.has(object)? {
                commits.push(object);
            }
        }
        match commits[..] {
            [] => Ok(None),
            [one] => Ok(Some(commit(one))),
            _ => Err(Error::AmbiguousCommit { revision: digits.to_owned() }),
        }
    }

    /// Whether the mirror has this commit, and so all that belongs to it.
    fn has(&self, commit: &str) -> Result<bool> {
        if !self.home.mirror().exists() {
            return Ok(false);
        }
        let mut git = self.git(&self.home.mirror());
        git.args(["cat-file", "-t", commit]);
        let ended = tool::try_run(&mut git, || format!("cannot look for {commit}"), TIMEOUT)?;
        Ok(ended.succeeded() && ended.output.trim_ascii() == b"commit")
    }

    /// What the repository's tags and branches are, the newest version first; `glob` as in git-ls-remote(1).
    fn references(&self, kinds: &[&str], glob: &str) -> Result<Vec<Reference>> {
        let mut git = self.git_without_repository();
        self.reach(&mut git);
        git.args(["-c", "versionsort.suffix=-", "ls-remote", "--quiet", "--sort=-version:refname"]);
        git.args(kinds.iter().map(|kind| if *kind == TAGS { "--tags" } else { "--heads" }));
        git.arg(REMOTE);
        git.args(kinds.iter().flat_map(|kind| [format!("{kind}{glob}"), format!("{kind}{glob}^{{}}")]));
        Ok(references_in(&self.run(&mut git, || format!("cannot read {}", self.address))?))
    }

    fn unknown(&self, wanted: &WantedRevision) -> Result<Error> {
        let (kind, one, some) = match wanted {
            WantedRevision::Branch(_) => (BRANCHES, "branch", "branches are"),
            _ => (TAGS, "tag", "newest tags are"),
        };
        let all = self.references(&[kind], "*")?;
        let names: Vec<_> =
            all.iter().take(5).filter_map(|reference| reference.name.strip_prefix(kind)).collect();
        let known = match names[..] {
            [] => format!("it has no {one}"),
            [name] => format!("its only {one} is {name}"),
            _ => format!("the {some} {}", names.join(", ")),
        };
        Ok(Error::UnknownRevision { revision: wanted.to_string(), address: self.address.to_string(), known })
    }

    /// Brings the mirror up to date with this tag or branch, or with all of them; or makes it. One that git can do nothing
    /// with any more (a crash has left a lock in it, a power cut a broken file) is made anew: the repository has just
    /// answered, so it is not that.
    fn fetch(&self, reference: Option<&str>) -> Result<()> {
        let mirror = self.home.mirror();
        if mirror.exists() {
            match self.fetch_into(&mirror, reference) {
                Err(Error::Tool { .. }) => {}
                done => return done,
            }
        }
        let new = beside(&mirror, "new");
        tree::remove(&new)?;
        // The source may be nobody else's business; and a template's hooks are none of ours.
        file::folder(&new)?;
        let mut git = self.git_without_repository();
        git.args(["init", "--quiet", "--bare", "--template="]).arg(&new);
        self.run(&mut git, || format!("cannot make {}", new.display()))?;
        let fetched = self.fetch_into(&new, reference);
        if fetched.is_err() {
            tree::remove(&new)?;
            return fetched;
        }
        tree::put_away(&mirror, &beside(&mirror, "old"))?;
        Ok(file::rename(&new, &mirror)?)
    }

    fn fetch_into(&self, mirror: &Path, reference: Option<&str>) -> Result<()> {
        builds::announce(self.home)?;
        let mut git = self.git(mirror);
        self.reach(&mut git);
        // What comes is kept as a pack, which is there as a whole or not at all; and what cleans up is waited for.
        git.args([
            "-c",
            "fetch.unpackLimit=1",
            "-c",
            "gc.autoDetach=false",
            "-c",
            "maintenance.autoDetach=false",
        ]);
        git.args(["fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head"]);
        git.args(["--no-tags", "--no-recurse-submodules", REMOTE]);
        match reference {
            Some(one) => git.arg(format!("+{one}:{one}")),
            None => git.args([TAGS, BRANCHES].map(|kind| format!("+{kind}*:{kind}*"))),
        };
        self.run(&mut git, || format!("cannot fetch from {}", self.address)).map(drop)
    }

    /// What `git archive` takes out of a commit, so without what `.gitattributes` marks `export-ignore`.
    pub fn export(&self, revision: &Revision, folder: &Path) -> Result<()> {
        if !self.has(&revision.commit)? {
            self.fetch(revision.reference.as_deref())?;
        }
        let archive =
            folder.with_file_name(format!("{}.tar", folder.file_name().unwrap_or_default().display()));
        let exported = self.archive(revision, &archive).and_then(|()| {
            let mut tar = Command::new("tar");
            tar.args(["--extract", "--no-same-owner", "--no-same-permissions", "--file"]).arg(&archive);
            tar.arg("--directory").arg(folder);
            tool::run(&mut tar, || format!("cannot export {}", revision.commit), TIMEOUT)
        });
        let _ = fs::remove_file(&archive);
        exported.map(drop)
    }

    fn archive(&self, revision: &Revision, archive: &Path) -> Result<()> {
        let commit = &revision.commit;
        let write = || {
            let mut git = self.git(&self.home.mirror());
            git.args(["archive", "--format=tar", "--output"]).arg(archive).arg(commit);
            self.run(&mut git, || format!("cannot export {commit}")).map(drop)
        };
        match write() {
            // Its tag or branch was moved between the question and the fetch.
            Err(Error::Tool { .. }) if revision.reference.is_some() && !self.has(commit)? => {
                self.fetch(None)?;
                write()
            }
            written => written,
        }
    }

    fn git(&self, repository: &Path) -> Command {
        let mut git = self.git_without_repository();
        git.env("GIT_DIR", repository);
        git
    }

    fn git_without_repository(&self) -> Command {
        let mut git = Command::new("git");
        tool::forget_repository(&mut git);
        // A relative address is meant from the home; a repository that the home is in has no say.
        git.current_dir(self.home.path()).env("GIT_CEILING_DIRECTORIES", self.home.path());
        git.env(MARK, build_mark(self.home));
        git
    }

    /// Lets it find the repository, without a question to anybody.
    fn reach(&self, git: &mut Command) {
        git.env("GIT_TERMINAL_PROMPT", "0");
        if !self.address.is_a_path() && !self.has_own_ssh.get_or_init(has_own_ssh) {
            git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        self.address.give_to(git, REMOTE);
    }

    fn run(&self, git: &mut Command, what: impl Fn() -> String) -> Result<String> {
        let output = tool::run(git, what, TIMEOUT).map_err(|error| match error {
            Error::Tool { what, problem, output } => {
                let output = output.iter().map(|line| self.address.redact(line)).collect();
                Error::Tool { what, problem, output }
            }
            other => other,
        })?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

impl Reference {
    fn without(&self, kind: &str) -> Option<Revision> {
        let name = self.name.strip_prefix(kind)?.to_owned();
        Some(Revision { name, commit: self.commit.clone(), reference: Some(self.name.clone()) })
    }
}

/// Lines of `git ls-remote`, in their order. An annotated tag has two: its own, and with `^{}` that of its commit.
fn references_in(text: &str) -> Vec<Reference> {
    let is_reference =
        |(commit, name): &(&str, &str)| is_full_commit(commit) && !name.contains(char::is_control);
    let lines = || text.lines().filter_map(|line| line.split_once('\t')).filter(is_reference);
    let commits: HashMap<_, _> =
        lines().filter_map(|(commit, name)| Some((name.strip_suffix("^{}")?, commit))).collect();
    lines()
        .filter(|(_, name)| !name.ends_with("^{}"))
        .map(|(own, name)| {
            let commit = commits.get(name).copied().unwrap_or(own).to_owned();
            Reference { name: name.to_owned(), commit }
        })
        .collect()
}

/// A revision that was asked for by its digits.
fn commit(full: &str) -> Revision {
    let full = full.to_ascii_lowercase();
    Revision { name: full[..COMMIT_DIGITS].to_owned(), commit: full, reference: None }
}

fn is_commit(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Of SHA-1 or of SHA-256.
fn is_full_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_commit(text)
}

/// Whether the user has told git how to call ssh.
fn has_own_ssh() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let configured = || {
        let mut git = Command::new("git");
        git.args(["config", "--get", "core.sshCommand"]).stdin(std::process::Stdio::null());
        git.output().is_ok_and(|output| output.status.success())
    };
    set("GIT_SSH_COMMAND") || set("GIT_SSH") || configured()
}

/// `.repository.git.new`
fn beside(path: &Path, suffix: &str) -> PathBuf {
    path.with_file_name(format!(".{}.{suffix}", path.file_name().unwrap_or_default().display()))
}
