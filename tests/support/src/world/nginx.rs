//! nginx, as its operator has it in hand.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::{SOON, World};
use crate::processes;

impl World {
    #[track_caller]
    pub fn start_nginx(&self) {
        let said = self.folder.join("nginx-start.log");
        let mut nginx = self.nginx(&[]);
        let log = File::create(&said).unwrap();
        let status = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).status();
        let said = fs::read_to_string(&said).unwrap_or_default();
        assert!(status.expect("nginx is installed").success(), "nginx does not start: {said}");
        processes::eventually(SOON, "nginx writes its pid", || self.nginx_pid().is_some());
        self.masters.borrow_mut().push(self.nginx_pid().unwrap());
        processes::eventually(SOON, "nginx listens", || {
            processes::listens(self.public_port()) && self.workers().len() == 2
        });
    }

    fn nginx(&self, arguments: &[&str]) -> Command {
        let proxy = self.folder.join("proxy");
        let mut nginx = Command::new(nginx());
        self.prepare(&mut nginx);
        nginx.arg("-p").arg(&proxy).arg("-c").arg(proxy.join("nginx.conf")).args(arguments);
        nginx
    }

    /// The words that call it, as a list in flipside.toml begins with them.
    pub(super) fn nginx_in_toml(&self) -> String {
        let proxy = self.folder.join("proxy").display().to_string();
        format!(r#"{:?}, "-p", "{proxy}", "-c", "{proxy}/nginx.conf""#, nginx())
    }

    /// The master's pid, if it runs.
    pub fn nginx_pid(&self) -> Option<i32> {
        let text = fs::read_to_string(self.folder.join("proxy/nginx.pid")).ok()?;
        text.trim().parse().ok().filter(|pid| processes::runs(*pid))
    }

    /// The workers that take new connections.
    pub fn workers(&self) -> Vec<i32> {
        let is_worker = |pid: &i32| processes::command_line(*pid) == "nginx: worker process";
        self.nginx_pid().map(processes::children).into_iter().flatten().filter(is_worker).collect()
    }

    /// A reload that has nothing to do with flipside, as certbot's; done when it has taken effect.
    pub fn nginx_reload_by_someone_else(&self) {
        let before = self.workers();
        let status =
            self.nginx(&["-s", "reload"]).stderr(Stdio::null()).status().expect("nginx is installed");
        assert!(status.success(), "nginx -s reload: {status}");
        processes::eventually(SOON, "nginx has new workers alone", || {
            let now = self.workers();
            now.len() == 2 && !now.iter().any(|worker| before.contains(worker))
        });
    }

    /// What `nginx -t` says of it.
    pub fn nginx_accepts_its_configuration(&self) -> bool {
        let tested = self.nginx(&["-t", "-q"]).stderr(Stdio::null()).status();
        tested.expect("nginx is installed").success()
    }

    pub fn stop_nginx(&self) {
        let Some(master) = self.nginx_pid() else { return };
        processes::signal(master, Signal::SIGTERM);
        processes::eventually(SOON, "nginx stops", || processes::in_sessions(&[master]).is_empty());
    }

    pub fn restart_nginx(&self) {
        self.stop_nginx();
        self.start_nginx();
    }

    /// Breaks the configuration of nginx; its running processes go on.
    pub fn break_nginx_configuration(&self) {
        let path = self.folder.join("proxy/site.conf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("bogus_directive on;\n{text}")).unwrap();
    }

    pub fn mend_nginx_configuration(&self) {
        let path = self.folder.join("proxy/site.conf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("bogus_directive on;\n", "")).unwrap();
    }
}

/// The nginx of all worlds: `$FLIPSIDE_NGINX`, or the installed one.
fn nginx() -> String {
    std::env::var("FLIPSIDE_NGINX").unwrap_or_else(|_| "nginx".to_owned())
}

/// A template of nginx's files.
pub(super) fn template(name: &str) -> String {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../share/nginx");
    fs::read_to_string(share.join(name)).expect("the templates of nginx are there")
}

/// The site file of an app.
pub(super) fn nginx_site(form: &str, app: &str, switch: &Path, listen: &str, check: &str) -> String {
    template(form)
        .replace("@APP@", app)
        .replace("@VARIABLE@", app)
        .replace("@SWITCH@", &switch.display().to_string())
        .replace("@LISTEN@", listen)
        .replace("@SERVER_NAME@", "_")
        .replace("@CHECK@", check)
}
