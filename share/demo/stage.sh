# shellcheck shell=bash
# The stage of the demo: a home under target/demo with an app in a git repository and an nginx of its own, all of it run
# by you, on ports of the loopback address that are free. Sourced by run and shell, in the folder of the checkout.

load_pid=''
PATH=$PATH:/usr/sbin:/sbin:$HOME/.cargo/bin # where nginx and cargo may be

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

title() { printf '\n%s%s%s\n\n' "$bold" "$1" "$plain"; }
tell() { printf '%s\n' "$@"; }
show() { # a command, as you would type it, and what it says
    printf '\n%s$%s %s%s%s\n' "$dim" "$plain" "$bold" "$*" "$plain"
    "$@" 9>&- # none of them holds the lock of the demo
}
stop_here() {
    printf 'demo: %s\n' "$1" >&2
    exit 1
}

build() {
    share/get-missing cargo cc git nginx python3 curl jq
    tell 'Building flipside (the first time, this takes some minutes).'
    cargo build --release --workspace --bins
    local target=${CARGO_TARGET_DIR:-target}
    mkdir -p "$target/demo"
    demo=$(cd "$target/demo" && pwd -P)
    PATH=$(cd "$target/${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}/release" && pwd -P):$PATH
    export FLIPSIDE_HOME=$demo/home
}

set_the_stage() {
    exec 9>"$demo/lock"
    flock -n 9 || stop_here 'another demo runs in this checkout already'
    trap clear_the_stage EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    stop_all # what a demo that was killed may have left
    rm -rf "$FLIPSIDE_HOME"
    mkdir -p "$FLIPSIDE_HOME"/nginx/{logs,temp}
    pick_ports
    write_configuration
    start_nginx
    make_repository
}

# Four neighbours that nobody listens on: the instances, the check server, and what visitors use.
pick_ports() {
    local first port
    for ((first = 20200; first < 30000; first += 10)); do
        for port in $((first)) $((first + 1)) $((first + 2)) $((first + 3)); do
            ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue 2
        done
        check_port=$first a_port=$((first + 1)) b_port=$((first + 2)) public_port=$((first + 3))
        export url=http://127.0.0.1:$public_port
        return
    done
    stop_here 'no free ports between 20200 and 30000'
}

write_configuration() {
    sed -e "s|@HOME@|$FLIPSIDE_HOME|g" -e "s|@CHECK@|$check_port|" -e "s|@A@|$a_port|" -e "s|@B@|$b_port|" \
        share/demo/flipside.toml | sed 1d >"$FLIPSIDE_HOME/flipside.toml"

    local nginx=$FLIPSIDE_HOME/nginx
    sed -e 's|@APP@|hello|g' -e 's|@VARIABLE@|hello|g' -e 's|@SWITCH@|upstream.conf|' \
        -e "s|@LISTEN@|127.0.0.1:$public_port|" -e 's|@SERVER_NAME@|_|' -e "s|@CHECK@|127.0.0.1:$check_port|" \
        share/nginx/site.conf >"$nginx/site.conf"
    sed -e 's|@SITE@|site.conf|' share/nginx/private.conf >"$nginx/nginx.conf"
    [ "$(id -u)" -ne 0 ] || sed -i '1i user root; # the workers must get at temp/, wherever this checkout is' "$nginx/nginx.conf"
    echo "server 127.0.0.1:$a_port down;" >"$nginx/upstream.conf" # no instance serves yet
}

start_nginx() {
    nginx -p "$FLIPSIDE_HOME/nginx" -c "$FLIPSIDE_HOME/nginx/nginx.conf" -e "$FLIPSIDE_HOME/nginx/logs/error.log" \
        9>&- || stop_here 'nginx does not start'
}

# v1 and v2 work; v3 needs something that is not there, as happens.
make_repository() {
    local app=$FLIPSIDE_HOME/app
    git init -q -b main "$app"
    cp share/demo/app/server.py "$app"
    commit v1
    sed -i 's/^VERSION = 1$/VERSION = 2/' "$app/server.py"
    commit v2
    sed -i 's/^VERSION = 2$/VERSION = 3\nDATABASE = os.environ["DATABASE"]/' "$app/server.py"
    commit v3
}

commit() {
    local git=(git -C "$FLIPSIDE_HOME/app" -c user.name=demo -c user.email=demo@localhost -c commit.gpgsign=false)
    "${git[@]}" add .
    "${git[@]}" commit -q -m "hello $1"
    "${git[@]}" -c tag.gpgsign=false tag "$1"
}

start_visitors() { # for so many seconds
    load --url "$url" --keep-alive 100 --new 100 --slow 10 --seconds "$1" --json \
        >"$FLIPSIDE_HOME/visitors.json" 9>&- &
    load_pid=$!
}

show_visitors() { # fails if a request over a new connection failed
    wait "$load_pid" || true # it fails for a kept connection, too
    load_pid=''
    jq -r 'def row(name): "  \(name)\(.sent) requests, \(.failed) failed, half of them within \(.latency_ms.p50 | round) ms";
        (.modes.keep_alive | row("kept connections    ")),
        (.modes.new | row("new connections     ")),
        (.modes.slow | row("slow ones (300 ms)  ")), "",
        (.served[] | "  \(.instance) (\(.release)) answered \(.count) of them, the first after "
            + "\(.first_seconds * 10 | round / 10) s, the last after \(.last_seconds * 10 | round / 10) s")
        ' "$FLIPSIDE_HOME/visitors.json"
    jq -e '.modes.new.failed + .modes.slow.failed == 0' "$FLIPSIDE_HOME/visitors.json" >/dev/null
}

clear_the_stage() {
    local status=$?
    trap '' INT TERM HUP
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || true
    stop_all
    case $status in
        0 | 130 | 143)
            rm -rf "$FLIPSIDE_HOME"
            tell '' 'Everything that ran here is stopped, and the home is removed.'
            ;;
        *) tell '' "Everything that ran here is stopped. What it left to read is in $FLIPSIDE_HOME/logs." >&2 ;;
    esac
    exit "$status"
}

stop_all() {
    local nginx_pid
    nginx_pid=$(cat "$FLIPSIDE_HOME/nginx/nginx.pid" 2>/dev/null || true)
    if [ -n "$nginx_pid" ] && grep -qsF "$FLIPSIDE_HOME/" "/proc/$nginx_pid/cmdline"; then
        kill "$nginx_pid"
    fi
    local deadline=$((SECONDS + 5)) signal=TERM
    local -a pids
    while mapfile -t pids < <(instances) && [ ${#pids[@]} -gt 0 ]; do
        [ $SECONDS -lt $deadline ] || signal=KILL
        kill -s "$signal" "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
}

instances() { # each process of an instance carries this mark
    grep -lzsF "FLIPSIDE_PROCESS=$FLIPSIDE_HOME#" /proc/[0-9]*/environ | cut -d / -f 3
}
