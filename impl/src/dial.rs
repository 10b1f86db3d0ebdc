//! The dialers there are: over TCP, calling and being called, and inside one process.

use crate::doorway::{Arc, Condvar, Mutex};
use crate::frame::{FrameError, Hello, Message};
use crate::link::{Connection, Dialer};
use crate::transport::channel::{ChannelReceiver, ChannelSender, channel};
use crate::transport::reception::Reception;
use crate::transport::tcp::{self, TcpReceiver};
use crate::transport::tls::Security;
use crate::transport::{Closer, LinkError, Receiver, Sender};

/// Calls a peer that listens.
#[derive(Clone, Debug)]
pub struct TcpCaller {
    addr: String,
    hello: Hello,
    security: Security,
}

impl TcpCaller {
    /// Calls `addr` ("host:port"), shakes hands as `security` asks, and says `hello`.
    #[must_use]
    pub fn new(addr: impl Into<String>, hello: Hello, security: Security) -> Self {
        Self { addr: addr.into(), hello, security }
    }
}

impl<Out, In> Dialer<Out, In> for TcpCaller
where
    Out: Into<Message> + 'static,
    In: TryFrom<Message, Error = FrameError> + 'static,
{
    fn dial(&self) -> Result<Connection<Out, In>, LinkError> {
        tcp::connect(&self.addr, &self.hello, &self.security).map(connection)
    }

    /// A call has a time limit of its own.
    fn close(&self) {}

    fn is_called(&self) -> bool {
        false
    }
}

/// Listens for the peer's calls.
pub struct TcpCalled(Reception);

impl TcpCalled {
    /// Listens on `addr` ("host:port"; port 0 lets the system choose), shakes hands as `security` asks, and answers with
    /// `hello`.
    ///
    /// # Errors
    /// The address is not this machine's, or is taken; or the system starts no more threads.
    pub fn bind(addr: &str, hello: Hello, security: Security) -> Result<Self, LinkError> {
        Reception::bind(addr, hello, security).map(Self)
    }

    /// The address that the peer calls.
    #[must_use]
    pub const fn local_addr(&self) -> std::net::SocketAddr {
        self.0.local_addr()
    }
}

impl<Out, In> Dialer<Out, In> for TcpCalled
where
    Out: Into<Message> + 'static,
    In: TryFrom<Message, Error = FrameError> + 'static,
{
    fn dial(&self) -> Result<Connection<Out, In>, LinkError> {
        self.0.next().map(connection)
    }

    fn close(&self) {
        self.0.close();
    }

    fn is_called(&self) -> bool {
        true
    }
}

fn connection<Out, In>(link: tcp::Link) -> Connection<Out, In>
where
    Out: Into<Message> + 'static,
    In: TryFrom<Message, Error = FrameError> + 'static,
{
    let receiver: Box<TcpReceiver> = Box::new(link.receiver);
    Connection { sender: Arc::new(link.sender), receiver, closer: Arc::new(link.closer) }
}

/// Where the two sides of one process meet.
struct Meeting<A, B> {
    state: Mutex<MeetingState<A, B>>,
    changed: Condvar,
    capacity: usize,
}

struct MeetingState<A, B> {
    /// The called side's ends of the newest call.
    offered: Option<Connection<B, A>>,
    closed: bool,
}

impl<A, B> Meeting<A, B> {
    fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}

/// The calling side of a link inside one process.
pub struct LocalCaller<A, B>(Arc<Meeting<A, B>>);

/// The called side of a link inside one process.
pub struct LocalCalled<A, B>(Arc<Meeting<A, B>>);

/// A link inside one process; each connection holds up to `capacity` messages each way. `A` travels from the caller
/// to the called, `B` back.
#[must_use]
pub fn in_process<A, B>(capacity: usize) -> (LocalCaller<A, B>, LocalCalled<A, B>) {
    let state = Mutex::new(MeetingState { offered: None, closed: false });
    let meeting = Arc::new(Meeting { state, changed: Condvar::new(), capacity });
    (LocalCaller(Arc::clone(&meeting)), LocalCalled(meeting))
}

/// Closes both ways of a connection.
struct BothWays<A, B>(ChannelSender<A>, ChannelSender<B>);

impl<A: Send, B: Send> Closer for BothWays<A, B> {
    fn close(&self) {
        self.0.close();
        self.1.close();
    }
}

impl<A: Send + 'static, B: Send + 'static> Dialer<A, B> for LocalCaller<A, B> {
    fn dial(&self) -> Result<Connection<A, B>, LinkError> {
        let (there, there_end): (ChannelSender<A>, ChannelReceiver<A>) = channel(self.0.capacity);
        let (back, back_end): (ChannelSender<B>, ChannelReceiver<B>) = channel(self.0.capacity);
        let closer: Arc<dyn Closer> = Arc::new(BothWays(there.clone(), back.clone()));
        let mut state = self.0.state.lock();
        if state.closed {
            return Err(LinkError::Closed);
        }
        let (sender, receiver): (Arc<dyn Sender<B>>, Box<dyn Receiver<A>>) =
            (Arc::new(back), Box::new(there_end));
        let unmet =
            state.offered.replace(Connection { sender, receiver, closer: Arc::clone(&closer) });
        self.0.changed.notify_all();
        drop(state);
        if let Some(unmet) = unmet {
            unmet.closer.close();
        }
        Ok(Connection { sender: Arc::new(there), receiver: Box::new(back_end), closer })
    }

    fn close(&self) {
        self.0.close();
    }

    fn is_called(&self) -> bool {
        false
    }
}

impl<A: Send + 'static, B: Send + 'static> Dialer<B, A> for LocalCalled<A, B> {
    fn dial(&self) -> Result<Connection<B, A>, LinkError> {
        let mut state = self.0.state.lock();
        loop {
            if state.closed {
                return Err(LinkError::Closed);
            }
            if let Some(connection) = state.offered.take() {
                return Ok(connection);
            }
            state = self.0.changed.wait(state);
        }
    }

    fn close(&self) {
        self.0.close();
    }

    fn is_called(&self) -> bool {
        true
    }
}
