//! Hashes that tell whether something would come out the same.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use state::config::Dependencies;
use state::{Config, IoContext as _, file};

use crate::error::{Error, Result};

/// Of all in the configuration that decides what becomes of a commit.
pub fn of_build(config: &Config) -> String {
    let mut hash = Sha256::new();
    add_some(&mut hash, config.build.command.as_deref());
    let dependencies = config.build.dependencies.as_ref();
    add_some(&mut hash, dependencies.map(|dependencies| dependencies.command.as_str()));
    if let Some(dependencies) = dependencies {
        add(&mut hash, dependencies.path.as_path().as_os_str().as_encoded_bytes());
        add_paths(&mut hash, dependencies.key.iter());
    }
    add_paths(&mut hash, config.run.shared.iter());
    hexadecimal(hash)
}

/// Of all that decides what the dependencies are: the command, and the key files of the release in `folder`.
pub fn of_dependencies(dependencies: &Dependencies, folder: &Path, revision: &str) -> Result<String> {
    let mut hash = Sha256::new();
    add(&mut hash, dependencies.command.as_bytes());
    add(&mut hash, dependencies.path.as_path().as_os_str().as_encoded_bytes());
    for named in &dependencies.key {
        let path = folder.join(named.as_path());
        // A symlink of the source's may lead to another file of it, and nowhere else.
        let real = path.canonicalize().ok().filter(|real| real.starts_with(folder));
        let Some(real) = real else {
            return Err(Error::NoKeyFile { file: named.to_string(), revision: revision.to_owned() });
        };
        let content = file::open(&real).and_then(content).on("cannot read", &path)?;
        add(&mut hash, named.as_path().as_os_str().as_encoded_bytes());
        hash.update(content);
    }
    Ok(hexadecimal(hash))
}

/// The hash of a file's content, of whatever size it is.
pub fn content(mut file: File) -> io::Result<impl AsRef<[u8]>> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize()),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn add_some(hash: &mut Sha256, text: Option<&str>) {
    hash.update([u8::from(text.is_some())]);
    add(hash, text.unwrap_or_default().as_bytes());
}

fn add_paths<'a>(hash: &mut Sha256, paths: impl ExactSizeIterator<Item = &'a state::RelativePath>) {
    hash.update((paths.len() as u64).to_le_bytes());
    paths.for_each(|path| add(hash, path.as_path().as_os_str().as_encoded_bytes()));
}

/// With its length, so that no two lists of texts look the same.
pub fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

pub fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
