//! An array link that loses frames when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use syncsplit_impl::containers::BitMap;
use syncsplit_impl::link::{Connection, Dialer};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::transport::{LinkError, Sender};
use syncsplit_model::protocol::{ToPrimary, ToSecondary};

type ToRemote = ToSecondary<Payload>;
type ToLocal = ToPrimary<BitMap>;

/// A dialer whose connections lose the primary's frames while told to; control messages pass.
pub(crate) struct Lossy {
    pub(crate) inner: Box<dyn Dialer<ToRemote, ToLocal>>,
    pub(crate) losing: Arc<AtomicBool>,
}

struct LossySender {
    inner: Arc<dyn Sender<ToRemote>>,
    losing: Arc<AtomicBool>,
}

impl Sender<ToRemote> for LossySender {
    fn send(&self, message: ToRemote) -> Result<(), LinkError> {
        if self.losing.load(Ordering::SeqCst) && matches!(message, ToSecondary::Frame(_)) {
            return Ok(());
        }
        self.inner.send(message)
    }
}

impl Dialer<ToRemote, ToLocal> for Lossy {
    fn dial(&self) -> Result<Connection<ToRemote, ToLocal>, LinkError> {
        let Connection { sender, receiver, closer } = self.inner.dial()?;
        let sender = Arc::new(LossySender { inner: sender, losing: self.losing.clone() });
        Ok(Connection { sender, receiver, closer })
    }

    fn close(&self) {
        self.inner.close();
    }

    fn is_called(&self) -> bool {
        self.inner.is_called()
    }
}
