//! Failback after a takeover: the sides change roles, and the resync that follows runs the other way (TAKEOVER-2).

use super::containers::{DirtyMap, Journal, ReorderQueue};
use super::primary::{JournalFull, Primary};
use super::secondary::Secondary;
use super::types::{Incarnation, PairState};

/// Makes the side that was taken over the primary of the same group, suspended, with the blocks written since the
/// takeover dirty. `journal` is empty; `newest` is what the old primary says of [`Primary::incarnation_newest`]: it may have gone
/// on to pairings that this side never heard of. `None` unless the secondary is in SSWS.
pub fn primary_of_taken_over<P, Q, J, D>(
    secondary: Secondary<P, Q, D>,
    journal: J,
    journal_full: JournalFull,
    newest: Incarnation,
) -> Option<Primary<P, J, D>>
where
    P: Clone,
    Q: ReorderQueue<P>,
    J: Journal<P>,
    D: DirtyMap + Clone,
{
    if secondary.state != PairState::Ssws {
        return None;
    }
    let mut primary = Primary::new(journal, secondary.dirty, journal_full);
    primary.state = PairState::Psus;
    primary.incarnation = secondary.incarnation.max(newest);
    primary.newest = secondary.written;
    primary.written = secondary.written;
    Some(primary)
}

/// Makes the old primary the secondary of the same group. What it wrote and the other side may lack - its journal and
/// its dirty map - is dirty, so that the resync brings the other side's contents over it. `queue` is empty; `clean` is
/// a clean map of the group's blocks.
pub fn secondary_of_old_primary<P, J, Q, D>(
    primary: &Primary<P, J, D>,
    queue: Q,
    clean: D,
) -> Secondary<P, Q, D>
where
    P: Clone,
    J: Journal<P>,
    Q: ReorderQueue<P>,
    D: DirtyMap + Clone,
{
    let mut secondary = Secondary::new(queue, clean);
    secondary.dirty.union(&primary.dirty);
    if primary.state == PairState::Smpl {
        // Without a pair nothing was noted: nothing is known to be equal.
        secondary.dirty.mark_all();
    }
    for block in primary.journal.iter().filter_map(|entry| entry.item.block()) {
        secondary.dirty.mark(block);
    }
    secondary.state = PairState::Psue;
    secondary.incarnation = primary.incarnation;
    secondary.written = primary.written;
    // The old P-VOL holds every write that was made to it: RESYNC-4 keeps that image until the copying has ended.
    secondary.consistent = true;
    secondary
}
