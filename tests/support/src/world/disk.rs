//! What was only told so far is put on disk.

use std::fs;

use nix::unistd::geteuid;

use super::nginx::{nginx_site, template};
use super::{Style, World};

impl World {
    /// Puts on disk what was only told so far, and starts nginx.
    pub fn make(&self) {
        self.publish_pending();
        if self.made.replace(true) {
            return;
        }
        let config = self.config_text();
        self.write_config(config);
        let proxy = self.folder.join("proxy");
        if self.roots.is_some() {
            self.write_roots_list();
        }
        if self.switch && self.style == Style::Upstream && !self.switch().exists() {
            let nobody = format!("server 127.0.0.1:{} down;\n", self.port("A"));
            fs::write(self.switch(), nobody).unwrap();
        }
        let site = proxy.join("site.conf");
        let mut main = template("private.conf").replace("@SITE@", &site.display().to_string());
        if geteuid().is_root() {
            main.insert_str(0, "user root;\n");
        }
        let switch = self.switch();
        let listen = format!("127.0.0.1:{}", self.public_port());
        let check = format!("127.0.0.1:{}", self.check_port());
        let form = match self.style {
            Style::Upstream => "site.conf",
            Style::Socket => "site-socket.conf",
        };
        let text = nginx_site(form, "demo", &switch, &listen, &check)
            .replace("@A@", &self.socket("A").display().to_string())
            .replace("@B@", &self.socket("B").display().to_string());
        fs::write(proxy.join("nginx.conf"), main).unwrap();
        fs::write(site, text).unwrap();
        if self.nginx {
            self.start_nginx();
        }
    }

    fn write_roots_list(&self) {
        fs::create_dir_all(self.folder.join("roots")).unwrap();
        let nginx = self.nginx_in_toml();
        let text = format!(
            "[demo]\nuser = \"nobody\"\nswitch = {switch:?}\nA = \"127.0.0.1:{a}\"\nB = \"127.0.0.1:{b}\"\n\
             test = [{nginx}, \"-t\", \"-q\"]\nreload = [{nginx}, \"-s\", \"reload\"]\n",
            switch = self.switch().display().to_string(),
            a = self.port("A"),
            b = self.port("B"),
        );
        fs::write(self.roots_list(), text).unwrap();
    }
}
