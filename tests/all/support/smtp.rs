//! A mail server that takes every letter, unless a test tells it to answer otherwise (RFC 5321).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A letter as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, with the soft line ends of quoted-printable taken out.
    pub text: String,
}

#[derive(Default)]
struct Script {
    /// What is answered instead of "yes" to the next command of this name.
    replies: VecDeque<(&'static str, &'static str)>,
    received: Vec<Received>,
}

/// The server, until the test ends.
pub struct Sink {
    pub port: u16,
    script: Arc<Mutex<Script>>,
}

impl Sink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("the port").port();
        let script = Arc::<Mutex<Script>>::default();
        let shared = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = shared.clone();
                tokio::spawn(async move { drop(talk(stream, &script).await) });
            }
        });
        Self { port, script }
    }

    /// Answers this to the next command of this name; `BODY` is the end of a letter.
    pub fn says(&self, command: &'static str, reply: &'static str) {
        self.script.lock().expect("nobody panicked with it").replies.push_back((command, reply));
    }

    /// All letters until now, those that were refused at their end as well.
    pub fn received(&self) -> Vec<Received> {
        self.script.lock().expect("nobody panicked with it").received.clone()
    }
}

fn reply(script: &Mutex<Script>, command: &str, usual: &'static str) -> &'static str {
    let mut script = script.lock().expect("nobody panicked with it");
    match script.replies.iter().position(|(of, _)| *of == command) {
        Some(place) => script.replies.remove(place).map_or(usual, |(_, reply)| reply),
        None => usual,
    }
}

async fn talk(stream: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 sink\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = lines.next_line().await? {
        let command = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let usual = match command.as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 yes",
        };
        let answer = reply(script, &command, usual);
        match command.as_str() {
            "MAIL" => from = in_brackets(&line),
            "RCPT" => to.push(in_brackets(&line)),
            _ => {}
        }
        writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if command == "DATA" && answer.starts_with('3') {
            let mut text = String::new();
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                text += &(line + "\r\n");
            }
            let text = text.replace("=\r\n", "").replace("=3D", "=");
            let received = Received { from: from.clone(), to: std::mem::take(&mut to), text };
            script.lock().expect("nobody panicked with it").received.push(received);
            let answer = reply(script, "BODY", "250 taken");
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
    Ok(())
}

fn in_brackets(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
