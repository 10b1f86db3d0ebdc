//! The normal form: which states are the same state. Two states with one normal form have the same futures, up to
//! names; that makes the reachable set finite for runs of any length, with nothing counted.
//!
//! 1. *Absent*: a message on which no role can act any more is not in flight.
//! 2. *Forgotten*: a number, id or image that can enter no comparison any more stands at a fixed value.
//! 3. *Relative*: sequence numbers are moved so that the secondary's `written` is [`SEQ_BASE`], incarnations so that the
//!    primary's is a fixed one and those before it follow without gaps.
//! 4. *Renamed*: backup ids keep their order and values their equality within a block, in the lowest numbers.
//!
//! What rule a step leans on is asked of the rules in force: without XFER-4 a stale frame can still act, so it stays.

use crate::protocol::containers::{DirtyMap, ReorderQueue};
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::requester::RequesterState;
use crate::protocol::{
    Ack, BackupId, Frame, HostMessage, Incarnation, PairState, Rule, Seq, ToPrimary, ToSecondary,
};
use crate::world::bounded::BlockSet;
use crate::world::fault::Fault;
use crate::world::instance::{Cache, NumberRange, World};
use crate::world::state::{Reply, State, Value};
use crate::world::values::{Compared, rename_values};

/// Where the secondary's `written` stands in a normal form. Numbers within a journal's length of it stay positive.
pub const SEQ_BASE: Seq = Seq(16);

/// The primary's incarnation in a normal form; there is room below it for every older one that can be about.
pub const IN_FORCE: Incarnation = Incarnation(8);

impl World {
    /// The normal form of `state`.
    #[must_use]
    pub fn normal(&self, mut state: State) -> State {
        self.make_normal(&mut state);
        state
    }

    /// Puts `state` into its normal form.
    pub(super) fn make_normal(&self, state: &mut State) {
        self.rename_numbers(state);
        let compared = self.compared(state);
        rename_values(state, &compared);
    }

    /// The normal form but for its last step: values that are equal keep one name, whether or not anything compares them.
    /// For tests of that step over whole state spaces.
    #[must_use]
    pub fn plain_normal(&self, mut state: State) -> State {
        self.rename_numbers(&mut state);
        let none = BlockSet::new(self.bounds.blocks);
        let all = Compared::everything(none);
        rename_values(&mut state, &all);
        state
    }

    /// Sequence numbers and incarnations as in the normal form, and all else as it is. For whoever follows an
    /// implementation that shows neither.
    pub fn renumber(&self, state: &mut State) {
        self.forget_numbers(state);
        if self.bounds.numbers == NumberRange::Endless {
            self.move_seqs(state);
            rename_incarnations(state);
        }
    }

    /// The normal form but for the values.
    fn rename_numbers(&self, state: &mut State) {
        self.drop_dead_messages(state);
        self.forget(state);
        if self.bounds.numbers == NumberRange::Ending {
            // Numbers are no names here: how far their end is away counts.
            if !self.rules.has(Rule::Xfer1) && !state.primary.state.is_linked() {
                state.primary.sent = state.secondary.written;
            }
            return;
        }
        self.move_seqs(state);
        rename_incarnations(state);
        if self.rules.has(Rule::Backup4) {
            rename_ids(state);
        }
    }

    /// Drops the messages that no role can act on any more: a link has room for others instead.
    pub(super) fn drop_dead_messages(&self, state: &mut State) {
        self.drop_dead_frames(state);
        self.drop_dead_host_messages(state);
    }

    /// A message on the array link that its receiver would refuse now and for ever is absent.
    fn drop_dead_frames(&self, state: &mut State) {
        let State { mut to_secondary, mut to_primary, .. } = *state;
        to_secondary.retain(|message| self.can_reach_secondary(state, message));
        to_primary.retain(|message| self.can_reach_primary(state, message));
        state.to_secondary = to_secondary;
        state.to_primary = to_primary;
    }

    fn can_reach_secondary(&self, state: &State, message: &ToSecondary<Value>) -> bool {
        let rules = self.rules;
        let secondary = &state.secondary;
        match *message {
            ToSecondary::Frame(frame) => {
                let Frame { incarnation, entry } = frame;
                self.can_be_copied(state, incarnation)
                    && !(rules.has(Rule::Xfer3)
                        && self.is_here_for_good(state, incarnation, entry.seq))
            }
            ToSecondary::Unsequenced { incarnation, .. } => self.can_be_copied(state, incarnation),
            ToSecondary::Resync { .. }
            | ToSecondary::Suspend { .. }
            | ToSecondary::Delete { .. }
                if self.incarnations_come_back() =>
            {
                true
            }
            // A failback clears the link, and nothing else ends SSWS.
            ToSecondary::Resync { .. }
            | ToSecondary::Suspend { .. }
            | ToSecondary::Delete { .. }
                if secondary.state == PairState::Ssws =>
            {
                false
            }
            ToSecondary::Resync { incarnation } => {
                incarnation > secondary.incarnation
                    || incarnation == secondary.incarnation
                        && secondary.state.is_linked()
                        && may_await(state, incarnation)
            }
            ToSecondary::Suspend { incarnation } => {
                incarnation > secondary.incarnation
                    || incarnation == secondary.incarnation && secondary.state.is_linked()
            }
            // In SMPL there is nothing left to end, unless a remote host may write there and mark blocks.
            ToSecondary::Delete { incarnation } => {
                let ends = secondary.state != PairState::Smpl || !rules.has(Rule::Takeover1);
                incarnation > secondary.incarnation || incarnation == secondary.incarnation && ends
            }
        }
    }

    /// Whether a frame of this incarnation can do anything, now or later. A secondary that is not linked is linked again
    /// only under another incarnation (RESYNC-1).
    fn can_be_copied(&self, state: &State, incarnation: Incarnation) -> bool {
        let secondary = &state.secondary;
        let in_force = incarnation == secondary.incarnation && secondary.state.is_linked();
        in_force || self.incarnations_come_back()
    }

    /// Whether the entry `seq` is a duplicate for ever: applied, or queued and the queue lives as long as the pairing.
    fn is_here_for_good(&self, state: &State, incarnation: Incarnation, seq: Seq) -> bool {
        let secondary = &state.secondary;
        let faults = self.bounds.faults;
        let queue_may_be_lost = !faults.is_disjoint(Fault::LOSING_THE_QUEUE);
        let lives = incarnation == secondary.incarnation
            && secondary.state.is_linked()
            && !self.incarnations_come_back()
            && !queue_may_be_lost;
        seq <= secondary.written || lives && ReorderQueue::contains(&secondary.queue, seq)
    }

    fn can_reach_primary(&self, state: &State, message: &Reply) -> bool {
        let rules = self.rules;
        let primary = &state.primary;
        let linked = primary.state.is_linked();
        match *message {
            // `written` never goes back, and a resync takes it up to the secondary's: what an acknowledgement says that
            // is older, or that finds the primary suspended, it says for ever too late. While XFER-4 or RESYNC-1 is left
            // out a later pairing may count from below again; an acknowledgement that is no news is lost even then, or
            // there would be no end of old ones. What is found without these rules is harm; there may be more.
            ToPrimary::Ack(ack) => {
                let current = ack.incarnation == primary.incarnation || !rules.has(Rule::Xfer4);
                let waits = !linked && self.incarnations_come_back();
                waits || linked && current && ack.written > primary.written
            }
            ToPrimary::Ready { .. } | ToPrimary::Suspended { .. }
                if self.incarnations_come_back() =>
            {
                true
            }
            ToPrimary::Ready { incarnation, .. } => may_await(state, incarnation),
            ToPrimary::Suspended { incarnation } => {
                linked && incarnation == primary.incarnation || may_await(state, incarnation)
            }
        }
    }

    /// Whether a message of a pairing that has ended can have an effect in a later one.
    fn incarnations_come_back(&self) -> bool {
        let told_apart = self.rules.has(Rule::Xfer4) && self.rules.has(Rule::Resync1);
        !told_apart || self.last_incarnation_comes_back()
    }

    /// Whether pairings after the last incarnation have its number too.
    fn last_incarnation_comes_back(&self) -> bool {
        self.bounds.numbers == NumberRange::Ending && !self.rules.has(Rule::Number2)
    }

    /// A message between the hosts that its receiver would refuse now and for ever is absent.
    fn drop_dead_host_messages(&self, state: &mut State) {
        if !self.rules.has(Rule::Backup4) {
            // Ids come back, and with them whatever an old message of the same id can do.
            return;
        }
        let State { coordinator, secondary, requester, .. } = state;
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
        self.forget_replica_lag(state);
        self.forget_numbers(state);
        forget_ghosts(state);
        if self.rules.has(Rule::Backup4) {
            forget_permission(state);
        }
        let in_order = [Rule::Xfer3, Rule::Resync3].iter().all(|rule| self.rules.has(*rule));
        let is_cut = !state.primary.state.is_linked() || !state.secondary.state.is_linked();
        if is_cut && in_order && !self.incarnations_come_back() {
            forget_unreachable_order(state);
        }
        if self.bounds.cache == Cache::NonVolatile {
            state.disk = state.spvol;
        }
        let by_mark = self.rules.has(Rule::Resync3);
        if !state.secondary.consistent && state.ghost.copying && by_mark {
            // The last copy will say what the image has to be.
            state.ghost.oracle = state.spvol;
        }
        self.forget_broken_freeze(state);
    }

    /// How far the S-VOL lags in the replica pair is not seen by anybody: SPLIT-1 reflects what lags before the S-VOL is
    /// read, and BACKUP-1 keeps it from being read in PAIR. So a lagging block counts as copied on. A block that differs
    /// and is *not* marked stays as it is.
    pub fn forget_replica_lag(&self, state: &mut State) {
        // A volatile cache that is lost takes the S/P-VOL back behind what was copied on.
        let keeps = self.bounds.cache == Cache::NonVolatile;
        let is_hidden = keeps && self.rules.has(Rule::Split1) && self.rules.has(Rule::Backup1);
        let replica = &mut state.secondary.replica;
        if !is_hidden || replica.state != ReplicaState::Pair {
            return;
        }
        for block in replica.dirty.iter() {
            state.svol[block.0 as usize] = state.spvol[block.0 as usize];
        }
        replica.dirty.clean_all();
    }

    /// A freeze that did not hold is never permitted. What is left to check is that Sync brought over the blocks that
    /// have not been written since; the others' frozen contents are forgotten.
    fn forget_broken_freeze(&self, state: &mut State) {
        let Some(frozen) = &mut state.ghost.frozen else { return };
        let held = state.database.freeze == FreezeState::Frozen(frozen.id)
            || state.primary.quiesced == Some(frozen.id);
        let rejected = !held && self.rules.has(Rule::Freeze3) && self.rules.has(Rule::Backup2);
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
        let asks = [Rule::Sync1, Rule::Sync5, Rule::Resync1];
        left && asks.iter().all(|rule| self.rules.has(*rule)) && !self.last_incarnation_comes_back()
    }

    /// What a Sync holds and has passed, and a suspended primary's numbers: they are read by nothing but a Sync, and resync
    /// sets them anew.
    fn forget_numbers(&self, state: &mut State) {
        let read = state.primary.state.is_linked()
            || self.bounds.numbers == NumberRange::Ending
            || !self.rules.has(Rule::Sync1)
            || !self.rules.has(Rule::Sync5);
        if !read {
            state.primary.newest = state.secondary.written;
            state.primary.written = state.secondary.written;
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
    }

    fn move_seqs(&self, state: &mut State) {
        let written = state.secondary.written;
        if written == SEQ_BASE && self.rules.has(Rule::Xfer1) {
            // Every number stands where it has to.
            return;
        }
        let moved = |seq: Seq| Seq((seq.0 + SEQ_BASE.0).saturating_sub(written.0));
        if let Some(sync) = &mut state.sync {
            sync.held.seq = moved(sync.held.seq);
        }
        let primary = &mut state.primary;
        primary.newest = moved(primary.newest);
        primary.written = moved(primary.written);
        primary.mark = primary.mark.map(moved);
        if !self.rules.has(Rule::Xfer1) {
            // A suspended primary sends nothing, and a resync sets the number anew.
            primary.sent = moved(if primary.state.is_linked() { primary.sent } else { written });
        }
        for queue in [&mut primary.journal, &mut state.secondary.queue, &mut state.ghost.order] {
            queue.entries_mut().for_each(|entry| entry.seq = moved(entry.seq));
        }
        if let Some((seq, _)) = &mut state.ghost.complete {
            *seq = moved(*seq);
        }
        state.to_secondary.rename(|message| match message {
            ToSecondary::Frame(mut frame) => {
                frame.entry.seq = moved(frame.entry.seq);
                ToSecondary::Frame(frame)
            }
            other @ (ToSecondary::Unsequenced { .. }
            | ToSecondary::Resync { .. }
            | ToSecondary::Suspend { .. }
            | ToSecondary::Delete { .. }) => other,
        });
        state.to_primary.rename(|message| match message {
            ToPrimary::Ack(ack) => ToPrimary::Ack(Ack { written: moved(ack.written), ..ack }),
            ToPrimary::Ready { incarnation, written, dirty } => {
                ToPrimary::Ready { incarnation, written: moved(written), dirty }
            }
            other @ ToPrimary::Suspended { .. } => other,
        });
        state.secondary.written = SEQ_BASE;
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
        backed_up
            || state.database.freeze == FreezeState::Frozen(id)
            || state.primary.quiesced == Some(id)
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

/// A suspended primary sends nothing, so only what is queued or in flight without a gap can still be applied; a
/// secondary that is not linked applies nothing.
fn forget_unreachable_order(state: &mut State) {
    let incarnation = state.secondary.incarnation;
    let here = |seq: Seq| {
        ReorderQueue::contains(&state.secondary.queue, seq)
            || state.to_secondary.iter().any(|message| {
                matches!(message, ToSecondary::Frame(frame)
                    if frame.incarnation == incarnation && frame.entry.seq == seq)
            })
    };
    let mut reachable = state.secondary.written;
    let is_linked = state.secondary.state.is_linked();
    while is_linked && reachable != Seq::LAST && here(reachable.next()) {
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

/// Incarnations keep their order. The primary's becomes [`IN_FORCE`], the next one it would ask for the one after, and
/// those before it the ones below, without gaps: they are only compared with each other.
fn rename_incarnations(state: &mut State) {
    let current = state.primary.incarnation;
    let mut older = 0_u64;
    let mut note = |incarnation: Incarnation| {
        if incarnation < current {
            older |= 1 << (current.0 - incarnation.0).min(63);
        }
    };
    note(state.secondary.incarnation);
    for message in state.to_secondary.iter() {
        note(of_frame(&message));
    }
    for message in state.to_primary.iter() {
        note(of_reply(&message));
    }
    if let Some(sync) = &mut state.sync {
        // A Sync asks only whether it is the one in force.
        let held = sync.held.incarnation;
        sync.held.incarnation = if held == current { IN_FORCE } else { Incarnation(0) };
    }
    if current == IN_FORCE && is_without_gaps(older | 1) {
        return;
    }
    let renamed = |incarnation: Incarnation| {
        if incarnation >= current {
            return Incarnation(IN_FORCE.0 + (incarnation.0 - current.0));
        }
        // As many steps below as there are incarnations from here up to the one in force.
        let below = (current.0 - incarnation.0).min(63);
        let nearer = (older & ((1 << below) - 1)).count_ones();
        Incarnation(IN_FORCE.0 - 1 - nearer)
    };
    state.to_secondary.rename(|mut message| {
        let (ToSecondary::Frame(Frame { incarnation, .. })
        | ToSecondary::Unsequenced { incarnation, .. }
        | ToSecondary::Resync { incarnation }
        | ToSecondary::Suspend { incarnation }
        | ToSecondary::Delete { incarnation }) = &mut message;
        *incarnation = renamed(*incarnation);
        message
    });
    state.to_primary.rename(|mut message| {
        let (ToPrimary::Ack(Ack { incarnation, .. })
        | ToPrimary::Ready { incarnation, .. }
        | ToPrimary::Suspended { incarnation }) = &mut message;
        *incarnation = renamed(*incarnation);
        message
    });
    state.secondary.incarnation = renamed(state.secondary.incarnation);
    state.primary.pending = state.primary.pending.map(renamed);
    state.primary.incarnation = IN_FORCE;
}

/// Whether the bits that are set are the lowest ones: what is numbered by them keeps its number.
const fn is_without_gaps(bits: u64) -> bool {
    bits & bits.wrapping_add(1) == 0
}

const fn of_frame(message: &ToSecondary<Value>) -> Incarnation {
    match message {
        ToSecondary::Frame(frame) => frame.incarnation,
        ToSecondary::Unsequenced { incarnation, .. }
        | ToSecondary::Resync { incarnation }
        | ToSecondary::Suspend { incarnation }
        | ToSecondary::Delete { incarnation } => *incarnation,
    }
}

const fn of_reply(message: &Reply) -> Incarnation {
    match message {
        ToPrimary::Ack(ack) => ack.incarnation,
        ToPrimary::Ready { incarnation, .. } | ToPrimary::Suspended { incarnation } => *incarnation,
    }
}

/// Whether the primary awaits an answer for this incarnation, or may: the next command asks for the one after its own, and
/// after the last one nothing is asked for (NUMBER-2).
fn may_await(state: &State, incarnation: Incarnation) -> bool {
    let primary = &state.primary;
    let is_next = incarnation > primary.incarnation && incarnation == primary.incarnation.next();
    primary.pending == Some(incarnation) || !primary.state.is_linked() && is_next
}

/// Backup ids become 1, 2, ... in their order; the requester's newest stays the greatest.
fn rename_ids(state: &mut State) {
    let mut ids = 0_u64;
    state.for_each_id(|id| ids |= 1 << (id.0 & 63));
    state.host.iter().for_each(|message| ids |= 1 << (message.id().0 & 63));
    state.requester.newest = BackupId(ids.count_ones());
    if ids & 1 == 0 && is_without_gaps(ids | 1) {
        return;
    }
    let rank =
        |id: BackupId| BackupId((ids & ((2_u64 << (id.0 & 63)).wrapping_sub(1))).count_ones());
    state.for_each_id(|id| *id = rank(*id));
    state.host.rename(|message| with_id(message, rank(message.id())));
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

impl State {
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
        for id in [&mut self.secondary.armed, &mut self.primary.quiesced].into_iter().flatten() {
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
