//! The generator counts what it meets, each kind by its name.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// A server that does with its n-th connection what it is told.
fn server(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(number, stream.unwrap()));
        }
    });
    url
}

/// Reads one request; false at the end of the connection.
fn request(stream: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => received.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn answer(stream: &mut TcpStream, status: &str) {
    let headers = "Content-Length: 2\r\nX-Instance: A\r\nX-Release: v1-1234567";
    let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\nok").as_bytes());
}

/// Closes so that the peer gets a reset: what it sent is left unread.
fn cut(stream: TcpStream) {
    stream.set_nonblocking(false).unwrap();
    let _ = stream.peek(&mut [0]);
    drop(stream);
}

const SHORT: Duration = Duration::from_millis(400);

fn with_new_connections(url: &str) -> Report {
    Load::on(url).unwrap().new_connections(50).at_most(SHORT).start().unwrap().finish()
}

fn with_kept_connections(url: &str) -> Report {
    Load::on(url).unwrap().keep_alive(50).at_most(SHORT).start().unwrap().finish()
}

#[test]
fn answers_are_counted_with_who_gave_them() {
    let url = server(|_, mut stream| {
        while request(&mut stream) {
            answer(&mut stream, "200 OK");
        }
    });
    let load = Load::on(&url).unwrap().new_connections(50).keep_alive(50).slow(10).at_most(SHORT);
    let report = load.start().unwrap().finish();
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(report.answered(), report.sent());
    assert_eq!(report.sent(), 20 + 20 + 4 + 1, "{report}"); // the first of the kept ones is due at once
    assert_eq!(report.served.len(), 1);
    assert_eq!((report.served[0].instance.as_str(), report.served[0].release.as_str()), ("A", "v1-1234567"));
    assert_eq!(report.served[0].count, report.sent());
}

#[test]
fn refused_connections() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = with_new_connections(&format!("http://{free}/"));
    assert_eq!(report.failures(Mode::New, Failure::Refused), report.sent(), "{report}");
    assert!(report.served.is_empty());
}

#[test]
fn reset_connections() {
    let report = with_new_connections(&server(|_, stream| cut(stream)));
    assert_eq!(report.failures(Mode::New, Failure::Reset), report.sent(), "{report}");
}

#[test]
fn an_answer_that_ends_too_early_is_a_reset_also_on_a_kept_connection() {
    let report = with_kept_connections(&server(|_, mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of");
    }));
    assert_eq!(report.failures(Mode::KeepAlive, Failure::Reset), report.sent(), "{report}");
}

#[test]
fn a_reset_in_place_of_the_second_answer_is_one_on_a_kept_connection() {
    let report = with_kept_connections(&server(|_, mut stream| {
        if request(&mut stream) {
            answer(&mut stream, "200 OK");
        }
        cut(stream); // waits for the second request, and leaves it unread
    }));
    assert!(report.failures(Mode::KeepAlive, Failure::ResetOnKept) > 0, "{report}");
    assert_eq!(report.failed(), report.failures(Mode::KeepAlive, Failure::ResetOnKept), "{report}");
}

#[test]
fn a_kept_connection_that_was_closed_meanwhile_is_not_used() {
    let report = with_kept_connections(&server(|_, mut stream| {
        if request(&mut stream) {
            answer(&mut stream, "200 OK"); // keeps it, as it seems, and closes
        }
    }));
    assert_eq!(report.failed(), 0, "{report}");
    assert!(report.closed_while_idle > 0, "{report}");
}

#[test]
fn bad_gateways_and_other_statuses() {
    let report = with_new_connections(&server(|number, mut stream| {
        request(&mut stream);
        answer(&mut stream, if number % 2 == 0 { "502 Bad Gateway" } else { "404 Not Found" });
    }));
    let bad_gateways = report.failures(Mode::New, Failure::BadGateway);
    let not_found = report.failures(Mode::New, Failure::Status(404));
    assert_eq!(bad_gateways + not_found, report.sent(), "{report}");
    assert!(bad_gateways.abs_diff(not_found) <= 1, "{report}");
}

#[test]
fn what_is_not_http_is_a_broken_answer() {
    let report = with_new_connections(&server(|_, mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    }));
    assert_eq!(report.failures(Mode::New, Failure::Broken), report.sent(), "{report}");
}

#[test]
fn chunked_and_open_ended_answers_are_read_to_their_end() {
    let report = with_kept_connections(&server(|number, mut stream| {
        let chunked = number % 2 == 0;
        while request(&mut stream) {
            let _ = stream.write_all(if chunked {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".as_slice()
            } else {
                b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok".as_slice()
            });
            if !chunked {
                break;
            }
        }
    }));
    assert_eq!(report.failed(), 0, "{report}");
}

#[test]
fn a_slow_server_does_not_slow_the_generator() {
    let url = server(|_, mut stream| {
        while request(&mut stream) {
            std::thread::sleep(Duration::from_millis(300));
            answer(&mut stream, "200 OK");
        }
    });
    let report = with_new_connections(&url);
    assert_eq!((report.sent(), report.failed()), (20, 0), "{report}");
    assert!(report.modes[0].latency.p50 >= Duration::from_millis(300), "{report}");
}

#[test]
fn only_this_machine_and_only_so_much() {
    for url in ["http://192.0.2.1/", "http://example.com/", "http://10.0.0.1:80/", "https://127.0.0.1/"] {
        assert!(Load::on(url).is_err(), "{url}");
    }
    for url in ["http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:8080/", "http://127.1.2.3/"] {
        assert!(Load::on(url).is_ok(), "{url}");
    }
    assert!(Load::on("http://127.0.0.1/").unwrap().new_connections(6_000).start().is_err());
    assert!(Load::on("http://127.0.0.1/").unwrap().start().is_err());
}

#[test]
fn a_report_is_for_people_and_for_machines() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = with_new_connections(&format!("http://{free}/"));
    let json = report.json();
    assert_eq!(json["modes"]["new"]["failures"]["refused"], json["sent"]);
    assert!(report.to_string().contains("failed with new connections"), "{report}");
}
