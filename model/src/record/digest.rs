//! Contents of a block as a record shows them: a digest, in its one spelling. How a digest is taken never lives here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Contents of a block in a record: a digest of 32 bits as eight lower-case hex digits. The reference implementation
/// takes CRC-32C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]{8}$")))]
pub struct Digest(#[cfg_attr(feature = "schema", schemars(with = "String"))] pub u32);

impl Digest {
    /// The digest that `text` spells, so that one digest has one spelling.
    #[must_use]
    pub fn spelled(text: &str) -> Option<Self> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 8 && lower { u32::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::spelled(&text).ok_or_else(|| {
            let valid = "eight lower-case hex digits are valid";
            serde::de::Error::custom(format_args!("payload {text:?}: {valid}"))
        })
    }
}
