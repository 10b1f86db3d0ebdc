//! A `World` made ready to search.
//!
//! Never here: what the world is, and which promises it makes; that stands in `syncsplit_model::world`. Nor a search.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod bits;
mod pack;
mod reductions;
mod space;

pub use bits::PACKED_WORDS;
pub use space::{GOAL, Goal, SearchSpace};
