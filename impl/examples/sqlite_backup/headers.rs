//! The superblock, the header of a file: their bytes, their checks.
//! What is written when is `layout`'s business.

use syncsplit_impl::volume::Volume;

use crate::blocks::{FileId, LayoutError, Result, read_block};

/// A run of blocks that belongs to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// The first block.
    pub(crate) first: u32,
    /// How many there are.
    pub(crate) blocks: u32,
}

/// Where the regions lie: computed from the device, and stored so that a mismatch is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    block_size: u32,
    block_count: u32,
    main: Region,
    journal: Region,
}

impl Geometry {
    /// Lays out an empty volume.
    ///
    /// A journal may hold every page of the database, eight bytes longer each, plus a header per
    /// spill of the page cache. So it gets 17 parts where the main file gets 15.
    pub(crate) fn for_device(dev: &dyn Volume) -> Result<Geometry> {
        let (block_size, block_count) = (dev.block_size(), dev.blocks());
        if !block_size.is_power_of_two() || !(512..=65_536).contains(&block_size) {
            let what = format!("its block size is {block_size}, not a power of two in 512..=65536");
            return Err(LayoutError::Geometry(what));
        }
        if block_count < BLOCKS_MIN {
            let what = format!("it has {block_count} blocks, fewer than {BLOCKS_MIN}");
            return Err(LayoutError::Geometry(what));
        }
        let usable = block_count - FIRST_REGION_BLOCK;
        let main = Region { first: FIRST_REGION_BLOCK, blocks: usable / 32 * 15 };
        let journal = Region { first: main.first + main.blocks, blocks: usable - main.blocks };
        Ok(Geometry { block_size: block_size as u32, block_count, main, journal })
    }

    /// Reads the superblock and checks it against the device.
    pub(crate) fn read(dev: &dyn Volume) -> Result<Geometry> {
        let expected = Geometry::for_device(dev)?;
        let mut block = vec![0; dev.block_size()];
        read_block(dev, SUPERBLOCK, &mut block)?;
        let corrupt = |found| LayoutError::Corrupt { block: SUPERBLOCK, found };
        if block[..8] != SUPER_MAGIC {
            let found = format!("no superblock, it begins {:02x?}; was it formatted?", &block[..8]);
            return Err(corrupt(found));
        }
        if !sealed(&block, SUPER_LEN) {
            return Err(corrupt("the superblock's crc32c does not match".to_string()));
        }
        let version = u32_at(&block, 8);
        if version != VERSION {
            return Err(corrupt(format!("version {version}, this program reads {VERSION}")));
        }
        if block[..SUPER_LEN + 4] != expected.encode(dev.block_size())[..SUPER_LEN + 4] {
            let (size, count) = (u32_at(&block, 12), u32_at(&block, 16));
            return Err(corrupt(format!(
                "formatted as {count} blocks of {size} bytes, the volume has {} of {}",
                expected.block_count, expected.block_size
            )));
        }
        Ok(expected)
    }

    /// The superblock.
    pub(crate) fn encode(&self, block_size: usize) -> Vec<u8> {
        let mut block = vec![0; block_size];
        block[..8].copy_from_slice(&SUPER_MAGIC);
        let (main, journal) = (self.main, self.journal);
        let fields = [VERSION, self.block_size, self.block_count, main.first, main.blocks];
        for (i, field) in fields.into_iter().chain([journal.first, journal.blocks]).enumerate() {
            block[8 + 4 * i..12 + 4 * i].copy_from_slice(&field.to_le_bytes());
        }
        seal(&mut block, SUPER_LEN);
        block
    }

    /// The region of a file.
    pub(crate) fn region(&self, file: FileId) -> Region {
        match file {
            FileId::Main => self.main,
            FileId::Journal => self.journal,
        }
    }
}

/// What a file's header block says.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    /// The size in bytes, or none if the file does not exist.
    pub(crate) size: Option<u64>,
}

impl Header {
    /// The header of a file that does not exist.
    pub(crate) const ABSENT: Header = Header { size: None };

    /// Reads a file's header and checks it against the region.
    pub(crate) fn read(dev: &dyn Volume, geometry: &Geometry, file: FileId) -> Result<Header> {
        let mut block = vec![0; dev.block_size()];
        read_block(dev, header_block(file), &mut block)?;
        let corrupt = |found| LayoutError::Corrupt { block: header_block(file), found };
        if block[..8] != HEADER_MAGIC || !sealed(&block, HEADER_LEN) {
            return Err(corrupt(format!("no valid header of the {file}")));
        }
        if u32_at(&block, 8) != file_tag(file) {
            return Err(corrupt(format!("the header of another file than the {file}")));
        }
        if u32_at(&block, 12) == 0 {
            return Ok(Header::ABSENT);
        }
        let size = u64::from(u32_at(&block, 16)) | u64::from(u32_at(&block, 20)) << 32;
        let limit = u64::from(geometry.region(file).blocks) * dev.block_size() as u64;
        if size > limit {
            return Err(corrupt(format!(
                "size {size} of the {file} exceeds its region of {limit}"
            )));
        }
        Ok(Header { size: Some(size) })
    }

    /// The header block.
    pub(crate) fn encode(&self, file: FileId, block_size: usize) -> Vec<u8> {
        let mut block = vec![0; block_size];
        block[..8].copy_from_slice(&HEADER_MAGIC);
        block[8..12].copy_from_slice(&file_tag(file).to_le_bytes());
        block[12..16].copy_from_slice(&u32::from(self.size.is_some()).to_le_bytes());
        block[16..24].copy_from_slice(&self.size.unwrap_or(0).to_le_bytes());
        seal(&mut block, HEADER_LEN);
        block
    }
}

/// The block that holds the file's header.
pub(crate) fn header_block(file: FileId) -> u32 {
    SUPERBLOCK + file_tag(file)
}

fn file_tag(file: FileId) -> u32 {
    match file {
        FileId::Main => 1,
        FileId::Journal => 2,
    }
}

fn u32_at(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

fn seal(block: &mut [u8], len: usize) {
    let crc = crc32c::crc32c(&block[..len]);
    block[len..len + 4].copy_from_slice(&crc.to_le_bytes());
}

fn sealed(block: &[u8], len: usize) -> bool {
    u32_at(block, len) == crc32c::crc32c(&block[..len])
}

/// The block of the superblock.
pub(crate) const SUPERBLOCK: u32 = 0;
const FIRST_REGION_BLOCK: u32 = 3;
const BLOCKS_MIN: u32 = 64;
const VERSION: u32 = 1;
const SUPER_MAGIC: [u8; 8] = *b"SYNCSQLV";
const HEADER_MAGIC: [u8; 8] = *b"SYNCSQLF";
/// The bytes that a crc32c covers; the crc itself follows them.
const SUPER_LEN: usize = 36;
const HEADER_LEN: usize = 24;
