//! The fourth part: the remote site takes the volume over and goes on as the bank, the old site is fenced, and a failback
//! brings home what was committed away (TAKEOVER-1, TAKEOVER-2).

use std::path::Path;
use std::sync::Arc;

use syncsplit_impl::dial::TcpCalled;
use syncsplit_impl::frame::Role;
use syncsplit_impl::site::{RemoteDialers, RemoteSite};
use syncsplit_impl::trace::NoTrace;
use syncsplit_impl::volume::FileVolume;
use syncsplit_model::protocol::PairState;

use crate::bank::Bank;
use crate::certificates::{self, Process};
use crate::control::{Answer, BLOCK_SIZE, BLOCKS, Order, RemoteProcess, hello};
use crate::moments::{ImageCounts, KnownCommits, check, recover};
use crate::primary::Primary;
use crate::traffic::Traffic;
use crate::{Outcome, Scratch, remote};

/// So many commits come before the takeover, so that it is about something.
const COMMITS_BEFORE: i64 = 100;
/// So many more are answered at the old site before it is given up: they are lost, as in any takeover.
const COMMITS_LOST: i64 = 20;
/// So many are committed at the remote site, and so many after the failback.
const COMMITS_AWAY: u32 = 50;

/// Plays the part; the answer says what was shown.
pub(crate) fn run(scratch: &Scratch<'_>, seed: u64) -> Outcome<String> {
    let (directory, mut remote, primary) = Primary::with_remote(scratch, "homecoming", seed)?;
    println!(
        "TAKEOVER: remote site in process {}; both links are cut, the remote host takes over",
        remote.id()
    );
    let mut bank = Bank::new(seed);
    let (taken, answered) = primary.while_writing(|traffic| {
        let taken = take_over(&primary, &mut remote, traffic, &mut bank, &directory)
            .map_err(|error| remote.explain(error))?;
        traffic.wait_for(COMMITS_LOST)?;
        Ok((taken, traffic.answered()))
    })?;
    // The customers over there are others, so that nobody can take their transactions for those that were lost.
    let away = !seed;
    bank.go_on_with(away);
    let commits = taken + i64::from(COMMITS_AWAY);
    expect_commits(&mut remote, away, commits)?;
    println!(
        "         S/P-VOL opened: integrity_check ok, the bank after its first {taken} commits; {COMMITS_AWAY} more there"
    );
    println!(
        "         old primary {} by the other side's report, {} commits lost with it",
        primary.view()?.state,
        answered - taken
    );
    fail_back(&primary, &mut remote, &mut bank, &directory, commits)?;
    Ok(format!("a takeover, {COMMITS_AWAY} commits away, and a failback that brought them home"))
}

/// Cuts the primary off, has the S/P-VOL taken over, and lets the old primary find out; how many commits were taken over.
fn take_over(
    primary: &Primary,
    remote: &mut RemoteProcess,
    traffic: &Traffic,
    bank: &mut Bank,
    directory: &Path,
) -> Outcome<i64> {
    traffic.wait_for(COMMITS_BEFORE)?;
    let view = primary.view()?;
    let known = KnownCommits { remote: traffic.known_remote(&view), answered: traffic.answered() };
    let (array, host) = (primary.site.array_link(), primary.site.host_link());
    array.cut();
    host.cut();
    let image = directory.join("taken-over.image");
    match remote.ask(&Order::TakeOver { image: image.clone() })? {
        Answer::TakenOver => {}
        other => return Err(format!("the remote site answered {other:?}").into()),
    }
    array.mend();
    host.mend();
    // The old primary is told by the next report, and suspends itself (PAIR-3).
    primary.wait_for(|view| view.state == PairState::Psue)?;
    // Nothing that it asks for is granted any more.
    primary.site.node().resync()?;
    let taken = recover(&image, bank, 0, &mut ImageCounts::default())?;
    check(taken, &known, traffic.begun())?;
    match remote.state()? {
        PairState::Ssws => Ok(taken),
        other => Err(format!("after the takeover the remote site is in {other}").into()),
    }
}

/// Has transactions committed over there, the last of which must be this one.
fn expect_commits(remote: &mut RemoteProcess, seed: u64, last: i64) -> Outcome {
    match remote.ask(&Order::Commit { seed, count: COMMITS_AWAY })? {
        Answer::Committed { newest } if newest == last => Ok(()),
        other => Err(format!("{other:?}, when commit {last} was the one to come").into()),
    }
}

/// Changes the roles: this process goes on as the remote site, on the old P-VOL; the other one is the local site.
fn fail_back(
    primary: &Primary,
    remote: &mut RemoteProcess,
    bank: &mut Bank,
    directory: &Path,
    commits: i64,
) -> Outcome {
    let old = primary.hand_over()?;
    let newest = old.incarnation_newest();
    let security = certificates::of(directory, Process::First)?;
    let array = TcpCalled::bind("127.0.0.1:0", hello(Role::Secondary), security.clone())?;
    let host = TcpCalled::bind("127.0.0.1:0", hello(Role::Requester), security)?;
    let order = Order::FailBack {
        newest,
        array: array.local_addr().to_string(),
        host: host.local_addr().to_string(),
    };
    let svol = FileVolume::create(directory.join("svol"), BLOCK_SIZE, BLOCKS)?;
    let dialers = RemoteDialers { array: Box::new(array), host: Box::new(host) };
    let home =
        RemoteSite::start_from(remote::config(), old, Arc::new(svol), dialers, Arc::new(NoTrace))?;
    let view = match remote.ask(&order).map_err(|error| remote.explain(error))? {
        Answer::FailedBack { view } if view.state == PairState::Pair => view,
        other => return Err(format!("the remote site answered {other:?}").into()),
    };
    equal(primary, remote, bank, directory, commits)?;
    println!(
        "FAILBACK: the remote site is the primary, incarnation {}, {}; both volumes equal, the bank after {commits} \
         commits",
        view.newest.incarnation.0, view.state
    );
    let commits = commits + i64::from(COMMITS_AWAY);
    bank_goes_on(&home, remote, bank, directory, commits)?;
    println!(
        "         backup at home opened: integrity_check ok, the bank after {commits} commits"
    );
    home.stop();
    let troubles = home.troubles().take();
    if troubles.is_empty() { Ok(()) } else { Err(troubles.join("; ").into()) }
}

/// The two volumes hold the same, byte for byte: the bank with everything that was committed away.
fn equal(
    primary: &Primary,
    remote: &mut RemoteProcess,
    bank: &mut Bank,
    directory: &Path,
    commits: i64,
) -> Outcome {
    let (there, here) = (directory.join("there.image"), directory.join("here.image"));
    match remote.ask(&Order::Synced { image: there.clone() })? {
        Answer::Copied { state: PairState::Pair, .. } => {}
        other => return Err(format!("the remote site answered {other:?}").into()),
    }
    std::fs::copy(primary.pvol().path(), &here)?;
    if std::fs::read(&here)? != std::fs::read(&there)? {
        return Err("after the failback the volumes differ".into());
    }
    holds("the old P-VOL", &here, bank, commits)
}

/// The image is the bank after so many commits.
fn holds(what: &str, image: &Path, bank: &mut Bank, commits: i64) -> Outcome {
    let held = recover(image, bank, 0, &mut ImageCounts::default())?;
    if held == commits {
        return Ok(());
    }
    Err(format!("{what} holds {held} commits, not {commits}").into())
}

/// The bank goes on at its new primary, and is backed up at home.
fn bank_goes_on(
    home: &RemoteSite,
    remote: &mut RemoteProcess,
    bank: &mut Bank,
    directory: &Path,
    commits: i64,
) -> Outcome {
    expect_commits(remote, bank.seed(), commits)?;
    let image = directory.join("home.image");
    home.backup(|_, svol| svol.copy_to(&image))??;
    holds("the backup at home", &image, bank, commits)
}
