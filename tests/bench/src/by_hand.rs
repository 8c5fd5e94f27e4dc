//! A deployment without flipside: two clones, an app in the background, a file of nginx's and a reload. It knows that the
//! app works when it listens.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::World;
use support::world::demo_app;

/// Of the words that follow: the revision.
const SCRIPT: &str = r#"
set -e
cd "$FOLDER"
case $(cat "$SWITCH") in *:$A\;*) instance=B port=$B ;; *) instance=A port=$A ;; esac
listener() { lsof -nP -t "-iTCP:$port" -sTCP:LISTEN; }

[ -d "$instance" ] || git clone -q "$SOURCE" "$instance"
git -C "$instance" fetch -q --tags
git -C "$instance" checkout -q -f "$1"
[ -z "$BUILD" ] || sh -c "$BUILD"

if old=$(listener); then
    kill "$old"
    while listener >/dev/null; do sleep 0.05; done
fi
cd "$instance"
INSTANCE=$instance RELEASE=$1 HOST=127.0.0.1 PORT=$port nohup "$APP" >"../$instance.log" 2>&1 &
tries=0
until listener >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || exit 1
    sleep 0.05
done
printf 'server 127.0.0.1:%s;\n' "$port" >"$SWITCH"
nginx -p "$PROXY" -c "$PROXY/nginx.conf" -t -q
nginx -p "$PROXY" -c "$PROXY/nginx.conf" -s reload
"#;

/// The command that deploys the revision like this in a world in which flipside does not.
pub fn deploy(world: &World, revision: &str) -> Command {
    with_build(world, revision, "")
}

/// The same with a build.
pub fn with_build(world: &World, revision: &str, build: &str) -> Command {
    let folder = world.folder().join("by-hand");
    fs::create_dir_all(&folder).expect("a folder for what is done by hand");
    let mut shell = in_world(world, SCRIPT);
    shell.args(["deploy", revision]);
    shell
        .env("FOLDER", &folder)
        .env("BUILD", build)
        .env("SOURCE", world.source())
        .env("SWITCH", world.switch())
        .env("PROXY", world.folder().join("proxy"))
        .env("APP", demo_app())
        .env("A", world.port("A").to_string())
        .env("B", world.port("B").to_string());
    shell
}

/// Whether it could be deployed.
pub fn run(world: &World, revision: &str) -> bool {
    quiet(deploy(world, revision)).status().expect("sh is there").success()
}

pub fn took(world: &World, revision: &str) -> Duration {
    let begun = Instant::now();
    assert!(run(world, revision), "the script deploys");
    begun.elapsed()
}

/// Ended that long after it began.
pub fn killed(world: &World, revision: &str, after: Duration) {
    let mut deploying = quiet(deploy(world, revision)).spawn().expect("sh is there");
    std::thread::sleep(after);
    deploying.kill().and_then(|()| deploying.wait()).expect("it can be ended");
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A shell with this text, whose processes end with the world.
pub fn in_world(world: &World, text: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]).current_dir(world.folder());
    for (name, value) in world.command(&["status"]).get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}
