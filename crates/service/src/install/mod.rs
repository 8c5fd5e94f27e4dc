//! Setting up a server, as a list of things each of which is there already or is made: the user's part, which is the home,
//! with the user's rights; and root's part, which the user cannot change.

mod account;
mod described;
mod error;
mod ground;
mod home;
mod item;
mod plan;
mod ports;
mod record;
mod root;
mod tool;
mod wishes;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use state::linger::systemd_runs;
use state::{Config, IoContext as _, Port};

pub use account::Account;
pub use error::{Error, Result};
pub use ground::{Ground, whose};
pub use plan::{Action, Line, Part, Plan};
pub use wishes::{Question, Wishes};

use described::Arranged;
use home::{Commands, Configuration, Folder, Manual, Profile, Secrets};
use item::Item;
use record::Record;
use root::{
    Boot, Certificate, DefaultSite, Instances, Lingering, Listed, Logrotate, Nginx, Packages, SetSwitch,
    Site, Sudoers, Switch, Way,
};

/// What is to be set up when all is said.
pub struct Setup<'a> {
    ground: &'a Ground,
    wishes: &'a Wishes,
    config: Config,
    /// What flipside.toml is to hold.
    text: String,
    completed: bool,
    arranged: Arranged,
    /// Where the commands to install are.
    commands: PathBuf,
}

impl<'a> Setup<'a> {
    pub fn new(ground: &'a Ground, wishes: &'a Wishes) -> Result<Self> {
        ground.must_agree(wishes)?;
        let described = match &ground.configuration {
            Some((_, text)) => text.clone(),
            None => described::new(wishes)?,
        };
        let config = match &ground.configuration {
            Some((config, _)) => config.clone(),
            None => Config::parse(&described).map_err(|(_, problem)| Error::Usage(problem))?,
        };
        let (text, added) = described::with_switch(&described, &config.name.to_string())?;
        let exe = std::env::current_exe().on("cannot find", Path::new("install"))?;
        Ok(Self {
            ground,
            wishes,
            completed: added && ground.configuration.is_some(),
            arranged: described::arranged(&described)?,
            config,
            text,
            commands: exe.parent().unwrap_or(&exe).to_owned(),
        })
    }

    /// What the app's user could have changed, or anybody, is nothing for root to run.
    fn must_be_trusted(&self) -> Result<()> {
        let theirs = |path: &&Path| {
            fs::metadata(path).is_ok_and(|metadata| {
                let by_others = metadata.mode() & 0o002 != 0 && metadata.mode() & 0o1000 == 0;
                metadata.uid() == self.ground.account.uid || by_others
            })
        };
        let exe = self.commands.join("install");
        match exe.ancestors().find(theirs) {
            Some(path) if self.ground.root => Err(Error::Refused(format!(
                "{} could change what root runs ({} is theirs); unpack flipside as root where only root can write, as in /opt",
                self.ground.account.name,
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    pub fn plan(&self) -> Result<Plan> {
        self.must_be_trusted()?;
        let record = self.record();
        let home = Folder {
            path: self.ground.home.clone(),
            uid: self.ground.account.uid,
            has_sockets: self.arranged == Arranged::BySocket,
        };
        let mut items: Vec<(Part, Box<dyn Item>)> = vec![(Part::User, Box::new(home))];
        // Both are removed last, since they tell what else there is to remove.
        items.extend(record.clone().map(|record| (Part::Root, Box::new(record) as Box<dyn Item>)));
        if let Some(list) = &self.wishes.packages {
            items.push((Part::Root, Box::new(Packages::new(list, self.needed())?)));
        } else if self.ground.root {
            self.must_have_tools()?;
        }
        items.extend(self.of_user()?.into_iter().map(|item| (Part::User, item)));
        if let Some(record) = &record {
            items.extend(self.of_root(record)?.into_iter().map(|item| (Part::Root, item)));
        }
        if !self.ground.root {
            let (account, home) = (self.ground.account.clone(), self.ground.home.clone());
            items.push((Part::User, Box::new(Instances { account, home })));
        }
        let mut plan = Plan {
            account: self.ground.account.clone(),
            home: self.ground.home.clone(),
            for_root: None,
            items,
            root: self.ground.root,
        };
        let unfinished = |line: &Line| line.part == Part::Root && line.action.is_done();
        if !plan.root && (record.is_none() || plan.all_lines()?.iter().any(unfinished)) {
            plan.for_root = Some(self.command_for_root());
        }
        Ok(plan)
    }

    fn of_user(&self) -> Result<Vec<Box<dyn Item>>> {
        let (home, account) = (&self.ground.home, &self.ground.account);
        let decrypted = match &self.wishes.secrets {
            Some(bundle) => Some(home::decrypted(bundle, self.wishes.identity.as_deref())?),
            None => None,
        };
        let bin = home.join("bin");
        let mut items: Vec<Box<dyn Item>> = vec![
            Box::new(Configuration {
                path: home.join("flipside.toml"),
                text: self.text.clone(),
                completed: self.completed,
            }),
            Box::new(Secrets { path: home.join("env"), decrypted }),
            Box::new(Commands::new(bin.clone(), &self.commands)?),
            Box::new(Manual::new(home.join("share/man"), &self.commands)?),
        ];
        // A user of a service may have no folder, and nobody logs in as it.
        if account.folder.is_dir() {
            items.push(Box::new(Profile::new(&account.folder, &bin)));
        }
        Ok(items)
    }

    fn of_root(&self, record: &Record) -> Result<Vec<Box<dyn Item>>> {
        let (home, account) = (&self.ground.home, &self.ground.account);
        let name = self.config.name.to_string();
        let user = account.name.clone();
        record.must_have_ports_of_its_own()?;
        let mut items: Vec<Box<dyn Item>> = Vec::new();
        if systemd_runs() {
            let shared = record.has_a_neighbour()?;
            items.push(Box::new(Lingering { account: account.clone(), shared }));
        }
        if let Some([a, b]) = self.config.instance.ports().map(|ports| ports.map(Port::get)) {
            let listed = Listed { name: name.clone(), user: user.clone(), a, b };
            listed.must_be_free()?;
            if self.arranged == Arranged::BySetSwitch {
                let shared = listed.others()?;
                items.push(Box::new(SetSwitch::new(&self.commands, shared)?));
                items.push(Box::new(listed));
                items.push(Box::new(Switch { name: name.clone(), a }));
                items.push(Box::new(Sudoers { name: name.clone(), user: user.clone() }));
            }
        }
        let site = if self.has_site() { Some(self.site(record)?) } else { None };
        items.push(Box::new(Instances { account: account.clone(), home: home.clone() }));
        if let Some(site) = site {
            let check = site.check;
            if record.domain == "_" {
                items.push(Box::new(DefaultSite));
            }
            items.push(Box::new(site));
            items.push(Box::new(Nginx { check }));
        }
        items.push(Box::new(Boot { name: name.clone(), account: account.clone(), home: home.clone() }));
        items.push(Box::new(Logrotate { name, user, group: account.group.clone(), home: home.clone() }));
        Ok(items)
    }

    fn site(&self, record: &Record) -> Result<Site> {
        let certificate = record.certificate.clone().zip(record.certificate_key.clone());
        let site = Site {
            name: record.name.clone(),
            domain: record.domain.clone(),
            way: self.way(),
            check: self.check()?,
            certificate: certificate.map(|(file, key)| Certificate { file, key }),
        };
        site.must_be_plain()?;
        Ok(site)
    }

    /// By which nginx reaches whoever is enabled.
    fn way(&self) -> Way {
        let below = |path: &Path| self.ground.home.join(path);
        let sockets = self.config.instance.sockets().map(|sockets| sockets.map(|it| below(it.as_path())));
        sockets.map_or_else(
            || Way::Include(root::switch(&self.config.name.to_string())),
            |[a, b]| Way::Link { switch: below(self.config.nginx.switch.as_path()), a, b },
        )
    }

    fn has_site(&self) -> bool {
        self.arranged != Arranged::Otherwise
    }

    /// What root's part is told, now or before; None where only root could say.
    fn record(&self) -> Option<Record> {
        let before = self.ground.record.as_ref();
        let domain = self.wishes.domain.clone().or(before.map(|record| record.domain.clone()));
        let domain = if self.has_site() { domain? } else { domain.unwrap_or_default() };
        let wishes = self.wishes;
        let [a, b] = self.config.instance.ports().map_or([0, 0], |ports| ports.map(Port::get));
        let check = self.config.nginx.check.map_or(0, |check| check.address().port());
        Some(Record {
            ports: [a, b, check],
            name: self.config.name.to_string(),
            user: self.ground.account.name.clone(),
            home: self.ground.home.clone(),
            domain,
            certificate: wishes.certificate.clone().or(before.and_then(|record| record.certificate.clone())),
            certificate_key: wishes
                .certificate_key
                .clone()
                .or(before.and_then(|record| record.certificate_key.clone())),
        })
    }

    fn check(&self) -> Result<u16> {
        self.config.nginx.check.map(|check| check.address().port()).ok_or_else(|| {
            Error::Usage(
                "flipside.toml names no check server; add [nginx] check = \"http://127.0.0.1:20200\"".into(),
            )
        })
    }

    /// Commands, and Debian's packages that hold them.
    fn needed(&self) -> &'static [(&'static str, &'static str)] {
        match self.arranged {
            Arranged::BySetSwitch => {
                &[("nginx", "nginx"), ("git", "git"), ("visudo", "sudo"), ("logrotate", "logrotate")]
            }
            Arranged::BySocket => {
                &[("nginx", "nginx"), ("git", "git"), ("setfacl", "acl"), ("logrotate", "logrotate")]
            }
            Arranged::Otherwise => &[("git", "git"), ("logrotate", "logrotate")],
        }
    }

    fn must_have_tools(&self) -> Result<()> {
        let commands = self.needed().iter().map(|(command, _)| *command);
        let missing: Vec<_> = commands.filter(|name| !tool::is_installed(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "not installed: {}; install what is missing, or use --packages",
            missing.join(", ")
        )))
    }

    fn command_for_root(&self) -> String {
        let account = &self.ground.account;
        let mut words = vec![
            "sudo".to_owned(),
            self.commands.join("install").display().to_string(),
            format!("--user {}", account.name),
        ];
        if self.ground.home != account.folder.join(".flipside") {
            words.push(format!("--home {}", self.ground.home.display()));
        }
        if self.has_site() && self.ground.record.is_none() {
            words.push(format!("--domain {}", self.wishes.domain.as_deref().unwrap_or("DOMAIN")));
        }
        words.join(" ")
    }
}

/// What root has made, nobody else can take away; and without the home it would be of no use.
pub fn must_be_removable(plan: &Plan, ground: &Ground) -> Result<()> {
    if plan.root || ground.record.is_none() {
        return Ok(());
    }
    let user = &ground.account.name;
    Err(Error::Refused(format!(
        "root's part is there; root has to run: install --user {user} --home {} --uninstall",
        ground.home.display()
    )))
}

/// Stopped by `--uninstall`.
pub fn running(plan: &Plan) -> Vec<state::InstanceName> {
    root::running(&plan.account, &plan.home)
}
