//! The system that a recorded run is followed through: the model's roles, what they have sent, the volumes as the
//! effects leave them, and what has to hold after every step. Which step is tried is [`super::search`]'s to say.
//!
//! For every step:
//! - the same event, taken by the model's role, is refused for the same reason or leaves the state and the effects that
//!   the record shows (`arrays`, `hosts`); a role that changes sides goes on from the same state (`failback`);
//! - what a role received was sent to it by an effect before, a link may lose and repeat (`sent`); what another role of
//!   its site told it is taken once and in order (`calls`);
//! - the volumes are as the effects make them, and a copy carries what the P-VOL holds (`volumes`);
//! - the model's properties hold (`properties`).

mod arrays;
mod failback;
mod hosts;
mod print;
mod properties;
mod sent;
#[cfg(test)]
mod tests;
mod volumes;

use std::sync::Arc;

use serde::Serialize;
use strum::{EnumMessage, IntoStaticStr, VariantArray};
use syncsplit_model::protocol::coordinator::{Coordinator, CoordinatorEvent};
use syncsplit_model::protocol::database::{Database, DatabaseEvent};
use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::requester::{Requester, RequesterEvent};
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{BackupId, HostMessage, Rules};
use syncsplit_model::record::{Blocks, Fault, Side, Start, SyncTaken};
use syncsplit_model::system::{Deed, Volume};

use super::content::Content;
use super::log::Line;
use super::pattern::{Bindings, PartlyShown, as_json, shown_json};
use super::record::{ModelPrimary, ModelSecondary, Record};
use super::table::Table;
use super::why::{Explain, Why};

pub use volumes::{Image, Volumes};

/// How host writes reach the P-VOL: whether a freeze can be held to its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Writes {
    /// Some pass the database's gate by, so a freeze holds nothing still
    #[default]
    Free,
    /// Each belongs to a transaction that the gate has let begin; a freeze holds them
    Gated,
    /// A freeze holds them at the primary (QUIESCE-1)
    Held,
}

/// Who plays the hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Hosts {
    /// The records have them, so whatever they ask of others is caused by a record
    #[default]
    Traced,
    /// The records are of the arrays alone, or somebody arms, splits, freezes and thaws without a record
    Scripted,
}

/// What cannot be read from the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How host writes reach the P-VOL.
    pub writes: Writes,
    /// Who plays the hosts.
    pub hosts: Hosts,
    /// The newest backup id that the requester had used before.
    pub newest_backup: BackupId,
    /// The rules that the run is held to.
    pub rules: Rules,
}

/// An event of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Primary(PrimaryEvent<Content, Blocks>),
    Secondary(SecondaryEvent<Content>),
    /// Of the Sync of this number.
    Sync(u64, SyncTaken),
    Database(DatabaseEvent),
    Coordinator(CoordinatorEvent),
    Requester(RequesterEvent),
}

impl Event {
    /// Whose event it is, as a record spells it.
    pub(super) const fn role(&self) -> &'static str {
        match self {
            Self::Primary(_) => "primary",
            Self::Secondary(_) => "secondary",
            Self::Sync(..) => "sync",
            Self::Database(_) => "database",
            Self::Coordinator(_) => "coordinator",
            Self::Requester(_) => "requester",
        }
    }
}

/// What a role was told to do last, and by which record: its effects may still turn out to have failed.
#[derive(Clone, Debug)]
struct Last {
    n: Option<u64>,
    deeds: Vec<Deed<Content, Blocks>>,
}

/// The roles whose effects can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
enum Actor {
    Primary,
    Secondary,
    Database,
    Requester,
}

/// The system.
#[derive(Clone, Debug)]
pub struct System {
    pub(super) options: Options,
    pub(super) explain: Explain,
    pub(super) primary: Option<ModelPrimary>,
    pub(super) secondary: Option<ModelSecondary>,
    /// The roles that were handed over at the last failback.
    old: Option<Arc<failback::Old>>,
    syncs: Table<u64, hosts::Waiting>,
    /// The newest number that a Sync had.
    sync_newest: u64,
    /// How many Syncs the coordinator has begun.
    sync_rounds: u64,
    pub(super) database: Database,
    pub(super) coordinator: Coordinator,
    pub(super) requester: Requester,
    pub(super) sent: sent::Sent,
    pub(super) volumes: Volumes,
    /// The P-VOL at each backup's freeze.
    frozen: Table<BackupId, Image>,
    /// The S-VOL at each backup's split.
    splits: Table<BackupId, Image>,
    /// Whether the secondary has been in PAIR.
    paired: bool,
    /// Whether the S-VOL, while split, is a consistent image.
    svol_good: bool,
    /// By role, in the order of [`Actor`].
    last: [Option<Arc<Last>>; 4],
    bindings: Bindings,
    /// How many contents were left out.
    left_out: u32,
    /// Why the last step did nothing, where its record does not say that it did nothing.
    pub(super) read_as_refused: Option<String>,
}

impl System {
    /// The system before any record.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let requester = Requester { newest: options.newest_backup, ..Requester::default() };
        Self {
            options,
            explain: Explain::No,
            primary: None,
            secondary: None,
            old: None,
            syncs: Table::default(),
            sync_newest: 0,
            sync_rounds: 0,
            database: Database::default(),
            coordinator: Coordinator::default(),
            requester,
            sent: sent::Sent::new(options.hosts),
            volumes: Volumes::default(),
            frozen: Table::default(),
            splits: Table::default(),
            paired: false,
            svol_good: false,
            last: [const { None }; 4],
            bindings: Bindings::default(),
            left_out: 0,
            read_as_refused: None,
        }
    }

    /// The volumes as the run leaves them.
    #[must_use]
    pub const fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// What the S-VOL held when it was split for this backup.
    #[must_use]
    pub fn split_image(&self, id: BackupId) -> Option<&Image> {
        self.splits.get(&id)
    }

    /// The primary as the run leaves it, once it has started.
    #[must_use]
    pub const fn primary(&self) -> Option<&ModelPrimary> {
        self.primary.as_ref()
    }

    /// The secondary as the run leaves it, once it has started.
    #[must_use]
    pub const fn secondary(&self) -> Option<&ModelSecondary> {
        self.secondary.as_ref()
    }

    /// Contents that no record has shown yet.
    pub(super) const fn unseen(&self) -> Content {
        Content::left_out(self.left_out)
    }

    /// The Syncs that wait, by number, and the number that the next one has.
    pub(super) fn sync_ids(&self) -> (Vec<u64>, u64) {
        (self.syncs.keys().copied().collect(), self.sync_newest + 1)
    }

    /// Whether a Sync that no record shows may be what the coordinator waits for, and none such waits already.
    pub(super) fn may_hide_sync(&self) -> bool {
        let mut waiting = self.syncs.iter().map(|(_, waiting)| waiting);
        self.sent.is_sync_awaited() && !waiting.any(|sync| sync.is_hidden(self.sync_rounds))
    }

    /// Follows a record, whose event is `event` if the record does not show all of it. After a refusal the system is
    /// no state of the model any more.
    pub(super) fn follow(&mut self, line: &Line, event: Option<&Event>) -> Result<(), Why> {
        /// The candidate, which is one of this role; or what the record shows.
        macro_rules! event {
            ($role:ident, $taken:expr) => {{
                let candidate =
                    if let Some(Event::$role(event)) = event { Some(event) } else { None };
                self.event_of(candidate, &$taken.event)?
            }};
        }
        match &line.record {
            Record::Start(start) => self.on_start(start),
            Record::Fault(fault) => self.on_fault(fault),
            Record::Primary(taken) => {
                let event = event!(Primary, taken);
                self.on_primary(taken, &event, line.n)
            }
            Record::Secondary(taken) => {
                let event = event!(Secondary, taken);
                self.on_secondary(taken, &event, line.n)
            }
            Record::Sync(taken) => {
                let (id, candidate) = match event {
                    Some(Event::Sync(id, event)) => (Some(*id), Some(event)),
                    Some(
                        Event::Primary(_)
                        | Event::Secondary(_)
                        | Event::Database(_)
                        | Event::Coordinator(_)
                        | Event::Requester(_),
                    )
                    | None => (taken.after.all().map(|after| after.id), None),
                };
                let event = self.event_of(candidate, &taken.event)?;
                self.on_sync(taken, id.ok_or_else(|| self.no_event())?, event)
            }
            Record::Database(taken) => {
                let event = event!(Database, taken);
                self.on_database(taken, event, line.n)
            }
            Record::Coordinator(taken) => {
                let event = event!(Coordinator, taken);
                self.on_coordinator(taken, event)
            }
            Record::Requester(taken) => {
                let event = event!(Requester, taken);
                self.on_requester(taken, event, line.n)
            }
        }
    }

    /// The candidate, which has to be what the record shows; without one, what it shows.
    fn event_of<E: Clone + Serialize + PartialEq>(
        &mut self,
        candidate: Option<&E>,
        shown: &PartlyShown<E>,
    ) -> Result<E, Why> {
        let Some(event) = candidate else {
            return shown.all().cloned().ok_or_else(|| self.no_event());
        };
        if self.bindings.fits(shown, event) {
            return Ok(event.clone());
        }
        Err(self
            .explain
            .why(&[], || format!("{} is not the event {}", as_json(event), shown_json(shown))))
    }

    /// A candidate is always of its record's role; this is said of none.
    fn no_event(&self) -> Why {
        self.explain.why(&[], || "the event is another role's".into())
    }

    /// Takes a step that no record shows.
    pub(super) fn hide(&mut self, event: &Event) -> Result<(), Why> {
        match event {
            Event::Primary(event) => self.on_primary(&hosts::nothing(), event, None),
            Event::Secondary(event) => self.on_secondary(&hosts::nothing(), event, None),
            Event::Sync(id, event) => self.on_sync(&hosts::nothing(), *id, *event),
            Event::Database(event) => self.on_database(&hosts::nothing(), *event, None),
            Event::Coordinator(event) => self.on_coordinator(&hosts::nothing(), *event),
            Event::Requester(event) => self.on_requester(&hosts::nothing(), *event, None),
        }
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
            return Err(self.explain.why(&[], || format!("the {role} starts again")));
        }
        match start.side {
            Side::Primary => {
                self.primary = Some(arrays::new_primary(start));
                self.volumes.start_primary(start);
            }
            Side::Secondary => {
                self.secondary = Some(arrays::new_secondary(start));
                self.volumes.start_secondary(start);
            }
        }
        let both = self.primary.is_some() && self.secondary.is_some();
        let (here, there) = (self.volumes.pvol.size(), self.volumes.spvol.size());
        if both && here != there {
            return Err(self.explain.why(&[], || {
                format!("the {role} has not as many blocks as the other side: {here} and {there}")
            }));
        }
        Ok(())
    }

    /// An effect failed, and those after it were not performed. Only the last record of a role can have effects under
    /// way.
    fn on_fault(&mut self, fault: &Fault) -> Result<(), Why> {
        let is_of =
            |last: &Option<Arc<Last>>| last.as_ref().is_some_and(|last| last.n == Some(fault.of));
        let at = self.last.iter().position(is_of);
        let last = at.and_then(|at| self.last[at].clone());
        let deeds = last.as_ref().map_or(&[][..], |last| &last.deeds);
        let failed = deeds.get(fault.effect..).unwrap_or_default();
        if failed.is_empty() {
            return Err(self.explain.why(&[], || {
                let Fault { of, effect, .. } = fault;
                format!("a failed effect {effect} of record {of}, which has none under way")
            }));
        }
        match at.map(|at| Actor::VARIANTS[at]) {
            Some(Actor::Primary) => {
                failed.iter().for_each(|deed| {
                    // A failed write leaves the block undefined.
                    if let Deed::Write(volume, block, _) = deed {
                        self.volumes.write(*volume, *block, None);
                    }
                });
            }
            Some(Actor::Database) => failed.iter().for_each(|deed| self.sent.take_back(deed)),
            // The secondary was asked before it failed; what stands after the failed effect was not.
            Some(Actor::Requester) => {
                failed.iter().take(1).for_each(|deed| self.sent.fail(deed));
                failed.iter().skip(1).for_each(|deed| self.sent.take_back(deed));
            }
            // The secondary keeps what failed and performs it before its next step, so nothing changes there.
            Some(Actor::Secondary) | None => {}
        }
        Ok(())
    }

    /// Does what a role's effects say. They can turn out to have failed if the step has a number.
    fn perform(
        &mut self,
        actor: Actor,
        n: Option<u64>,
        effects: impl IntoIterator<Item: Into<Deed<Content, Blocks>>>,
    ) -> Result<(), Why> {
        let deeds: Vec<Deed<_, _>> = effects.into_iter().map(Into::into).collect();
        deeds.iter().try_for_each(|deed| self.perform_one(deed))?;
        if n.is_some() {
            self.last[actor as usize] = Some(Arc::new(Last { n, deeds }));
        }
        Ok(())
    }

    fn perform_one(&mut self, deed: &Deed<Content, Blocks>) -> Result<(), Why> {
        if matches!(deed, Deed::Write(Volume::Pvol, ..)) {
            self.judge_write()?;
        }
        self.sent.add(deed);
        self.volumes.perform(deed);
        match *deed {
            Deed::CopyBlock(_, Volume::Svol, _) | Deed::CopyBlocks(_, Volume::Svol, _) => {
                self.judge_svol()
            }
            Deed::ToHost(HostMessage::SplitAnswer { id, done: true }) => {
                // A split repeated for the same backup is answered again; the image is the first one's.
                if !self.splits.contains(&id) {
                    self.splits.insert(id, self.volumes.svol.clone());
                }
                Ok(())
            }
            Deed::Tell(notice) => self.on_notice(notice),
            Deed::Write(..)
            | Deed::CopyBlock(..)
            | Deed::CopyBlocks(..)
            | Deed::ToSecondary(_)
            | Deed::ToPrimary(_)
            | Deed::ToHost(_)
            | Deed::Unseen => Ok(()),
        }
    }

    /// Whether one side has changed its role and the other has not yet.
    pub(super) fn is_changing_sides(&self) -> bool {
        self.old.is_some() && self.primary.is_some() != self.secondary.is_some()
    }
}
