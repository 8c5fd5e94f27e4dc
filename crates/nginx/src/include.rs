//! The switch in the style `upstream`: one small file, included inside nginx's `upstream {}`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use state::{App, AppName, InstanceName, IoContext as _, Port, Result, file};

use crate::directive::directives;
use crate::switch::Setting;

/// The file of one app.
#[derive(Clone, Debug)]
pub struct Include {
    path: PathBuf,
    app: AppName,
    /// Where A and B listen.
    addresses: [SocketAddr; 2],
}

impl Include {
    /// None if the instances listen on sockets.
    pub fn of(app: &App) -> Option<Self> {
        let address = |port: Port| SocketAddr::from((Ipv4Addr::LOCALHOST, port.get()));
        let addresses = app.config.instance.ports()?.map(address);
        Some(Self::at(app.switch(), app.config.name.clone(), addresses))
    }

    pub(crate) fn at(path: PathBuf, app: AppName, addresses: [SocketAddr; 2]) -> Self {
        Self { path, app, addresses }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn address(&self, instance: InstanceName) -> SocketAddr {
        self.addresses[instance as usize]
    }

    pub fn read(&self) -> Result<Setting> {
        match self.content()? {
            None => Ok(Setting::Missing),
            Some(text) => Ok(self.interpret(&text)),
        }
    }

    /// Its text, to put it back as it was.
    pub(crate) fn content(&self) -> Result<Option<String>> {
        match file::open_of_operator(&self.path).and_then(|file| file::whole(&file)) {
            Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).on("cannot read the switch", &self.path),
        }
    }

    /// Whether it is as flipside writes it. Any other that nginx refuses was emptied, misspelt or removed by somebody.
    pub fn is_intact(&self) -> Result<bool> {
        Ok(self.content()?.is_some_and(|text| self.is_of_ours(&text)))
    }

    /// Enables an instance, or nobody.
    pub(crate) fn set(&self, target: Option<InstanceName>) -> Result<()> {
        self.put(&self.text(target))
    }

    /// Whether flipside has written it like this.
    pub(crate) fn is_of_ours(&self, text: &str) -> bool {
        [None, Some(InstanceName::A), Some(InstanceName::B)]
            .into_iter()
            .any(|target| self.text(target) == text)
    }

    /// What flipside writes for an instance, or for nobody.
    pub fn text(&self, target: Option<InstanceName>) -> String {
        let (instance, down) = target.map_or((InstanceName::A, " down"), |instance| (instance, ""));
        let (app, address) = (&self.app, self.address(instance));
        format!(
            "# Which instance of {app} nginx serves. flipside writes this file; connect-to-nginx changes it.\nserver {address}{down};\n"
        )
    }

    pub(crate) fn put(&self, text: &str) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            file::public_folder(folder)?;
        }
        file::replace(&self.path, text.as_bytes(), 0o644)
    }

    /// What a text means, whoever wrote it.
    pub fn interpret(&self, text: &str) -> Setting {
        let mut enabled = Vec::new();
        for address in served(text) {
            match self.instance_at(&address) {
                Some(instance) if enabled.contains(&instance) => {}
                Some(instance) => enabled.push(instance),
                None => return Setting::Stranger(address),
            }
        }
        match enabled[..] {
            [] => Setting::Nobody,
            [instance] => Setting::Enabled(instance),
            _ => Setting::Several,
        }
    }

    /// `127.0.0.1:20201`, `localhost:20201` and `[::1]:20201` are the same to us.
    pub(crate) fn instance_at(&self, address: &str) -> Option<InstanceName> {
        let (host, port) = address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let port: u16 = port.parse().ok()?;
        InstanceName::BOTH.into_iter().find(|name| here && self.address(*name).port() == port)
    }
}

/// The addresses that get requests: of each `server ADDRESS …;` that is not `down`; of a `backup` if there is no other.
fn served(text: &str) -> Vec<String> {
    let (mut first, mut backup) = (Vec::new(), Vec::new());
    for mut words in directives(text) {
        let has = |word: &str| words.iter().skip(2).any(|other| other == word);
        if words.len() < 2 || words[0] != "server" || has("down") {
            continue;
        }
        let list = if has("backup") { &mut backup } else { &mut first };
        list.push(words.swap_remove(1));
    }
    if first.is_empty() { backup } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_the_address() {
        let cases: [(&str, &[&str]); 9] = [
            ("server 127.0.0.1:1;\n", &["127.0.0.1:1"]),
            ("# server 127.0.0.1:1;\nserver\n  127.0.0.1:2\tmax_fails=0 ; # here", &["127.0.0.1:2"]),
            ("server 127.0.0.1:1 down; server 127.0.0.1:2;", &["127.0.0.1:2"]),
            ("server 127.0.0.1:1; server 127.0.0.1:2 backup;", &["127.0.0.1:1"]),
            ("server 127.0.0.1:1; server 127.0.0.1:2;", &["127.0.0.1:1", "127.0.0.1:2"]),
            ("server 127.0.0.1:1 down; server 127.0.0.1:2 backup;", &["127.0.0.1:2"]),
            ("server 127.0.0.1:1 down#not; server '127.0.0.1:2';", &["127.0.0.1:1", "127.0.0.1:2"]),
            ("server 127.0.0.1:1 # down;\n;", &["127.0.0.1:1"]),
            ("keepalive 8;\n", &[]),
        ];
        for (text, addresses) in cases {
            assert_eq!(served(text), addresses, "{text}");
        }
    }
}
