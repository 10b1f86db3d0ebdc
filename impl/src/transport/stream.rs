//! The bytes of one connection, as they are or under TLS. Frames never live here.
//!
//! Story of why a receiver never writes, and why bytes wait for the socket without the lock of TLS:
//! 1. Both sides send much at once, and the buffers of both directions fill up.
//! 2. A sender that waits for room with the lock of TLS held keeps its receiver from taking what has arrived.
//! 3. So neither side makes room for the other, and both wait for ever.
//!
//! A sender seals under the lock and writes after it. What TLS itself has to say waits for the next sender.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::Connection;

use super::LinkError;
use super::tls::Security;

/// Room for the sealed bytes that arrive together.
const SEALED_BYTES: usize = 64 << 10;

/// Which side began a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// This one.
    Calling,
    /// The peer.
    Called,
}

/// A connection whose peer is who it should be, as far as its protection tells.
#[derive(Debug)]
pub(super) struct ByteStream {
    socket: TcpStream,
    /// TLS, if the connection is under it. Its lock is never held while the socket waits.
    tls: Option<Mutex<Connection>>,
}

impl ByteStream {
    /// Shakes hands on a connection, until `deadline` at most.
    ///
    /// # Errors
    /// The peer does not shake hands in time, or is somebody else; or the network failed.
    pub(super) fn shake_hands(
        socket: TcpStream,
        security: &Security,
        side: Side,
        deadline: Instant,
    ) -> Result<Self, LinkError> {
        let Security::Tls(identity) = security else {
            return Ok(Self { socket, tls: None });
        };
        let mut tls = match side {
            Side::Calling => identity.calling()?,
            Side::Called => identity.called()?,
        };
        let handshake = tls.complete_io(&mut Until { socket: &socket, deadline });
        handshake.map_err(|source| LinkError::Handshake { source })?;
        identity.check_peer(&tls)?;
        Ok(Self { socket, tls: Some(Mutex::new(tls)) })
    }

    /// The connection's socket. What travels on it is not to be touched.
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends all of `bytes`. The caller lets one thread in at a time, or their bytes would mix.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else {
            return (&self.socket).write_all(bytes);
        };
        let sealed = seal(&mut tls.lock().unwrap_or_else(PoisonError::into_inner), bytes)?;
        (&self.socket).write_all(&sealed)
    }
}

/// What goes over the wire for `bytes`, and for what TLS itself had to say.
fn seal(tls: &mut Connection, mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut sealed = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 256);
    while !bytes.is_empty() || tls.wants_write() {
        let taken = tls.writer().write(bytes)?;
        bytes = &bytes[taken..];
        while tls.wants_write() {
            tls.write_tls(&mut sealed)?;
        }
    }
    Ok(sealed)
}

/// The end of a connection that its bytes come out of; owned by one thread.
#[derive(Debug)]
pub(super) struct ByteReader {
    stream: Arc<ByteStream>,
    /// Sealed bytes that have arrived; empty without TLS.
    arrived: Vec<u8>,
    /// How many of them TLS has taken.
    taken: usize,
}

impl ByteReader {
    pub(super) const fn new(stream: Arc<ByteStream>) -> Self {
        Self { stream, arrived: Vec::new(), taken: 0 }
    }

    /// Waits for sealed bytes, if there are none left. False at the connection's end.
    fn wait(&mut self) -> io::Result<bool> {
        if self.taken < self.arrived.len() {
            return Ok(true);
        }
        self.taken = 0;
        self.arrived.resize(SEALED_BYTES, 0);
        let read = (&self.stream.socket).read(&mut self.arrived);
        self.arrived.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|bytes| bytes > 0)
    }
}

impl Read for ByteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = Arc::clone(&self.stream);
        let Some(tls) = &stream.tls else {
            return (&stream.socket).read(buffer);
        };
        let lock = || tls.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match lock().reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            // An end without TLS's own farewell may be a cut by anybody. It is an end all the same: a frame says how long
            // it is, and whoever can cut a connection between two frames can keep it from being made.
            if !self.wait()? {
                return Ok(0);
            }
            let mut tls = lock();
            let mut rest = &self.arrived[self.taken..];
            let before = rest.len();
            tls.read_tls(&mut rest)?;
            self.taken += before - rest.len();
            let opened = tls.process_new_packets();
            opened.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }
}

/// Reads and writes until a deadline, however few bytes go at a time.
pub(super) struct Until<'a> {
    pub(super) socket: &'a TcpStream,
    pub(super) deadline: Instant,
}

impl Until<'_> {
    /// Gives the socket the time that is left.
    ///
    /// # Errors
    /// None is left.
    pub(super) fn limit(&self) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        self.socket.set_write_timeout(Some(left))
    }
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        let mut socket = self.socket;
        socket.read(buffer)
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.limit()?;
        let mut socket = self.socket;
        socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
