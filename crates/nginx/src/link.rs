//! The switch in the style `socket`: a symlink to the socket of the instance that is enabled. nginx connects to its path,
//! and the kernel follows it each time.
//!
//! What it says is noted outside of `run/`, which need not outlive a boot. The switch comes first, so that the note never
//! tells of more than nginx was told; and where there is a switch, nobody asks for the note.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use state::{App, InstanceName, IoContext as _, Result, file};

use crate::switch::Setting;

/// The symlink of one app.
#[derive(Clone, Debug)]
pub struct Link {
    path: PathBuf,
    note: PathBuf,
    /// Where A and B listen.
    sockets: [PathBuf; 2],
}

impl Link {
    pub(crate) fn of(app: &App) -> Self {
        // Nobody listens at a path that is no socket's.
        let socket = |instance| app.address(instance).socket().map(|socket| socket.path().to_owned());
        Self {
            path: app.switch(),
            note: app.home.noted(),
            sockets: InstanceName::BOTH.map(|instance| socket(instance).unwrap_or_default()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn socket(&self, instance: InstanceName) -> &Path {
        &self.sockets[instance as usize]
    }

    pub fn read(&self) -> Result<Setting> {
        Ok(self.target()?.map_or(Setting::Nobody, |target| self.interpret(&target)))
    }

    /// What it says, to put it back as it was; none if it is not there.
    pub(crate) fn target(&self) -> Result<Option<PathBuf>> {
        match fs::read_link(&self.path) {
            Ok(target) => Ok(Some(target)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidInput => Err(io::Error::other(
                "it is no symlink; remove it, and name the instance: connect-to-nginx A or B",
            )),
            Err(error) => Err(error),
        }
        .on("cannot read the switch", &self.path)
    }

    /// What a target means, whoever wrote it.
    pub fn interpret(&self, target: &Path) -> Setting {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let whole = straight(&folder.join(target));
        match self.instance_at(&whole) {
            Some(instance) => Setting::Enabled(instance),
            None => Setting::Stranger(whole.display().to_string()),
        }
    }

    pub(crate) fn instance_at(&self, path: &Path) -> Option<InstanceName> {
        InstanceName::BOTH.into_iter().find(|instance| is_same(path, self.socket(*instance)))
    }

    /// Whether nginx, which was given this path, connects by the switch.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        is_same(path, &self.path)
    }

    /// Makes it lead there, or removes it, and notes whom it serves. For nginx this counts at once; a power cut may undo it
    /// until it is synced.
    pub(crate) fn put(&self, target: Option<&Path>, enabled: Option<InstanceName>) -> Result<Unsynced<'_>> {
        match target {
            Some(target) => file::replace_symlink_unsynced(&self.path, target)?,
            None => file::remove_if_there(&self.path)?,
        }
        self.write_note(enabled)?;
        Ok(Unsynced(self))
    }

    fn write_note(&self, enabled: Option<InstanceName>) -> Result<()> {
        let Some(enabled) = enabled else { return file::remove_if_there(&self.note) };
        self.note.parent().map_or(Ok(()), file::folder)?;
        file::replace_symlink_unsynced(&self.note, Path::new(&enabled.to_string()))
    }

    /// Whom it made nginx serve, the last that is known; none if nobody was to be served.
    pub fn noted(&self) -> Option<InstanceName> {
        fs::read_link(&self.note).ok()?.to_str()?.parse().ok()
    }

    /// Notes what it says, if that was not done: a person may have made it, or an older version.
    pub fn note(&self) -> Result<()> {
        let enabled = self.read()?.enabled();
        if enabled.is_none() || enabled == self.noted() {
            return Ok(());
        }
        self.write_note(enabled)?;
        file::sync_folder_of(&self.note)
    }

    /// From the switch's folder to the instance's socket, so that a home can be moved as a whole.
    pub(crate) fn way_to(&self, instance: InstanceName) -> PathBuf {
        let socket = self.socket(instance);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let shared = folder.components().zip(socket.components()).take_while(|(a, b)| a == b).count();
        let up = folder.components().skip(shared).map(|_| Component::ParentDir);
        up.chain(socket.components().skip(shared)).collect()
    }
}

/// A switch that nginx follows already, and a power cut may undo.
#[must_use]
pub(crate) struct Unsynced<'a>(&'a Link);

impl Unsynced<'_> {
    pub fn sync(self) -> Result<()> {
        file::sync_folder_of(&self.0.path)?;
        file::sync_folder_of(&self.0.note)
    }
}

/// The same file: by name, or by another way to its folder.
fn is_same(path: &Path, other: &Path) -> bool {
    let folder = |path: &Path| path.parent().and_then(|folder| folder.canonicalize().ok());
    path == other
        || (path.file_name() == other.file_name() && folder(path).is_some_and(|it| Some(it) == folder(other)))
}

/// Without `.` and `..`.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(straight.pop()),
            part => straight.push(part),
        }
    }
    straight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str, a: &str, b: &str) -> Link {
        Link { path: path.into(), note: PathBuf::new(), sockets: [a.into(), b.into()] }
    }

    #[test]
    fn what_counts_is_where_it_leads() {
        let link = link("/home/run/current.sock", "/home/run/A.sock", "/home/sockets/B.sock");
        let cases = [
            ("A.sock", Some(InstanceName::A)),
            ("./A.sock", Some(InstanceName::A)),
            ("/home/run/A.sock", Some(InstanceName::A)),
            ("/home//other/../run/A.sock", Some(InstanceName::A)),
            ("../sockets/B.sock", Some(InstanceName::B)),
            ("/home/sockets/B.sock", Some(InstanceName::B)),
            ("B.sock", None),
            ("C.sock", None),
            ("/etc/passwd", None),
        ];
        for (target, expected) in cases {
            assert_eq!(link.interpret(Path::new(target)).enabled(), expected, "{target}");
        }
    }

    #[test]
    fn it_leads_there_by_a_relative_way() {
        let link = link("/home/run/current.sock", "/home/run/A.sock", "/home/sockets/B.sock");
        assert_eq!(link.way_to(InstanceName::A), Path::new("A.sock"));
        assert_eq!(link.way_to(InstanceName::B), Path::new("../sockets/B.sock"));
    }
}
