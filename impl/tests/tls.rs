//! Links under TLS: what travels as without it, who is let in, and what a stranger learns.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::frame::{Hello, Role, encode};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::transport::tcp::{Link, Listener, connect};
use syncsplit_impl::transport::tls::{Identity, IdentityFiles, Security};
use syncsplit_impl::transport::{LinkError, Receiver, Sender};
use syncsplit_model::protocol::{
    Ack, BlockIndex, Entry, Frame, Incarnation, Item, Seq, ToPrimary, ToSecondary,
};

use crate::authority::Authority;

/// What a test that failed says, on whichever thread.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Large enough that a few frames fill every buffer on the way.
const BLOCK_SIZE: u32 = 256 << 10;
const BLOCKS: u32 = 64;
const LOCAL: &str = "local.example";
const REMOTE: &str = "192.0.2.7";

fn hello(role: Role) -> Hello {
    Hello {
        role,
        group: "oradb".to_owned(),
        block_size: BLOCK_SIZE,
        blocks: BLOCKS,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

fn write(seq: u64) -> ToSecondary<Payload> {
    let payload = Payload::from(vec![seq as u8; BLOCK_SIZE as usize]);
    let item = Item::Write { block: BlockIndex(seq as u32 % BLOCKS), payload };
    ToSecondary::Frame(Frame { incarnation: Incarnation(1), entry: Entry { seq: Seq(seq), item } })
}

fn ack(written: u64) -> ToPrimary<BitMap> {
    ToPrimary::Ack(Ack { incarnation: Incarnation(1), written: Seq(written) })
}

fn tls(files: &IdentityFiles, peer: &str) -> Result<Security, Failure> {
    Ok(Security::Tls(Arc::new(Identity::load(files.clone(), peer)?)))
}

/// Both sides of a pair, in a folder of their own, with certificates of one authority.
struct Pair {
    folder: tempfile::TempDir,
    authority: Authority,
    local: IdentityFiles,
    remote: IdentityFiles,
}

impl Pair {
    fn new() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let authority = Authority::new("ours")?;
        let local = authority.issue(folder.path(), LOCAL)?;
        let remote = authority.issue(folder.path(), REMOTE)?;
        Ok(Self { folder, authority, local, remote })
    }

    /// What the remote side asks of its peer.
    fn called(&self) -> Result<Security, Failure> {
        tls(&self.remote, LOCAL)
    }

    /// What the local side asks of its peer.
    fn calling(&self) -> Result<Security, Failure> {
        tls(&self.local, REMOTE)
    }
}

/// One side's outcome of a connection.
type Met = Result<Link, LinkError>;

/// Both sides' outcome of one connection: the called side's, then the calling side's.
fn meet(called: &Security, calling: &Security) -> Result<(Met, Met), Failure> {
    let mut listener = Listener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?.to_string();
    thread::scope(|scope| {
        let accepted =
            scope.spawn(move || listener.accept()?.greet(&hello(Role::Secondary), called));
        let connected = connect(&addr, &hello(Role::Primary), calling);
        Ok((accepted.join().map_err(|_| "the called side panicked")?, connected))
    })
}

#[test]
fn messages_travel_both_ways_at_once_and_nobody_waits_for_the_other_to_listen()
-> Result<(), Failure> {
    let pair = Pair::new()?;
    let (called, calling) = meet(&pair.called()?, &pair.calling()?)?;
    let (mut secondary, mut primary) = (called?, calling?);
    // Each side sends more than all buffers hold before the other begins to receive.
    thread::scope(|scope| {
        let sender = &primary.sender;
        let down = scope.spawn(move || (1..=40).try_for_each(|seq| sender.send(write(seq))));
        let sender = &secondary.sender;
        let up = scope.spawn(move || {
            let ready = |written| {
                let dirty = BitMap::new(BLOCKS);
                ToPrimary::Ready { incarnation: Incarnation(1), written: Seq(written), dirty }
            };
            (1..=100_000).try_for_each(|written| sender.send(ready(written)))
        });
        for written in 1..=100_000 {
            let heard: ToPrimary<BitMap> = primary.receiver.recv()?;
            let in_turn =
                matches!(heard, ToPrimary::Ready { written: Seq(at), .. } if at == written);
            assert!(in_turn, "{heard:?} instead of {written}");
        }
        for seq in 1..=40 {
            let heard: ToSecondary<Payload> = secondary.receiver.recv()?;
            assert_eq!(heard, write(seq));
        }
        down.join().map_err(|_| "the sender panicked")??;
        up.join().map_err(|_| "the sender panicked")??;
        secondary.sender.send(ack(40))?;
        let heard: ToPrimary<BitMap> = primary.receiver.recv()?;
        assert_eq!(heard, ack(40));
        Ok(())
    })
}

/// Passes one connection on to `to`, and keeps what the caller has sent.
fn eavesdrop(listener: &TcpListener, to: &str) -> Result<Vec<u8>, Failure> {
    let (mut near, _) = listener.accept()?;
    let mut far = TcpStream::connect(to)?;
    let (mut back_from, mut back_to) = (far.try_clone()?, near.try_clone()?);
    let back = thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
    let mut heard = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let bytes = near.read(&mut buffer)?;
        if bytes == 0 {
            break;
        }
        heard.extend_from_slice(&buffer[..bytes]);
        far.write_all(&buffer[..bytes])?;
    }
    far.shutdown(Shutdown::Both)?;
    let _ = back.join();
    Ok(heard)
}

#[test]
fn whoever_listens_in_reads_nothing() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let tls = (pair.called()?, pair.calling()?);
    for (called, calling, is_read) in
        [(Security::Plain, Security::Plain, true), (tls.0, tls.1, false)]
    {
        let mut listener = Listener::bind("127.0.0.1:0")?;
        let to = listener.local_addr()?.to_string();
        let between = TcpListener::bind("127.0.0.1:0")?;
        let addr = between.local_addr()?.to_string();
        let heard = thread::scope(|scope| -> Result<_, Failure> {
            let heard = scope.spawn(|| eavesdrop(&between, &to));
            let accepted = scope.spawn(|| {
                let mut link = listener.accept()?.greet(&hello(Role::Secondary), &called)?;
                Receiver::<ToSecondary<Payload>>::recv(&mut link.receiver)
            });
            let link = connect(&addr, &hello(Role::Primary), &calling)?;
            link.sender.send(write(0x5a))?;
            assert_eq!(accepted.join().map_err(|_| "panicked")??, write(0x5a));
            drop(link);
            heard.join().map_err(|_| "panicked")?
        })?;
        let holds = |text: &[u8]| heard.windows(text.len()).any(|window| window == text);
        assert!(heard.len() > BLOCK_SIZE as usize);
        assert_eq!(holds(b"oradb"), is_read, "the group's name");
        assert_eq!(holds(&[0x5a; 32]), is_read, "the contents of a block");
    }
    Ok(())
}

#[test]
fn each_stranger_is_refused_by_both_ends() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let other = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let third = pair.authority.issue(folder.path(), "third.example")?;
    let mixed = |files: &IdentityFiles, authority: &IdentityFiles| IdentityFiles {
        authority: authority.authority.clone(),
        ..files.clone()
    };
    let (called, calling) = (pair.called()?, pair.calling()?);
    let cases = [
        (
            "a caller of another authority",
            called.clone(),
            tls(&mixed(&other.local, &pair.local), REMOTE)?,
        ),
        ("a caller of another name", called.clone(), tls(&third, REMOTE)?),
        ("a caller without TLS", called, Security::Plain),
        (
            "somebody of another authority is called",
            tls(&mixed(&other.remote, &pair.remote), LOCAL)?,
            calling.clone(),
        ),
        ("somebody of another name is called", tls(&third, LOCAL)?, calling.clone()),
        ("somebody without TLS is called", Security::Plain, calling),
    ];
    for (case, called, calling) in cases {
        let (accepted, connected) = meet(&called, &calling)?;
        assert!(accepted.is_err() && connected.is_err(), "{case}: {accepted:?}, {connected:?}");
        let refusals = [accepted.err(), connected.err()].into_iter().flatten();
        let named = refusals.filter(|error| matches!(error, LinkError::Handshake { .. })).count();
        assert!(named > 0, "{case}: nobody says that the handshake failed");
    }
    let (accepted, connected) = meet(&pair.called()?, &pair.calling()?)?;
    assert!(accepted.is_ok() && connected.is_ok(), "and those that belong here meet");
    Ok(())
}

/// The story that this guards against: a stranger says any hello and reads group and geometry from the answer.
#[test]
fn a_stranger_hears_no_hello() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let mut greeting = Vec::new();
    encode(&hello(Role::Primary).into(), &mut greeting)?;
    let roots = CertificateDer::from_pem_file(&pair.local.authority)?;
    // Any hello in the clear; and a handshake that is right but for the certificate that is not shown.
    let mut store = RootCertStore::empty();
    store.add(roots)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let nameless = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    let nameless = Arc::new(nameless);
    for in_the_clear in [true, false] {
        let mut listener = Listener::bind("127.0.0.1:0")?;
        let mut stranger = TcpStream::connect(listener.local_addr()?)?;
        let called = pair.called()?;
        thread::scope(|scope| -> Result<(), Failure> {
            let accepted =
                scope.spawn(move || listener.accept()?.greet(&hello(Role::Secondary), &called));
            let mut heard = Vec::new();
            if in_the_clear {
                stranger.write_all(&greeting)?;
                let _ = stranger.read_to_end(&mut heard);
            } else {
                let name = REMOTE.to_owned().try_into()?;
                let mut tls = ClientConnection::new(Arc::clone(&nameless), name)?;
                let mut stream = rustls::Stream::new(&mut tls, &mut stranger);
                let _ = stream.write_all(&greeting);
                let _ = stream.read_to_end(&mut heard);
                assert!(heard.is_empty(), "{heard:?}");
            }
            assert!(!heard.windows(5).any(|window| window == b"oradb"), "{heard:?}");
            let refused = accepted.join().map_err(|_| "panicked")?;
            assert!(matches!(refused, Err(LinkError::Handshake { .. })), "{refused:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn certificates_are_exchanged_without_a_restart() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let local = Arc::new(Identity::load(pair.local.clone(), REMOTE)?);
    let remote = Arc::new(Identity::load(pair.remote.clone(), LOCAL)?);
    let meets = || -> Result<bool, Failure> {
        let security = |identity: &Arc<Identity>| Security::Tls(Arc::clone(identity));
        let (accepted, connected) = meet(&security(&remote), &security(&local))?;
        Ok(accepted.is_ok() && connected.is_ok())
    };
    let (accepted, connected) =
        meet(&Security::Tls(Arc::clone(&remote)), &Security::Tls(Arc::clone(&local)))?;
    let (mut secondary, primary) = (accepted?, connected?);
    let authority = Authority::new("the next one")?;
    for name in [LOCAL, REMOTE] {
        authority.issue(pair.folder.path(), name)?;
    }
    assert!(meets()?, "what was read holds until it is read again");
    local.reload()?;
    assert!(!meets()?, "each knows another authority");
    remote.reload()?;
    assert!(meets()?);
    fs::write(&pair.local.certificate, "none")?;
    assert!(local.reload().is_err());
    assert!(meets()?, "what cannot be read changes nothing");
    primary.sender.send(write(1))?;
    let heard: ToSecondary<Payload> = secondary.receiver.recv()?;
    assert_eq!(heard, write(1), "a connection that there is goes on");
    Ok(())
}

#[test]
fn each_unusable_identity_is_refused_by_name() -> Result<(), Failure> {
    type Change = fn(&Path, &IdentityFiles) -> Result<(), Failure>;
    let cases: [(&str, Change, &str); 7] = [
        ("no key", |_, files| Ok(fs::remove_file(&files.key)?), ".key: "),
        ("no authority", |_, files| Ok(fs::remove_file(&files.authority)?), "authority.pem: "),
        (
            "an empty file",
            |_, files| Ok(fs::write(&files.certificate, "")?),
            "local.example.pem has no certificate; one in PEM is needed",
        ),
        (
            "a damaged certificate",
            |_, files| {
                let text = fs::read_to_string(&files.certificate)?.replace("MI", "!!");
                Ok(fs::write(&files.certificate, text)?)
            },
            "cannot read ",
        ),
        (
            "the key of another certificate",
            |folder, files| Ok(fs::write(&files.key, fs::read(folder.join("192.0.2.7.key"))?)?),
            "local.example.pem: ",
        ),
        (
            "a key that is none",
            |_, files| Ok(fs::write(&files.key, fs::read(&files.certificate)?)?),
            ".key: ",
        ),
        (
            "a key that everybody reads",
            |_, files| {
                use std::os::unix::fs::PermissionsExt;
                Ok(fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644))?)
            },
            "every user can read ",
        ),
    ];
    for (case, change, expected) in cases {
        let pair = Pair::new()?;
        Identity::load(pair.local.clone(), REMOTE)?;
        change(pair.folder.path(), &pair.local)?;
        let Err(error) = Identity::load(pair.local.clone(), REMOTE) else {
            return Err(format!("{case} is taken").into());
        };
        assert!(error.to_string().contains(expected), "{case}: {error}");
    }
    let pair = Pair::new()?;
    let Err(error) = Identity::load(pair.local.clone(), "no name at all") else {
        return Err("a name that is none is taken".into());
    };
    assert!(error.to_string().starts_with("\"no name at all\" is no name"), "{error}");
    Ok(())
}

#[test]
fn a_stranger_that_never_ends_its_handshake_is_given_up() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let mut listener = Listener::bind("127.0.0.1:0")?;
    let stranger = TcpStream::connect(listener.local_addr()?)?;
    let incoming = listener.accept()?;
    let began = std::time::Instant::now();
    let refused = incoming.greet(&hello(Role::Secondary), &pair.called()?);
    assert!(matches!(refused, Err(LinkError::Handshake { .. })), "{refused:?}");
    assert!(began.elapsed() >= Duration::from_secs(4), "it has had its time");
    drop(stranger);
    Ok(())
}

/// Files of an identity that is nowhere, for the sake of their names.
#[test]
fn what_an_identity_shows_of_itself_has_no_key_in_it() -> Result<(), Failure> {
    let pair = Pair::new()?;
    let key = fs::read_to_string(&pair.local.key)?;
    let shown = format!("{:?}", Identity::load(pair.local.clone(), REMOTE)?);
    let secret = key.lines().nth(1).unwrap_or_default();
    assert!(secret.len() > 40 && !shown.contains(secret), "{shown}");
    let path: PathBuf = pair.local.key.clone();
    assert!(shown.contains(&path.display().to_string()), "{shown}");
    Ok(())
}
