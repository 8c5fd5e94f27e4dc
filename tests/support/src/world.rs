//! A world of its own for each test: a home, a private nginx, a repository and ports. It leaves nothing behind, also
//! when the test fails.

mod builder;
mod built;
mod commands;
mod disk;
mod home;
mod instances;
mod nginx;
mod places;
mod remains;
mod source;
mod under_load;
mod users;

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::fcntl::Flock;

use crate::ports::{self, Ports};
use source::Release;

pub(crate) use built::commands;
pub use built::{commands_beside, commands_in, demo_app};
pub(crate) use home::changed;
pub(crate) use remains::{BUSY, all_worlds};
pub use under_load::Loaded;
pub(crate) use under_load::under;

/// How long what should happen may take, on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// See the module. Its methods up to `deployed` build it; the others use it. It is put on disk by the first use.
pub struct World {
    folder: PathBuf,
    ports: Ports,
    config: RefCell<String>,
    git: bool,
    nginx: bool,
    switch: bool,
    style: Style,
    /// Root's folder, if root's command writes the switch.
    roots: Option<PathBuf>,
    pending: RefCell<Option<Release>>,
    made: Cell<bool>,
    masters: RefCell<Vec<i32>>,
    lock: PathBuf,
    _held: Flock<File>,
    /// Together with other worlds, as long as nobody puts the full load on the machine.
    busy: RefCell<Option<Flock<File>>>,
}

/// `[nginx] style`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Upstream,
    Socket,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let all = all_worlds();
        let busy = ports::share(&all.join(BUSY));
        let (folder, lock, held) = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = all.join(format!("world-{}-{number}", std::process::id()));
            let lock = folder.with_extension("lock");
            if let Some(held) = ports::hold(&lock) {
                break (folder, lock, held);
            }
        };
        for part in ["home/nginx", "proxy/logs", "proxy/temp", "source"] {
            fs::create_dir_all(folder.join(part)).expect("a folder for the world");
        }
        let ports = Ports::take(&all);
        let world = Self {
            folder,
            ports,
            config: RefCell::default(),
            git: true,
            nginx: true,
            switch: true,
            style: Style::Upstream,
            roots: None,
            pending: RefCell::default(),
            made: Cell::default(),
            masters: RefCell::default(),
            lock,
            _held: held,
            busy: RefCell::new(Some(busy)),
        };
        world.config.replace(world.default_config());
        world
    }
}
