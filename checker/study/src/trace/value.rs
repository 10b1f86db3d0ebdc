//! Values of the Informal Trace Format: numbers are `{"#bigint": "1"}`, sets and tuples carry their names, and nothing
//! is null. Which values a run has is not decided here.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::Value as Json;

/// Something in a trace file that is not what it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where: a path into the file, as `states[3].journal[0].seq`.
    pub at: String,
    /// What stands there, in words.
    pub found: String,
    /// What would be valid there.
    pub valid: String,
}

impl Malformed {
    /// At `at` stands `found`, which is not valid since `valid` would be.
    #[must_use]
    pub fn new(at: &str, found: &Json, valid: impl Into<String>) -> Self {
        Self { at: at.into(), found: in_words(found), valid: valid.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; valid is {}", self.at, self.found, self.valid)
    }
}

/// A JSON value in words, cut short.
fn in_words(json: &Json) -> String {
    const LENGTH_MAX: usize = 60;
    let text = if json.is_null() { "nothing".into() } else { json.to_string() };
    match text.char_indices().nth(LENGTH_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// A value as the format has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// A whole number, in decimal without leading zeros.
    Number(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values in order, of different kinds.
    Tuple(Vec<Self>),
    /// Distinct values, in rising order so that equal sets are equal values.
    Set(Vec<Self>),
    /// Fields by name; the order is for readers only.
    Record(Vec<(String, Self)>),
}

impl Value {
    /// What stands for serde's null.
    const NOTHING: Self = Self::Tuple(Vec::new());

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    #[must_use]
    pub fn number(number: impl Into<u64>) -> Self {
        Self::Number(number.into().to_string())
    }

    /// A set.
    #[must_use]
    pub fn set(items: impl IntoIterator<Item = Self>) -> Self {
        let mut items: Vec<_> = items.into_iter().collect();
        items.sort();
        items.dedup();
        Self::Set(items)
    }

    /// A record.
    #[must_use]
    pub fn record<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// What an option holds, as a set of at most one: the format has no null.
    #[must_use]
    pub fn option(value: Option<Self>) -> Self {
        Self::set(value)
    }

    /// The value that serde's data model gives for `item`.
    #[must_use]
    pub fn of(item: &impl Serialize) -> Self {
        // Nothing of the model's fails to be JSON: its maps have names for keys.
        serde_json::to_value(item).map_or(Self::NOTHING, |json| Self::of_json(&json))
    }

    fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::NOTHING,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => Self::Number(number.to_string()),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Json::Object(fields) => {
                let fields = fields.iter();
                Self::Record(
                    fields.map(|(name, value)| (name.clone(), Self::of_json(value))).collect(),
                )
            }
        }
    }

    /// The JSON from which serde reads what [`Value::of`] was given.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Text(text) => Json::String(text.clone()),
            Self::Number(number) => {
                number.parse::<u64>().map_or_else(|_| Json::String(number.clone()), Json::from)
            }
            Self::Tuple(items) if items.is_empty() => Json::Null,
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                Json::Array(items.iter().map(Self::to_json).collect())
            }
            Self::Record(fields) => {
                let fields = fields.iter();
                Json::Object(fields.map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
        }
    }

    /// Reads a value that stands at `at`.
    ///
    /// # Errors
    /// A part of the JSON is no value of the format: the first of them.
    pub fn read(json: &Json, at: &str) -> Result<Self, Malformed> {
        let malformed = |valid: &str| Malformed::new(at, json, valid);
        match json {
            Json::Null => Err(malformed("a value; the format has no null")),
            Json::Bool(truth) => Ok(Self::Bool(*truth)),
            Json::Number(number) => Err(malformed(&format!("{{\"#bigint\": \"{number}\"}}"))),
            Json::String(text) => Ok(Self::text(text)),
            Json::Array(items) => Ok(Self::List(read_items(items, at)?)),
            Json::Object(fields) => match fields.iter().find(|(name, _)| name.starts_with('#')) {
                Some((name, inner)) if fields.len() == 1 => read_named(name, inner, at),
                Some(_) => Err(malformed("a record, whose fields do not start with #")),
                None => {
                    let read = |(name, value): (&String, &Json)| {
                        Ok((name.clone(), Self::read(value, &format!("{at}.{name}"))?))
                    };
                    Ok(Self::Record(fields.iter().map(read).collect::<Result<_, _>>()?))
                }
            },
        }
    }

    /// Whether two values are the same; the order of a record's fields says nothing.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Record(these), Self::Record(those)) => {
                these.len() == those.len()
                    && these.iter().all(|(name, value)| {
                        those.iter().any(|(other, with)| name == other && value.is_same(with))
                    })
            }
            (Self::List(these), Self::List(those)) | (Self::Tuple(these), Self::Tuple(those)) => {
                these.len() == those.len() && these.iter().zip(those).all(|(a, b)| a.is_same(b))
            }
            (Self::Set(these), Self::Set(those)) => {
                these.len() == those.len()
                    && these.iter().all(|a| those.iter().any(|b| a.is_same(b)))
            }
            _ => self == other,
        }
    }
}

fn read_items(items: &[Json], at: &str) -> Result<Vec<Value>, Malformed> {
    let read = |(index, item)| Value::read(item, &format!("{at}[{index}]"));
    items.iter().enumerate().map(read).collect()
}

fn read_named(name: &str, inner: &Json, at: &str) -> Result<Value, Malformed> {
    let at = format!("{at}.{name}");
    let list = || {
        let items = inner.as_array().ok_or_else(|| Malformed::new(&at, inner, "a list"))?;
        read_items(items, &at)
    };
    match name {
        "#bigint" => {
            let digits = inner.as_str().map(|text| text.strip_prefix('-').unwrap_or(text));
            let is_number = |digits: &str| {
                !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
            };
            match (inner.as_str(), digits) {
                (Some(text), Some(digits)) if is_number(digits) => {
                    let digits = match digits.trim_start_matches('0') {
                        "" => "0",
                        digits => digits,
                    };
                    let sign = if text.starts_with('-') && digits != "0" { "-" } else { "" };
                    Ok(Value::Number(format!("{sign}{digits}")))
                }
                _ => Err(Malformed::new(&at, inner, "a whole number in a text, as \"16\"")),
            }
        }
        "#tup" => Ok(Value::Tuple(list()?)),
        "#set" => Ok(Value::set(list()?)),
        _ => Err(Malformed::new(
            &at,
            inner,
            "one of #bigint, #tup, #set; no variable of this model holds another",
        )),
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let named = |to: S, name: &str, items: &[Self]| {
            let mut map = to.serialize_map(Some(1))?;
            map.serialize_entry(name, items)?;
            map.end()
        };
        match self {
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Text(text) => to.serialize_str(text),
            Self::Number(number) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry("#bigint", number)?;
                map.end()
            }
            Self::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Tuple(items) => named(to, "#tup", items),
            Self::Set(items) => named(to, "#set", items),
            Self::Record(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

/// A value as a reader writes it: `{block: 0, seq: 3}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Self], close: &str| {
            f.write_str(open)?;
            for (index, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
            }
            f.write_str(close)
        };
        match self {
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => f.write_str(number),
            Self::List(items) => list(f, "[", items, "]"),
            Self::Tuple(items) => list(f, "(", items, ")"),
            Self::Set(items) => list(f, "{", items, "}"),
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}
