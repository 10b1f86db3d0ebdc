//! What the file table and its headers are written in: a volume of equal blocks, the names of the two files, and why they were
//! refused. Where anything lies on the volume is not known here.

use std::fmt;
use std::io;

/// A volume of equal blocks, read and written whole.
///
/// `write_block` returns once the local volume has accepted the write (the host is answered). A
/// block write is atomic, and the order of answers is the order in which the remote copy applies.
pub(crate) trait BlockDevice: Send + Sync + 'static {
    /// Bytes in a block: a power of two from 512 to 65536.
    fn block_size(&self) -> usize;
    /// Blocks in the volume.
    fn block_count(&self) -> u32;
    /// Fills `into`, which is one block long.
    fn read_block(&self, block: u32, into: &mut [u8]) -> io::Result<()>;
    /// Replaces one block; `data` is one block long.
    fn write_block(&self, block: u32, data: &[u8]) -> io::Result<()>;
    /// Makes every answered write survive a local power loss.
    fn flush(&self) -> io::Result<()>;
}

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
#[derive(Debug)]
pub(crate) enum LayoutError {
    /// The device failed.
    Device {
        /// What was attempted.
        attempt: &'static str,
        /// The block, or none for a flush.
        block: Option<u32>,
        /// The device's own error.
        source: io::Error,
    },
    /// The device cannot carry a file table.
    Geometry(String),
    /// The superblock or a file header is not one of ours, or is damaged.
    Corrupt {
        /// The block that failed its check.
        block: u32,
        /// What was found.
        found: String,
    },
    /// A write would leave its region.
    Full {
        /// The file that is full.
        file: FileId,
        /// The size that was asked for, in bytes.
        wanted: u64,
        /// The size of the region, in bytes.
        limit: u64,
    },
    /// The file does not exist.
    Missing(FileId),
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::Device { attempt, block: Some(block), source } => {
                write!(f, "could not {attempt} block {block}: {source}")
            }
            LayoutError::Device { attempt, block: None, source } => {
                write!(f, "could not {attempt} the volume: {source}")
            }
            LayoutError::Geometry(what) => write!(f, "the volume cannot hold a file table: {what}"),
            LayoutError::Corrupt { block, found } => write!(f, "block {block} is corrupt: {found}"),
            LayoutError::Full { file, wanted, limit } => {
                write!(f, "the {file} is full: {wanted} bytes wanted, its region has {limit}")
            }
            LayoutError::Missing(file) => write!(f, "the {file} does not exist on the volume"),
        }
    }
}

impl std::error::Error for LayoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LayoutError::Device { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What a file table answers.
pub(crate) type Result<T> = std::result::Result<T, LayoutError>;

/// Reads a block; an error names it.
pub(crate) fn read_block(dev: &dyn BlockDevice, block: u32, into: &mut [u8]) -> Result<()> {
    let failed = |source| LayoutError::Device { attempt: "read", block: Some(block), source };
    dev.read_block(block, into).map_err(failed)
}

/// Replaces a block; an error names it.
pub(crate) fn write_block(dev: &dyn BlockDevice, block: u32, data: &[u8]) -> Result<()> {
    let failed = |source| LayoutError::Device { attempt: "write", block: Some(block), source };
    dev.write_block(block, data).map_err(failed)
}

/// Makes every answered write survive a local power loss.
pub(crate) fn flush(dev: &dyn BlockDevice) -> Result<()> {
    let failed = |source| LayoutError::Device { attempt: "flush", block: None, source };
    dev.flush().map_err(failed)
}
