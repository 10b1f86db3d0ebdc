//! Replays the trace of an implementation through the model, record by record, and refuses the first that the model
//! does not allow: an interleaving that was run becomes a check that it refines the protocol.
//!
//! For every record:
//! - the same event, taken by the model's role under every rule, is refused for the same reason or leaves the same
//!   state and the same effects (`arrays`, `hosts`), and a role that changes sides goes on from the same state (`failback`);
//! - what a role received was sent to it, or told it, by an effect before; a link may lose and repeat (`sent`);
//! - the volumes are as the effects make them, and a copy carries what the P-VOL holds (`volumes`);
//! - the model's properties hold (`properties`).
//!
//! The trace has to be of both sides, from their starts, in one order. What a site does outside its trace is not
//! seen: whoever has the volumes compares them with [`Replayer::volumes`] in the end.

mod arrays;
mod containers;
mod error;
mod failback;
mod hosts;
#[cfg(all(test, not(feature = "loom"), not(feature = "shuttle")))]
mod lives;
mod properties;
mod sent;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;

use syncsplit_impl::trace::record::{Fault, Side, Start};
use syncsplit_impl::trace::{RoleRecord, TraceRecord};
use syncsplit_model::protocol::BackupId;
use syncsplit_model::protocol::coordinator::Coordinator;
use syncsplit_model::protocol::database::Database;
use syncsplit_model::protocol::requester::Requester;

pub use arrays::{ModelPrimary, ModelSecondary};
pub use containers::{BlockTree, EntryList, EntryTree};
pub use error::{Refused, Why};
pub use volumes::{Image, Volumes};

/// How host writes reach the P-VOL: whether a freeze can be held to its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// Some pass the gate by, so a freeze holds nothing still.
    #[default]
    Free,
    /// Each belongs to a transaction that the gate has let begin; the database's flush writes nothing more.
    Gated,
    /// A freeze holds them at the primary (QUIESCE-1).
    Held,
}

/// Who plays the hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// The trace has them, so whatever they ask of others is caused by a record.
    #[default]
    Traced,
    /// The scenario arms, splits, freezes and thaws by itself.
    Scripted,
}

/// What a replay cannot read from the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How host writes reach the P-VOL.
    pub writes: Writes,
    /// Who plays the hosts.
    pub hosts: Hosts,
    /// The newest backup id that the requester had used before.
    pub newest_backup: BackupId,
}

/// The model, following a trace.
#[derive(Debug, Default)]
pub struct Replayer {
    options: Options,
    /// The number of the record before.
    before: Option<u64>,
    /// The last record of each role: the one whose effects may still turn out to have failed.
    last: BTreeMap<&'static str, TraceRecord>,
    primary: Option<ModelPrimary>,
    secondary: Option<ModelSecondary>,
    /// The roles that were handed over at the last failback.
    old: Option<failback::Old>,
    syncs: BTreeMap<u64, hosts::Waiting>,
    /// How many Syncs the coordinator has begun.
    sync_rounds: u64,
    database: Database,
    coordinator: Coordinator,
    requester: Requester,
    sent: sent::Sent,
    volumes: Volumes,
    /// The P-VOL at each backup's freeze.
    frozen: BTreeMap<BackupId, Image>,
    /// The S-VOL at each backup's split.
    splits: BTreeMap<BackupId, Image>,
    /// Whether the secondary has been in PAIR.
    paired: bool,
    /// Whether the S-VOL, while split, is a consistent image.
    svol_good: bool,
}

impl Replayer {
    /// The model before any record.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let requester = Requester { newest: options.newest_backup, ..Requester::default() };
        Self { options, requester, ..Self::default() }
    }

    /// Follows a whole trace.
    ///
    /// # Errors
    /// The first record that the model does not allow.
    pub fn replay(
        options: Options,
        records: impl IntoIterator<Item = TraceRecord>,
    ) -> Result<Self, Refused> {
        let mut replayer = Self::new(options);
        records.into_iter().try_for_each(|record| replayer.take(record))?;
        Ok(replayer)
    }

    /// Follows the next record. After a refusal nothing that comes later means anything.
    ///
    /// # Errors
    /// The model does not allow the record.
    pub fn take(&mut self, record: TraceRecord) -> Result<(), Refused> {
        if let Err(why) = self.judge(&record) {
            let (role, event) = error::named(&record.role);
            return Err(Refused { n: record.n, role, event, why });
        }
        self.before = Some(record.n);
        self.last.insert(role_of(&record.role), record);
        Ok(())
    }

    /// The volumes as the trace leaves them.
    #[must_use]
    pub const fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// What the S-VOL held when it was split for this backup.
    #[must_use]
    pub fn split_image(&self, id: BackupId) -> Option<&Image> {
        self.splits.get(&id)
    }

    /// The primary as the trace leaves it, once it has started.
    #[must_use]
    pub const fn primary(&self) -> Option<&ModelPrimary> {
        self.primary.as_ref()
    }

    /// The secondary as the trace leaves it, once it has started.
    #[must_use]
    pub const fn secondary(&self) -> Option<&ModelSecondary> {
        self.secondary.as_ref()
    }

    fn judge(&mut self, record: &TraceRecord) -> Result<(), Why> {
        if let Some(before) = self.before.filter(|before| record.n != before + 1) {
            return Err(Why::OutOfOrder { before });
        }
        match &record.role {
            RoleRecord::Start(start) => self.on_start(start)?,
            RoleRecord::Primary(taken) => self.on_primary(taken)?,
            RoleRecord::Secondary(taken) => self.on_secondary(taken)?,
            RoleRecord::Sync(taken) => self.on_sync(taken)?,
            RoleRecord::Database(taken) => self.on_database(taken)?,
            RoleRecord::Coordinator(taken) => self.on_coordinator(taken)?,
            RoleRecord::Requester(taken) => self.on_requester(taken)?,
            RoleRecord::Fault(fault) => self.on_fault(fault)?,
        }
        self.check()
    }

    fn on_start(&mut self, start: &Start) -> Result<(), Why> {
        if let Some(from) = &start.from {
            return self.on_failback(start, from);
        }
        let (role, started) = match start.side {
            Side::Primary => ("primary", self.primary.is_some()),
            Side::Secondary => ("secondary", self.secondary.is_some()),
        };
        if started {
            return Err(Why::Start { role, what: "starts again" });
        }
        match start.side {
            Side::Primary => {
                self.primary = Some(arrays::new_primary(start));
                self.volumes.start_primary(start.blocks, start.block_size);
            }
            Side::Secondary => {
                self.secondary = Some(arrays::new_secondary(start));
                self.volumes.start_secondary(start.blocks, start.block_size);
            }
        }
        let both = self.primary.is_some() && self.secondary.is_some();
        if both && self.volumes.pvol.len() != self.volumes.spvol.len() {
            return Err(Why::Start { role, what: "has not as many blocks as the other side" });
        }
        Ok(())
    }

    /// An effect failed, and those after it were not performed. Only the last record of a role can have effects under
    /// way. The secondary keeps what failed and performs it before its next step, so nothing changes there.
    fn on_fault(&mut self, fault: &Fault) -> Result<(), Why> {
        let nothing = Why::NoSuchEffect { of: fault.of, effect: fault.effect };
        let Some(record) = self.last.values().find(|record| record.n == fault.of) else {
            return Err(nothing);
        };
        let failed = match &record.role {
            RoleRecord::Primary(taken) => {
                let effects = taken.effects.clone();
                effects.iter().skip(fault.effect).for_each(|effect| self.on_primary_fault(effect));
                fault.effect < effects.len()
            }
            RoleRecord::Secondary(taken) => fault.effect < taken.effects.len(),
            RoleRecord::Database(taken) => {
                let failed = taken.effects.iter().skip(fault.effect);
                failed.for_each(|effect| self.sent.take_back_database(*effect));
                fault.effect < taken.effects.len()
            }
            RoleRecord::Requester(taken) => {
                // The secondary was asked before it failed; what stands after the failed effect was not.
                let failed = taken.effects.iter().skip(fault.effect + 1);
                failed.for_each(|effect| self.sent.take_back_requester(*effect));
                fault.effect < taken.effects.len()
            }
            _ => false,
        };
        if failed { Ok(()) } else { Err(nothing) }
    }
}

const fn role_of(record: &RoleRecord) -> &'static str {
    match record {
        RoleRecord::Start(_) => "start",
        RoleRecord::Primary(_) => "primary",
        RoleRecord::Secondary(_) => "secondary",
        RoleRecord::Sync(_) => "sync",
        RoleRecord::Database(_) => "database",
        RoleRecord::Coordinator(_) => "coordinator",
        RoleRecord::Requester(_) => "requester",
        RoleRecord::Fault(_) => "fault",
    }
}
