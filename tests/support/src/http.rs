//! Single requests, as curl would send them.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

/// Where an instance listens.
#[derive(Clone, Debug)]
pub enum Address {
    Port(u16),
    Socket(PathBuf),
}

trait Stream: Read + Write + Send {}
impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// A connection over which nothing was asked yet.
pub struct Connection {
    stream: Box<dyn Stream>,
    host: String,
}

impl Connection {
    pub fn open(port: u16) -> Result<Self> {
        Self::open_to("127.0.0.1", port, &format!("127.0.0.1:{port}"))
    }

    fn open_to(address: &str, port: u16, host: &str) -> Result<Self> {
        let stream = TcpStream::connect((address, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: Box::new(stream), host: host.to_owned() })
    }

    pub fn open_at(address: &Address) -> Result<Self> {
        match address {
            Address::Port(port) => Self::open(*port),
            Address::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Self { stream: Box::new(stream), host: "localhost".to_owned() })
            }
        }
    }

    /// Sends a request, and does not wait for the answer.
    pub fn ask(mut self, path: &str) -> Result<Asked> {
        let host = &self.host;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.stream.write_all(request.as_bytes())?;
        Ok(Asked(self.stream))
    }

    pub fn get(self, path: &str) -> Result<Answer> {
        self.ask(path)?.answer()
    }
}

/// A request in flight over a connection of its own.
pub struct Asked(Box<dyn Stream>);

/// Sends a request, and does not wait for the answer.
pub fn ask(port: u16, path: &str) -> Result<Asked> {
    Connection::open(port)?.ask(path)
}

pub fn get(port: u16, path: &str) -> Result<Answer> {
    ask(port, path)?.answer()
}

/// The same past nginx.
pub fn get_at(address: &Address, path: &str) -> Result<Answer> {
    Connection::open_at(address)?.get(path)
}

/// Whether somebody listens on the socket.
pub fn accepts(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

/// The same from another machine, which knows several sites.
pub fn get_from(address: &str, port: u16, host: &str, path: &str) -> Result<Answer> {
    Connection::open_to(address, port, host)?.get(path)
}

impl Asked {
    pub fn answer(mut self) -> Result<Answer> {
        let mut received = Vec::new();
        self.0.read_to_end(&mut received)?;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        let malformed = |error: httparse::Error| Error::new(ErrorKind::InvalidData, error);
        let httparse::Status::Complete(length) = parsed.parse(&received).map_err(malformed)? else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Answer {
            status: parsed.code.unwrap_or(0),
            headers: parsed.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect(),
            body: text(&received[length..]),
        })
    }
}

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket(TcpStream);

impl WebSocket {
    pub fn open(port: u16) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let handshake = format!(
            "GET /websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(handshake.as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
            Ok(Self(stream))
        } else {
            Err(Error::other(head))
        }
    }

    /// Sends a short text, and returns what comes back.
    pub fn echo(&mut self, text: &str) -> Result<String> {
        assert!(text.len() <= 125);
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 1, 2, 3, 4];
        frame.extend(text.bytes().zip([1, 2, 3, 4].into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&frame)?;
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let mut answer = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut answer)?;
        if head[0] != 0x81 {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        String::from_utf8(answer).map_err(Error::other)
    }

    /// Waits until the other side has closed.
    pub fn is_closed(&mut self) -> bool {
        loop {
            match self.0.read(&mut [0; 64]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }
}
