//! What the person who installs has said so far.

use std::path::PathBuf;

use clap::Args;

/// Whatever is not said is asked on a terminal, or has a default.
#[derive(Args, Clone, Debug, Default)]
pub struct Wishes {
    /// The user that the app runs as; root sets up everything, the user itself only its home
    #[arg(long)]
    pub user: Option<String>,
    /// The app's name: letters, digits, - and _
    #[arg(long)]
    pub name: Option<String>,
    /// The git repository that releases come from
    #[arg(long, value_name = "ADDRESS", conflicts_with = "directory")]
    pub git: Option<String>,
    /// The folder that releases come from, instead of a repository
    #[arg(long, value_name = "DIR")]
    pub directory: Option<String>,
    /// What to deploy when nobody says: tag:GLOB, branch:NAME, a tag, a branch or a commit [default: tag:v*]
    #[arg(long, conflicts_with = "directory")]
    pub revision: Option<String>,
    /// The command that builds a release
    #[arg(long, value_name = "COMMAND")]
    pub build: Option<String>,
    /// How nginx reaches the instances: `upstream` (by ports) or `socket` (by Unix sockets) [default: upstream]
    #[arg(long)]
    pub style: Option<String>,
    /// The command that runs an instance; it finds its port in $PORT, or the path of its socket in $SOCKET
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// The path that a healthy instance answers with 200 [default: /]
    #[arg(long, value_name = "PATH")]
    pub health: Option<String>,
    /// The ports of A, of B and of the check server, with sockets of the latter alone [default: free ones]
    #[arg(long, value_name = "A,B,CHECK")]
    pub ports: Option<String>,
    /// The domain of the site, or several in quotes; `_` answers to every name
    #[arg(long)]
    pub domain: Option<String>,
    /// The site's certificate with its chain: then the site is served over TLS
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    pub certificate: Option<PathBuf>,
    /// The key of the certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub certificate_key: Option<PathBuf>,
    /// Install nginx, git, sudo (for sockets acl) and logrotate by apt-get, and these beside them (nodejs,npm …)
    #[arg(long, value_name = "LIST", num_args = 0..=1, default_missing_value = "")]
    pub packages: Option<String>,
    /// Secrets for the app, encrypted (.gpg or .age): they become the env file
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// The key that an .age file is encrypted for
    #[arg(long, value_name = "FILE", requires = "secrets")]
    pub identity: Option<PathBuf>,
}

/// Something to ask, if nobody has said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The flag that says it.
    pub flag: &'static str,
    pub text: &'static str,
    /// What an empty answer means; without one, there must be an answer.
    pub default: Option<String>,
}

impl Question {
    pub fn new(flag: &'static str, text: &'static str, default: Option<String>) -> Self {
        Self { flag, text, default }
    }
}

impl Wishes {
    pub(super) fn sockets(&self) -> bool {
        self.style.as_deref() == Some("socket")
    }

    pub fn answer(&mut self, question: &Question, answer: String) {
        let slot = match question.flag {
            "--user" => &mut self.user,
            "--name" => &mut self.name,
            "--git" => &mut self.git,
            "--revision" => &mut self.revision,
            "--build" => &mut self.build,
            "--style" => &mut self.style,
            "--run" => &mut self.run,
            "--health" => &mut self.health,
            "--ports" => &mut self.ports,
            "--domain" => &mut self.domain,
            flag => unreachable!("nobody asks for {flag}"),
        };
        *slot = Some(answer);
    }
}
