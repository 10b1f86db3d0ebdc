//! What a node asks of a link: send, receive, close. What a message means never lives here, nor do retries: a link may
//! lose, repeat and delay, and the protocol's guards make up for it (rules XFER-1 to XFER-4).

pub mod channel;
pub mod reception;
mod stream;
pub mod tcp;
pub mod tls;

use std::io;

use crate::frame::{FrameError, HelloMismatch};

/// The end of a link that messages go into; shared by the threads of a node.
pub trait Sender<M>: Send + Sync {
    /// Hands `message` to the link, waiting while the link has no room. Success says nothing about its arrival.
    ///
    /// # Errors
    /// The link is closed or failed, or the message cannot travel on this link.
    fn send(&self, message: M) -> Result<(), LinkError>;
}

/// The end of a link that messages come out of; owned by one thread.
pub trait Receiver<M>: Send {
    /// The next message, waiting until there is one.
    ///
    /// # Errors
    /// [`LinkError::Closed`] once the link is closed; what the other side sent before it closed is received first. Any
    /// other error closes the link, and the bytes that caused it never become a message.
    fn recv(&mut self) -> Result<M, LinkError>;
}

/// What closes a link from another thread.
pub trait Closer: Send + Sync {
    /// Closes the link, both ways and for good; wakes every thread that waits in [`Sender::send`] or
    /// [`Receiver::recv`]. Closing twice is closing once.
    fn close(&self);
}

/// Why a link carries nothing more, or not this message.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// This side or the other closed the link.
    #[error("the link is closed")]
    Closed,
    /// The bytes are not a frame, or the message has no frame.
    #[error("bad frame: {0}")]
    Frame(#[source] FrameError),
    /// The other side belongs elsewhere.
    #[error("the peer does not belong here: {0}")]
    Hello(#[source] HelloMismatch),
    /// The other side is not who it has to be, or does not take this side for who it has to be.
    #[error("no handshake: {source}")]
    Handshake {
        /// Why TLS ended.
        source: io::Error,
    },
    /// The other side did not finish its hello in time.
    #[error("no hello within {milliseconds} ms")]
    HelloTimeout {
        /// How long this side waited, in milliseconds.
        milliseconds: u128,
    },
    /// Nothing was heard of the other side for as long as this side bears it: not even a pulse.
    #[error("nothing was heard of the peer for {milliseconds} ms")]
    Silent {
        /// How long this side bears silence, in milliseconds.
        milliseconds: u32,
    },
    /// The network failed.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was attempted.
        doing: String,
        /// What the system answered.
        source: io::Error,
    },
}

impl From<FrameError> for LinkError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Closed => Self::Closed,
            FrameError::Io(source) => Self::Io { doing: "receive a frame".to_owned(), source },
            error @ (FrameError::Truncated { .. }
            | FrameError::WrongMagic { .. }
            | FrameError::WrongVersion { .. }
            | FrameError::UnknownKind { .. }
            | FrameError::NonZeroReserved { .. }
            | FrameError::TooLong { .. }
            | FrameError::WrongCrc { .. }
            | FrameError::WrongAddress { .. }
            | FrameError::BadBody { .. }
            | FrameError::NotOnTheWire { .. }
            | FrameError::UnexpectedKind { .. }) => Self::Frame(error),
        }
    }
}
