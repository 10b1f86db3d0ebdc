//! From a file's words and numbers to an instance: each value alone, with the range or the names that its key takes.
//! What two values say about each other is [`super::contradictions`]'s to judge.

use std::fmt::Debug;

use stateright::Expectation;
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};
use syncsplit_model::world::{
    Bounds, Cache, Fault, Faults, NumberRange, Start, Stillness, Transactions, Variant, World,
    WorldProperty,
};
use toml::Spanned;

use super::schema::{ExpectedOutcome, File, Names, Number, Span};
use super::{Expected, Instance, Refused, contradictions};

/// What is wrong, and where.
pub(super) type Wrong = (Span, String);

/// Words a key takes, each with what it means.
type Words<T> = [(&'static str, T)];

/// What a full journal does, each with its word in files and on the command line.
pub const JOURNAL_FULL: &[(&str, JournalFull)] =
    &[("hold", JournalFull::Hold), ("suspend", JournalFull::Suspend)];
/// What becomes of the cache in a crash, each with its word.
pub const CACHE: &[(&str, Cache)] =
    &[("non-volatile", Cache::NonVolatile), ("volatile", Cache::Volatile)];
/// What a backup holds still, each with its word.
pub const STILLNESS: &[(&str, Stillness)] =
    &[("freeze", Stillness::Freeze), ("quiesce", Stillness::Quiesce)];
/// Where a run begins, each with its word.
pub const START: &[(&str, Start)] = &[("pair", Start::Pair), ("smpl", Start::Smpl)];
const HOLDS: &Words<bool> = &[("holds", true), ("violated", false)];

/// The instance that `toml`, the text of the file `name`, describes.
pub(super) fn instance(name: &str, toml: &str) -> Result<Instance, Refused> {
    let file: File = toml::from_str(toml).map_err(|error| {
        let place = error.span().map(|span| place(toml, span.start));
        Refused::at(name, place, error.message().into())
    })?;
    let wrong = |(span, message): Wrong| Refused::at(name, Some(place(toml, span.start)), message);
    let instance = translate(name, &file).map_err(wrong)?;
    contradictions::check(&file, &instance).map_err(wrong)?;
    Ok(instance)
}

fn translate(name: &str, file: &File) -> Result<Instance, Wrong> {
    let mut instance = Instance {
        name: name.into(),
        says: file.says.clone().unwrap_or_default(),
        bounds: bounds(file)?,
        variant: one_of("variant", file.variant.as_ref(), &variants())?,
        without: list("without", &file.without, &rules())?,
        properties: list("properties", &file.properties, &properties(|_| true))?,
        promises: file.promises,
        expected: file.expected.as_ref().map(expected).transpose()?,
        is_changed: false,
    };
    let has_twins = file.twins.as_ref().is_none_or(|twins| *twins.get_ref());
    if instance.properties.is_empty() && !has_twins {
        instance.properties = without_twins(&instance);
    }
    Ok(instance)
}

/// Each `always` that is asked of the instance's world when no property is named.
fn without_twins(instance: &Instance) -> Vec<&'static str> {
    let world = World::new(instance.bounds, instance.variant, &instance.without);
    let always = world.default_properties().filter(|asked| asked.kind() == Expectation::Always);
    always.map(WorldProperty::name).collect()
}

fn bounds(file: &File) -> Result<Bounds, Wrong> {
    let blocks = within("blocks", &file.blocks, 2, BLOCKS_MAX)?;
    let volumes = file.volumes.as_ref();
    Ok(Bounds {
        blocks: blocks as u32,
        volumes: volumes.map_or(Ok(1), |v| within("volumes", v, 1, BLOCKS_MAX))? as u32,
        journal: within("journal", &file.journal, 1, JOURNAL_MAX)?,
        frames: within("frames", &file.frames, 1, FLIGHT_MAX)?,
        acks: within("acks", &file.acks, 0, FLIGHT_MAX)?,
        host_messages: within("host_messages", &file.host_messages, 1, FLIGHT_MAX)?,
        journal_full: one_of("journal_full", file.journal_full.as_ref(), JOURNAL_FULL)?,
        cache: one_of("cache", file.cache.as_ref(), CACHE)?,
        stillness: one_of("stillness", file.stillness.as_ref(), STILLNESS)?,
        start: one_of("start", file.start.as_ref(), START)?,
        transactions: one_of("transactions", file.transactions.as_ref(), Transactions::WORDS)?,
        numbers: one_of("numbers", file.numbers.as_ref(), NumberRange::WORDS)?,
        faults: faults(&file.faults)?,
    })
}

fn faults(names: &Spanned<Names>) -> Result<Faults, Wrong> {
    match names.get_ref() {
        Names::Word(word) if word == "all" => Ok(Faults::all()),
        Names::Word(word) => Err((
            names.span(),
            format!("faults = {word:?}; valid are \"all\" and a list such as [\"link-down\"]"),
        )),
        Names::List(found) => {
            let valid: Vec<_> = Fault::ALL.iter().map(|fault| (fault.name(), *fault)).collect();
            Ok(list("faults", found, &valid)?.into_iter().collect())
        }
    }
}

fn expected(outcome: &ExpectedOutcome) -> Result<Expected, Wrong> {
    let count = |name, number: &Option<Spanned<Number>>, least| -> Result<Option<u64>, Wrong> {
        number.as_ref().map(|n| at_least(name, n, least)).transpose()
    };
    let depth = outcome.depth.as_ref();
    let steps = outcome.steps.as_ref();
    let always = properties(|name| !name.contains('/'));
    let violated = outcome.violated.as_ref();
    Ok(Expected {
        holds: word("expected.verdict", &outcome.verdict, HOLDS)?,
        states: count("expected.states", &outcome.states, 1)?,
        transitions: count("expected.transitions", &outcome.transitions, 0)?,
        depth: depth
            .map(|n| within("expected.depth", n, 0, u32::MAX as usize))
            .transpose()?
            .map(|depth| depth as u32),
        violated: violated
            .map(|names| list("expected.violated", names.get_ref(), &always))
            .transpose()?,
        steps: steps.map(|n| within("expected.steps", n, 0, u32::MAX as usize)).transpose()?,
    })
}

fn variants() -> Vec<(&'static str, Variant)> {
    Variant::ALL.iter().map(|variant| (variant.name(), *variant)).collect()
}

fn rules() -> Vec<(&'static str, Rule)> {
    Rule::ALL.iter().map(|rule| (rule.id(), *rule)).collect()
}

fn properties(wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, &'static str)> {
    super::askable().filter(|name| wanted(name)).map(|name| (name, name)).collect()
}

/// A number of `least` to `most`.
fn within(key: &str, number: &Spanned<Number>, least: usize, most: usize) -> Result<usize, Wrong> {
    let Number(value) = *number.get_ref();
    usize::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| (number.span(), format!("{key} = {value}; valid is {least} to {most}")))
}

/// A number of `least` or more.
fn at_least(key: &str, number: &Spanned<Number>, least: u64) -> Result<u64, Wrong> {
    let Number(value) = *number.get_ref();
    u64::try_from(value)
        .ok()
        .filter(|value| *value >= least)
        .ok_or_else(|| (number.span(), format!("{key} = {value}; valid is {least} or more")))
}

/// The word's meaning, or the default where there is no word.
fn one_of<T: Copy + Default>(
    key: &str,
    found: Option<&Spanned<String>>,
    valid: &Words<T>,
) -> Result<T, Wrong> {
    found.map_or_else(|| Ok(T::default()), |found| word(key, found, valid))
}

fn word<T: Copy>(key: &str, found: &Spanned<String>, valid: &Words<T>) -> Result<T, Wrong> {
    lookup(found, valid).ok_or_else(|| {
        (found.span(), format!("{key} = {:?}; valid is one of {}", found.get_ref(), names(valid)))
    })
}

/// The meaning of every name in a list, none of them twice.
fn list<T: Copy + PartialEq + Debug>(
    key: &str,
    found: &[Spanned<String>],
    valid: &Words<T>,
) -> Result<Vec<T>, Wrong> {
    let mut values = Vec::new();
    for name in found {
        let text = name.get_ref();
        let value = lookup(name, valid).ok_or_else(|| {
            let message = format!("{key} has {text:?}; valid are {}", names(valid));
            (name.span(), message)
        })?;
        if values.contains(&value) {
            return Err((name.span(), format!("{key} has {text:?} twice; once is valid")));
        }
        values.push(value);
    }
    Ok(values)
}

fn lookup<T: Copy>(found: &Spanned<String>, valid: &Words<T>) -> Option<T> {
    valid.iter().find(|(name, _)| name == found.get_ref()).map(|(_, value)| *value)
}

fn names<T>(valid: &Words<T>) -> String {
    let names: Vec<_> = valid.iter().map(|(name, _)| format!("{name:?}")).collect();
    names.join(", ")
}

/// Line and column of a byte, counted from 1; columns count characters.
fn place(toml: &str, at: usize) -> (usize, usize) {
    let before = toml.get(..at).unwrap_or(toml);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
