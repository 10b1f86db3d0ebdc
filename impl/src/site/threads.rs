//! The threads of a site as one: started by name, joined together, and their troubles kept where the operator can
//! read them. What the threads do lives in [`super`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::doorway::{Arc, Mutex, spawn, thread::JoinHandle};
use crate::error::{NodeError, ignore_refusal};
use crate::link::Link;
use crate::mailbox::Mailbox;
use crate::transport::LinkError;
use syncsplit_model::protocol::HostMessage;

/// How long a worker whose step was refused leaves it alone.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

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
    /// fails is noted, and so is a step that is refused; `work` waits until a volume is worth trying again.
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
                    // Nothing is wrong with the node, so it goes on; not at once, since the same may be refused again.
                    Err(error) if error.is_refusal() => {
                        troubles.note(&error);
                        std::thread::sleep(REFUSED_PAUSE);
                    }
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

#[cfg(all(test, not(any(feature = "loom", feature = "shuttle"))))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use syncsplit_model::protocol::primary::PrimaryRefusal;

    use super::*;

    /// The story that this guards against: a peer's numbers make one step of the sender pointless, its thread ends, and
    /// nothing is ever sent again.
    #[test]
    fn a_refusal_ends_no_thread() -> std::io::Result<()> {
        let threads = Threads::default();
        let turns = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&turns);
        threads.start_worker("refused", move || match counted.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(NodeError::Primary(PrimaryRefusal::NotQuiesced)),
            _ => Ok(false),
        })?;
        threads.join();
        assert_eq!(turns.load(Ordering::SeqCst), 3, "it was tried again");
        assert_eq!(threads.troubles().take().len(), 1, "and the operator can read of it");
        Ok(())
    }
}
