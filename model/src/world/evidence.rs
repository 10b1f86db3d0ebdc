//! A witness in words: where, what stands there, and what should. Whether a property is true is not decided here.

use core::fmt;

use crate::protocol::BlockIndex;
use crate::system::{Volume, Witness};
use crate::world::describe;
use crate::world::instance::{Variant, World};
use crate::world::state::{State, Value};

/// A witness in words.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Evidence {
    /// The volume or the field.
    pub place: String,
    /// The block of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u32>,
    /// What it holds.
    pub holds: String,
    /// What it should hold.
    pub should_hold: String,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, block, holds, should_hold } = self;
        if let Some(block) = block {
            write!(f, "block {block} of the ")?;
        }
        write!(f, "{place}: is {holds}, should be {should_hold}")
    }
}

impl Evidence {
    /// What `witness` says of `state`, in which it was found; none where nothing is wrong.
    #[must_use]
    pub fn of(world: &World, state: &State, witness: &Witness<Value>) -> Option<Self> {
        match *witness {
            Witness::Contents { volume, block, holds, should } => {
                Some(Self::of_block(volume, block, holds, describe::value(should)))
            }
            Witness::Uncovered { block, holds, should } => {
                let should = format!(
                    "{} as in the P-VOL, or dirty, or to be so by what is on the way",
                    describe::value(should)
                );
                Some(Self::of_block(Volume::Spvol, block, holds, should))
            }
            Witness::NoImage { is_split } => {
                let svol = if is_split { "was none when it was split" } else { "follows it" };
                let holds = format!("no image of a prefix of the writes, and the S-VOL {svol}");
                Some(Self::new("S/P-VOL", holds, "one, or else the S-VOL"))
            }
            Witness::NoFreeze(id) => {
                let place = format!("the freeze for backup {}", id.0);
                Some(Self::new(&place, "none that held".into(), "one that held until the split"))
            }
            Witness::Torn(id) => {
                let place = format!("the P-VOL at the freeze for backup {}", id.0);
                Some(Self::new(&place, "half a transaction".into(), "whole transactions alone"))
            }
            Witness::Moves(id) => {
                let is_conventional = world.variant == Variant::Conventional;
                let field = if is_conventional { "secondary" } else { "replica pair" };
                let should = format!("as it keeps still what backup {} reads", id.0);
                Some(Self::new(field, held(world, state, field), &should))
            }
            Witness::Field { field, should } => {
                Some(Self::new(field, held(world, state, field), should))
            }
            Witness::Invariant(what) => Some(Self::of_invariant(world, state, what)),
            Witness::Unreached => None,
        }
    }

    fn new(place: &str, holds: String, should_hold: &str) -> Self {
        Self { place: place.into(), block: None, holds, should_hold: should_hold.into() }
    }

    fn of_block(volume: Volume, block: BlockIndex, holds: Value, should_hold: String) -> Self {
        let place = match volume {
            Volume::Pvol => "P-VOL",
            Volume::Spvol => "S/P-VOL",
            Volume::Svol => "S-VOL",
        };
        let holds = describe::value(holds);
        Self { place: place.into(), block: Some(block.0), holds, should_hold }
    }

    /// An invariant begins with the field that it stands on.
    fn of_invariant(world: &World, state: &State, what: &str) -> Self {
        let (place, should) = what.split_once(" is ").unwrap_or(("an invariant", what));
        let field = match place {
            "primary.journal" => "journal",
            "primary.newest" => "newest",
            "primary.written" => "known written",
            "primary.dirty" => "dirty",
            "primary.pending" => "asked for",
            "secondary.queue" => "arrived",
            "secondary.consistent" => "consistent",
            "database.freeze" => "open transactions",
            other => other,
        };
        let holds = held(world, state, field);
        let holds = if holds.is_empty() { "otherwise".into() } else { holds };
        Self::new(place, holds, should)
    }
}

/// What a field holds, as a reader sees it; empty for a field that no reader sees.
fn held(world: &World, state: &State, field: &str) -> String {
    let fields = describe::fields(world, state).into_iter();
    fields.filter(|(name, _)| *name == field).map(|(_, text)| text).collect()
}
