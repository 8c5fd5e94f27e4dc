//! `flipside.toml` as install writes it.

use std::fmt::Write as _;

use state::Config;
use state::config::Style;
use toml_edit::{Array, DocumentMut, Value, value};

use super::root::{BINARY, switch};
use super::wishes::Wishes;
use super::{Error, Result};

/// A new one.
pub fn new(wishes: &Wishes) -> Result<String> {
    let quoted = |text: &Option<String>| Value::from(text.clone().unwrap_or_default()).to_string();
    let style = wishes.style.as_deref().unwrap_or("upstream");
    let ports = wishes.ports.as_deref().unwrap_or_default();
    let (a, b, check, style) = match style {
        "upstream" => {
            let [a, b, check] = three_ports(ports)?;
            (format!("port = {a}"), format!("port = {b}"), check, "")
        }
        "socket" => {
            let socket = |name| format!("socket = \"run/{name}.sock\"");
            (socket("A"), socket("B"), one_port(ports)?, "style = \"socket\"\n")
        }
        _ => return Err(Error::Usage(format!("--style: `{style}` is no style; write upstream or socket"))),
    };
    let source = match &wishes.directory {
        Some(_) => format!("directory = {}", quoted(&wishes.directory)),
        None => format!("git = {}\nrevision = {}", quoted(&wishes.git), quoted(&wishes.revision)),
    };
    let mut text = format!(
        "# What is deployed, and how: see flipside.toml(5).\nname = {name}\n\n\
         [instance.A]\n{a}\n[instance.B]\n{b}\n\n[source]\n{source}\n\n",
        name = quoted(&wishes.name)
    );
    if wishes.build.as_ref().is_some_and(|build| !build.is_empty()) {
        let _ = write!(text, "[build]\ncommand = {}\n\n", quoted(&wishes.build));
    }
    let _ = write!(
        text,
        "[run]\ncommand = {run}\n\n[health]\npath = {health}\n\n[nginx]\n{style}check = \"http://127.0.0.1:{check}\"\n",
        run = quoted(&wishes.run),
        health = quoted(&wishes.health)
    );
    Ok(text)
}

/// With the switch as root's part makes it, unless somebody has arranged it otherwise; whether something was added.
pub fn with_switch(text: &str, name: &str) -> Result<(String, bool)> {
    let mut document = parsed(text)?;
    let nginx = document.entry("nginx").or_insert_with(toml_edit::table);
    let Some(nginx) = nginx.as_table_mut() else {
        return Err(Error::Usage("flipside.toml: write [nginx] as a section of its own".into()));
    };
    if is_socket(nginx.get("style")) || ARRANGED.into_iter().any(|key| nginx.contains_key(key)) {
        return Ok((text.to_owned(), false));
    }
    nginx.insert("switch", value(switch(name).display().to_string()));
    nginx.insert("set_switch", value(["sudo", "-n", BINARY, name].into_iter().collect::<Array>()));
    Ok((document.to_string(), true))
}

/// How nginx is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arranged {
    /// By root's command.
    BySetSwitch,
    /// By a symlink of the user's: root has no part in it but the site.
    BySocket,
    /// By other means, which are left alone.
    Otherwise,
}

pub fn arranged(text: &str) -> Result<Arranged> {
    let document = parsed(text)?;
    let Some(nginx) = document.get("nginx") else { return Ok(Arranged::BySetSwitch) };
    if is_socket(nginx.get("style")) {
        return Ok(Arranged::BySocket);
    }
    let words = nginx.get("set_switch").and_then(|words| words.as_array());
    let ours = words.is_some_and(|words| words.iter().any(|word| word.as_str() == Some(BINARY)));
    let otherwise = !ours && ARRANGED.into_iter().any(|key| nginx.get(key).is_some());
    Ok(if otherwise { Arranged::Otherwise } else { Arranged::BySetSwitch })
}

fn is_socket(style: Option<&toml_edit::Item>) -> bool {
    style.and_then(|style| style.as_str()) == Some("socket")
}

/// What tells that it is arranged already.
const ARRANGED: [&str; 4] = ["switch", "set_switch", "test", "reload"];

fn parsed(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|error| Error::Usage(format!("flipside.toml: {error}")))
}

pub fn style(config: &Config) -> &'static str {
    match config.nginx.style {
        Style::Upstream => "upstream",
        Style::Socket => "socket",
    }
}

pub fn ports(config: &Config) -> String {
    let check = config.nginx.check.map(|check| check.address().port()).unwrap_or_default();
    config.instance.ports().map_or_else(|| check.to_string(), |[a, b]| format!("{a},{b},{check}"))
}

fn one_port(text: &str) -> Result<u16> {
    text.trim().parse().map_err(|_| {
        Error::Usage(format!(
            "--ports: `{text}` is not a port; with sockets, write that of the check server: 20200"
        ))
    })
}

fn three_ports(text: &str) -> Result<[u16; 3]> {
    let ports: Option<Vec<u16>> = text.split(',').map(|port| port.trim().parse().ok()).collect();
    ports.and_then(|ports| ports.try_into().ok()).ok_or_else(|| {
        Error::Usage(format!("--ports: `{text}` is not three ports; write those of A, of B and of the check server: 20201,20202,20200"))
    })
}
