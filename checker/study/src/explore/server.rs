//! The server of the explorer: reads one request of bounded length from this host alone, and answers it. What a state
//! shows is not decided here.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Request, Status};

use crate::explore::Explored;
use crate::trace::Subject;

/// The longest head of a request, in bytes.
const HEAD_MAX: usize = 8 * 1024;
/// The most headers of a request.
const HEADERS_MAX: usize = 64;
/// How long a client may take to give its request, and to take the answer.
const WAIT: Duration = Duration::from_secs(5);
/// Requests that are answered at once; a browser opens connections that it does not use.
const THREADS: usize = 8;
/// Bytes of a refused request that are still read, so that the client gets to see the answer.
const DRAINED_MAX: u64 = 1 << 20;

const PAGE: &str = include_str!("page.html");

/// Serves the explorer of `subject` to this host until the process ends.
pub fn serve(subject: Subject, listener: &TcpListener) {
    let explored = Explored::new(subject);
    let port = listener.local_addr().map_or(0, |address| address.port());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    match listener.accept() {
                        // A client that has gone is no failure of the server.
                        Ok((stream, _)) => drop(serve_one(&explored, stream, port)),
                        Err(_) => thread::sleep(Duration::from_millis(100)),
                    }
                }
            });
        }
    });
}

/// An answer: status line, type and body.
struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn ok(kind: &'static str, body: String) -> Self {
        Self { status: "200 OK", kind, body }
    }

    fn refused(status: &'static str, why: &str) -> Self {
        Self { status, kind: "text/plain", body: format!("{why}\n") }
    }
}

fn serve_one(explored: &Explored, mut stream: TcpStream, port: u16) -> io::Result<()> {
    let until = Instant::now() + WAIT;
    stream.set_write_timeout(Some(WAIT))?;
    let mut head = [0; HEAD_MAX];
    let answer = match read_head(&mut stream, &mut head, until)? {
        Ok(length) => answer(explored, &head[..length], port),
        Err(refused) => refused,
    };
    let Answer { status, kind, body } = answer;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.shutdown(std::net::Shutdown::Write)?;
    io::copy(&mut stream.take(DRAINED_MAX), &mut io::sink()).map(drop)
}

/// Reads up to the end of the request's headers: how many bytes they are.
fn read_head(
    stream: &mut TcpStream,
    head: &mut [u8; HEAD_MAX],
    until: Instant,
) -> io::Result<Result<usize, Answer>> {
    let mut length = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Err(Answer::refused("408 Request Timeout", "the request took too long")));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut head[length..])? {
            0 => return Ok(Err(Answer::refused("400 Bad Request", "the request ends early"))),
            more => length += more,
        }
        match Request::new(&mut [EMPTY_HEADER; HEADERS_MAX]).parse(&head[..length]) {
            Ok(Status::Complete(_)) => return Ok(Ok(length)),
            Ok(Status::Partial) if length < HEAD_MAX => {}
            Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                let why = format!("a request has at most {HEAD_MAX} bytes, {HEADERS_MAX} headers");
                let status = "431 Request Header Fields Too Large";
                return Ok(Err(Answer::refused(status, &why)));
            }
            Err(error) => {
                return Ok(Err(Answer::refused("400 Bad Request", &error.to_string())));
            }
        }
    }
}

/// What is answered to a whole head.
fn answer(explored: &Explored, head: &[u8], port: u16) -> Answer {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = Request::new(&mut headers);
    if request.parse(head).is_err() {
        return Answer::refused("400 Bad Request", "no request");
    }
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    let host = host.and_then(|header| str::from_utf8(header.value).ok()).unwrap_or_default();
    // A page of somebody else's, whose name leads here, would read what is served.
    let names = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
    if !names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        let why = format!("the Host has to be {}", names.join(" or "));
        return Answer::refused("421 Misdirected Request", &why);
    }
    if request.method != Some("GET") {
        return Answer::refused("405 Method Not Allowed", "there is only GET");
    }
    let path = request.path.unwrap_or_default();
    match path.strip_prefix("/.states") {
        _ if path == "/" => Answer::ok("text/html", PAGE.into()),
        _ if path == "/.status" => json(&explored.status()),
        Some(steps) => match indices(steps).and_then(|steps| explored.choices(&steps)) {
            Some(choices) => json(&choices),
            None => Answer::refused("404 Not Found", "there is no such path"),
        },
        None => Answer::refused("404 Not Found", "there is no such page"),
    }
}

fn json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(body) => Answer::ok("application/json", body),
        Err(error) => Answer::refused("500 Internal Server Error", &error.to_string()),
    }
}

/// The numbers of `/0/3/1`, of none if there is nothing.
fn indices(path: &str) -> Option<Vec<usize>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let Some(path) = path.strip_prefix('/') else {
        return path.is_empty().then(Vec::new);
    };
    path.split('/').map(|index| index.parse().ok()).collect()
}
