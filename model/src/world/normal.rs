//! The normal form: which states are the same state. Two states with one normal form have the same futures, up to
//! names; that makes the reachable set finite for runs of any length, with nothing counted.
//!
//! 1. *Absent*: a message on which no role can act any more is not in flight.
//! 2. *Forgotten*: a number, id or image that can enter no comparison any more stands at a fixed value.
//! 3. *Relative*: sequence numbers are moved so that the secondary's `written` is [`SEQ_BASE`]; the incarnation in
//!    force is 1 and every other one 0, since no role compares two others.
//! 4. *Renamed*: backup ids keep their order and values their equality, in the lowest numbers.
//!
//! What rule a step leans on is asked of the rules in force: without XFER-4 a stale frame can still act, so it stays.

use crate::protocol::containers::{DirtyMap, ReorderQueue};
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::requester::RequesterState;
use crate::protocol::{
    BackupId, BlockIndex, HostMessage, Incarnation, Item, PairState, Rule, Seq, ToSecondary,
};
use crate::world::World;
use crate::world::state::{Image, Queue, State, Value};

/// Where the secondary's `written` stands in a normal form. Numbers within a journal's length of it stay positive.
pub const SEQ_BASE: Seq = Seq(16);

/// The incarnation in force in a normal form.
const IN_FORCE: Incarnation = Incarnation(1);

impl World {
    /// The normal form of `state`.
    #[must_use]
    pub fn normal(&self, mut state: State) -> State {
        state = self.without_dead_messages(state);
        self.forget(&mut state);
        self.move_seqs(&mut state);
        rename_incarnations(&mut state);
        if self.rules.has(Rule::Backup4) {
            rename_ids(&mut state);
        }
        rename_values(&mut state);
        state
    }

    /// `state` without the messages that no role can act on any more: a link has room for others instead.
    pub(super) fn without_dead_messages(&self, mut state: State) -> State {
        self.drop_dead_frames(&mut state);
        self.drop_dead_host_messages(&mut state);
        state
    }

    /// A frame or acknowledgement that its receiver would refuse now and for ever is absent.
    fn drop_dead_frames(&self, state: &mut State) {
        let rules = self.rules;
        let secondary = state.secondary;
        state.frames.retain(|message| {
            let (incarnation, seq) = match message {
                ToSecondary::Frame(frame) => (frame.incarnation, Some(frame.entry.seq)),
                ToSecondary::Unsequenced { incarnation, .. } => (*incarnation, None),
                ToSecondary::Resync { .. } | ToSecondary::Suspend { .. } => return true,
            };
            let in_force = incarnation == secondary.incarnation && secondary.state.is_linked();
            // A suspended secondary is linked again only under another incarnation (RESYNC-1).
            let can_be_accepted = in_force || !rules.has(Rule::Xfer4) || !rules.has(Rule::Resync1);
            let applied = seq.is_some_and(|seq| seq <= secondary.written);
            let queued = seq.is_some_and(|seq| ReorderQueue::contains(&secondary.queue, seq));
            // What is queued now is a duplicate for as long as the queue lives, which is this incarnation.
            let repeats =
                applied || queued && in_force && rules.has(Rule::Xfer4) && rules.has(Rule::Resync1);
            can_be_accepted && !(repeats && rules.has(Rule::Xfer3))
        });
        // `written` never goes back, and a resync takes it up to the secondary's: what an acknowledgement says that is
        // older, or that finds the primary suspended, it says for ever too late.
        let primary = state.primary;
        state.acks.retain(|ack| primary.state.is_linked() && ack.written > primary.written);
    }

    /// A message between the hosts that its receiver would refuse now and for ever is absent.
    fn drop_dead_host_messages(&self, state: &mut State) {
        if !self.rules.has(Rule::Backup4) {
            // Ids come back, and with them whatever an old message of the same id can do.
            return;
        }
        let State { coordinator, secondary, requester, .. } = *state;
        let any_split = !self.rules.has(Rule::Split2);
        state.host.retain(|message| match *message {
            HostMessage::Request(id) => coordinator.newest.is_none_or(|newest| id > newest),
            HostMessage::Split(id) => {
                let awaited = coordinator.state == CoordinatorState::Splitting(id);
                any_split || awaited || secondary.armed == Some(id)
            }
            HostMessage::SplitAnswer { id, .. } => {
                coordinator.state == CoordinatorState::Splitting(id)
            }
            HostMessage::Permit(id) | HostMessage::Reject(id) => {
                requester.state == RequesterState::Waiting(id)
            }
        });
    }

    /// What can enter no comparison any more stands at a fixed value.
    fn forget(&self, state: &mut State) {
        if self.rules.has(Rule::Backup4) {
            // Every request in flight is newer than this, and so is every one to come.
            state.coordinator.newest = None;
        }
        if self.rules.has(Rule::Split1) && self.rules.has(Rule::Backup1) {
            forget_replica_lag(state);
        }
        let dead = self.held_is_dead(state);
        if let Some(sync) = &mut state.sync {
            // The primary's `written` never goes back: what it has passed stays passed.
            sync.held.seq = if dead {
                state.secondary.written
            } else {
                sync.held.seq.max(state.primary.written)
            };
        }
        self.forget_numbers(state);
        forget_ghosts(state);
        if self.rules.has(Rule::Backup4) {
            forget_permission(state);
        }
        let in_order = self.rules.has(Rule::Xfer3) && self.rules.has(Rule::Xfer4);
        if in_order && !state.primary.state.is_linked() {
            forget_unreachable_order(state);
        }
        if !state.secondary.consistent && state.ghost.copying {
            // The last copy will say what the image has to be.
            state.ghost.oracle = state.spvol;
        }
        self.forget_broken_freeze(state);
    }

    /// A freeze that did not hold is never permitted. What is left to check is that Sync brought over the blocks that
    /// have not been written since; the others' frozen contents are forgotten.
    fn forget_broken_freeze(&self, state: &mut State) {
        let Some(frozen) = &mut state.ghost.frozen else { return };
        let rejected = state.database.freeze != FreezeState::Frozen(frozen.id)
            && self.rules.has(Rule::Freeze3)
            && self.rules.has(Rule::Backup2);
        for block in self.blocks().map(|block| block.0 as usize) {
            if rejected && frozen.image[block] != state.pvol[block] {
                frozen.image[block] = Value::FORGOTTEN;
            }
        }
    }

    /// Whether the number a Sync holds will never be compared: the pair has left the PAIR it was taken in.
    fn held_is_dead(&self, state: &State) -> bool {
        let left = state.primary.state != PairState::Pair
            || state.sync.is_some_and(|sync| sync.held.incarnation != state.primary.incarnation);
        // A Sync that began in COPY (without SYNC-1) would see PAIR in the same incarnation.
        left && [Rule::Sync1, Rule::Sync5, Rule::Resync1].iter().all(|rule| self.rules.has(*rule))
    }

    /// A suspended primary's numbers are read by nothing but a Sync; resync sets them anew.
    fn forget_numbers(&self, state: &mut State) {
        let read = state.primary.state.is_linked()
            || !self.rules.has(Rule::Sync1)
            || !self.rules.has(Rule::Sync5);
        if !read {
            state.primary.newest = state.secondary.written;
            state.primary.written = state.secondary.written;
        }
    }

    fn move_seqs(&self, state: &mut State) {
        let written = state.secondary.written;
        let moved = |seq: Seq| Seq((seq.0 + SEQ_BASE.0).saturating_sub(written.0));
        if let Some(sync) = &mut state.sync {
            sync.held.seq = moved(sync.held.seq);
        }
        let primary = &mut state.primary;
        primary.newest = moved(primary.newest);
        primary.written = moved(primary.written);
        primary.mark = primary.mark.map(moved);
        if !self.rules.has(Rule::Xfer1) {
            primary.sent = moved(primary.sent);
        }
        for queue in [&mut primary.journal, &mut state.secondary.queue, &mut state.ghost.order] {
            queue.entries_mut().for_each(|entry| entry.seq = moved(entry.seq));
        }
        if let Some((seq, _)) = &mut state.ghost.complete {
            *seq = moved(*seq);
        }
        state.frames.rename(|message| match message {
            ToSecondary::Frame(mut frame) => {
                frame.entry.seq = moved(frame.entry.seq);
                ToSecondary::Frame(frame)
            }
            other => other,
        });
        state.acks.rename(|mut ack| {
            ack.written = moved(ack.written);
            ack
        });
        state.secondary.written = SEQ_BASE;
    }
}

/// How far the S-VOL lags in the replica pair is not seen by anybody: SPLIT-1 reflects what lags before the S-VOL is
/// read, and BACKUP-1 keeps it from being read in PAIR. So a lagging block counts as copied on. A block that differs and is *not* marked stays as it is.
fn forget_replica_lag(state: &mut State) {
    let replica = &mut state.secondary.replica;
    for (at, block) in (0..replica.dirty.blocks()).map(|block| (block as usize, BlockIndex(block)))
    {
        if replica.state == ReplicaState::Pair && replica.dirty.is_dirty(block) {
            state.svol[at] = state.spvol[at];
        }
        if state.svol[at] == state.spvol[at] {
            replica.dirty.clean(block);
        }
    }
}

/// Ghosts: what no property will look at again is dropped.
fn forget_ghosts(state: &mut State) {
    state.ghost.frozen = state.ghost.frozen.filter(|frozen| {
        let id = frozen.id;
        let backed_up = matches!(
            state.coordinator.state,
            CoordinatorState::Syncing(on) | CoordinatorState::Splitting(on) | CoordinatorState::Thawing(on)
                if on == id
        );
        backed_up || state.database.freeze == FreezeState::Frozen(id)
    });
    if !state.secondary.replica.is_split() {
        state.ghost.svol_good = false;
    }
}

/// A permission is for the backup that is waited for or read; its id does not come back (BACKUP-4).
fn forget_permission(state: &mut State) {
    state.ghost.permitted = state.ghost.permitted.filter(|permitted| match state.requester.state {
        RequesterState::Idle => false,
        RequesterState::Waiting(id) | RequesterState::Reading(id) => id == permitted.id,
    });
}

/// A suspended primary sends nothing, so only what is queued or in flight without a gap can still be applied.
fn forget_unreachable_order(state: &mut State) {
    let incarnation = state.secondary.incarnation;
    let here = |seq: Seq| {
        ReorderQueue::contains(&state.secondary.queue, seq)
            || state.frames.iter().any(|message| {
                matches!(message, ToSecondary::Frame(frame)
                    if frame.incarnation == incarnation && frame.entry.seq == seq)
            })
    };
    let mut reachable = state.secondary.written;
    while here(reachable.next()) {
        reachable = reachable.next();
    }
    state.ghost.order.retain(|entry| entry.seq <= reachable);
    state.ghost.complete = state.ghost.complete.filter(|(seq, _)| *seq <= reachable);
    let mark_comes = state.ghost.order.entries().any(|entry| entry.item.block().is_none());
    if !state.secondary.consistent && !mark_comes {
        // Only another resync can make this S/P-VOL consistent, and it will copy everything that differs.
        state.ghost.copying = true;
        state.ghost.complete = None;
    }
}

/// No role compares two incarnations of which neither is in force.
fn rename_incarnations(state: &mut State) {
    let current = state.primary.incarnation;
    let renamed =
        |incarnation: Incarnation| if incarnation == current { IN_FORCE } else { Incarnation(0) };
    state.frames.rename(|message| match message {
        ToSecondary::Frame(mut frame) => {
            frame.incarnation = renamed(frame.incarnation);
            ToSecondary::Frame(frame)
        }
        ToSecondary::Unsequenced { incarnation, block, payload } => {
            ToSecondary::Unsequenced { incarnation: renamed(incarnation), block, payload }
        }
        ToSecondary::Resync { incarnation } => {
            ToSecondary::Resync { incarnation: renamed(incarnation) }
        }
        ToSecondary::Suspend { incarnation } => {
            ToSecondary::Suspend { incarnation: renamed(incarnation) }
        }
    });
    state.acks.rename(|mut ack| {
        ack.incarnation = renamed(ack.incarnation);
        ack
    });
    if let Some(sync) = &mut state.sync {
        sync.held.incarnation = renamed(sync.held.incarnation);
    }
    state.secondary.incarnation = renamed(state.secondary.incarnation);
    state.primary.incarnation = renamed(state.primary.incarnation);
}

/// Backup ids become 1, 2, ... in their order; the requester's newest stays the greatest.
fn rename_ids(state: &mut State) {
    let mut ids = 0_u64;
    let mut copy = *state;
    copy.for_each_id(|id| ids |= 1 << (id.0 & 63));
    state.host.iter().for_each(|message| ids |= 1 << (message.id().0 & 63));
    let rank =
        |id: BackupId| BackupId((ids & ((2_u64 << (id.0 & 63)).wrapping_sub(1))).count_ones());
    state.for_each_id(|id| *id = rank(*id));
    state.host.rename(|message| with_id(message, rank(message.id())));
    state.requester.newest = BackupId(ids.count_ones());
}

const fn with_id(message: HostMessage, id: BackupId) -> HostMessage {
    match message {
        HostMessage::Request(_) => HostMessage::Request(id),
        HostMessage::Split(_) => HostMessage::Split(id),
        HostMessage::SplitAnswer { done, .. } => HostMessage::SplitAnswer { id, done },
        HostMessage::Permit(_) => HostMessage::Permit(id),
        HostMessage::Reject(_) => HostMessage::Reject(id),
    }
}

/// Values are only compared for equality: they become 0, 1, ... in the order of a fixed walk.
fn rename_values(state: &mut State) {
    let mut names = [u8::MAX; 64];
    let mut next = 0;
    state.for_each_value(|value| {
        if *value == Value::FORGOTTEN {
            return;
        }
        let name = &mut names[usize::from(value.0 & 63)];
        if *name == u8::MAX {
            *name = next;
            next += 1;
        }
        *value = Value(*name);
    });
}

impl State {
    /// Walks over every value in the world, in a fixed order. Messages in flight come last, since renaming reorders
    /// them.
    pub(super) fn for_each_value(&mut self, mut visit: impl FnMut(&mut Value)) {
        let blocks = self.primary.dirty.blocks() as usize;
        let image = |image: &mut Image, visit: &mut dyn FnMut(&mut Value)| {
            image.iter_mut().take(blocks).for_each(visit);
        };
        for volume in [&mut self.pvol, &mut self.spvol, &mut self.svol, &mut self.ghost.oracle] {
            image(volume, &mut visit);
        }
        if let Some((_, complete)) = &mut self.ghost.complete {
            image(complete, &mut visit);
        }
        for frozen in [&mut self.ghost.frozen, &mut self.ghost.permitted].into_iter().flatten() {
            image(&mut frozen.image, &mut visit);
        }
        for queue in [&mut self.primary.journal, &mut self.secondary.queue, &mut self.ghost.order] {
            visit_queue(queue, &mut visit);
        }
        self.frames.rename(|mut message| {
            if let Some(value) = payload_mut(&mut message) {
                visit(value);
            }
            message
        });
    }

    /// Walks over every backup id but those of messages in flight and of an idle requester's memory.
    fn for_each_id(&mut self, mut visit: impl FnMut(&mut BackupId)) {
        if let RequesterState::Waiting(id) | RequesterState::Reading(id) = &mut self.requester.state
        {
            visit(id);
        }
        match &mut self.coordinator.state {
            CoordinatorState::Idle => {}
            CoordinatorState::Freezing(id)
            | CoordinatorState::Syncing(id)
            | CoordinatorState::Splitting(id)
            | CoordinatorState::Thawing(id) => visit(id),
        }
        if let FreezeState::Freezing(id) | FreezeState::Frozen(id) = &mut self.database.freeze {
            visit(id);
        }
        if let Some(id) = &mut self.secondary.armed {
            visit(id);
        }
        if let ReplicaState::Split(Purpose::Backup(id)) = &mut self.secondary.replica.state {
            visit(id);
        }
        for frozen in [&mut self.ghost.frozen, &mut self.ghost.permitted].into_iter().flatten() {
            visit(&mut frozen.id);
        }
    }
}

fn visit_queue(queue: &mut Queue, visit: &mut dyn FnMut(&mut Value)) {
    for entry in queue.entries_mut() {
        match &mut entry.item {
            Item::Write { payload, .. } | Item::Copy { payload, .. } => visit(payload),
            Item::PairMark => {}
        }
    }
}

fn payload_mut(message: &mut ToSecondary<Value>) -> Option<&mut Value> {
    match message {
        ToSecondary::Frame(frame) => match &mut frame.entry.item {
            Item::Write { payload, .. } | Item::Copy { payload, .. } => Some(payload),
            Item::PairMark => None,
        },
        ToSecondary::Unsequenced { payload, .. } => Some(payload),
        ToSecondary::Resync { .. } | ToSecondary::Suspend { .. } => None,
    }
}
