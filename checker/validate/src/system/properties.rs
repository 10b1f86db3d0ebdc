//! What has to hold after every step, whatever the step was: the roles' invariants, and the model's properties as far
//! as records can show them. Names are the model's.

use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::{BlockIndex, Broken, DirtyMap, Entry, Item, PairState, Rule};

use super::volumes::differences;
use super::{Hosts, System, Writes};
use crate::content::Content;
use crate::record::{ModelPrimary, ModelSecondary};
use crate::why::Why;

/// The blocks whose contents, or what covers their difference, a step may have changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touched {
    None,
    Block(BlockIndex),
    All,
}

impl System {
    /// A property of the whole does not hold.
    pub(super) fn broken(&self, name: &str, rules: &[Rule], found: impl FnOnce() -> String) -> Why {
        self.explain.why(rules, || format!("{name} does not hold: {}", found()))
    }

    fn invariant(&self, broken: Broken) -> Why {
        self.explain.why(&[], || broken.to_string())
    }

    /// Checks everything that has to hold after a step of an array.
    pub(super) fn check(&mut self, touched: Touched) -> Result<(), Why> {
        if let Some(primary) = &self.primary {
            primary.check().map_err(|broken| self.invariant(broken))?;
        }
        let Some(secondary) = &self.secondary else { return Ok(()) };
        secondary.check().map_err(|broken| self.invariant(broken))?;
        self.paired |= secondary.state == PairState::Pair;
        self.judge_image(secondary)?;
        self.judge_one_image(secondary)?;
        self.judge_still()?;
        match &self.primary {
            Some(primary) => self.judge_covered(primary, secondary, touched),
            None => Ok(()),
        }
    }

    pub(super) fn judge_database(&self) -> Result<(), Why> {
        self.database.check().map_err(|broken| self.invariant(broken))
    }

    /// FREEZE-1: what goes through the gate goes through it open.
    pub(super) fn judge_write(&self) -> Result<(), Why> {
        const NAME: &str = "frozen-means-still";
        const RULES: &[Rule] = &[Rule::Freeze1];
        match (self.options.writes, self.database.freeze) {
            (Writes::Gated, FreezeState::Frozen(id)) => Err(self.broken(NAME, RULES, || {
                format!("backup {}: the P-VOL is written while the database is frozen", id.0)
            })),
            (Writes::Gated, _) if self.database.open == 0 => Err(self.broken(NAME, RULES, || {
                "the P-VOL is written while no transaction is open".to_owned()
            })),
            _ => Ok(()),
        }
    }

    /// RESYNC-3, XFER-3: a S/P-VOL that says it is consistent is what the writes make in the order of their numbers.
    fn judge_image(&self, secondary: &ModelSecondary) -> Result<(), Why> {
        let Some(at) = self.volumes.astray().filter(|_| secondary.consistent) else {
            return Ok(());
        };
        Err(self.broken("image-is-prefix", &[Rule::Xfer3, Rule::Resync3], || {
            let (got, want) = (self.volumes.spvol.get(at), self.volumes.oracle.get(at));
            let (got, want) = (shown(got), shown(want));
            format!("block {}: the S/P-VOL holds {got}, the writes up to here make {want}", at.0)
        }))
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
        Err(self.broken("one-image-always", &[Rule::Resync4], || found.to_owned()))
    }

    /// BACKUP-1: what is being read is split for whoever reads it.
    pub(super) fn judge_still(&self) -> Result<(), Why> {
        let RequesterState::Reading(id) = self.requester.state else { return Ok(()) };
        if self.options.hosts == Hosts::Scripted {
            return Ok(());
        }
        let secondary = self.secondary.as_ref();
        let state = secondary.map(|secondary| secondary.replica.state);
        if state == Some(ReplicaState::Split(Purpose::Backup(id))) {
            return Ok(());
        }
        Err(self.broken("svol-still-while-read", &[Rule::Backup1], || {
            format!("backup {}: it is read, and the replica pair is not split for it", id.0)
        }))
    }

    /// BACKUP-1: what is being read is what the split made.
    pub(super) fn judge_svol(&self) -> Result<(), Why> {
        let RequesterState::Reading(id) = self.requester.state else { return Ok(()) };
        if self.options.hosts == Hosts::Scripted {
            return Ok(());
        }
        let split = self.splits.get(&id);
        let moved = split.and_then(|split| differences(split, &self.volumes.svol).next());
        moved.map_or(Ok(()), |block| {
            Err(self.broken("svol-still-while-read", &[Rule::Backup1], || {
                format!("block {}: the S-VOL changed since the split", block.0)
            }))
        })
    }

    /// What is in flight on the link covers nothing here, since the link may lose it: by XFER-2 the journal has it too.
    fn judge_covered(
        &self,
        primary: &ModelPrimary,
        secondary: &ModelSecondary,
        touched: Touched,
    ) -> Result<(), Why> {
        // Without a pair nothing is kept equal.
        if primary.state == PairState::Smpl {
            return Ok(());
        }
        let is_bare = |at: &BlockIndex| {
            if primary.dirty.is_dirty(*at) || secondary.dirty.is_dirty(*at) {
                return false;
            }
            let queues = [&primary.journal, &secondary.queue];
            let queued = queues.map(|queue| queue.newest_for(*at, secondary.written));
            let newest = queued.into_iter().flatten().max_by_key(|entry| entry.seq);
            newest.and_then(carries) != self.volumes.pvol.get(*at)
        };
        let bare = match touched {
            Touched::None => None,
            Touched::Block(block) => {
                Some(block).filter(|at| self.volumes.is_unequal(*at)).filter(is_bare)
            }
            Touched::All => self.volumes.unequal().find(is_bare),
        };
        bare.map_or(Ok(()), |block| {
            Err(self.broken("difference-is-covered", &[Rule::Write1, Rule::Xfer2], || {
                let block = block.0;
                format!(
                    "block {block}: P-VOL and S/P-VOL differ; it is not dirty, and what is queued \
                     is not what the P-VOL holds"
                )
            }))
        })
    }
}

/// What an entry leaves in its block.
const fn carries(entry: &Entry<Content>) -> Option<Content> {
    match entry.item {
        Item::Write { payload, .. } | Item::Copy { payload, .. } => Some(payload),
        Item::PairMark => None,
    }
}

/// What stands in a reason for a block's contents.
fn shown(content: Option<Content>) -> String {
    content.map_or_else(|| "undefined contents".to_owned(), |content| content.to_string())
}
