//! A command run under strace(1) with all that it runs: its system calls counted, and one of them made fatal or false.
//!
//! Each program of a deployment (our commands, git, nginx …) is traced by a strace of its own, which lets go of what
//! it starts. So a call has a name that is the same in every run: the third rename of the first `update-instance`.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Ran, Running, SOON, World, eventually, processes, surround};

/// What changes the world, or lets others know: between two of these nothing is different for anybody.
const CALLS: [&str; 26] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "symlink",
    "symlinkat",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "syncfs",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "kill",
    "pidfd_send_signal",
    "connect",
    "flock",
];
/// Only errors are injected into these: a kill there is the same as one at the call before.
const FALLIBLE: [&str; 1] = ["openat"];

/// The commands that run others of ours.
const COMPOSITIONS: [&str; 3] = ["deploy", "rollback", "restart"];
/// What our commands find through PATH.
const TOOLS: [&str; 5] = ["git", "nginx", "tar", "cp", "rm"];

/// One system call of a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    pub program: String,
    /// Which run of the program, from 1.
    pub run: u32,
    pub call: String,
    /// Which of its calls of that name, from 1; with a path, of those on that path.
    pub count: u32,
    /// What it acts on, without what differs from run to run.
    pub on: String,
    path: Option<PathBuf>,
}

impl Point {
    /// What it has in common with others of its kind: the program, the call, and what it acts on, be it A's or B's.
    pub fn kind(&self) -> (String, String, String) {
        let parts = self.on.split('/').map(|part| match part.strip_prefix('.').unwrap_or(part) {
            name if name == "A" || name == "B" => "?",
            name if name.starts_with("A.") || name.starts_with("B.") => {
                part.split_at(part.len() - name.len() + 1).1
            }
            _ => part,
        });
        (self.program.clone(), self.call.clone(), parts.collect::<Vec<_>>().join("/"))
    }

    /// Whether it is a call that makes or changes something on the disk.
    pub fn is_on_disk(&self) -> bool {
        !matches!(
            self.call.as_str(),
            "clone" | "clone3" | "fork" | "vfork" | "kill" | "pidfd_send_signal" | "connect"
        )
    }

    pub fn is_fork(&self) -> bool {
        matches!(self.call.as_str(), "clone" | "clone3" | "fork" | "vfork")
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { program, run, call, count, on, .. } = self;
        write!(f, "{program}.{run} {call}.{count} ({on})")
    }
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The process that makes the call is killed before it takes effect.
    Killed,
    /// The call takes effect, or is about to; then all of the command's processes are killed.
    AllKilled,
    /// The call fails with this error, once.
    Fails(&'static str),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Killed => f.write_str("killed"),
            Self::AllKilled => f.write_str("all killed"),
            Self::Fails(error) => f.write_str(error),
        }
    }
}

/// Whether this machine lets us trace; if not, the test says so and is over. In CI that is a failure.
pub fn is_possible() -> bool {
    let possible = Command::new("strace")
        .args(["-f", "-b", "execve", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    possible || support::skipped("strace is missing, or may not trace here")
}

/// A command and what became of the point.
pub struct Struck {
    pub ran: Ran,
    /// Whether the command came to the point at all.
    pub hit: bool,
}

/// All system calls of a command that runs no other, each as strace shows it.
pub fn calls(world: &World, words: &[&str]) -> Vec<String> {
    traced(world, words, &[])
}

/// The same of one that has several threads.
pub fn calls_of_all_threads(world: &World, words: &[&str]) -> Vec<String> {
    traced(world, words, &["-f"])
}

fn traced(world: &World, words: &[&str], options: &[&str]) -> Vec<String> {
    let log = world.folder().join("calls");
    let command = world.command(words);
    let mut strace = Command::new("strace");
    strace
        .args(options)
        .args(["-qq", "-yy", "-o"])
        .arg(&log)
        .arg(command.get_program())
        .args(command.get_args());
    strace.env("FLIPSIDE_HOME", world.home());
    Running::start(&words.join(" "), strace).wait().succeeds();
    fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

/// Runs the command to its end; all points of it, in the order of programs.
pub fn points(world: &World, words: &[&str]) -> (Ran, Vec<Point>) {
    let traced = Traced::prepare(world);
    let mut command = traced.command(words);
    let calls: Vec<_> = CALLS.iter().chain(&FALLIBLE).map(|call| format!("?{call}")).collect();
    command.env("TRACE_AT", "all").env("TRACE_OPTIONS", format!("-e trace={}", calls.join(",")));
    let ran = Running::start(&words.join(" "), command).wait();
    traced.let_go();
    let found = traced.points();
    (ran, found)
}

/// Runs the command, and lets the point's call meet its fate.
pub fn strike(world: &World, words: &[&str], point: &Point, fate: Fate) -> Struck {
    let traced = Traced::prepare(world);
    let mut command = traced.command(words);
    let what = match fate {
        Fate::Killed => "signal=SIGKILL".to_owned(),
        Fate::AllKilled => "signal=SIGSTOP".to_owned(),
        Fate::Fails(error) => format!("error={error}"),
    };
    let mut options = String::new();
    for path in point.path.iter().flat_map(|path| of_either(&world.home().join(path))) {
        write!(options, "-P {path} ").unwrap();
    }
    let Point { program, run, call, count, .. } = point;
    command.env("TRACE_AT", format!("{program}.{run}"));
    write!(options, "-e trace={call} -e inject={call}:{what}:when={count}").unwrap();
    command.env("TRACE_OPTIONS", options);
    let mut running = Running::start(&words.join(" "), command);
    let log = traced.log(&format!("{program}.{run}"));
    let says = |text: &str| fs::read_to_string(&log).is_ok_and(|log| log.contains(text));
    if fate == Fate::AllKilled {
        eventually(Duration::from_mins(2), "the command stops or ends", || {
            says("--- stopped by SIGSTOP ---") || !running.is_running()
        });
        if running.is_running() {
            processes::end(|| world.commands_running());
        }
    }
    let ran = running.wait();
    if matches!(fate, Fate::Fails(_)) {
        traced.let_go();
    }
    let hit = match fate {
        Fate::Killed => says("+++ killed by SIGKILL +++"),
        Fate::AllKilled => says("--- stopped by SIGSTOP ---"),
        Fate::Fails(_) => says("(INJECTED)"),
    };
    Struck { ran, hit }
}

/// The folder with the stand-ins of all programs: each runs the real one, under strace if it is told to.
struct Traced<'a> {
    world: &'a World,
    folder: PathBuf,
}

impl<'a> Traced<'a> {
    fn prepare(world: &'a World) -> Self {
        world.make();
        let traced = Self { world, folder: world.folder().join("traced") };
        if !traced.folder.exists() {
            traced.make_stand_ins();
        }
        let runs = traced.runs();
        let _ = fs::remove_dir_all(&runs);
        fs::create_dir_all(runs).unwrap();
        traced
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    fn log(&self, run: &str) -> PathBuf {
        self.runs().join(run).join("log")
    }

    /// Written by another process: a file that is open for writing in a process that forks could not be executed.
    fn make_stand_ins(&self) {
        let commands = Path::new(env!("CARGO_BIN_EXE_deploy")).parent().unwrap();
        let mut text = String::from("set -e\nmkdir -p bin first tools\n");
        let stand_in = |path: &str, real: &Path| {
            format!(
                r#"cat >{path} <<'END'
#!/bin/sh
name=${{0##*/}} run=1
while ! mkdir "$TRACE_RUNS/$name.$run" 2>/dev/null; do run=$((run + 1)); done
case $TRACE_AT in
    all | "$name.$run") exec strace -f -b execve -y -o "$TRACE_RUNS/$name.$run/log" $TRACE_OPTIONS {real} "$@" ;;
    *) exec {real} "$@" ;;
esac
END
chmod +x {path}
"#,
                real = real.display()
            )
        };
        let names = fs::read_dir(commands).unwrap().flatten().filter(|entry| entry.path().is_file());
        for name in names.filter_map(|entry| entry.file_name().into_string().ok()) {
            let real = commands.join(&name);
            let is_command = !name.contains('.') && !["demo-app", "load"].contains(&&*name);
            if COMPOSITIONS.contains(&&*name) {
                // It looks for the others in its own folder.
                writeln!(text, "cp {} bin/{name}", real.display()).unwrap();
                text += &stand_in(&format!("first/{name}"), &self.folder.join("bin").join(&name));
            } else if is_command {
                text += &stand_in(&format!("bin/{name}"), &real);
                writeln!(text, "ln -s ../bin/{name} first/{name}").unwrap();
            }
        }
        for tool in TOOLS {
            if let Some(real) = in_path(tool) {
                text += &stand_in(&format!("tools/{tool}"), &real);
            }
        }
        fs::create_dir_all(&self.folder).unwrap();
        let made = Command::new("sh").arg("-c").arg(text).current_dir(&self.folder).status();
        assert!(made.is_ok_and(|status| status.success()), "the stand-ins cannot be made");
    }

    fn command(&self, words: &[&str]) -> Command {
        let plain = self.world.command(words);
        let mut command = Command::new(self.folder.join("first").join(words[0]));
        command.args(plain.get_args());
        surround(&mut command, &plain);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", self.folder.join("tools").display()))
            .env("TRACE_RUNS", self.runs());
        command
    }

    /// Whatever the command has left running ends by itself.
    fn let_go(&self) {
        eventually(SOON, "what the command has left running ends", || {
            self.world.commands_running().is_empty()
        });
    }

    fn points(&self) -> Vec<Point> {
        let mut points = Vec::new();
        let mut runs: Vec<_> =
            fs::read_dir(self.runs()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        runs.sort();
        for run in runs.iter().filter_map(|run| run.to_str()) {
            let (program, number) = run.rsplit_once('.').unwrap();
            let log = fs::read_to_string(self.log(run)).unwrap_or_default();
            points.extend(self.points_of(program, number.parse().unwrap(), &log));
        }
        points
    }

    /// Of the program's first thread; the others only read.
    fn points_of(&self, program: &str, run: u32, log: &str) -> Vec<Point> {
        let mut counts = HashMap::<String, u32>::new();
        let mut points = Vec::new();
        let main = log.split(' ').next().unwrap_or_default();
        for line in log.lines() {
            let Some((pid, rest)) = line.split_once(' ') else { continue };
            let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
            let known = CALLS.contains(&call) || FALLIBLE.contains(&call);
            if pid != main || !known {
                continue;
            }
            let fallible = FALLIBLE.contains(&call);
            let path = fallible.then(|| quoted(arguments)).flatten();
            let counted = format!("{call} {}", path.clone().unwrap_or_default());
            let count = counts.entry(counted).or_default();
            *count += 1;
            let count = *count;
            let Some(on) = self.what(call, arguments) else { continue };
            // What is only read, or has a name that differs each time, cannot be aimed at.
            let aimed = !fallible || (arguments.contains("O_WRONLY") || arguments.contains("O_RDWR"));
            if aimed && !(fallible && on.contains('#')) {
                let path = path.map(|_| PathBuf::from(&on));
                points.push(Point {
                    program: program.to_owned(),
                    run,
                    call: call.to_owned(),
                    count,
                    on,
                    path,
                });
            }
        }
        points
    }

    /// What a call acts on, without what differs from run to run; nothing if it is no file of the home.
    fn what(&self, call: &str, arguments: &str) -> Option<String> {
        match call {
            "clone" | "clone3" => {
                return Some(
                    if arguments.contains("CLONE_THREAD") { "thread" } else { "process" }.to_owned(),
                );
            }
            "fork" | "vfork" | "kill" | "pidfd_send_signal" => return Some("process".to_owned()),
            "connect" => {
                if let Some((_, path)) = arguments.split_once("sun_path=\"") {
                    let of_ours = path.starts_with(&self.world.home().display().to_string());
                    return of_ours.then(|| "instance".to_owned());
                }
                let port: u16 = arguments.split_once("htons(")?.1.split_once(')')?.0.parse().ok()?;
                let world = self.world;
                let whose = if port == world.check_port() {
                    "nginx"
                } else if [world.port("A"), world.port("B")].contains(&port) {
                    "instance"
                } else {
                    return None;
                };
                return Some(whose.to_owned());
            }
            _ => {}
        }
        let by_descriptor = !arguments.contains('"') || matches!(call, "write" | "pwrite64");
        let path = if by_descriptor {
            arguments.split_once('<')?.1.split_once('>')?.0.to_owned()
        } else {
            let named = quoted(arguments)?;
            match arguments.split_once('<') {
                Some((_, rest)) if !named.starts_with('/') => format!("{}/{named}", rest.split_once('>')?.0),
                _ => named,
            }
        };
        let home = self.world.home().display().to_string();
        let inside = match path.strip_prefix(&home) {
            Some(inside) => inside.trim_start_matches('/'),
            None if path.starts_with('/') || path.contains(':') => return None,
            None => &path,
        };
        Some(general(inside))
    }
}

/// Ids, times and numbers of temporary files become `#`.
fn general(path: &str) -> String {
    let parts = path.trim_end_matches(" (deleted)").split('/').map(|part| {
        let differs = part.chars().any(|c| c.is_ascii_digit()) || part.starts_with("tmp_");
        let hidden = if part.starts_with('.') { "." } else { "" };
        if differs { format!("{hidden}#") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The same file of A and of B: which of them a command works on differs from run to run.
fn of_either(path: &Path) -> Vec<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_of_one = ["A.", "B.", ".A.", ".B."].iter().any(|start| name.starts_with(start));
    let names = if is_of_one {
        [name.replace('B', "A"), name.replace('A', "B")].into()
    } else {
        vec![name.into_owned()]
    };
    names.iter().map(|name| path.with_file_name(name).display().to_string()).collect()
}

/// The last quoted word: what a call makes, of two names.
fn quoted(arguments: &str) -> Option<String> {
    let (before, _) = arguments.rsplit_once('"')?;
    Some(before.rsplit_once('"')?.1.to_owned())
}

fn in_path(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|path| path.is_file())
}
