//! What the validator refuses of a whole life: a gold copy brought back, a failback, a hold, restarts, a deletion. The good
//! trace is made here by two nodes without threads; each test doctors it in one place.

use std::error::Error;
use std::ops::Deref;
use std::sync::Arc;

use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::site::ManualSites;
use syncsplit_impl::trace::{RoleRecord, Taken, TraceRecord};
use syncsplit_impl::volume::{MemoryVolume, VolumeError};
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{BackupId, BlockIndex, Incarnation, ToPrimary, ToSecondary};
use syncsplit_model::record::{HandedOver, PrimaryAfter, Side, Start};

use syncsplit_model::protocol::Rules;
use syncsplit_tests::bless;
use syncsplit_tests::replay::{Hosts, Options, Writes, replay};

type Outcome = Result<(), Box<dyn Error>>;

const SCRIPTED: Options = Options {
    writes: Writes::Held,
    hosts: Hosts::Scripted,
    newest_backup: BackupId(0),
    rules: Rules::HARDENED,
};

/// Two sites on volumes of three blocks.
struct Pair(ManualSites<MemoryVolume>);

impl Deref for Pair {
    type Target = ManualSites<MemoryVolume>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn volume() -> Result<Arc<MemoryVolume>, VolumeError> {
    MemoryVolume::new(8, 3).map(Arc::new)
}

impl Pair {
    fn new() -> Result<Self, Box<dyn Error>> {
        let volumes = [volume()?, volume()?, volume()?];
        Ok(Self(ManualSites::new(Default::default(), volumes)?))
    }

    fn fail_back(&self) -> Result<Self, Box<dyn Error>> {
        Ok(Self(self.0.fail_back(Default::default(), volume()?)?))
    }

    fn write(&self, block: u32, number: u64) -> Outcome {
        Ok(self.local.write(BlockIndex(block), Payload::from(&number.to_le_bytes()[..]))?)
    }

    /// As often as the life that is kept needs it, with a report each time.
    fn settle(&self) -> Outcome {
        for _ in 0..8 {
            self.copy()?;
            self.send()?;
            self.carry()?;
            while self.remote.apply_next()? {}
            ignore_refusal(self.remote.report())?;
            self.carry()?;
        }
        while self.remote.copy_replica_next()?.is_some() {}
        Ok(())
    }

    fn resync(&self) -> Outcome {
        self.local.resync()?;
        Ok(self.carry().map(drop)?)
    }
}

/// A pair is made, held, restarted, deleted and made anew, left by its secondary; a resync is cut in the middle, the gold
/// copy taken over, written to and failed back.
fn good() -> Result<Vec<TraceRecord>, Box<dyn Error>> {
    let pair = Pair::new()?;
    pair.local.create()?;
    pair.settle()?;
    pair.local.quiesce(BackupId(1))?;
    pair.local.restart()?;
    pair.local.unquiesce(BackupId(1))?;
    pair.write(0, 1)?;
    pair.remote.restart()?;
    pair.settle()?;
    pair.local.delete()?;
    pair.carry()?;
    pair.local.create()?;
    pair.settle()?;
    pair.remote.fail()?;
    pair.write(1, 2)?;
    pair.settle()?;
    (0..3).try_for_each(|block| pair.write(block, u64::from(block) + 3))?;
    pair.resync()?;
    for _ in 0..2 {
        pair.local.copy_next()?;
    }
    pair.send()?;
    pair.carry()?;
    while pair.remote.apply_next()? {}
    pair.remote.takeover(false)?;
    pair.remote.write(BlockIndex(2), Payload::from(&9_u64.to_le_bytes()[..]))?;
    let home = pair.fail_back()?;
    home.resync()?;
    home.settle()?;
    Ok(home.trace.records())
}

/// The words of the refusal when `edit` has changed the first record it says it has.
fn doctored(edit: impl Fn(&mut RoleRecord) -> bool) -> Result<String, Box<dyn Error>> {
    let mut records = good()?;
    let changed = records.iter_mut().any(|record| edit(&mut record.role));
    assert!(changed, "the good trace has no such record");
    let outcome = replay(SCRIPTED, &records);
    Ok(outcome.map_or_else(|refused| refused.to_string(), |_| "allowed".to_owned()))
}

#[test]
fn the_good_life_is_allowed_and_ends_with_equal_volumes() -> Outcome {
    let system = replay(SCRIPTED, &good()?)?;
    let volumes = system.volumes();
    assert_eq!(volumes.pvol.digests(), volumes.spvol.digests());
    assert_eq!(volumes.svol.digests(), volumes.spvol.digests());
    assert_eq!(system.primary().map(|primary| primary.incarnation), Some(Incarnation(4)));
    Ok(())
}

#[test]
fn an_answer_that_the_secondary_never_gave_is_refused() -> Outcome {
    let words = doctored(|role| {
        let RoleRecord::Primary(Taken { event: PrimaryEvent::Arrived(message), .. }) = role else {
            return false;
        };
        let is_it = matches!(message, ToPrimary::Suspended { .. });
        if is_it {
            *message = ToPrimary::Suspended { incarnation: Incarnation(7) };
        }
        is_it
    })?;
    assert!(words.contains(r#"{"Suspended":{"incarnation":7}} was not sent"#), "{words}");
    let words = doctored(|role| {
        let RoleRecord::Secondary(Taken { event: SecondaryEvent::Arrived(message), .. }) = role
        else {
            return false;
        };
        let is_it = matches!(message, ToSecondary::Delete { .. });
        if is_it {
            *message = ToSecondary::Delete { incarnation: Incarnation(7) };
        }
        is_it
    })?;
    assert!(words.contains(r#"{"Delete":{"incarnation":7}} was not sent"#), "{words}");
    Ok(())
}

/// FREEZE-3 for a hold: the restart ended it, whatever the trace says.
#[test]
fn a_hold_that_did_not_last_is_not_said_to_have() -> Outcome {
    let words = doctored(|role| {
        let RoleRecord::Primary(Taken { effects, .. }) = role else { return false };
        let Some(PrimaryEffect::AnswerReleased { held, .. }) = effects.first_mut() else {
            return false;
        };
        *held = true;
        true
    })?;
    assert!(words.contains(r#"(primary {"Unquiesce":1}): its effects"#), "{words}");
    Ok(())
}

/// What the hosts ask of the primary is asked, where the trace has them.
#[test]
fn a_hold_that_nobody_asked_for_is_refused() -> Outcome {
    let traced = Options { hosts: Hosts::Traced, ..SCRIPTED };
    let refused = replay(traced, &good()?).err().ok_or("allowed")?.to_string();
    assert!(
        refused.contains(r#"(primary {"Quiesce":1}): {"Quiesce":1} was not sent"#),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_restore_of_fewer_blocks_is_refused() -> Outcome {
    let words = doctored(|role| {
        let RoleRecord::Secondary(Taken { effects, .. }) = role else { return false };
        let Some(SecondaryEffect::Replica(ReplicaEffect::Restore(blocks))) = effects.first_mut()
        else {
            return false;
        };
        blocks.pop().is_some()
    })?;
    assert!(words.contains(r#"(secondary {"Takeover":{"force":false}}): its effects"#), "{words}");
    Ok(())
}

/// The life is kept beside the validator's own tests, which change what it has seen so far.
#[test]
fn the_good_life_is_the_one_that_is_kept() -> Outcome {
    let mut lines = String::new();
    for record in good()? {
        lines += &serde_json::to_string(&record)?;
        lines.push('\n');
    }
    Ok(bless::settle("checker/validate/tests/traces/life.ndjson", &lines)?)
}

#[test]
fn a_role_goes_on_from_what_was_handed_over_and_from_nothing_else() -> Outcome {
    let words = doctored(|role| {
        let RoleRecord::Start(Start { from: Some(HandedOver::Primary(primary)), .. }) = role else {
            return false;
        };
        primary.dirty.pop().is_some()
    })?;
    assert!(words.contains("the state to go on from: the model says"), "{words}");
    let words = doctored(|role| {
        let is_takeover = matches!(role, RoleRecord::Secondary(taken)
            if matches!(taken.event, SecondaryEvent::Takeover { .. }));
        if is_takeover {
            *role = RoleRecord::Start(Start {
                side: Side::Primary,
                blocks: 3,
                block_size: Some(8),
                entries_max: Some(1024),
                journal_full: None,
                from: Some(HandedOver::Primary(PrimaryAfter::default())),
            });
        }
        is_takeover
    })?;
    assert!(words.contains("the primary goes on where nothing was taken over"), "{words}");
    let mut records = good()?;
    records
        .retain(|record| matches!(&record.role, RoleRecord::Start(start) if start.from.is_some()));
    let first = records.swap_remove(0);
    let refused = replay(SCRIPTED, &[TraceRecord { n: 0, ..first }]).err().ok_or("allowed")?;
    let words = refused.to_string();
    assert!(words.contains("the primary goes on from what nobody handed over"), "{words}");
    Ok(())
}
