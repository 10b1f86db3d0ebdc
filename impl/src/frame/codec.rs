//! Messages to bytes and back. Sockets and what a message does never live here.
//!
//! Reading trusts nothing: the header is held to the table before its body is waited for, the checksum before any of
//! it is believed, and only then a message is made. Story of why a damaged frame ends the connection:
//! 1. The frame of seq 7 arrives with a bit flipped; which bit is unknown, perhaps one of the length.
//! 2. Skipping to the next frame would trust that length; a wrong one takes bytes of a payload for a header.
//! 3. So the connection is dropped; the journal still holds entry 7 (rule XFER-2), and it is sent again on the next
//!    connection (rule XFER-1).

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::RangeInclusive;

use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, HostMessage, Incarnation, Item, Seq,
    ToPrimary, ToSecondary,
};

use crate::containers::BitMap;
use crate::payload::Payload;
use crate::volume::{BLOCK_SIZE_MAX, BLOCKS_MAX};

use super::{
    BodyProblem, FrameError, GROUP_NAME_MAX, HEADER_BYTES, HELLO_FIXED_BYTES, Hello, Kind, Limits,
    MAGIC, Message, READY_FIXED_BYTES, Role, SILENCE_MS, VERSION,
};

/// Where the checksum begins in the header; it is the last field.
const CRC_AT: usize = HEADER_BYTES - 4;

/// The longest bodies of the format itself.
const FORMAT_LIMITS: Limits = Limits { block_size: BLOCK_SIZE_MAX, blocks: BLOCKS_MAX };

/// Appends the frame of `message` to `out`.
///
/// # Errors
/// The message never travels ([`FrameError::NotOnTheWire`]), its body would be too long, or a hello names no valid
/// group; `out` is then as it was.
pub fn encode(message: &Message, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let kind = message.kind().ok_or(FrameError::NotOnTheWire { name: message.name() })?;
    let (fields, body) = fields_of(message)?;
    let max = *body_bytes(kind, FORMAT_LIMITS).end();
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= max);
    let length = length.ok_or(FrameError::TooLong { kind, length: body.len() as u64, max })?;
    let header = header_bytes(kind, fields, length);
    out.extend_from_slice(&header);
    out.extend_from_slice(&checksum(&header, &body).to_le_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

/// Reads one frame and makes its message, waiting as long as `reader` does.
///
/// # Errors
/// [`FrameError::Closed`] at an end between two frames, [`FrameError::Truncated`] at an end inside one; any other
/// error leaves `reader` somewhere inside the bad frame, so nothing after it can be read.
pub fn read_message(reader: &mut impl Read, limits: Limits) -> Result<Message, FrameError> {
    let mut header = [0; HEADER_BYTES];
    match read_full(reader, &mut header)? {
        HEADER_BYTES => {}
        0 => return Err(FrameError::Closed),
        got => return Err(FrameError::Truncated { got, want: HEADER_BYTES }),
    }
    let (kind, fields, length) = check_header(&header, limits)?;
    // The length is within the group's limits here, so a stranger cannot make this side set more aside than that.
    let mut body = vec![0; length];
    let got = read_full(reader, &mut body)?;
    if got < length {
        return Err(FrameError::Truncated { got: HEADER_BYTES + got, want: HEADER_BYTES + length });
    }
    let got = u32::from_le_bytes(array_at(&header, CRC_AT));
    let want = checksum(&header[..CRC_AT], &body);
    if got != want {
        return Err(FrameError::WrongCrc { got, want });
    }
    message_of(kind, fields, body, limits)
}

/// The header's numbers that mean something to some kinds.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    incarnation: u32,
    seq: u64,
    address: u64,
}

/// How many bytes a body of `kind` has in a group of this geometry.
fn body_bytes(kind: Kind, limits: Limits) -> RangeInclusive<usize> {
    let exactly = |bytes| bytes..=bytes;
    match kind {
        Kind::Hello => HELLO_FIXED_BYTES + 1..=HELLO_FIXED_BYTES + GROUP_NAME_MAX,
        Kind::Write | Kind::Copy => exactly(limits.block_size as usize),
        Kind::Ready => exactly(READY_FIXED_BYTES + BitMap::byte_len(limits.blocks)),
        Kind::PairMark
        | Kind::Resync
        | Kind::Suspend
        | Kind::Delete
        | Kind::Ack
        | Kind::Suspended
        | Kind::Request
        | Kind::Split
        | Kind::SplitDone
        | Kind::SplitFailed
        | Kind::Permit
        | Kind::Reject
        | Kind::Pulse => exactly(0),
    }
}

/// What a message puts into its header and its body.
fn fields_of(message: &Message) -> Result<(Fields, Cow<'_, [u8]>), FrameError> {
    let none = Cow::Borrowed(&[][..]);
    Ok(match message {
        Message::Hello(hello) => (Fields::default(), Cow::Owned(hello_body(hello)?)),
        Message::Pulse => (Fields::default(), none),
        Message::ToSecondary(ToSecondary::Frame(frame)) => {
            let seq = frame.entry.seq.0;
            let address = frame.entry.item.block().map_or(0, |block| u64::from(block.0));
            let body = match &frame.entry.item {
                Item::Write { payload, .. } | Item::Copy { payload, .. } => {
                    Cow::Borrowed(payload.bytes())
                }
                Item::PairMark => none,
            };
            (Fields { incarnation: frame.incarnation.0, seq, address }, body)
        }
        Message::ToSecondary(
            ToSecondary::Resync { incarnation }
            | ToSecondary::Suspend { incarnation }
            | ToSecondary::Delete { incarnation }
            | ToSecondary::Unsequenced { incarnation, .. },
        )
        | Message::ToPrimary(ToPrimary::Suspended { incarnation }) => {
            (Fields { incarnation: incarnation.0, ..Fields::default() }, none)
        }
        Message::ToPrimary(ToPrimary::Ack(ack)) => {
            (Fields { incarnation: ack.incarnation.0, seq: ack.written.0, address: 0 }, none)
        }
        Message::ToPrimary(ToPrimary::Ready { incarnation, written, dirty }) => {
            let mut body = dirty.blocks().to_le_bytes().to_vec();
            body.extend(dirty.to_bytes());
            (Fields { incarnation: incarnation.0, seq: written.0, address: 0 }, Cow::Owned(body))
        }
        Message::Host(message) => {
            (Fields { address: u64::from(message.id().0), ..Fields::default() }, none)
        }
    })
}

fn hello_body(hello: &Hello) -> Result<Vec<u8>, FrameError> {
    if !Hello::is_group_name(&hello.group) {
        return Err(FrameError::BadBody { kind: Kind::Hello, problem: BodyProblem::GroupName });
    }
    check_silence(hello.silence_ms)
        .map_err(|problem| FrameError::BadBody { kind: Kind::Hello, problem })?;
    let mut body = Vec::with_capacity(HELLO_FIXED_BYTES + hello.group.len());
    for number in [hello.role as u32, hello.block_size, hello.blocks, hello.silence_ms] {
        body.extend(number.to_le_bytes());
    }
    body.extend(hello.group.as_bytes());
    Ok(body)
}

/// The header up to its checksum, in the order of the table.
fn header_bytes(kind: Kind, fields: Fields, length: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(CRC_AT);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend((kind as u16).to_le_bytes());
    header.extend(fields.incarnation.to_le_bytes());
    header.extend(0_u32.to_le_bytes());
    header.extend(fields.seq.to_le_bytes());
    header.extend(fields.address.to_le_bytes());
    header.extend(length.to_le_bytes());
    debug_assert_eq!(header.len(), CRC_AT, "the table and its encoding agree");
    header
}

/// CRC-32C of a frame: of its header with a checksum of 0, then of its body.
fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let crc = crc32c::crc32c(header);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &[0; 4]), body)
}

/// Holds a header to the table; what it says is believed only as far as the body's length.
fn check_header(
    header: &[u8; HEADER_BYTES],
    limits: Limits,
) -> Result<(Kind, Fields, usize), FrameError> {
    let magic = array_at(header, 0);
    if magic != MAGIC {
        return Err(FrameError::WrongMagic { got: magic });
    }
    let version = u16::from_le_bytes(array_at(header, 4));
    if version != VERSION {
        return Err(FrameError::WrongVersion { got: version, want: VERSION });
    }
    let code = u16::from_le_bytes(array_at(header, 6));
    let kind = Kind::from_repr(code).ok_or(FrameError::UnknownKind { got: code })?;
    let reserved = u32::from_le_bytes(array_at(header, 12));
    require_zero("reserved", u64::from(reserved))?;
    let length = u32::from_le_bytes(array_at(header, 32));
    let valid = body_bytes(kind, limits);
    let bytes = usize::try_from(length).ok().filter(|bytes| bytes <= valid.end());
    let bytes =
        bytes.ok_or(FrameError::TooLong { kind, length: u64::from(length), max: *valid.end() })?;
    if bytes < *valid.start() {
        let problem = BodyProblem::TooShort { got: bytes, min: *valid.start() };
        return Err(FrameError::BadBody { kind, problem });
    }
    let fields = Fields {
        incarnation: u32::from_le_bytes(array_at(header, 8)),
        seq: u64::from_le_bytes(array_at(header, 16)),
        address: u64::from_le_bytes(array_at(header, 24)),
    };
    Ok((kind, fields, bytes))
}

/// Makes the message of a frame whose checksum was right.
fn message_of(
    kind: Kind,
    fields: Fields,
    body: Vec<u8>,
    limits: Limits,
) -> Result<Message, FrameError> {
    check_unused(kind, fields)?;
    let number = u32::try_from(fields.address);
    let number = number.map_err(|_| FrameError::WrongAddress { kind, got: fields.address })?;
    let (block, id) = (BlockIndex(number), BackupId(number));
    let (incarnation, seq) = (Incarnation(fields.incarnation), Seq(fields.seq));
    let frame = |item| ToSecondary::Frame(Frame { incarnation, entry: Entry { seq, item } }).into();
    let bad = |problem| FrameError::BadBody { kind, problem };
    Ok(match kind {
        Kind::Hello => hello_of(&body).map_err(bad)?.into(),
        Kind::Pulse => Message::Pulse,
        Kind::Write => frame(Item::Write { block, payload: Payload::from(body) }),
        Kind::Copy => frame(Item::Copy { block, payload: Payload::from(body) }),
        Kind::PairMark => frame(Item::PairMark),
        Kind::Resync => ToSecondary::Resync { incarnation }.into(),
        Kind::Suspend => ToSecondary::Suspend { incarnation }.into(),
        Kind::Delete => ToSecondary::Delete { incarnation }.into(),
        Kind::Ack => ToPrimary::Ack(Ack { incarnation, written: seq }).into(),
        Kind::Ready => {
            let dirty = dirty_of(&body, limits).map_err(bad)?;
            ToPrimary::Ready { incarnation, written: seq, dirty }.into()
        }
        Kind::Suspended => ToPrimary::Suspended { incarnation }.into(),
        Kind::Request => HostMessage::Request(id).into(),
        Kind::Split => HostMessage::Split(id).into(),
        Kind::SplitDone => HostMessage::SplitAnswer { id, done: true }.into(),
        Kind::SplitFailed => HostMessage::SplitAnswer { id, done: false }.into(),
        Kind::Permit => HostMessage::Permit(id).into(),
        Kind::Reject => HostMessage::Reject(id).into(),
    })
}

/// Holds the fields that `kind` does not use to 0, the column `uses` of the table.
fn check_unused(kind: Kind, fields: Fields) -> Result<(), FrameError> {
    let (incarnation, seq, address) = match kind {
        Kind::Hello | Kind::Pulse => (false, false, false),
        Kind::Write | Kind::Copy => (true, true, true),
        Kind::PairMark | Kind::Ack | Kind::Ready => (true, true, false),
        Kind::Resync | Kind::Suspend | Kind::Delete | Kind::Suspended => (true, false, false),
        Kind::Request
        | Kind::Split
        | Kind::SplitDone
        | Kind::SplitFailed
        | Kind::Permit
        | Kind::Reject => (false, false, true),
    };
    let unused = |used: bool, value: u64| if used { 0 } else { value };
    require_zero("incarnation", unused(incarnation, u64::from(fields.incarnation)))?;
    require_zero("seq", unused(seq, fields.seq))?;
    require_zero("address", unused(address, fields.address))
}

fn require_zero(field: &'static str, got: u64) -> Result<(), FrameError> {
    if got == 0 { Ok(()) } else { Err(FrameError::NonZeroReserved { field, got }) }
}

fn check_silence(got: u32) -> Result<(), BodyProblem> {
    if SILENCE_MS.contains(&got) { Ok(()) } else { Err(BodyProblem::Silence { got }) }
}

fn hello_of(body: &[u8]) -> Result<Hello, BodyProblem> {
    let role = u32::from_le_bytes(array_at(body, 0));
    let role = Role::from_repr(role).ok_or(BodyProblem::WrongRole { got: role })?;
    let name = body.get(HELLO_FIXED_BYTES..).and_then(|name| std::str::from_utf8(name).ok());
    let group = name.filter(|name| Hello::is_group_name(name)).ok_or(BodyProblem::GroupName)?;
    let silence_ms = u32::from_le_bytes(array_at(body, 12));
    check_silence(silence_ms)?;
    Ok(Hello {
        role,
        group: group.to_owned(),
        block_size: u32::from_le_bytes(array_at(body, 4)),
        blocks: u32::from_le_bytes(array_at(body, 8)),
        silence_ms,
    })
}

fn dirty_of(body: &[u8], limits: Limits) -> Result<BitMap, BodyProblem> {
    let blocks = u32::from_le_bytes(array_at(body, 0));
    if blocks != limits.blocks {
        return Err(BodyProblem::WrongBlocks { got: blocks, want: limits.blocks });
    }
    let map = body.get(READY_FIXED_BYTES..).unwrap_or_default();
    BitMap::from_bytes(blocks, map).map_err(BodyProblem::DirtyMap)
}

/// The `N` bytes at `at`; 0 for those beyond the end, which no caller asks for.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    debug_assert!(field.is_some(), "the length was checked before");
    field.copied().unwrap_or([0; N])
}

/// Reads until `buffer` is full or the bytes end; how many there were.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, FrameError> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { block_size: 4, blocks: 9 };

    fn ack() -> Message {
        ToPrimary::Ack(Ack { incarnation: Incarnation(2), written: Seq(0x0807_0605_0403_0201) })
            .into()
    }

    /// The bytes of the table, by hand: another implementation of it has to make the same.
    #[test]
    fn the_layout_is_the_tables() -> Result<(), FrameError> {
        let item = Item::Write { block: BlockIndex(7), payload: Payload::from(&b"data"[..]) };
        let entry = Entry { seq: Seq(5), item };
        let write = ToSecondary::Frame(Frame { incarnation: Incarnation(3), entry });
        let mut bytes = Vec::new();
        encode(&write.into(), &mut bytes)?;
        let expected =
            b"SSP1\x03\0\x01\x01\x03\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x04\0\0\0";
        assert_eq!(&bytes[..CRC_AT], expected);
        assert_eq!(&bytes[HEADER_BYTES..], b"data");
        let mut zeroed = bytes.clone();
        zeroed[CRC_AT..HEADER_BYTES].fill(0);
        assert_eq!(bytes[CRC_AT..HEADER_BYTES], crc32c::crc32c(&zeroed).to_le_bytes());
        Ok(())
    }

    #[test]
    fn frames_follow_each_other_in_one_stream() -> Result<(), FrameError> {
        let mut bytes = Vec::new();
        for _ in 0..3 {
            encode(&ack(), &mut bytes)?;
        }
        let mut reader = &bytes[..];
        for _ in 0..3 {
            assert_eq!(read_message(&mut reader, LIMITS)?, ack());
        }
        assert!(matches!(read_message(&mut reader, LIMITS), Err(FrameError::Closed)));
        Ok(())
    }

    #[test]
    fn what_cannot_travel_leaves_the_buffer_alone() {
        let mut bytes = vec![9];
        let payload = Payload::zeroed(4);
        let unsequenced =
            ToSecondary::Unsequenced { incarnation: Incarnation(1), block: BlockIndex(0), payload };
        let refused = encode(&unsequenced.into(), &mut bytes);
        assert!(
            matches!(refused, Err(FrameError::NotOnTheWire { name: "unsequenced copy" })),
            "{refused:?}"
        );
        let payload = Payload::zeroed(BLOCK_SIZE_MAX as usize + 1);
        let entry = Entry { seq: Seq(1), item: Item::Copy { block: BlockIndex(0), payload } };
        let long = ToSecondary::Frame(Frame { incarnation: Incarnation(1), entry });
        let refused = encode(&long.into(), &mut bytes);
        assert!(
            matches!(refused, Err(FrameError::TooLong { kind: Kind::Copy, .. })),
            "{refused:?}"
        );
        for group in ["", "a\nb", &"g".repeat(GROUP_NAME_MAX + 1)] {
            let hello = Hello {
                role: Role::Primary,
                group: group.to_owned(),
                block_size: 4,
                blocks: 9,
                silence_ms: 100,
            };
            let refused = encode(&hello.into(), &mut bytes);
            let group_name = BodyProblem::GroupName;
            assert!(
                matches!(refused, Err(FrameError::BadBody { problem, .. }) if problem == group_name)
            );
        }
        assert_eq!(bytes, [9]);
    }
}
