//! How the words of a state lie in memory, and where their hash sends them.
//!
//! Never here: where a state lies. A layout knows one record, never a list of them.

use super::pack::Words;
use std::marker::PhantomData;

/// Fixed, so that every run does the same work.
const SEED: u64 = 0x5eed_0f5a_7e5e_a2c4;
/// Odd, with its bits spread evenly.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR_LAST: u64 = 0xd1b5_4a32_d192_ed03;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// The bits in use, cut to whole bytes. A record is read in whole words, so more bytes may be read
/// than belong to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<P> {
    /// The last word in use.
    last: usize,
    /// The bits of the last word that belong to the record.
    mask: u64,
    stride: usize,
    packed: PhantomData<P>,
}

impl<P: Words> Layout<P> {
    /// The layout for states whose bits from `bits` on are 0.
    pub(super) fn new(bits: usize) -> Self {
        let stride = bits.clamp(1, size_of::<P>() * 8).div_ceil(8);
        let last = (stride - 1) / WORD;
        let in_last = stride - last * WORD;
        Self { last, mask: u64::MAX >> (8 * (WORD - in_last)), stride, packed: PhantomData }
    }

    /// Bytes from one record to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Bytes that are read from the start of a record on.
    pub(super) fn span(&self) -> usize {
        (self.last + 1) * WORD
    }

    /// Whether no bit is set that the layout has no room for.
    pub(super) fn has_room_for(&self, packed: &P) -> bool {
        let words = packed.words();
        words[self.last] & !self.mask == 0 && words[self.last + 1..].iter().all(|word| *word == 0)
    }

    /// Reads the record at the start of `bytes`.
    #[inline]
    pub(super) fn load(&self, bytes: &[u8]) -> P {
        let mut packed = P::ZERO;
        let words = packed.words_mut();
        let last = self.last.min(words.len() - 1);
        for (word, bytes) in words[..=last].iter_mut().zip(bytes.chunks_exact(WORD)) {
            *word = word_of(bytes);
        }
        words[last] &= self.mask;
        packed
    }

    /// Writes a record over `bytes`, which are one stride long.
    #[inline]
    pub(super) fn store(&self, packed: &P, bytes: &mut [u8]) {
        for (bytes, word) in bytes.chunks_mut(WORD).zip(packed.words()) {
            match <&mut [u8; WORD]>::try_from(&mut *bytes) {
                Ok(whole) => *whole = word.to_le_bytes(),
                Err(_) => {
                    let most = bytes.len();
                    bytes.copy_from_slice(&word.to_le_bytes()[..most]);
                }
            }
        }
    }

    /// Whether the record at the start of `bytes` is `packed`.
    #[inline]
    pub(super) fn is_same(&self, bytes: &[u8], packed: &P) -> bool {
        let words = packed.words();
        let last = self.last.min(words.len() - 1);
        let mut read = bytes.chunks_exact(WORD).map(word_of);
        let mut differs = 0;
        for word in &words[..last] {
            differs |= word ^ read.next().unwrap_or(!word);
        }
        let word = words[last];
        differs | (word ^ read.next().unwrap_or(!word)) & self.mask == 0
    }

    /// A hash of the words in use: its upper bits are as good as its lower ones.
    #[inline]
    pub(super) fn hash(&self, packed: &P) -> u64 {
        let words = packed.words();
        let last = self.last.min(words.len() - 1);
        let mut hash = SEED;
        for word in &words[..=last] {
            hash = fold(hash ^ word, FACTOR);
        }
        fold(hash, FACTOR_LAST)
    }
}

#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// Both halves of the product, so that every bit of the operand reaches every bit of the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64, at: u64) -> u64 {
        fold(fold(seed ^ SEED, FACTOR) ^ at, FACTOR_LAST)
    }

    #[test]
    fn what_is_stored_is_loaded_whatever_stands_around_it() {
        for bits in [0, 1, 7, 8, 9, 40, 63, 64, 65, 100, 128, 129, 190, 192, 500] {
            let layout = Layout::<[u64; 3]>::new(bits);
            for seed in 0..200 {
                let mut packed = [0, 1, 2].map(|at| random(seed, at));
                for (at, word) in packed.iter_mut().enumerate() {
                    let in_use = (layout.stride() * 8).saturating_sub(at * 64).min(64);
                    *word = word.checked_shr(64 - in_use as u32).unwrap_or(0);
                }
                assert!(layout.has_room_for(&packed));
                let mut bytes: Vec<u8> = (0..100).map(|at| random(!seed, at) as u8).collect();
                layout.store(&packed, &mut bytes[3..3 + layout.stride()]);
                let record = &bytes[3..3 + layout.span()];
                assert_eq!(layout.load(record), packed, "{bits} bits");
                assert!(layout.is_same(record, &packed));
                let bit = random(seed, 9) as usize % (layout.stride() * 8);
                packed[bit / 64] ^= 1 << (bit % 64);
                assert!(!layout.is_same(record, &packed), "bit {bit} of {bits}");
            }
        }
    }

    #[test]
    fn a_bit_beyond_the_layout_is_seen() {
        let layout = Layout::<[u64; 2]>::new(40);
        assert_eq!((layout.stride(), layout.span()), (5, 8));
        assert!(layout.has_room_for(&[(1 << 40) - 1, 0]));
        assert!(!layout.has_room_for(&[1 << 40, 0]) && !layout.has_room_for(&[0, 1]));
    }

    /// Every bit of a state must move every part of the hash that something is found by.
    #[test]
    fn neighbours_are_scattered() {
        let layout = Layout::<[u64; 2]>::new(128);
        for shift in [0, 4, 32, 34] {
            let mut counts = [[0_u32; 256]; 2];
            for high in 0..256 {
                for low in 0..256 {
                    let hash = layout.hash(&[low, high << shift]);
                    counts[0][(hash >> 56) as usize] += 1;
                    counts[1][(hash & 255) as usize] += 1;
                }
            }
            for count in counts.iter().flatten() {
                assert!((170..350).contains(count), "{count} of 256 expected");
            }
        }
    }
}
