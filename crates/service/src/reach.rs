//! The style `socket`: nginx's user may connect to the instances' sockets, and gets no other right in the home.

use std::collections::BTreeSet;
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

/// Gives nginx's user what is missing to connect to the sockets: on their folder a list that each socket made in it gets
/// (an instance's umask leaves it in force), and on the folders above it that are ours the right to go through. Whether
/// anything was missing; an error says what cannot be done.
pub(crate) fn let_nginx_in(app: &App, service: &Service) -> Result<bool, String> {
    let sockets = InstanceName::BOTH.map(|instance| app.address(instance));
    let sockets: Vec<_> = sockets.iter().filter_map(|address| Some(address.socket()?.path())).collect();
    if sockets.is_empty() {
        return Ok(false);
    }
    // Nobody knows whom before nginx runs; root and we ourselves need no list.
    let Some(user) = nginx::user(app, service.worker) else { return Ok(false) };
    if user == 0 || user == geteuid().as_raw() {
        return Ok(false);
    }
    let switch = app.switch();
    let mut ways: BTreeSet<PathBuf> = switch.parent().into_iter().flat_map(folders_on_the_way).collect();
    let mut changed = false;
    for socket in sockets {
        let Some(folder) = socket.parent() else { continue };
        file::folder(folder).map_err(|error| error.to_string())?;
        ways.extend(folders_on_the_way(folder));
        if !acl::allows(folder, List::Default, user, acl::READ_AND_WRITE) {
            // The names u, g, o and m are those of setfacl(1): owner, group, others, mask.
            let rights = format!("u::rwx,g::---,o::---,m::rw-,u:{user}:rw-");
            setfacl(&["--default", "--modify", &rights], folder)?;
            changed = true;
        }
        // One that was made before; an entry that its app has closed stays closed.
        let is_there = fs::symlink_metadata(socket).is_ok_and(|it| it.file_type().is_socket());
        if is_there && !acl::names(socket, List::Access, user) {
            setfacl(&["--modify", &format!("u:{user}:rw-")], socket)?;
            changed = true;
        }
    }
    for folder in ways.iter().filter(|folder| is_closed(folder, user)) {
        setfacl(&["--modify", &format!("u:{user}:--x")], folder)?;
        changed = true;
    }
    Ok(changed)
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

fn setfacl(words: &[&str], path: &Path) -> Result<(), String> {
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
