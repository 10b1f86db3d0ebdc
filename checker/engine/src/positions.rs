//! Conditions that are asked for by position.
//!
//! Never here: a condition itself.
//!
//! A property or a promise holds plain functions, which carry nothing. So there is one function
//! for each position, and it asks the model.

use ::stateright::Model;

/// A model that answers for conditions by their positions.
pub trait Positions: Model {
    /// Whether the condition at `position` is true of `state`.
    fn is_true(&self, position: usize, state: &Self::State) -> bool;
}

/// A condition as stateright takes it.
pub type Condition<M> = fn(&M, &<M as Model>::State) -> bool;

macro_rules! positions {
    ($($position:literal)*) => {
        /// A name for each position.
        pub(crate) const NAMES: [&str; [$($position),*].len()] = [$(stringify!($position)),*];

        /// The condition for each position, in order.
        #[must_use]
        pub fn conditions<M: Positions>() -> [Condition<M>; POSITIONS_MAX] {
            [$(|model, state| model.is_true($position, state)),*]
        }
    };
}

positions! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
}

/// How many positions there are.
pub const POSITIONS_MAX: usize = NAMES.len();
