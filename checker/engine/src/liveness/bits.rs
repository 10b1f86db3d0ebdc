//! One bit per state.
//!
//! Never here: what a bit means.

/// A set of states, by number.
#[derive(Clone)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(super) fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// The words of consecutive pieces, put together.
    pub(super) fn from_words(words: Vec<u64>) -> Self {
        Self { words }
    }

    pub(super) fn get(&self, number: u32) -> bool {
        self.words[number as usize / 64] >> (number % 64) & 1 == 1
    }

    /// Whether the bit was not set before.
    pub(super) fn set(&mut self, number: u32) -> bool {
        let word = &mut self.words[number as usize / 64];
        let fresh = *word >> (number % 64) & 1 == 0;
        *word |= 1 << (number % 64);
        fresh
    }

    pub(super) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Word by word, what is in `self` and, as `keep` combines them, in `other`.
    pub(super) fn with(&self, other: &Self, keep: impl Fn(u64, u64) -> u64) -> Self {
        let pairs = self.words.iter().zip(&other.words);
        Self { words: pairs.map(|(ours, theirs)| keep(*ours, *theirs)).collect() }
    }

    /// The numbers in the set, upward.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip(0u32..).flat_map(|(word, at)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let mut bits = Bits::new(130);
        let numbers = [0, 1, 63, 64, 65, 127, 128, 129];
        for number in numbers {
            assert!(!bits.get(number) && bits.set(number));
            assert!(bits.get(number) && !bits.set(number));
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), numbers);
        assert_eq!(bits.count(), 8);
        let mut other = Bits::new(130);
        assert!(other.is_empty());
        other.set(64);
        assert_eq!(bits.with(&other, |a, b| a & b).iter().collect::<Vec<_>>(), [64]);
        assert_eq!(bits.with(&other, |a, b| a & !b).count(), 7);
    }
}
