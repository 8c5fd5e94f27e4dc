//! An answer, read to its end.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) instance: String,
    pub(super) release: String,
    pub(super) keep: bool,
}

/// Why there was no answer, and whether a byte of it had come.
pub(super) struct Cut {
    pub(super) error: Error,
    pub(super) begun: bool,
}

pub(super) async fn ask(stream: &mut TcpStream, request: &str) -> Result<Answer, Cut> {
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
