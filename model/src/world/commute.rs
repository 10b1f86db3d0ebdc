//! Which steps commute: taken in either order they lead to the same state, and neither keeps the other from happening.
//! A search that has taken the one of two such steps first need not take it again after the other (sleep sets:
//! P. Godefroid, *Partial-Order Methods*, 1996). What a step does is not decided here, and no step is left out here.
//!
//! Each kind of action has a reach: what it reads and what it writes, in parts of the world that are rough enough to be
//! told by the action alone. Two steps commute unless one writes what the other reads or writes. What the normal form does
//! counts too: it drops a message when its receiver can act on it no more, so whoever changes the receiver writes the link.
//! A test tries all of that over whole worlds, and a search on a sample of its states; docs/reductions.md says why nothing
//! is lost.

use stateright::Model;

use crate::protocol::primary::JournalFull;
use crate::protocol::{HostMessage, Rules, ToSecondary};
use crate::world::action::{Action, ActionKind};
use crate::world::fault::Fault;
use crate::world::instance::{NumberRange, Stillness, Variant, World};
use crate::world::state::{BLOCKS_MAX, FLIGHT_MAX, Flight, JOURNAL_MAX, State};

/// A set of steps, by [`Commuting::step`].
pub type Steps = u128;

/// Parts of the world, one bit each.
type Parts = u16;

/// Whether the array link is up.
const LINK: Parts = 1 << 0;
/// What is in flight to the secondary.
const FRAMES: Parts = 1 << 1;
/// What is in flight to the primary.
const REPLIES: Parts = 1 << 2;
/// The primary's pair state, incarnation and dirty map, and what it awaits.
const PAIR: Parts = 1 << 3;
/// The P-VOL, the journal, and the primary's numbers.
const JOURNAL: Parts = 1 << 4;
/// The secondary but for its replica pair, the S/P-VOL, and what the ghosts expect there.
const SECONDARY: Parts = 1 << 5;
/// The replica pair, the S-VOL, and the backup it is armed for.
const REPLICA: Parts = 1 << 6;
/// The database and its application.
const DATABASE: Parts = 1 << 7;
/// The coordinator, its Sync, and the image it has frozen.
const COORDINATOR: Parts = 1 << 8;
/// The requester, and the image it may read.
const REQUESTER: Parts = 1 << 9;
/// What is in flight between the hosts.
const HOSTS: Parts = 1 << 10;
/// Everything.
const ALL: Parts = Parts::MAX;

/// What a step touches.
#[derive(Clone, Copy)]
struct Reach {
    /// Decides whether the world offers the step, whether a role refuses it, or what it writes.
    reads: Parts,
    writes: Parts,
    /// Decides no more than whether what the step writes is seen by anything: new contents that nothing compares have no
    /// name of their own in the normal form, so that a write may lead to where it began.
    seen_by: Parts,
}

const fn reach(reads: Parts, writes: Parts) -> Reach {
    Reach { reads, writes, seen_by: 0 }
}

impl Reach {
    /// Whether `self`, had it been taken first, would have led to the same state as it does after `other`, which leaves it
    /// a step.
    const fn sleeps_after(self, other: Self) -> bool {
        other.writes & (self.reads | self.writes | self.seen_by) == 0
            && self.writes & (other.reads | other.writes) == 0
    }
}

/// Which steps of a world commute, and the bits by which they are known.
#[derive(Clone, Debug)]
pub struct Commuting {
    /// For each step the steps that may sleep after it.
    sleepers: Vec<Steps>,
}

impl Commuting {
    /// Which steps of `world` commute; none if that is not known, or if there are more steps than bits.
    #[must_use]
    pub fn of(world: &World) -> Option<Self> {
        if !world.knows_what_commutes() {
            return None;
        }
        let kinds = ActionKind::ALL.iter().copied();
        let reaches = |kind| (0..width(kind)).map(move |which| world.reach(kind, which));
        let reaches: Vec<Reach> = kinds.flat_map(reaches).collect();
        if reaches.len() > Steps::BITS as usize {
            return None;
        }
        let sleepers = |taken: &Reach| {
            let sleeps = |(at, one): (u32, &Reach)| Steps::from(one.sleeps_after(*taken)) << at;
            (0..).zip(&reaches).map(sleeps).fold(0, |all, one| all | one)
        };
        Some(Self { sleepers: reaches.iter().map(sleepers).collect() })
    }

    /// The step that `action` is where `state` offers it. After steps that commute with it, it is known by the same bit.
    #[must_use]
    pub fn step(&self, state: &State, action: &Action) -> Steps {
        1_u128.checked_shl(FIRSTS[action.kind() as usize] + which(state, action)).unwrap_or(0)
    }

    /// The steps that sleep in the state that `taken` leads to, if `before` are those that sleep where it is taken, or were
    /// taken there before it.
    #[must_use]
    pub fn asleep_after(&self, taken: Steps, before: Steps) -> Steps {
        let sleepers = self.sleepers.get(taken.trailing_zeros() as usize);
        before & sleepers.copied().unwrap_or(0)
    }

    /// Two steps out of `state` of which the second may sleep after the first, although they do not commute. There are none
    /// in any state of a world that is searched this way.
    #[must_use]
    pub fn clash(&self, world: &World, state: &State) -> Option<(Action, Action)> {
        let steps_of = |state: &State| -> Vec<(Steps, Action, State)> {
            let known = |action| {
                Some((self.step(state, &action), action, world.next_state(state, action)?))
            };
            world.enabled(state).into_iter().filter_map(known).collect()
        };
        let steps = steps_of(state);
        let next: Vec<Vec<_>> = steps.iter().map(|(.., after)| steps_of(after)).collect();
        let find = |at: usize, wanted| {
            let found = next[at].iter().find(|(step, ..)| *step == wanted);
            found.map(|(.., after)| *after)
        };
        let pairs =
            (0..steps.len()).flat_map(|taken| (0..steps.len()).map(move |other| (taken, other)));
        let clashes = |(taken, sleeper): (usize, usize)| {
            let (first, second) = (steps[taken].0, steps[sleeper].0);
            if self.asleep_after(first, second) == 0 {
                return false;
            }
            // The sleeper is a step still, to where it leads if it goes first; after it, the other may be none.
            let both = find(taken, second);
            both.is_none()
                || both != find(sleeper, first).or(Some(steps[sleeper].2))
                || first == second
        };
        let found = pairs.filter(|pair| pair.0 != pair.1).find(|pair| clashes(*pair));
        found.map(|(taken, sleeper)| (steps[taken].1, steps[sleeper].1))
    }
}

impl World {
    /// Whether it is known which steps commute: that rests on all rules.
    #[must_use]
    pub fn knows_what_commutes(&self) -> bool {
        self.variant == Variant::Hardened && self.rules == Rules::HARDENED
    }

    /// What a step reads and writes in this world, by its kind and by which of its kind it is.
    fn reach(&self, kind: ActionKind, which: u32) -> Reach {
        let bounds = &self.bounds;
        let quiesce = if bounds.stillness == Stillness::Quiesce { PAIR } else { 0 };
        let ending = bounds.numbers == NumberRange::Ending;
        let suspicious = bounds.faults.contains(Fault::FalseSuspicion);
        let replies = if bounds.acks == 0 { PAIR | JOURNAL } else { REPLIES };
        match kind {
            ActionKind::WriteOne
            | ActionKind::WriteFirst
            | ActionKind::WriteFirstTo
            | ActionKind::WriteSecond
            | ActionKind::WriteSecondTo
                if ending || bounds.journal_full == JournalFull::Suspend =>
            {
                reach(ALL, ALL)
            }
            // What would need a number after the last one suspends the pair (NUMBER-1).
            ActionKind::CopyBlock | ActionKind::PairMark if ending => reach(ALL, ALL),
            ActionKind::WriteOne => {
                let seen_by = COORDINATOR | SECONDARY | FRAMES | PAIR | REPLICA | REQUESTER;
                Reach { reads: DATABASE, writes: JOURNAL, seen_by }
            }
            ActionKind::WriteFirst | ActionKind::WriteFirstTo => reach(0, JOURNAL | DATABASE),
            // A freeze that has waited for the commit is answered.
            ActionKind::WriteSecond | ActionKind::WriteSecondTo => {
                reach(0, JOURNAL | DATABASE | COORDINATOR | HOSTS)
            }
            ActionKind::Send => reach(LINK | PAIR | JOURNAL, FRAMES),
            // A frame goes into the reorder queue; a command is answered.
            ActionKind::Deliver if which & COMMAND == 0 => reach(LINK, FRAMES | SECONDARY),
            ActionKind::Deliver => reach(LINK, FRAMES | SECONDARY | REPLICA | replies),
            ActionKind::Lose => reach(0, FRAMES),
            ActionKind::Apply => reach(0, SECONDARY | FRAMES),
            ActionKind::Report => reach(LINK | SECONDARY, replies | FRAMES),
            ActionKind::DeliverReply => reach(LINK, REPLIES | PAIR | JOURNAL | FRAMES),
            ActionKind::LoseReply => reach(0, REPLIES),
            ActionKind::LinkDown | ActionKind::LinkUp => reach(0, LINK),
            ActionKind::Fail if suspicious => reach(0, PAIR | FRAMES | REPLIES),
            ActionKind::Fail => reach(LINK, PAIR | FRAMES | REPLIES),
            ActionKind::SecondaryFail => reach(0, SECONDARY | FRAMES),
            ActionKind::Create | ActionKind::Resync => reach(LINK, PAIR | FRAMES | REPLIES),
            ActionKind::Suspend | ActionKind::Delete => reach(LINK, PAIR | FRAMES | REPLIES),
            ActionKind::CopyBlock | ActionKind::PairMark => reach(0, PAIR | JOURNAL),
            ActionKind::StartBackup => reach(0, REQUESTER | HOSTS | REPLICA),
            ActionKind::LoseHost => reach(0, HOSTS),
            ActionKind::DeliverHost => match which / (2 * PLACES) {
                // The image that is frozen is the P-VOL's.
                REQUEST => reach(JOURNAL, HOSTS | COORDINATOR | DATABASE | quiesce),
                SPLIT => reach(SECONDARY, HOSTS | REPLICA),
                SPLIT_ANSWER => reach(0, HOSTS | COORDINATOR | DATABASE | quiesce),
                _ => reach(0, HOSTS | REQUESTER | REPLICA),
            },
            ActionKind::SyncBegin | ActionKind::SyncLook => {
                reach(PAIR | JOURNAL, COORDINATOR | HOSTS | DATABASE)
            }
            ActionKind::SyncTimeout | ActionKind::Thaw | ActionKind::CoordinatorTimeout => {
                reach(0, COORDINATOR | HOSTS | DATABASE | quiesce)
            }
            ActionKind::RequesterTimeout
            | ActionKind::FinishBackup
            | ActionKind::CrashRemoteHost => reach(0, REQUESTER | HOSTS | REPLICA),
            ActionKind::LeaseExpires => reach(0, DATABASE | COORDINATOR | quiesce),
            ActionKind::CrashPrimary => reach(0, PAIR),
            ActionKind::CrashSecondary => reach(0, SECONDARY | REPLICA | FRAMES | HOSTS),
            ActionKind::CrashLocalHost => reach(0, COORDINATOR | HOSTS | DATABASE),
            ActionKind::CrashCoordinator => reach(0, COORDINATOR | HOSTS),
            ActionKind::Takeover => reach(0, SECONDARY | REPLICA | FRAMES),
            ActionKind::RemoteWrite => {
                let seen_by = REPLICA | REQUESTER | COORDINATOR | PAIR;
                Reach { reads: 0, writes: SECONDARY, seen_by }
            }
            ActionKind::AnswerHost
            | ActionKind::CopyReplica
            | ActionKind::Destage
            | ActionKind::SuspendForBackup
            | ActionKind::Failback => reach(ALL, ALL),
        }
    }
}

/// Places of messages in a flight.
const PLACES: u32 = FLIGHT_MAX as u32;
/// The bit that tells a command from a frame.
const COMMAND: u32 = 1;

// Kinds of message between the hosts.
const REQUEST: u32 = 0;
const SPLIT: u32 = 1;
const SPLIT_ANSWER: u32 = 2;
const PERMIT: u32 = 3;
const REJECT: u32 = 4;

/// How many steps of a kind a state can offer at once.
const fn width(kind: ActionKind) -> u32 {
    match kind {
        ActionKind::WriteOne
        | ActionKind::WriteFirstTo
        | ActionKind::WriteSecondTo
        | ActionKind::CopyReplica
        | ActionKind::Destage
        | ActionKind::CopyBlock
        | ActionKind::RemoteWrite => BLOCKS_MAX as u32,
        ActionKind::Send => JOURNAL_MAX as u32,
        ActionKind::Deliver => PLACES * 4,
        ActionKind::DeliverReply => PLACES * 2,
        ActionKind::Lose | ActionKind::LoseReply => PLACES,
        ActionKind::DeliverHost => (REJECT + 1) * PLACES * 2,
        ActionKind::LoseHost => (REJECT + 1) * PLACES,
        ActionKind::Takeover => 2,
        ActionKind::WriteFirst
        | ActionKind::WriteSecond
        | ActionKind::AnswerHost
        | ActionKind::Apply
        | ActionKind::Report
        | ActionKind::LinkDown
        | ActionKind::LinkUp
        | ActionKind::Fail
        | ActionKind::SecondaryFail
        | ActionKind::Create
        | ActionKind::Suspend
        | ActionKind::Resync
        | ActionKind::Delete
        | ActionKind::PairMark
        | ActionKind::StartBackup
        | ActionKind::SyncBegin
        | ActionKind::SyncLook
        | ActionKind::SyncTimeout
        | ActionKind::SuspendForBackup
        | ActionKind::Thaw
        | ActionKind::CoordinatorTimeout
        | ActionKind::RequesterTimeout
        | ActionKind::FinishBackup
        | ActionKind::LeaseExpires
        | ActionKind::CrashPrimary
        | ActionKind::CrashSecondary
        | ActionKind::CrashLocalHost
        | ActionKind::CrashCoordinator
        | ActionKind::CrashRemoteHost
        | ActionKind::Failback => 1,
    }
}

/// The first bit of each kind of action.
const FIRSTS: [u32; ActionKind::ALL.len()] = {
    let mut firsts = [0; ActionKind::ALL.len()];
    let mut at = 1;
    while at < firsts.len() {
        firsts[at] = firsts[at - 1] + width(ActionKind::ALL[at - 1]);
        at += 1;
    }
    firsts
};

/// Which of the steps of its kind `action` is.
fn which(state: &State, action: &Action) -> u32 {
    match action {
        Action::WriteOne(block)
        | Action::WriteFirstTo(block)
        | Action::WriteSecondTo(block)
        | Action::CopyReplica(block)
        | Action::Destage(block)
        | Action::CopyBlock(block)
        | Action::RemoteWrite(block) => block.0,
        Action::Send(seq) => {
            let mut entries = state.primary.journal.entries();
            entries.position(|entry| entry.seq == *seq).unwrap_or(0) as u32
        }
        Action::Deliver { message, again } => {
            let command = if matches!(message, ToSecondary::Frame(_)) { 0 } else { COMMAND };
            (place(&state.to_secondary, *message) * 2 + u32::from(*again)) * 2 + command
        }
        Action::Lose(message) => place(&state.to_secondary, *message),
        Action::DeliverReply { message, again } => {
            place(&state.to_primary, *message) * 2 + u32::from(*again)
        }
        Action::LoseReply(message) => place(&state.to_primary, *message),
        Action::DeliverHost { message, again } => {
            let at = sort(message) * PLACES + place(&state.host, *message);
            at * 2 + u32::from(*again)
        }
        Action::LoseHost(message) => sort(message) * PLACES + place(&state.host, *message),
        Action::Takeover { force } => u32::from(*force),
        Action::WriteFirst
        | Action::WriteSecond
        | Action::AnswerHost
        | Action::Apply
        | Action::Report
        | Action::LinkDown
        | Action::LinkUp
        | Action::Fail
        | Action::SecondaryFail
        | Action::Create
        | Action::Suspend
        | Action::Resync
        | Action::Delete
        | Action::PairMark
        | Action::StartBackup
        | Action::SyncBegin
        | Action::SyncLook
        | Action::SyncTimeout
        | Action::SuspendForBackup
        | Action::Thaw
        | Action::CoordinatorTimeout
        | Action::RequesterTimeout
        | Action::FinishBackup
        | Action::LeaseExpires
        | Action::CrashPrimary
        | Action::CrashSecondary
        | Action::CrashLocalHost
        | Action::CrashCoordinator
        | Action::CrashRemoteHost
        | Action::Failback => 0,
    }
}

const fn sort(message: &HostMessage) -> u32 {
    match message {
        HostMessage::Request(_) => REQUEST,
        HostMessage::Split(_) => SPLIT,
        HostMessage::SplitAnswer { .. } => SPLIT_ANSWER,
        HostMessage::Permit(_) => PERMIT,
        HostMessage::Reject(_) => REJECT,
    }
}

/// Where in a flight a message stands.
fn place<M: Copy + Ord>(flight: &Flight<M>, message: M) -> u32 {
    flight.iter().position(|other| other == message).unwrap_or(0) as u32
}
