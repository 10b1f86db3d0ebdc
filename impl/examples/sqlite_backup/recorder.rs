//! For tests: a volume in memory that remembers its writes.

use std::sync::{Arc, Mutex};

use syncsplit_impl::payload::Payload;
use syncsplit_impl::volume::{Volume, VolumeError};
use syncsplit_model::protocol::BlockIndex;

use crate::lock;

pub(crate) const BLOCK: usize = 4096;

/// One answered block write.
pub(crate) type Write = (BlockIndex, Payload);

/// A volume in memory that remembers its writes in the order of their answers.
pub(crate) struct Recorder {
    blocks: u32,
    state: Mutex<(Vec<u8>, Vec<Write>, u64)>,
}

impl Recorder {
    pub(crate) fn new(blocks: u32) -> Arc<Recorder> {
        let image = vec![0; blocks as usize * BLOCK];
        Arc::new(Recorder { blocks, state: Mutex::new((image, Vec::new(), 0)) })
    }

    pub(crate) fn with_image(image: Vec<u8>) -> Arc<Recorder> {
        let blocks = (image.len() / BLOCK) as u32;
        Arc::new(Recorder { blocks, state: Mutex::new((image, Vec::new(), 0)) })
    }

    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut (Vec<u8>, Vec<Write>, u64)) -> T) -> T {
        f(&mut lock(&self.state))
    }

    pub(crate) fn writes(&self) -> usize {
        self.with(|(_, log, _)| log.len())
    }
}

impl Volume for Recorder {
    fn block_size(&self) -> usize {
        BLOCK
    }

    fn blocks(&self) -> u32 {
        self.blocks
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        Ok(self.with(|(image, _, _)| Payload::from(&image[block.0 as usize * BLOCK..][..BLOCK])))
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        self.with(|(image, log, _)| {
            image[block.0 as usize * BLOCK..][..BLOCK].copy_from_slice(payload.bytes());
            log.push((block, payload.clone()));
        });
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.with(|(_, _, flushes)| *flushes += 1);
        Ok(())
    }
}
