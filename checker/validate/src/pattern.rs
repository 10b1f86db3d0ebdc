//! What a record shows of a value: all of it, a part, or nothing; whether a part can be one of such a value; and
//! whether a value of the model is what the record shows.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use syncsplit_model::record::Digest;

use super::content::Content;
use super::part::filled;
use super::table::Table;

/// What a record shows of a value.
#[derive(Clone, Debug)]
pub enum PartlyShown<T> {
    /// All of it.
    All(T),
    /// A part: fields may be missing, and an event or message may be its name alone.
    Part(Value),
    /// Nothing.
    Nothing,
}

impl<T> PartlyShown<T> {
    /// Whether the record shows all of it.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All(_))
    }

    /// The whole value, if the record shows it.
    #[must_use]
    pub const fn all(&self) -> Option<&T> {
        if let Self::All(value) = self { Some(value) } else { None }
    }
}

/// Reads what a record shows of a value; `name` is what errors call it.
///
/// # Errors
/// The value shows no part of a `T`: the fault, and the valid spellings.
pub fn read<T: DeserializeOwned>(name: &str, shown: &Value) -> Result<PartlyShown<T>, String> {
    let (is_whole, value) = filled(shown).map_err(|error| format!("{name}: {error}"))?;
    Ok(if is_whole { PartlyShown::All(value) } else { PartlyShown::Part(shown.clone()) })
}

/// Reads a value that a record shows all of, as the format spells it; nothing if it has to be looked at more closely.
pub(super) fn read_whole<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok().filter(|value| is_spelled(value, text))
}

/// Whether the text is the value as it is written back: a field that nobody knows would be lost.
fn is_spelled<T: Serialize>(value: &T, text: &str) -> bool {
    serde_json::to_string(value).is_ok_and(|again| again == text)
}

/// Reads what a record shows of a list, each of whose elements may be shown in part.
///
/// # Errors
/// The value is no list, or an element shows no part of a `T`.
pub fn read_list<T: DeserializeOwned>(
    name: &str,
    shown: &Value,
) -> Result<PartlyShown<Vec<T>>, String> {
    let Value::Array(elements) = shown else {
        return Err(format!("{name}: found {shown}; a list is valid"));
    };
    let mut all = Vec::new();
    for element in elements {
        match read(name, element)? {
            PartlyShown::All(value) => all.push(value),
            PartlyShown::Part(_) | PartlyShown::Nothing => {}
        }
    }
    let is_whole = all.len() == elements.len();
    Ok(if is_whole { PartlyShown::All(all) } else { PartlyShown::Part(shown.clone()) })
}

/// Reads what a record shows of a value that may be none.
///
/// # Errors
/// The value is neither null nor a part of a `T`.
pub fn read_option<T: DeserializeOwned>(
    name: &str,
    shown: &Value,
) -> Result<PartlyShown<Option<T>>, String> {
    if shown.is_null() {
        return Ok(PartlyShown::All(None));
    }
    Ok(match read(name, shown)? {
        PartlyShown::All(value) => PartlyShown::All(Some(value)),
        PartlyShown::Part(part) => PartlyShown::Part(part),
        PartlyShown::Nothing => PartlyShown::Nothing,
    })
}

/// The name of an event's, message's or refusal's form: the word alone, or the key of its one field.
pub(super) fn form(value: &Value) -> Option<&str> {
    match value {
        Value::String(name) => Some(name),
        Value::Object(fields) if fields.len() == 1 => fields.keys().next().map(String::as_str),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// The digests that records have shown of contents left out earlier.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings(Table<u32, u32>);

impl Bindings {
    pub(super) const fn print(&self) -> u128 {
        self.0.print()
    }

    /// Whether contents of the model can be those that a record shows; left out ones are, and are so from then on.
    pub(super) fn is(&mut self, model: Content, shown: Content) -> bool {
        let (Some(number), Some(digest)) = (model.number(), shown.digest()) else {
            return model == shown;
        };
        match self.0.get(&number) {
            Some(bound) => *bound == digest,
            None => {
                self.0.insert(number, digest);
                true
            }
        }
    }

    /// Whether the model's value is what the record shows.
    pub(super) fn fits<T: Serialize + PartialEq>(
        &mut self,
        shown: &PartlyShown<T>,
        model: &T,
    ) -> bool {
        match shown {
            PartlyShown::Nothing => true,
            PartlyShown::All(value) if value == model => true,
            PartlyShown::All(value) => self.part_fits(&as_json(value), &as_json(model)),
            PartlyShown::Part(part) => self.part_fits(part, &as_json(model)),
        }
    }

    /// Whether a value of the model, in JSON, is what the part shows.
    pub(super) fn part_fits(&mut self, part: &Value, model: &Value) -> bool {
        match (part, model) {
            (Value::Object(shown), Value::Object(fields)) => shown.iter().all(|(key, value)| {
                fields.get(key).is_some_and(|field| self.part_fits(value, field))
            }),
            (Value::Array(shown), Value::Array(elements)) => {
                shown.len() == elements.len()
                    && shown.iter().zip(elements).all(|(one, other)| self.part_fits(one, other))
            }
            (Value::String(name), Value::Object(fields)) => {
                fields.len() == 1 && fields.contains_key(name)
            }
            (Value::String(one), Value::String(other)) => one == other || self.is_text(one, other),
            (one, other) => one == other,
        }
    }

    /// Whether the text of contents that were left out can be the digest shown.
    fn is_text(&mut self, shown: &str, model: &str) -> bool {
        let number = model.strip_prefix('?').and_then(|number| number.parse().ok());
        match (number, Digest::spelled(shown)) {
            (Some(number), Some(digest)) => {
                self.is(Content::left_out(number), Content::of(digest.0))
            }
            _ => false,
        }
    }
}

/// What a record shows, in JSON.
pub(super) fn shown_json<T: Serialize>(shown: &PartlyShown<T>) -> Value {
    match shown {
        PartlyShown::All(value) => as_json(value),
        PartlyShown::Part(part) => part.clone(),
        PartlyShown::Nothing => Value::String("(left out)".into()),
    }
}

/// A record's types always have a form in JSON; were one not to, its place would stay empty.
pub(super) fn as_json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Of two objects, the fields of the first that are others in the second; of anything else, all.
pub(super) fn differing(shown: Value, model: Value) -> (Value, Value) {
    let (Value::Object(shown), Value::Object(fields)) = (&shown, &model) else {
        return (shown, model);
    };
    let unlike = |key: &str| shown.get(key) != fields.get(key);
    let of = |all: &Map<String, Value>| -> Map<String, Value> {
        let some = all.iter().filter(|(key, _)| shown.contains_key(*key) && unlike(key));
        some.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    (Value::Object(of(shown)), Value::Object(of(fields)))
}
