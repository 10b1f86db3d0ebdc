//! Arguments that take a word, a name, a duration or a size: which are valid, and what they stand for.
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use strum::{EnumMessage, VariantArray};
use syncsplit_conform::verb::Verb;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Fault, Faults, INSTANCES, Variant};
use syncsplit_study::instance::askable;

/// One of the variants of an enum, each with what it means in the help.
pub(super) fn one_of<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantArray + EnumMessage + Into<&'static str> + Copy + Send + Sync,
{
    let word = |one: &T| PossibleValue::new((*one).into()).help(one.get_documentation());
    let words = PossibleValuesParser::new(T::VARIANTS.iter().map(word));
    words.try_map(|word| {
        let found = T::VARIANTS.iter().find(|one| (**one).into() == word);
        found.copied().ok_or("no such word")
    })
}

/// One of the things that have these names.
pub(super) fn named<T: Copy + Send + Sync + 'static>(
    all: impl AsRef<[(&'static str, T)]> + Clone + Send + Sync + 'static,
) -> impl TypedValueParser<Value = T> {
    let names: Vec<_> = all.as_ref().iter().map(|(name, _)| *name).collect();
    PossibleValuesParser::new(names).try_map(move |name| {
        let found = all.as_ref().iter().find(|(other, _)| *other == name);
        found.map(|(_, one)| *one).ok_or("no such name")
    })
}

/// The name of a variant.
pub(super) fn variant() -> impl TypedValueParser<Value = Variant> {
    named(Variant::ALL.iter().map(|variant| (variant.name(), *variant)).collect::<Vec<_>>())
}

/// A fault by its name, or all of them, or none.
pub(super) fn faults() -> impl TypedValueParser<Value = Faults> {
    let sets = [("all", Faults::all()), ("none", Faults::empty())];
    let each = Fault::ALL.iter().map(|fault| (fault.name(), Faults::only(*fault)));
    named(sets.into_iter().chain(each).collect::<Vec<_>>())
}

/// The name of a property or a promise.
pub(super) fn property() -> PossibleValuesParser {
    PossibleValuesParser::new(askable())
}

/// The names of the instances.
pub(super) fn instance_help() -> String {
    let names: Vec<_> = INSTANCES.iter().map(|instance| instance.name).collect();
    let names = names.join(", ");
    format!("Which world: {names}, a small one of `syncsplit list instances`, or a TOML file")
}

/// What a script is, with its verbs.
pub(super) fn script_help() -> String {
    let usages = Verb::usages();
    format!(
        "Only this script; a failure's report prints it\n\nIt is for example \
         \"begin pair journal 2; link-down; write-one 0; wait; link-up; resync\". After `begin` stand pair or smpl, \
         journal 1 to 3, suspend-when-full, hold-writes and hasty. Verbs: {usages}. MESSAGE is for example `frame 1 2`: \
         its kind, its incarnation or backup, and its number if it has one."
    )
}

/// The id of a rule.
pub(super) fn rule(text: &str) -> Result<Rule, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// A duration above zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        Ok(_) => Err("a duration above zero is needed, for example 90s, 5m or 1h".into()),
        Err(error) => Err(format!("{error}; a duration is for example 90s, 5m or 1h")),
    }
}

/// A size above zero.
pub(super) fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        Ok(_) => Err("a size above zero is needed, for example 900MB or 8GiB".into()),
        Err(error) => Err(format!("{error}; a size is for example 900MB or 8GiB")),
    }
}
