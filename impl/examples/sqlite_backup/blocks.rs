//! What the file table and its headers are written in: blocks of a volume, the names of the two files, and why they were
//! refused. Where anything lies on the volume is not known here.

use std::fmt;

use syncsplit_impl::payload::Payload;
use syncsplit_impl::volume::{Volume, VolumeError};
use syncsplit_model::protocol::BlockIndex;

/// One of the two files a volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileId {
    /// SQLite's database file.
    Main,
    /// SQLite's rollback journal.
    Journal,
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileId::Main => "main file",
            FileId::Journal => "journal",
        })
    }
}

/// Why the file table refused; every variant names the thing and the value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    /// The volume failed.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The volume cannot carry a file table.
    #[error("the volume cannot hold a file table: {0}")]
    Geometry(String),
    /// The superblock or a file header is not one of ours, or is damaged.
    #[error("block {block} is corrupt: {found}")]
    Corrupt {
        /// The block that failed its check.
        block: u32,
        /// What was found.
        found: String,
    },
    /// A write would leave its region.
    #[error("the {file} is full: {wanted} bytes wanted, its region has {limit}")]
    Full {
        /// The file that is full.
        file: FileId,
        /// The size that was asked for, in bytes.
        wanted: u64,
        /// The size of the region, in bytes.
        limit: u64,
    },
    /// The file does not exist.
    #[error("the {0} does not exist on the volume")]
    Missing(FileId),
}

/// What a file table answers.
pub(crate) type Result<T> = std::result::Result<T, LayoutError>;

/// Fills `into`, which is one block long.
pub(crate) fn read_block(volume: &dyn Volume, block: u32, into: &mut [u8]) -> Result<()> {
    into.copy_from_slice(volume.read(BlockIndex(block))?.bytes());
    Ok(())
}

/// Replaces a block; `data` is one block long.
pub(crate) fn write_block(volume: &dyn Volume, block: u32, data: &[u8]) -> Result<()> {
    Ok(volume.write(BlockIndex(block), &Payload::from(data))?)
}
