use std::fs;
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};

use super::nginx;
use crate::install::item::{Found, Item, Removal, difference, look_at, write};
use crate::install::{Error, Result, record};

/// The site file. Once it is written, the operator and certbot may change it, and then it is theirs.
pub struct Site {
    pub name: String,
    /// As nginx takes it: several are separated by spaces; `_` is every name.
    pub domain: String,
    pub way: Way,
    pub check: u16,
    pub certificate: Option<Certificate>,
}

/// By which nginx reaches the instance that is enabled.
pub enum Way {
    /// The switch is a file of root's that the site includes.
    Include(PathBuf),
    /// The switch is a symlink of the user's to the socket of A or B.
    Link { switch: PathBuf, a: PathBuf, b: PathBuf },
}

pub struct Certificate {
    pub file: PathBuf,
    pub key: PathBuf,
}

const SITES: &str = "/etc/nginx/sites-available";
const ENABLED: &str = "/etc/nginx/sites-enabled";

impl Site {
    /// That nothing in it means something else to nginx.
    pub fn must_be_plain(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-* ".contains(c);
        if self.domain.trim().is_empty() || !self.domain.chars().all(plain) {
            return Err(Error::Usage(format!(
                "--domain: `{}` is not a domain; write hello.example.org",
                self.domain
            )));
        }
        let files = self.certificate.iter().flat_map(|it| [&it.file, &it.key]);
        let sockets = match &self.way {
            Way::Include(_) => Vec::new(),
            Way::Link { switch, a, b } => vec![switch, a, b],
        };
        for path in files.chain(sockets) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            if !path.is_absolute() || !path.to_str().is_some_and(|path| path.chars().all(plain)) {
                let path = path.display();
                return Err(Error::Usage(format!(
                    "{path}: write the whole path, in letters, digits, / . _ and -"
                )));
            }
        }
        Ok(())
    }

    fn is_debians() -> bool {
        let to_come =
            !Path::new("/etc/nginx/nginx.conf").exists() && Path::new("/etc/debian_version").exists();
        to_come || (Path::new(SITES).is_dir() && Path::new(ENABLED).is_dir())
    }

    fn path(&self) -> PathBuf {
        let folder = if Self::is_debians() { SITES } else { "/etc/nginx/conf.d" };
        Path::new(folder).join(format!("{}.conf", self.name))
    }

    /// On Debian and its kin, what makes it count.
    fn link(&self) -> Option<PathBuf> {
        Self::is_debians().then(|| Path::new(ENABLED).join(format!("{}.conf", self.name)))
    }

    fn is_linked(&self) -> bool {
        self.link().is_none_or(|link| fs::canonicalize(link).ok() == fs::canonicalize(self.path()).ok())
    }

    /// As it was written the last time.
    fn written(&self) -> PathBuf {
        record::folder(&self.name).join("site.conf")
    }

    fn text(&self) -> String {
        let ipv6 = Path::new("/proc/net/if_inet6").exists();
        self.text_for(nginx::version(), ipv6)
    }

    /// As this nginx takes it; of one that nobody knows, as all take it.
    fn text_for(&self, version: Option<(u32, u32, u32)>, ipv6: bool) -> String {
        let http2_inline = version.is_some_and(|version| version < HTTP2_ON);
        let default = if self.domain == "_" { " default_server" } else { "" };
        let listen = |port: u16, words: &str| {
            let v4 = format!("{port}{words}{default}");
            if ipv6 { format!("{v4};\n    listen [::]:{v4}") } else { v4 }
        };
        let named = "    server_name @SERVER_NAME@;\n";
        let template = match &self.way {
            Way::Include(_) => include_str!("../../../../../share/nginx/site.conf"),
            Way::Link { .. } => include_str!("../../../../../share/nginx/site-socket.conf"),
        };
        // In the style `socket` a header does it, whatever nginx becomes one day.
        let template = if version.is_some_and(|version| version >= KEEPS_UNASKED) {
            &template.replacen(INCLUDE, &format!("{INCLUDE}{KEEP_NONE}"), 1)
        } else {
            template
        };
        let template = if version.is_some_and(|version| version >= KEEPALIVE_MIN_TIMEOUT) {
            template.replacen(named, &format!("{named}{PATIENT}"), 1)
        } else {
            template.to_owned()
        };
        let text = match &self.certificate {
            None => template.replace("@LISTEN@", &listen(80, "")),
            Some(Certificate { file, key }) => {
                let tls = include_str!("../../../../../share/nginx/tls.conf")
                    .replace("@CERTIFICATE@", &file.display().to_string())
                    .replace("@CERTIFICATE_KEY@", &key.display().to_string());
                let http2 = if http2_inline { "" } else { "    http2 on;\n" };
                let redirect = include_str!("../../../../../share/nginx/redirect.conf")
                    .replace("@LISTEN@", &listen(80, ""));
                template
                    .replace(named, &format!("{named}{http2}{tls}"))
                    .replace("@LISTEN@", &listen(443, if http2_inline { " ssl http2" } else { " ssl" }))
                    + "\n"
                    + &redirect
            }
        };
        let text = match &self.way {
            Way::Include(switch) => text.replace("@SWITCH@", &switch.display().to_string()),
            Way::Link { switch, a, b } => text
                .replace("@SWITCH@", &switch.display().to_string())
                .replace("@A@", &a.display().to_string())
                .replace("@B@", &b.display().to_string()),
        };
        text.replace("@APP@", &self.name)
            .replace("@VARIABLE@", &self.name.replace('-', "_"))
            .replace("@SERVER_NAME@", &self.domain)
            .replace("@CHECK@", &format!("127.0.0.1:{}", self.check))
    }
}

/// Before it, http2 was a word of `listen`.
const HTTP2_ON: (u32, u32, u32) = (1, 25, 1);
/// The first that can leave a kept connection open over a reload.
const KEEPALIVE_MIN_TIMEOUT: (u32, u32, u32) = (1, 27, 4);
/// The first that keeps idle connections to the instances unless it is told not to, which the ones before do not understand.
const KEEPS_UNASKED: (u32, u32, u32) = (1, 29, 7);
const INCLUDE: &str = "    include @SWITCH@;\n";
const KEEP_NONE: &str = "    keepalive 0;\n";
/// A reload closes no connection that a client has used just before: not longer than clients may take anyway.
const PATIENT: &str = "    keepalive_min_timeout 15s;\n";

impl Item for Site {
    fn what(&self) -> String {
        self.path().display().to_string()
    }

    fn about(&self) -> String {
        let form = if self.certificate.is_some() { "TLS" } else { "HTTP, for certbot to complete" };
        format!("nginx's site for {} ({form})", self.domain)
    }

    fn look(&self) -> Result<Found> {
        let (path, wanted) = (self.path(), self.text());
        match look_at(&path, wanted.as_bytes(), 0o644)? {
            Found::Missing => return Ok(Found::Missing),
            Found::There if self.is_linked() => return Ok(Found::There),
            Found::There => return Ok(Found::Different),
            _ => {}
        }
        let there = fs::read(&path).on("cannot read", &path)?;
        let ours = there == wanted.as_bytes() || fs::read(self.written()).is_ok_and(|ours| ours == there);
        Ok(if ours { Found::Different } else { Found::Edited(difference(&path, &wanted)) })
    }

    fn make(&self) -> Result<()> {
        let (path, text) = (self.path(), self.text());
        let before = fs::read(&path).ok();
        write(&self.written(), text.as_bytes(), 0o644)?;
        write(&path, text.as_bytes(), 0o644)?;
        if let Some(link) = self.link() {
            file::replace_symlink(&link, &path)?;
        }
        if let Err(refused) = nginx::test() {
            // Nobody else's reload must stumble over it.
            match before {
                Some(before) => write(&path, &before, 0o644)?,
                None => self.unlink()?,
            }
            return Err(refused);
        }
        nginx::reload()
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        let linked = self.link().is_some_and(|link| fs::symlink_metadata(link).is_ok());
        Ok(if linked || self.path().exists() { Removal::Remove } else { Removal::Nothing })
    }

    fn unmake(&self) -> Result<()> {
        let path = self.path();
        let edited =
            fs::read(&path).ok().filter(|there| fs::read(self.written()).ok().as_ref() != Some(there));
        if let Some(edited) = edited {
            // What certbot and the operator put into it is not ours to throw away.
            write(&path.with_extension("conf.kept"), &edited, 0o644)?;
        }
        self.unlink()?;
        file::remove(&self.written())?;
        nginx::test()?;
        nginx::reload()
    }
}

impl Site {
    fn unlink(&self) -> Result<()> {
        if let Some(link) = self.link() {
            file::remove(&link)?;
        }
        Ok(file::remove(&self.path())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Option<(u32, u32, u32)> = Some((1, 22, 1));
    const NEW: Option<(u32, u32, u32)> = Some((1, 28, 0));

    fn site(name: &str, domain: &str) -> Site {
        let way = Way::Include(super::super::switch(name));
        Site { name: name.into(), domain: domain.into(), way, check: 20200, certificate: None }
    }

    #[test]
    fn the_plain_form_is_left_to_certbot() {
        let text = site("hello-world", "hello.example.org www.example.org").text_for(OLD, true);
        assert!(text.contains(
            "    listen 80;\n    listen [::]:80;\n    server_name hello.example.org www.example.org;\n"
        ));
        assert!(text.contains("include /etc/nginx/flipside/hello-world.conf;"));
        assert!(text.contains("$hello_world_connection"));
        assert!(!text.contains('@') && !text.contains("ssl"), "{text}");
    }

    #[test]
    fn the_tls_form_redirects_and_speaks_http2_as_this_nginx_writes_it() {
        let certificate = Certificate { file: "/etc/ssl/chain.pem".into(), key: "/etc/ssl/key.pem".into() };
        let site = Site { certificate: Some(certificate), ..site("hello", "hello.example.org") };
        let old = site.text_for(OLD, false);
        assert!(old.contains("    listen 443 ssl http2;\n") && !old.contains("http2 on"), "{old}");
        let new = site.text_for(NEW, false);
        assert!(new.contains("    listen 443 ssl;\n") && new.contains("    http2 on;\n"), "{new}");
        assert!(
            new.contains("ssl_certificate /etc/ssl/chain.pem;") && new.contains("Strict-Transport-Security")
        );
        assert!(
            new.contains("    listen 80;\n    server_name hello.example.org;\n    return 301 https://"),
            "{new}"
        );
        assert!(!new.contains('@'), "{new}");
    }

    #[test]
    fn a_newer_nginx_waits_at_a_reload_for_clients_that_are_about_to_ask() {
        let site = site("hello", "_");
        assert_eq!(site.text_for(NEW, false).matches(PATIENT).count(), 1);
        for version in [OLD, Some((1, 27, 3)), None] {
            assert!(!site.text_for(version, false).contains("keepalive_min_timeout"), "{version:?}");
        }
    }

    #[test]
    fn a_newer_nginx_is_told_to_keep_no_connection_to_an_instance() {
        let site = site("hello", "_");
        let newer = site.text_for(Some((1, 29, 7)), false);
        assert!(newer.contains("hello.conf;\n    keepalive 0;\n"), "{newer}");
        for version in [OLD, NEW, None] {
            assert!(!site.text_for(version, false).contains("keepalive 0"), "{version:?}");
        }
    }

    #[test]
    fn the_sockets_of_the_home_are_reached_by_the_switch_and_each_by_its_name() {
        let below = |name: &str| Path::new("/home/potados/.flipside/run").join(name);
        let way = Way::Link { switch: below("current.sock"), a: below("A.sock"), b: below("B.sock") };
        let site = Site { way, ..site("hello", "_") };
        site.must_be_plain().unwrap();
        let text = site.text_for(OLD, false);
        for (upstream, socket) in [("hello", "current"), ("hello.A", "A"), ("hello.B", "B")] {
            let expected = format!(
                "upstream {upstream} {{\n    server unix:/home/potados/.flipside/run/{socket}.sock;\n"
            );
            assert!(text.contains(&expected), "{expected} in {text}");
        }
        assert!(!text.contains('@'), "{text}");
    }

    #[test]
    fn every_name_means_the_default_server() {
        assert!(site("hello", "_").text_for(OLD, false).contains("listen 80 default_server;"));
    }

    #[test]
    fn what_means_something_else_to_nginx_is_refused() {
        for domain in ["", "a;b", "a{", "$host", "a\nb", "include x", "\"", "~^x"] {
            assert_eq!(site("x", domain).must_be_plain().is_err(), domain != "include x", "{domain}");
        }
        for name in ["a b.sock", "a;.sock", "{.sock", "$x.sock"] {
            let path = Path::new("/home/potados/run").join(name);
            let way = Way::Link { switch: path.clone(), a: path.clone(), b: path };
            assert!(Site { way, ..site("x", "_") }.must_be_plain().is_err(), "{name}");
        }
    }
}
