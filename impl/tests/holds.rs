//! Backups without a database (QUIESCE-1, claim 4): host writes are held at the primary, for a lease, and the answer to
//! their release decides.

use std::sync::Arc;

use crate::common::{Failure, Kit, LateClock, image, payload};
use syncsplit_impl::NodeError;
use syncsplit_impl::backup::{BackupError, CoordinatorInbox, CoordinatorInput};
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::stillness::Stillness;
use syncsplit_impl::trace::{NoTrace, RoleRecord};
use syncsplit_model::protocol::coordinator::{CoordinatorEvent, CoordinatorState};
use syncsplit_model::protocol::primary::PrimaryRefusal;
use syncsplit_model::protocol::{BackupId, BlockIndex, PairState};

const FIRST: BlockIndex = BlockIndex(0);
const ID: BackupId = BackupId(1);

fn is_held(outcome: &Result<(), NodeError>, id: BackupId) -> bool {
    matches!(outcome, Err(NodeError::Primary(PrimaryRefusal::Quiesced(held))) if *held == id)
}

/// Claim 4, in the hardened order: held, Sync, split, released, permitted.
#[test]
fn a_backup_holds_host_writes_where_there_is_no_database() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    assert_eq!(kit.coordinator.state()?.state, CoordinatorState::Syncing(id));
    let held = image(kit.pvol.as_ref())?;
    let write = |kit: &Kit| kit.local.write(FIRST, payload(2));
    kit.while_waiting(1, write, || {
        assert!(is_held(&kit.local.try_write(FIRST, payload(3)), id));
        kit.settle()?;
        kit.settle_hosts()?;
        Ok(())
    })??;
    kit.requester.wait_permission(id)?;
    kit.settle()?;
    assert_eq!(image(kit.svol.as_ref())?, held);
    assert_eq!((kit.local.view()?.state, kit.local.read(FIRST)?), (PairState::Pair, payload(2)));
    kit.requester.finish()?;
    let told: Vec<String> = kit
        .trace
        .records()
        .iter()
        .filter_map(|record| match &record.role {
            RoleRecord::Coordinator(taken) => Some(format!("{:?}", taken.event)),
            RoleRecord::Primary(taken) => {
                let word = format!("{:?}", taken.event);
                (word.contains("uiesce") || word == "LeaseExpired").then_some(word)
            }
            RoleRecord::Database(taken) => Some(format!("the database was asked: {taken:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "Request(BackupId(1))",
            "Quiesce(BackupId(1))",
            "Frozen(BackupId(1))",
            "Synced { done: true }",
            "SplitAnswer { id: BackupId(1), done: true }",
            "Unquiesce(BackupId(1))",
            "Thawed { id: BackupId(1), held: true }",
        ]
    );
    Ok(())
}

/// FREEZE-2, FREEZE-3, BACKUP-2 for a hold: the lease ends before the split is done, and a write comes in between.
#[test]
fn a_hold_that_ended_by_its_lease_rejects_the_backup() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    assert!(kit.local.hold_expired(BackupId(id.0 + 1)).is_err());
    kit.local.hold_expired(id)?;
    kit.local.try_write(FIRST, payload(2))?;
    kit.settle()?;
    kit.settle_hosts()?;
    assert!(kit.is_rejected(id));
    let (_, why) = kit.coordinator.failure().ok_or("no reason was kept")?;
    assert_eq!(why, "the freeze did not hold until the split was done (FREEZE-3)");
    assert!(!kit.remote.state()?.replica.is_split());
    Ok(())
}

/// FREEZE-2: the clock ends a hold that nobody ends, and a coordinator that is no more holds nobody up.
#[test]
fn the_clock_ends_a_hold_whose_coordinator_is_gone() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    kit.local.write(FIRST, payload(1))?;
    let id = kit.asked()?;
    kit.coordinator.restart()?;
    assert!(is_held(&kit.local.try_write(FIRST, payload(2)), id));
    kit.clock.fire_all();
    kit.local.try_write(FIRST, payload(2))?;
    // BACKUP-3: the requester's timeout was among the deadlines.
    assert!(matches!(kit.requester.wait_permission(id), Err(BackupError::TimedOut(_))));
    Ok(())
}

/// FREEZE-2: the deadline of an older hold does not end a newer one, whenever it falls due.
#[test]
fn the_deadline_of_an_older_hold_ends_no_newer_one() -> Result<(), Failure> {
    let kit = Kit::new()?;
    let (clock, inbox) = (Arc::new(LateClock::default()), Arc::new(CoordinatorInbox::new()));
    let config = LocalConfig::default();
    let node = LocalNode::new(config, kit.pvol.clone(), clock.clone(), Arc::new(NoTrace));
    node.answer_holds_to(inbox.clone());
    node.freeze(ID)?;
    node.thaw(ID)?;
    node.freeze(BackupId(2))?;
    clock.fire(0);
    assert_eq!(node.state()?.quiesced, Some(BackupId(2)));
    clock.fire(1);
    assert_eq!((node.state()?.quiesced, clock.registered()), (None, 2));
    node.thaw(BackupId(2))?;
    let told: Vec<_> = std::iter::from_fn(|| inbox.try_take()).collect();
    let expected = [
        CoordinatorEvent::Frozen(ID),
        CoordinatorEvent::Thawed { id: ID, held: true },
        CoordinatorEvent::Frozen(BackupId(2)),
        CoordinatorEvent::Thawed { id: BackupId(2), held: false },
    ];
    assert_eq!(told, expected.map(CoordinatorInput::Event));
    Ok(())
}

/// FREEZE-3: a hold that another backup took over did not last for the first, and is not ended by it.
#[test]
fn a_release_of_another_backup_ends_no_hold() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    let inbox = kit.coordinator.inbox();
    kit.local.quiesce(ID)?;
    kit.local.quiesce(BackupId(2))?;
    kit.local.unquiesce(ID)?;
    assert_eq!(kit.local.state()?.quiesced, Some(BackupId(2)));
    let answers: Vec<_> = std::iter::from_fn(|| inbox.try_take()).collect();
    let not_held = CoordinatorEvent::Thawed { id: ID, held: false };
    assert_eq!(answers.last(), Some(&CoordinatorInput::Event(not_held)));
    Ok(())
}

/// QUIESCE-1: a hold keeps back hosts, and neither the copier nor the link.
#[test]
fn a_hold_keeps_nothing_from_being_copied() -> Result<(), Failure> {
    let kit = Kit::holding()?;
    kit.local.fail()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.quiesce(ID)?;
    kit.resynced()?;
    assert_eq!(kit.local.state()?.quiesced, Some(ID));
    Ok(())
}
