//! The TCP link over loopback: what it delivers, what it refuses, and that a refusal ends the connection only.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::common::forged;
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::frame::{
    FrameError, HEADER_BYTES, Hello, HelloMismatch, Limits, Message, Role, VERSION, encode,
    read_message,
};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::transport::tcp::{Link, Listener, TcpReceiver, connect};
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::transport::{Closer, LinkError, Receiver, Sender};
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, HostMessage, Incarnation, Item, Seq,
    ToPrimary, ToSecondary,
};

const BLOCK_SIZE: u32 = 16;
const BLOCKS: u32 = 4;

fn hello(role: Role) -> Hello {
    Hello {
        role,
        group: "oradb".to_owned(),
        block_size: BLOCK_SIZE,
        blocks: BLOCKS,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

fn listener() -> (Listener, String) {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (listener, addr)
}

/// Both sides' outcome of one connection.
fn meet(
    accepting: &Hello,
    connecting: &Hello,
) -> (Result<Link, LinkError>, Result<Link, LinkError>) {
    let (mut listener, addr) = listener();
    thread::scope(|scope| {
        let accepted =
            scope.spawn(|| listener.accept().unwrap().greet(accepting, &Security::Plain));
        let connected = connect(&addr, connecting, &Security::Plain);
        (accepted.join().unwrap(), connected)
    })
}

/// A link from a primary to a secondary: (secondary's side, primary's side).
fn array_link() -> (Link, Link) {
    let (secondary, primary) = meet(&hello(Role::Secondary), &hello(Role::Primary));
    (secondary.unwrap(), primary.unwrap())
}

fn write(seq: u64) -> ToSecondary<Payload> {
    let payload = Payload::from(vec![seq as u8; BLOCK_SIZE as usize]);
    let item = Item::Write { block: BlockIndex(seq as u32 % BLOCKS), payload };
    ToSecondary::Frame(Frame { incarnation: Incarnation(1), entry: Entry { seq: Seq(seq), item } })
}

fn ack(written: u64) -> ToPrimary<BitMap> {
    ToPrimary::Ack(Ack { incarnation: Incarnation(1), written: Seq(written) })
}

fn bytes_of(message: impl Into<Message>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&message.into(), &mut bytes).unwrap();
    bytes
}

/// What a secondary receives next.
fn receive(receiver: &mut TcpReceiver) -> Result<ToSecondary<Payload>, LinkError> {
    receiver.recv()
}

/// A primary that speaks by hand, and the secondary it is connected to.
fn by_hand(listener: &mut Listener, addr: &str) -> (TcpStream, Link) {
    thread::scope(|scope| {
        let accepted = scope
            .spawn(|| listener.accept().unwrap().greet(&hello(Role::Secondary), &Security::Plain));
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(&bytes_of(hello(Role::Primary))).unwrap();
        let answer = read_message(&mut stream, Limits::BEFORE_HELLO).unwrap();
        assert_eq!(answer, hello(Role::Secondary).into());
        (stream, accepted.join().unwrap().unwrap())
    })
}

/// Whether the other side has ended this connection.
fn is_dropped(mut stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn messages_travel_both_ways_in_order() {
    let (mut secondary, mut primary) = array_link();
    for seq in 1..=100 {
        primary.sender.send(write(seq)).unwrap();
        assert_eq!(receive(&mut secondary.receiver).unwrap(), write(seq));
        secondary.sender.send(ack(seq)).unwrap();
        let answer: ToPrimary<BitMap> = primary.receiver.recv().unwrap();
        assert_eq!(answer, ack(seq));
    }
    let mut dirty = BitMap::new(BLOCKS);
    dirty.mark(BlockIndex(3));
    let ready = ToPrimary::Ready { incarnation: Incarnation(2), written: Seq(100), dirty };
    secondary.sender.send(ready.clone()).unwrap();
    let answer: ToPrimary<BitMap> = primary.receiver.recv().unwrap();
    assert_eq!(answer, ready);
}

#[test]
fn the_host_link_carries_backup_messages() {
    let (coordinator, requester) = meet(&hello(Role::Coordinator), &hello(Role::Requester));
    let (mut coordinator, requester) = (coordinator.unwrap(), requester.unwrap());
    let id = BackupId(7);
    for message in [HostMessage::Request(id), HostMessage::SplitAnswer { id, done: false }] {
        requester.sender.send(message).unwrap();
        let heard: HostMessage = coordinator.receiver.recv().unwrap();
        assert_eq!(heard, message);
    }
}

#[test]
fn frames_of_several_senders_do_not_mix() {
    let (mut secondary, primary) = array_link();
    let primary = &primary;
    thread::scope(|scope| {
        for first in 0..4 {
            let sender = primary.sender.clone();
            scope.spawn(move || {
                (0..500).for_each(|step| sender.send(write(first + 4 * step)).unwrap())
            });
        }
        let mut next = [0, 1, 2, 3];
        for _ in 0..2000 {
            let message = receive(&mut secondary.receiver).unwrap();
            let ToSecondary::Frame(frame) = &message else { panic!("{message:?}") };
            let seq = frame.entry.seq.0;
            assert_eq!(message, write(seq));
            assert_eq!(seq, next[seq as usize % 4], "each sender's own order holds");
            next[seq as usize % 4] += 4;
        }
    });
}

#[test]
fn each_bad_frame_ends_the_connection_and_nothing_else() {
    let good = bytes_of(write(3));
    let mut damaged = good.clone();
    damaged[HEADER_BYTES + 3] ^= 0x10;
    let cases: [(&str, Vec<u8>, &str); 8] = [
        (
            "too long",
            forged(good.clone(), 32, &[0xff, 0xff, 0xff, 0x7f]),
            "a write frame has 2147483647 bytes",
        ),
        (
            "another version",
            forged(good.clone(), 4, &[9]),
            "the peer speaks version 9; this side speaks version 3",
        ),
        ("damaged", damaged, "the frame's checksum is"),
        (
            "unknown kind",
            forged(good.clone(), 6, &[0xee]),
            "kind 0x01ee is no message of version 3",
        ),
        ("reserved", forged(good.clone(), 12, &[1]), "field reserved is 0x1; it has to be 0 here"),
        (
            "no frame",
            b"GET / HTTP/1.1\r\nHost: this.is.no.web.server\r\n\r\n".to_vec(),
            "the frame begins with",
        ),
        (
            "another link's",
            bytes_of(HostMessage::Request(BackupId(1))),
            "this end of the link takes no request",
        ),
        (
            "a second hello",
            bytes_of(hello(Role::Primary)),
            "this end of the link takes no hello frame",
        ),
    ];
    let (mut listener, addr) = listener();
    for (name, bad, expected) in cases {
        let (mut stream, mut secondary) = by_hand(&mut listener, &addr);
        let all = [bytes_of(write(1)), bytes_of(write(2)), bad, bytes_of(write(4))].concat();
        stream.write_all(&all).unwrap();
        assert_eq!(receive(&mut secondary.receiver).unwrap(), write(1), "{name}");
        assert_eq!(receive(&mut secondary.receiver).unwrap(), write(2), "{name}");
        let error = receive(&mut secondary.receiver).unwrap_err();
        assert!(matches!(error, LinkError::Frame(_)), "{name}: {error:?}");
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(
            matches!(receive(&mut secondary.receiver), Err(LinkError::Closed)),
            "{name}: nothing after it"
        );
        assert!(
            matches!(secondary.sender.send(ack(2)), Err(LinkError::Closed)),
            "{name}: nor back"
        );
        assert!(is_dropped(&stream), "{name}: the peer learns of it");
        let (mut again, mut secondary) = by_hand(&mut listener, &addr);
        again.write_all(&bytes_of(write(3))).unwrap();
        assert_eq!(
            receive(&mut secondary.receiver).unwrap(),
            write(3),
            "{name}: sent again, it arrives"
        );
    }
}

#[test]
fn a_frame_cut_short_is_told_from_an_end() {
    let (mut listener, addr) = listener();
    for (len, want) in [(1, HEADER_BYTES), (39, HEADER_BYTES), (40, 56), (55, 56)] {
        let (mut stream, mut secondary) = by_hand(&mut listener, &addr);
        stream.write_all(&[&bytes_of(write(1))[..], &bytes_of(write(2))[..len]].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(receive(&mut secondary.receiver).unwrap(), write(1));
        let error = receive(&mut secondary.receiver).unwrap_err();
        let cut = matches!(error, LinkError::Frame(FrameError::Truncated { got, want: said }) if (got, said) == (len, want));
        assert!(cut, "{error:?}");
    }
    let (stream, mut secondary) = by_hand(&mut listener, &addr);
    drop(stream);
    assert!(matches!(receive(&mut secondary.receiver), Err(LinkError::Closed)));
}

#[test]
fn both_sides_hear_why_a_hello_is_refused() {
    let ours = hello(Role::Secondary);
    let primary = hello(Role::Primary);
    let cases = [
        (
            Hello { role: Role::Requester, ..primary.clone() },
            HelloMismatch::Role { got: Role::Requester, want: Role::Primary },
            HelloMismatch::Role { got: Role::Secondary, want: Role::Coordinator },
        ),
        (
            Hello { group: "other".to_owned(), ..primary.clone() },
            HelloMismatch::Group { got: "other".to_owned(), want: "oradb".to_owned() },
            HelloMismatch::Group { got: "oradb".to_owned(), want: "other".to_owned() },
        ),
        (
            Hello { block_size: 32, ..primary.clone() },
            HelloMismatch::BlockSize { got: 32, want: 16 },
            HelloMismatch::BlockSize { got: 16, want: 32 },
        ),
        (
            Hello { blocks: 5, ..primary },
            HelloMismatch::Blocks { got: 5, want: 4 },
            HelloMismatch::Blocks { got: 4, want: 5 },
        ),
    ];
    for (theirs, here, there) in cases {
        let (accepted, connected) = meet(&ours, &theirs);
        assert!(matches!(&accepted, Err(LinkError::Hello(why)) if *why == here), "{accepted:?}");
        assert!(matches!(&connected, Err(LinkError::Hello(why)) if *why == there), "{connected:?}");
    }
}

#[test]
fn another_version_is_refused_and_answered() {
    let (mut listener, addr) = listener();
    let later = forged(bytes_of(hello(Role::Primary)), 4, &(VERSION + 1).to_le_bytes());
    thread::scope(|scope| {
        let accepted = scope
            .spawn(|| listener.accept().unwrap().greet(&hello(Role::Secondary), &Security::Plain));
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(&later).unwrap();
        // Its side finds this side's version in the header, as this side found its.
        let answer = read_message(&mut stream, Limits::BEFORE_HELLO).unwrap();
        assert_eq!(answer, hello(Role::Secondary).into());
        // An end and no reset: a reset may overtake the answer.
        assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0);
        drop(stream);
        let refused = accepted.join().unwrap();
        let version =
            matches!(refused, Err(LinkError::Frame(FrameError::WrongVersion { got: 4, want: 3 })));
        assert!(version, "{refused:?}");
    });
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = stranger.local_addr().unwrap().to_string();
    thread::scope(|scope| {
        scope.spawn(|| stranger.accept().unwrap().0.write_all(&later).unwrap());
        let refused = connect(&addr, &hello(Role::Secondary), &Security::Plain);
        let version =
            matches!(refused, Err(LinkError::Frame(FrameError::WrongVersion { got: 4, want: 3 })));
        assert!(version, "{refused:?}");
    });
}

#[test]
fn strangers_hold_up_nobody_and_hear_nothing() {
    let (mut listener, addr) = listener();
    let mut stranger = TcpStream::connect(&addr).unwrap();
    stranger.write_all(&[b'x'; 100]).unwrap();
    let refused = listener.accept().unwrap().greet(&hello(Role::Secondary), &Security::Plain);
    assert!(matches!(refused, Err(LinkError::Frame(FrameError::WrongMagic { .. }))), "{refused:?}");
    assert!(is_dropped(&stranger));
    let silent = TcpStream::connect(&addr).unwrap();
    let waiting = listener.accept().unwrap();
    assert_eq!(waiting.peer(), silent.local_addr().unwrap());
    by_hand(&mut listener, &addr);
    drop(silent);
    let left = waiting.greet(&hello(Role::Secondary), &Security::Plain);
    assert!(matches!(left, Err(LinkError::Closed)), "{left:?}");
}

#[test]
fn close_wakes_a_blocked_receiver_on_both_sides() {
    let (mut secondary, mut primary) = array_link();
    thread::scope(|scope| {
        let closer = secondary.closer.clone();
        let here = scope.spawn(move || receive(&mut secondary.receiver));
        let there = scope.spawn(move || Receiver::<ToPrimary<BitMap>>::recv(&mut primary.receiver));
        thread::sleep(Duration::from_millis(20));
        assert!(!here.is_finished() && !there.is_finished());
        closer.close();
        closer.close();
        assert!(matches!(here.join().unwrap(), Err(LinkError::Closed)));
        assert!(matches!(there.join().unwrap(), Err(LinkError::Closed)));
    });
}

#[test]
fn close_wakes_a_blocked_sender() {
    let (_secondary, primary) = array_link();
    thread::scope(|scope| {
        let sender = primary.sender.clone();
        let blocked = scope.spawn(move || {
            loop {
                // Nobody receives, so the connection's buffers fill up.
                if let Err(error) = sender.send(write(1)) {
                    return error;
                }
            }
        });
        thread::sleep(Duration::from_millis(300));
        assert!(!blocked.is_finished());
        primary.closer.close();
        assert!(matches!(blocked.join().unwrap(), LinkError::Closed));
    });
}

#[test]
fn what_was_sent_before_the_peer_closed_is_received() {
    let (mut secondary, primary) = array_link();
    (1..=3).for_each(|seq| primary.sender.send(write(seq)).unwrap());
    primary.closer.close();
    (1..=3).for_each(|seq| assert_eq!(receive(&mut secondary.receiver).unwrap(), write(seq)));
    assert!(matches!(receive(&mut secondary.receiver), Err(LinkError::Closed)));
}

#[test]
fn a_message_without_a_frame_leaves_the_link_open() {
    let (mut secondary, primary) = array_link();
    let payload = Payload::zeroed(BLOCK_SIZE as usize);
    let unsequenced =
        ToSecondary::Unsequenced { incarnation: Incarnation(1), block: BlockIndex(0), payload };
    let refused = primary.sender.send(unsequenced);
    assert!(
        matches!(refused, Err(LinkError::Frame(FrameError::NotOnTheWire { .. }))),
        "{refused:?}"
    );
    primary.sender.send(write(1)).unwrap();
    assert_eq!(receive(&mut secondary.receiver).unwrap(), write(1));
}

#[test]
fn a_closed_listener_accepts_nobody() {
    for addr in ["127.0.0.1:0", "0.0.0.0:0"] {
        let mut listener = Listener::bind(addr).unwrap();
        let closer = listener.closer();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            thread::sleep(Duration::from_millis(20));
            closer.close();
            assert!(matches!(waiting.join().unwrap(), Err(LinkError::Closed)));
        });
        assert!(matches!(listener.accept(), Err(LinkError::Closed)), "and again without waiting");
    }
}

#[test]
fn nobody_listening_is_an_error_that_names_the_address() {
    let free = listener().1;
    let error = connect(&free, &hello(Role::Primary), &Security::Plain).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot connect to {free}: ")), "{error}");
    let error = Listener::bind("127.0.0.1:notaport").unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:notaport: "), "{error}");
}

/// Each side's end of a connection whose other end says hello and then nothing: power, or a cut cable.
#[test]
fn a_peer_that_falls_silent_is_noticed_by_whichever_side_it_was() {
    let impatient = |role| Hello { silence_ms: 150, ..hello(role) };
    let (mut listener, addr) = listener();
    let called = thread::scope(|scope| {
        let accepted = scope.spawn(|| {
            listener.accept().unwrap().greet(&impatient(Role::Secondary), &Security::Plain)
        });
        let mut silent = TcpStream::connect(addr).unwrap();
        silent.write_all(&bytes_of(hello(Role::Primary))).unwrap();
        let mut link = accepted.join().unwrap().unwrap();
        let noticed = receive(&mut link.receiver);
        // What the silent side was sent in the meantime: the hello, and nothing in the 10 s that it bears.
        assert!(matches!(receive(&mut link.receiver), Err(LinkError::Closed)));
        assert!(matches!(link.sender.send(ack(1)), Err(LinkError::Closed)));
        noticed
    });
    assert!(matches!(called, Err(LinkError::Silent { milliseconds: 150 })), "{called:?}");
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = stranger.local_addr().unwrap().to_string();
    thread::scope(|scope| {
        let silent = scope.spawn(|| {
            let mut silent = stranger.accept().unwrap().0;
            silent.write_all(&bytes_of(hello(Role::Primary))).unwrap();
            silent
        });
        let mut link = connect(&addr, &impatient(Role::Secondary), &Security::Plain).unwrap();
        let noticed = receive(&mut link.receiver);
        assert!(matches!(noticed, Err(LinkError::Silent { milliseconds: 150 })), "{noticed:?}");
        drop(silent.join().unwrap());
    });
}

#[test]
fn a_quiet_link_is_no_silent_one() {
    let bears = |role| Hello { silence_ms: 900, ..hello(role) };
    let (secondary, primary) = meet(&bears(Role::Secondary), &bears(Role::Primary));
    let (mut secondary, primary) = (secondary.unwrap(), primary.unwrap());
    thread::scope(|scope| {
        let heard = scope.spawn(move || receive(&mut secondary.receiver));
        thread::sleep(Duration::from_millis(2500));
        primary.sender.send(write(1)).unwrap();
        assert_eq!(heard.join().unwrap().unwrap(), write(1));
    });
}

#[test]
fn a_silence_that_nobody_can_keep_is_refused() {
    for silence_ms in [0, 99, 3_600_001, u32::MAX] {
        let refused = encode(&Hello { silence_ms, ..hello(Role::Primary) }.into(), &mut Vec::new());
        let refused = refused.unwrap_err().to_string();
        let expected = format!("a silence is 100 to 3600000 ms; this one is {silence_ms} ms");
        assert!(refused.contains(&expected), "{refused}");
    }
}
