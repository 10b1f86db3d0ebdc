//! One block's contents as the implementation carries them. What a block means, and where it is kept, never lives here.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The contents of one block; cheap to clone, never changed.
///
/// The journal, the frames in flight and the volume share one allocation. The `Arc` is the standard library's even
/// under a model of threads, since an immutable value has no interleavings worth exploring.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<[u8]>);

impl Payload {
    /// A payload of `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// A payload of `len` zero bytes: what a volume holds before its first write.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self(std::iter::repeat_n(0, len).collect())
    }

    /// The contents.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds nothing; no volume has such a block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// CRC-32C of the contents: the name that traces give them. Different contents may share a digest.
    #[must_use]
    pub fn digest(&self) -> u32 {
        crc32c::crc32c(&self.0)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A block is thousands of bytes; a log line has room for their number and digest.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes, {:08x})", self.len(), self.digest())
    }
}

/// As the digest in eight hex digits, so that a trace shows which contents without holding them.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:08x}", self.digest()))
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;

    /// The check value that the CRC-32C catalogues give for `123456789`.
    #[test]
    fn digest_is_crc32c() {
        assert_eq!(Payload::from(&b"123456789"[..]).digest(), 0xe306_9283);
    }

    #[test]
    fn traces_hold_the_digest_with_leading_zeros() -> Result<(), serde_json::Error> {
        assert_eq!(serde_json::to_string(&Payload::from(&b"123456789"[..]))?, "\"e3069283\"");
        assert_eq!(serde_json::to_string(&Payload::zeroed(0))?, "\"00000000\"");
        Ok(())
    }

    #[test]
    fn debug_is_short_whatever_the_block_size() {
        assert_eq!(format!("{:?}", Payload::zeroed(4)), "Payload(4 bytes, 48674bc7)");
        assert!(format!("{:?}", Payload::zeroed(1 << 20)).len() < 40);
    }

    #[test]
    fn clones_share_the_bytes() {
        let payload = Payload::from(vec![1, 2, 3]);
        assert_eq!(payload.clone().bytes().as_ptr(), payload.bytes().as_ptr());
    }
}
