//! Fingerprints: 64 bits that stand for a state, for sets too large to keep the states themselves.
//!
//! Never here: a claim that two states with one fingerprint are the same. That is what a run with
//! fingerprints takes for granted; how likely it is to be wrong somewhere is [`missed_at_most`].

use super::pack::Words;

/// Bytes of a fingerprint.
pub(super) const PRINT: usize = size_of::<u64>();

/// What fingerprints are made with: a key for each word of a state, behind one that stands alone.
#[derive(Clone)]
pub(super) struct Keys(Vec<u128>);

impl Keys {
    /// For states of `words` words.
    pub(super) fn new(words: usize, seed: u64) -> Self {
        let mut chance = SplitMix(seed);
        let mut key = || u128::from(chance.next()) << 64 | u128::from(chance.next());
        Self((0..=words).map(|_| key()).collect())
    }

    /// The fingerprint of a state: the upper half of the sum of its words, each times its key, and
    /// of the first key, modulo 2^128. Over keys by chance two given states that differ have the
    /// same one with a probability of 2^-64: where they differ, in a word, the difference of the
    /// words is less than 2^64, so that its product with the key is by chance in every bit of the
    /// upper half. (Lemire and Kaser, "Strongly universal string hashing is fast", 2014.)
    #[inline]
    pub(super) fn of<P: Words>(&self, packed: &P) -> u64 {
        let Some((first, keys)) = self.0.split_first() else { return 0 };
        let products = keys.iter().zip(packed.words());
        let product = |(key, word): (&u128, &u64)| key.wrapping_mul(u128::from(*word));
        (products.map(product).fold(*first, u128::wrapping_add) >> 64) as u64
    }
}

/// The most likely a run that counted `distinct` states by fingerprint is to have missed one: each
/// pair of them has the same fingerprint with a probability of 2^-64.
#[must_use]
pub fn missed_at_most(distinct: u64) -> f64 {
    let pairs = distinct as f64 * distinct.saturating_sub(1) as f64 / 2.0;
    (pairs / 2_f64.powi(64)).min(1.0)
}

/// Vigna's SplitMix64: a published generator, so that a seed means the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_everywhere() {
        // The first numbers of the reference implementation.
        let mut chance = SplitMix(1_234_567);
        let numbers = [(); 3].map(|()| chance.next());
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(numbers, published);
    }

    #[test]
    fn every_bit_of_a_state_moves_half_of_its_fingerprint() {
        let prints = Keys::new(3, 7);
        let base = [3, 1 << 63, 0];
        let mut moved = 0;
        for bit in 0..192 {
            let mut other = base;
            other[bit / 64] ^= 1 << (bit % 64);
            let bits = (prints.of(&base) ^ prints.of(&other)).count_ones();
            assert!(bits > 8, "bit {bit} moves {bits} bits");
            moved += bits;
        }
        assert!((28 * 192..36 * 192).contains(&moved), "{moved} bits were moved");
    }

    /// Cut to 24 bits, fingerprints meet as often as chance has it. The states are scattered: those
    /// of a grid meet as often over all keys, but all at once.
    #[test]
    fn fingerprints_meet_as_often_as_they_should() {
        let mut met = 0;
        for seed in 0..8 {
            let prints = Keys::new(2, seed);
            let mut chance = SplitMix(!seed);
            let mut cut = |_| prints.of(&[chance.next(), chance.next()]) >> 40;
            let mut cuts: Vec<u64> = (0..16_384).map(&mut cut).collect();
            cuts.sort_unstable();
            met += cuts.windows(2).filter(|pair| pair[0] == pair[1]).count();
        }
        // 8 x 16384^2 / 2^25 = 64.
        assert!((32..128).contains(&met), "{met} pairs of 64 expected");
    }

    #[test]
    fn the_probability_grows_with_the_pairs() {
        assert_eq!(missed_at_most(0), 0.0);
        assert_eq!(missed_at_most(1), 0.0);
        assert_eq!(missed_at_most(2), 2_f64.powi(-64));
        let billion = missed_at_most(1_000_000_000);
        assert!((0.027..0.0272).contains(&billion), "{billion}");
        assert_eq!(missed_at_most(u64::MAX), 1.0);
    }
}
