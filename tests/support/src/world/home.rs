//! The files of the home, as a person changes them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::World;
use crate::skip::is_root;

impl World {
    pub fn write(&self, path: &str, text: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Writes a file that can be executed: a hook.
    pub fn write_executable(&self, path: &str, text: &str) {
        self.write(path, text);
        self.set_mode(path, 0o755);
    }

    pub fn set_mode(&self, path: &str, mode: u32) {
        let path = self.home().join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// A file of the home.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.home().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.home().join(path)).is_ok()
    }

    pub fn remove(&self, path: &str) {
        let path = self.home().join(path);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The names in a folder of the home, sorted; none if it does not exist.
    pub fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home().join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Changes a key of flipside.toml, the value given as TOML.
    pub fn change(&self, key: &str, value: &str) {
        let changed = changed(&self.config.borrow(), key, value);
        self.write_config(changed);
    }

    pub fn write_config(&self, text: String) {
        self.write("flipside.toml", &text);
        self.config.replace(text);
    }

    pub fn config_text(&self) -> String {
        self.config.borrow().clone()
    }

    /// Gives the home and the source, as they are now, to a user who is not root; false if we are not root and cannot.
    pub fn give_to_nobody(&self) -> bool {
        self.make();
        if !is_root() {
            return false;
        }
        let given =
            Command::new("chown").args(["-R", "nobody:"]).arg(self.home()).arg(self.source()).status();
        assert!(given.is_ok_and(|status| status.success()), "chown fails");
        true
    }
}

/// The text of a flipside.toml with this key changed, the value given as TOML.
#[track_caller]
pub(crate) fn changed(text: &str, key: &str, value: &str) -> String {
    let mut document: toml_edit::DocumentMut = text.parse().expect("flipside.toml is TOML");
    let value: toml_edit::Value = value.parse().unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
    let mut table = document.as_table_mut();
    let (tables, key) = key.rsplit_once('.').unwrap_or(("", key));
    for name in tables.split('.').filter(|name| !name.is_empty()) {
        table = table
            .entry(name)
            .or_insert_with(toml_edit::table)
            .as_table_mut()
            .unwrap_or_else(|| panic!("{name} is no table"));
    }
    table.insert(key, toml_edit::value(value));
    document.to_string()
}
