//! A whole life of a pair - created, suspended, resynchronised, left by the secondary, deleted and created anew - over a
//! link that loses, repeats or delays each of its messages in turn. Whatever happens to one message, the pair comes back
//! to PAIR with equal volumes, and what arrives late does no harm.

use crate::common::meddling::{Fate, Meddling, Target};
use crate::common::{Failure, Kit, payload};
use syncsplit_impl::NodeError;
use syncsplit_impl::frame::Kind;
use syncsplit_impl::trace::RoleRecord;
use syncsplit_model::protocol::primary::{PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::{
    BlockIndex, DirtyMap, Incarnation, PairState, ToPrimary, ToSecondary,
};

/// Nodes that never suspend the pair because of the clock.
fn patient() -> Result<Kit, Failure> {
    Kit::with(|local, remote| {
        (local.array.patience_ticks, remote.array.patience_ticks) = (u32::MAX, u32::MAX);
    })
}

/// What is written at each station of the life, so that no two have the same contents.
struct Writer(u64);

impl Writer {
    fn write(&mut self, kit: &Kit, block: u32) -> Result<(), Failure> {
        self.0 += 1;
        Ok(kit.local.write(BlockIndex(block), payload(self.0))?)
    }
}

/// Lives the whole life, and checks at every station that is one.
fn live(link: &mut Meddling) -> Result<(), Failure> {
    let kit = patient()?;
    let mut writer = Writer(0);
    writer.write(&kit, 0)?;
    kit.local.create()?;
    equal(&kit, link)?;
    // PAIR-2: by command, with a write that is still on its way.
    writer.write(&kit, 1)?;
    kit.local.suspend()?;
    link.drive(&kit, PairState::Psus)?;
    writer.write(&kit, 2)?;
    kit.local.resync()?;
    equal(&kit, link)?;
    // PAIR-3: the secondary takes a link for failed that works; its next report tells the primary.
    kit.remote.fail()?;
    writer.write(&kit, 3)?;
    link.drive(&kit, PairState::Psue)?;
    writer.write(&kit, 0)?;
    kit.local.resync()?;
    equal(&kit, link)?;
    // PAIR-4: deleted, written to while there is no pair, and created anew.
    kit.local.delete()?;
    link.drive(&kit, PairState::Smpl)?;
    writer.write(&kit, 1)?;
    kit.local.create()?;
    equal(&kit, link)?;
    if link.has_meddled() { Ok(()) } else { Err("the message to meddle with never came".into()) }
}

/// The pair comes to PAIR with equal volumes; then what was delayed arrives, and it still is one.
fn equal(kit: &Kit, link: &mut Meddling) -> Result<(), Failure> {
    link.drive(kit, PairState::Pair)?;
    link.deliver_late(kit)?;
    link.drive(kit, PairState::Pair)?;
    let there = kit.remote.state()?.state;
    if there != PairState::Pair || !kit.volumes_agree() {
        return Err(format!("the primary is in PAIR, the secondary in {there}").into());
    }
    Ok(())
}

/// XFER-1, XFER-4, PAIR-2 to PAIR-4, RESYNC-1.
#[test]
fn a_life_goes_on_whatever_happens_to_any_one_message() -> Result<(), Failure> {
    let mut undisturbed = Meddling::default();
    live(&mut undisturbed)?;
    let kinds = undisturbed.kinds;
    for kind in [
        Kind::Resync,
        Kind::Ready,
        Kind::Suspend,
        Kind::Suspended,
        Kind::Delete,
        Kind::Ack,
        Kind::PairMark,
        Kind::Copy,
        Kind::Write,
    ] {
        let travelled = kinds.iter().find(|(known, _)| *known == kind);
        let (_, count) = travelled.ok_or_else(|| format!("the life has no {kind}"))?;
        for occurrence in 0..*count {
            for fate in [Fate::Lost, Fate::Twice, Fate::Late, Fate::Again] {
                let target = Target { kind, occurrence, fate };
                live(&mut Meddling::with(target))
                    .map_err(|error| format!("{target:?}: {error}"))?;
            }
        }
    }
    Ok(())
}

/// The commands of CCI that find nothing to do are done, and those that cannot be are refused by name.
#[test]
fn a_command_given_twice_is_done_once() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    let before = kit.local.state()?;
    kit.local.create()?;
    kit.local.resync()?;
    assert_eq!((kit.local.state()?, kit.local.take_outgoing()), (before, None));
    kit.local.suspend()?;
    assert!(kit.local.take_outgoing().is_some());
    kit.local.suspend()?;
    assert_eq!(kit.local.take_outgoing(), None);
    let refused = kit.local.create();
    let wrong = PrimaryRefusal::WrongState(PairState::Psus);
    assert!(matches!(refused, Err(NodeError::Primary(refusal)) if refusal == wrong));
    kit.local.delete()?;
    assert!(kit.local.take_outgoing().is_some());
    kit.local.delete()?;
    assert_eq!((kit.local.view()?.state, kit.local.take_outgoing()), (PairState::Smpl, None));
    assert!(kit.local.suspend().is_err() && kit.local.resync().is_err());
    Ok(())
}

/// PAIR-2: a resync that has not been answered is taken back, and its answer starts nothing.
#[test]
fn a_suspension_takes_back_a_resync() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.suspend()?;
    kit.settle()?;
    kit.local.resync()?;
    kit.remote.on_message(kit.outgoing()?)?;
    let answer = kit.reported()?;
    kit.local.suspend()?;
    assert!(kit.local.on_message(answer).is_err());
    kit.settle()?;
    kit.local.tick()?;
    let states = (kit.local.view()?.state, kit.remote.state()?.state);
    assert_eq!((states, kit.local.take_outgoing()), ((PairState::Psus, PairState::Ssus), None));
    kit.resynced()?;
    Ok(())
}

/// RESYNC-1: the clock asks again for as long as nobody answers, and for the same incarnation.
#[test]
fn a_resync_is_asked_for_until_it_is_answered() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.suspend()?;
    kit.settle()?;
    kit.local.resync()?;
    for _ in 0..5 {
        drop(kit.outgoing()?);
        kit.local.tick()?;
    }
    assert_eq!(kit.local.state()?.pending, Some(Incarnation(2)));
    kit.settle()?;
    assert_eq!((kit.local.view()?.state, kit.volumes_agree()), (PairState::Pair, true));
    kit.local.tick()?;
    assert_eq!(kit.local.take_outgoing(), None);
    Ok(())
}

/// A peer that asks for one pairing after the other, and takes no answer, is owed one: a map may be megabytes.
#[test]
fn answers_that_nobody_takes_do_not_pile_up() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    for number in 2..=1_500 {
        kit.remote.on_message(ToSecondary::Resync { incarnation: Incarnation(number) })?;
    }
    let owed: Vec<_> = std::iter::from_fn(|| kit.remote.take_outgoing()).collect();
    let answers = owed.iter().filter(|message| matches!(message, ToPrimary::Ready { .. }));
    assert_eq!(answers.count(), 1, "{} messages", owed.len());
    let newest =
        matches!(owed.last(), Some(ToPrimary::Ready { incarnation: Incarnation(1_500), .. }));
    assert!(newest, "{:?}", owed.last());
    Ok(())
}

/// PAIR-4: a secondary that never hears of a deletion is taken along by the next pair; and what it had queued is gone.
#[test]
fn a_deletion_that_is_not_heard_of_is_made_up_for_by_the_next_pair() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(BlockIndex(0), payload(1))?;
    kit.local.send_next()?;
    let frame = kit.outgoing()?;
    kit.local.delete()?;
    drop(kit.outgoing()?);
    kit.local.write(BlockIndex(0), payload(2))?;
    assert_eq!(kit.remote.state()?.state, PairState::Pair);
    kit.local.create()?;
    kit.settle()?;
    assert!(kit.remote.on_message(frame).is_err());
    kit.settle()?;
    assert_eq!(
        (kit.local.view()?.state, kit.remote.read(BlockIndex(0))?),
        (PairState::Pair, payload(2))
    );
    Ok(())
}

/// PAIR-4: the secondary keeps its volume and forgets the rest.
#[test]
fn a_deletion_leaves_both_sides_without_a_pair() -> Result<(), Failure> {
    let kit = Kit::paired()?;
    kit.local.write(BlockIndex(1), payload(7))?;
    kit.settle()?;
    kit.local.delete()?;
    kit.settle()?;
    let (primary, secondary) = (kit.local.state()?, kit.remote.state()?);
    assert_eq!((primary.state, secondary.state), (PairState::Smpl, PairState::Smpl));
    assert!(primary.dirty.is_clean() && secondary.dirty.is_clean());
    assert_eq!(kit.remote.read(BlockIndex(1))?, payload(7));
    assert!(kit.remote.takeover(true).is_err());
    Ok(())
}

/// PAIR-3: what the secondary reports suspends the primary at once, not when its patience ends; without a write, too.
#[test]
fn the_primary_is_told_and_need_not_lose_patience() -> Result<(), Failure> {
    let kit = patient()?;
    kit.local.create()?;
    kit.settle()?;
    let ticket = {
        kit.local.write(BlockIndex(0), payload(1))?;
        kit.local.begin_sync()?
    };
    kit.remote.fail()?;
    kit.settle()?;
    let report = kit.local.wait_sync(ticket)?;
    assert_eq!((kit.local.view()?.state, report.exit_code()), (PairState::Psue, 2));
    kit.local.resync()?;
    kit.settle()?;
    kit.remote.fail()?;
    kit.settle()?;
    assert_eq!(kit.local.view()?.state, PairState::Psue);
    let told = |record: &RoleRecord| {
        matches!(record, RoleRecord::Primary(taken)
            if taken.event == PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation: Incarnation(1) })
                && taken.refused.is_none())
    };
    assert!(kit.trace.records().iter().any(|record| told(&record.role)));
    Ok(())
}
