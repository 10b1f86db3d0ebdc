//! A link over one TCP connection, under TLS if it is secured, begun by a hello each way. Retries and reconnecting never live here: a link that
//! failed stays failed, and a node makes a new one.
//!
//! Whatever is wrong with a frame, the connection is dropped and no part of the frame becomes a message. Nothing is
//! lost by it: an entry stays in the journal until it was reported written (rule XFER-2) and is sent again on the next
//! connection (rule XFER-1).
//!
//! A quiet link is no failed link, and a peer that vanishes without a word - power, a cut cable - is quiet too. So each
//! side sends a pulse three times in the silence that its peer says it bears, and [`Receiver::recv`] ends the link once
//! nothing was heard for as long as this side does. A pulse says that the peer's process runs, and nothing of its node:
//! whether that one answers is for this side's node to judge.
//!
//! Locks and flags are the standard library's and not the doorway's: no model of threads can schedule a socket.

use std::convert::Infallible;
use std::io::{self, BufReader, Read};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::frame::{FrameError, Hello, Limits, Message, encode, read_message};

use super::stream::{ByteReader, ByteStream, Side, Until};
use super::tls::Security;
use super::{Closer, LinkError, Receiver, Sender};

/// How long connecting to one address may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a peer may take over the handshake and its hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// So many pulses a side sends in the silence that its peer bears: two may be late.
const PULSES: u32 = 3;

/// How long, and for how many bytes, a side that refused a hello waits for the other side to read why.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: u64 = 64 << 10;

/// Room for the frames that arrive together; larger blocks are read past it.
const READ_BUFFER_BYTES: usize = 64 << 10;

/// Both ends of an open link, as this side holds them.
#[derive(Debug)]
pub struct Link {
    /// Where messages go in.
    pub sender: TcpSender,
    /// Where messages come out.
    pub receiver: TcpReceiver,
    /// What closes the link from any thread.
    pub closer: TcpCloser,
    /// The peer's address.
    pub peer: SocketAddr,
}

/// Connects to `addr` ("host:port"), shakes hands as `security` asks, and says and hears hello.
///
/// # Errors
/// The address has no listener; or the peer is not who it has to be, said no hello in time, or belongs elsewhere.
pub fn connect(addr: &str, hello: &Hello, security: &Security) -> Result<Link, LinkError> {
    let socket = connect_any(addr).map_err(failed(|| format!("connect to {addr}")))?;
    let deadline = Instant::now() + HELLO_TIMEOUT;
    let stream = Arc::new(ByteStream::shake_hands(socket, security, Side::Calling, deadline)?);
    say_hello(&stream, hello)?;
    let mut reader = ByteReader::new(Arc::clone(&stream));
    let answer = hear_hello(&stream, &mut reader, deadline);
    admit(&stream, reader, hello, answer)
}

/// Waits for peers to connect; owned by one thread.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<ListenerShared>,
}

#[derive(Debug)]
struct ListenerShared {
    listener: TcpListener,
    /// Invariant: never reset.
    closed: AtomicBool,
}

impl Listener {
    /// Listens on `addr` ("host:port"; port 0 lets the system choose).
    ///
    /// # Errors
    /// The address is not this machine's, or is taken.
    pub fn bind(addr: &str) -> Result<Self, LinkError> {
        let listener = TcpListener::bind(addr).map_err(failed(|| format!("listen on {addr}")))?;
        Ok(Self { shared: Arc::new(ListenerShared { listener, closed: AtomicBool::new(false) }) })
    }

    /// The address that peers connect to.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> Result<SocketAddr, LinkError> {
        self.shared
            .listener
            .local_addr()
            .map_err(failed(|| "tell the listening address".to_owned()))
    }

    /// The next peer that connects. Nothing is known of it yet, and waiting for its hello is left to
    /// [`Incoming::greet`], so that a silent stranger holds up nobody else.
    ///
    /// # Errors
    /// [`LinkError::Closed`] once the listener is closed. Any other error may pass, such as too many open files; the
    /// caller waits a little before it accepts again.
    pub fn accept(&mut self) -> Result<Incoming, LinkError> {
        loop {
            self.require_open()?;
            let accepted = self.shared.listener.accept();
            // What was accepted may be the connection that only says to stop.
            self.require_open()?;
            match accepted {
                Ok((socket, peer)) => return Ok(Incoming { socket, peer }),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(source) => return Err(failed(|| "accept a connection".to_owned())(source)),
            }
        }
    }

    /// What wakes [`Listener::accept`] for good.
    #[must_use]
    pub fn closer(&self) -> ListenerCloser {
        ListenerCloser { shared: Arc::clone(&self.shared) }
    }

    fn require_open(&self) -> Result<(), LinkError> {
        if self.shared.closed.load(Ordering::SeqCst) { Err(LinkError::Closed) } else { Ok(()) }
    }
}

/// Ends a [`Listener`] from another thread; links that were accepted before stay open.
#[derive(Clone, Debug)]
pub struct ListenerCloser {
    shared: Arc<ListenerShared>,
}

impl Closer for ListenerCloser {
    /// A thread that waits in `accept` is woken by a connection of this side's own.
    fn close(&self) {
        if self.shared.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Ok(mut addr) = self.shared.listener.local_addr() {
            if addr.ip().is_unspecified() {
                addr.set_ip(match addr {
                    SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                });
            }
            // If it cannot be made, the queue of connections is full, and `accept` does not wait anyway.
            let _ = TcpStream::connect_timeout(&addr, LINGER_TIMEOUT);
        }
    }
}

/// A connection whose peer has not said who it is.
#[derive(Debug)]
pub struct Incoming {
    socket: TcpStream,
    peer: SocketAddr,
}

impl Incoming {
    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The connection once more, to end it while it is greeted.
    pub(super) fn socket(&self) -> Result<TcpStream, LinkError> {
        self.socket.try_clone().map_err(failed(|| "hold on to a connection".to_owned()))
    }

    /// Shakes hands as `security` asks, hears the peer's hello, and answers with `hello`.
    ///
    /// # Errors
    /// The peer is not who it has to be, said no hello in time, or belongs elsewhere. A peer that speaks this protocol
    /// hears why it belongs elsewhere: it compares the same two hellos.
    pub fn greet(self, hello: &Hello, security: &Security) -> Result<Link, LinkError> {
        self.greet_within(hello, security, HELLO_TIMEOUT)
    }

    /// As [`Incoming::greet`], with another time limit.
    pub(super) fn greet_within(
        self,
        hello: &Hello,
        security: &Security,
        limit: Duration,
    ) -> Result<Link, LinkError> {
        let deadline = Instant::now() + limit;
        let stream = ByteStream::shake_hands(self.socket, security, Side::Called, deadline)?;
        let stream = Arc::new(stream);
        let mut reader = ByteReader::new(Arc::clone(&stream));
        let heard = hear_hello(&stream, &mut reader, deadline);
        // Another version's hello is answered too, or its side would not learn why it was refused. Whoever speaks
        // another protocol learns nothing.
        if matches!(heard, Ok(_) | Err(LinkError::Frame(FrameError::WrongVersion { .. }))) {
            say_hello(&stream, hello)?;
        }
        admit(&stream, reader, hello, heard)
    }
}

/// Makes a link of a connection whose peer belongs here; drops any other.
fn admit(
    stream: &Arc<ByteStream>,
    reader: ByteReader,
    hello: &Hello,
    heard: Result<Hello, LinkError>,
) -> Result<Link, LinkError> {
    let verdict =
        heard.and_then(|peer| hello.check_peer(&peer).map_err(LinkError::Hello).map(|()| peer));
    match verdict {
        Ok(peer) => {
            let link = open(stream, reader, hello, &peer);
            link.map_err(failed(|| "set the connection up".to_owned()))
        }
        Err(error) => {
            linger(stream.socket());
            Err(error)
        }
    }
}

fn open(
    stream: &Arc<ByteStream>,
    reader: ByteReader,
    hello: &Hello,
    theirs: &Hello,
) -> io::Result<Link> {
    let socket = stream.socket();
    let peer = socket.peer_addr()?;
    // A write waits for its acknowledgement, so a short frame must not wait for a longer one.
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(hello.silence()))?;
    socket.set_write_timeout(None)?;
    let reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
    let (lives, ended) = mpsc::channel();
    let connection = Arc::new(Connection {
        stream: Arc::clone(stream),
        frame: Mutex::new(Vec::new()),
        closed: AtomicBool::new(false),
        _lives: lives,
    });
    let (pulsing, every) = (Arc::downgrade(&connection), theirs.silence() / PULSES);
    thread::Builder::new()
        .name("pulse".to_owned())
        .spawn(move || pulse(&pulsing, every, &ended))?;
    let (limits, silence_ms) = (hello.limits(), hello.silence_ms);
    Ok(Link {
        sender: TcpSender { connection: Arc::clone(&connection) },
        receiver: TcpReceiver { connection: Arc::clone(&connection), reader, limits, silence_ms },
        closer: TcpCloser { connection },
        peer,
    })
}

/// The pulsing thread's whole work: a pulse each time, until the connection is over.
fn pulse(connection: &Weak<Connection>, every: Duration, ended: &mpsc::Receiver<Infallible>) {
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let sent = connection.upgrade().map(|connection| connection.send(&Message::Pulse));
        if !matches!(sent, Some(Ok(()))) {
            return;
        }
    }
}

#[derive(Debug)]
struct Connection {
    stream: Arc<ByteStream>,
    /// The frame being sent. Its lock is held while the frame is written, so that frames do not mix.
    frame: Mutex<Vec<u8>>,
    /// Whether the link is over, by whichever end or error. Invariant: never reset.
    closed: AtomicBool,
    /// Nothing is ever sent on it: it ends with the connection, and wakes the thread that sends its pulses.
    _lives: mpsc::Sender<Infallible>,
}

impl Connection {
    /// Sends one message's frame whole.
    fn send(&self, message: &Message) -> Result<(), LinkError> {
        // A thread that panicked in here left no half-sent frame: writing does not panic, and what was encoded is
        // cleared.
        let mut frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::SeqCst) {
            return Err(LinkError::Closed);
        }
        frame.clear();
        encode(message, &mut frame)?;
        // A frame that was sent in part must not be followed by another: the peer would take it for the rest.
        let sent = self.stream.send(&frame).map_err(failed(|| "send a frame".to_owned()));
        sent.map_err(|error| self.close_for(error))
    }

    /// Ends the link; the first to do so learns that it was.
    fn close(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::SeqCst);
        if first {
            // Fails only if the peer was faster.
            let _ = self.stream.socket().shutdown(Shutdown::Both);
        }
        first
    }

    /// Ends the link for `error`. An error that follows from the link's end is no news.
    fn close_for(&self, error: LinkError) -> LinkError {
        if self.close() { error } else { LinkError::Closed }
    }
}

/// The end of a [`Link`] that messages go into; clones share the connection, and each frame is sent whole.
///
/// Dropping it does not close the link while a receiver waits; [`TcpCloser`] does.
#[derive(Clone, Debug)]
pub struct TcpSender {
    connection: Arc<Connection>,
}

impl<M: Into<Message>> Sender<M> for TcpSender {
    fn send(&self, message: M) -> Result<(), LinkError> {
        self.connection.send(&message.into())
    }
}

/// The end of a [`Link`] that messages come out of.
#[derive(Debug)]
pub struct TcpReceiver {
    connection: Arc<Connection>,
    reader: BufReader<ByteReader>,
    limits: Limits,
    /// How long this side bears to hear nothing, in milliseconds; the socket's time limit for reading.
    silence_ms: u32,
}

impl<M: TryFrom<Message, Error = FrameError>> Receiver<M> for TcpReceiver {
    fn recv(&mut self) -> Result<M, LinkError> {
        let message = loop {
            if self.connection.closed.load(Ordering::SeqCst) {
                return Err(LinkError::Closed);
            }
            match read_message(&mut self.reader, self.limits) {
                Ok(Message::Pulse) => {}
                other => break other.and_then(M::try_from),
            }
        };
        message.map_err(|error| {
            let error = if is_timeout(&error) {
                LinkError::Silent { milliseconds: self.silence_ms }
            } else {
                error.into()
            };
            self.connection.close_for(error)
        })
    }
}

/// What closes a [`Link`]. What has arrived and was not received by then may be lost, as anything on a link.
#[derive(Clone, Debug)]
pub struct TcpCloser {
    connection: Arc<Connection>,
}

impl Closer for TcpCloser {
    fn close(&self) {
        self.connection.close();
    }
}

/// Turns an [`io::Error`] into one that says what was attempted.
fn failed(doing: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> LinkError {
    move |source| LinkError::Io { doing: doing(), source }
}

/// Connects to the first address of `addr` that answers.
fn connect_any(addr: &str) -> io::Result<TcpStream> {
    let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut outcome = Err(none);
    for addr in addr.to_socket_addrs()? {
        outcome = TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn say_hello(stream: &ByteStream, hello: &Hello) -> Result<(), LinkError> {
    let mut frame = Vec::new();
    encode(&hello.clone().into(), &mut frame)?;
    stream.send(&frame).map_err(failed(|| "send the hello".to_owned()))
}

/// The peer's hello, and not a byte beyond it.
fn hear_hello(
    stream: &ByteStream,
    reader: &mut ByteReader,
    deadline: Instant,
) -> Result<Hello, LinkError> {
    let start = Instant::now();
    let until = Until { socket: stream.socket(), deadline };
    let heard = read_message(&mut InTime { reader, until }, Limits::BEFORE_HELLO);
    heard.and_then(Hello::try_from).map_err(|error| {
        if is_timeout(&error) {
            LinkError::HelloTimeout { milliseconds: start.elapsed().as_millis() }
        } else {
            error.into()
        }
    })
}

/// What comes out of a connection until a deadline.
struct InTime<'a> {
    reader: &'a mut ByteReader,
    until: Until<'a>,
}

impl Read for InTime<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until.limit()?;
        self.reader.read(buffer)
    }
}

fn is_timeout(error: &FrameError) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error, FrameError::Io(error) if matches!(error.kind(), WouldBlock | TimedOut))
}

/// Waits a little for the peer to close. Story of why a refused connection is not just dropped:
/// 1. A peer of a later version sends a hello whose header is read here and whose body is not.
/// 2. This side answers with its own hello and drops the connection; bytes unread make that a reset.
/// 3. The reset overtakes the hello, and the peer reports a broken connection instead of the wrong version.
fn linger(socket: &TcpStream) {
    // Each failure means that the peer is gone already.
    let _ = socket.shutdown(Shutdown::Write);
    let deadline = Instant::now() + LINGER_TIMEOUT;
    let _ = io::copy(&mut Until { socket, deadline }.take(LINGER_BYTES_MAX), &mut io::sink());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Role;
    use std::io::Write;

    fn hello() -> Hello {
        Hello {
            role: Role::Secondary,
            group: "g".to_owned(),
            block_size: 16,
            blocks: 4,
            silence_ms: Hello::USUAL_SILENCE_MS,
        }
    }

    fn incoming() -> Result<(TcpStream, Incoming), LinkError> {
        let mut listener = Listener::bind("127.0.0.1:0")?;
        let stream =
            TcpStream::connect(listener.local_addr()?).map_err(failed(|| "connect".to_owned()))?;
        Ok((stream, listener.accept()?))
    }

    #[test]
    fn a_silent_stranger_is_given_up() -> Result<(), LinkError> {
        let (_stranger, incoming) = incoming()?;
        let outcome = incoming.greet_within(&hello(), &Security::Plain, Duration::from_millis(20));
        let in_time = matches!(outcome, Err(LinkError::HelloTimeout { milliseconds: ..1000 }));
        assert!(in_time, "{outcome:?}");
        Ok(())
    }

    #[test]
    fn a_stranger_that_drips_bytes_is_given_up() -> Result<(), LinkError> {
        let (mut stranger, incoming) = incoming()?;
        thread::scope(|scope| {
            let dripping = scope.spawn(move || {
                while stranger.write_all(b"S").is_ok() && stranger.set_nodelay(true).is_ok() {
                    thread::sleep(Duration::from_millis(10));
                    if stranger.take_error().is_ok_and(|error| error.is_some()) {
                        break;
                    }
                }
            });
            let start = Instant::now();
            // 40 bytes at 10 ms each would be past the limit several times over.
            let outcome =
                incoming.greet_within(&hello(), &Security::Plain, Duration::from_millis(50));
            assert!(matches!(outcome, Err(LinkError::HelloTimeout { .. })), "{outcome:?}");
            assert!(start.elapsed() < Duration::from_millis(50) + LINGER_TIMEOUT * 2);
            assert!(dripping.join().is_ok());
        });
        Ok(())
    }
}
