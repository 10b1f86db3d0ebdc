//! Which bounds a world can have, and how they are told. What they mean is said where the world is defined.

use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};
use syncsplit_model::world::{Bounds, Cache, Fault, Start, Stillness, Transactions};

/// Checks that a world of `bounds` can be built.
///
/// # Errors
/// A bound is impossible: its name, its value, and what would be valid.
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

/// The bounds of a world in one line; a claim travels with it.
#[must_use]
pub fn in_words(bounds: &Bounds) -> String {
    let names: Vec<_> = bounds.faults.iter().map(Fault::name).collect();
    let faults = match names.len() {
        0 => "no faults".into(),
        n if n == Fault::ALL.len() => "all faults".into(),
        _ => format!("faults {}", names.join(", ")),
    };
    let acks = match bounds.acks {
        0 => "acknowledgements in one step".into(),
        n => format!("{n} acknowledgement(s) in flight"),
    };
    let mut sizes = format!(
        "{} blocks, journal {}, {} frame(s), {acks}, {} host message(s)",
        bounds.blocks, bounds.journal, bounds.frames, bounds.host_messages
    );
    if bounds.volumes > 1 {
        sizes += &format!(", {} volumes", bounds.volumes);
    }
    let options = [
        (bounds.journal_full == JournalFull::Suspend, "a full journal suspends"),
        (bounds.cache == Cache::Volatile, "volatile cache"),
        (bounds.stillness == Stillness::Quiesce, "backups by quiescing"),
        (bounds.start == Start::Smpl, "begun without a pair"),
        (bounds.transactions == Transactions::Any, "transactions of any two blocks"),
    ];
    for (_, words) in options.iter().filter(|(is_chosen, _)| *is_chosen) {
        sizes += &format!(", {words}");
    }
    format!("{sizes}, {faults}")
}
