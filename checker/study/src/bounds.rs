//! Which bounds a world can have, and how they are told. What they mean is said where the world is defined.

use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};
use syncsplit_model::world::{
    Bounds, Cache, Fault, Faults, NumberRange, Start, Stillness, Transactions,
};

use crate::instance::{CACHE, Instance, JOURNAL_FULL, START, STILLNESS};

/// What is asked of a world in place of what its instance says; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct BoundsChange {
    /// Blocks of the group.
    pub blocks: Option<u32>,
    /// Volumes of the group.
    pub volumes: Option<u32>,
    /// Entries the journal holds.
    pub journal: Option<usize>,
    /// Messages in flight from primary to secondary.
    pub frames: Option<usize>,
    /// Messages in flight from secondary to primary.
    pub acks: Option<usize>,
    /// Messages in flight between the hosts.
    pub host_messages: Option<usize>,
    /// What a full journal does.
    pub journal_full: Option<JournalFull>,
    /// What becomes of the secondary's cache in a crash.
    pub cache: Option<Cache>,
    /// What a backup holds still.
    pub stillness: Option<Stillness>,
    /// Where a run begins.
    pub start: Option<Start>,
    /// Which blocks a transaction of two writes takes.
    pub transactions: Option<Transactions>,
    /// Whether numbers go on without end.
    pub numbers: Option<NumberRange>,
    /// The faults that can happen.
    pub faults: Option<Faults>,
}

/// `instance` with the bounds that `change` asks for. Its name tells each that is another than its own, and nothing is expected
/// of such a world.
///
/// # Errors
/// As [`check`].
pub fn changed(mut instance: Instance, change: &BoundsChange) -> Result<Instance, String> {
    let mut told = Vec::new();
    let Bounds { blocks, volumes, journal, frames, acks, host_messages, .. } = &mut instance.bounds;
    set(&mut told, "blocks", blocks, change.blocks);
    set(&mut told, "volumes", volumes, change.volumes);
    set(&mut told, "journal", journal, change.journal);
    set(&mut told, "frames", frames, change.frames);
    set(&mut told, "acks", acks, change.acks);
    set(&mut told, "host messages", host_messages, change.host_messages);
    let bounds = &mut instance.bounds;
    let Bounds { journal_full, cache, stillness, start, transactions, numbers, .. } = bounds;
    set_word(&mut told, "journal full", JOURNAL_FULL, journal_full, change.journal_full);
    set_word(&mut told, "cache", CACHE, cache, change.cache);
    set_word(&mut told, "stillness", STILLNESS, stillness, change.stillness);
    set_word(&mut told, "start", START, start, change.start);
    set_word(&mut told, "transactions", Transactions::WORDS, transactions, change.transactions);
    set_word(&mut told, "numbers", NumberRange::WORDS, numbers, change.numbers);
    if let Some(faults) = change.faults.filter(|faults| *faults != instance.bounds.faults) {
        instance.bounds.faults = faults;
        told.push(faults_in_words(faults));
    }
    check(&instance.bounds)?;
    if !told.is_empty() {
        instance.name = format!("{} with {}", instance.name, told.join(", "));
        instance.is_changed = true;
        instance.expected = None;
    }
    Ok(instance)
}

fn set<T: Copy + PartialEq + ToString>(
    told: &mut Vec<String>,
    name: &str,
    bound: &mut T,
    wanted: Option<T>,
) {
    if let Some(wanted) = wanted.filter(|wanted| wanted != bound) {
        *bound = wanted;
        told.push(format!("{name} {}", wanted.to_string()));
    }
}

fn set_word<T: Copy + PartialEq>(
    told: &mut Vec<String>,
    name: &str,
    words: &[(&'static str, T)],
    choice: &mut T,
    wanted: Option<T>,
) {
    if let Some(wanted) = wanted.filter(|wanted| wanted != choice) {
        *choice = wanted;
        let word = words.iter().find(|(_, one)| *one == wanted);
        told.extend(word.map(|(word, _)| format!("{name} {word}")));
    }
}

fn faults_in_words(faults: Faults) -> String {
    let names: Vec<_> = faults.iter().map(Fault::name).collect();
    match names.len() {
        0 => "no faults".into(),
        n if n == Fault::ALL.len() => "all faults".into(),
        _ => format!("faults {}", names.join(", ")),
    }
}

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
    let faults = faults_in_words(bounds.faults);
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
