//! The volume that a bank's host sees: the P-VOL behind its primary, or the S/P-VOL that was taken over.

use std::io;
use std::sync::Arc;

use syncsplit_impl::NodeError;
use syncsplit_impl::local::LocalNode;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::RemoteNode;
use syncsplit_impl::volume::{Volume, VolumeError};
use syncsplit_model::protocol::BlockIndex;

use crate::control::{BLOCK_SIZE, BLOCKS};

/// A node's volume. The order of answers to writes is the order in which the remote copy applies them.
pub(crate) enum HostVolume {
    /// A write is answered when the primary has numbered it (WRITE-1).
    Pvol(Arc<LocalNode>),
    /// After a takeover (TAKEOVER-2).
    Spvol(Arc<RemoteNode>),
}

/// The node's own words, as those of a volume.
fn failed(doing: &'static str) -> impl FnOnce(NodeError) -> VolumeError {
    move |error| VolumeError::Io { path: "the pair".into(), doing, source: io::Error::other(error) }
}

impl Volume for HostVolume {
    fn block_size(&self) -> usize {
        BLOCK_SIZE
    }

    fn blocks(&self) -> u32 {
        BLOCKS
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        let held = match self {
            Self::Pvol(node) => node.read(block),
            Self::Spvol(node) => node.read(block),
        };
        held.map_err(failed("read a block"))
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        let written = match self {
            Self::Pvol(node) => node.write(block, payload.clone()),
            Self::Spvol(node) => node.write(block, payload.clone()),
        };
        written.map_err(failed("write a block"))
    }

    fn flush(&self) -> Result<(), VolumeError> {
        let flushed = match self {
            Self::Pvol(node) => node.flush(),
            Self::Spvol(node) => node.flush(),
        };
        flushed.map_err(failed("flush the volume"))
    }
}
