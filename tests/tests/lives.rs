//! What the validator refuses of a whole life: a gold copy brought back, a failback, a hold, restarts, a deletion. The good
//! trace is made here by two nodes without threads; each test doctors it in one place.

use std::error::Error;
use std::sync::Arc;

use syncsplit_impl::clock::ManualClock;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::mailbox::Mailbox;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::trace::{MemoryTrace, RoleRecord, TraceRecord};
use syncsplit_impl::volume::MemoryVolume;
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

/// Two nodes on volumes of three blocks.
struct Pair {
    local: Arc<LocalNode>,
    remote: Arc<RemoteNode>,
    trace: Arc<MemoryTrace>,
}

impl Pair {
    fn new() -> Result<Self, Box<dyn Error>> {
        let volume = || MemoryVolume::new(8, 3).map(Arc::new);
        let (clock, trace) = (ManualClock::new(), Arc::new(MemoryTrace::new()));
        let local = LocalNode::new(LocalConfig::default(), volume()?, clock, trace.clone());
        let (spvol, svol, host) = (volume()?, volume()?, Arc::new(Mailbox::new()));
        let remote = RemoteNode::new(RemoteConfig::default(), spvol, svol, host, trace.clone())?;
        Ok(Self { local, remote, trace })
    }

    fn fail_back(&self) -> Result<Self, Box<dyn Error>> {
        let (taken_over, old) = (self.remote.hand_over()?, self.local.hand_over()?);
        let (newest, clock, trace) =
            (old.incarnation_newest(), ManualClock::new(), self.trace.clone());
        let config = LocalConfig::default();
        let local = LocalNode::from_taken_over(config, taken_over, newest, clock, trace.clone())?;
        let (svol, host) = (Arc::new(MemoryVolume::new(8, 3)?), Arc::new(Mailbox::new()));
        let config = RemoteConfig::default();
        let remote = RemoteNode::from_old_primary(config, old, svol, host, trace.clone())?;
        Ok(Self { local, remote, trace })
    }

    fn write(&self, block: u32, number: u64) -> Outcome {
        Ok(self.local.write(BlockIndex(block), Payload::from(&number.to_le_bytes()[..]))?)
    }

    fn carry(&self) -> Outcome {
        while let Some(message) = self.local.take_outgoing() {
            ignore_refusal(self.remote.on_message(message))?;
        }
        while let Some(message) = self.remote.take_outgoing() {
            ignore_refusal(self.local.on_message(message))?;
        }
        Ok(())
    }

    fn settle(&self) -> Outcome {
        for _ in 0..8 {
            if matches!(self.local.copy_next(), Ok(None)) {
                ignore_refusal(self.local.pair_mark())?;
            }
            while self.local.send_next()?.is_some() {}
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
        self.carry()
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
    while pair.local.send_next()?.is_some() {}
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
    let words = doctored(|role| match role {
        RoleRecord::Primary(taken) => match &mut taken.event {
            PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation }) => {
                *incarnation = Incarnation(7);
                true
            }
            _ => false,
        },
        _ => false,
    })?;
    assert!(words.contains(r#"{"Suspended":{"incarnation":7}} was not sent"#), "{words}");
    let words = doctored(|role| match role {
        RoleRecord::Secondary(taken) => match &mut taken.event {
            SecondaryEvent::Arrived(ToSecondary::Delete { incarnation }) => {
                *incarnation = Incarnation(7);
                true
            }
            _ => false,
        },
        _ => false,
    })?;
    assert!(words.contains(r#"{"Delete":{"incarnation":7}} was not sent"#), "{words}");
    Ok(())
}

/// FREEZE-3 for a hold: the restart ended it, whatever the trace says.
#[test]
fn a_hold_that_did_not_last_is_not_said_to_have() -> Outcome {
    let words = doctored(|role| match role {
        RoleRecord::Primary(taken) => match taken.effects.first_mut() {
            Some(PrimaryEffect::AnswerReleased { held, .. }) => {
                *held = true;
                true
            }
            _ => false,
        },
        _ => false,
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
    let words = doctored(|role| match role {
        RoleRecord::Secondary(taken) => match taken.effects.first_mut() {
            Some(SecondaryEffect::Replica(ReplicaEffect::Restore(blocks))) => {
                blocks.pop().is_some()
            }
            _ => false,
        },
        _ => false,
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
    let words = doctored(|role| match role {
        RoleRecord::Start(start) => match &mut start.from {
            Some(HandedOver::Primary(primary)) => primary.dirty.pop().is_some(),
            _ => false,
        },
        _ => false,
    })?;
    assert!(words.contains("the state to go on from: the model says"), "{words}");
    let words = doctored(|role| {
        let is_takeover = matches!(role, RoleRecord::Secondary(taken)
            if matches!(taken.event, SecondaryEvent::Takeover { .. }));
        if is_takeover {
            let (blocks, block_size, entries_max) = (3, Some(8), Some(1024));
            let from = Some(HandedOver::Primary(PrimaryAfter::default()));
            let side = Side::Primary;
            let journal_full = None;
            *role = RoleRecord::Start(Start {
                side,
                blocks,
                block_size,
                entries_max,
                journal_full,
                from,
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
