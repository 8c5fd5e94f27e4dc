//! Hashes that tell whether something would come out the same.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use state::config::Dependencies;
use state::{Config, IoContext as _};

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
    for file in &dependencies.key {
        let path = folder.join(file.as_path());
        let content = match fs::read(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(Error::NoKeyFile { file: file.to_string(), revision: revision.to_owned() });
            }
            content => content.on("cannot read", &path)?,
        };
        add(&mut hash, file.as_path().as_os_str().as_encoded_bytes());
        add(&mut hash, &content);
    }
    Ok(hexadecimal(hash))
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
