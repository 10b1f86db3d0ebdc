//! Local calls: what a role of a site has told another that has not taken it yet. They are reliable and arrive in order
//! (SPEC.md, section 10), so each is taken once, after those that were told before it. Messages on a link are not here.
//!
//! Two kinds of call may be missing without a fault: a crash of either partner loses what was under way, and what a
//! coordinator would refuse it may have dropped before it became a step.

use std::fmt;

use strum::VariantArray;
use syncsplit_model::protocol::BackupId;
use syncsplit_model::system::Notice;

use super::table::{Table, print_of};

/// A pair of local partners, in the direction of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(super) enum Partners {
    /// The coordinator and what it holds still: the database, or the primary in its place.
    Stillness,
    /// What answers the coordinator that all is still, or is not any more.
    Answers,
    /// The requester and the secondary.
    Replica,
}

impl Partners {
    /// Whose call this is; nothing if it is taken by no step of its own. A Sync is begun by whoever wants one, and its
    /// return belongs to its caller: the Syncs themselves are followed, not their calls.
    const fn of(notice: Notice) -> Option<Self> {
        match notice {
            Notice::Freeze(_) | Notice::Thaw(_) => Some(Self::Stillness),
            Notice::Frozen(_) | Notice::Quiesced(_) | Notice::Thawed(..) => Some(Self::Answers),
            Notice::Arm(_) | Notice::Release(_) => Some(Self::Replica),
            Notice::BeginSync(_) | Notice::Synced(_) | Notice::Read(_) => None,
        }
    }
}

/// A call that waits to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Call {
    notice: Notice,
    /// A crash may have lost it.
    may_be_lost: bool,
}

/// Why a call cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untaken {
    /// Nobody has told it.
    Untold,
    /// This one was told before it, and has not been taken yet.
    Behind(Notice),
    /// It was taken, or overtaken, before; what waits to be taken next, if anything does.
    Again(Option<Notice>),
}

/// The calls of a site.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// By the order of [`Partners`]: what waits, in the order in which it was told.
    waiting: [Table<u64, Call>; 3],
    /// The number of the next call; it begins anew when nothing waits.
    next: [u64; 3],
    /// Calls that failed at whoever took them: each may be made once more, at any time.
    failed: Table<Notice, ()>,
    /// Everything told so far.
    told: Table<Notice, ()>,
    /// Whether the primary holds still in place of a database, once one of them has.
    is_primary_still: Option<bool>,
}

impl Calls {
    pub(super) fn print(&self) -> u128 {
        // What waits counts by its order: by its number two states would differ by what was taken long ago.
        let waiting = self.waiting.each_ref().map(|calls| match calls.len() {
            0..=8 => print_of(&calls.iter().map(|(_, call)| *call).collect::<Vec<_>>()),
            _ => calls.print(),
        });
        print_of(&(waiting, self.is_primary_still))
            .wrapping_add(self.failed.print())
            .wrapping_add(self.told.print())
    }

    /// A role has told another.
    pub(super) fn tell(&mut self, notice: Notice) {
        self.told.insert(notice, ());
        if let Some(partners) = Partners::of(notice) {
            let at = partners as usize;
            self.waiting[at].insert(self.next[at], Call { notice, may_be_lost: false });
            self.next[at] += 1;
        }
    }

    /// A role takes the first call that `is_it`, which `wanted` is one of. `drops` says what its taker would refuse now.
    pub(super) fn take(
        &mut self,
        wanted: Notice,
        is_it: impl Fn(Notice) -> bool,
        drops: impl Fn(Notice) -> bool,
    ) -> Result<(), Untaken> {
        let Some(partners) = Partners::of(wanted) else { return Ok(()) };
        let at = partners as usize;
        let waiting = &mut self.waiting[at];
        let found = waiting.iter().find(|(_, call)| is_it(call.notice)).map(|(number, _)| *number);
        let before = |number: u64| move |of: &(&u64, &Call)| *of.0 < number;
        let Some(number) = found else {
            if self.failed.remove(&wanted).is_some() {
                return Ok(());
            }
            let told = self.told.keys().any(|notice| is_it(*notice));
            let first = waiting.iter().next().map(|(_, call)| call.notice);
            return Err(if told { Untaken::Again(first) } else { Untaken::Untold });
        };
        let has_to_come = |call: &Call| !call.may_be_lost && !drops(call.notice);
        if let Some((_, call)) =
            waiting.iter().take_while(before(number)).find(|(_, call)| has_to_come(call))
        {
            return Err(Untaken::Behind(call.notice));
        }
        while let Some(first) = waiting.first().copied().filter(|first| *first <= number) {
            waiting.remove(&first);
        }
        if waiting.is_empty() {
            self.next[at] = 0;
        }
        Ok(())
    }

    /// The call was never made: the effect that would have made it was not performed.
    pub(super) fn take_back(&mut self, notice: Notice) {
        let Some(partners) = Partners::of(notice) else { return };
        let waiting = &mut self.waiting[partners as usize];
        let newest = waiting.iter().rev().find(|(_, call)| call.notice == notice);
        if let Some(number) = newest.map(|(number, _)| *number) {
            waiting.remove(&number);
        }
        self.told.remove(&notice);
    }

    /// The call was made, and whoever took it failed, before its step or after it.
    pub(super) fn fail(&mut self, notice: Notice) {
        self.take_back(notice);
        self.told.insert(notice, ());
        self.failed.insert(notice, ());
    }

    /// A partner crashed: what was under way to it and from it may be lost.
    pub(super) fn crash(&mut self, all: &[Partners]) {
        for partners in all {
            let waiting = &mut self.waiting[*partners as usize];
            let lost =
                |(number, call): (&u64, &Call)| (*number, Call { may_be_lost: true, ..*call });
            *waiting = waiting.iter().map(lost).collect();
        }
    }

    /// The primary crashed.
    pub(super) fn crash_primary(&mut self) {
        if self.is_primary_still != Some(false) {
            self.crash(&[Partners::Stillness, Partners::Answers]);
        }
    }

    /// The primary, or the database, was asked to hold still.
    pub(super) fn note_stillness(&mut self, is_primary: bool) {
        self.is_primary_still.get_or_insert(is_primary);
    }

    /// Whether the last call that waits for its partner is this one.
    pub(super) fn is_last(&self, notice: Notice) -> bool {
        let waiting = Partners::of(notice).map(|partners| &self.waiting[partners as usize]);
        let last = waiting.and_then(|waiting| waiting.iter().next_back());
        last.is_some_and(|(_, call)| call.notice == notice)
    }

    /// Every backup id that any call has named.
    pub(super) fn ids(&self) -> impl Iterator<Item = BackupId> {
        self.told.keys().filter_map(Notice::id)
    }
}

/// A call in words.
pub(super) struct Words(pub(super) Notice);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id().unwrap_or_default().0;
        match self.0 {
            Notice::Freeze(_) => write!(f, "the coordinator's Freeze({id})"),
            Notice::Thaw(_) => write!(f, "the coordinator's Thaw({id})"),
            Notice::BeginSync(_) => write!(f, "the coordinator's begin of Sync for backup {id}"),
            Notice::Frozen(_) => write!(f, "the database's Frozen({id})"),
            Notice::Quiesced(_) => write!(f, "the primary's Frozen({id})"),
            Notice::Thawed(_, held) => write!(f, "Thawed({id}, held: {held})"),
            Notice::Synced(done) => write!(f, "Sync's return, done: {done}"),
            Notice::Arm(_) => write!(f, "the requester's Arm({id})"),
            Notice::Read(_) => write!(f, "the requester's reading of backup {id}"),
            Notice::Release(_) => write!(f, "the requester's Release({id})"),
        }
    }
}
