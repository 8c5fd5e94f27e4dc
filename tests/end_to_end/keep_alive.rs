//! What a reload of nginx does to kept connections, in the style `upstream`. An old worker closes those that rest, and a
//! request that is on its way at that moment is lost with its connection. That nothing else is lost, nginx's debug log
//! tells of each. `FLIPSIDE_KEEP_ALIVE=300` goes on for so many seconds. With an nginx from 1.27.4 on,
//! `FLIPSIDE_NGINX=/path/to/nginx FLIPSIDE_NGINX_SAYS='keepalive_min_timeout 15s;'` shows that nothing is lost.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::{Duration, Instant};

use support::World;
use support::load::{Failure, Mode};

use crate::world;

/// nginx writes down what it does with each connection, and which port a kept one came from.
fn with_a_log(world: World) -> World {
    let path = world.folder().join("proxy/nginx.conf");
    let text = fs::read_to_string(&path).unwrap();
    let ports =
        "log_format ports '$remote_port $pid $connection'; access_log logs/ports.log ports if=$http_keeps;";
    let said = std::env::var("FLIPSIDE_NGINX_SAYS").unwrap_or_default();
    let kept = "map $http_connection $http_keeps { keep-alive 1; default 0; }";
    let text = text
        .replace("logs/error.log warn", "logs/error.log debug_http")
        .replace("access_log off;", &format!("{kept} {ports} {said}"));
    fs::write(path, text).unwrap();
    world.nginx_reload_by_someone_else();
    world
}

fn how_long() -> Duration {
    let seconds = std::env::var("FLIPSIDE_KEEP_ALIVE").ok();
    Duration::from_secs(seconds.map_or(5, |text| text.parse().expect("FLIPSIDE_KEEP_ALIVE: seconds")))
}

/// Swaps the instances again and again; how often.
fn swap(world: &World) -> u32 {
    let end = Instant::now() + how_long();
    let mut swaps = 0;
    while Instant::now() < end {
        world.run(["connect-to-nginx"]).succeeds();
        swaps += 1;
    }
    swaps
}

#[test]
fn what_a_reload_costs_is_requests_on_their_way_to_a_connection_that_nginx_closed_as_idle() {
    let world = with_a_log(world().release("v1").release("v2").deployed("v1").deployed("v2"));
    let mut swaps = 0;
    let loaded = world.under_load(|world| swaps = swap(world));
    let report = &loaded.report;
    let lost = report.failures(Mode::KeepAlive, Failure::ResetOnKept);
    println!("{report}\n{swaps} reloads, {lost} requests over kept connections lost");
    assert_eq!(report.failed(), lost, "{report}");

    let log = Log::of(&world);
    let lost_from: Vec<u16> = report.told.iter().map(|told| port_of(told)).collect();
    assert_eq!(lost_from.len() as u64, lost.min(support::load::MOST_TOLD as u64));
    for port in lost_from {
        log.proves_an_idle_close(port);
    }
}

/// The port that a failure is told of.
fn port_of(told: &str) -> u16 {
    let after = told.split("from port ").nth(1).unwrap_or_else(|| panic!("no port: {told}"));
    after.split(':').next().unwrap().parse().unwrap()
}

/// nginx's words, by connection.
struct Log {
    /// Connections of nginx's counting that came from a port and were kept.
    from: HashMap<u16, HashSet<String>>,
    /// What was done with a connection, in this order, and by whom.
    done: HashMap<String, Vec<(usize, String, String)>>,
    /// The line with which a worker began to leave.
    leaves: HashMap<String, usize>,
}

impl Log {
    fn of(world: &World) -> Self {
        let read = |name| fs::read_to_string(world.folder().join("proxy/logs").join(name)).unwrap();
        let mut log = Self { from: HashMap::new(), done: HashMap::new(), leaves: HashMap::new() };
        for line in read("ports.log").lines() {
            let mut words = line.split(' ');
            let port = words.next().unwrap().parse().unwrap();
            log.from.entry(port).or_default().insert(words.nth(1).unwrap().to_owned());
        }
        for (number, line) in read("error.log").lines().enumerate() {
            // 2026/11/21 19:06:12 [debug] 4476#4476: *12 http keepalive handler
            let Some((head, message)) = line.split_once(": ") else { continue };
            let worker = head.rsplit([' ', '#']).next().unwrap().to_owned();
            if message == "gracefully shutting down" {
                log.leaves.insert(worker, number);
            } else if let Some((connection, what)) =
                message.strip_prefix('*').and_then(|rest| rest.split_once(' '))
            {
                let done = log.done.entry(connection.to_owned()).or_default();
                done.push((number, worker, what.to_owned()));
            }
        }
        log
    }

    /// The last that was done with the connection: a worker that was leaving closed it while it waited for a request, and
    /// read none.
    #[track_caller]
    fn proves_an_idle_close(&self, port: u16) {
        let connections = self.from.get(&port).into_iter().flatten();
        let ends: Vec<_> = connections.filter_map(|it| self.done[it].last_chunk::<2>()).collect();
        let proved = ends.iter().any(|[woken, closed]| {
            let leaving = self.leaves.get(&closed.1).is_some_and(|leaves| *leaves < woken.0);
            leaving && woken.2 == "http keepalive handler" && closed.2.starts_with("close http connection")
        });
        assert!(proved, "what became of the connection from port {port}: {ends:#?}");
    }
}
