//! An open-loop load generator: requests are due at a fixed rate, whatever becomes of those before them, and a
//! latency counts from the time that a request was due. It sends to loopback addresses and to machines that the test has
//! booted only, bounded in rate and time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display, Write as _};
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

pub const MOST_PER_SECOND: u32 = 5_000;
pub const LONGEST: Duration = Duration::from_mins(10);

/// How long a request may take before it counts as a timeout.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests in flight at the same time; one that is due beyond that is not sent, and counted as such.
const MOST_IN_FLIGHT: usize = 10_000;
/// Kept connections to begin with, and how long each may take.
const KEPT: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);
/// Failures that are told one by one.
pub const MOST_TOLD: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    KeepAlive,
    New,
    Slow,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::KeepAlive, Self::New, Self::Slow];

    const fn key(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep_alive",
            Self::New => "new",
            Self::Slow => "slow",
        }
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::KeepAlive => "kept connections",
            Self::New => "new connections",
            Self::Slow => "slow requests",
        })
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Nobody listens.
    Refused,
    /// The connection was cut before the answer was whole.
    Reset,
    /// The same before the first byte of an answer, on a connection that had served before: a peer may close an idle
    /// connection at any time, and clients know to ask again.
    ResetOnKept,
    BadGateway,
    Status(u16),
    Timeout,
    /// Neither HTTP nor an end of the connection.
    Broken,
    /// The generator's own: too many requests were in flight already.
    NotSent,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Reset => f.write_str("reset"),
            Self::ResetOnKept => f.write_str("reset on a kept connection"),
            Self::BadGateway => f.write_str("status 502"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Timeout => f.write_str("timeout"),
            Self::Broken => f.write_str("broken answer"),
            Self::NotSent => f.write_str("not sent"),
        }
    }
}

/// Load to be put on a URL.
#[derive(Clone, Debug)]
pub struct Load {
    url: String,
    address: SocketAddr,
    host: String,
    path: String,
    per_second: BTreeMap<Mode, u32>,
    slow: Duration,
    longest: Duration,
}

impl Load {
    /// On a URL of this machine, `http://127.0.0.1:8080/`; any other one is refused.
    ///
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn on(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url}: not an http:// URL"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, port.parse().map_err(|_| format!("{url}: {port} is no port"))?)
            }
            _ => (host, 80),
        };
        let ip = match name.trim_start_matches('[').trim_end_matches(']') {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            name => name.parse().map_err(|_| format!("{url}: {name} is not an address of this machine"))?,
        };
        if !ip.is_loopback() {
            return Err(format!("{url}: {ip} is not a loopback address; load is for this machine only"));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self::to(SocketAddr::new(ip, port), host, path))
    }

    /// On a site of a machine that the test has booted.
    pub(crate) fn on_machine(address: &str, domain: &str) -> Self {
        let ip = address.parse().expect("a machine has an address");
        Self::to(SocketAddr::new(ip, 80), domain, "/")
    }

    fn to(address: SocketAddr, host: &str, path: &str) -> Self {
        Self {
            url: format!("http://{host}{path}"),
            address,
            host: host.to_owned(),
            path: path.to_owned(),
            per_second: BTreeMap::new(),
            slow: Duration::from_millis(300),
            longest: LONGEST,
        }
    }

    /// Requests per second over connections that are kept.
    pub fn keep_alive(self, per_second: u32) -> Self {
        self.rate(Mode::KeepAlive, per_second)
    }

    /// Requests per second that each open a connection of their own.
    pub fn new_connections(self, per_second: u32) -> Self {
        self.rate(Mode::New, per_second)
    }

    /// Requests per second for `slow?ms=300` beside the URL, each over a connection of its own.
    pub fn slow(self, per_second: u32) -> Self {
        self.rate(Mode::Slow, per_second)
    }

    fn rate(mut self, mode: Mode, per_second: u32) -> Self {
        self.per_second.insert(mode, per_second);
        self
    }

    /// Ends by itself after so long.
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.longest = longest.min(LONGEST);
        self
    }

    /// # Errors
    /// Says that the rate is beyond the bound.
    pub fn start(self) -> Result<Running, String> {
        let total: u32 = self.per_second.values().sum();
        if total == 0 || total > MOST_PER_SECOND {
            return Err(format!("{total} requests/s: between 1 and {MOST_PER_SECOND} can be sent"));
        }
        let shared = Arc::new(Shared::default());
        let generator = shared.clone();
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime for the load");
            runtime.block_on(generate(self, generator))
        });
        Ok(Running { shared, thread: Some(thread.map_err(|error| error.to_string())?) })
    }

    fn request(&self, mode: Mode) -> String {
        let path = match mode {
            Mode::Slow => {
                let folder = &self.path[..=self.path.rfind('/').unwrap_or(0)];
                format!("{folder}slow?ms={}", self.slow.as_millis())
            }
            _ => self.path.clone(),
        };
        let connection = if mode == Mode::KeepAlive { "keep-alive" } else { "close" };
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n", self.host)
    }
}

/// Load being put on; it ends with this value.
pub struct Running {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Report>>,
}

impl Running {
    /// How many requests were answered well so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// How many requests have failed so far.
    pub fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Sends nothing more, waits for what is in flight, and tells.
    pub fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("stopped once").join().expect("the load generator does not panic")
    }

    /// Goes on until its time is over.
    pub fn finish(mut self) -> Report {
        self.thread.take().expect("stopped once").join().expect("the load generator does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicU64,
    kept: Mutex<VecDeque<Connection>>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    modes: BTreeMap<Mode, ModeTally>,
    served: Vec<Served>,
    told: Vec<String>,
    late: Vec<u32>,
    closed_while_idle: u64,
}

#[derive(Default)]
struct ModeTally {
    sent: u64,
    latencies: Vec<u32>,
    failures: BTreeMap<Failure, u64>,
}

struct Connection {
    stream: TcpStream,
    used: bool,
}

impl Connection {
    async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, used: false })
    }

    /// One that has served before; that request is not counted.
    async fn warm(address: SocketAddr, request: &str) -> Option<Self> {
        let warm = async {
            let mut connection = Self::open(address).await.ok()?;
            connection.used = ask(&mut connection.stream, request).await.ok()?.keep;
            connection.used.then_some(connection)
        };
        timeout(WARM_UP, warm).await.ok()?
    }

    /// Whether the peer has neither closed it nor sent what nobody asked for.
    fn is_fit(&self) -> bool {
        let peeked =
            recv(self.stream.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK.union(MsgFlags::MSG_DONTWAIT));
        peeked == Err(Errno::EAGAIN)
    }
}

async fn generate(load: Load, shared: Arc<Shared>) -> Report {
    if load.per_second.get(&Mode::KeepAlive).is_some_and(|rate| *rate > 0) {
        let request = load.request(Mode::KeepAlive);
        for _ in 0..KEPT {
            if let Some(connection) = Connection::warm(load.address, &request).await {
                shared.kept.lock().unwrap().push_back(connection);
            }
        }
    }
    let load = Arc::new(load);
    let start = Instant::now() + Duration::from_millis(5);
    let mut modes = JoinSet::new();
    for (&mode, &rate) in load.per_second.iter().filter(|(_, rate)| **rate > 0) {
        modes.spawn(generate_mode(load.clone(), shared.clone(), mode, rate, start));
    }
    modes.join_all().await;
    let elapsed = start.elapsed();
    shared.kept.lock().unwrap().clear();
    let tally = std::mem::take(&mut *shared.tally.lock().unwrap());
    Report::new(&load, elapsed, tally)
}

async fn generate_mode(load: Arc<Load>, shared: Arc<Shared>, mode: Mode, rate: u32, start: Instant) {
    let request: Arc<str> = load.request(mode).into();
    let mut requests = JoinSet::new();
    // The modes take turns instead of being due all at once.
    let shift = Duration::from_micros(300) * mode as u32;
    for number in 0_u64.. {
        let since = Duration::from_nanos(number * 1_000_000_000 / u64::from(rate)) + shift;
        if since > load.longest {
            break;
        }
        sleep_until(start + since).await;
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let (shared, request, address) = (shared.clone(), request.clone(), load.address);
        requests.spawn(async move { send(&shared, address, &request, mode, start, start + since).await });
        while requests.try_join_next().is_some() {}
    }
    requests.join_all().await;
}

async fn send(shared: &Shared, address: SocketAddr, request: &str, mode: Mode, start: Instant, due: Instant) {
    let late = due.elapsed();
    let in_flight = shared.in_flight.fetch_add(1, Ordering::Relaxed);
    let outcome = if in_flight >= MOST_IN_FLIGHT as u64 {
        Err((Failure::NotSent, format!("{in_flight} are in flight")))
    } else {
        match timeout(PATIENCE, exchange(shared, address, request, mode)).await {
            Err(_) => Err((Failure::Timeout, format!("no answer within {PATIENCE:?}"))),
            Ok(outcome) => outcome,
        }
    };
    shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    let latency = due.elapsed();
    let at = start.elapsed();

    let mut tally = shared.tally.lock().unwrap();
    let tally = &mut *tally;
    tally.late.push(micros(late));
    let of_mode = tally.modes.entry(mode).or_default();
    of_mode.sent += 1;
    match outcome {
        Ok(answer) => {
            shared.answered.fetch_add(1, Ordering::Relaxed);
            of_mode.latencies.push(micros(latency));
            tally.served(answer, at);
        }
        Err((failure, detail)) => {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            *of_mode.failures.entry(failure).or_default() += 1;
            if tally.told.len() < MOST_TOLD {
                let after = at.as_secs_f64();
                tally.told.push(format!("after {after:.3} s, {mode}: {failure} ({detail})"));
            }
        }
    }
}

impl Tally {
    fn served(&mut self, answer: Answer, at: Duration) {
        let known =
            |served: &&mut Served| served.instance == answer.instance && served.release == answer.release;
        match self.served.iter_mut().find(known) {
            Some(served) => {
                served.count += 1;
                served.last = served.last.max(at);
            }
            None => self.served.push(Served {
                instance: answer.instance,
                release: answer.release,
                count: 1,
                first: at,
                last: at,
            }),
        }
    }
}

fn micros(duration: Duration) -> u32 {
    duration.as_micros().try_into().unwrap_or(u32::MAX)
}

#[derive(Debug)]
struct Answer {
    status: u16,
    instance: String,
    release: String,
    keep: bool,
}

/// Why there was no answer, and whether a byte of it had come.
struct Cut {
    error: Error,
    begun: bool,
}

async fn exchange(
    shared: &Shared,
    address: SocketAddr,
    request: &str,
    mode: Mode,
) -> Result<Answer, (Failure, String)> {
    let mut connection = match kept_connection(shared, mode) {
        Some(connection) => connection,
        None => Connection::open(address)
            .await
            .map_err(|error| (kind(&error, false), format!("connect: {error}")))?,
    };
    let reused = connection.used;
    let from = connection.stream.local_addr().map_or(0, |address| address.port());
    let answer = ask(&mut connection.stream, request).await.map_err(|Cut { error, begun }| {
        let detail = if begun { "in the middle of an answer" } else { "before an answer" };
        (kind(&error, reused && !begun), format!("{detail}, from port {from}: {error}"))
    })?;
    if mode == Mode::KeepAlive && answer.keep {
        connection.used = true;
        shared.kept.lock().unwrap().push_back(connection);
    }
    match answer.status {
        200..=299 => Ok(answer),
        502 => Err((Failure::BadGateway, "answered".into())),
        status => Err((Failure::Status(status), "answered".into())),
    }
}

/// The one that has rested longest, of those that the peer has not closed meanwhile.
fn kept_connection(shared: &Shared, mode: Mode) -> Option<Connection> {
    if mode != Mode::KeepAlive {
        return None;
    }
    loop {
        let connection = shared.kept.lock().unwrap().pop_front()?;
        if connection.is_fit() {
            return Some(connection);
        }
        shared.tally.lock().unwrap().closed_while_idle += 1;
    }
}

fn kind(error: &Error, kept: bool) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::TimedOut => Failure::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => {
            if kept {
                Failure::ResetOnKept
            } else {
                Failure::Reset
            }
        }
        _ => Failure::Broken,
    }
}

async fn ask(stream: &mut TcpStream, request: &str) -> Result<Answer, Cut> {
    let cut = |begun| move |error| Cut { error, begun };
    stream.write_all(request.as_bytes()).await.map_err(cut(false))?;
    let mut received = Vec::with_capacity(1024);
    let (answer, body) = loop {
        let begun = !received.is_empty();
        if stream.read_buf(&mut received).await.map_err(cut(begun))? == 0 {
            return Err(cut(begun)(ErrorKind::UnexpectedEof.into()));
        }
        if let Some((answer, body, length)) = parse(&received).map_err(cut(true))? {
            received.drain(..length);
            break (answer, body);
        }
    };
    loop {
        let whole = match body {
            Body::Length(length) => received.len() >= length,
            Body::Chunked => received.ends_with(b"0\r\n\r\n"),
            Body::UntilClosed => false,
        };
        if whole {
            return Ok(answer);
        }
        if stream.read_buf(&mut received).await.map_err(cut(true))? == 0 {
            return match body {
                Body::UntilClosed => Ok(answer),
                _ => Err(cut(true)(ErrorKind::UnexpectedEof.into())),
            };
        }
    }
}

enum Body {
    Length(usize),
    Chunked,
    UntilClosed,
}

fn parse(received: &[u8]) -> Result<Option<(Answer, Body, usize)>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let malformed = |error: httparse::Error| Error::new(ErrorKind::InvalidData, error);
    let httparse::Status::Complete(length) = parsed.parse(received).map_err(malformed)? else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(found.value).into_owned())
    };
    let status = parsed.code.unwrap_or(0);
    let body = match header("content-length").map(|text| text.parse()) {
        _ if status == 204 || status == 304 => Body::Length(0),
        Some(Ok(length)) => Body::Length(length),
        Some(Err(_)) => return Err(Error::new(ErrorKind::InvalidData, "a content length that is no number")),
        None if header("transfer-encoding").is_some() => Body::Chunked,
        None => Body::UntilClosed,
    };
    let close = header("connection").map_or(parsed.version == Some(0), |is| is.eq_ignore_ascii_case("close"));
    let answer = Answer {
        status,
        instance: header("x-instance").unwrap_or_default(),
        release: header("x-release").unwrap_or_default(),
        keep: !close && !matches!(body, Body::UntilClosed),
    };
    Ok(Some((answer, body, length)))
}

/// Who answered, from when to when.
#[derive(Clone, Debug)]
pub struct Served {
    pub instance: String,
    pub release: String,
    pub count: u64,
    pub first: Duration,
    pub last: Duration,
}

/// Times that half, 99 in 100 and all of the requests stayed under.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Spread {
    fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        let at = |share: f64| {
            let index = (micros.len() as f64 * share) as usize;
            micros.get(index.min(micros.len().saturating_sub(1))).copied().unwrap_or(0)
        };
        let at = |share| Duration::from_micros(at(share).into());
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    fn json(&self) -> Value {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        json!({ "p50": ms(self.p50), "p99": ms(self.p99), "max": ms(self.max) })
    }
}

/// What became of the requests of one mode.
#[derive(Clone, Debug)]
pub struct OfMode {
    pub mode: Mode,
    pub per_second: u32,
    pub sent: u64,
    pub answered: u64,
    pub failures: BTreeMap<Failure, u64>,
    pub latency: Spread,
}

/// What became of the load.
#[derive(Clone, Debug)]
pub struct Report {
    pub url: String,
    pub elapsed: Duration,
    pub modes: Vec<OfMode>,
    /// In the order of their first answers.
    pub served: Vec<Served>,
    /// The first failures, one by one.
    pub told: Vec<String>,
    /// How late the generator itself was.
    pub late: Spread,
    /// Kept connections that the server closed while nothing was asked over them: no failure.
    pub closed_while_idle: u64,
}

impl Report {
    fn new(load: &Load, elapsed: Duration, mut tally: Tally) -> Self {
        let modes = load.per_second.iter().filter(|(_, rate)| **rate > 0).map(|(&mode, &per_second)| {
            let tally = tally.modes.remove(&mode).unwrap_or_default();
            OfMode {
                mode,
                per_second,
                sent: tally.sent,
                answered: tally.latencies.len() as u64,
                failures: tally.failures,
                latency: Spread::of(tally.latencies),
            }
        });
        let modes = modes.collect();
        tally.served.sort_by_key(|served| served.first);
        Self {
            url: load.url.clone(),
            elapsed,
            modes,
            served: tally.served,
            told: tally.told,
            late: Spread::of(tally.late),
            closed_while_idle: tally.closed_while_idle,
        }
    }

    pub fn sent(&self) -> u64 {
        self.modes.iter().map(|mode| mode.sent).sum()
    }

    pub fn answered(&self) -> u64 {
        self.modes.iter().map(|mode| mode.answered).sum()
    }

    pub fn failed(&self) -> u64 {
        Mode::ALL.into_iter().map(|mode| self.failed_in(mode)).sum()
    }

    pub fn failed_in(&self, mode: Mode) -> u64 {
        self.modes.iter().filter(|of| of.mode == mode).flat_map(|of| of.failures.values()).sum()
    }

    /// How many requests of one mode failed in one way.
    pub fn failures(&self, mode: Mode, failure: Failure) -> u64 {
        let modes = self.modes.iter().filter(|of| of.mode == mode);
        modes.filter_map(|of| of.failures.get(&failure)).sum()
    }

    pub fn json(&self) -> Value {
        let modes = self.modes.iter().map(|of| {
            let failures = of.failures.iter().map(|(failure, count)| (failure.to_string(), json!(count)));
            let value = json!({
                "per_second": of.per_second,
                "sent": of.sent,
                "answered": of.answered,
                "failed": of.failures.values().sum::<u64>(),
                "failures": Value::Object(failures.collect()),
                "latency_ms": of.latency.json(),
            });
            (of.mode.key().to_owned(), value)
        });
        let served = self.served.iter().map(|served| {
            json!({
                "instance": served.instance,
                "release": served.release,
                "count": served.count,
                "first_seconds": served.first.as_secs_f64(),
                "last_seconds": served.last.as_secs_f64(),
            })
        });
        json!({
            "url": self.url,
            "seconds": self.elapsed.as_secs_f64(),
            "sent": self.sent(),
            "answered": self.answered(),
            "failed": self.failed(),
            "modes": Value::Object(modes.collect()),
            "served": served.collect::<Vec<_>>(),
            "first_failures": self.told,
            "generator_late_ms": self.late.json(),
            "closed_while_idle": self.closed_while_idle,
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1e3);
        let sent = self.sent();
        writeln!(f, "{sent} requests to {} in {:.1} s", self.url, self.elapsed.as_secs_f64())?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<17} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
            "", "sent", "answered", "failed", "half", "99 in 100", "slowest"
        )?;
        for of in &self.modes {
            writeln!(
                f,
                "{:<17} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
                of.mode,
                of.sent,
                of.answered,
                of.failures.values().sum::<u64>(),
                ms(of.latency.p50),
                ms(of.latency.p99),
                ms(of.latency.max)
            )?;
        }
        writeln!(f)?;
        for served in &self.served {
            let Served { instance, release, count, first, last } = served;
            let (first, last) = (first.as_secs_f64(), last.as_secs_f64());
            let who = match (instance.as_str(), release.as_str()) {
                ("", "") => "somebody without a name".to_owned(),
                (instance, release) => format!("{instance} ({release})"),
            };
            writeln!(f, "{who} answered {count} requests, from {first:.1} s to {last:.1} s")?;
        }
        for of in &self.modes {
            for (failure, count) in &of.failures {
                writeln!(f, "failed with {}: {count}, {failure}", of.mode)?;
            }
        }
        for told in &self.told {
            writeln!(f, "  {told}")?;
        }
        let mut late = String::new();
        write!(late, "The generator itself was at most {} late", ms(self.late.max))?;
        writeln!(f, "{late} ({} in 99 of 100 requests).", ms(self.late.p99))
    }
}

#[cfg(test)]
mod tests;
