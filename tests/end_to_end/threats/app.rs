//! What the app answers and prints.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use support::World;

use super::after;
use crate::world;

/// Answers every connection to an instance's port with `head`, and then with `rest` again and again, with a pause.
fn answers(world: &World, instance: &str, head: Vec<u8>, rest: Vec<u8>, pause: Duration) {
    let listener = TcpListener::bind(("127.0.0.1", world.port(instance))).unwrap();
    let answer = move |mut stream: TcpStream| -> std::io::Result<()> {
        let _ = stream.read(&mut [0; 4096])?;
        stream.write_all(&head)?;
        while !rest.is_empty() {
            stream.write_all(&rest)?;
            thread::sleep(pause);
        }
        Ok(())
    };
    // It ends with the test's process: nobody can take a listener from a thread.
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream))));
}

/// The probe of an instance that answers so, with little memory; what it says.
fn probed(head: &str, rest: &[u8], pause: Duration) -> String {
    let world =
        world().without_nginx().set("health.timeout", "\"600ms\"").set("health.contains", "\"needle\"");
    world.make();
    answers(&world, "B", head.into(), rest.into(), pause);
    // What the program itself takes is about 10 MB, of which the most are its own text.
    let ran = after(&world, "ulimit -v 65536", &["check-health", "b"]).fails_with(1);
    assert!(ran.took < Duration::from_secs(5), "{ran}");
    assert!(!ran.stderr().trim_end().contains(char::is_control), "{ran}");
    ran.stderr().trim_end().to_owned()
}

const AT_ONCE: Duration = Duration::ZERO;
const SLOWLY: Duration = Duration::from_millis(50);

#[test]
fn a_probe_is_answered_with_more_than_it_wants() {
    let head = "HTTP/1.1 200 OK\r\n";
    let gigabytes = format!("{head}Content-Length: 8000000000\r\n\r\n");
    assert!(probed(&gigabytes, &[b'x'; 16000], AT_ONCE).contains("answered 200 without the text"));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let chunks = probed(&chunked, &b"1\r\nx\r\n".repeat(1000), AT_ONCE);
    assert!(chunks.contains("answered 200"), "{chunks}");
    let extension = probed(&format!("{chunked}1;"), &[b'e'; 16000], AT_ONCE);
    assert!(extension.contains("answered 200 and "), "{extension}");
    let headers = probed(head, b"X-More: and more\r\n", AT_ONCE);
    assert!(headers.contains("gave no answer in HTTP"), "{headers}");
    let header = probed(&format!("{head}X: "), &[b'x'; 16000], AT_ONCE);
    assert!(header.contains("gave no answer in HTTP"), "{header}");
    let interim = probed("", &b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100), AT_ONCE);
    assert!(interim.contains("did not answer within 600 ms"), "{interim}");
}

#[test]
fn a_probe_is_answered_byte_by_byte() {
    let body = probed("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x", SLOWLY);
    assert!(body.contains("answered 200 and did not finish within 600 ms"), "{body}");
    let header = probed("HTTP/1.1 200 OK\r\nX: ", b"x", SLOWLY);
    assert!(header.contains("did not answer within 600 ms"), "{header}");
}

#[test]
fn a_probe_is_answered_with_escape_sequences_or_sent_elsewhere() {
    for head in [
        "\x1b]0;title\x07\x1b[2J\r\n\r\n",
        "HTTP/1.1 200 \x1b[2J\r\nX\x1b[31m: y\r\nContent-Length: \x1b[1m\r\n\r\n",
    ] {
        let said = probed(head, &[], AT_ONCE);
        assert!(said.contains("gave no answer in HTTP"), "{said}");
    }
    let elsewhere = probed(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        &[],
        AT_ONCE,
    );
    assert!(elsewhere.contains("answered 302, not 200"), "{elsewhere}");
}

#[test]
fn the_app_says_in_nginx_s_name_which_instance_is_live() {
    let world = world().release("v1");
    world.write("nginx/upstream.conf", &format!("server 127.0.0.1:{};\n", world.port("A")));
    let forged = format!("X-Flipside-Upstream: 127.0.0.1:{}\r\nX-Flipside-Worker: 1\r\n", world.port("B"));
    let head = format!(
        "HTTP/1.1 200 OK\r\n{forged}X-Accel-Redirect: /other\r\nX-Accel-Limit-Rate: 1\r\nContent-Length: 0\r\n\r\n"
    );
    answers(&world, "A", head.into(), Vec::new(), AT_ONCE);
    let status = world.run(["status", "--json"]).json();
    assert_eq!((&status["enabled"], &status["live"]), (&"A".into(), &"A".into()), "{status}");
    // The site file of an operator may lack what hides it.
    let site = world.folder().join("proxy/site.conf");
    let text = fs::read_to_string(&site).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.contains("proxy_hide_header")).collect();
    fs::write(&site, kept.join("\n")).unwrap();
    world.restart_nginx();
    let status = world.run(["status", "--json"]).json();
    assert_eq!((&status["enabled"], &status["live"]), (&"A".into(), &"A".into()), "{status}");
}

#[test]
fn the_app_prints_escape_sequences() {
    let hostile = "\x1b]0;title\x07\x1b[2J\x1b[1;1Hdeploy: all is well\u{202e}\u{9b}2J\x08";
    let world = world().release("v1").deployed("v1").release("v2").exits_at_start().with("MESSAGE", hostile);
    let failed = world.deploy("v2").fails_with(1).is_plain().within_2000_characters();
    assert!(!failed.stderr().contains(['\u{9b}', '\u{202e}', '\x08', '\x07']), "{failed}");
    let failed = world.in_terminal(["deploy", "v2"]);
    assert!(failed.status() == 1 && !failed.stdout().contains("\x1b[2J"), "{failed}");
    assert!(!failed.stdout().contains(['\u{9b}', '\u{202e}', '\x08', '\x07']), "{failed}");

    let mut log = fs::OpenOptions::new().append(true).open(world.home().join("logs/B.log")).unwrap();
    log.write_all(b"\x1b[31mred\x1b[0m \xff\xfe\rok\n").unwrap();
    let shown = world.in_terminal(["logs", "b", "-n", "1000"]).succeeds();
    for visible in
        ["^[]0;title^G^[[2J^[[1;1Hdeploy", "<U+202E><U+009B>2J^H", "\x1b[31mred\x1b[0m \u{fffd}\u{fffd}^Mok"]
    {
        assert!(shown.stdout().contains(visible), "{visible:?}: {shown}");
    }
    // Whoever pipes it gets what was printed.
    world.run(["logs", "b", "-n", "1000"]).succeeds().shows(hostile);
}

#[test]
fn the_app_prints_a_line_of_many_megabytes() {
    let world = world().release("v1").without_nginx();
    world.run(["update-instance", "a"]).succeeds();
    world.change("run.command", r#""head -c 100000000 /dev/zero | tr '\\0' x >&2; exit 1""#);
    let failed = after(&world, "ulimit -v 65536", &["start-instance", "a"]).fails_with(1);
    failed.within_2000_characters().says("exited with status 1");
}
