//! The disk of a machine: this root file system, with what the machine writes, or must not see, in memory above it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::command::Running;

/// What a system consists of; everything else at the root is this machine's own.
const SYSTEM: [&str; 9] = ["bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"];

/// Folders of the system whose content is this machine's own.
const PRIVATE: [&str; 18] = [
    "etc/cron.d",
    "etc/flipside",
    "etc/nginx/conf.d",
    "etc/nginx/flipside",
    "etc/nginx/sites-available",
    "etc/nginx/sites-enabled",
    "etc/profile.d",
    "etc/ssh",
    "etc/sudoers.d",
    "etc/systemd/system",
    "etc/systemd/user",
    "usr/local/libexec",
    "usr/local/share/man",
    "var/lib/systemd",
    "var/log",
    "var/spool/cron/crontabs",
    "var/tmp",
    "var/www",
];

/// What the machine starts when it boots, besides what systemd itself wants.
const WANTED: [&str; 3] = ["cron.service", "nginx.service", "ssh.service"];

/// Of systemd's own, and of what is started without a unit.
const UNWANTED: [&str; 8] = [
    "apt-daily.timer",
    "console-getty.service",
    "dev-hugepages.mount",
    "getty.target",
    "machines.target",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-tmpfiles-clean.timer",
];

/// Makes and mounts it; nothing runs there yet.
pub fn make(folder: &Path, name: &str) {
    fs::create_dir_all(folder).unwrap();
    let memory = mount(Some("flipside-test"), folder, Some("tmpfs"), MsFlags::empty(), Some("mode=755"));
    memory.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for part in ["upper", "work", "root"] {
        fs::create_dir(folder.join(part)).unwrap();
    }
    let (upper, root) = (folder.join("upper"), folder.join("root"));
    hide_what_is_private(&upper);
    let layers = format!("lowerdir=/,upperdir={},workdir={}", upper.display(), folder.join("work").display());
    mount(Some("flipside-test"), &root, Some("overlay"), MsFlags::empty(), Some(layers.as_str()))
        .unwrap_or_else(|error| panic!("{layers}: {error}"));
    choose_units(&root);
    let write = |path: &str, text: &str| fs::write(root.join(path), text).unwrap();
    write("etc/machine-id", "");
    write("etc/fstab", "");
    write("etc/hostname", &format!("{name}\n"));
    write("etc/hosts", &format!("127.0.0.1 localhost {name}\n::1 localhost\n"));
    fs::create_dir(root.join("var/log/journal")).unwrap(); // it is kept over a boot
    fs::create_dir(root.join("var/log/nginx")).unwrap();
    allow_ssh(folder, &root);
}

/// An opaque folder in the upper layer: what is below it in the lower one is not seen.
fn hide_what_is_private(upper: &Path) {
    let top = fs::read_dir("/").unwrap().flatten();
    let folders = top.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let own = names.filter(|name| !SYSTEM.contains(&name.as_str()));
    for path in own.chain(PRIVATE.map(str::to_owned)) {
        if !Path::new("/").join(&path).is_dir() {
            continue;
        }
        let mut made = PathBuf::new();
        for part in Path::new(&path) {
            made.push(part);
            make_like(&Path::new("/").join(&made), &upper.join(&made));
        }
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(upper.join(&path), "trusted.overlay.opaque", b"y", flags).unwrap();
    }
}

/// A folder with the same owner and mode.
fn make_like(model: &Path, folder: &Path) {
    if folder.exists() {
        return;
    }
    let model = fs::metadata(model).unwrap();
    fs::create_dir(folder).unwrap();
    chown(folder, Some(model.uid()), Some(model.gid())).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(model.mode() & 0o7777)).unwrap();
}

fn choose_units(root: &Path) {
    let units = root.join("etc/systemd/system");
    let wants = units.join("multi-user.target.wants");
    fs::create_dir(&wants).unwrap();
    for unit in WANTED {
        symlink(Path::new("/lib/systemd/system").join(unit), wants.join(unit)).unwrap();
    }
    for unit in UNWANTED {
        symlink("/dev/null", units.join(unit)).unwrap();
    }
    // What has no unit would be given one.
    for level in "0123456S".chars() {
        for script in fs::read_dir(root.join(format!("etc/rc{level}.d"))).into_iter().flatten().flatten() {
            fs::remove_file(script.path()).unwrap();
        }
    }
}

fn allow_ssh(folder: &Path, root: &Path) {
    for key in [root.join("etc/ssh/key"), key(folder)] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(key);
        Running::start("ssh-keygen", keygen).wait().succeeds();
    }
    let config = "HostKey /etc/ssh/key\nUsePAM yes\nUseDNS no\nPrintMotd no\nPasswordAuthentication no\n\
        KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n";
    fs::write(root.join("etc/ssh/sshd_config"), config).unwrap();
    let ssh = root.join("root/.ssh");
    fs::create_dir(&ssh).unwrap();
    fs::copy(key(folder).with_extension("pub"), ssh.join("authorized_keys")).unwrap();
}

/// What opens the machine to ssh.
pub fn key(folder: &Path) -> PathBuf {
    folder.join("key")
}

/// Unmounts and removes what there is of it.
pub fn remove(folder: &Path) -> Result<(), String> {
    for path in [folder.join("root"), folder.to_owned()] {
        while umount2(&path, MntFlags::MNT_DETACH).is_ok() {}
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}
