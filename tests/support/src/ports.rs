//! Ports of a world of its own: no other world, of this process or another one, is given the same at the same time.

use std::fs::{self, File};
use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Below the ports that the kernel gives to outgoing connections (32768 and on).
const FIRST: u16 = 22_000;
const BLOCKS: u16 = 1_300;
const IN_A_BLOCK: u16 = 8;

/// Eight ports in a row, held by a locked file as long as this lives.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    lock: PathBuf,
    _held: Flock<File>,
}

impl Ports {
    pub fn take(folder: &Path) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let shift = (std::process::id() % u32::from(BLOCKS)) as u16;
        for _ in 0..BLOCKS {
            let block = (NEXT.fetch_add(1, Ordering::Relaxed) % BLOCKS + shift) % BLOCKS;
            let first = FIRST + block * IN_A_BLOCK;
            let lock = folder.join(format!("ports-{first}"));
            if let Some(held) = hold(&lock) {
                let ports = Self { first, lock, _held: held };
                if (0..IN_A_BLOCK).all(|number| is_free(ports.get(number))) {
                    return ports;
                }
            }
        }
        panic!("no free ports between {FIRST} and {}", FIRST + BLOCKS * IN_A_BLOCK);
    }

    pub fn get(&self, number: u16) -> u16 {
        assert!(number < IN_A_BLOCK);
        self.first + number
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock); // while it is locked: whoever locks it next finds that it is gone
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("0.0.0.0", port)).is_ok()
        && match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)) {
            Ok(_) => true,
            Err(error) => error.kind() != std::io::ErrorKind::AddrInUse,
        }
}

/// The file, locked; nothing if somebody else has it.
pub fn hold(path: &Path) -> Option<Flock<File>> {
    lock(path, FlockArg::LockExclusiveNonblock)
}

/// The file, locked for oneself, after however long it takes.
pub fn wait_for(path: &Path) -> Flock<File> {
    until_locked(path, FlockArg::LockExclusive)
}

/// The file, locked together with others.
pub fn share(path: &Path) -> Flock<File> {
    until_locked(path, FlockArg::LockShared)
}

fn until_locked(path: &Path, how: FlockArg) -> Flock<File> {
    loop {
        if let Some(held) = lock(path, how) {
            return held;
        }
    }
}

fn lock(path: &Path, how: FlockArg) -> Option<Flock<File>> {
    let file = File::options().create(true).append(true).open(path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let held = match Flock::lock(file, how) {
        Ok(held) => held,
        Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => return None,
        Err((_, error)) => panic!("{}: {error}", path.display()),
    };
    // Whoever had it before may have removed it in the meantime: then it is nobody's.
    let same = fs::metadata(path).is_ok_and(|now| held.metadata().is_ok_and(|held| held.ino() == now.ino()));
    same.then_some(held)
}
