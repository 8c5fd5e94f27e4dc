//! demo-app: a small web service with switches, to be deployed by tests.
//!
//! What it does is decided by switches, `KEY=VALUE` lines in the file `switches` of the folder it runs in (so that a
//! release decides how it behaves), or variables of the same names in its environment:
//!
//! | switch | effect |
//! | --- | --- |
//! | `VERSION=v1` | the last word that `/` answers |
//! | `LISTEN=[::]` | or `0.0.0.0`, `127.0.0.1` (otherwise the host that it is told), or `never` |
//! | `SOCKET_FORM=relative` | binds its socket by a relative path |
//! | `REMOVES_SOCKET=yes` | removes its socket when it stops |
//! | `START_DELAY=500ms` | waits that long before it listens |
//! | `EXIT_AT_START=1` | exits with this status instead of listening; `MESSAGE=...` goes to standard error |
//! | `EXIT_AFTER=3s` | exits with `EXIT_STATUS` (1) that long after it began to listen |
//! | `HEALTH=500` | what `/health` answers; `mute`: accepts, and never answers anything |
//! | `PAGES=500` | what everything but `/health` answers |
//! | `HEALTHY_TIMES=3` | `/health` answers 200 that often, and from then on 500 |
//! | `IGNORE_SIGTERM=yes` | SIGTERM does nothing |
//! | `TREE=npm` | runs as npm does it: sh, which started sh, which started the app |
//! | `GRANDCHILD=holds-port` | an orphan in a session of its own, deaf to SIGTERM, listens; or `idle`: it only lives on |
//!
//! Paths: `/` (instance, release, version), `/health`, `/slow?ms=300`, `/held` (until `HELD=no` is turned), `/websocket`
//! (echo), `/env`, `/crash`, `/turn?HEALTH=mute` (turns a switch of the running app), `/switches`.

use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio, exit};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Set for the process that another demo-app started to listen, or to live on, in its stead.
const ROLE: &str = "DEMO_APP_ROLE";

struct App {
    switches: Mutex<HashMap<String, String>>,
    answered_healthy: AtomicU64,
}

impl App {
    fn new() -> Self {
        let mut switches: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let file = std::fs::read_to_string("switches").unwrap_or_default();
        let lines = file.lines().filter_map(|line| line.split_once('='));
        switches.extend(lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
        Self { switches: Mutex::new(switches), answered_healthy: AtomicU64::new(0) }
    }

    fn switch(&self, name: &str) -> Option<String> {
        self.switches.lock().unwrap().get(name).cloned()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.switches.lock().unwrap().get(name).is_some_and(|is| is == value)
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        let text = self.switch(name)?;
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let number = number.parse().unwrap_or_else(|_| fail(&format!("{name}={text} is no duration")));
        Some(match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            _ => fail(&format!("{name}={text} is no duration")),
        })
    }
}

fn main() {
    let app = App::new();
    let place = place(&app);
    let role = std::env::var(ROLE).unwrap_or_default();

    if role.is_empty() {
        if app.is("TREE", "npm") {
            become_like_npm();
        }
        println!("demo-app: starting on {place}");
        if let Some(status) = app.switch("EXIT_AT_START") {
            eprintln!("{}", app.switch("MESSAGE").unwrap_or_else(|| "Error: I was told to exit".into()));
            exit(status.parse().unwrap_or(1));
        }
        if let Some(delay) = app.duration("START_DELAY") {
            std::thread::sleep(delay);
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listens = match app.switch("GRANDCHILD").as_deref() {
            Some("holds-port") if role.is_empty() => {
                start_orphan("listener");
                false
            }
            Some("idle") if role.is_empty() => {
                start_orphan("idler");
                true
            }
            _ => role != "idler" && !app.is("LISTEN", "never"),
        };
        let deaf = matches!(&*role, "listener" | "idler") || app.is("IGNORE_SIGTERM", "yes");
        let app = Arc::new(app);
        if listens {
            let listener = listen(&app, &place);
            println!("demo-app: listening on {place}");
            serve(app.clone(), listener, deaf).await;
            if let (Place::Socket(path), true) = (&place, app.is("REMOVES_SOCKET", "yes")) {
                let _ = std::fs::remove_file(path);
            }
        } else {
            told_to_stop(deaf).await;
        }
    });
    println!("demo-app: stopped");
    exit(0); // whatever a forgotten task still waits for
}

enum Place {
    Tcp(String, u16),
    Socket(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => f.write_str(path),
        }
    }
}

/// From `--socket`, or `--host` and `--port`, otherwise from `SOCKET`, or `HOST` and `PORT`.
fn place(app: &App) -> Place {
    let mut host = app.switch("HOST");
    let mut port = app.switch("PORT");
    let mut socket = app.switch("SOCKET");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, arguments.next()),
        };
        match name.as_str() {
            "--host" => host = value,
            "--port" => port = value,
            "--socket" => socket = value,
            _ => fail(&format!("{name}: no such option")),
        }
    }
    if let Some(path) = socket {
        return Place::Socket(if app.is("SOCKET_FORM", "relative") { relative(&path) } else { path });
    }
    let port = port.unwrap_or_else(|| fail("no PORT in the environment, and no --port"));
    let port = port.parse().unwrap_or_else(|_| fail(&format!("{port} is no port")));
    Place::Tcp(app.switch("LISTEN").or(host).unwrap_or_else(|| "127.0.0.1".into()), port)
}

/// From the folder of the process, by way of the root.
fn relative(path: &str) -> String {
    let here = std::env::current_dir().unwrap();
    let up: Vec<_> = here.components().skip(1).map(|_| "..").collect();
    format!("{}{path}", up.join("/"))
}

fn fail(message: &str) -> ! {
    eprintln!("Error: {message}");
    exit(1)
}

/// Becomes `sh`, which runs `sh`, which runs this app: neither passes a signal on.
fn become_like_npm() -> ! {
    let stay = r#""$@"; exit $?"#;
    let error = Command::new("/bin/sh")
        .args(["-c", stay, "npm", "/bin/sh", "-c", stay, "run-script"])
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(ROLE, "app")
        .exec();
    fail(&error.to_string())
}

fn start_orphan(role: &str) {
    let started = Command::new("/bin/sh")
        .args(["-c", r#"setsid "$@" &"#, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(ROLE, role)
        .stdin(Stdio::null())
        .status();
    if !started.is_ok_and(|status| status.success()) {
        fail("the orphan did not start");
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    async fn accept(&self) -> std::io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

fn listen(app: &App, place: &Place) -> Listener {
    let listening = match place {
        Place::Tcp(host, port) => listen_to_tcp(host, *port).map(Listener::Tcp),
        Place::Socket(path) => UnixListener::bind(path).map(Listener::Unix),
    };
    if let Some(after) = app.duration("EXIT_AFTER") {
        let status = app.switch("EXIT_STATUS").and_then(|status| status.parse().ok()).unwrap_or(1);
        let message = app.switch("MESSAGE").unwrap_or_else(|| "Error: I was told to exit".into());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            eprintln!("{message}");
            exit(status);
        });
    }
    listening.unwrap_or_else(|error| fail(&format!("listen {place}: {error}")))
}

fn listen_to_tcp(host: &str, port: u16) -> std::io::Result<TcpListener> {
    let address = format!("{host}:{port}").parse().unwrap_or_else(|_| fail(&format!("{host} is no address")));
    let socket = if host.starts_with('[') { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Returns at SIGTERM; never, if the app is deaf.
async fn told_to_stop(deaf: bool) {
    let mut terminations = signal(SignalKind::terminate()).unwrap();
    loop {
        terminations.recv().await;
        if !deaf {
            return;
        }
        println!("demo-app: SIGTERM ignored");
    }
}

/// Accepts until SIGTERM, then finishes what is in flight.
async fn serve(app: Arc<App>, listener: Listener, deaf: bool) {
    let (stop, stopping) = watch::channel(false);
    let (in_flight, mut all_done) = mpsc::channel::<()>(1);
    let termination = told_to_stop(deaf);
    tokio::pin!(termination);
    loop {
        tokio::select! {
            () = &mut termination => break,
            accepted = listener.accept() => {
                let Ok(stream) = accepted else {
                    tokio::time::sleep(Duration::from_millis(10)).await; // out of descriptors, say
                    continue;
                };
                let (app, stopping, in_flight) = (app.clone(), stopping.clone(), in_flight.clone());
                tokio::spawn(async move {
                    let _ = converse(&app, stream, stopping).await;
                    drop(in_flight);
                });
            }
        }
    }
    drop(listener);
    drop(in_flight);
    stop.send_replace(true);
    all_done.recv().await;
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

struct Request {
    path: String,
    query: HashMap<String, String>,
    key: Option<String>,
    close: bool,
}

/// One connection, request by request; an idle one is closed when the app stops.
async fn converse(
    app: &App,
    mut stream: Box<dyn Stream>,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut received = Vec::new();
    loop {
        let request = loop {
            if let Some((request, length)) = parse(&received)? {
                received.drain(..length);
                break request;
            }
            tokio::select! {
                biased;
                read = stream.read_buf(&mut received) => if read? == 0 { return Ok(()) },
                () = stopped(&mut stopping) => return Ok(()),
            }
        };
        if app.is("HEALTH", "mute") {
            stopped(&mut stopping).await;
            return Ok(());
        }
        if let ("/websocket", Some(key)) = (request.path.as_str(), &request.key) {
            return echo(stream, key, received, stopping).await;
        }
        let (status, body) = answer(app, &request).await;
        let close = request.close || *stopping.borrow();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nX-Instance: {}\r\nX-Release: {}\r\n\
             Connection: {}\r\n\r\n",
            body.len(),
            app.switch("INSTANCE").unwrap_or_default(),
            app.switch("RELEASE").unwrap_or_default(),
            if close { "close" } else { "keep-alive" }
        );
        stream.write_all((head + &body).as_bytes()).await?;
        if close {
            return stream.shutdown().await;
        }
    }
}

fn parse(received: &[u8]) -> std::io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let malformed = |_| std::io::Error::from(std::io::ErrorKind::InvalidData);
    let httparse::Status::Complete(length) = parsed.parse(received).map_err(malformed)? else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(found.value).into_owned())
    };
    let target = parsed.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let close = match header("connection") {
        Some(connection) => connection.eq_ignore_ascii_case("close"),
        None => parsed.version == Some(0),
    };
    let request = Request {
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        key: header("sec-websocket-key"),
        close,
    };
    Ok(Some((request, length)))
}

async fn answer(app: &App, request: &Request) -> (&'static str, String) {
    match request.path.as_str() {
        "/health" => health(app),
        _ if app.is("PAGES", "500") => ("500 Internal Server Error", "broken\n".into()),
        "/slow" => {
            let wanted = request.query.get("ms").and_then(|ms| ms.parse().ok()).unwrap_or(300);
            tokio::time::sleep(Duration::from_millis(wanted)).await;
            ("200 OK", greeting(app))
        }
        "/held" => {
            while !app.is("HELD", "no") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            ("200 OK", greeting(app))
        }
        "/env" => {
            let mut lines: Vec<String> = std::env::vars_os()
                .map(|(name, value)| format!("{}={}\n", name.display(), value.display()))
                .collect();
            lines.sort();
            ("200 OK", lines.concat())
        }
        "/turn" => {
            app.switches.lock().unwrap().extend(request.query.clone());
            ("200 OK", "turned\n".into())
        }
        "/crash" => {
            eprintln!("Error: crashed, as asked for");
            exit(70)
        }
        _ => ("200 OK", greeting(app)),
    }
}

fn greeting(app: &App) -> String {
    let word = |name| app.switch(name).unwrap_or_else(|| "-".into());
    format!("{} {} {}\n", word("INSTANCE"), word("RELEASE"), word("VERSION"))
}

fn health(app: &App) -> (&'static str, String) {
    let healthy_times = app.switch("HEALTHY_TIMES").and_then(|times| times.parse().ok()).unwrap_or(u64::MAX);
    if app.answered_healthy.load(Ordering::Relaxed) >= healthy_times {
        return ("500 Internal Server Error", "not any more\n".into());
    }
    match app.switch("HEALTH").as_deref() {
        None | Some("200") => {
            app.answered_healthy.fetch_add(1, Ordering::Relaxed);
            ("200 OK", format!("healthy {}", greeting(app)))
        }
        Some("204") => ("204 No Content", String::new()),
        Some("404") => ("404 Not Found", "no such page\n".into()),
        Some("503") => ("503 Service Unavailable", "not yet\n".into()),
        Some(_) => ("500 Internal Server Error", "not well\n".into()),
    }
}

/// A WebSocket: whatever short message comes in goes out again, until either side closes.
async fn echo(
    mut stream: Box<dyn Stream>,
    key: &str,
    mut received: Vec<u8>,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let accept = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(accept);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    loop {
        while let Some((opcode, message, length)) = frame(&received) {
            received.drain(..length);
            let mut answer = vec![0x80 | opcode, message.len() as u8];
            answer.extend(message);
            stream.write_all(&answer).await?;
            if opcode == 8 {
                return stream.shutdown().await;
            }
        }
        tokio::select! {
            read = stream.read_buf(&mut received) => if read? == 0 { return Ok(()) },
            () = stopped(&mut stopping) => {
                stream.write_all(&[0x88, 2, 0x03, 0xe9]).await?; // going away
                return stream.shutdown().await;
            }
        }
    }
}

/// One masked frame of at most 125 bytes: its opcode, its text, its length on the wire.
fn frame(received: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let length = usize::from(received.get(1)? & 0x7f).min(125);
    let mask = received.get(2..6)?;
    let text = received.get(6..6 + length)?;
    let text = text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((received[0] & 0x0f, text, 6 + length))
}
