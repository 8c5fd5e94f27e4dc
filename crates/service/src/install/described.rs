//! `flipside.toml` as install writes it.

use std::fmt::Write as _;

use state::Config;
use toml_edit::{Array, DocumentMut, Value, value};

use super::root::{BINARY, switch};
use super::wishes::Wishes;
use super::{Error, Result};

/// A new one.
pub fn new(wishes: &Wishes) -> Result<String> {
    let quoted = |text: &Option<String>| Value::from(text.clone().unwrap_or_default()).to_string();
    let [a, b, check] = three_ports(wishes.ports.as_deref().unwrap_or_default())?;
    let source = match &wishes.directory {
        Some(_) => format!("directory = {}", quoted(&wishes.directory)),
        None => format!("git = {}\nrevision = {}", quoted(&wishes.git), quoted(&wishes.revision)),
    };
    let mut text = format!(
        "# What is deployed, and how: see flipside.toml(5).\nname = {name}\n\n\
         [instance.A]\nport = {a}\n[instance.B]\nport = {b}\n\n[source]\n{source}\n\n",
        name = quoted(&wishes.name)
    );
    if wishes.build.as_ref().is_some_and(|build| !build.is_empty()) {
        let _ = write!(text, "[build]\ncommand = {}\n\n", quoted(&wishes.build));
    }
    let _ = write!(
        text,
        "[run]\ncommand = {run}\n\n[health]\npath = {health}\n\n[nginx]\ncheck = \"http://127.0.0.1:{check}\"\n",
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
    if ARRANGED.into_iter().any(|key| nginx.contains_key(key)) {
        return Ok((text.to_owned(), false));
    }
    nginx.insert("switch", value(switch(name).display().to_string()));
    nginx.insert("set_switch", value(["sudo", "-n", BINARY, name].into_iter().collect::<Array>()));
    Ok((document.to_string(), true))
}

/// Whether somebody has arranged by other means than ours how nginx is switched.
pub fn is_arranged_otherwise(text: &str) -> Result<bool> {
    let document = parsed(text)?;
    let Some(nginx) = document.get("nginx") else { return Ok(false) };
    let words = nginx.get("set_switch").and_then(|words| words.as_array());
    let ours = words.is_some_and(|words| words.iter().any(|word| word.as_str() == Some(BINARY)));
    Ok(!ours && ARRANGED.into_iter().any(|key| nginx.get(key).is_some()))
}

/// What tells that it is arranged already.
const ARRANGED: [&str; 4] = ["switch", "set_switch", "test", "reload"];

fn parsed(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|error| Error::Usage(format!("flipside.toml: {error}")))
}

pub fn ports(config: &Config) -> String {
    let check = config.nginx.check.map(|check| check.address().port()).unwrap_or_default();
    config.instance.ports().map(|[a, b]| format!("{a},{b},{check}")).unwrap_or_default()
}

fn three_ports(text: &str) -> Result<[u16; 3]> {
    let ports: Option<Vec<u16>> = text.split(',').map(|port| port.trim().parse().ok()).collect();
    ports.and_then(|ports| ports.try_into().ok()).ok_or_else(|| {
        Error::Usage(format!("--ports: `{text}` is not three ports; write those of A, of B and of the check server: 20201,20202,20200"))
    })
}
