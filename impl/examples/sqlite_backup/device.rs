//! The volumes that the file table is put on: the P-VOL behind its primary, the S/P-VOL that was taken over, and an image
//! at rest.

use std::io;
use std::sync::Arc;

use syncsplit_impl::local::LocalNode;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::RemoteNode;
use syncsplit_impl::volume::{FileVolume, Volume};
use syncsplit_model::protocol::BlockIndex;

use crate::blocks::BlockDevice;
use crate::control::{BLOCK_SIZE, BLOCKS};

/// The P-VOL as its host sees it: a write is answered when the primary has numbered it (WRITE-1).
pub(crate) struct Pvol(pub(crate) Arc<LocalNode>);

impl BlockDevice for Pvol {
    fn block_size(&self) -> usize {
        BLOCK_SIZE
    }

    fn block_count(&self) -> u32 {
        BLOCKS
    }

    fn read_block(&self, block: u32, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(self.0.read(BlockIndex(block)).map_err(io::Error::other)?.bytes());
        Ok(())
    }

    fn write_block(&self, block: u32, data: &[u8]) -> io::Result<()> {
        self.0.write(BlockIndex(block), Payload::from(data)).map_err(io::Error::other)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush().map_err(io::Error::other)
    }
}

/// The S/P-VOL as the remote host sees it after a takeover (TAKEOVER-2).
pub(crate) struct Spvol(pub(crate) Arc<RemoteNode>);

impl BlockDevice for Spvol {
    fn block_size(&self) -> usize {
        BLOCK_SIZE
    }

    fn block_count(&self) -> u32 {
        BLOCKS
    }

    fn read_block(&self, block: u32, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(self.0.read(BlockIndex(block)).map_err(io::Error::other)?.bytes());
        Ok(())
    }

    fn write_block(&self, block: u32, data: &[u8]) -> io::Result<()> {
        self.0.write(BlockIndex(block), Payload::from(data)).map_err(io::Error::other)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush().map_err(io::Error::other)
    }
}

/// An image that nobody writes: a backup file, or a copy of the S/P-VOL.
pub(crate) struct Image(pub(crate) FileVolume);

impl BlockDevice for Image {
    fn block_size(&self) -> usize {
        self.0.block_size()
    }

    fn block_count(&self) -> u32 {
        self.0.blocks()
    }

    fn read_block(&self, block: u32, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(self.0.read(BlockIndex(block)).map_err(io::Error::other)?.bytes());
        Ok(())
    }

    fn write_block(&self, block: u32, _data: &[u8]) -> io::Result<()> {
        Err(io::Error::other(format!("block {block} of an image is not to be written")))
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
