//! Takeover, gold copy, fencing of the old primary and failback, one operation at a time (TAKEOVER-1, TAKEOVER-2, RESYNC-4).

use std::sync::atomic::Ordering;

use crate::common::{BLOCK_SIZE, Failing, Failure, Kit, image, payload};
use syncsplit_impl::NodeError;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::trace::{NoTrace, RoleRecord};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryRefusal};
use syncsplit_model::protocol::{BackupId, BlockIndex, DirtyMap, Incarnation, PairState};
use syncsplit_model::record::{Blocks, Digest, HandedOver};

const FIRST: BlockIndex = BlockIndex(0);

/// A pair in which a resync has overwritten one block of the S/P-VOL, and no more; and the image of before.
fn in_the_middle_of_copy() -> Result<(Kit, Vec<Payload>), Failure> {
    let kit = Kit::paired()?;
    for block in 0..4 {
        kit.local.write(BlockIndex(block), payload(u64::from(block) + 1))?;
    }
    kit.settle()?;
    let consistent = image(kit.spvol.as_ref())?;
    kit.local.suspend()?;
    kit.carry()?;
    for block in 0..4 {
        kit.local.write(BlockIndex(block), payload(u64::from(block) + 11))?;
    }
    kit.local.resync()?;
    kit.carry()?;
    kit.local.copy_next()?.ok_or("nothing was copied")?;
    kit.local.send_next()?.ok_or("nothing was sent")?;
    kit.carry()?;
    assert!(kit.remote.apply_next()?);
    assert_ne!(image(kit.spvol.as_ref())?, consistent);
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Split(Purpose::Gold));
    Ok((kit, consistent))
}

/// What both sides hold is what the remote host saw and wrote since the takeover.
fn brought_home(kit: &Kit, remote: &[Payload]) -> Result<(), Failure> {
    let home = kit.fail_back()?;
    assert_eq!(home.local.view()?.state, PairState::Psus);
    assert_eq!(home.remote.state()?.state, PairState::Psue);
    home.resynced()?;
    // The old P-VOL is the new pair's S/P-VOL.
    assert_eq!(image(kit.pvol.as_ref())?, remote);
    assert_eq!(image(kit.spvol.as_ref())?, remote);
    Ok(())
}

/// RESYNC-4: the image of before the resync comes back, and with it the pair can be failed back.
#[test]
fn a_takeover_in_copy_brings_the_gold_copy_back() -> Result<(), Failure> {
    let (kit, consistent) = in_the_middle_of_copy()?;
    kit.remote.takeover(false)?;
    assert_eq!(image(kit.spvol.as_ref())?, consistent);
    let secondary = kit.remote.state()?;
    assert_eq!(
        (secondary.state, secondary.consistent, secondary.replica.state),
        (PairState::Ssws, true, ReplicaState::Pair)
    );
    kit.remote.write(BlockIndex(2), payload(99))?;
    let mut written = consistent;
    written[2] = payload(99);
    brought_home(&kit, &written)
}

/// A gold copy that is half brought back is no image: nobody reads it, and it is brought back before anything else.
#[test]
fn a_restore_that_fails_is_finished_before_anything_else() -> Result<(), Failure> {
    let (kit, consistent) = in_the_middle_of_copy()?;
    for broken in [&kit.svol.reads_fail, &kit.spvol.writes_fail, &kit.spvol.flushes_fail] {
        broken.store(true, Ordering::SeqCst);
        let refused = kit.remote.takeover(false);
        let once_more = kit.remote.state()?.state == PairState::Ssws;
        assert!(matches!(refused, Err(NodeError::Volume { .. })) && once_more, "{refused:?}");
        assert!(matches!(kit.remote.read(FIRST), Err(NodeError::Volume { .. })));
        assert!(matches!(kit.remote.write(FIRST, payload(5)), Err(NodeError::Volume { .. })));
        assert!(matches!(kit.remote.hand_over(), Err(NodeError::Volume { .. })));
        broken.store(false, Ordering::SeqCst);
    }
    kit.remote.tick()?;
    assert_eq!(image(kit.spvol.as_ref())?, consistent);
    kit.remote.write(FIRST, payload(5))?;
    assert_eq!(kit.remote.read(FIRST)?, payload(5));
    Ok(())
}

/// TAKEOVER-1: the first copying leaves nothing to go back to, so only force takes it over.
#[test]
fn the_first_copying_has_no_gold_copy() -> Result<(), Failure> {
    let kit = Kit::new()?;
    kit.local.create()?;
    kit.carry()?;
    let refused = kit.remote.takeover(false);
    let no_image = SecondaryRefusal::NotConsistent;
    assert!(matches!(refused, Err(NodeError::Secondary(refusal)) if refusal == no_image));
    kit.remote.takeover(true)?;
    assert_eq!(kit.remote.state()?.state, PairState::Ssws);
    Ok(())
}

/// RESYNC-4: a backup whose reading lasted into COPY holds the last consistent image, and keeps it over a takeover.
#[test]
fn a_backup_being_read_is_the_image_that_a_takeover_brings_back() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.settle()?;
    let id = kit.permitted()?;
    let backup = image(kit.svol.as_ref())?;
    kit.local.write(FIRST, payload(2))?;
    kit.settle()?;
    kit.local.fail()?;
    kit.local.resync()?;
    kit.carry()?;
    assert_eq!(kit.remote.state()?.state, PairState::Copy);
    kit.remote.takeover(false)?;
    assert_eq!((image(kit.spvol.as_ref())?, image(kit.svol.as_ref())?), (backup.clone(), backup));
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Split(Purpose::Backup(id)));
    kit.requester.finish()?;
    assert!(!kit.remote.state()?.replica.is_split());
    Ok(())
}

/// TAKEOVER-1: what the remote host writes is in nobody's Sync, so it is in no backup.
#[test]
fn no_backup_is_split_after_a_takeover() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let id = kit.requester.start()?;
    kit.remote.takeover(false)?;
    kit.remote.write(FIRST, payload(9))?;
    kit.settle_hosts()?;
    assert!(kit.requester.wait_permission(id).is_err());
    assert_eq!(kit.remote.state()?.replica.state, ReplicaState::Pair);
    Ok(())
}

/// The story that failback is for: the local site is lost sight of, the remote one goes on, the local one has written a
/// little more that nobody ever saw remotely.
#[test]
fn takeover_remote_writes_fencing_and_failback() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.settle()?;
    kit.local.write(BlockIndex(1), payload(2))?;
    kit.remote.takeover(false)?;
    for (block, number) in [(0, 3), (2, 4)] {
        kit.remote.write(BlockIndex(block), payload(number))?;
    }
    let remote = image(kit.spvol.as_ref())?;
    // The old primary sends what it has, is told that the pairing is over, and writes on by itself.
    kit.settle()?;
    assert_eq!(
        (kit.local.view()?.state, image(kit.spvol.as_ref())?),
        (PairState::Psue, remote.clone())
    );
    kit.local.write(BlockIndex(3), payload(5))?;
    kit.local.resync()?;
    kit.settle()?;
    assert_eq!(
        (kit.local.view()?.state, kit.remote.state()?.state),
        (PairState::Psue, PairState::Ssws)
    );
    brought_home(&kit, &remote)
}

/// TAKEOVER-2: an old primary that has heard of nothing at all hands over its journal as dirty blocks.
#[test]
fn an_old_primary_that_never_noticed_is_failed_back_too() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(BlockIndex(1), payload(2))?;
    kit.remote.takeover(false)?;
    kit.remote.write(FIRST, payload(3))?;
    let remote = image(kit.spvol.as_ref())?;
    assert_eq!(kit.local.view()?.state, PairState::Pair);
    brought_home(&kit, &remote)
}

/// RESYNC-1: the old primary has gone on to pairings that the other side never heard of; the new one goes on above them.
#[test]
fn a_failback_goes_on_above_every_pairing_there_was() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.suspend()?;
    kit.local.resync()?;
    kit.local.delete()?;
    while kit.local.take_outgoing().is_some() {}
    kit.remote.takeover(false)?;
    kit.remote.write(FIRST, payload(1))?;
    let old = (kit.local.state()?.incarnation, kit.remote.state()?.incarnation);
    assert_eq!(old, (Incarnation(2), Incarnation(1)));
    let home = kit.fail_back()?;
    home.resynced()?;
    let view = home.local.view()?;
    assert_eq!((view.state, view.newest.incarnation), (PairState::Pair, Incarnation(3)));
    assert!(home.volumes_agree());
    Ok(())
}

/// There and back: after a second takeover and failback the roles are where they were, and so are the writes.
#[test]
fn the_roles_come_home_by_a_second_failback() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.remote.takeover(false)?;
    kit.remote.write(FIRST, payload(1))?;
    let away = kit.fail_back()?;
    away.resynced()?;
    away.local.write(BlockIndex(1), payload(2))?;
    away.settle()?;
    away.remote.takeover(false)?;
    away.remote.write(BlockIndex(2), payload(3))?;
    let home = away.fail_back()?;
    home.resynced()?;
    let expected = [payload(1), payload(2), payload(3), payload(0)];
    assert_eq!(image(kit.pvol.as_ref())?, expected);
    assert_eq!(image(kit.spvol.as_ref())?, expected);
    // And the pair at home is an ordinary one, backups included.
    home.local.write(BlockIndex(3), payload(4))?;
    let id = home.requester.start()?;
    home.settle()?;
    home.settle_hosts()?;
    home.requester.wait_permission(id)?;
    assert_eq!(image(home.svol.as_ref())?, image(kit.pvol.as_ref())?);
    Ok(())
}

/// RESYNC-4 after a failback: the old P-VOL's image is kept as a gold copy until the resync has ended.
#[test]
fn the_old_pvol_can_be_gone_back_to_until_the_failback_is_over() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.settle()?;
    kit.remote.takeover(false)?;
    for block in 0..4 {
        kit.remote.write(BlockIndex(block), payload(9))?;
    }
    let old = image(kit.pvol.as_ref())?;
    let away = kit.fail_back()?;
    away.local.resync()?;
    away.carry()?;
    away.local.copy_next()?;
    away.local.send_next()?;
    away.carry()?;
    away.remote.apply_next()?;
    assert_ne!(image(kit.pvol.as_ref())?, old);
    away.remote.takeover(false)?;
    assert_eq!(image(kit.pvol.as_ref())?, old);
    Ok(())
}

/// A node that has handed over is over: its volume belongs to another.
#[test]
fn what_is_handed_over_is_handed_over_once() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let refused = kit.remote.hand_over();
    let in_pair = SecondaryRefusal::WrongState(PairState::Pair);
    assert!(matches!(refused, Err(NodeError::Secondary(refusal)) if refusal == in_pair));
    kit.settle()?;
    kit.local.write(FIRST, payload(1))?;
    kit.remote.takeover(false)?;
    let (taken_over, old) = (kit.remote.hand_over()?, kit.local.hand_over()?);
    assert!(format!("{taken_over:?} {old:?}").contains("Ssws"));
    for outcome in [
        kit.local.write(FIRST, payload(2)),
        kit.local.read(FIRST).map(drop),
        kit.remote.write(FIRST, payload(2)),
        kit.remote.read(FIRST).map(drop),
        kit.local.hand_over().map(drop),
        kit.remote.hand_over().map(drop),
    ] {
        assert!(
            matches!(outcome, Err(NodeError::HandedOver { .. } | NodeError::Stopped)),
            "{outcome:?}"
        );
    }
    let error = kit.local.view().err().ok_or("a state was left")?.to_string();
    assert_eq!(
        error,
        "the primary's state was handed over; a node of the other role goes on with its volume"
    );
    let (svol, host) = (Failing::new(5)?, kit.to_local_host.clone());
    let trace = std::sync::Arc::new(NoTrace);
    let refused = RemoteNode::from_old_primary(RemoteConfig::default(), old, svol, host, trace);
    let words = refused.err().ok_or("another shape was accepted")?.to_string();
    let shapes = format!("5 blocks of {BLOCK_SIZE} bytes; the S/P-VOL has 4 of {BLOCK_SIZE}");
    assert!(words.contains(&shapes), "{words}");
    Ok(())
}

/// The trace tells of a restore, and of the state in which each side goes on after a failback.
#[test]
fn the_trace_tells_what_was_restored_and_handed_over() -> Result<(), Failure> {
    let (kit, _) = in_the_middle_of_copy()?;
    kit.remote.takeover(false)?;
    let _home = kit.fail_back()?;
    let (mut restored, mut from) = (0, Vec::new());
    for record in kit.trace.records() {
        match record.role {
            RoleRecord::Secondary(taken) => {
                let is_restore = |done: &&SecondaryEffect<Digest, Blocks>| {
                    matches!(done, SecondaryEffect::Replica(ReplicaEffect::Restore(_)))
                };
                restored += taken.effects.iter().filter(is_restore).count();
            }
            RoleRecord::Start(start) => from.extend(start.from),
            _ => {}
        }
    }
    assert_eq!(restored, 1);
    match &from[..] {
        [HandedOver::Primary(primary), HandedOver::Secondary(secondary)] => {
            assert_eq!((primary.state, primary.incarnation), (PairState::Psus, Incarnation(2)));
            assert_eq!((secondary.state, secondary.consistent), (PairState::Psue, true));
            // What the copying had brought over is undone here; over there its entry is still in the journal.
            assert_eq!((primary.dirty.len(), secondary.dirty.len()), (1, 4));
        }
        other => return Err(format!("the starts say {other:?}").into()),
    }
    Ok(())
}

/// A takeover marks nothing by itself: what was written since is what the other side lacks.
#[test]
fn only_what_was_written_since_the_takeover_is_dirty() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.remote.takeover(false)?;
    kit.remote.write(BlockIndex(2), payload(1))?;
    kit.remote.arm(BackupId(1))?;
    let dirty: Vec<_> = kit.remote.state()?.dirty.iter().collect();
    assert_eq!(dirty, [BlockIndex(2)]);
    assert!(kit.local.state()?.dirty.is_clean());
    Ok(())
}
