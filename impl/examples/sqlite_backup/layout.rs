//! The on-volume file table: two files of fixed maximum size in one volume of equal blocks.
//! No SQLite in here, no locks between connections, no knowledge of replication.
//!
//! ```text
//! block 0        superblock: magic, version, geometry, crc32c; never changes after `format`
//! block 1        header of the main file: does it exist, how long is it, crc32c
//! block 2        header of the rollback journal
//! block 3 ..     region of the main file, then region of the journal
//! ```
//!
//! The volume keeps block writes in order, and one block write is atomic. Everything here rests on
//! those two facts: contents are written first, and the one header block that makes them count is
//! written last. The image after any prefix of the block writes is therefore a pair of files that
//! an ordered file system could have been left with, and SQLite's own recovery does the rest.

use std::sync::{Arc, Mutex, MutexGuard};

use syncsplit_impl::volume::Volume;

use crate::blocks::{FileId, LayoutError, Result, read_block, write_block};
use crate::headers::{Geometry, Header, Region, SUPERBLOCK, header_block};
use crate::lock;

/// Writes an empty file table; whatever the volume held is gone.
///
/// Story: the old superblock stands, the header of the main file is cleared, the link fails. The
/// remote image would then be a valid volume whose database has vanished. So the superblock goes
/// first and comes back last, and the image in between says that it is not formatted.
pub(crate) fn format(dev: &dyn Volume) -> Result<()> {
    let geometry = Geometry::for_device(dev)?;
    write_block(dev, SUPERBLOCK, &vec![0; dev.block_size()])?;
    for file in FILES {
        write_block(dev, header_block(file), &Header::ABSENT.encode(file, dev.block_size()))?;
    }
    write_block(dev, SUPERBLOCK, &geometry.encode(dev.block_size()))?;
    Ok(dev.flush()?)
}

/// Opens a formatted volume. Only one `Layout` may write a volume at a time: it caches the sizes.
pub(crate) fn open(dev: Arc<dyn Volume>) -> Result<Layout> {
    let geometry = Geometry::read(dev.as_ref())?;
    let headers = Headers {
        main: Header::read(dev.as_ref(), &geometry, FileId::Main)?,
        journal: Header::read(dev.as_ref(), &geometry, FileId::Journal)?,
    };
    Ok(Layout { dev, geometry, headers: Mutex::new(headers) })
}

/// The two files of an open volume.
pub(crate) struct Layout {
    dev: Arc<dyn Volume>,
    geometry: Geometry,
    /// Invariant: equals the header blocks on the volume whenever the lock is free. The lock also
    /// covers read-modify-write, so that two writes to halves of one block cannot lose one half.
    headers: Mutex<Headers>,
}

impl Layout {
    /// Bytes in a block of the volume.
    pub(crate) fn block_size(&self) -> usize {
        self.dev.block_size()
    }

    /// The most bytes the file can hold.
    pub(crate) fn capacity(&self, file: FileId) -> u64 {
        u64::from(self.geometry.region(file).blocks) * self.block_size() as u64
    }

    /// The file's size, or none if it does not exist.
    pub(crate) fn size(&self, file: FileId) -> Option<u64> {
        self.headers().of(file).size
    }

    /// Makes the file exist, empty; a file that exists is left as it is.
    pub(crate) fn create(&self, file: FileId) -> Result<()> {
        let mut headers = self.headers();
        match headers.of(file).size {
            Some(_) => Ok(()),
            None => self.publish(&mut headers, file, Some(0)),
        }
    }

    /// Makes the file not exist, by one block write. For the journal this is SQLite's commit point.
    pub(crate) fn remove(&self, file: FileId) -> Result<()> {
        let mut headers = self.headers();
        headers.existing(file)?;
        self.publish(&mut headers, file, None)
    }

    /// Sets the size; bytes that a growing file gains read as zero.
    pub(crate) fn resize(&self, file: FileId, size: u64) -> Result<()> {
        let mut headers = self.headers();
        let old = headers.existing(file)?;
        self.fits(file, size)?;
        self.zero(file, old, size)?;
        if size == old { Ok(()) } else { self.publish(&mut headers, file, Some(size)) }
    }

    /// Writes `data` at `offset` and extends the file as needed.
    ///
    /// Story: the size is published, then the link fails before the contents are written. The
    /// journal then begins with the header of an older transaction, whose page count is valid:
    /// recovery truncates the database to it. So contents come first, and the size after them.
    pub(crate) fn write(&self, file: FileId, offset: u64, data: &[u8]) -> Result<()> {
        let mut headers = self.headers();
        let size = headers.existing(file)?;
        let end = offset.saturating_add(data.len() as u64);
        self.fits(file, end)?;
        self.zero(file, size, offset)?;
        self.put(file, offset, data)?;
        if end > size { self.publish(&mut headers, file, Some(end)) } else { Ok(()) }
    }

    /// Reads up to the end of the file; the answer is the number of bytes read.
    pub(crate) fn read(&self, file: FileId, offset: u64, into: &mut [u8]) -> Result<usize> {
        let size = self.headers().existing(file)?;
        read_region(self.dev.as_ref(), self.geometry.region(file), size, offset, into)
    }

    /// Makes every answered write survive a local power loss.
    pub(crate) fn flush(&self) -> Result<()> {
        Ok(self.dev.flush()?)
    }

    fn headers(&self) -> MutexGuard<'_, Headers> {
        lock(&self.headers)
    }

    fn fits(&self, file: FileId, wanted: u64) -> Result<()> {
        let limit = self.capacity(file);
        if wanted > limit { Err(LayoutError::Full { file, wanted, limit }) } else { Ok(()) }
    }

    /// The volume first and the cache second: a failed write leaves the cache as it was.
    fn publish(&self, headers: &mut Headers, file: FileId, size: Option<u64>) -> Result<()> {
        let header = Header { size };
        let block = header.encode(file, self.block_size());
        write_block(self.dev.as_ref(), header_block(file), &block)?;
        *headers.of_mut(file) = header;
        Ok(())
    }

    /// A region keeps the bytes of earlier, longer contents; a gap must not bring them back.
    fn zero(&self, file: FileId, from: u64, to: u64) -> Result<()> {
        let zeros = vec![0; self.block_size()];
        let mut at = from;
        while at < to {
            let room = zeros.len() - (at % zeros.len() as u64) as usize;
            let len = room.min(usize::try_from(to - at).unwrap_or(room));
            self.put(file, at, &zeros[..len])?;
            at += len as u64;
        }
        Ok(())
    }

    /// Writes inside the region, block by block in rising order. The caller holds the lock.
    fn put(&self, file: FileId, offset: u64, data: &[u8]) -> Result<()> {
        let region = self.geometry.region(file);
        let mut block = vec![0; self.block_size()];
        for span in spans(offset, data.len(), block.len()) {
            let at = region.first + span.block;
            let part = &data[span.done..span.done + span.len];
            if part.len() == block.len() {
                write_block(self.dev.as_ref(), at, part)?;
            } else {
                read_block(self.dev.as_ref(), at, &mut block)?;
                block[span.within..span.within + span.len].copy_from_slice(part);
                write_block(self.dev.as_ref(), at, &block)?;
            }
        }
        Ok(())
    }
}

/// Reads a whole file of an image that nobody writes; none if the file does not exist.
pub(crate) fn read_file(dev: &dyn Volume, file: FileId) -> Result<Option<Vec<u8>>> {
    let geometry = Geometry::read(dev)?;
    let Some(size) = Header::read(dev, &geometry, file)?.size else {
        return Ok(None);
    };
    // The header's check bounds the size by the region, so that a bad value allocates nothing.
    let mut contents = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    read_region(dev, geometry.region(file), size, 0, &mut contents)?;
    Ok(Some(contents))
}

fn read_region(
    dev: &dyn Volume,
    region: Region,
    size: u64,
    offset: u64,
    into: &mut [u8],
) -> Result<usize> {
    let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
    let wanted = into.len().min(left);
    let mut block = vec![0; dev.block_size()];
    for span in spans(offset, wanted, block.len()) {
        read_block(dev, region.first + span.block, &mut block)?;
        let part = &block[span.within..span.within + span.len];
        into[span.done..span.done + span.len].copy_from_slice(part);
    }
    Ok(wanted)
}

/// The part of a byte range that falls into one block.
struct Span {
    block: u32,
    within: usize,
    len: usize,
    done: usize,
}

/// Cuts a byte range that lies inside a region; a region's block numbers fit `u32`.
fn spans(offset: u64, len: usize, block_size: usize) -> impl Iterator<Item = Span> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % block_size as u64) as usize;
        let part = (block_size - within).min(len - done);
        let span = Span { block: (at / block_size as u64) as u32, within, len: part, done };
        done += part;
        Some(span)
    })
}

struct Headers {
    main: Header,
    journal: Header,
}

impl Headers {
    fn of(&self, file: FileId) -> &Header {
        match file {
            FileId::Main => &self.main,
            FileId::Journal => &self.journal,
        }
    }

    fn of_mut(&mut self, file: FileId) -> &mut Header {
        match file {
            FileId::Main => &mut self.main,
            FileId::Journal => &mut self.journal,
        }
    }

    fn existing(&self, file: FileId) -> Result<u64> {
        self.of(file).size.ok_or(LayoutError::Missing(file))
    }
}

const FILES: [FileId; 2] = [FileId::Main, FileId::Journal];
