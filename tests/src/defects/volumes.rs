//! Wrong volumes: what stands between an array and a volume that is right.

use std::sync::{Arc, Mutex, PoisonError};

use syncsplit_impl::payload::Payload;
use syncsplit_impl::volume::{Volume, VolumeError};
use syncsplit_model::protocol::BlockIndex;

/// A volume whose newest write stays in a cache until the next; neither a read nor a flush looks there.
pub(super) struct WriteBehind {
    medium: Arc<dyn Volume>,
    newest: Mutex<Option<(BlockIndex, Payload)>>,
}

impl WriteBehind {
    pub(super) fn around(medium: Arc<dyn Volume>) -> Arc<dyn Volume> {
        Arc::new(Self { medium, newest: Mutex::default() })
    }
}

impl Volume for WriteBehind {
    fn block_size(&self) -> usize {
        self.medium.block_size()
    }

    fn blocks(&self) -> u32 {
        self.medium.blocks()
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        self.medium.read(block)
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.replace((block, payload.clone())) {
            Some((block, payload)) => self.medium.write(block, &payload),
            None => Ok(()),
        }
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.medium.flush()
    }
}
