//! Properties of the frame format: every message comes back as it went, and nothing else ever becomes a message.

use proptest::prelude::*;
use strum::VariantArray;

use crate::common;
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::frame::{
    BodyProblem, FrameError, GROUP_NAME_MAX, HEADER_BYTES, Hello, Kind, Limits, Message, Role,
    SILENCE_MS, encode, read_message,
};
use syncsplit_impl::payload::Payload;
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, HostMessage, Incarnation, Item, Seq,
    ToPrimary, ToSecondary,
};

const LIMITS: Limits = Limits { block_size: 24, blocks: 77 };

fn frame_of(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes).unwrap();
    bytes
}

fn read(mut bytes: &[u8]) -> Result<Message, FrameError> {
    read_message(&mut bytes, LIMITS)
}

/// Overwrites bytes of a frame and makes its checksum right again: what a peer with another idea would send.
fn forged(message: &Message, at: usize, with: &[u8]) -> Vec<u8> {
    common::forged(frame_of(message), at, with)
}

fn payloads() -> impl Strategy<Value = Payload> {
    proptest::collection::vec(any::<u8>(), LIMITS.block_size as usize).prop_map(Payload::from)
}

fn maps() -> impl Strategy<Value = BitMap> {
    proptest::collection::vec(0..LIMITS.blocks, 0..20).prop_map(|dirty| {
        let mut map = BitMap::new(LIMITS.blocks);
        dirty.into_iter().for_each(|block| map.mark(BlockIndex(block)));
        map
    })
}

fn hellos() -> impl Strategy<Value = Hello> {
    let role = proptest::sample::select(Role::VARIANTS);
    let group = "[^\\p{Cc}]{1,16}".prop_filter("fits", |name| Hello::is_group_name(name));
    (role, group, any::<u32>(), any::<u32>(), SILENCE_MS).prop_map(
        |(role, group, block_size, blocks, silence_ms)| Hello {
            role,
            group,
            block_size,
            blocks,
            silence_ms,
        },
    )
}

/// A message of `kind` made of any numbers, payload, map and hello.
fn message(
    kind: Kind,
    numbers: (u32, u64, u32),
    payload: Payload,
    dirty: BitMap,
    hello: Hello,
) -> Message {
    let (incarnation, seq, block) = (Incarnation(numbers.0), Seq(numbers.1), BlockIndex(numbers.2));
    let id = BackupId(numbers.2);
    let frame = |item| ToSecondary::Frame(Frame { incarnation, entry: Entry { seq, item } }).into();
    match kind {
        Kind::Hello => hello.into(),
        Kind::Pulse => Message::Pulse,
        Kind::Write => frame(Item::Write { block, payload }),
        Kind::Copy => frame(Item::Copy { block, payload }),
        Kind::PairMark => frame(Item::PairMark),
        Kind::Resync => ToSecondary::Resync { incarnation }.into(),
        Kind::Suspend => ToSecondary::Suspend { incarnation }.into(),
        Kind::Delete => ToSecondary::Delete { incarnation }.into(),
        Kind::Ack => ToPrimary::Ack(Ack { incarnation, written: seq }).into(),
        Kind::Ready => ToPrimary::Ready { incarnation, written: seq, dirty }.into(),
        Kind::Suspended => ToPrimary::Suspended { incarnation }.into(),
        Kind::Request => HostMessage::Request(id).into(),
        Kind::Split => HostMessage::Split(id).into(),
        Kind::SplitDone => HostMessage::SplitAnswer { id, done: true }.into(),
        Kind::SplitFailed => HostMessage::SplitAnswer { id, done: false }.into(),
        Kind::Permit => HostMessage::Permit(id).into(),
        Kind::Reject => HostMessage::Reject(id).into(),
    }
}

/// One message of each kind, all from the same numbers.
fn all_kinds() -> impl Strategy<Value = Vec<Message>> {
    (any::<(u32, u64, u32)>(), payloads(), maps(), hellos()).prop_map(
        |(numbers, payload, dirty, hello)| {
            let one = |kind| message(kind, numbers, payload.clone(), dirty.clone(), hello.clone());
            Kind::VARIANTS.iter().copied().map(one).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_kind_comes_back_as_it_went(messages in all_kinds()) {
        for (message, kind) in messages.iter().zip(Kind::VARIANTS) {
            prop_assert_eq!(message.kind(), Some(*kind));
            prop_assert_eq!(&read(&frame_of(message)).unwrap(), message);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused(messages in all_kinds()) {
        for message in &messages {
            let mut bytes = frame_of(message);
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(read(&bytes).is_err(), "bit {} of {:?}", bit, message);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    /// A stream goes on after a damaged frame; what follows must not complete it.
    #[test]
    fn every_flipped_bit_is_refused_inside_a_stream(messages in all_kinds()) {
        for message in &messages {
            let bytes = frame_of(message);
            let mut stream = [&bytes[..], &bytes, &bytes].concat();
            for bit in 0..bytes.len() * 8 {
                stream[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(read(&stream).is_err(), "bit {} of {:?}", bit, message);
                stream[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn every_truncation_is_told_from_an_end(messages in all_kinds()) {
        for message in &messages {
            let bytes = frame_of(message);
            prop_assert!(matches!(read(&[]), Err(FrameError::Closed)));
            for len in 1..bytes.len() {
                let want = if len < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
                match read(&bytes[..len]) {
                    Err(FrameError::Truncated { got, want: said }) => prop_assert_eq!((got, said), (len, want)),
                    other => prop_assert!(false, "{} of {} bytes gave {:?}", len, bytes.len(), other),
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_message(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Past magic, version and checksum, any header and body give an error or the message that encodes to them.
    #[test]
    fn what_is_accepted_has_one_encoding(
        kind in proptest::sample::select(Kind::VARIANTS),
        numbers in (0_u32..2, 0_u64..2, 0_u64..2, 0_u32..2),
        big in any::<u64>(),
        body in prop_oneof![
            Just(Vec::new()),
            proptest::collection::vec(any::<u8>(), LIMITS.block_size as usize),
            proptest::collection::vec(any::<u8>(), 0..100),
            maps().prop_map(|map| [&LIMITS.blocks.to_le_bytes()[..], &map.to_bytes()].concat()),
            proptest::collection::vec(0x20_u8..0x7f, 1..80).prop_map(|name| [&[2; 12][..], &name].concat()),
        ],
    ) {
        let mut bytes = b"SSP1\x02\0".to_vec();
        bytes.extend((kind as u16).to_le_bytes());
        bytes.extend(numbers.0.to_le_bytes());
        bytes.extend(numbers.3.to_le_bytes());
        bytes.extend((numbers.1 * big).to_le_bytes());
        bytes.extend((numbers.2 * (big >> (big % 64))).to_le_bytes());
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&body);
        let crc = crc32c::crc32c(&bytes);
        bytes[36..40].copy_from_slice(&crc.to_le_bytes());
        if let Ok(message) = read(&bytes) {
            prop_assert_eq!(frame_of(&message), bytes);
        }
    }
}

fn ack() -> Message {
    ToPrimary::Ack(Ack { incarnation: Incarnation(2), written: Seq(5) }).into()
}

fn write() -> Message {
    let item =
        Item::Write { block: BlockIndex(7), payload: Payload::zeroed(LIMITS.block_size as usize) };
    ToSecondary::Frame(Frame { incarnation: Incarnation(2), entry: Entry { seq: Seq(5), item } })
        .into()
}

fn ready() -> Message {
    let dirty = BitMap::new(LIMITS.blocks);
    ToPrimary::Ready { incarnation: Incarnation(2), written: Seq(5), dirty }.into()
}

fn delete() -> Message {
    ToSecondary::Delete { incarnation: Incarnation(2) }.into()
}

fn suspended() -> Message {
    ToPrimary::Suspended { incarnation: Incarnation(2) }.into()
}

fn hello() -> Message {
    Hello { role: Role::Primary, group: "g".into(), block_size: 24, blocks: 77, silence_ms: 100 }
        .into()
}

/// Each forged frame has a right checksum, so each refusal is that of one check.
#[test]
fn each_bad_frame_is_refused_with_its_reason() {
    let says = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    let cases: [(Vec<u8>, &str); 21] = [
        (
            forged(&ack(), 0, b"HTTP"),
            "the frame begins with [48, 54, 54, 50]; frames begin with [53, 53, 50, 31]",
        ),
        (forged(&ack(), 4, &[1]), "the peer speaks version 1; this side speaks version 3"),
        (forged(&ack(), 6, &[0x77]), "kind 0x0277 is no message of version 3"),
        (forged(&delete(), 6, &[0x07]), "kind 0x0107 is no message of version 3"),
        (forged(&ack(), 13, &[1]), "field reserved is 0x100; it has to be 0 here"),
        (forged(&ack(), 24, &[3]), "field address is 0x3; it has to be 0 here"),
        (forged(&hello(), 8, &[1]), "field incarnation is 0x1; it has to be 0 here"),
        (forged(&delete(), 16, &[1]), "field seq is 0x1; it has to be 0 here"),
        (
            forged(&suspended(), 32, &[4]),
            "the body of a suspended frame has 4 bytes; at most 0 are valid",
        ),
        (forged(&hello(), 16, &[1]), "field seq is 0x1; it has to be 0 here"),
        (forged(&ack(), 32, &[1]), "the body of a ack frame has 1 bytes; at most 0 are valid"),
        (
            forged(&write(), 32, &[25]),
            "the body of a write frame has 25 bytes; at most 24 are valid",
        ),
        (forged(&write(), 32, &[23]), "the body of a write frame: 23 bytes; at least 24 are valid"),
        (
            forged(&write(), 28, &[1]),
            "the address of a write frame is 4294967303; at most 4294967295 is valid",
        ),
        (
            forged(&ready(), 40, &[78]),
            "the body of a ready frame: the dirty map covers 78 blocks; the group's volumes have 77",
        ),
        (
            forged(&ready(), 53, &[0x20]),
            "the body of a ready frame: a dirty map of 77 blocks has a bit set at or above block 77; those bits are \
             zero",
        ),
        (
            forged(&hello(), 52, &[99, 0, 0, 0]),
            "the body of a hello frame: a silence is 100 to 3600000 ms; this one is 99 ms",
        ),
        (forged(&hello(), 40, &[5]), "the body of a hello frame: 5 is no role; valid are 1 to 4"),
        (
            forged(&hello(), 56, &[0xff]),
            "the body of a hello frame: a group name is 1 to 64 bytes of UTF-8 without control characters",
        ),
        (
            forged(&hello(), 56, b"\n"),
            "the body of a hello frame: a group name is 1 to 64 bytes of UTF-8 without control characters",
        ),
        (
            forged(&hello(), 33, &[1]),
            "the body of a hello frame has 273 bytes; at most 80 are valid",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(says(&bytes), expected);
    }
    let mut damaged = frame_of(&write());
    damaged[50] ^= 4;
    assert!(matches!(read(&damaged), Err(FrameError::WrongCrc { .. })));
}

/// A reader that counts what is asked of it at once.
struct Greedy<'a>(&'a [u8], usize);

impl std::io::Read for Greedy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1.max(buffer.len());
        self.0.read(buffer)
    }
}

#[test]
fn a_huge_length_is_refused_before_its_body_is_asked_for() {
    for message in [write(), ready(), hello(), ack()] {
        let bytes = forged(&message, 32, &u32::MAX.to_le_bytes());
        let mut reader = Greedy(&bytes, 0);
        let refused = read_message(&mut reader, LIMITS);
        assert!(
            matches!(refused, Err(FrameError::TooLong { length: 0xffff_ffff, .. })),
            "{refused:?}"
        );
        assert_eq!(reader.1, HEADER_BYTES);
    }
}

#[test]
fn before_the_hello_nothing_with_a_body_is_let_in_but_it() {
    let early = |message: &Message| read_message(&mut &frame_of(message)[..], Limits::BEFORE_HELLO);
    assert_eq!(early(&hello()).unwrap(), hello());
    assert!(matches!(early(&write()), Err(FrameError::TooLong { max: 0, .. })));
    assert!(matches!(early(&ready()), Err(FrameError::TooLong { .. })));
}

#[test]
fn the_longest_group_name_fits_and_the_next_does_not() {
    let named = |len| {
        Hello {
            role: Role::Requester,
            group: "g".repeat(len),
            block_size: 1,
            blocks: 1,
            silence_ms: 100,
        }
        .into()
    };
    assert_eq!(read(&frame_of(&named(GROUP_NAME_MAX))).unwrap(), named(GROUP_NAME_MAX));
    let refused = encode(&named(GROUP_NAME_MAX + 1), &mut Vec::new());
    assert!(matches!(refused, Err(FrameError::BadBody { problem: BodyProblem::GroupName, .. })));
}

#[test]
fn a_message_of_another_link_is_refused() {
    let refused = ToSecondary::<Payload>::try_from(ack());
    assert_eq!(refused.unwrap_err().to_string(), "this end of the link takes no ack frame");
    assert!(HostMessage::try_from(hello()).is_err());
    assert!(ToPrimary::<BitMap>::try_from(ack()).is_ok());
}

#[test]
fn each_end_of_a_link_is_the_others_peer() {
    for role in Role::VARIANTS {
        assert_eq!(role.peer().peer(), *role);
    }
}
