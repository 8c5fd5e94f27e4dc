//! What else is on a machine, to see that nothing takes longer because of it.

use std::process::{Child, Command, Stdio};

/// Ended when it is dropped.
pub struct Surroundings(Vec<Child>);

impl Surroundings {
    /// Processes that do nothing, each with so many open descriptors.
    pub fn of_idle_processes(count: usize, descriptors: usize) -> Self {
        let open: Vec<_> = (10..10 + descriptors).map(|number| format!("{number}</dev/null")).collect();
        let text = format!("exec {}; exec sleep 3600", open.join(" "));
        let idle = || {
            let mut shell = Command::new("/bin/bash");
            shell.args(["-c", &text]).stdin(Stdio::null()).spawn()
        };
        Self((0..count).map(|_| idle().expect("a process can be made")).collect())
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        for idle in &mut self.0 {
            let _ = idle.kill();
        }
        for idle in &mut self.0 {
            let _ = idle.wait();
        }
    }
}
