//! Root's part: nginx, the one command that sudo allows, the boot, logrotate.

mod boot;
mod check;
mod default_site;
mod instances;
mod lingering;
mod logrotate;
mod nginx;
mod packages;
mod set_switch;
mod site;
mod sudoers;
mod switch;

pub use boot::Boot;
pub use default_site::DefaultSite;
pub use instances::{Instances, running};
pub use lingering::Lingering;
pub use logrotate::Logrotate;
pub use nginx::Nginx;
pub use packages::Packages;
pub use set_switch::{BINARY, LIST, Listed, SetSwitch};
pub use site::{Certificate, Site, Way};
pub use sudoers::Sudoers;
pub use switch::{Switch, switch};
