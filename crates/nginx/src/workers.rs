//! nginx's worker processes, as their titles tell: an old worker that accepts no more says so in its title before it
//! closes its listening sockets (nginx sets "worker process is shutting down" first).

use procfs::process::{Process, all_processes};
use state::{App, Pid};

/// A worker at one moment; a pid alone would not tell it from a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    pub pid: Pid,
    start: u64,
}

/// The workers of the app's nginx that accept connections now. None if its master cannot be found from here.
pub fn accepting(app: &App, known: Option<Pid>) -> Option<Vec<Worker>> {
    let master = known.and_then(parent).or_else(|| master_of(app))?;
    let workers = all_processes().ok()?.flatten().filter_map(|process| {
        let stat = process.stat().ok()?;
        let title = title(&process)?;
        let accepts = title.starts_with("nginx: worker process") && !title.contains("is shutting down");
        (stat.ppid == master.0 && stat.state != 'Z' && accepts)
            .then_some(Worker { pid: Pid(stat.pid), start: stat.starttime })
    });
    Some(workers.collect())
}

/// The parent of a worker that answered, if it is a master.
fn parent(worker: Pid) -> Option<Pid> {
    let parent = Process::new(worker.0).ok()?.stat().ok()?.ppid;
    let is_master = is_master(&title(&Process::new(parent).ok()?)?);
    is_master.then_some(Pid(parent))
}

/// The only master, or the only one that was started with the prefix and configuration of our reload command.
fn master_of(app: &App) -> Option<Pid> {
    let masters =
        all_processes().ok()?.flatten().filter_map(|process| Some((Pid(process.pid()), title(&process)?)));
    let reload = &app.config.nginx.reload;
    let named: Vec<_> = reload
        .windows(2)
        .filter(|pair| pair[0] == "-p" || pair[0] == "-c")
        .map(|pair| pair.join(" "))
        .collect();
    let ours = |title: &str| is_master(title) && named.iter().all(|option| title.contains(option.as_str()));
    let mut ours = masters.filter(|(_, title)| ours(title));
    match (ours.next(), ours.next()) {
        (Some((pid, _)), None) => Some(pid),
        _ => None,
    }
}

fn is_master(title: &str) -> bool {
    title.starts_with("nginx: master process")
}

fn title(process: &Process) -> Option<String> {
    Some(process.cmdline().ok()?.join(" "))
}
