//! Enums one of whose variants is written down as what it holds: a message that arrived is its own text, and so is an
//! effect on the replica pair. Which enums those are stands at the end; what they mean never does.
//!
//! serde's `untagged` would do the same, but answers a mistake in a field with "did not match any variant".

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};

use crate::protocol::primary::PrimaryEvent;
use crate::protocol::replica::ReplicaEffect;
use crate::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use crate::protocol::{ToPrimary, ToSecondary};

/// An enum with a variant that is written down as what it holds.
trait Flat<'de>: Sized {
    /// What the variant holds.
    type Held: Deserialize<'de>;
    /// The variant around it.
    fn of(held: Self::Held) -> Self;
    /// Reads one of the other variants.
    fn read_own<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

fn read<'de, T: Flat<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let names = Names { own: asked(T::read_own(Question)), held: variants::<T::Held>() };
    deserializer.deserialize_enum("", names.own, Variants { names, read: PhantomData })
}

/// The names of the variants on both levels.
#[derive(Clone, Copy)]
struct Names {
    own: &'static [&'static str],
    held: &'static [&'static str],
}

/// Reads the name, and then what belongs to it.
struct Variants<T> {
    names: Names,
    read: PhantomData<T>,
}

impl<'de, T: Flat<'de>> Visitor<'de> for Variants<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or an object whose one key is a name")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        let (name, access) = access.variant_seed(self.names)?;
        let variant = Named { name, access };
        if self.names.held.contains(&name) {
            T::Held::deserialize(variant).map(T::of)
        } else {
            T::read_own(variant)
        }
    }
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<&'static str, E> {
        let all = || self.own.iter().chain(self.held).copied();
        all().find(|name| *name == text).ok_or_else(|| {
            let all: Vec<_> = all().collect();
            E::custom(format_args!("unknown variant `{text}`, expected one of {}", all.join(", ")))
        })
    }
}

/// A variant whose name has been read.
struct Named<A> {
    name: &'static str,
    access: A,
}

impl<'de, A: VariantAccess<'de>> Deserializer<'de> for Named<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: VariantAccess<'de>> EnumAccess<'de> for Named<A> {
    type Error = A::Error;
    type Variant = A;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, A), A::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.access))
    }
}

/// Asks a derived enum for the names of its variants; they come back as the error.
struct Question;

#[derive(Debug)]
struct Answer(&'static [&'static str]);

/// The names of an enum's variants; of one of which a variant is written down as what it holds, without those of the latter.
#[must_use]
pub fn variants<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    asked(T::deserialize(Question))
}

fn asked<T>(outcome: Result<T, Answer>) -> &'static [&'static str] {
    outcome.err().map_or(&[], |answer| answer.0)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Answer {}

impl Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Question {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(&[]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(variants))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Which variant of which enum is written down as what it holds.
macro_rules! flat {
    ($($enum:ident<$($of:ident),*>, $variant:ident($held:ty);)*) => {
        $(
            impl<$($of: Serialize),*> Serialize for $enum<$($of),*> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    match self {
                        Self::$variant(held) => held.serialize(serializer),
                        own => $enum::serialize(own, serializer),
                    }
                }
            }

            impl<'de, $($of: Deserialize<'de>),*> Flat<'de> for $enum<$($of),*> {
                type Held = $held;

                fn of(held: $held) -> Self {
                    Self::$variant(held)
                }

                fn read_own<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $enum::deserialize(deserializer)
                }
            }

            impl<'de, $($of: Deserialize<'de>),*> Deserialize<'de> for $enum<$($of),*> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    read(deserializer)
                }
            }
        )*
    };
}

flat! {
    PrimaryEvent<P, M>, Arrived(ToPrimary<M>);
    SecondaryEvent<P>, Arrived(ToSecondary<P>);
    SecondaryEffect<P, M>, Replica(ReplicaEffect<M>);
}
