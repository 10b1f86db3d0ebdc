//! The form of an instance's file: its keys, and the kind of value that each takes. What a value means is
//! [`super::parse`]'s to say.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use toml::Spanned;

/// Where in the file something stands, in bytes.
pub(super) type Span = Range<usize>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) says: Option<String>,
    pub(super) blocks: Spanned<Number>,
    pub(super) volumes: Option<Spanned<Number>>,
    pub(super) journal: Spanned<Number>,
    pub(super) frames: Spanned<Number>,
    pub(super) acks: Spanned<Number>,
    pub(super) host_messages: Spanned<Number>,
    pub(super) journal_full: Option<Spanned<String>>,
    pub(super) cache: Option<Spanned<String>>,
    pub(super) stillness: Option<Spanned<String>>,
    pub(super) start: Option<Spanned<String>>,
    pub(super) transactions: Option<Spanned<String>>,
    pub(super) numbers: Option<Spanned<String>>,
    pub(super) faults: Spanned<Names>,
    pub(super) variant: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) without: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) properties: Vec<Spanned<String>>,
    pub(super) twins: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) promises: bool,
    pub(super) expected: Option<ExpectedOutcome>,
}

/// The table `expected`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedOutcome {
    pub(super) verdict: Spanned<String>,
    pub(super) states: Option<Spanned<Number>>,
    pub(super) transitions: Option<Spanned<Number>>,
    pub(super) depth: Option<Spanned<Number>>,
    pub(super) violated: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) steps: Option<Spanned<Number>>,
}

/// A whole number; its range depends on the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number such as 2")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }
        }
        deserializer.deserialize_i64(Whole)
    }
}

/// The value of `faults`.
#[derive(Debug)]
pub(super) enum Names {
    /// One word in place of a list.
    Word(String),
    /// The names.
    List(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrList;
        impl<'de> Visitor<'de> for WordOrList {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\" or a list of faults such as [\"link-down\"]")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Names, E> {
                Ok(Names::Word(word.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Names, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(Names::List)
            }
        }
        deserializer.deserialize_any(WordOrList)
    }
}
