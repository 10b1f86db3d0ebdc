//! The third part: the link is cut for so long that the pair is suspended, and once more in the middle of the resync.
//! During COPY there is nothing to back up but a gold copy to go back to (RESYNC-3, RESYNC-4); the next backup in PAIR is
//! right again.

use std::path::Path;

use syncsplit_model::protocol::PairState;

use crate::backups::compare;
use crate::bank::Bank;
use crate::control::{Answer, Order, RemoteProcess};
use crate::moments::{ImageCounts, KnownCommits, check, recover};
use crate::primary::Primary;
use crate::traffic::Traffic;
use crate::{Outcome, Scratch};

/// So many commits lie between two events, so that each is about something.
const COMMITS_BETWEEN: i64 = 50;
/// A resync may be over before it is cut: the pair is then suspended once more.
const ATTEMPTS: usize = 50;

/// A resync that was cut in the middle.
struct InCopy {
    /// How many blocks were dirty when it began.
    dirty: u32,
    /// What was known when the pair was suspended.
    known: KnownCommits,
}

/// Plays the part; the answer says what was shown.
pub(crate) fn run(scratch: &Scratch<'_>, seed: u64) -> Outcome<String> {
    let (directory, mut remote, primary) = Primary::with_remote(scratch, "outage", seed)?;
    println!(
        "OUTAGE:  remote site in process {}; the link is cut, mended, and cut again while the resync copies",
        remote.id()
    );
    let mut bank = Bank::new(seed);
    primary.while_writing(|traffic| {
        let gold = directory.join("gold.image");
        let in_copy = cut_in_copy(&primary, &mut remote, traffic, &gold)
            .map_err(|error| remote.explain(error))?;
        let held = recover(&gold, &mut bank, 0, &mut ImageCounts::default())?;
        check(held, &in_copy.known, traffic.begun())?;
        let why = rejected(&primary, &mut remote)?;
        println!("         COPY with {} blocks to copy; backup rejected: {why}", in_copy.dirty);
        println!(
            "         gold copy opened: integrity_check ok, the bank after its first {held} commits"
        );
        primary.site.array_link().mend();
        primary.wait_for(|view| view.state == PairState::Pair)?;
        traffic.wait_for(COMMITS_BETWEEN)?;
        let image = directory.join("backup.image");
        match remote.ask(&Order::Backup { image: image.clone() })? {
            Answer::BackedUp { .. } => {}
            other => return Err(format!("the remote site answered {other:?}").into()),
        }
        let (rows, _) = compare(&primary.take_frozen()?, &image, &mut bank)?;
        println!("         PAIR; backup of {rows} rows: integrity_check ok, every row as frozen");
        Ok(())
    })?;
    remote.state()?;
    primary.stop()?;
    Ok("a resync cut in two, its gold copy a committed prefix".to_owned())
}

/// Suspends the pair, lets the bank go on, and cuts the resync that follows while it copies; the gold copy is then in
/// `image`, and the link is cut.
fn cut_in_copy(
    primary: &Primary,
    remote: &mut RemoteProcess,
    traffic: &Traffic,
    image: &Path,
) -> Outcome<InCopy> {
    let (node, link) = (primary.site.node(), primary.site.array_link());
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        traffic.wait_for(COMMITS_BETWEEN)?;
        let view = primary.view()?;
        let known =
            KnownCommits { remote: traffic.known_remote(&view), answered: traffic.answered() };
        link.cut();
        node.fail()?;
        traffic.wait_for(COMMITS_BETWEEN)?;
        let dirty = node.state()?.dirty.count();
        link.mend();
        node.resync()?;
        node.wait_until(|view| view.state.is_linked())?;
        link.cut();
        // Over there what has arrived may still end the copying, so it is asked, and not this side.
        match remote.ask(&Order::Gold { image: image.to_owned() }) {
            Ok(Answer::Copied { state: PairState::Copy, .. }) => {
                return Ok(InCopy { dirty, known });
            }
            Ok(other) => return Err(format!("the remote site answered {other:?}").into()),
            Err(error) => last = error.to_string(),
        }
        link.mend();
        primary.wait_for(|view| view.state == PairState::Pair)?;
    }
    Err(format!("{ATTEMPTS} resyncs were over before they could be cut; {last}").into())
}

/// A backup during COPY is rejected; why, in the coordinator's words (SYNC-1).
fn rejected(primary: &Primary, remote: &mut RemoteProcess) -> Outcome<String> {
    let image = primary.pvol().path().with_file_name("never.image");
    let outcome = remote.ask(&Order::Backup { image: image.clone() });
    let words = match outcome {
        Err(error) if error.to_string().contains("rejected by the coordinator") => primary
            .site
            .coordinator()
            .failure()
            .map(|(_, why)| why)
            .ok_or("the coordinator has no reason")?,
        other => return Err(format!("a backup during COPY ended in {other:?}").into()),
    };
    if image.exists() {
        return Err("a backup that was rejected was read".into());
    }
    // The database was frozen for it, and has gone on since.
    primary.take_frozen()?;
    Ok(words)
}
