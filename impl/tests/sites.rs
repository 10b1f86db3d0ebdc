//! Two sites with all their threads in one process, over channels and over TCP, with volumes in files. Nothing here
//! asserts a time: waits end by events, and timeouts are either far away or what is waited for.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;

use crate::common::Failure;
use crate::common::sites::{
    BLOCKS, FAR, Over, Sites, over_both, patient, rejected_when_the_lease_ends, wait_more,
};
use syncsplit_impl::backup::BackupError;
use syncsplit_impl::trace::{FileTrace, RoleRecord, Taken, read_trace};
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{BlockIndex, PairState, ToPrimary, ToSecondary};

/// PAIR-1, WRITE-1, SYNC-3.
#[test]
fn concurrent_writers_and_sync() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.while_writing(|_| sites.pair())?;
        sites.while_writing(|_| {
            let report = sites.local.sync("oradb", FAR)?;
            assert_eq!(report.outcome, SyncOutcome::Done);
            Ok(())
        })?;
        sites.synced()
    })
}

/// PAIR-2, WRITE-3, RESYNC-1 to RESYNC-3, while writing goes on throughout.
#[test]
fn suspension_and_resync_while_writing() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.while_writing(|_| {
            sites.local.node().suspend()?;
            sites.remote.node().wait_until(|secondary| secondary.state == PairState::Ssus)?;
            Ok(())
        })?;
        sites.while_writing(|_| {
            sites.local.node().resync()?;
            sites.wait_for(PairState::Pair)
        })?;
        sites.synced()
    })
}

/// SYNC-5, PAIR-3, RESYNC-1: patience ends while Sync waits; afterwards the pair comes back over a new connection.
#[test]
fn a_link_that_is_cut_breaks_sync_and_the_pair_comes_back() -> Result<(), Failure> {
    // Half a second without any progress; the pair is made while nothing is lost.
    let impatient = || {
        let (mut local, remote) = patient();
        local.array.patience_ticks = 250;
        (local, remote)
    };
    over_both(impatient, |sites| {
        sites.pair()?;
        sites.losing.store(true, Ordering::SeqCst);
        sites.write(0, 1)?;
        thread::scope(|scope| {
            let waiting = scope.spawn(|| sites.local.sync("oradb", FAR));
            sites.local.array_link().cut();
            let report = waiting.join().map_err(|_| "Sync panicked")??;
            assert_eq!((report.outcome, report.exit_code()), (SyncOutcome::Broken, 2));
            Ok::<_, Failure>(())
        })?;
        sites.wait_for(PairState::Psue)?;
        sites.write(1, 2)?;
        assert_eq!(sites.local.sync("oradb", FAR).err().map(|error| error.exit_code()), Some(222));
        sites.losing.store(false, Ordering::SeqCst);
        sites.local.array_link().mend();
        sites.local.node().resync()?;
        sites.wait_for(PairState::Pair)?;
        sites.synced()?;
        // Nothing is outstanding now: the missing link alone ends patience.
        sites.local.array_link().cut();
        sites.wait_for(PairState::Psue)
    })
}

/// XFER-1: a connection that is replaced before patience ends costs nothing but repetitions.
#[test]
fn a_new_connection_carries_on_where_the_old_one_ended() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.while_writing(|_| {
            for _ in 0..5 {
                sites.local.array_link().cut();
                sites.local.array_link().mend();
                sites.remote.array_link().reset();
                let report = sites.local.sync("oradb", FAR)?;
                assert_eq!(report.outcome, SyncOutcome::Done);
            }
            Ok(())
        })?;
        sites.synced()
    })
}

/// The whole of figure 2, three times, with the pair in PAIR throughout.
#[test]
fn backups_hold_the_image_of_their_freeze_while_writing_goes_on() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        let mut backups = Vec::new();
        sites.while_writing(|written| {
            for _ in 0..3 {
                backups.push(sites.remote.backup(|_id, svol| {
                    wait_more(written);
                    let blocks = (0..svol.blocks()).map(|block| svol.read(BlockIndex(block)));
                    blocks.collect::<Result<Vec<_>, _>>()
                })??);
            }
            Ok(())
        })?;
        let frozen = sites.images.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert_eq!(backups, frozen);
        // The writers did go on, or this would show nothing.
        assert!(frozen[0] != frozen[1] && frozen[1] != frozen[2]);
        sites.synced()
    })
}

/// RESYNC-4, SYNC-1: during COPY there is no consistent image to back up.
#[test]
fn a_backup_during_copy_is_rejected() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.losing.store(true, Ordering::SeqCst);
        sites.local.node().create()?;
        sites.wait_for(PairState::Copy)?;
        let rejected = sites.remote.backup(|_, _| ());
        assert!(matches!(rejected, Err(BackupError::Rejected(_))), "{rejected:?}");
        let (_, why) = sites.local.coordinator().failure().ok_or("no reason was kept")?;
        assert_eq!(why, "the group is in COPY, Sync needs PAIR (SYNC-1)");
        sites.losing.store(false, Ordering::SeqCst);
        sites.wait_for(PairState::Pair)?;
        sites.remote.backup(|_, _| ())?;
        sites.synced()
    })
}

/// FREEZE-2, FREEZE-3, BACKUP-2: the lease ends while Sync waits, the database goes on, the backup is rejected.
#[test]
fn a_lease_that_expires_rejects_the_backup() -> Result<(), Failure> {
    let expired = |record: &RoleRecord| {
        matches!(record, RoleRecord::Database(taken)
            if taken.event == DatabaseEvent::LeaseExpired && taken.refused.is_none())
    };
    rejected_when_the_lease_ends(patient, expired, |sites| {
        sites.local.gate().transaction(|| sites.write(0, 2))?
    })
}

/// Stopping ends every wait, whatever is being waited for.
#[test]
fn a_site_stops_with_writers_syncs_and_backups_waiting() -> Result<(), Failure> {
    over_both(patient, |sites| {
        sites.pair()?;
        sites.losing.store(true, Ordering::SeqCst);
        thread::scope(|scope| {
            let writer =
                scope.spawn(|| (0..).try_for_each(|number| sites.write(0, number).map_err(drop)));
            let backup = scope.spawn(|| sites.remote.backup(|_, _| ()));
            // The journal is full, so the writer waits.
            while sites.local.node().state()?.journal.len() < 8 {
                thread::yield_now();
            }
            sites.local.stop();
            sites.remote.stop();
            assert!(writer.join().is_ok_and(|outcome| outcome.is_err()));
            assert!(matches!(backup.join(), Ok(Err(BackupError::Node(_)))));
            Ok(())
        })
    })
}

/// A trace that a running pair of sites wrote is whole, and every arrival was sent before.
#[test]
fn a_trace_of_running_sites_has_causes_before_consequences() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("trace.ndjson");
    let trace = Arc::new(FileTrace::create(&path)?);
    let sites = Sites::start(Over::Tcp, patient(), trace.clone())?;
    sites.pair()?;
    sites.while_writing(|_| Ok(sites.remote.backup(|_, _| ())?))?;
    sites.synced()?;
    drop(sites);
    trace.flush()?;
    let arrivals = check_causality(&path)?;
    assert!(arrivals > u64::from(BLOCKS), "{arrivals} arrivals");
    Ok(())
}

/// How many messages arrived; each of them was the effect of an earlier record.
fn check_causality(path: &Path) -> Result<u64, Failure> {
    let mut sent = HashSet::new();
    let mut arrivals = 0;
    for record in read_trace(BufReader::new(File::open(path)?))? {
        let (arrived, effects) = match record.role {
            RoleRecord::Secondary(Taken { event, effects, .. }) => {
                let sent = effects.into_iter().filter_map(|effect| match effect {
                    SecondaryEffect::Send(message) => Some(format!("{message:?}")),
                    _ => None,
                });
                let frame = match event {
                    SecondaryEvent::Arrived(frame @ ToSecondary::Frame(_)) => format!("{frame:?}"),
                    _ => String::new(),
                };
                (frame, sent.collect::<Vec<_>>())
            }
            RoleRecord::Primary(Taken { event, effects, .. }) => {
                let sent = effects.into_iter().filter_map(|effect| match effect {
                    PrimaryEffect::Send(message) => Some(format!("{message:?}")),
                    _ => None,
                });
                let ack = match event {
                    PrimaryEvent::Arrived(ack @ ToPrimary::Ack(_)) => format!("{ack:?}"),
                    _ => String::new(),
                };
                (ack, sent.collect())
            }
            _ => continue,
        };
        if !arrived.is_empty() {
            assert!(sent.contains(&arrived), "record {}: {arrived} was not sent before", record.n);
            arrivals += 1;
        }
        sent.extend(effects);
    }
    Ok(arrivals)
}
