//! An array link that takes time, since loopback takes none: entries leave no faster than a link of a given rate lets
//! them. Without it the remote copy would hardly ever be behind, and Sync would have nothing to wait for.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use syncsplit_impl::containers::BitMap;
use syncsplit_impl::link::{Connection, Dialer};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::transport::{LinkError, Sender};
use syncsplit_model::protocol::{ToPrimary, ToSecondary};

use crate::lock;

type ToRemote = ToSecondary<Payload>;
type ToLocal = ToPrimary<BitMap>;

/// What the link carries, in blocks a second.
pub(crate) const BLOCKS_PER_SECOND: u32 = 16_000;

/// A dialer whose connections carry [`BLOCKS_PER_SECOND`].
pub(crate) struct Paced<D>(pub(crate) D);

impl<D: Dialer<ToRemote, ToLocal>> Dialer<ToRemote, ToLocal> for Paced<D> {
    fn dial(&self) -> Result<Connection<ToRemote, ToLocal>, LinkError> {
        let Connection { sender, receiver, closer } = self.0.dial()?;
        let sender = Arc::new(PacedSender { inner: sender, free: Mutex::new(Instant::now()) });
        Ok(Connection { sender, receiver, closer })
    }

    fn close(&self) {
        self.0.close();
    }

    fn is_called(&self) -> bool {
        self.0.is_called()
    }
}

struct PacedSender {
    inner: Arc<dyn Sender<ToRemote>>,
    /// When the link has carried what it was given so far.
    free: Mutex<Instant>,
}

impl Sender<ToRemote> for PacedSender {
    fn send(&self, message: ToRemote) -> Result<(), LinkError> {
        let wait = {
            let mut free = lock(&self.free);
            let now = Instant::now();
            *free = now.max(*free) + Duration::from_secs(1) / BLOCKS_PER_SECOND;
            free.saturating_duration_since(now)
        };
        // The system's shortest sleep is longer than a block takes, so short waits are added up.
        if wait >= Duration::from_millis(1) {
            thread::sleep(wait);
        }
        self.inner.send(message)
    }
}
