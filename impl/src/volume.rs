//! Volumes: blocks of one size that are read, written and made durable. Which block is written when never lives here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use syncsplit_model::protocol::BlockIndex;

use crate::payload::Payload;

/// The largest block, in bytes. A block travels in one frame, and a receiver sets that much memory aside.
pub const BLOCK_SIZE_MAX: u32 = 16 << 20;

/// The most blocks of one volume. Its dirty map travels in one frame; at 4 KiB a block this is 512 GiB.
pub const BLOCKS_MAX: u32 = 1 << 27;

/// Blocks of one size that survive the process once flushed. Shared between threads: each call is complete in itself,
/// and calls for the same block are ordered by the caller.
pub trait Volume: Send + Sync {
    /// Bytes in a block.
    fn block_size(&self) -> usize;

    /// Blocks in the volume; indices are below it.
    fn blocks(&self) -> u32;

    /// The contents of `block`.
    ///
    /// # Errors
    /// The volume has no such block, or the medium failed.
    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError>;

    /// Replaces the contents of `block`. Durable only after [`Volume::flush`].
    ///
    /// # Errors
    /// The volume has no such block, the payload is not one block long, or the medium failed. Nothing is written in
    /// the first two cases.
    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError>;

    /// Makes every write that returned before this call durable.
    ///
    /// # Errors
    /// The medium failed; which writes are durable is then unknown.
    fn flush(&self) -> Result<(), VolumeError>;
}

/// Why a volume cannot be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The block size is outside what is supported.
    #[error("block size {got} is not supported; valid are 1 to {BLOCK_SIZE_MAX} bytes")]
    BlockSize {
        /// The block size asked for, in bytes.
        got: usize,
    },
    /// The number of blocks is outside what is supported.
    #[error("a volume of {got} blocks is not supported; valid are 1 to {BLOCKS_MAX} blocks")]
    Blocks {
        /// The number of blocks asked for.
        got: u32,
    },
    /// The file does not hold a whole number of blocks.
    #[error("{}: {got} bytes are not a whole number of {block_size}-byte blocks", path.display())]
    NotAligned {
        /// The volume's file.
        path: PathBuf,
        /// Its size in bytes.
        got: u64,
        /// The configured block size in bytes.
        block_size: usize,
    },
    /// The file holds a whole number of blocks, but not the configured one.
    #[error("{}: holds {got} bytes; {blocks} blocks of {block_size} bytes are {want} bytes", path.display())]
    WrongSize {
        /// The volume's file.
        path: PathBuf,
        /// Its size in bytes.
        got: u64,
        /// The size of the configured volume in bytes.
        want: u64,
        /// The configured number of blocks.
        blocks: u32,
        /// The configured block size in bytes.
        block_size: usize,
    },
    /// The volume has no such block.
    #[error("the volume has no block {}; valid are 0 to {}", block.0, blocks.saturating_sub(1))]
    NoSuchBlock {
        /// The block asked for.
        block: BlockIndex,
        /// How many blocks the volume has.
        blocks: u32,
    },
    /// The payload is not one block long.
    #[error("a payload of {got} bytes cannot fill block {}; blocks are {want} bytes", block.0)]
    WrongLength {
        /// The block to be written.
        block: BlockIndex,
        /// The payload's length in bytes.
        got: usize,
        /// The volume's block size in bytes.
        want: usize,
    },
    /// The file system or the medium failed.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or directory concerned.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// Turns an [`io::Error`] into one that names the file and what was attempted.
fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> VolumeError {
    let path = path.to_owned();
    move |source| VolumeError::Io { path, doing, source }
}

/// What every volume knows about its shape. Invariant: both within their limits, so the size in bytes fits a `u64`.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    block_size: usize,
    blocks: u32,
}

const _: () =
    assert!(BLOCK_SIZE_MAX as u64 * (BLOCKS_MAX as u64) < i64::MAX as u64, "offsets fit an off_t");

impl Geometry {
    fn new(block_size: usize, blocks: u32) -> Result<Self, VolumeError> {
        if block_size == 0 || block_size > BLOCK_SIZE_MAX as usize {
            return Err(VolumeError::BlockSize { got: block_size });
        }
        if blocks == 0 || blocks > BLOCKS_MAX {
            return Err(VolumeError::Blocks { got: blocks });
        }
        Ok(Self { block_size, blocks })
    }

    fn bytes(self) -> u64 {
        self.block_size as u64 * u64::from(self.blocks)
    }

    /// Where `block` begins, in bytes.
    fn offset(self, block: BlockIndex) -> Result<u64, VolumeError> {
        if block.0 >= self.blocks {
            return Err(VolumeError::NoSuchBlock { block, blocks: self.blocks });
        }
        Ok(self.block_size as u64 * u64::from(block.0))
    }

    fn require_block(self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        if payload.len() != self.block_size {
            return Err(VolumeError::WrongLength {
                block,
                got: payload.len(),
                want: self.block_size,
            });
        }
        Ok(())
    }
}

/// A volume in a file or on a block device.
#[derive(Debug)]
pub struct FileVolume {
    file: File,
    path: PathBuf,
    geometry: Geometry,
}

impl FileVolume {
    /// Makes a volume of zero bytes in a new file; the file and its name are durable when this returns.
    ///
    /// # Errors
    /// The block size or the number of blocks is not supported, the file exists, or the file system failed.
    pub fn create(
        path: impl AsRef<Path>,
        block_size: usize,
        blocks: u32,
    ) -> Result<Self, VolumeError> {
        let path = path.as_ref();
        let geometry = Geometry::new(block_size, blocks)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(path);
        let file = file.map_err(failed(path, "create the volume"))?;
        file.set_len(geometry.bytes()).map_err(failed(path, "set the volume's size"))?;
        file.sync_all().map_err(failed(path, "make the volume durable"))?;
        sync_directory(path)?;
        Ok(Self { file, path: path.to_owned(), geometry })
    }

    /// Opens a volume that was made before.
    ///
    /// # Errors
    /// The block size or the number of blocks is not supported, the file cannot be opened, or its size is not exactly
    /// that of the volume.
    pub fn open(
        path: impl AsRef<Path>,
        block_size: usize,
        blocks: u32,
    ) -> Result<Self, VolumeError> {
        let path = path.as_ref();
        let geometry = Geometry::new(block_size, blocks)?;
        let file = OpenOptions::new().read(true).write(true).open(path);
        let mut file = file.map_err(failed(path, "open the volume"))?;
        // A block device tells its size by its end only; its metadata says 0.
        let got = file.seek(SeekFrom::End(0)).map_err(failed(path, "find the volume's size"))?;
        let path = path.to_owned();
        if got % block_size as u64 != 0 {
            return Err(VolumeError::NotAligned { path, got, block_size });
        }
        let want = geometry.bytes();
        if got != want {
            return Err(VolumeError::WrongSize { path, got, want, blocks, block_size });
        }
        Ok(Self { file, path, geometry })
    }

    /// The file or device that holds the volume.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Volume for FileVolume {
    fn block_size(&self) -> usize {
        self.geometry.block_size
    }

    fn blocks(&self) -> u32 {
        self.geometry.blocks
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        let offset = self.geometry.offset(block)?;
        let mut bytes = vec![0; self.geometry.block_size];
        self.file.read_exact_at(&mut bytes, offset).map_err(failed(&self.path, "read a block"))?;
        Ok(Payload::from(bytes))
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        let offset = self.geometry.offset(block)?;
        self.geometry.require_block(block, payload)?;
        self.file.write_all_at(payload.bytes(), offset).map_err(failed(&self.path, "write a block"))
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.file.sync_data().map_err(failed(&self.path, "flush the volume"))
    }
}

/// A volume in memory, for scenarios. Its lock is the standard library's even under a model of threads: a block's
/// contents are not what a scenario interleaves.
#[derive(Debug)]
pub struct MemoryVolume {
    contents: Mutex<Vec<Payload>>,
    geometry: Geometry,
}

impl MemoryVolume {
    /// A volume of zero bytes.
    ///
    /// # Errors
    /// The block size or the number of blocks is not supported.
    pub fn new(block_size: usize, blocks: u32) -> Result<Self, VolumeError> {
        let geometry = Geometry::new(block_size, blocks)?;
        let contents = vec![Payload::zeroed(block_size); blocks as usize];
        Ok(Self { contents: Mutex::new(contents), geometry })
    }

    /// Every block, in order, as of one moment.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Payload> {
        self.lock().clone()
    }

    /// A thread that panicked held the lock for one slot's replacement at most, so the contents are whole.
    fn lock(&self) -> MutexGuard<'_, Vec<Payload>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Volume for MemoryVolume {
    fn block_size(&self) -> usize {
        self.geometry.block_size
    }

    fn blocks(&self) -> u32 {
        self.geometry.blocks
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        let missing = VolumeError::NoSuchBlock { block, blocks: self.geometry.blocks };
        self.lock().get(block.0 as usize).cloned().ok_or(missing)
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        self.geometry.offset(block)?;
        self.geometry.require_block(block, payload)?;
        if let Some(slot) = self.lock().get_mut(block.0 as usize) {
            *slot = payload.clone();
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        Ok(())
    }
}

/// Copies a volume's blocks to the file `to`, which then holds either its old contents or the whole image, even after
/// a crash. The caller lets nothing change `from` meanwhile: a split replica pair does (rule SPLIT-1).
///
/// # Errors
/// A block cannot be read, or the file system failed. `to` is then as it was, unless only its directory could not be
/// made durable.
pub fn copy_image(from: &dyn Volume, to: &Path) -> Result<(), VolumeError> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = write_image(from, &partial)
        .and_then(|()| fs::rename(&partial, to).map_err(failed(to, "put the image in place")));
    if copied.is_err() {
        // What is left of a failed copy is of no use to anyone; the copy's own error is the one to report.
        let _ = fs::remove_file(&partial);
        return copied;
    }
    sync_directory(to)
}

fn write_image(from: &dyn Volume, to: &Path) -> Result<(), VolumeError> {
    let mut file = File::create(to).map_err(failed(to, "create the image"))?;
    for block in 0..from.blocks() {
        let payload = from.read(BlockIndex(block))?;
        file.write_all(payload.bytes()).map_err(failed(to, "write the image"))?;
    }
    file.sync_all().map_err(failed(to, "make the image durable"))
}

/// Makes the name of a new file durable: a file that was synced may still lose its directory entry in a crash.
fn sync_directory(path: &Path) -> Result<(), VolumeError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(failed(directory, "make the directory durable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    type Outcome = Result<(), VolumeError>;

    fn scratch() -> Result<TempDir, VolumeError> {
        TempDir::new().map_err(failed(Path::new("scratch"), "create a directory"))
    }

    fn block(byte: u8) -> Payload {
        Payload::from(vec![byte; 16])
    }

    /// What both kinds of volume owe their callers.
    fn keeps_blocks_apart(volume: &dyn Volume) -> Outcome {
        assert_eq!((volume.block_size(), volume.blocks()), (16, 4));
        volume.write(BlockIndex(1), &block(1))?;
        volume.write(BlockIndex(3), &block(3))?;
        volume.flush()?;
        for (index, byte) in [(0, 0), (1, 1), (2, 0), (3, 3)] {
            assert_eq!(volume.read(BlockIndex(index))?, block(byte));
        }
        for payload in [Payload::zeroed(15), Payload::zeroed(17), Payload::zeroed(0)] {
            let refused = volume.write(BlockIndex(1), &payload);
            assert!(
                matches!(refused, Err(VolumeError::WrongLength { want: 16, .. })),
                "{refused:?}"
            );
        }
        let refused = volume.write(BlockIndex(4), &block(9));
        assert!(matches!(refused, Err(VolumeError::NoSuchBlock { blocks: 4, .. })), "{refused:?}");
        assert!(matches!(
            volume.read(BlockIndex(4)),
            Err(VolumeError::NoSuchBlock { blocks: 4, .. })
        ));
        assert_eq!(volume.read(BlockIndex(1))?, block(1));
        assert_eq!(volume.read(BlockIndex(3))?, block(3));
        Ok(())
    }

    #[test]
    fn memory_volume_keeps_blocks_apart() -> Outcome {
        keeps_blocks_apart(&MemoryVolume::new(16, 4)?)
    }

    #[test]
    fn file_volume_keeps_blocks_apart_and_over_a_reopen() -> Outcome {
        let scratch = scratch()?;
        let path = scratch.path().join("pvol");
        keeps_blocks_apart(&FileVolume::create(&path, 16, 4)?)?;
        let volume = FileVolume::open(&path, 16, 4)?;
        assert_eq!(volume.read(BlockIndex(3))?, block(3));
        Ok(())
    }

    #[test]
    fn create_never_overwrites() -> Outcome {
        let scratch = scratch()?;
        let path = scratch.path().join("pvol");
        FileVolume::create(&path, 16, 4)?.write(BlockIndex(0), &block(7))?;
        let refused =
            FileVolume::create(&path, 16, 4).map(|_| ()).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|text| text.contains("pvol: cannot create the volume")));
        assert_eq!(FileVolume::open(&path, 16, 4)?.read(BlockIndex(0))?, block(7));
        Ok(())
    }

    #[test]
    fn open_refuses_a_file_of_another_shape() -> Outcome {
        let scratch = scratch()?;
        let path = scratch.path().join("spvol");
        drop(FileVolume::create(&path, 16, 4)?);
        let says = |block_size, blocks| match FileVolume::open(&path, block_size, blocks) {
            Ok(_) => String::from("opened"),
            Err(error) => error.to_string().replace(&path.display().to_string(), "spvol"),
        };
        assert_eq!(says(16, 4), "opened");
        assert_eq!(says(16, 5), "spvol: holds 64 bytes; 5 blocks of 16 bytes are 80 bytes");
        assert_eq!(says(16, 3), "spvol: holds 64 bytes; 3 blocks of 16 bytes are 48 bytes");
        assert_eq!(says(24, 3), "spvol: 64 bytes are not a whole number of 24-byte blocks");
        assert_eq!(says(0, 4), "block size 0 is not supported; valid are 1 to 16777216 bytes");
        assert_eq!(
            says(16, 0),
            "a volume of 0 blocks is not supported; valid are 1 to 134217728 blocks"
        );
        Ok(())
    }

    #[test]
    fn a_file_that_shrank_is_an_error_and_no_zeros() -> Outcome {
        let scratch = scratch()?;
        let path = scratch.path().join("spvol");
        let volume = FileVolume::create(&path, 16, 4)?;
        volume.file.set_len(56).map_err(failed(&path, "shrink the test's file"))?;
        assert!(matches!(
            volume.read(BlockIndex(3)),
            Err(VolumeError::Io { doing: "read a block", .. })
        ));
        Ok(())
    }

    #[test]
    fn image_is_the_volume_and_replaces_an_older_one_whole() -> Outcome {
        let scratch = scratch()?;
        let volume = MemoryVolume::new(16, 4)?;
        let image = scratch.path().join("image");
        for byte in [5, 6] {
            volume.write(BlockIndex(2), &block(byte))?;
            copy_image(&volume, &image)?;
            let copy = FileVolume::open(&image, 16, 4)?;
            for index in 0..4 {
                assert_eq!(copy.read(BlockIndex(index))?, volume.read(BlockIndex(index))?);
            }
        }
        assert!(!scratch.path().join("image.partial").exists());
        Ok(())
    }

    #[test]
    fn a_failed_copy_leaves_the_older_image() -> Outcome {
        let scratch = scratch()?;
        let image = scratch.path().join("image");
        copy_image(&MemoryVolume::new(16, 4)?, &image)?;
        let broken = FileVolume::create(scratch.path().join("svol"), 16, 8)?;
        broken.file.set_len(16).map_err(failed(&image, "shrink the test's file"))?;
        assert!(copy_image(&broken, &image).is_err());
        assert!(!scratch.path().join("image.partial").exists());
        FileVolume::open(&image, 16, 4).map(|_| ())
    }
}
