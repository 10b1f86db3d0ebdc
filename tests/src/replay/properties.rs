//! What has to hold after every record, whatever the record was: the roles' invariants, and the model's properties as
//! far as a trace can show them. Names are the model's.

use syncsplit_impl::trace::Digest;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::{
    BlockIndex, DirtyMap, Entry, Item, Journal, PairState, ReorderQueue,
};

use super::arrays::{ModelPrimary, ModelSecondary};
use super::error::Why;
use super::volumes::{Volumes, differences, get, shown};
use super::{Hosts, Replayer, Writes};

impl Replayer {
    /// Checks everything that has to hold after a record.
    pub(super) fn check(&mut self) -> Result<(), Why> {
        if let Some(primary) = &self.primary {
            primary.check().map_err(Why::Invariant)?;
        }
        if let Some(secondary) = &self.secondary {
            secondary.check().map_err(Why::Invariant)?;
            self.paired |= secondary.state == PairState::Pair;
            judge_image(secondary, &self.volumes)?;
            self.judge_one_image(secondary)?;
            self.judge_still(secondary)?;
        }
        self.database.check().map_err(Why::Invariant)?;
        match (&self.primary, &self.secondary) {
            (Some(primary), Some(secondary)) => judge_covered(primary, secondary, &self.volumes),
            _ => Ok(()),
        }
    }

    /// FREEZE-1: what goes through the gate goes through it open.
    pub(super) fn judge_write(&self) -> Result<(), Why> {
        const NAME: &str = "frozen-means-still";
        match (self.options.writes, self.database.freeze) {
            (Writes::Gated, FreezeState::Frozen(id)) => {
                Err(Why::backup(NAME, id, "the P-VOL is written while the database is frozen"))
            }
            (Writes::Gated, _) if self.database.open == 0 => {
                let found = "the P-VOL is written while no transaction is open".to_owned();
                Err(Why::Property { name: NAME, found })
            }
            _ => Ok(()),
        }
    }

    /// RESYNC-4.
    fn judge_one_image(&self, secondary: &ModelSecondary) -> Result<(), Why> {
        if !self.paired || secondary.consistent {
            return Ok(());
        }
        let found = match secondary.replica.is_split() {
            true if self.svol_good => return Ok(()),
            true => "the S/P-VOL is no consistent image, and the S-VOL was none when it was split",
            false => "the S/P-VOL is no consistent image, and the S-VOL follows it",
        };
        Err(Why::Property { name: "one-image-always", found: found.to_owned() })
    }

    /// BACKUP-1: what is being read stands still.
    fn judge_still(&self, secondary: &ModelSecondary) -> Result<(), Why> {
        const NAME: &str = "svol-still-while-read";
        let RequesterState::Reading(id) = self.requester.state else { return Ok(()) };
        if self.options.hosts == Hosts::Scripted {
            return Ok(());
        }
        if secondary.replica.state != ReplicaState::Split(Purpose::Backup(id)) {
            return Err(Why::backup(
                NAME,
                id,
                "it is read, and the replica pair is not split for it",
            ));
        }
        let split = self.splits.get(&id);
        match split.and_then(|split| differences(split, &self.volumes.svol).next()) {
            Some(block) => Err(Why::block(NAME, block, "the S-VOL changed since the split")),
            None => Ok(()),
        }
    }
}

/// RESYNC-3, XFER-3: a S/P-VOL that says it is consistent is what the writes make in the order of their numbers.
fn judge_image(secondary: &ModelSecondary, volumes: &Volumes) -> Result<(), Why> {
    if !secondary.consistent {
        return Ok(());
    }
    match differences(&volumes.spvol, &volumes.oracle).next() {
        Some(block) => {
            let at = BlockIndex(u32::try_from(block).unwrap_or(u32::MAX));
            let (got, want) = (shown(get(&volumes.spvol, at)), shown(get(&volumes.oracle, at)));
            let found = format!("the S/P-VOL holds {got}, the writes up to here make {want}");
            Err(Why::block("image-is-prefix", block, &found))
        }
        None => Ok(()),
    }
}

/// What is in flight on the link covers nothing here, since the link may lose it: by XFER-2 the journal has it too.
fn judge_covered(
    primary: &ModelPrimary,
    secondary: &ModelSecondary,
    volumes: &Volumes,
) -> Result<(), Why> {
    // Without a pair nothing is kept equal.
    if primary.state == PairState::Smpl {
        return Ok(());
    }
    for block in differences(&volumes.pvol, &volumes.spvol) {
        let at = BlockIndex(u32::try_from(block).unwrap_or(u32::MAX));
        let dirty = primary.dirty.is_dirty(at) || secondary.dirty.is_dirty(at);
        let queued = primary
            .journal
            .iter()
            .chain(secondary.queue.iter())
            .filter(|entry| entry.seq > secondary.written && entry.item.block() == Some(at))
            .max_by_key(|entry| entry.seq);
        let arrives = queued.is_some_and(|entry| carries(entry) == get(&volumes.pvol, at));
        if !dirty && !arrives {
            let found = "P-VOL and S/P-VOL differ; it is not dirty, and what is queued is not what \
                         the P-VOL holds";
            return Err(Why::block("difference-is-covered", block, found));
        }
    }
    Ok(())
}

/// What an entry leaves in its block.
fn carries(entry: &Entry<Digest>) -> Option<Digest> {
    match entry.item {
        Item::Write { payload, .. } | Item::Copy { payload, .. } => Some(payload),
        Item::PairMark => None,
    }
}
