//! The world of a run as the head of a trace file has it: instance, bounds in full, variant, rules left out, property.

use serde::{Deserialize, Serialize};
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Bounds, Cache, Fault, Faults, NumberRange, Start, Stillness, Transactions, Variant,
    WorldProperty,
};

use crate::bounds;
use crate::trace::explanation::Explanation;
use crate::trace::{Numbers, Subject, Trace};

/// Where the format is described.
const DESCRIPTION: &str = "https://apalache-mc.org/docs/adr/015adr-trace.html";

/// `#meta` of a trace file. Other tools add keys of their own, which say nothing to this one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    format: String,
    #[serde(rename = "format-description", default)]
    format_description: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    status: String,
    instance: String,
    variant: String,
    without: Vec<String>,
    #[serde(default)]
    property: Option<String>,
    #[serde(default)]
    numbers: Numbers,
    /// For a reader; whoever reads the file goes by its states.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
    bounds: BoundsMeta,
}

/// [`Bounds`] by names that stand in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsMeta {
    blocks: u32,
    volumes: u32,
    journal: usize,
    frames: usize,
    acks: usize,
    host_messages: usize,
    journal_full: String,
    cache: String,
    stillness: String,
    start: String,
    /// Files from before there was a choice lack it.
    #[serde(default = "first_last")]
    transactions: String,
    /// Files from before there was a choice lack it.
    #[serde(default = "endless")]
    numbers: String,
    faults: Vec<String>,
}

const JOURNAL_FULL: &[(&str, JournalFull)] =
    &[("hold", JournalFull::Hold), ("suspend", JournalFull::Suspend)];
const CACHE: &[(&str, Cache)] =
    &[("non-volatile", Cache::NonVolatile), ("volatile", Cache::Volatile)];
const STILLNESS: &[(&str, Stillness)] =
    &[("freeze", Stillness::Freeze), ("quiesce", Stillness::Quiesce)];
const START: &[(&str, Start)] = &[("pair", Start::Pair), ("smpl", Start::Smpl)];

fn first_last() -> String {
    word(Transactions::WORDS, Transactions::FirstLast)
}

fn endless() -> String {
    word(NumberRange::WORDS, NumberRange::Endless)
}

impl Meta {
    /// The head of `trace`'s file.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let Trace { subject, property, numbers, .. } = trace;
        Self {
            format: "ITF".into(),
            format_description: DESCRIPTION.into(),
            source: "syncsplit".into(),
            description: trace.title(),
            status: if property.is_some() { "violation" } else { "example" }.into(),
            instance: subject.instance.clone(),
            variant: subject.variant.name().into(),
            without: subject.without.iter().map(|rule| rule.id().into()).collect(),
            property: property.map(Into::into),
            numbers: *numbers,
            explanation: trace.explanation(),
            bounds: BoundsMeta::of(&subject.bounds),
        }
    }

    /// Which numbers stand in the states.
    #[must_use]
    pub const fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// The property that the run is said to violate.
    ///
    /// # Errors
    /// The head names no property: the place, and what would be valid.
    pub fn property(&self) -> Result<Option<&'static str>, String> {
        let Some(name) = &self.property else { return Ok(None) };
        let names = || WorldProperty::ALL.iter().map(|known| known.name());
        let property = WorldProperty::named(name).map(WorldProperty::name);
        property.map(Some).ok_or_else(|| unknown("property", name, names()))
    }

    /// The world that the head describes.
    ///
    /// # Errors
    /// The head describes no world: the place, and what would be valid.
    pub fn subject(&self) -> Result<Subject, String> {
        let names = || Variant::ALL.iter().map(|variant| variant.name());
        let variant = Variant::ALL.iter().find(|variant| variant.name() == self.variant);
        let variant = *variant.ok_or_else(|| unknown("variant", &self.variant, names()))?;
        let rule = |(at, id): (usize, &String)| {
            let ids = Rule::ALL.iter().map(|rule| rule.id());
            id.parse().map_err(|_| unknown(&format!("without[{at}]"), id, ids))
        };
        let without = self.without.iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        let bounds = self.bounds.bounds()?;
        bounds::check(&bounds).map_err(|error| format!("bounds.{error}"))?;
        Ok(Subject { instance: self.instance.clone(), bounds, variant, without })
    }
}

impl BoundsMeta {
    fn of(bounds: &Bounds) -> Self {
        Self {
            blocks: bounds.blocks,
            volumes: bounds.volumes,
            journal: bounds.journal,
            frames: bounds.frames,
            acks: bounds.acks,
            host_messages: bounds.host_messages,
            journal_full: word(JOURNAL_FULL, bounds.journal_full),
            cache: word(CACHE, bounds.cache),
            stillness: word(STILLNESS, bounds.stillness),
            start: word(START, bounds.start),
            transactions: word(Transactions::WORDS, bounds.transactions),
            numbers: word(NumberRange::WORDS, bounds.numbers),
            faults: bounds.faults.iter().map(|fault| fault.name().into()).collect(),
        }
    }

    fn bounds(&self) -> Result<Bounds, String> {
        let mut faults = Faults::empty();
        for (at, name) in self.faults.iter().enumerate() {
            let names = || Fault::ALL.iter().map(|fault| fault.name());
            let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
            let at = || format!("bounds.faults[{at}]");
            faults |= *fault.ok_or_else(|| unknown(&at(), name, names()))?;
        }
        Ok(Bounds {
            blocks: self.blocks,
            volumes: self.volumes,
            journal: self.journal,
            frames: self.frames,
            acks: self.acks,
            host_messages: self.host_messages,
            journal_full: meant(JOURNAL_FULL, "bounds.journal_full", &self.journal_full)?,
            cache: meant(CACHE, "bounds.cache", &self.cache)?,
            stillness: meant(STILLNESS, "bounds.stillness", &self.stillness)?,
            start: meant(START, "bounds.start", &self.start)?,
            transactions: meant(Transactions::WORDS, "bounds.transactions", &self.transactions)?,
            numbers: meant(NumberRange::WORDS, "bounds.numbers", &self.numbers)?,
            faults,
        })
    }
}

fn word<T: PartialEq>(words: &[(&str, T)], meant: T) -> String {
    words.iter().find(|(_, value)| *value == meant).map_or("", |(word, _)| word).into()
}

fn meant<T: Copy>(words: &[(&str, T)], at: &str, found: &str) -> Result<T, String> {
    let known = words.iter().find(|(word, _)| *word == found);
    known.map(|(_, value)| *value).ok_or_else(|| unknown(at, found, words.iter().map(|w| w.0)))
}

fn unknown<'a>(at: &str, found: &str, valid: impl Iterator<Item = &'a str>) -> String {
    let valid: Vec<_> = valid.collect();
    format!("{at}: found {found:?}; valid is one of {}", valid.join(", "))
}
