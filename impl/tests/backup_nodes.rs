//! Sync, the gate, coordinator and requester, one operation at a time: no threads but those that have to wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::common::{Failure, Kit, LateClock, image, payload};
use syncsplit_impl::backup::{BackupError, CoordinatorInbox, CoordinatorInput};
use syncsplit_impl::database::{Gate, WriteThrough};
use syncsplit_impl::local::sync::{SyncError, SyncReport};
use syncsplit_impl::roles::Protocol;
use syncsplit_impl::trace::{NoTrace, RoleRecord};
use syncsplit_model::protocol::coordinator::{CoordinatorEvent, CoordinatorState};
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::ReplicaState;
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, HostMessage, Incarnation, PairState, QMarker, Seq,
};

const FIRST: BlockIndex = BlockIndex(0);
const ID: BackupId = BackupId(1);

/// CCI's manual, with its numbers.
#[test]
fn a_report_is_what_the_host_command_prints() {
    let marker = QMarker { incarnation: Incarnation(1), seq: Seq(0x0034_08ef) };
    let report = |outcome, waiting| SyncReport { unit: 0, ctgid: 3, marker, outcome, waiting };
    let done = report(SyncOutcome::Done, 2).to_string();
    assert_eq!(done, "UnitID CTGID Q-Marker Status Q-Num\n0 3 01003408ef DONE 2");
    let outcomes =
        [SyncOutcome::Done, SyncOutcome::Timeout, SyncOutcome::Broken, SyncOutcome::Changed];
    assert_eq!(outcomes.map(|outcome| report(outcome, 0).exit_code()), [0, 1, 2, 3]);
}

/// SYNC-1.
#[test]
fn sync_outside_pair_or_of_another_group_fails_at_once() -> Result<(), Failure> {
    let kit = Kit::new()?;
    let refused = kit.local.sync("oradb", Duration::MAX).err().ok_or("Sync went through")?;
    assert_eq!(refused.exit_code(), 222);
    assert_eq!(refused.to_string(), "the group is in SMPL, Sync needs PAIR (SYNC-1)");
    let unknown = kit.local.sync("sapdb", Duration::MAX).err().ok_or("Sync went through")?;
    assert_eq!(
        (unknown.exit_code(), unknown.to_string().as_str()),
        (239, r#"no group "sapdb" here; the group is "oradb""#)
    );
    Ok(())
}

/// SYNC-2, SYNC-3: it waits for what was written before it, and for nothing later.
#[test]
fn sync_is_done_when_what_it_holds_is_reported() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let ticket = kit.local.begin_sync()?;
    let held = kit.local.view()?.newest;
    kit.local.write(FIRST, payload(2))?;
    assert_eq!(kit.local.try_sync(ticket)?, None);
    kit.send_one()?;
    kit.remote.apply_next()?;
    kit.remote.report()?;
    kit.local.on_message(kit.reported()?)?;
    let report = kit.local.wait_sync(ticket)?;
    assert_eq!((report.outcome, report.marker, report.waiting), (SyncOutcome::Done, held, 1));
    assert!(matches!(kit.local.try_sync(ticket), Err(SyncError::NotWaiting(_))));
    // Nothing is outstanding at all: the first look ends it.
    kit.settle()?;
    let ticket = kit.local.begin_sync()?;
    assert_eq!(kit.local.wait_sync(ticket)?.outcome, SyncOutcome::Done);
    Ok(())
}

/// SYNC-4, SYNC-5.
#[test]
fn sync_ends_at_its_timeout_and_when_the_pair_breaks() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let (late, broken) = (kit.local.begin_sync()?, kit.local.begin_sync()?);
    kit.local.sync_timeout(late)?;
    let report = kit.local.wait_sync(late)?;
    assert_eq!((report.outcome, report.waiting), (SyncOutcome::Timeout, 2));
    kit.local.fail()?;
    let report = kit.local.wait_sync(broken)?;
    assert_eq!((report.outcome, report.waiting, report.exit_code()), (SyncOutcome::Broken, 0, 2));
    // A timeout that comes too late finds nothing.
    kit.local.sync_timeout(broken)?;
    Ok(())
}

/// The clock brings the timeout; the caller waits on nothing but events.
#[test]
fn a_waiting_caller_is_ended_by_the_clock() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| kit.local.sync("oradb", Duration::from_secs(3600)));
        while kit.clock.pending() == 0 {
            thread::yield_now();
        }
        kit.clock.fire_all();
        let report = waiting.join().map_err(|_| "Sync panicked")??;
        assert_eq!(report.outcome, SyncOutcome::Timeout);
        Ok(())
    })
}

/// FREEZE-1: what has begun is finished, what has not waits.
#[test]
fn a_freeze_waits_for_open_transactions_and_holds_new_ones() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.gate.begin()?;
    kit.gate.freeze(ID)?;
    kit.gate.write_permitted()?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Freezing(ID));
    assert!(kit.gate.try_begin().is_err());
    kit.gate.commit()?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Frozen(ID));
    assert!(kit.gate.write_permitted().is_err());
    let transaction = |kit: &Kit| kit.gate.transaction(|| kit.local.write(FIRST, payload(1)))?;
    kit.while_waiting(3, transaction, || Ok(kit.gate.thaw(ID)?))??;
    assert_eq!(kit.gate.state()?.open, 0);
    Ok(())
}

/// FREEZE-2: neither the deadline of an older freeze, nor that of reaching this one, ends this one.
#[test]
fn the_deadline_of_an_older_freeze_ends_no_newer_one() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let (clock, inbox) = (Arc::new(LateClock::default()), Arc::new(CoordinatorInbox::new()));
    let hooks = Box::new(WriteThrough(kit.local.clone()));
    let gate = Gate::new(
        Arc::new(Protocol),
        Duration::ZERO,
        hooks,
        inbox,
        clock.clone(),
        Arc::new(NoTrace),
    );
    gate.freeze(ID)?;
    gate.thaw(ID)?;
    gate.freeze(BackupId(2))?;
    // Reaching and holding the first, reaching the second.
    for old in 0..3 {
        clock.fire(old);
    }
    assert!(gate.lease_expired(ID).is_err());
    assert_eq!(gate.state()?.freeze, FreezeState::Frozen(BackupId(2)));
    clock.fire(3);
    assert_eq!((gate.state()?.freeze, clock.registered()), (FreezeState::Running, 4));
    Ok(())
}

/// FREEZE-2: a transaction that never ends must not keep the others out.
#[test]
fn reaching_a_freeze_is_bounded_too() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.gate.begin()?;
    kit.gate.freeze(ID)?;
    kit.clock.fire_all();
    kit.gate.begin()?;
    assert_eq!(kit.gate.state()?.open, 2);
    Ok(())
}

/// What is committed did not reach the P-VOL: no answer that it is frozen, no freeze.
#[test]
fn a_flush_that_fails_rejects_the_backup_and_thaws() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.pvol.flushes_fail.store(true, Ordering::SeqCst);
    let id = kit.asked()?;
    assert!(kit.is_rejected(id));
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Running);
    let (failed, why) = kit.coordinator.failure().ok_or("no reason was kept")?;
    assert!(
        failed == id && why.starts_with("the database cannot be frozen: the P-VOL failed"),
        "{why}"
    );
    Ok(())
}

/// Figure 2, in the hardened order.
#[test]
fn a_backup_reads_the_image_of_the_freeze() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    assert_eq!(kit.coordinator.state()?.state, CoordinatorState::Syncing(id));
    let frozen = image(kit.pvol.as_ref())?;
    kit.settle()?;
    kit.settle_hosts()?;
    kit.requester.wait_permission(id)?;
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Running);
    kit.local.write(FIRST, payload(2))?;
    kit.settle()?;
    assert_eq!(image(kit.svol.as_ref())?, frozen);
    kit.requester.finish()?;
    kit.settle()?;
    assert_eq!(image(kit.svol.as_ref())?, image(kit.pvol.as_ref())?);
    Ok(())
}

/// BACKUP-2, FREEZE-3: the lease ends before the split is done, so the backup is rejected.
#[test]
fn a_lease_that_ended_rejects_the_backup() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    kit.gate.lease_expired(id)?;
    kit.gate.transaction(|| kit.local.write(FIRST, payload(2)))??;
    kit.settle()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Pair);
    Ok(())
}

/// BACKUP-3, SYNC-1, SYNC-5: whatever goes wrong, the database runs and the requester is answered.
#[test]
fn a_backup_outside_pair_or_over_a_broken_pair_is_rejected() -> Result<(), Failure> {
    let kit = Kit::new()?;
    let id = kit.asked()?;
    assert!(kit.is_rejected(id));
    kit.local.create()?;
    kit.settle()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    kit.local.fail()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    assert_eq!(kit.gate.state()?.freeze, FreezeState::Running);
    Ok(())
}

/// BACKUP-3: the coordinator's and the requester's own timeouts, when the host link loses the split or the answer.
#[test]
fn lost_host_messages_end_in_timeouts() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let id = kit.requester.start()?;
    assert!(matches!(kit.requester.start(), Err(BackupError::Busy)));
    let request = kit.to_local_host.try_take().ok_or("nothing was asked")?;
    kit.coordinator.inbox().on_host_message(request);
    kit.coordinator.take_all()?;
    assert_eq!(kit.to_remote_host.try_take(), Some(HostMessage::Split(id)));
    kit.clock.fire_all();
    kit.coordinator.take_all()?;
    assert_eq!(kit.to_remote_host.try_take(), Some(HostMessage::Reject(id)));
    assert!(matches!(kit.requester.wait_permission(id), Err(BackupError::TimedOut(_))));
    assert_eq!(
        (kit.coordinator.state()?.state, kit.requester.state()?.state),
        (CoordinatorState::Idle, RequesterState::Idle)
    );
    Ok(())
}

/// What comes late ends nothing: the Sync of another backup, the deadline of an answer that came.
#[test]
fn what_comes_late_to_the_coordinator_ends_no_later_wait() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.requester.start()?;
    let inbox = kit.coordinator.inbox();
    inbox.push(CoordinatorInput::Event(CoordinatorEvent::Request(id)));
    inbox.push(CoordinatorInput::Synced { id: BackupId(9), done: false });
    kit.coordinator.take_all()?;
    inbox.push(CoordinatorInput::Synced { id: BackupId(9), done: false });
    kit.coordinator.take_all()?;
    assert_eq!(kit.coordinator.state()?.state, CoordinatorState::Syncing(id));
    kit.settle()?;
    kit.coordinator.take_all()?;
    inbox.push(CoordinatorInput::Deadline(1));
    kit.coordinator.take_all()?;
    assert_eq!(kit.coordinator.state()?.state, CoordinatorState::Splitting(id));
    Ok(())
}

/// A volume that fails while the requester is told no: the S-VOL is released when it works again.
#[test]
fn a_release_is_made_up_for_when_the_volumes_work_again() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.permitted()?;
    kit.local.write(FIRST, payload(1))?;
    kit.send_one()?;
    kit.spvol.writes_fail.store(true, Ordering::SeqCst);
    assert!(kit.remote.apply_next().is_err() && kit.requester.finish().is_err());
    assert!(kit.remote.state()?.replica.is_split());
    assert!(kit.requester.start().is_err());
    assert_eq!(
        (kit.requester.state()?.state, kit.to_local_host.try_take()),
        (RequesterState::Idle, None)
    );
    kit.spvol.writes_fail.store(false, Ordering::SeqCst);
    kit.remote.tick()?;
    assert!(!kit.remote.state()?.replica.is_split());
    Ok(())
}

/// The trace's order is one in which each role's events happened, causes before consequences.
#[test]
fn the_trace_tells_the_backup_in_order() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.permitted()?;
    kit.requester.finish()?;
    let records = kit.trace.records();
    assert!(records.iter().enumerate().all(|(place, record)| record.n == place as u64));
    let told: Vec<String> = records
        .iter()
        .filter_map(|record| match &record.role {
            RoleRecord::Requester(taken) => Some(format!("requester {:?}", taken.event)),
            RoleRecord::Coordinator(taken) => Some(format!("coordinator {:?}", taken.event)),
            RoleRecord::Database(taken) => Some(format!("database {:?}", taken.event)),
            RoleRecord::Sync(taken) => Some(format!("sync {:?}", taken.effects)),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "requester Start",
            "coordinator Request(BackupId(1))",
            "database Freeze(BackupId(1))",
            "coordinator Frozen(BackupId(1))",
            "sync []",
            "sync [Return(Done)]",
            "coordinator Synced { done: true }",
            "coordinator SplitAnswer { id: BackupId(1), done: true }",
            "database Thaw(BackupId(1))",
            "coordinator Thawed { id: BackupId(1), held: true }",
            "requester Permit(BackupId(1))",
            "requester Finish",
        ]
    );
    Ok(())
}

#[test]
fn the_pair_stays_pair_throughout_a_backup() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.permitted()?;
    kit.requester.finish()?;
    kit.settle()?;
    let left = kit.trace.records().into_iter().skip_while(
        |record| !matches!(&record.role, RoleRecord::Primary(taken) if taken.after.state == PairState::Pair),
    );
    let states = left.filter_map(|record| match record.role {
        RoleRecord::Primary(taken) => Some(taken.after.state),
        _ => None,
    });
    assert!(states.into_iter().all(|state| state == PairState::Pair));
    Ok(())
}
