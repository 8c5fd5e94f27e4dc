//! One at a time: two reloads of one nginx, or a test while another switch is being written, would tell each other's
//! mistakes.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use state::{IoContext as _, file};

use super::list::List;
use super::trust;
use crate::error::{Error, Result};

/// The kernel lets it go with the process. Who could open the file could hold it: it is for root alone.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

impl Lock {
    /// `what` is said to those who wait in vain.
    pub fn take(list: &List, what: &str) -> Result<Self> {
        let folder = list.lock_folder();
        file::public_folder(folder)?;
        trust::folder(folder)?;
        let path = folder.join("nginx.lock");
        let how = &mut OpenOptions::new();
        let file = trust::open(&path, how.read(true).write(true).create(true).truncate(false).mode(0o600))?;
        file.set_permissions(Permissions::from_mode(0o600)).on("cannot set the mode of", &path)?;
        wait_for(&file, &path)?;
        // Only a name for a message: a full disk that does not take it stops nothing.
        let holder = format!("`{what}` (pid {})", process::id());
        let _ = file.set_len(0).and_then(|()| file.write_all_at(holder.as_bytes(), 0));
        Ok(Self { _file: file })
    }
}

fn wait_for(file: &File, path: &Path) -> Result<()> {
    let begun = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => thread::sleep(POLL),
            Err(Errno::WOULDBLOCK) => {
                let lock = path.to_owned();
                return Err(Error::Locked { holder: holder(file), lock, waited: PATIENCE });
            }
            Err(error) => return Err(error).on("cannot lock", path).map_err(Error::from),
        }
    }
}

fn holder(mut file: &File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if text.is_empty() { "another set-switch".to_owned() } else { text }
}
