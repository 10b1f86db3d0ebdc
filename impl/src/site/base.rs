//! What both sites have: a node of the array, the two links, the clock, and the threads that drive them. What only one of
//! them has lives in [`super::local`] and [`super::remote`].

use std::time::Duration;

use syncsplit_model::protocol::HostMessage;

use super::threads::{Threads, Troubles, as_link_error};
use super::{Dialers, HostLink};
use crate::clock::{SystemClock, Timer};
use crate::doorway::Arc;
use crate::error::NodeError;
use crate::link::Link;
use crate::mailbox::Mailbox;

/// An array's node as the site's threads drive it.
pub(super) trait ArrayNode: Send + Sync + 'static {
    /// What it sends on the array link.
    type Out: 'static;
    /// What it takes from there.
    type In: 'static;

    /// The next message for the link, waiting until there is one; `None` once the node stops.
    fn next_outgoing(&self) -> Result<Option<Self::Out>, NodeError>;

    /// A message arrived on the link.
    fn on_message(&self, message: Self::In) -> Result<(), NodeError>;

    /// A link is there again.
    fn link_up(&self) -> Result<(), NodeError>;

    /// The link is gone.
    fn link_down(&self);

    /// The clock's event. Whether the connection, if there seems to be one, is of no use.
    fn tick(&self) -> Result<bool, NodeError>;

    /// Ends every wait in the node.
    fn stop(&self);
}

/// A site but for its hosts.
pub(super) struct Station<N: ArrayNode> {
    pub(super) node: Arc<N>,
    pub(super) array: Arc<Link<N::Out, N::In>>,
    pub(super) host: Arc<HostLink>,
    host_outbox: Arc<Mailbox<HostMessage>>,
    clock: Arc<SystemClock>,
    pub(super) threads: Threads,
}

impl<N: ArrayNode> Station<N> {
    /// A station whose links are down and whose threads do not run yet. What goes into `host_outbox` travels on the host
    /// link.
    pub(super) fn new(
        node: Arc<N>,
        dialers: Dialers<N::Out, N::In>,
        host_outbox: Arc<Mailbox<HostMessage>>,
        clock: Arc<SystemClock>,
    ) -> Self {
        node.link_down();
        let (array, host) = (Arc::new(Link::new(dialers.array)), Arc::new(Link::new(dialers.host)));
        Self { node, array, host, host_outbox, clock, threads: Threads::default() }
    }

    /// Starts the threads of both links, and the clock. `deliver` takes what arrives on the host link.
    pub(super) fn start(
        &self,
        tick: Duration,
        deliver: impl Fn(HostMessage, &Troubles) + Send + 'static,
    ) -> std::io::Result<()> {
        self.start_array()?;
        self.threads.start_host(&self.host, &self.host_outbox)?;
        let link = Arc::clone(&self.host);
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
        self.threads.start_dialer("array-dial", &self.array)?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        // A volume that fails suspends the pair, so the sender goes on and finds nothing to send.
        self.threads.start_worker("array-send", move || {
            let next = node.next_outgoing()?;
            Ok(next.map(|message| link.send(message)).is_some())
        })?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        self.threads.start("array-receive", move |troubles| {
            let on_change = |up| {
                if up {
                    troubles.note_error(node.link_up());
                } else {
                    node.link_down();
                }
            };
            link.run_receiver(on_change, |message| {
                as_link_error(troubles, node.on_message(message))
            });
        })
    }

    fn start_clock(&self, tick: Duration) {
        let (node, array, host) =
            (Arc::clone(&self.node), Arc::clone(&self.array), Arc::clone(&self.host));
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

    /// Stops the station, and the hosts' roles as `stop_roles` says; returns when every thread has ended.
    pub(super) fn stop(&self, stop_roles: impl FnOnce()) {
        self.array.stop();
        self.host.stop();
        self.node.stop();
        stop_roles();
        self.host_outbox.close();
        self.clock.stop();
        self.threads.join();
    }
}
