//! As much HTTP/1.1 as a load needs: one request after the other on a connection that stays open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent; the head without `Host` and `Content-Length`.
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    pub fn new(line: &str, headers: &[(&str, &str)], body: String) -> Self {
        let mut head = format!("{line} HTTP/1.1\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        Self { head, body }
    }

    /// JSON by a program, with a token or without.
    pub fn json(path: &str, token: Option<&str>, body: &serde_json::Value) -> Self {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        Self::new(&format!("POST {path}"), &headers, body.to_string())
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str())
    }
}

/// A connection, opened when it is needed.
pub struct Connection {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    pub fn to(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    pub fn send(&mut self, request: &Request) -> Result<Answer> {
        if self.stream.is_none() {
            let stream =
                TcpStream::connect(&self.address).with_context(|| format!("connecting to {}", self.address))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().context("a connection")?;
        let Request { head, body } = request;
        let text = format!("{head}Host: {}\r\nContent-Length: {}\r\n\r\n{body}", self.address, body.len());
        let answer =
            stream.get_mut().write_all(text.as_bytes()).map_err(anyhow::Error::from).and_then(|()| read(stream));
        // After a fault nobody knows what would come next on it.
        if answer.as_ref().map_or(true, |answer| answer.header("connection") == Some("close")) {
            self.stream = None;
        }
        answer
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no answer of HTTP: {first:?}"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: String::new() };
    let body = match (answer.header("content-length"), answer.header("transfer-encoding")) {
        (Some(length), _) => exactly(stream, length.parse()?)?,
        (None, Some("chunked")) => chunks(stream)?,
        _ => Vec::new(),
    };
    answer.body = String::from_utf8(body)?;
    Ok(answer)
}

fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        bail!("the connection was closed");
    }
    Ok(line.trim_end().to_owned())
}

fn exactly(stream: &mut BufReader<TcpStream>, bytes: usize) -> Result<Vec<u8>> {
    let mut body = vec![0; bytes];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn chunks(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)?;
        body.extend(exactly(stream, size)?);
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_of_both_forms_are_read_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answers = [
                "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nhi",
                "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\n\r\n1\r\nc\r\n0\r\n\r\n",
                "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            ];
            for answer in answers {
                let mut asked = [0; 1024];
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let mut connection = Connection::to(&address);
        let request = Request::json("/x", Some("token"), &serde_json::json!({"a": 1}));
        let answers = [(); 3].map(|()| connection.send(&request).unwrap());
        let found: Vec<_> = answers.iter().map(|answer| (answer.status, answer.body.as_str())).collect();
        assert_eq!(found, [(200, "hi"), (503, "ab\nc"), (302, "")]);
        assert_eq!(answers[0].header("set-cookie"), Some("a=b"));
        assert!(connection.stream.is_none(), "closed when the server says so");
        server.join().unwrap();
    }
}
