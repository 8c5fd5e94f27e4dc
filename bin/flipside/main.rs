//! flipside: all commands but root's in one file, which is the one that it is called. A package holds it, under all of
//! their names, in place of the many that a checkout builds: a seventh of the size, and as fast.

#![allow(clippy::duplicate_mod)] // some commands have parts in common

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Each command as it is, from its own file.
macro_rules! commands {
    ($($module:ident in $file:literal,)*) => {
        $(
            #[path = $file]
            mod $module;
        )*
        const COMMANDS: &[(&str, fn() -> ExitCode)] = &[$(($file, $module::main)),*];
    };
}

commands! {
    bootup in "../bootup.rs",
    check_health in "../check-health.rs",
    connect_to_nginx in "../connect-to-nginx.rs",
    deploy in "../deploy.rs",
    deployments in "../deployments.rs",
    disabled_instance in "../disabled-instance.rs",
    disabled_port in "../disabled-port.rs",
    drain_instance in "../drain-instance.rs",
    enabled_instance in "../enabled-instance.rs",
    enabled_port in "../enabled-port.rs",
    install in "../install.rs",
    logs in "../logs.rs",
    pid in "../pid.rs",
    releases in "../releases.rs",
    rollback in "../rollback.rs",
    start_instance in "../start-instance.rs",
    status in "../status.rs",
    stop_instance in "../stop-instance.rs",
    update_instance in "../update-instance.rs",
}

fn main() -> ExitCode {
    // The link by the kernel's word first: /usr/sbin/flipside-install leads to one that is called install.
    let called = [env::current_exe().ok(), env::args_os().next().map(PathBuf::from)];
    let Some(main) = called.iter().flatten().find_map(|path| command(path)) else {
        cli::note(&format!("{}: there is no command of this name", cli::name()));
        return ExitCode::from(2);
    };
    main()
}

fn command(called: &Path) -> Option<fn() -> ExitCode> {
    let file = format!("../{}.rs", called.file_name()?.to_str()?);
    COMMANDS.iter().find(|(name, _)| *name == file).map(|(_, main)| *main)
}
