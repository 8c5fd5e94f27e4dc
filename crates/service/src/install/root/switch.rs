use std::fs;
use std::path::{Path, PathBuf};

use crate::install::Result;
use crate::install::item::{Found, Item, remove_with_folder, write};

/// The switch of an app, in a folder of root's.
pub fn switch(name: &str) -> PathBuf {
    Path::new("/etc/nginx/flipside").join(format!("{name}.conf"))
}

/// It is made for nobody; from then on it is what says who serves, and `install` leaves it alone.
pub struct Switch {
    pub name: String,
    pub a: u16,
}

impl Item for Switch {
    fn what(&self) -> String {
        switch(&self.name).display().to_string()
    }

    fn about(&self) -> String {
        "the switch: which instance nginx serves".to_owned()
    }

    fn look(&self) -> Result<Found> {
        Ok(if fs::symlink_metadata(switch(&self.name)).is_ok() { Found::There } else { Found::Missing })
    }

    fn make(&self) -> Result<()> {
        let text = format!(
            "# Which instance of {} nginx serves. flipside writes this file; connect-to-nginx changes it.\n\
             server 127.0.0.1:{} down;\n",
            self.name, self.a
        );
        write(&switch(&self.name), text.as_bytes(), 0o644)
    }

    fn unmake(&self) -> Result<()> {
        remove_with_folder(&switch(&self.name))
    }
}
