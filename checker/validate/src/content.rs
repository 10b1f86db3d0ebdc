//! What a block holds, as a recorded run shows it: a digest, or a name for one that no record has shown yet.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use syncsplit_model::record::Digest;

/// The contents of a block: a digest of 32 bits, or contents that a record left out, by a number that stands for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(u64);

/// Numbers from here on name contents that were left out.
const LEFT_OUT: u64 = 1 << 32;

impl Content {
    /// Contents of this digest.
    #[must_use]
    pub const fn of(digest: u32) -> Self {
        Self(digest as u64)
    }

    /// Contents that were left out, the `number`th.
    #[must_use]
    pub const fn left_out(number: u32) -> Self {
        Self(LEFT_OUT + number as u64)
    }

    /// The digest, if it was shown.
    #[must_use]
    pub const fn digest(self) -> Option<u32> {
        if self.0 < LEFT_OUT { Some(self.0 as u32) } else { None }
    }

    /// The number of contents that were left out.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        if self.0 < LEFT_OUT { None } else { Some((self.0 - LEFT_OUT) as u32) }
    }

    /// A block of `size` zeros: what a volume begins with.
    #[must_use]
    pub fn zeros(size: usize) -> Self {
        let mut crc = u32::MAX;
        for _ in 0..size {
            for _ in 0..8 {
                // CRC-32C, bit by bit; the bytes are zero, so nothing is mixed in.
                crc = (crc >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(crc & 1));
            }
        }
        Self::of(!crc)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.digest(), self.number()) {
            (Some(digest), _) => write!(f, "{digest:08x}"),
            (None, number) => write!(f, "?{}", number.unwrap_or_default()),
        }
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Digest::deserialize(deserializer).map(|digest| Self::of(digest.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_crc_32c_of_zeros() {
        // RFC 3720, appendix B.4: 32 bytes of zeros are aa 36 91 8a on the wire.
        assert_eq!(Content::zeros(32), Content::of(0x8a91_36aa));
    }
}
