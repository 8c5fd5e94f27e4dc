//! What else is on a machine, to see that nothing takes longer because of it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use support::{Signal, processes};

/// This program, told so, holds connections instead of measuring.
pub const HOLD_CONNECTIONS: &str = "--hold-connections";
/// Of one process, which needs two descriptors for each.
const CONNECTIONS: usize = 1_000;
/// Of one shell.
const PROCESSES: usize = 250;

/// Processes that do nothing. They end when this is dropped, and also when nobody is left to drop it: each group waits
/// for the end of a pipe.
pub struct Surroundings(Vec<Child>);

impl Surroundings {
    /// Each with so many open descriptors.
    pub fn of_idle_processes(count: usize, descriptors: usize) -> Self {
        let open: Vec<_> = (10..10 + descriptors).map(|number| format!("{number}</dev/null")).collect();
        // dash knows no descriptor beyond 9. What a shell has opened, its children have.
        // Whoever is to hear that they are there may be gone.
        let text = format!(
            "trap '' PIPE; exec {}; for number in $(seq \"$0\"); do sleep 3600 & done; echo there; read -r _; kill -s KILL 0",
            open.join(" ")
        );
        let shell = |count: usize| {
            let mut shell = Command::new("/bin/bash");
            shell.args(["-c", &text]).arg(count.to_string());
            shell
        };
        Self::of_groups(parts(count, PROCESSES).map(shell))
    }

    /// Established ones, of which nobody hears a word.
    pub fn of_connections(count: usize) -> Self {
        let this = std::env::current_exe().expect("this program has a path");
        let holder = |count: usize| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", r#"ulimit -n "$1"; shift; exec "$@""#, "sh"]).arg((2 * count + 20).to_string());
            shell.arg(&this).args([HOLD_CONNECTIONS, &count.to_string()]);
            shell
        };
        Self::of_groups(parts(count, CONNECTIONS).map(holder))
    }

    fn of_groups(groups: impl Iterator<Item = Command>) -> Self {
        let mut all = Self(Vec::new());
        for mut group in groups {
            group.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            all.0.push(group.spawn().expect("a process can be made"));
        }
        for leader in &mut all.0 {
            let said = leader.stdout.as_mut().expect("its output is a pipe");
            said.read_exact(&mut [0]).expect("the surroundings come to be there");
        }
        all
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        for leader in &self.0 {
            processes::signal(-leader.id().cast_signed(), Signal::SIGKILL);
        }
        for leader in &mut self.0 {
            let _ = leader.wait();
        }
    }
}

/// Of so many, at most so many at a time.
fn parts(count: usize, at_most: usize) -> impl Iterator<Item = usize> {
    (0..count).step_by(at_most).map(move |first| at_most.min(count - first))
}

/// Connects with itself so many times, says so, and keeps that up until its input ends.
pub fn hold_connections(count: usize) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let held: Vec<_> = (0..count)
        .map(|_| Ok((TcpStream::connect(address)?, listener.accept()?)))
        .collect::<std::io::Result<_>>()?;
    let mut output = std::io::stdout();
    output.write_all(b"there\n").and_then(|()| output.flush())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(held);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        assert_eq!(parts(2_300, 1_000).collect::<Vec<_>>(), [1_000, 1_000, 300]);
        assert_eq!(parts(0, 1_000).count(), 0);
    }
}
