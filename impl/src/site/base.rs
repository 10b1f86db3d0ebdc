//! What both sites are: a node of the array, the two links, the clock, and the threads that drive them. What only one of
//! them has lives in [`super::local`] and [`super::remote`].

use std::time::Duration;

use syncsplit_model::protocol::HostMessage;

use super::config::{Dialers, HostLink};
use super::threads::{ThreadErrors, Threads, as_link_error};
use crate::clock::{SystemClock, Timer};
use crate::doorway::Arc;
use crate::error::NodeError;
use crate::link::Link;
use crate::mailbox::Mailbox;

/// An array's node as the site's threads drive it.
pub trait ArrayNode: Send + Sync + 'static {
    /// What it sends on the array link.
    type Out: 'static;
    /// What it takes from there.
    type In: 'static;

    /// The next message for the link, waiting until there is one; `None` once the node stops.
    ///
    /// # Errors
    /// A volume failed, and the call may be repeated; or the node is broken.
    fn next_outgoing(&self) -> Result<Option<Self::Out>, NodeError>;

    /// A message arrived on the link.
    ///
    /// # Errors
    /// The role refused it, it does not fit the group, a volume failed, or the node is broken.
    fn on_message(&self, message: Self::In) -> Result<(), NodeError>;

    /// A link is there again, or is gone.
    ///
    /// # Errors
    /// The node is broken.
    fn on_link(&self, up: bool) -> Result<(), NodeError>;

    /// The clock's event. Whether the connection, if there seems to be one, is of no use.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    fn tick(&self) -> Result<bool, NodeError>;

    /// Ends every wait in the node.
    fn stop(&self);
}

/// The roles of a site's host.
pub trait Host {
    /// Ends every wait in them.
    fn stop(&self);
}

/// A site. It stops when dropped.
pub struct Site<N: ArrayNode, H: Host> {
    pub(super) node: Arc<N>,
    pub(super) host: H,
    array_link: Arc<Link<N::Out, N::In>>,
    host_link: Arc<HostLink>,
    host_outbox: Arc<Mailbox<HostMessage>>,
    clock: Arc<SystemClock>,
    pub(super) threads: Threads,
}

impl<N: ArrayNode, H: Host> Site<N, H> {
    /// A site whose threads do not run yet. The node knows that its link is down. What goes into `host_outbox` travels on the host link.
    pub(super) fn new(
        node: Arc<N>,
        host: H,
        dialers: Dialers<N::Out, N::In>,
        host_outbox: Arc<Mailbox<HostMessage>>,
        clock: Arc<SystemClock>,
    ) -> Self {
        let array_link = Arc::new(Link::new(dialers.array));
        let host_link = Arc::new(Link::new(dialers.host));
        let threads = Threads::default();
        Self { node, host, array_link, host_link, host_outbox, clock, threads }
    }

    /// The array's node: pair commands, displays; host writes at the local site, a takeover at the remote one.
    #[must_use]
    pub const fn node(&self) -> &Arc<N> {
        &self.node
    }

    /// The array link, to be cut and mended.
    #[must_use]
    pub const fn array_link(&self) -> &Arc<Link<N::Out, N::In>> {
        &self.array_link
    }

    /// The host link, to be cut and mended.
    #[must_use]
    pub const fn host_link(&self) -> &Arc<HostLink> {
        &self.host_link
    }

    /// What went wrong on the site's own threads.
    #[must_use]
    pub const fn troubles(&self) -> &ThreadErrors {
        self.threads.troubles()
    }

    /// Stops the site and returns when its threads have ended. Volumes keep what they hold.
    pub fn stop(&self) {
        self.array_link.stop();
        self.host_link.stop();
        self.node.stop();
        self.host.stop();
        self.host_outbox.close();
        self.clock.stop();
        self.threads.join();
    }

    /// Starts the threads of both links, and the clock. `deliver` takes what arrives on the host link.
    pub(super) fn run(
        &self,
        tick: Duration,
        deliver: impl Fn(HostMessage, &ThreadErrors) + Send + 'static,
    ) -> std::io::Result<()> {
        self.start_array()?;
        self.threads.start_host(&self.host_link, &self.host_outbox)?;
        let link = Arc::clone(&self.host_link);
        self.threads.start("host-receive", move |troubles| {
            link.run_receiver(
                |_up| {},
                |message| {
                    deliver(message, troubles);
                    Ok(())
                },
            );
        })?;
        self.start_clock(tick);
        Ok(())
    }

    fn start_array(&self) -> std::io::Result<()> {
        self.threads.start_dialer("array-dial", &self.array_link)?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array_link));
        // A volume that fails suspends the pair, so the sender goes on and finds nothing to send.
        self.threads.start_worker("array-send", move || {
            let next = node.next_outgoing()?;
            Ok(next.map(|message| link.send(message)).is_some())
        })?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array_link));
        self.threads.start("array-receive", move |troubles| {
            let on_change = |up| troubles.note_error(node.on_link(up));
            link.run_receiver(on_change, |message| {
                as_link_error(troubles, node.on_message(message))
            });
        })
    }

    fn start_clock(&self, tick: Duration) {
        let (node, array, host) =
            (Arc::clone(&self.node), Arc::clone(&self.array_link), Arc::clone(&self.host_link));
        let troubles = self.threads.troubles().clone();
        self.clock.every(
            tick,
            Box::new(move || {
                match node.tick() {
                    // The connection may look well and carry nothing.
                    Ok(true) => array.reset(),
                    Ok(false) => {}
                    Err(error) => troubles.note(&error),
                }
                array.redial();
                host.redial();
            }),
        );
    }
}

impl<N: ArrayNode, H: Host> Drop for Site<N, H> {
    fn drop(&mut self) {
        self.stop();
    }
}
