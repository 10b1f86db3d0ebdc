//! From the arguments that name a world to that world. What a world can be is not decided here.

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Faults, Variant};
use syncsplit_study::bounds::{self, BoundsChange};
use syncsplit_study::instance::Instance;

use crate::args::WorldArgs;

/// The world that a command is about.
pub(crate) struct NamedWorld {
    /// The instance, with what was asked in place of its own bounds.
    pub(crate) instance: Instance,
    /// The reading of the protocol.
    pub(crate) variant: Variant,
    /// The rules that are left out.
    pub(crate) without: Vec<Rule>,
}

/// The instance called `name`, or of the file of that path, as `args` would have it.
///
/// # Errors
/// The name is unknown, the file is no instance, or a bound is impossible: the sentence names it and says what would be valid.
pub(crate) fn named(name: &str, args: &WorldArgs) -> Result<NamedWorld, String> {
    let instance = Instance::load(name).map_err(|refused| refused.to_string())?;
    let instance = bounds::changed(instance, &change(args))
        .map_err(|error| format!("--{}", error.replacen('_', "-", 1)))?;
    let without = instance.without_also(&args.without);
    Ok(NamedWorld { variant: args.variant.unwrap_or(instance.variant), without, instance })
}

fn change(args: &WorldArgs) -> BoundsChange {
    let union = |all: Faults, more: &Faults| all | *more;
    let faults = (!args.fault.is_empty()).then(|| args.fault.iter().fold(Faults::empty(), union));
    BoundsChange {
        blocks: args.blocks,
        volumes: args.volumes,
        journal: args.journal,
        frames: args.frames,
        acks: args.acks,
        host_messages: args.host_messages,
        journal_full: args.journal_full,
        cache: args.cache,
        stillness: args.stillness,
        start: args.start,
        transactions: args.transactions,
        numbers: args.numbers,
        faults,
    }
}
