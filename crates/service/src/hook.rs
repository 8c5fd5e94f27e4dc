//! Hooks of a deployment.

use std::path::Path;

use state::{Address, App, InstanceName, ReleaseId, hook};

use crate::error::Result;

/// What a hook is told of the deployment.
#[derive(Clone, Debug)]
pub struct Moment {
    pub id: String,
    /// The instance that the hook is about.
    pub instance: InstanceName,
    pub from: Option<ReleaseId>,
    pub to: Option<ReleaseId>,
    /// Why a deployment failed, for `on-failure`.
    pub reason: Option<String>,
    /// Whether it is about what the public gets, not about the instance alone.
    pub public: bool,
}

/// Runs `hooks/<name>`, if it is there.
pub fn hook(app: &App, name: &str, moment: &Moment) -> Result<()> {
    let release = |id: &Option<ReleaseId>| id.as_ref().map(ToString::to_string).unwrap_or_default();
    let address = app.address(moment.instance);
    // Beside a socket, a URL names a host only for form's sake: curl --unix-socket "$SOCKET" "$ADDRESS".
    let own = match &address {
        Address::Port(port) => format!("http://127.0.0.1:{port}"),
        Address::Socket(_) => "http://localhost".to_owned(),
    };
    // nginx's check server asks the same upstream as the public one does.
    let check = app.config.nginx.check.filter(|_| moment.public).map(|check| check.to_string());
    let variables = [
        ("APP", app.config.name.to_string()),
        ("DEPLOYMENT", moment.id.clone()),
        ("INSTANCE", moment.instance.to_string()),
        address.variable(),
        ("ADDRESS", check.unwrap_or(own)),
        ("RELEASE", release(&moment.to)),
        ("FROM", release(&moment.from)),
        ("TO", release(&moment.to)),
        ("REASON", moment.reason.clone().unwrap_or_default()),
    ];
    let folder: &Path = app.home.path();
    hook::run(&app.home, name, folder, &variables, app.config.deploy.hook_timeout)?;
    Ok(())
}
