//! Where a promise stands open: the states a run can be in after `from` and before `to`.
//!
//! Never here: whether a run can stay there.

use super::bits::Bits;
use super::edges::{Edges, OUTSIDE};
use crate::limits::Watch;

/// States looked at between two looks at the clock.
pub(super) const LOOK_AFTER: usize = 4096;

/// The states reachable from `open` along states that are not in `to`; `None` if the run was
/// left.
pub(super) fn region(edges: &Edges, open: &Bits, to: &Bits, watch: &Watch<'_>) -> Option<Bits> {
    let mut region = open.clone();
    let mut found = Vec::new();
    let mut until_look = LOOK_AFTER;
    for root in open.iter() {
        found.push(root);
        while let Some(number) = found.pop() {
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_AFTER;
                if watch.is_over() {
                    return None;
                }
            }
            for target in edges.parts(number).0 {
                if *target != OUTSIDE && !to.get(*target) && region.set(*target) {
                    if !watch.may_push::<u32>(found.len(), found.capacity()) {
                        return None;
                    }
                    found.push(*target);
                }
            }
        }
    }
    Some(region)
}
