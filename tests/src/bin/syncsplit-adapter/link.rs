//! The array link: what the arrays reach each other by, and how it goes down and comes back. Steered over TCP a message
//! that the kit delivers travels through a connection of its own implementation's wire; until then it is held here.

use std::thread;

use serde_json::json;
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::frame::{Hello, Role};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::transport::tcp::{self, Listener};
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::transport::{Closer, LinkError, Receiver, Sender};
use syncsplit_impl::volume::Volume;
use syncsplit_model::protocol::{ToPrimary, ToSecondary};

use crate::sites::{BLOCK_SIZE, Sites};
use crate::{Refused, Reply, broken};

/// Where connections are made: a port of this machine's own that the system chooses.
pub(crate) const ADDRESS: &str = "127.0.0.1:0";

/// What the arrays reach each other by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Messages are handed over.
    #[default]
    InProcess,
    /// A TCP connection.
    Tcp,
}

/// How an end of the array link names itself.
pub(crate) fn hello(role: Role, blocks: u32) -> Hello {
    Hello {
        role,
        group: "group".to_owned(),
        block_size: BLOCK_SIZE as u32,
        blocks,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

/// A TCP connection, both ends of it.
pub(crate) struct Wire {
    primary: tcp::Link,
    secondary: tcp::Link,
}

impl Wire {
    fn new(blocks: u32) -> Result<Self, Refused> {
        let mut listener = Listener::bind(ADDRESS).map_err(broken)?;
        let address = listener.local_addr().map_err(broken)?.to_string();
        let closer = listener.closer();
        let greeted: Result<_, LinkError> = thread::scope(|scope| {
            let called = scope.spawn(move || {
                listener.accept()?.greet(&hello(Role::Secondary, blocks), &Security::Plain)
            });
            let connected = tcp::connect(&address, &hello(Role::Primary, blocks), &Security::Plain);
            // Whoever waits for the call would wait for ever.
            let primary = connected.inspect_err(|_| closer.close())?;
            let secondary = called.join().unwrap_or(Err(LinkError::Closed))?;
            Ok(Self { primary, secondary })
        });
        greeted.map_err(broken)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.primary.closer.close();
        self.secondary.closer.close();
    }
}

impl Sites {
    /// A connection for messages that the kit delivers, where there has to be one.
    pub(crate) fn new_wire(&self) -> Result<Option<Wire>, Refused> {
        match self.setup.options.transport {
            Transport::InProcess => Ok(None),
            Transport::Tcp => Wire::new(self.volumes[0].blocks()).map(Some),
        }
    }

    /// Brings a message to the secondary.
    pub(crate) fn carry_there(&mut self, message: ToSecondary<Payload>) -> Result<(), Refused> {
        let message = match &mut self.wire {
            None => message,
            Some(Wire { primary, secondary }) => {
                primary.sender.send(message).map_err(broken)?;
                secondary.receiver.recv().map_err(broken)?
            }
        };
        Ok(ignore_refusal(self.remote.on_message(message))?)
    }

    /// Brings a message to the primary.
    pub(crate) fn carry_back(&mut self, message: ToPrimary<BitMap>) -> Result<(), Refused> {
        let message = match &mut self.wire {
            None => message,
            Some(Wire { primary, secondary }) => {
                secondary.sender.send(message).map_err(broken)?;
                primary.receiver.recv().map_err(broken)?
            }
        };
        Ok(ignore_refusal(self.local.on_message(message))?)
    }

    /// Takes the link down, or brings it back; a connection is cut, or made.
    pub(crate) fn set_link(&mut self, up: bool) -> Reply {
        if up && !self.up && self.threads.is_none() {
            self.wire = self.new_wire()?;
        } else if !up {
            self.wire = None;
        }
        self.up = up;
        match &self.threads {
            Some(threads) => threads.set_link(up)?,
            None if up => {
                self.remote.link_up();
                self.local.link_up()?;
            }
            None => {
                self.local.link_down();
                self.remote.link_down();
            }
        }
        Ok(json!({}))
    }
}
