//! The style `socket`: nginx's user may connect to the instances' sockets, and gets no other right in the home.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::geteuid;
use state::acl::{self, List};
use state::command;
use state::{App, InstanceName, file, log};

use crate::traffic::Service;

const TIMEOUT: Duration = Duration::from_secs(10);

/// What setfacl(1) is to be told of one file or folder.
pub(crate) struct Grant {
    words: Vec<String>,
    path: PathBuf,
}

/// As a person would type it.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "setfacl {} {}", self.words.join(" "), self.path.display())
    }
}

/// Gives nginx's user what is missing to connect to the sockets. Whether anything was; an error says what cannot be done.
pub(crate) fn let_nginx_in(app: &App, service: &Service) -> Result<bool, String> {
    let missing = what_nginx_lacks(app, service);
    for Grant { words, path } in &missing {
        if words[0] == DEFAULT {
            file::folder(path).map_err(|error| error.to_string())?;
        }
        setfacl(words, path)?;
    }
    Ok(!missing.is_empty())
}

const DEFAULT: &str = "--default";

/// On the sockets' folder a list that each socket made in it gets (an instance's umask leaves it in force), and on the folders
/// above it that are ours the right to go through.
pub(crate) fn what_nginx_lacks(app: &App, service: &Service) -> Vec<Grant> {
    let sockets = InstanceName::BOTH.map(|instance| app.address(instance));
    let sockets: Vec<_> = sockets.iter().filter_map(|address| Some(address.socket()?.path())).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    // Nobody knows whom before nginx runs; root and we ourselves need no list.
    let Some(user) = nginx::user(app, service.worker) else { return Vec::new() };
    if user == 0 || user == geteuid().as_raw() {
        return Vec::new();
    }
    let grant = |words: &[&str], path: &Path| Grant {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        path: path.to_owned(),
    };
    let folders: BTreeSet<_> = sockets.iter().filter_map(|socket| socket.parent()).collect();
    let mut missing = Vec::new();
    for folder in folders.iter().filter(|it| !acl::allows(it, List::Default, user, acl::READ_AND_WRITE)) {
        // The names u, g, o and m are those of setfacl(1): owner, group, others, mask.
        let rights = format!("u::rwx,g::---,o::---,m::rw-,u:{user}:rw-");
        missing.push(grant(&[DEFAULT, "--modify", &rights], folder));
    }
    for socket in sockets {
        // One that was made before; an entry that its app has closed stays closed.
        let is_there = fs::symlink_metadata(socket).is_ok_and(|it| it.file_type().is_socket());
        if is_there && !acl::names(socket, List::Access, user) {
            missing.push(grant(&["--modify", &format!("u:{user}:rw-")], socket));
        }
    }
    let switch = app.switch();
    let ways: BTreeSet<_> = folders.into_iter().chain(switch.parent()).flat_map(folders_on_the_way).collect();
    for folder in ways.iter().filter(|folder| is_closed(folder, user)) {
        missing.push(grant(&["--modify", &format!("u:{user}:--x")], folder));
    }
    missing
}

/// As it is written, and as it is: both are gone through if a symlink leads there.
fn folders_on_the_way(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let both = [folder.to_owned(), real];
    both.into_iter().flat_map(|path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>())
}

/// Whether it is ours, and this user cannot go through it.
fn is_closed(folder: &Path, user: u32) -> bool {
    let Ok(metadata) = fs::metadata(folder) else { return false };
    let for_everybody = metadata.mode() & 0o001 != 0;
    metadata.uid() == geteuid().as_raw()
        && !for_everybody
        && !acl::allows(folder, List::Access, user, acl::ENTER)
}

fn setfacl(words: &[String], path: &Path) -> Result<(), String> {
    let mut setfacl = Command::new("setfacl");
    setfacl.args(words).arg("--").arg(path).env("LC_ALL", "C");
    let cannot = |why: &str| {
        format!(
            "nginx's user cannot be let to {}: {why}; see THE STYLE SOCKET in flipside(7)",
            path.display()
        )
    };
    match command::captured(&mut setfacl, TIMEOUT) {
        Ok(ended) if ended.succeeded() => Ok(()),
        Ok(ended) => {
            let said = log::excerpt(&ended.output, 1, 160).concat();
            Err(cannot(&format!("setfacl {} ({said})", ended.in_words(TIMEOUT))))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(cannot("setfacl is not installed; install the package acl"))
        }
        Err(error) => Err(cannot(&format!("setfacl cannot be run: {error}"))),
    }
}
