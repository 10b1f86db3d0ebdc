//! The label of an edge: which fair action takes it, or that a fault does, or that nothing is owed.
//!
//! Never here: where an edge leads.

use super::{FAIRNESS_MAX, Live};

/// The label of an edge that is neither fair nor a fault. Smaller labels are fair actions.
pub(super) const FREE: u8 = FAIRNESS_MAX + 1;
/// The label of an edge that is a fault.
pub(super) const FAULT: u8 = FREE + 1;
/// Set in the label of a fair action that is a fault as well: it is owed while faults go on, and
/// does not happen once they have ended. A timer that runs out too early is such a one.
const FAIR_FAULT: u8 = 0x80;

const _: () = assert!(u64::BITS == FREE as u32);

/// The label of the edge that `action` takes out of `state`.
///
/// # Errors
///
/// The number of its fair action is too large; it is given back.
pub(super) fn label<M: Live>(model: &M, state: &M::State, action: &M::Action) -> Result<u8, u8> {
    match (model.fairness(state, action), model.is_fault(state, action)) {
        (Some(number), _) if number > FAIRNESS_MAX => Err(number),
        (Some(number), true) => Ok(number | FAIR_FAULT),
        (Some(number), false) => Ok(number),
        (None, true) => Ok(FAULT),
        (None, false) => Ok(FREE),
    }
}

/// The bit of a fair action's label; none for the other labels.
pub(super) fn bit(label: u8) -> u64 {
    1_u64.checked_shl(u32::from(label & !FAIR_FAULT)).unwrap_or(0)
}

/// Whether an edge with this label is a fault.
pub(super) fn is_fault(label: u8) -> bool {
    label == FAULT || label & FAIR_FAULT != 0
}
