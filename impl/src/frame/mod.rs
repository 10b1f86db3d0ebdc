//! The format of what travels on a link. How bytes are sent and what a message does never live here.
//!
//! A frame is a header of 40 bytes and a body; numbers are little-endian.
//!
//! ```text
//! offset  bytes  field        says
//!      0      4  magic        "SSP1"
//!      4      2  version      of this table; 3
//!      6      2  kind         which message, below
//!      8      4  incarnation  the pairing the message belongs to
//!     12      4  reserved     0
//!     16      8  seq          the entry's number, or how far the secondary has written
//!     24      8  address      block number, or backup id
//!     32      4  length       bytes of the body
//!     36      4  crc          CRC-32C over the header with this field 0, then the body
//!     40         body
//! ```
//!
//! ```text
//! kind    message        uses                       body
//! 0x0001  hello                                     role u32, block size u32, blocks u32, silence u32 in milliseconds,
//!                                                   group name in UTF-8
//! 0x0002  pulse
//! 0x0101  write          incarnation, seq, address  the block's new contents
//! 0x0102  copy           incarnation, seq, address  the block's contents
//! 0x0103  pair mark      incarnation, seq
//! 0x0104  resync         incarnation
//! 0x0105  suspend        incarnation
//! 0x0106  delete         incarnation
//! 0x0201  ack            incarnation, seq
//! 0x0202  ready          incarnation, seq           blocks u32, dirty map: bit b % 8 of byte b / 8 is block b's
//! 0x0203  suspended      incarnation
//! 0x0301  request        address
//! 0x0302  split          address
//! 0x0303  split done     address
//! 0x0304  split failed   address
//! 0x0305  permit         address
//! 0x0306  reject         address
//! ```
//!
//! A field that a kind does not use is 0. The length of a body follows from its kind and the group's geometry alone
//! (hello: up to a limit), so a damaged length is found before the body is waited for. Each message has one encoding.
//! An unsequenced copy has none: it exists only while rule RESYNC-2 is left out.

mod codec;
mod message;

use std::io;
use std::ops::RangeInclusive;

pub use codec::{encode, read_message};
pub use message::{Hello, HelloMismatch, Kind, Message, Role};

use crate::containers::{BitMap, BitMapError};
use crate::volume::{BLOCK_SIZE_MAX, BLOCKS_MAX};

/// The first bytes of every frame.
pub const MAGIC: [u8; 4] = *b"SSP1";

/// The version of the format that this side speaks. There is no negotiation: both sides speak the same.
pub const VERSION: u16 = 3;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 40;

/// Bytes of the longest body, whatever the group's geometry.
pub const BODY_MAX: usize = READY_FIXED_BYTES + BLOCK_SIZE_MAX as usize;

/// Bytes of the longest group name.
pub const GROUP_NAME_MAX: usize = 64;

/// How long a side may bear silence, in milliseconds.
pub const SILENCE_MS: RangeInclusive<u32> = 100..=3_600_000;

/// Bytes of a hello's body before the group name.
const HELLO_FIXED_BYTES: usize = 16;

/// Bytes of a ready's body before the dirty map.
const READY_FIXED_BYTES: usize = 4;

const _: () =
    assert!(4 + 2 + 2 + 4 + 4 + 8 + 8 + 4 + 4 == HEADER_BYTES, "the fields fill the header");
const _: () = assert!(
    READY_FIXED_BYTES + BitMap::byte_len(BLOCKS_MAX) <= BODY_MAX,
    "any dirty map fits a body"
);
const _: () = assert!(HELLO_FIXED_BYTES + GROUP_NAME_MAX <= BODY_MAX, "any hello fits a body");
const _: () = assert!(HEADER_BYTES + BODY_MAX <= u32::MAX as usize, "any length fits its field");

/// The group's geometry, from which follows how long a frame's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in a block.
    pub block_size: u32,
    /// Blocks in each of the group's volumes.
    pub blocks: u32,
}

impl Limits {
    /// Before the peer's hello nothing is known of it, so no frame that holds a block or a map is let in.
    pub const BEFORE_HELLO: Self = Self { block_size: 0, blocks: 0 };
}

/// Why bytes are no frame, or a message has none. What a frame says is not acted on before all of it was checked.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The bytes end where a frame does: the peer closed the link between two frames.
    #[error("the peer closed the link")]
    Closed,
    /// The bytes end inside a frame.
    #[error("the frame ends after {got} of {want} bytes")]
    Truncated {
        /// How many of the frame's bytes there were.
        got: usize,
        /// How many there should be, as far as known: a header's, or the whole frame's.
        want: usize,
    },
    /// The bytes are not this protocol's.
    #[error("the frame begins with {got:02x?}; frames begin with {MAGIC:02x?}")]
    WrongMagic {
        /// The first bytes.
        got: [u8; 4],
    },
    /// The peer speaks another version.
    #[error("the peer speaks version {got}; this side speaks version {want}")]
    WrongVersion {
        /// The frame's version.
        got: u16,
        /// This side's version.
        want: u16,
    },
    /// The version knows no such message.
    #[error("kind {got:#06x} is no message of version {VERSION}")]
    UnknownKind {
        /// The frame's kind.
        got: u16,
    },
    /// A field that has no meaning here holds something.
    #[error("field {field} is {got:#x}; it has to be 0 here")]
    NonZeroReserved {
        /// The field's name in the table of the header.
        field: &'static str,
        /// What it holds.
        got: u64,
    },
    /// The body is longer than its kind allows in this group.
    #[error("the body of a {kind} frame has {length} bytes; at most {max} are valid")]
    TooLong {
        /// The frame's kind.
        kind: Kind,
        /// The body's length in bytes.
        length: u64,
        /// The longest valid body in bytes.
        max: usize,
    },
    /// The checksum does not fit the bytes: they were damaged on the way.
    #[error("the frame's checksum is {got:08x}, its bytes give {want:08x}")]
    WrongCrc {
        /// The checksum in the header.
        got: u32,
        /// The checksum of what arrived.
        want: u32,
    },
    /// The address is outside what its kind can name.
    #[error("the address of a {kind} frame is {got}; at most {} is valid", u32::MAX)]
    WrongAddress {
        /// The frame's kind.
        kind: Kind,
        /// The address.
        got: u64,
    },
    /// The body does not say what its kind has to say.
    #[error("the body of a {kind} frame: {problem}")]
    BadBody {
        /// The frame's kind.
        kind: Kind,
        /// The text is malformed.
        problem: BodyProblem,
    },
    /// The message has no place in the format (rule RESYNC-2).
    #[error("the message `{name}` never travels outside a model")]
    NotOnTheWire {
        /// What the message is.
        name: &'static str,
    },
    /// The frame is sound, but this end of this link does not take its kind.
    #[error("this end of the link takes no {name} frame")]
    UnexpectedKind {
        /// What the message is.
        name: &'static str,
    },
    /// The bytes could not be read.
    #[error("cannot read a frame: {0}")]
    Io(#[source] io::Error),
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyProblem {
    /// It ends too early.
    #[error("{got} bytes; at least {min} are valid")]
    TooShort {
        /// The body's length in bytes.
        got: usize,
        /// The shortest valid body in bytes.
        min: usize,
    },
    /// The dirty map covers another number of blocks than the group's volumes.
    #[error("the dirty map covers {got} blocks; the group's volumes have {want}")]
    WrongBlocks {
        /// Blocks the map covers.
        got: u32,
        /// Blocks of the group's volumes.
        want: u32,
    },
    /// The bytes are no dirty map.
    #[error("{0}")]
    DirtyMap(BitMapError),
    /// The hello names no role.
    #[error("{got} is no role; valid are 1 to 4")]
    WrongRole {
        /// The role's number.
        got: u32,
    },
    /// The hello's silence is too short to be told from a quiet moment, or too long to be noticed.
    #[error("a silence is {min} to {max} ms; this one is {got} ms", min = SILENCE_MS.start(), max = SILENCE_MS.end())]
    Silence {
        /// The silence in milliseconds.
        got: u32,
    },
    /// The hello's group name is none.
    #[error("a group name is 1 to {GROUP_NAME_MAX} bytes of UTF-8 without control characters")]
    GroupName,
}
