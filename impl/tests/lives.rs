//! What can become of a pair, on two whole sites with all their threads, over channels and over TCP: left by the secondary,
//! deleted and made anew, backed up without a database, taken over and failed back. Nothing here asserts a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::common::sites::{
    BLOCKS, Over, Sites, over_both, patient, rejected_when_the_lease_ends, wait_more,
};
use crate::common::{Failure, image, payload};
use syncsplit_impl::backup::BackupError;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::site::{LocalSiteConfig, RemoteSiteConfig};
use syncsplit_impl::stillness::HoldStill;
use syncsplit_impl::trace::{MemoryTrace, RoleRecord};
use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::{BlockIndex, PairState};

/// Sites whose backups hold host writes.
fn without_database() -> (LocalSiteConfig, RemoteSiteConfig) {
    let (local, remote) = patient();
    (LocalSiteConfig { holds: HoldStill::HostWrites, ..local }, remote)
}

/// What a volume holds after the first `count` writes of a host that writes number `n` to block `n % BLOCKS`.
fn after(count: u64) -> Vec<Payload> {
    let mut blocks = vec![payload(0); BLOCKS as usize];
    for number in 1..=count {
        blocks[(number % u64::from(BLOCKS)) as usize] = payload(number);
    }
    blocks
}

/// The number of the newest write in an image of such a host.
fn newest(blocks: &[Payload]) -> u64 {
    let number =
        |held: &Payload| held.bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    blocks.iter().map(number).max().unwrap_or(0)
}

/// Runs `body` while one host writes numbers in order and passes no gate; `body` is told how many have been answered.
fn while_counting<T>(
    sites: &Sites,
    body: impl FnOnce(&AtomicU64) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let block = (number % u64::from(BLOCKS)) as u32;
                sites.write(block, number).map_err(|error| error.to_string())?;
                answered.store(number, Ordering::SeqCst);
            }
            Ok::<_, String>(())
        });
        let outcome = body(&answered);
        over.store(true, Ordering::SeqCst);
        if outcome.is_err() {
            // The writer may wait for what nobody ends any more.
            sites.local.stop();
        }
        let written = writer.join().map_err(|_| "the writer panicked")?;
        let outcome = outcome?;
        written?;
        Ok(outcome)
    })
}

/// PAIR-3: the secondary leaves over a link that works, while the database writes; the primary learns of it, and the pair
/// comes back.
#[test]
fn a_secondary_that_leaves_over_a_working_link_is_heard_of() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.while_writing(|_| {
            sites.remote.node().fail()?;
            sites.wait_for(PairState::Psue)
        })?;
        sites.while_writing(|_| {
            sites.local.node().resync()?;
            sites.wait_for(PairState::Pair)
        })?;
        sites.synced()
    })
}

/// PAIR-4, PAIR-1.
#[test]
fn a_pair_is_deleted_and_made_anew_while_writing_goes_on() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.while_writing(|_| {
            sites.local.node().delete()?;
            sites.remote.node().wait_until(|secondary| secondary.state == PairState::Smpl)?;
            Ok(())
        })?;
        assert_eq!(sites.local.node().view()?.state, PairState::Smpl);
        sites.while_writing(|_| sites.pair())?;
        sites.synced()
    })
}

/// XFER-1: both arrays restart while the database writes; what was on its way is sent again.
#[test]
fn arrays_that_restart_lose_nothing_that_was_answered() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.while_writing(|written| {
            for _ in 0..5 {
                wait_more(written);
                sites.local.node().restart()?;
                sites.remote.node().restart()?;
            }
            Ok(())
        })?;
        assert_eq!(sites.local.node().view()?.state, PairState::Pair);
        sites.synced()
    })
}

/// QUIESCE-1, claim 4: the backup is what the first so many writes make, all of those among them that had been answered
/// before it was asked for, and the host goes on afterwards.
#[test]
fn a_backup_without_a_database_is_a_prefix_of_the_writes() -> Result<(), Failure> {
    over_both(without_database, |sites| {
        sites.pair()?;
        while_counting(sites, |answered| {
            let mut before = 0;
            for _ in 0..3 {
                wait_more(answered);
                let asked = answered.load(Ordering::SeqCst);
                let backup = sites.remote.backup(|_, svol| {
                    let blocks = (0..svol.blocks()).map(|block| svol.read(BlockIndex(block)));
                    blocks.collect::<Result<Vec<_>, _>>()
                })??;
                let count = newest(&backup);
                assert_eq!(backup, after(count));
                assert!(count >= asked && count > before, "{count} of {asked}, {before} before");
                before = count;
            }
            assert_eq!(sites.local.node().view()?.state, PairState::Pair);
            Ok(())
        })?;
        sites.synced()
    })
}

/// FREEZE-2, FREEZE-3 for a hold: the lease ends while Sync waits, the host goes on, the backup is rejected.
#[test]
fn a_hold_that_expires_rejects_the_backup() -> Result<(), Failure> {
    let expired = |record: &RoleRecord| {
        matches!(record, RoleRecord::Primary(taken)
            if taken.event == PrimaryEvent::LeaseExpired && taken.refused.is_none())
    };
    rejected_when_the_lease_ends(without_database, expired, |sites| sites.write(0, 2))
}

/// BACKUP-3, FREEZE-2: the local host restarts in the middle of a backup; the database goes on, and so do later backups.
#[test]
fn a_local_host_that_restarts_leaves_nobody_waiting() -> Result<(), Failure> {
    let hasty = || {
        let (local, mut remote) = patient();
        remote.answer_timeout = Duration::from_millis(200);
        (local, remote)
    };
    over_both(hasty, |sites| {
        sites.pair()?;
        sites.losing.store(true, Ordering::SeqCst);
        sites.write(0, 1)?;
        thread::scope(|scope| {
            let backup = scope.spawn(|| sites.remote.backup(|_, _| ()));
            while sites.local.gate().try_begin().is_ok() {
                sites.local.gate().commit()?;
                thread::yield_now();
            }
            sites.local.restart_host()?;
            sites.local.gate().transaction(|| sites.write(0, 2))??;
            let given_up = backup.join().map_err(|_| "the backup panicked")?;
            assert!(matches!(given_up, Err(BackupError::TimedOut(_))), "{given_up:?}");
            Ok::<_, Failure>(())
        })?;
        sites.losing.store(false, Ordering::SeqCst);
        sites.synced()?;
        while let Err(error) = sites.remote.backup(|_, _| ()) {
            // A machine that is busy may need longer than this test's timeout.
            assert!(matches!(error, BackupError::TimedOut(_)), "{error}");
        }
        Ok(())
    })
}

/// RESYNC-4, TAKEOVER-1: the link dies in the middle of a resync, and the remote site goes on from the image of before it.
#[test]
fn a_takeover_in_copy_goes_back_to_the_last_consistent_image() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        while_counting(sites, |answered| {
            wait_more(answered);
            Ok(())
        })?;
        sites.synced()?;
        let consistent = image(sites.spvol.as_ref())?;
        sites.local.node().suspend()?;
        sites.remote.node().wait_until(|secondary| secondary.state == PairState::Ssus)?;
        for block in 0..BLOCKS {
            sites.write(block, 7_000_000)?;
        }
        sites.local.node().resync()?;
        let some =
            |blocks: &[Payload]| blocks.iter().filter(|held| **held == payload(7_000_000)).count();
        loop {
            sites.remote.node().wait_until(|secondary| secondary.state != PairState::Ssus)?;
            let copied = some(&image(sites.spvol.as_ref())?);
            if copied > 0 {
                break;
            }
            thread::yield_now();
        }
        sites.local.array_link().cut();
        // Whether the cut came in COPY or just after it is the threads' affair; either way there is one image.
        sites.remote.node().takeover(false)?;
        let found = image(sites.spvol.as_ref())?;
        assert!(found == consistent || some(&found) == BLOCKS as usize, "{found:?}");
        Ok(())
    })
}

/// TAKEOVER-1, TAKEOVER-2: taken over while the database writes; the old primary is fenced; what the remote host writes comes
/// home by a failback, and the new pair takes backups.
#[test]
fn remote_writes_after_a_takeover_are_failed_back() -> Result<(), Failure> {
    for over in [Over::Channels, Over::Tcp] {
        let trace = Arc::new(MemoryTrace::new());
        let sites = Sites::start(over, patient(), trace.clone())?;
        sites.pair()?;
        sites.while_writing(|written| {
            sites.remote.node().takeover(false)?;
            // The pair at home lives on until it is told.
            sites.wait_for(PairState::Psue)?;
            wait_more(written);
            Ok(())
        })?;
        for block in 0..BLOCKS / 2 {
            sites.remote.node().write(BlockIndex(block), payload(9_000_000 + u64::from(block)))?;
        }
        let remote = image(sites.spvol.as_ref())?;
        assert_ne!(image(sites.pvol.as_ref())?, remote);
        let home = sites.fail_back(over, patient(), trace)?;
        assert_eq!(home.local.node().view()?.state, PairState::Psus);
        home.local.node().resync()?;
        home.wait_for(PairState::Pair)?;
        home.synced()?;
        assert_eq!(image(home.spvol.as_ref())?, remote);
        home.while_writing(|_| Ok(home.remote.backup(|_, _| ())?))?;
        home.synced()?;
        assert_eq!((home.local.troubles().take(), home.remote.troubles().take()), (vec![], vec![]));
    }
    Ok(())
}
