//! The second process: the remote site, and what it does when the first one orders it.

use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use syncsplit_impl::backup::ReadOnly;
use syncsplit_impl::dial::TcpCalled;
use syncsplit_impl::frame::Role;
use syncsplit_impl::remote::RemoteConfig;
use syncsplit_impl::site::{RemoteDialers, RemoteSite, RemoteSiteConfig};
use syncsplit_impl::trace::NoTrace;
use syncsplit_impl::volume::{FileVolume, Volume};
use syncsplit_model::protocol::{BlockIndex, PairState, ReorderQueue, Seq};

use crate::Outcome;
use crate::control::{Answer, BLOCK_SIZE, BLOCKS, Order, hear, hello, say};

/// How long anything may take here before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a backup goes on reading after the copy: a real one is larger than this example's, and reads for longer.
const READING: Duration = Duration::from_millis(200);

/// Serves until standard input ends, which it does when the first process does. `sweep` is then removed: the first
/// process had no time to.
pub(crate) fn run(directory: &Path, sweep: Option<&Path>) -> Outcome {
    let outcome = serve(directory, &mut io::stdin().lock());
    if let Some(sweep) = sweep {
        std::fs::remove_dir_all(sweep)?;
    }
    outcome
}

fn serve(directory: &Path, orders: &mut impl BufRead) -> Outcome {
    let array = TcpCalled::bind("127.0.0.1:0", hello(Role::Secondary))?;
    let host = TcpCalled::bind("127.0.0.1:0", hello(Role::Requester))?;
    let ready = Answer::Ready {
        array: array.local_addr().to_string(),
        host: host.local_addr().to_string(),
    };
    let volume = |name: &str| FileVolume::create(directory.join(name), BLOCK_SIZE, BLOCKS);
    let spvol = Arc::new(volume("spvol")?);
    let config = RemoteSiteConfig {
        // A link that is cut is mended long before this side would count the pair as failed.
        array: RemoteConfig { patience_ticks: 10_000, ..RemoteConfig::default() },
        answer_timeout: PATIENCE,
        tick: Duration::from_millis(50),
        ..RemoteSiteConfig::default()
    };
    let dialers = RemoteDialers { array: Box::new(array), host: Box::new(host) };
    let svol = Arc::new(volume("svol")?);
    let site = RemoteSite::start(config, spvol.clone(), svol, dialers, Arc::new(NoTrace))?;
    say(&mut io::stdout(), &ready)?;
    while let Some(order) = hear(orders)? {
        let answer = obey(&site, &spvol, &order)
            .unwrap_or_else(|error| Answer::Failed { reason: error.to_string() });
        say(&mut io::stdout(), &answer)?;
    }
    Ok(())
}

fn obey(site: &RemoteSite, spvol: &FileVolume, order: &Order) -> Outcome<Answer> {
    match order {
        Order::Backup { image } => {
            let (id, read) = site.backup(|id, svol| (id, read_twice(svol, image)))?;
            read?;
            Ok(Answer::BackedUp { id })
        }
        Order::Image { image } => {
            let (written, state) = copy_at_rest(site, spvol, image)?;
            Ok(Answer::Copied { written, state })
        }
        Order::State => {
            let state = site.node().state()?.state;
            Ok(Answer::State { state, troubles: site.troubles().take() })
        }
    }
}

/// Copies the S-VOL, and looks a while later whether it has stood still (BACKUP-1).
fn read_twice(svol: &ReadOnly<'_>, image: &Path) -> Outcome {
    svol.copy_to(image)?;
    thread::sleep(READING);
    let copy = FileVolume::open(image, svol.block_size(), svol.blocks())?;
    for block in (0..svol.blocks()).map(BlockIndex) {
        if svol.read(block)? != copy.read(block)? {
            return Err(format!("block {} of the S-VOL changed while it was read", block.0).into());
        }
    }
    Ok(())
}

/// Copies the S/P-VOL when nothing more is applied to it. Story of why it looks again afterwards:
/// 1. The primary's end of the link is cut; this end still holds frames that have not been read.
/// 2. Everything that has arrived is applied, and the copy begins.
/// 3. The rest is read and applied meanwhile: the copy's first half is older than its second.
/// 4. `written` has moved, so that copy is thrown away.
fn copy_at_rest(site: &RemoteSite, spvol: &FileVolume, image: &Path) -> Outcome<(Seq, PairState)> {
    let deadline = Instant::now() + PATIENCE;
    let look = || -> Outcome<_> {
        let secondary = site.node().state()?;
        let more = secondary.queue.contains(secondary.written.next());
        Ok((secondary.written, secondary.state, more))
    };
    let mut last = None;
    while Instant::now() < deadline {
        let (written, state, more) = look()?;
        let at_rest = !more && last == Some(written);
        last = Some(written);
        if !at_rest {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        std::fs::copy(spvol.path(), image)?;
        if look()? == (written, state, false) {
            return Ok((written, state));
        }
    }
    Err(format!("the S/P-VOL was not at rest within {PATIENCE:?} of the primary's end").into())
}
