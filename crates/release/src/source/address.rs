//! A repository's address, which may hold a secret: that goes to git through its environment, never into a command line,
//! where everybody on the machine could read it, nor into what is printed.

use std::fmt;
use std::process::Command;

/// As git takes it, and what belongs to nobody else apart from it.
#[derive(Clone)]
pub struct Address {
    shown: String,
    /// Where it is not git's credential helper that tells the secret, git must be given all of it.
    whole: Option<String>,
    secret: Option<Secret>,
}

#[derive(Clone)]
struct Secret {
    /// The `https://host:port` that gets to see it.
    server: String,
    user: String,
    password: String,
    /// All the ways in which it may be printed.
    spellings: Vec<String>,
}

/// A credential helper (gitcredentials(7)) that answers from the environment.
const HELPER: &str = r#"!answer() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$FLIPSIDE_GIT_USER" "$FLIPSIDE_GIT_PASSWORD"; }; answer"#;

impl Address {
    pub fn new(address: &str) -> Self {
        let plain = || Self { shown: address.to_owned(), whole: None, secret: None };
        Self::with_secret(address).unwrap_or_else(plain)
    }

    /// `https://user:password@host/path`, or a token as the user's name. Other protocols use keys, but nobody keeps
    /// anybody from writing a password there.
    fn with_secret(address: &str) -> Option<Self> {
        let (protocol, rest) = address.split_once("://")?;
        let is_http = matches!(protocol, "http" | "https");
        let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, host) = server.rsplit_once('@')?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        if !is_http && password.is_empty() {
            return None;
        }
        // A name before a password is no secret; a name alone is a token.
        let raw = if password.is_empty() { user } else { password };
        let spellings = [raw.to_owned(), decoded(raw)].into_iter().filter(|text| !text.is_empty()).collect();
        let server = format!("{protocol}://{host}");
        let shown = format!("{server}{path}");
        let secret = Secret { server, user: decoded(user), password: decoded(password), spellings };
        let whole = (!is_http).then(|| address.to_owned());
        Some(Self { shown, whole, secret: Some(secret) })
    }

    /// Whether the repository is on this machine, so that nobody is asked for anything.
    pub fn is_a_path(&self) -> bool {
        self.shown.starts_with(['/', '.']) || self.shown.starts_with("file://")
    }

    /// Makes it the remote `name` for this command.
    pub fn give_to(&self, git: &mut Command, name: &str) {
        let given = self.whole.as_ref().unwrap_or(&self.shown);
        let mut settings = vec![(format!("remote.{name}.url"), given.as_str())];
        if let Some(secret) = self.secret.as_ref().filter(|_| self.whole.is_none()) {
            git.env("FLIPSIDE_GIT_USER", &secret.user).env("FLIPSIDE_GIT_PASSWORD", &secret.password);
            let key = format!("credential.{}.helper", secret.server);
            // The empty one puts away those that were configured before.
            settings.extend([(key.clone(), ""), (key, HELPER)]);
        }
        let before: usize =
            std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
        git.env("GIT_CONFIG_COUNT", (before + settings.len()).to_string());
        for (index, (key, value)) in (before..).zip(settings) {
            git.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
    }

    /// What git printed, without the secret.
    pub fn redact(&self, line: &str) -> String {
        let spellings = self.secret.iter().flat_map(|secret| &secret.spellings);
        spellings.fold(line.to_owned(), |line, secret| line.replace(secret, "***"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Without percent-encoding (RFC 3986, 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        for address in
            ["https://me:hunter%212@example.org:8443/x.git", "https://hunter%212@example.org:8443/x.git"]
        {
            let address = Address::new(address);
            assert_eq!(address.to_string(), "https://example.org:8443/x.git");
            assert_eq!(
                address.redact("failed for 'https://me:hunter%212@h' (hunter!2)"),
                "failed for 'https://me:***@h' (***)"
            );
            let mut git = Command::new("git");
            address.give_to(&mut git, "source");
            assert!(!git.get_args().any(|argument| argument.to_string_lossy().contains("hunter")));
            assert!(git.get_envs().any(|(_, value)| value.is_some_and(|value| value == "hunter!2")));
        }
    }

    #[test]
    fn a_password_where_keys_belong_is_shown_nowhere_either() {
        let address = Address::new("ssh://me:hunter2@example.org/x.git");
        assert_eq!(address.to_string(), "ssh://example.org/x.git");
        assert_eq!(address.redact("me:hunter2@example.org: no"), "me:***@example.org: no");
    }

    #[test]
    fn other_addresses_are_as_they_were() {
        for address in [
            "https://example.org/x@y.git",
            "ssh://git@example.org/x.git",
            "git@example.org:x.git",
            "../x.git",
        ] {
            assert_eq!(Address::new(address).to_string(), address);
        }
    }

    #[test]
    fn git_gets_the_secret_from_the_helper() {
        let mut git = Command::new("git");
        Address::new("https://me:hunter%212@example.org/x.git").give_to(&mut git, "source");
        git.args(["credential", "fill"]).env("GIT_TERMINAL_PROMPT", "0");
        git.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut git = git.spawn().unwrap();
        std::io::Write::write_all(&mut git.stdin.take().unwrap(), b"protocol=https\nhost=example.org\n\n")
            .unwrap();
        let answer = String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap();
        assert!(answer.contains("username=me\npassword=hunter!2\n"), "{answer}");
    }
}
