//! For tests: a volume in memory that remembers its writes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::blocks::BlockDevice;

pub(crate) const BLOCK: usize = 4096;

/// One answered block write.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) block: u32,
    pub(crate) data: Vec<u8>,
}

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
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn writes(&self) -> usize {
        self.with(|(_, log, _)| log.len())
    }
}

impl BlockDevice for Recorder {
    fn block_size(&self) -> usize {
        BLOCK
    }

    fn block_count(&self) -> u32 {
        self.blocks
    }

    fn read_block(&self, block: u32, into: &mut [u8]) -> io::Result<()> {
        self.with(|(image, _, _)| into.copy_from_slice(&image[block as usize * BLOCK..][..BLOCK]));
        Ok(())
    }

    fn write_block(&self, block: u32, data: &[u8]) -> io::Result<()> {
        self.with(|(image, log, _)| {
            image[block as usize * BLOCK..][..BLOCK].copy_from_slice(data);
            log.push(Write { block, data: data.to_vec() });
        });
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.with(|(_, _, flushes)| *flushes += 1);
        Ok(())
    }
}
