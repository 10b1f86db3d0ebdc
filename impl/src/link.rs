//! A link as a site holds it: one connection after another, made again when one is lost. What a message means never
//! lives here; a message that finds no connection is lost, as on any link (XFER-1).

use crate::doorway::{Arc, Condvar, Mutex};
use crate::transport::{Closer, LinkError, Receiver, Sender};

/// One connection, as this side holds it.
pub struct Connection<Out, In> {
    /// Where messages go in.
    pub sender: Arc<dyn Sender<Out>>,
    /// Where messages come out.
    pub receiver: Box<dyn Receiver<In>>,
    /// What closes it from any thread.
    pub closer: Arc<dyn Closer>,
}

/// Makes connections to one peer.
pub trait Dialer<Out, In>: Send + Sync {
    /// The next connection; may wait for the peer.
    ///
    /// # Errors
    /// [`LinkError::Closed`] once the dialer is closed; after any other error it may be asked again, after a while.
    fn dial(&self) -> Result<Connection<Out, In>, LinkError>;

    /// Ends the dialer, and wakes the thread that waits in [`Dialer::dial`].
    fn close(&self);

    /// Whether the peer decides when there is a new connection. Such a connection replaces the one in use: the peer
    /// would not have made it if the old one still served, and this side may not have noticed.
    fn is_called(&self) -> bool;
}

/// A link: a dialer, and the connection in use.
pub struct Link<Out, In> {
    dialer: Box<dyn Dialer<Out, In>>,
    state: Mutex<State<Out, In>>,
    /// Signalled after every change of the state.
    changed: Condvar,
}

struct State<Out, In> {
    current: Option<Current<Out>>,
    /// The receiver of a connection that the receiving thread has not taken up yet.
    receiver: Option<Box<dyn Receiver<In>>>,
    /// Whether the dialer may be asked. A peer that drops every connection is called once a tick and not in a circle.
    redial: bool,
    /// Whether the link is held down by a test or an operator.
    cut: bool,
    stopping: bool,
    /// Why the newest connection ended or was not made.
    error: Option<String>,
}

struct Current<Out> {
    sender: Arc<dyn Sender<Out>>,
    closer: Arc<dyn Closer>,
}

impl<Out, In> State<Out, In> {
    /// Drops the connection in use; the receiving thread finds it closed.
    fn drop_current(&mut self) {
        if let Some(current) = self.current.take() {
            current.closer.close();
        }
        self.receiver = None;
    }
}

impl<Out, In> Link<Out, In> {
    /// A link without a connection.
    #[must_use]
    pub fn new(dialer: Box<dyn Dialer<Out, In>>) -> Self {
        let state = State {
            current: None,
            receiver: None,
            redial: true,
            cut: false,
            stopping: false,
            error: None,
        };
        Self { dialer, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The dialling thread's whole work: makes connections until the link stops.
    pub fn run_dialer(&self) {
        while self.wait_to_dial() {
            match self.dialer.dial() {
                Ok(connection) => self.install(connection),
                Err(error) => {
                    let mut state = self.state.lock();
                    state.error = Some(error.to_string());
                    state.redial = false;
                }
            }
        }
    }

    /// The receiving thread's whole work: hands every message to `on_message` until the link stops. `on_change`
    /// hears when there is a connection and when it is gone, in turn; a message that `on_message` finds unfit ends
    /// its connection.
    pub fn run_receiver(
        &self,
        on_change: impl Fn(bool),
        on_message: impl Fn(In) -> Result<(), LinkError>,
    ) {
        while let Some(mut receiver) = self.next_receiver() {
            on_change(true);
            let error = loop {
                match receiver.recv().and_then(&on_message) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            drop(receiver);
            self.lost(&error);
            on_change(false);
        }
    }

    /// Hands `message` to the connection in use, waiting while it has no room; without one the message is lost.
    pub fn send(&self, message: Out) {
        let current = {
            let state = self.state.lock();
            state
                .current
                .as_ref()
                .map(|current| (Arc::clone(&current.sender), Arc::clone(&current.closer)))
        };
        if let Some((sender, closer)) = current
            && sender.send(message).is_err()
        {
            closer.close();
        }
    }

    /// Waits for a connection. `false` once the link stops.
    pub fn wait_up(&self) -> bool {
        let mut state = self.state.lock();
        while state.current.is_none() && !state.stopping {
            state = self.changed.wait(state);
        }
        !state.stopping
    }

    /// The clock's event: the peer may be called again, or listened for again after a failure.
    pub fn redial(&self) {
        self.state.lock().redial = true;
        self.changed.notify_all();
    }

    /// Ends the connection in use; another is made. For a peer that has fallen silent.
    pub fn reset(&self) {
        self.state.lock().drop_current();
        self.changed.notify_all();
    }

    /// Ends the connection in use and keeps others from being made, until [`Link::mend`].
    pub fn cut(&self) {
        let mut state = self.state.lock();
        state.cut = true;
        state.drop_current();
        self.changed.notify_all();
    }

    /// Ends what [`Link::cut`] began.
    pub fn mend(&self) {
        self.state.lock().cut = false;
        self.changed.notify_all();
    }

    /// Why the newest connection ended or was not made, in words.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.state.lock().error.clone()
    }

    /// Ends the link for good, and every wait in it.
    pub fn stop(&self) {
        {
            let mut state = self.state.lock();
            state.stopping = true;
            state.drop_current();
        }
        self.dialer.close();
        self.changed.notify_all();
    }

    /// Waits until a connection is wanted. `false` once the link stops.
    fn wait_to_dial(&self) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.stopping {
                return false;
            }
            let called = self.dialer.is_called();
            if !state.cut && state.redial && (called || state.current.is_none()) {
                state.redial = called;
                return true;
            }
            state = self.changed.wait(state);
        }
    }

    fn install(&self, connection: Connection<Out, In>) {
        let mut state = self.state.lock();
        state.drop_current();
        if state.stopping || state.cut {
            connection.closer.close();
            return;
        }
        let Connection { sender, receiver, closer } = connection;
        state.current = Some(Current { sender, closer });
        state.receiver = Some(receiver);
        self.changed.notify_all();
    }

    fn next_receiver(&self) -> Option<Box<dyn Receiver<In>>> {
        let mut state = self.state.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(receiver) = state.receiver.take() {
                return Some(receiver);
            }
            state = self.changed.wait(state);
        }
    }

    /// The connection that was being received from is over. One that has replaced it stays.
    fn lost(&self, error: &LinkError) {
        let mut state = self.state.lock();
        if !matches!(error, LinkError::Closed) || state.error.is_none() {
            state.error = Some(error.to_string());
        }
        if state.receiver.is_none() {
            state.drop_current();
        }
        self.changed.notify_all();
    }
}
