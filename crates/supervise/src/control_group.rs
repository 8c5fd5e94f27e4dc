//! Control groups: which processes are in one, and in which one a process is. systemd's are in the one hierarchy of
//! version 2, or in a hierarchy of their own beside those of version 1 (cgroups(7)).

use std::fs;
use std::path::{Path, PathBuf};

use state::{Pid, file};

const HIERARCHIES: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

/// Its folder, from the path that systemd or the kernel tells.
pub(crate) fn folder(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/').filter(|path| !path.is_empty())?;
    HIERARCHIES
        .iter()
        .map(|hierarchy| Path::new(hierarchy).join(path))
        .find(|folder| folder.join("cgroup.procs").exists())
}

/// Whether there is a limit of memory on it. A service manager may set one where the memory controller is its own.
pub(crate) fn limits_memory(folder: &Path) -> bool {
    if let Ok(limit) = fs::read_to_string(folder.join("memory.max")) {
        return limit.trim() != "max";
    }
    let Some(path) = HIERARCHIES[1..].iter().find_map(|hierarchy| folder.strip_prefix(hierarchy).ok()) else {
        return false;
    };
    let limit = Path::new("/sys/fs/cgroup/memory").join(path).join("memory.limit_in_bytes");
    // Without a limit it is the largest number that is a whole page.
    let limit = fs::read_to_string(limit).ok().and_then(|limit| limit.trim().parse::<u64>().ok());
    limit.is_some_and(|limit| limit < 1 << 62)
}

/// A number that one of its files holds.
pub(crate) fn number(folder: &Path, name: &str) -> Option<u32> {
    String::from_utf8(file::of_kernel(folder.join(name)).ok()?).ok()?.trim().parse().ok()
}

/// The paths of those that systemd may have put the process in: of its own hierarchy, and of version 2.
pub(crate) fn of(pid: Pid) -> Vec<String> {
    let text = file::of_kernel(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(path_in).map(str::to_owned).collect()
}

/// `1:name=systemd:/PATH` or `0::/PATH`; a path may hold anything.
fn path_in(line: &str) -> Option<&str> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    ["name=systemd", ""].contains(&controllers).then_some(path)
}

/// Its processes, and those of all that is below it.
pub(crate) fn processes(folder: &Path) -> Vec<Pid> {
    let text = file::of_kernel(folder.join("cgroup.procs")).unwrap_or_default();
    let mut pids: Vec<_> =
        String::from_utf8_lossy(&text).lines().filter_map(|line| line.parse().ok().map(Pid)).collect();
    for below in fs::read_dir(folder).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) {
            pids.extend(processes(&below.path()));
        }
    }
    pids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_told_by_the_hierarchy_alone() {
        assert_eq!(path_in("1:name=systemd:/user.slice/x.scope"), Some("/user.slice/x.scope"));
        assert_eq!(path_in("0::/odd:name=systemd:/0::/name"), Some("/odd:name=systemd:/0::/name"));
        assert_eq!(path_in("4:cpu,cpuacct:/odd:name=systemd:/0::/name"), None);
    }
}
