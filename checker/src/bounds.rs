//! Which bounds a world can have. What they mean is said where the world is defined.

use syncsplit_model::world::Bounds;
use syncsplit_model::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};

/// Checks that a world of `bounds` can be built.
///
/// # Errors
/// The first bound that is impossible: its name, its value, and what would be valid.
pub fn check(bounds: &Bounds) -> Result<(), String> {
    let blocks = bounds.blocks as usize;
    let rows = [
        ("blocks", blocks, 2, BLOCKS_MAX),
        ("volumes", bounds.volumes as usize, 1, blocks),
        ("journal", bounds.journal, 1, JOURNAL_MAX),
        ("frames", bounds.frames, 1, FLIGHT_MAX),
        ("acks", bounds.acks, 0, FLIGHT_MAX),
        ("host_messages", bounds.host_messages, 1, FLIGHT_MAX),
    ];
    for (name, value, min, max) in rows {
        if value < min || value > max {
            return Err(format!("{name}: found {value}; valid is {min} to {max}"));
        }
    }
    Ok(())
}
