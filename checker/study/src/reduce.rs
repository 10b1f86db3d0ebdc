//! Reductions: fewer states, or fewer steps, for the same answers. Which there are, and the way back from a run of the
//! reduced world to one of the world itself. What may be left out is decided in `syncsplit_model::world`;
//! docs/reductions.md says why.
use stateright::Model;
use strum::{EnumMessage, IntoStaticStr, VariantArray};
use syncsplit_engine::{EngineError, SearchOutcome, Trace};
use syncsplit_model::world::{Action, State, World};
use syncsplit_search::SearchSpace;

/// A way to search less.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Reduction {
    /// States that differ by an exchange of blocks count as one
    Symmetry,
    /// A step that commutes with all others, and that no property sees, is taken at once
    Order,
    /// Two steps that commute are taken in one order only; states and counts stay what they are
    Sleep,
}

impl Reduction {
    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it leaves states out, so that counts are those of a smaller space.
    #[must_use]
    pub const fn leaves_states_out(self) -> bool {
        !matches!(self, Self::Sleep)
    }
}

/// `space`, reduced.
#[must_use]
pub fn reduced(space: SearchSpace, reductions: &[Reduction]) -> SearchSpace {
    reductions.iter().fold(space, |space, reduction| match reduction {
        Reduction::Symmetry => space.with_blocks_exchanged(),
        Reduction::Order => space.with_order_reduced(),
        Reduction::Sleep => space.with_steps_asleep(),
    })
}

/// Replaces each run of `reduced` by one of `plain`, the world it was made from: as long, through the same states up to
/// an exchange of blocks. A step that was taken first is one of `plain` anyway.
///
/// # Errors
/// A run of the outcome is no run of `plain`.
pub fn unfold(
    plain: &World,
    reduced: &SearchSpace,
    outcome: &mut SearchOutcome<Action, State>,
) -> Result<(), EngineError<Action, State>> {
    let traces = outcome.discoveries.iter_mut().map(|found| &mut found.trace);
    let deadlocks = outcome.deadlocks.iter_mut().filter_map(|deadlocks| deadlocks.first.as_mut());
    for trace in traces.chain(deadlocks) {
        *trace = real(plain, reduced, trace)?;
    }
    Ok(())
}

/// From the initial state on, each step leads to a state that the next one of `trace` stands for, and is followed by the
/// steps that were taken at once with it. There is such a step, since what stands for a state has its successors up to an
/// exchange of blocks. After the last one none needs to follow: no property sees it.
fn real(
    plain: &World,
    reduced: &SearchSpace,
    trace: &Trace<Action, State>,
) -> Result<Trace<Action, State>, EngineError<Action, State>> {
    let mut path: Trace<Action, State> = Vec::with_capacity(trace.len());
    for (action, wanted) in trace {
        let is_wanted = |state: &State| reduced.representative(state) == *wanted;
        let step = match (path.last(), action) {
            (None, _) | (_, None) => {
                let mut initial = plain.init_states().into_iter();
                initial.find(is_wanted).map(|state| (None, state))
            }
            (Some((_, before)), Some(taken)) => {
                let mut before = *before;
                while let Some(first) = reduced.led(&before) {
                    before = plain
                        .attempt(&before, first)
                        .map_err(|_| EngineError::NotRepeatable { trace: path.clone() })?;
                    path.push((Some(first), before));
                }
                let mut actions = Vec::new();
                plain.actions(&before, &mut actions);
                // Another kind of action may lead to the same state; a reader is shown the kind that was taken.
                actions.sort_by_key(|action| action.kind() != taken.kind());
                let step =
                    |action: Action| Some((Some(action), plain.next_state(&before, action)?));
                actions.into_iter().filter_map(step).find(|(_, after)| is_wanted(after))
            }
        };
        match step {
            Some(step) => path.push(step),
            None => return Err(EngineError::NotRepeatable { trace: path }),
        }
    }
    Ok(path)
}
