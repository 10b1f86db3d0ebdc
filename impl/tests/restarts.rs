//! Each role restarted in place: what is volatile is lost, what is not goes on, and nobody is left waiting.

use std::sync::Barrier;
use std::thread;

use crate::common::{Failure, Kit, image, payload};
use syncsplit_impl::NodeError;
use syncsplit_impl::backup::BackupError;
use syncsplit_model::protocol::coordinator::{CoordinatorRefusal, CoordinatorState};
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, HostMessage, Incarnation, PairState, Seq, ToSecondary,
};

const FIRST: BlockIndex = BlockIndex(0);

/// WRITE-1, XFER-1: answered writes are in the journal, and are sent again although their frames were lost.
#[test]
fn a_primary_that_restarts_sends_again_what_its_journal_holds() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    for number in 1..=3 {
        kit.local.write(FIRST, payload(number))?;
    }
    kit.send()?;
    kit.local.restart()?;
    assert_eq!(kit.local.take_outgoing(), None);
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.remote.read(FIRST)?), (PairState::Pair, payload(3)));
    Ok(())
}

/// RESYNC-1: the incarnation asked for outlives the crash: its answer is taken, and it is asked for again without a command.
#[test]
fn a_primary_that_restarts_goes_on_asking() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.suspend()?;
    kit.settle()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.resync()?;
    let incarnation = Incarnation(2);
    let lost = kit.outgoing()?;
    assert_eq!(lost, ToSecondary::Resync { incarnation });
    kit.local.restart()?;
    kit.local.tick()?;
    let again = kit.outgoing()?;
    assert_eq!(again, ToSecondary::Resync { incarnation });
    kit.remote.on_message(again)?;
    kit.local.restart()?;
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.volumes_agree()), (PairState::Pair, true));
    Ok(())
}

/// FREEZE-3 for a hold: one that a crash ended did not last, though nothing was written meanwhile.
#[test]
fn a_primary_that_restarts_has_lost_its_hold() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    kit.while_waiting(1, |kit| kit.local.write(FIRST, payload(2)), || Ok(kit.local.restart()?))??;
    kit.settle()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    Ok(())
}

/// XFER-1, XFER-3: the reorder queue is lost, and nothing of it had been reported.
#[test]
fn a_secondary_that_restarts_is_sent_again_what_it_had_queued() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    for number in 1..=3 {
        kit.local.write(FIRST, payload(number))?;
    }
    kit.send()?;
    // The first is lost, so the others wait for it.
    drop(kit.local.take_outgoing());
    kit.carry()?;
    assert_eq!(kit.remote.state()?.queue.len(), 2);
    kit.remote.restart()?;
    let (written, secondary) = (kit.local.view()?.written, kit.remote.state()?);
    assert_eq!((secondary.queue.len(), secondary.written), (0, written));
    kit.local.tick()?;
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.remote.read(FIRST)?), (PairState::Pair, payload(3)));
    Ok(())
}

/// A report that was lost with the outbox is made again without being asked for.
#[test]
fn a_secondary_that_restarts_reports_again() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.send_next()?;
    kit.carry()?;
    assert!(kit.remote.apply_next()?);
    kit.remote.report()?;
    kit.remote.restart()?;
    assert_eq!(kit.remote.take_outgoing(), None);
    kit.remote.apply_or_wait()?;
    kit.local.on_message(kit.reported()?)?;
    let view = kit.local.view()?;
    assert_eq!(view.written, view.newest.seq);
    Ok(())
}

/// SPLIT-2: what was armed is forgotten, so the split is refused and the backup rejected; a split that stands stays.
#[test]
fn a_secondary_that_restarts_is_not_armed_any_more() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let id = kit.requester.start()?;
    kit.remote.restart()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    let id = kit.permitted()?;
    kit.remote.restart()?;
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Split(Purpose::Backup(id)));
    kit.requester.finish()?;
    assert!(!kit.remote.state()?.replica.is_split());
    Ok(())
}

/// FREEZE-3: a freeze that a crash ended did not hold. Whoever waited for it goes on.
#[test]
fn a_database_that_restarts_has_lost_its_freeze() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Frozen(id));
    let transaction = |kit: &Kit| kit.gate.transaction(|| kit.local.write(FIRST, payload(2)))?;
    kit.while_waiting(1, transaction, || Ok(kit.gate.restart()?))??;
    kit.settle()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    Ok(())
}

/// FREEZE-1: what was open is finished from the log, and a freeze that comes later waits for it.
#[test]
fn what_was_open_when_the_database_restarts_is_finished() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.gate.begin()?;
    kit.gate.freeze(BackupId(1))?;
    kit.gate.restart()?;
    let database = kit.gate.state()?;
    assert_eq!((database.freeze, database.open), (FreezeState::Running, 1));
    kit.gate.freeze(BackupId(2))?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Freezing(BackupId(2)));
    kit.gate.commit()?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Frozen(BackupId(2)));
    Ok(())
}

/// BACKUP-3, BACKUP-4: the backup that was under way is forgotten, its id is not; the next one goes through.
#[test]
fn a_coordinator_that_restarts_gives_its_backup_up_and_takes_the_next() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    assert_eq!(kit.coordinator.state()?.state, CoordinatorState::Syncing(id));
    kit.coordinator.restart()?;
    let (failed, why) = kit.coordinator.failure().ok_or("no reason was kept")?;
    assert_eq!((failed, why.as_str()), (id, "the coordinator was restarted"));
    // Its Sync returns to nobody, and a repeat of the request is known.
    kit.settle()?;
    kit.coordinator.take_all()?;
    kit.coordinator.inbox().on_host_message(HostMessage::Request(id));
    let repeated = kit.coordinator.take_next();
    let seen = CoordinatorRefusal::SeenBefore(id);
    assert!(matches!(repeated, Err(NodeError::Coordinator(refusal)) if refusal == seen));
    // FREEZE-2, BACKUP-3: the freeze ends by its lease, the backup by the requester's timeout.
    kit.clock.fire_all();
    assert!(matches!(kit.requester.wait_permission(id), Err(BackupError::TimedOut(_))));
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Running);
    kit.permitted()?;
    Ok(())
}

/// A coordinator's mailbox is its memory: what waited in it is lost too.
#[test]
fn a_coordinator_that_restarts_has_lost_what_it_had_not_read() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.coordinator.inbox().on_host_message(HostMessage::Request(BackupId(1)));
    kit.coordinator.restart()?;
    kit.coordinator.take_all()?;
    assert_eq!(kit.coordinator.state()?.newest, None);
    Ok(())
}

/// BACKUP-1, BACKUP-4: whoever waits hears of it, the S-VOL is released, and a permission that comes late opens nothing.
#[test]
fn a_requester_that_restarts_while_it_waits_is_told_so() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| kit.requester.backup(|_, _| ()));
        while kit.requester.state()?.state == RequesterState::Idle {
            thread::yield_now();
        }
        let id = kit.requester.newest()?;
        kit.requester.restart()?;
        let outcome = waiting.join().map_err(|_| "the backup panicked")?;
        assert!(matches!(outcome, Err(BackupError::Interrupted(got)) if got == id), "{outcome:?}");
        kit.settle_hosts()?;
        assert_eq!(kit.requester.state()?.state, RequesterState::Idle);
        assert_eq!(
            (kit.remote.state()?.armed, kit.remote.state()?.replica.is_split()),
            (None, false)
        );
        Ok::<_, Failure>(())
    })?;
    assert_eq!(kit.requester.start()?, BackupId(2));
    Ok(())
}

/// What was being read is not a backup, and its reader releases nobody else's.
#[test]
fn a_requester_that_restarts_while_it_reads_has_no_backup() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let (reading, go_on) = (Barrier::new(2), Barrier::new(2));
    let second = thread::scope(|scope| {
        let first = scope.spawn(|| {
            kit.requester.backup(|_, _| {
                reading.wait();
                go_on.wait();
            })
        });
        while kit.requester.state()?.state == RequesterState::Idle {
            thread::yield_now();
        }
        kit.settle_hosts()?;
        reading.wait();
        kit.requester.restart()?;
        assert!(!kit.remote.state()?.replica.is_split());
        let second = kit.requester.start()?;
        kit.settle_hosts()?;
        kit.requester.wait_permission(second)?;
        go_on.wait();
        let outcome = first.join().map_err(|_| "the backup panicked")?;
        assert!(matches!(outcome, Err(BackupError::Interrupted(BackupId(1)))), "{outcome:?}");
        Ok::<_, Failure>(second)
    })?;
    assert_eq!(kit.requester.state()?.state, RequesterState::Reading(second));
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Split(Purpose::Backup(second)));
    let backup = image(kit.svol.as_ref())?;
    kit.local.write(FIRST, payload(1))?;
    kit.settle()?;
    assert_eq!(image(kit.svol.as_ref())?, backup);
    Ok(())
}

/// Nothing is renumbered by any restart.
#[test]
fn no_restart_takes_a_number_back() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let before = (kit.local.view()?, kit.remote.state()?.written);
    kit.local.restart()?;
    kit.remote.restart()?;
    assert_eq!((kit.local.view()?, kit.remote.state()?.written), before);
    kit.local.write(FIRST, payload(2))?;
    assert_eq!(kit.local.view()?.newest.seq, Seq(before.0.newest.seq.0 + 1));
    Ok(())
}
