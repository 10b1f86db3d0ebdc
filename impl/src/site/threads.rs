//! The threads of a site as one: started by name, joined together, and their troubles kept where the operator can
//! read them. What the threads do lives in [`super`].

use std::collections::VecDeque;

use crate::doorway::{Arc, Mutex, spawn, thread::JoinHandle};
use crate::error::{NodeError, ignore_refusal};
use crate::link::Link;
use crate::mailbox::Mailbox;
use crate::transport::LinkError;
use syncsplit_model::protocol::HostMessage;

/// The most troubles kept; older ones give way.
const TROUBLES_MAX: usize = 64;

/// What went wrong on a site's own threads, where no caller hears of it. Clones share what they hold.
#[derive(Clone, Debug, Default)]
pub struct ThreadErrors(Arc<Mutex<VecDeque<String>>>);

impl ThreadErrors {
    /// What went wrong since this was last called, oldest first; a repeated trouble once.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.0.lock().drain(..).collect()
    }

    pub(super) fn note(&self, error: &NodeError) {
        // Stopping is what the site was asked for, and so is a failback.
        if matches!(error, NodeError::Stopped | NodeError::HandedOver { .. }) {
            return;
        }
        let text = error.to_string();
        let mut troubles = self.0.lock();
        if troubles.back() != Some(&text) {
            if troubles.len() >= TROUBLES_MAX {
                troubles.pop_front();
            }
            troubles.push_back(text);
        }
    }

    pub(super) fn note_error(&self, outcome: Result<(), NodeError>) {
        if let Err(error) = outcome {
            self.note(&error);
        }
    }
}

/// The threads of a site.
#[derive(Default)]
pub(super) struct Threads {
    running: Mutex<Vec<JoinHandle<()>>>,
    troubles: ThreadErrors,
}

impl Threads {
    pub(super) const fn troubles(&self) -> &ThreadErrors {
        &self.troubles
    }

    /// Starts one thread.
    pub(super) fn start(
        &self,
        name: &str,
        body: impl FnOnce(&ThreadErrors) + Send + 'static,
    ) -> std::io::Result<()> {
        let troubles = self.troubles.clone();
        let thread = spawn(name, move || body(&troubles))?;
        self.running.lock().push(thread);
        Ok(())
    }

    /// Starts a thread that repeats `work` until it says that there is no more, or the node is broken. A volume that
    /// fails is noted; `work` waits until it is worth trying again.
    pub(super) fn start_worker(
        &self,
        name: &str,
        work: impl Fn() -> Result<bool, NodeError> + Send + 'static,
    ) -> std::io::Result<()> {
        self.start(name, move |troubles| {
            loop {
                match work() {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error @ NodeError::Volume { .. }) => troubles.note(&error),
                    Err(error) => return troubles.note(&error),
                }
            }
        })
    }

    /// Starts the thread that makes a link's connections.
    pub(super) fn start_dialer<Out, In>(
        &self,
        name: &str,
        link: &Arc<Link<Out, In>>,
    ) -> std::io::Result<()>
    where
        Out: 'static,
        In: 'static,
    {
        let link = Arc::clone(link);
        self.start(name, move |_| link.run_dialer())
    }

    /// Starts the host link's dialler and its sender. A message waits for the connection: whoever asks for a backup
    /// while the sites are still finding each other need not ask again.
    pub(super) fn start_host(
        &self,
        link: &Arc<Link<HostMessage, HostMessage>>,
        outbox: &Arc<Mailbox<HostMessage>>,
    ) -> std::io::Result<()> {
        self.start_dialer("host-dial", link)?;
        let (link, outbox) = (Arc::clone(link), Arc::clone(outbox));
        self.start("host-send", move |_| {
            while let Some(message) = outbox.take() {
                if !link.wait_up() {
                    return;
                }
                link.send(message);
            }
        })
    }

    /// Waits until every thread has ended.
    pub(super) fn join(&self) {
        let running = std::mem::take(&mut *self.running.lock());
        for thread in running {
            // A thread that panicked has left its role's slot empty, which whoever asks is told.
            let _ = thread.join();
        }
    }
}

/// What a node's answer to a message means for the connection it came over: only a message that does not fit the
/// group ends it.
pub(super) fn as_link_error(
    troubles: &ThreadErrors,
    outcome: Result<(), NodeError>,
) -> Result<(), LinkError> {
    let Err(error) = ignore_refusal(outcome) else {
        return Ok(());
    };
    troubles.note(&error);
    if error.is_misfit() { Err(LinkError::Closed) } else { Ok(()) }
}
