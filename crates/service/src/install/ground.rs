//! What is there before anything is set up: who installs, for whom, into which home, and what was said before.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use state::config::SourceKind;
use state::{AppName, Config, IoContext as _};

use super::described::Arranged;
use super::record::Record;
use super::wishes::{Question, Wishes};
use super::{Account, Error, Result, described, ports};

/// Found out without changing anything.
pub struct Ground {
    pub account: Account,
    /// Whether root's part can be done.
    pub root: bool,
    pub home: PathBuf,
    /// `flipside.toml`, if there is one.
    pub configuration: Option<(Config, String)>,
    /// What root's part was told before.
    pub record: Option<Record>,
}

/// Whom the app is for, as long as nobody has said it.
pub fn whose(wishes: &Wishes) -> Vec<Question> {
    let asks = geteuid().is_root() && wishes.user.is_none();
    let default = std::env::var("SUDO_USER").ok().filter(|user| user != "root");
    let question = || Question::new("--user", "The user that the app runs as", default);
    asks.then(question).into_iter().collect()
}

impl Ground {
    pub fn find(wishes: &Wishes, home: Option<&Path>) -> Result<Self> {
        let root = geteuid().is_root();
        let account = match &wishes.user {
            Some(user) => Account::of(user)?,
            None => Account::mine()?,
        };
        if account.uid == 0 {
            return Err(Error::Usage("the app must not run as root; name an ordinary user: --user".into()));
        }
        if !root && !account.is_mine() {
            let name = &account.name;
            return Err(Error::Refused(format!("only root or {name} can install for {name}; use sudo")));
        }
        let home = home_of(&account, home)?;
        let configuration = account.with_its_rights(|| {
            let path = home.join("flipside.toml");
            if fs::symlink_metadata(&path).is_err() {
                return Ok(None);
            }
            if !fs::metadata(&path).on("cannot read", &path)?.is_file() {
                return Err(Error::Usage(format!("{} is not a file", path.display())));
            }
            let text = fs::read_to_string(&path).on("cannot read", &path)?;
            Ok(Some((Config::read(&path)?, text)))
        })?;
        let name = configuration.as_ref().map(|(config, _)| config.name.to_string());
        let record = match name.as_ref().or(wishes.name.as_ref()) {
            Some(name) => Record::of(name)?,
            None => None,
        };
        if let Some(Record { name, user, home: there, .. }) = &record
            && (*user != account.name || *there != home)
        {
            return Err(Error::Usage(format!(
                "{name} is installed for {user} in {} already; give this one another name, or the same user and home",
                there.display()
            )));
        }
        Ok(Self { account, root, home, configuration, record })
    }

    /// What is still to be asked, in this order.
    pub fn questions(&self, wishes: &Wishes) -> Vec<Question> {
        let mut questions = Vec::new();
        let mut ask = |said: &Option<String>, flag, text, default: Option<String>| {
            if said.is_none() {
                questions.push(Question::new(flag, text, default));
            }
        };
        if self.configuration.is_none() {
            let from_repository = wishes.git.is_some() || wishes.directory.is_none();
            let git = wishes.git.clone().or(wishes.directory.clone());
            ask(&git, "--git", "The git repository that releases come from", None);
            ask(&wishes.name, "--name", "The app's name", git.as_deref().and_then(name_of));
            if from_repository {
                let newest = Some("tag:v*".to_owned());
                ask(&wishes.revision, "--revision", "What to deploy when nobody says", newest);
            }
            ask(
                &wishes.build,
                "--build",
                "The command that builds a release, if it needs one",
                Some(String::new()),
            );
            let upstream = Some("upstream".to_owned());
            ask(&wishes.style, "--style", "How nginx reaches the instances, upstream or socket", upstream);
            let run = [
                "The command that runs an instance on $PORT",
                "The command that runs an instance on $SOCKET",
            ];
            ask(&wishes.run, "--run", run[usize::from(wishes.sockets())], None);
            ask(
                &wishes.health,
                "--health",
                "The path that a healthy instance answers with 200",
                Some("/".into()),
            );
            let (text, free) = if wishes.sockets() {
                ("The port of the check server", ports::free_one())
            } else {
                ("The ports of A, of B and of the check server", ports::free())
            };
            ask(&wishes.ports, "--ports", text, Some(free));
        }
        let text = self.configuration.as_ref().map_or("", |(_, text)| text);
        let has_site = described::arranged(text).ok() != Some(Arranged::Otherwise);
        if self.root && self.record.is_none() && has_site {
            ask(&wishes.domain, "--domain", "The domain of the site (_ answers to every name)", None);
        }
        questions
    }

    /// A file that is there is what counts; flags that say something else are a mistake.
    pub fn must_agree(&self, wishes: &Wishes) -> Result<()> {
        let Some((config, _)) = &self.configuration else { return Ok(()) };
        let (git, directory, revision) = match &config.source.kind {
            SourceKind::Git { address, revision } => (address.clone(), String::new(), revision.to_string()),
            SourceKind::Directory(path) => (String::new(), path.display().to_string(), String::new()),
        };
        let said = [
            ("--name", &wishes.name, config.name.to_string()),
            ("--git", &wishes.git, git),
            ("--directory", &wishes.directory, directory),
            ("--revision", &wishes.revision, revision),
            ("--build", &wishes.build, config.build.command.clone().unwrap_or_default()),
            ("--style", &wishes.style, described::style(config).to_owned()),
            ("--run", &wishes.run, config.run.command.clone()),
            ("--health", &wishes.health, config.health.path.as_str().to_owned()),
            ("--ports", &wishes.ports, described::ports(config)),
        ];
        for (flag, wish, there) in said {
            if wish.as_ref().is_some_and(|wish| *wish != there) {
                let file = self.home.join("flipside.toml");
                let there = release::without_secret(&there);
                return Err(Error::Usage(format!(
                    "{flag} is not what {} says, `{there}`; edit it there, and leave {flag} out",
                    file.display()
                )));
            }
        }
        Ok(())
    }
}

/// What the last part of a repository's address would be called: `cafeteria` of `https://example.org/cafeteria.git`.
fn name_of(source: &str) -> Option<String> {
    let last = source.trim_end_matches('/').rsplit(['/', ':']).next()?;
    AppName::try_from(last.trim_end_matches(".git").to_owned()).ok().map(|name| name.to_string())
}

fn home_of(account: &Account, named: Option<&Path>) -> Result<PathBuf> {
    let variable = std::env::var_os("FLIPSIDE_HOME").map(PathBuf::from);
    let home = named.map(Path::to_owned).or(variable).unwrap_or_else(|| account.folder.join(".flipside"));
    let home = std::path::absolute(&home).on("cannot find", &home)?;
    // It stands in files of systemd, cron and logrotate, each of which has its own idea of quoting.
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match home.to_str() {
        Some(text) if text.chars().all(plain) && !text.contains("/../") && !text.ends_with("/..") => Ok(home),
        _ => Err(Error::Usage(format!(
            "{} cannot be a home: use letters, digits, / . _ and -; name another: --home",
            home.display()
        ))),
    }
}
