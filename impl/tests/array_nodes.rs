//! The arrays' nodes, one operation at a time: no threads, no clock, every message in the test's hands.

use std::sync::atomic::Ordering;

use crate::common::{Failure, Kit, image, payload};
use syncsplit_impl::NodeError;
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::payload::Payload;
use syncsplit_model::protocol::primary::{JournalFull, PrimaryRefusal};
use syncsplit_model::protocol::secondary::SecondaryRefusal;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, DirtyMap, HostMessage, Incarnation, PairState, Seq, ToPrimary,
};

const FIRST: BlockIndex = BlockIndex(0);

/// PAIR-1, RESYNC-2, RESYNC-3.
#[test]
fn create_copies_what_was_written_before_and_ends_in_pair() -> Result<(), Failure> {
    let kit = Kit::new()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.create()?;
    kit.settle()?;
    assert_eq!(kit.local.view()?.state, PairState::Pair);
    assert_eq!(kit.remote.state()?.state, PairState::Pair);
    assert!(kit.volumes_agree());
    Ok(())
}

/// WRITE-1, XFER-3.
#[test]
fn writes_in_pair_reach_the_remote_volume_whatever_order_they_arrive_in() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    for number in 1..=3 {
        kit.local.write(FIRST, payload(number))?;
    }
    kit.send()?;
    let mut messages: Vec<_> = std::iter::from_fn(|| kit.local.take_outgoing()).collect();
    messages.reverse();
    for message in messages {
        kit.remote.on_message(message)?;
    }
    kit.settle()?;
    assert_eq!(kit.remote.read(FIRST)?, payload(3));
    Ok(())
}

/// WRITE-4: the host waits, and goes on when an acknowledgement makes room.
#[test]
fn a_full_journal_holds_the_writer_until_it_has_room() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    for number in 0..4 {
        kit.local.write(FIRST, payload(number))?;
    }
    let refused = kit.local.try_write(FIRST, payload(4));
    assert!(matches!(refused, Err(NodeError::Primary(PrimaryRefusal::JournalFull))));
    kit.while_waiting(2, |kit| kit.local.write(FIRST, payload(4)), || Ok(kit.settle()?))??;
    kit.settle()?;
    assert_eq!(kit.remote.read(FIRST)?, payload(4));
    Ok(())
}

/// WRITE-4, the other choice.
#[test]
fn a_full_journal_suspends_the_pair_when_so_configured() -> Result<(), Failure> {
    let kit = Kit::paired_with(|local, _| local.array.journal_full = JournalFull::Suspend)?;
    for number in 0..5 {
        kit.local.write(FIRST, payload(number))?;
    }
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    assert!(kit.local.state()?.dirty.is_dirty(FIRST));
    Ok(())
}

/// QUIESCE-1.
#[test]
fn held_writes_pass_when_released() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.quiesce(BackupId(1))?;
    kit.while_waiting(
        1,
        |kit| kit.local.write(FIRST, payload(7)),
        || Ok(kit.local.unquiesce(BackupId(1))?),
    )??;
    assert_eq!(kit.local.read(FIRST)?, payload(7));
    Ok(())
}

/// XFER-1, XFER-2: a lost frame is sent again by the clock, a lost acknowledgement is reported again.
#[test]
fn the_tick_sends_again_what_the_link_lost() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.send_next()?;
    drop(kit.local.take_outgoing());
    kit.local.tick()?;
    kit.local.send_next()?;
    let frame = kit.outgoing()?;
    kit.remote.on_message(frame)?;
    kit.remote.apply_or_wait()?;
    kit.remote.apply_or_wait()?;
    drop(kit.reported()?);
    kit.local.tick()?;
    kit.local.send_next()?;
    let again = kit.outgoing()?;
    let duplicate = kit.remote.on_message(again);
    assert!(matches!(duplicate, Err(NodeError::Secondary(SecondaryRefusal::Duplicate(_)))));
    kit.remote.apply_or_wait()?;
    kit.local.on_message(kit.reported()?)?;
    let view = kit.local.view()?;
    assert_eq!(view.written, view.newest.seq);
    Ok(())
}

/// A reorder queue shorter than the journal: later entries must not keep the next one out.
#[test]
fn the_next_entry_finds_room_whatever_has_arrived_ahead_of_it() -> Result<(), Failure> {
    let kit = Kit::with(|_, remote| remote.array.queue_max = 2)?;
    kit.local.create()?;
    for _ in 0..9 {
        kit.local.resend()?;
        kit.settle()?;
    }
    for number in 1..=4 {
        kit.local.write(FIRST, payload(number))?;
    }
    kit.send()?;
    // The first is lost; two of the other three fill the queue.
    drop(kit.local.take_outgoing());
    for message in std::iter::from_fn(|| kit.local.take_outgoing()) {
        ignore_refusal(kit.remote.on_message(message))?;
    }
    for _ in 0..4 {
        kit.local.resend()?;
        kit.settle()?;
    }
    assert_eq!(kit.remote.read(FIRST)?, payload(4));
    Ok(())
}

/// Two nodes in COPY, with every block dirty but the last.
fn in_copy_with_block_3_clean() -> Result<Kit, Failure> {
    let kit = Kit::paired()?;
    kit.local.suspend()?;
    for block in 0..3 {
        kit.local.write(BlockIndex(block), payload(100))?;
    }
    kit.local.resync()?;
    kit.carry()?;
    Ok(kit)
}

/// RESYNC-2: COPY ends although the hosts take every place in the journal that they find.
#[test]
fn writers_that_keep_the_journal_full_do_not_keep_copy_from_ending() -> Result<(), Failure> {
    let kit = in_copy_with_block_3_clean()?;
    let mut kept = false;
    for number in 0..20 {
        // The hosts come first, at the only block that is clean.
        let refused = (0..=4).find_map(|more| {
            let event = kit.local.try_write(BlockIndex(3), payload(10 * number + more));
            event.err()
        });
        if kit.local.view()?.state == PairState::Pair {
            assert!(kept, "the hosts never found the journal full but for the copier's place");
            return Ok(());
        }
        kept |= matches!(refused, Some(NodeError::Primary(PrimaryRefusal::KeptForCopy)));
        // The sender and copier comes last, and finds the place that was kept for it.
        kit.copy()?;
        kit.send()?;
        kit.carry()?;
        kit.apply()?;
        kit.carry()?;
    }
    Err(format!("still in {} after 20 rounds", kit.local.view()?.state).into())
}

/// RESYNC-2: COPY ends although there is always an entry to send, since the writers are faster than the link.
#[test]
fn writers_faster_than_the_link_do_not_keep_copy_from_ending() -> Result<(), Failure> {
    let kit = in_copy_with_block_3_clean()?;
    for number in 0..20 {
        // Two writes for each message that leaves: the sender never finds nothing to send.
        for more in 0..2 {
            let write = kit.local.try_write(BlockIndex(3), payload(10 * number + more));
            let full = matches!(
                write,
                Err(NodeError::Primary(PrimaryRefusal::KeptForCopy | PrimaryRefusal::JournalFull))
            );
            assert!(write.is_ok() || full, "{write:?}");
        }
        if kit.local.view()?.state == PairState::Pair {
            return Ok(());
        }
        let message = kit.local.next_outgoing()?.ok_or("the sender was stopped")?;
        kit.remote.on_message(message)?;
        kit.apply()?;
        kit.carry()?;
    }
    Err(format!("still in {} after 20 messages", kit.local.view()?.state).into())
}

/// RESYNC-2, WRITE-4: a host that the copier's place keeps out waits, and goes on when there is room for both.
#[test]
fn a_writer_waits_for_the_copier_and_goes_on_after_it() -> Result<(), Failure> {
    let kit = Kit::new()?;
    kit.local.create()?;
    kit.carry()?;
    let clean = kit.local.copy_next()?.ok_or("nothing was copied")?;
    kit.local.write(clean, payload(1))?;
    kit.local.write(clean, payload(2))?;
    let kept = kit.local.try_write(clean, payload(3));
    assert!(matches!(kept, Err(NodeError::Primary(PrimaryRefusal::KeptForCopy))), "{kept:?}");
    kit.while_waiting(2, |kit| kit.local.write(clean, payload(4)), || Ok(kit.settle()?))??;
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.remote.read(clean)?), (PairState::Pair, payload(4)));
    Ok(())
}

/// PAIR-3: patience, in ticks, with entries that nobody reports written.
#[test]
fn patience_ends_in_suspension_and_resync_brings_the_pair_back() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    let failed: Vec<bool> = (0..3).map(|_| kit.local.tick()).collect::<Result<_, _>>()?;
    assert_eq!((failed, kit.local.view()?.state), (vec![false, false, true], PairState::Psue));
    kit.local.write(BlockIndex(1), payload(2))?;
    kit.resynced()?;
    Ok(())
}

/// RESYNC-1: a request for a new incarnation that the link lost is made again by the clock.
#[test]
fn the_tick_asks_again_for_an_incarnation() -> Result<(), Failure> {
    let kit = Kit::new()?;
    kit.local.create()?;
    drop(kit.local.take_outgoing());
    kit.settle()?;
    assert_eq!(kit.local.view()?.state, PairState::Smpl);
    kit.local.tick()?;
    kit.settle()?;
    assert_eq!(kit.local.view()?.state, PairState::Pair);
    Ok(())
}

/// The idle link that is down costs patience too; one that comes back in time does not suspend the pair.
#[test]
fn a_link_that_comes_back_in_time_keeps_the_pair() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.link_down();
    kit.remote.link_down();
    kit.local.tick()?;
    kit.local.write(FIRST, payload(1))?;
    kit.local.send_next()?;
    drop(kit.local.take_outgoing());
    kit.local.link_up()?;
    kit.remote.link_up();
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.remote.read(FIRST)?), (PairState::Pair, payload(1)));
    for _ in 0..9 {
        kit.local.tick()?;
    }
    assert_eq!(kit.local.view()?.state, PairState::Pair);
    kit.local.link_down();
    kit.remote.link_down();
    for _ in 0..6 {
        kit.local.tick()?;
        kit.remote.tick()?;
    }
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    assert_eq!(kit.remote.state()?.state, PairState::Psue);
    Ok(())
}

#[test]
fn a_failing_pvol_fails_the_write_and_the_block_is_copied_later() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.pvol.writes_fail.store(true, Ordering::SeqCst);
    let error = kit.local.write(FIRST, payload(1)).err().ok_or("the write succeeded")?;
    assert_eq!(error.to_string(), "the P-VOL failed: memory: cannot write a block: planned");
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    kit.pvol.writes_fail.store(false, Ordering::SeqCst);
    assert!(kit.local.state()?.dirty.is_dirty(FIRST));
    kit.local.resync()?;
    kit.settle()?;
    assert!(kit.volumes_agree());
    Ok(())
}

#[test]
fn a_pvol_that_cannot_be_read_suspends_the_copy() -> Result<(), Failure> {
    let kit = Kit::new()?;
    kit.local.create()?;
    kit.pvol.reads_fail.store(true, Ordering::SeqCst);
    assert!(matches!(kit.settle(), Err(NodeError::Volume { volume: "P-VOL", .. })));
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    kit.pvol.reads_fail.store(false, Ordering::SeqCst);
    kit.resynced()?;
    Ok(())
}

/// `written` must not be reported before the S/P-VOL has the block (\[0012\]).
#[test]
fn a_failing_spvol_is_not_reported_written_until_it_is() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.send_one()?;
    kit.spvol.writes_fail.store(true, Ordering::SeqCst);
    assert!(matches!(kit.remote.apply_next(), Err(NodeError::Volume { volume: "S/P-VOL", .. })));
    assert!(matches!(kit.remote.report(), Err(NodeError::Volume { .. })));
    assert!(matches!(kit.remote.takeover(true), Err(NodeError::Volume { .. })));
    assert!(kit.remote.tick().is_err() && kit.remote.take_outgoing().is_none());
    kit.spvol.writes_fail.store(false, Ordering::SeqCst);
    kit.remote.tick()?;
    assert_eq!(kit.remote.read(FIRST)?, payload(1));
    kit.remote.report()?;
    kit.local.on_message(kit.reported()?)?;
    let view = kit.local.view()?;
    assert_eq!(view.written, view.newest.seq);
    Ok(())
}

#[test]
fn a_payload_or_a_map_of_another_group_is_refused_before_any_step() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let error = kit.local.write(FIRST, Payload::zeroed(3)).err().ok_or("the write succeeded")?;
    assert_eq!(error.to_string(), "block 0: a payload of 3 bytes was given; blocks are 16 bytes");
    let dirty = BitMap::new(5);
    let ready = ToPrimary::Ready { incarnation: Incarnation(2), written: Seq(0), dirty };
    assert!(matches!(kit.local.on_message(ready), Err(NodeError::MapSize { got: 5, want: 4 })));
    assert_eq!(kit.local.view()?.state, PairState::Pair);
    Ok(())
}

/// TAKEOVER-1, TAKEOVER-2.
#[test]
fn takeover_applies_what_is_in_order_and_refuses_the_old_primary() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    assert!(kit.remote.write(FIRST, payload(9)).is_err());
    for number in 1..=3 {
        kit.local.write(BlockIndex(number), payload(number.into()))?;
    }
    kit.send()?;
    let mut messages: Vec<_> = std::iter::from_fn(|| kit.local.take_outgoing()).collect();
    messages.remove(1);
    for message in messages {
        kit.remote.on_message(message)?;
    }
    kit.remote.takeover(false)?;
    let found = image(kit.spvol.as_ref())?;
    assert_eq!(found, [payload(0), payload(1), payload(0), payload(0)]);
    kit.remote.write(FIRST, payload(9))?;
    assert!(kit.remote.state()?.dirty.is_dirty(FIRST));
    let is_fenced = |outcome: &Result<(), NodeError>| {
        let fenced = SecondaryRefusal::WrongState(PairState::Ssws);
        matches!(outcome, Err(NodeError::Secondary(refusal)) if *refusal == fenced)
    };
    // PAIR-3: what the old primary sends is refused, and it is told why.
    kit.local.resend()?;
    kit.local.send_next()?;
    let late = kit.remote.on_message(kit.outgoing()?);
    assert!(is_fenced(&late), "{late:?}");
    assert!(kit.remote.report_if_due()?);
    assert_eq!(image(kit.spvol.as_ref())?[1..], found[1..]);
    kit.local.on_message(kit.reported()?)?;
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    kit.local.resync()?;
    let late = kit.remote.on_message(kit.outgoing()?);
    assert!(is_fenced(&late), "{late:?}");
    Ok(())
}

/// SPLIT-2: a split that is not armed is refused, and the coordinator hears so.
#[test]
fn a_refused_split_is_answered() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    assert!(kit.remote.split(BackupId(1)).is_err());
    let refused = HostMessage::SplitAnswer { id: BackupId(1), done: false };
    assert_eq!(kit.to_local_host.try_take(), Some(refused));
    kit.remote.arm(BackupId(1))?;
    kit.remote.split(BackupId(1))?;
    let done = HostMessage::SplitAnswer { id: BackupId(1), done: true };
    assert_eq!(kit.to_local_host.try_take(), Some(done));
    Ok(())
}

/// SPLIT-1: the S-VOL has everything that was written, whether or not it had been copied on before.
#[test]
fn a_split_reflects_what_was_not_copied_on() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.send_one()?;
    kit.remote.apply_next()?;
    kit.remote.arm(BackupId(1))?;
    kit.remote.split(BackupId(1))?;
    assert_eq!(kit.svol.memory.snapshot(), kit.spvol.memory.snapshot());
    kit.local.write(FIRST, payload(2))?;
    kit.settle()?;
    assert_eq!(
        (kit.remote.read(FIRST)?, image(kit.svol.as_ref())?[0].clone()),
        (payload(2), payload(1))
    );
    Ok(())
}

/// RESYNC-4.
#[test]
fn resync_keeps_the_last_consistent_image_in_the_svol() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(FIRST, payload(1))?;
    kit.settle()?;
    kit.local.suspend()?;
    kit.settle()?;
    kit.local.write(FIRST, payload(2))?;
    kit.local.write(BlockIndex(1), payload(3))?;
    kit.local.resync()?;
    let request = kit.outgoing()?;
    kit.remote.on_message(request)?;
    kit.local.on_message(kit.reported()?)?;
    kit.local.copy_next()?;
    kit.send_one()?;
    kit.remote.apply_next()?;
    assert_eq!(image(kit.svol.as_ref())?[..2], [payload(1), payload(0)]);
    kit.settle()?;
    assert_eq!(image(kit.svol.as_ref())?[..2], [payload(2), payload(3)]);
    Ok(())
}

#[test]
fn a_stopped_node_lets_its_writers_go() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.quiesce(BackupId(1))?;
    let write = |kit: &Kit| kit.local.write(FIRST, payload(1));
    let outcome = kit.while_waiting(1, write, || {
        kit.local.stop();
        Ok(())
    })?;
    assert!(matches!(outcome, Err(NodeError::Stopped)));
    Ok(())
}
