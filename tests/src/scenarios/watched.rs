//! A volume in memory that notices when two threads are in it at once, which a node has to keep from happening. Its
//! counter is the doorway's, so loom and shuttle switch threads in the middle of an access.

use std::sync::atomic::{AtomicBool, Ordering};

use syncsplit_impl::doorway::{Arc, AtomicU32, Ordering as Order};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::trace::Digest;
use syncsplit_impl::volume::{MemoryVolume, Volume, VolumeError};
use syncsplit_model::protocol::BlockIndex;

use super::Failure;
use crate::replay::Image;

/// Bytes in a block: room for a number.
pub(super) const BLOCK_SIZE: usize = 8;

/// A payload that differs for every `number`; 0 is what a volume starts with.
pub(super) fn payload(number: u64) -> Payload {
    Payload::from(&number.to_le_bytes()[..])
}

/// The volume.
pub(super) struct Watched {
    memory: MemoryVolume,
    inside: AtomicU32,
    /// Whether two threads were inside at once.
    overlapped: AtomicBool,
}

impl Watched {
    /// A volume of zeros.
    pub(super) fn new(blocks: u32) -> Result<Arc<Self>, VolumeError> {
        Ok(Arc::new(Self {
            memory: MemoryVolume::new(BLOCK_SIZE, blocks)?,
            inside: AtomicU32::new(0),
            overlapped: AtomicBool::new(false),
        }))
    }

    /// What it holds, as the replay knows it.
    ///
    /// # Errors
    /// Two threads were in it at once.
    pub(super) fn image(&self, name: &str) -> Result<Image, Failure> {
        if self.overlapped.load(Ordering::SeqCst) {
            return Err(format!("two threads were in the {name} at once").into());
        }
        Ok(self.memory.snapshot().iter().map(|held| Some(Digest(held.digest()))).collect())
    }

    /// Runs one access.
    fn watch<T>(&self, access: impl FnOnce() -> T) -> T {
        if self.inside.fetch_add(1, Order::SeqCst) > 0 {
            self.overlapped.store(true, Ordering::SeqCst);
        }
        let outcome = access();
        self.inside.fetch_sub(1, Order::SeqCst);
        outcome
    }
}

impl Volume for Watched {
    fn block_size(&self) -> usize {
        self.memory.block_size()
    }

    fn blocks(&self) -> u32 {
        self.memory.blocks()
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        self.watch(|| self.memory.read(block))
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        self.watch(|| self.memory.write(block, payload))
    }

    fn flush(&self) -> Result<(), VolumeError> {
        Ok(())
    }
}
