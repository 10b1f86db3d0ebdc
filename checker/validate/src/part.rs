//! What a record shows of a value, read as the value that it is a part of. A field that is not shown is read as some value
//! of its type, and so is what belongs to a variant of which the name alone is shown. Lists are shown whole.

use std::cell::Cell;

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Reads a part; whether it is all, and the value with the rest filled in.
///
/// # Errors
/// The value shows no part of a `T`: the fault, and the valid spellings.
pub(super) fn filled<T: DeserializeOwned>(shown: &Value) -> Result<(bool, T), Error> {
    let is_whole = Cell::new(true);
    let part = Part { shown: Some(shown), is_whole: &is_whole, is_null_nothing: false };
    T::deserialize(part).map(|value| (is_whole.get(), value))
}

/// Whether a value has these fields; what they hold is null here, and not looked at.
pub(super) fn has<T: DeserializeOwned>(fields: &Value) -> bool {
    let is_whole = Cell::new(true);
    let part = Part { shown: Some(fields), is_whole: &is_whole, is_null_nothing: true };
    T::deserialize(part).is_ok()
}

/// A part of a value, or nothing of it.
#[derive(Clone, Copy)]
struct Part<'a> {
    shown: Option<&'a Value>,
    is_whole: &'a Cell<bool>,
    is_null_nothing: bool,
}

impl<'a> Part<'a> {
    fn below(self, shown: Option<&'a Value>) -> Self {
        Self { shown: shown.filter(|value| !(self.is_null_nothing && value.is_null())), ..self }
    }

    /// What is shown of it, if anything is; notes that nothing is.
    fn or_left_out(self) -> Option<&'a Value> {
        self.is_whole.set(self.is_whole.get() && self.shown.is_some());
        self.shown
    }
}

/// A value that is shown reads itself; one that is not is made up.
macro_rules! made_up {
    ($($read:ident: $visit:ident($value:expr);)*) => {
        $(fn $read<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.or_left_out() {
                Some(shown) => shown.$read(visitor),
                None => visitor.$visit($value),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Error;

    made_up! {
        deserialize_any: visit_u64(1);
        deserialize_bool: visit_bool(false);
        // The one text that is no name is a digest.
        deserialize_string: visit_str("00000000");
        deserialize_seq: visit_seq(SeqDeserializer::new(std::iter::empty::<u64>()));
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.or_left_out() {
            None | Some(Value::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let valid = names.join(", ");
        let shown = match self.or_left_out() {
            None => None,
            Some(Value::Object(fields)) => Some(fields),
            Some(other) => {
                return Err(Error::custom(format_args!(
                    "found {other}; an object of {valid} is valid"
                )));
            }
        };
        let is_unknown = |key: &&String| !names.contains(&key.as_str());
        if let Some(key) = shown.and_then(|fields| fields.keys().find(is_unknown)) {
            return Err(Error::custom(format_args!("no field {key:?}; valid are {valid}")));
        }
        visitor.visit_map(Fields { names: names.iter(), name: "", shown, of: self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, held) = match self.or_left_out() {
            None => (names.first().copied().unwrap_or_default(), None),
            Some(Value::String(name)) => (name.as_str(), None),
            Some(Value::Object(fields)) if fields.len() == 1 => {
                let field = fields.iter().next();
                field.map_or(("", None), |(name, held)| (name.as_str(), Some(held)))
            }
            Some(other) => {
                let valid = "a name, or an object whose one key is a name, is valid";
                return Err(Error::custom(format_args!("found {other}; {valid}")));
            }
        };
        visitor.visit_enum(Variant { name, of: self.below(held) })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct
        tuple tuple_struct map identifier ignored_any
    }
}

/// Every field of an object, whether it is shown or not.
struct Fields<'a> {
    names: std::slice::Iter<'static, &'static str>,
    name: &'static str,
    shown: Option<&'a Map<String, Value>>,
    of: Part<'a>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(name) = self.names.next() else { return Ok(None) };
        self.name = name;
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<W: DeserializeSeed<'de>>(&mut self, seed: W) -> Result<W::Value, Error> {
        seed.deserialize(self.of.below(self.shown.and_then(|fields| fields.get(self.name))))
    }
}

/// A variant's name, and what belongs to it.
struct Variant<'a> {
    name: &'a str,
    of: Part<'a>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Part<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Part<'de>), Error> {
        Ok((seed.deserialize(StrDeserializer::new(self.name))?, self.of))
    }
}

impl<'de> VariantAccess<'de> for Part<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.shown {
            None => Ok(()),
            Some(held) => Err(Error::custom(format_args!("found {held}; the name alone is valid"))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", names, visitor)
    }
}
