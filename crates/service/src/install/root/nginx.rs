use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use state::linger::systemd_runs;

use crate::install::item::{Found, Item, Removal};
use crate::install::tool::{ask, run, tool};
use crate::install::{Error, Result};

/// nginx runs with the site, and does so after a boot.
pub struct Nginx {
    /// The check server's port: who answers there has read the site.
    pub check: u16,
}

const SOON: Duration = Duration::from_secs(10);

/// That nginx finds its whole configuration right.
pub fn test() -> Result<()> {
    run(&mut tool("nginx", &["-t", "-q"]), "nginx refuses its configuration").map(drop)
}

/// If it runs. One that does not will read its configuration when it starts.
pub fn reload() -> Result<()> {
    if is_running() {
        run(&mut tool("nginx", &["-s", "reload"]), "nginx cannot be reloaded")?;
    }
    Ok(())
}

fn is_running() -> bool {
    let pid = fs::read_to_string("/run/nginx.pid").unwrap_or_default();
    fs::read_to_string(format!("/proc/{}/comm", pid.trim())).is_ok_and(|name| name.trim() == "nginx")
}

/// Also with Debian's patches: `nginx version: nginx/1.22.1`.
pub fn version() -> Option<(u32, u32, u32)> {
    let text = ask("nginx", &["-v"])?;
    let numbers = text.split("nginx/").nth(1)?.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

impl Nginx {
    fn has_the_site(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.check));
        TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
    }
}

impl Item for Nginx {
    fn what(&self) -> String {
        if systemd_runs() { "systemctl enable --now nginx".to_owned() } else { "nginx".to_owned() }
    }

    fn about(&self) -> String {
        "nginx runs with the site, also after a boot".to_owned()
    }

    fn look(&self) -> Result<Found> {
        let enabled = !systemd_runs()
            || ask("systemctl", &["is-enabled", "nginx.service"]).as_deref() == Some("enabled");
        Ok(if enabled && self.has_the_site() { Found::There } else { Found::Missing })
    }

    fn make(&self) -> Result<()> {
        if systemd_runs() {
            run(&mut tool("systemctl", &["enable", "--quiet", "nginx.service"]), "nginx cannot be enabled")?;
        }
        if is_running() {
            reload()?;
        } else if systemd_runs() {
            run(&mut tool("systemctl", &["restart", "nginx.service"]), "nginx does not start")?;
        } else {
            run(&mut tool("nginx", &[]), "nginx does not start")?;
        }
        let deadline = Instant::now() + SOON;
        while !self.has_the_site() {
            if Instant::now() > deadline {
                let problem = format!("nothing listens on 127.0.0.1:{}; see nginx's error log", self.check);
                return Err(Error::Tool {
                    what: "nginx does not take the site".into(),
                    problem,
                    output: Vec::new(),
                });
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn is_command(&self) -> bool {
        true
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(Removal::Nothing) // others may need it by now
    }

    fn unmake(&self) -> Result<()> {
        Ok(())
    }
}
