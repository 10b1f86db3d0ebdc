//! Sync(group, timeout): waits until everything written locally so far is written remotely (\[0020\] \[0021\]
//! \[0030\]-\[0033\], figure 3). The line that decides when Sync is done is in [`Sync::step`], at SYNC-3.

use core::fmt;

use super::rules::{Rule, Rules};
use super::step::{Effects, Step, effects};
use super::types::{PairState, QMarker, Seq};

/// What one look at the pair shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PairView {
    /// The pair state at the primary.
    pub state: PairState,
    /// The newest number given, with the incarnation in force.
    pub newest: QMarker,
    /// The highest number the secondary reported written, in the incarnation in force.
    pub written: Seq,
}

/// A Sync that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sync {
    /// The point waited for: the newest number on receipt (SYNC-2).
    pub held: QMarker,
}

/// What happens to a Sync that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SyncEvent {
    /// It looks at the pair (steps 35 and 36).
    Look(PairView),
    /// Its timeout has passed (step 37).
    Timeout,
}

/// How a Sync ended; the words and exit codes of CCI's `pairsyncwait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "record", serde(rename_all = "UPPERCASE"))]
pub enum SyncOutcome {
    /// Everything up to the held marker is written remotely (SYNC-3).
    Done,
    /// The timeout passed first (SYNC-4).
    Timeout,
    /// The pair left PAIR while Sync waited (SYNC-5).
    Broken,
    /// The pair was resynchronised while Sync waited, so the held number means nothing any more (SYNC-5).
    Changed,
}

impl SyncOutcome {
    /// The exit code of the host command.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Timeout => 1,
            Self::Broken => 2,
            Self::Changed => 3,
        }
    }
}

impl fmt::Display for SyncOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "DONE",
            Self::Timeout => "TIMEOUT",
            Self::Broken => "BROKEN",
            Self::Changed => "CHANGED",
        })
    }
}

/// What a Sync's caller does after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SyncEffect {
    /// Wait a while, then look again (step 38).
    Wait,
    /// Return to the caller.
    Return(SyncOutcome),
}

/// Why a Sync was not begun (SYNC-1): the group is in this state and not in PAIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotPair(pub PairState);

impl NotPair {
    /// The exit code of the host command, CCI's `EX_INVVOL`.
    pub const EXIT_CODE: u8 = 222;
}

impl fmt::Display for NotPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the group is in {}, Sync needs PAIR (SYNC-1)", self.0)
    }
}

impl core::error::Error for NotPair {}

impl Sync {
    /// Begins a Sync on what the pair shows on receipt (steps 31 to 34).
    ///
    /// # Errors
    /// [`NotPair`] when the group is not in PAIR (SYNC-1).
    pub fn begin(rules: Rules, view: PairView) -> Result<Self, NotPair> {
        if view.state != PairState::Pair && rules.has(Rule::Sync1) {
            return Err(NotPair(view.state));
        }
        // SYNC-2. Left out, Sync waits for what was known to be written anyway.
        let seq = if rules.has(Rule::Sync2) { view.newest.seq } else { view.written };
        Ok(Self { held: QMarker { incarnation: view.newest.incarnation, seq } })
    }

    /// Takes one step under `rules`. No event is refused.
    ///
    /// Why the pair is looked at before the numbers (SYNC-5), against figure 3, which loops back to its step 35:
    /// 1. Two writes take 1 and 2; 1 is written remotely. Sync holds 2 and waits.
    /// 2. The link fails, the pair is suspended, the link returns, the pair is resynchronised.
    /// 3. The first block copied carries the number 2 of the new incarnation and is written.
    /// 4. "held <= written" is true while the other block has not been copied.
    pub fn step(
        self,
        rules: Rules,
        event: SyncEvent,
    ) -> Step<Self, SyncEffect, core::convert::Infallible> {
        let effect = match event {
            SyncEvent::Look(view) if rules.has(Rule::Sync5) && view.state != PairState::Pair => {
                SyncEffect::Return(SyncOutcome::Broken)
            }
            SyncEvent::Look(view)
                if rules.has(Rule::Sync5) && view.newest.incarnation != self.held.incarnation =>
            {
                SyncEffect::Return(SyncOutcome::Changed)
            }
            SyncEvent::Look(view) if view.written >= self.held.seq || !rules.has(Rule::Sync3) => {
                SyncEffect::Return(SyncOutcome::Done)
            }
            SyncEvent::Timeout if rules.has(Rule::Sync4) => {
                SyncEffect::Return(SyncOutcome::Timeout)
            }
            SyncEvent::Look(_) | SyncEvent::Timeout => SyncEffect::Wait,
        };
        Step::of(self, Ok::<Effects<_>, _>(effects([effect])))
    }
}
