//! From hash bits to numbers of states: an open-addressing table that never looks at a state.
//!
//! Never here: states, and so never the last word on whether two of them are the same.
//!
//! A slot is four bytes: a number in its lower bits, and as many hash bits as fit above it. Slots
//! stand in buckets of one cache line; a bucket is filled from its front, and what finds its
//! bucket full goes to the next one. The table is cut into equal parts, each of which can be
//! written by a thread of its own.

use std::hint::black_box;
use std::ops::Deref;

/// Slots of a bucket.
const BUCKET: usize = 16;

/// A cache line of slots, all read at once.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Bucket([u32; BUCKET]);

const _: () = assert!(size_of::<Bucket>() == 64);

/// A part is full when more than `FULL_NUM / FULL_DEN` of it is taken: nearly all lookups then
/// still end in the bucket where they begin.
const FULL_NUM: usize = 15;
const FULL_DEN: usize = 16;
/// A table that has become too small is replaced by one that is larger by at least this ratio.
const GROW_NUM: usize = 3;
const GROW_DEN: usize = 2;

/// The largest number a table can hold; a slot holds one more.
pub(super) const NUMBER_MAX: u32 = u32::MAX - 1;

/// Numbers of states by their place.
pub(super) struct Table {
    buckets: Vec<Bucket>,
    size: Size,
    /// Taken slots of each part.
    taken: Vec<usize>,
}

/// How large a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Buckets of each part.
    buckets: usize,
    /// The lower bits of a slot, which hold a number plus one; 0 is an empty slot.
    number_bits: u32,
}

/// What is to go into a table besides what is there.
pub(super) struct Demand {
    /// Numbers for each part.
    pub(super) more: Vec<usize>,
    /// The largest number of all.
    pub(super) number_last: u32,
}

/// Where a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    Number(u32),
    /// There is none; a new one belongs in this slot.
    Vacant(u32),
}

impl Table {
    pub(super) fn new(parts: usize) -> Self {
        let size = Size { buckets: 1, number_bits: 8 };
        Self { buckets: vec![Bucket::EMPTY; parts], size, taken: vec![0; parts] }
    }

    /// The size that meets the demand, if the present one does not.
    pub(super) fn size_for(&self, demand: &Demand) -> Option<Size> {
        let parts = self.taken.iter().zip(&demand.more);
        let fullest = parts.map(|(taken, more)| taken + more).max().unwrap_or(0);
        let needed = (fullest * FULL_DEN).div_ceil(FULL_NUM * BUCKET);
        let Size { buckets, number_bits } = self.size;
        if needed <= buckets && demand.number_last < number_mask(number_bits) {
            return None;
        }
        let grown = |size: usize| (size * GROW_NUM).div_ceil(GROW_DEN);
        let buckets = if needed > buckets { needed.max(grown(buckets)) } else { buckets };
        // The bits are to last until the table has grown once more.
        let by_then = grown(demand.number_last as usize) as u64 + 2;
        let number_bits = (u64::BITS - by_then.leading_zeros()).clamp(number_bits, u32::BITS);
        Some(Size { buckets, number_bits })
    }

    /// Throws everything out and takes this size. The old memory is given back before the new
    /// one is asked for.
    pub(super) fn replace(&mut self, size: Size) {
        self.buckets = Vec::new();
        self.buckets = vec![Bucket::EMPTY; size.buckets * self.taken.len()];
        self.size = size;
        self.taken.fill(0);
    }

    /// How large it is now.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The parts, to be read.
    pub(super) fn part(&self, part: usize) -> Part<&[Bucket]> {
        let from = part * self.size.buckets;
        let buckets = self.buckets.get(from..from + self.size.buckets).unwrap_or_default();
        Part { buckets, number_bits: self.size.number_bits }
    }

    /// The parts, to be written, each with its count of taken slots.
    pub(super) fn parts_mut(
        &mut self,
    ) -> impl Iterator<Item = (Part<&mut [Bucket]>, &mut usize)> + Send {
        let Size { buckets, number_bits } = self.size;
        let parts = self.buckets.chunks_exact_mut(buckets);
        parts.map(move |buckets| Part { buckets, number_bits }).zip(&mut self.taken)
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The memory in use once the demand is met.
    pub(super) fn bytes_for(&self, demand: &Demand) -> usize {
        let size = self.size_for(demand).unwrap_or(self.size);
        size.buckets * self.taken.len() * size_of::<Bucket>()
    }
}

/// Slots for the states of one shard.
pub(super) struct Part<Buckets> {
    buckets: Buckets,
    number_bits: u32,
}

fn number_mask(number_bits: u32) -> u32 {
    u32::MAX >> (u32::BITS - number_bits)
}

impl<Buckets: Deref<Target = [Bucket]>> Part<Buckets> {
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.buckets.len() as u64) >> 32) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }

    /// The hash bits of a slot, in their place. Home buckets go by the upper bits of the hash, so
    /// its lower ones tell apart what is in the same bucket.
    fn tagged(&self, hash: u32) -> u32 {
        hash.checked_shl(self.number_bits).unwrap_or(0)
    }

    /// Brings the home buckets of some hashes into the processor's cache. Reading a slot of each
    /// is so little work that many reads are under way at the same time.
    #[inline]
    pub(super) fn touch(&self, hashes: impl Iterator<Item = u32>) {
        let first = |hash| self.buckets.get(self.home(hash)).map_or(0, |bucket| bucket.0[0]);
        black_box(hashes.fold(0, |all, hash| all | first(hash)));
    }

    /// The number that most likely is that of the state with this hash, if there may be one. This
    /// looks at the home bucket alone, so that many guesses can overlap.
    #[inline]
    pub(super) fn guess(&self, hash: u32) -> Option<u32> {
        let bucket = self.buckets.get(self.home(hash))?;
        let mask = number_mask(self.number_bits);
        let slot = bucket.hits(self.tagged(hash), !mask).next().map_or(0, |at| bucket.0[at]);
        (slot != 0).then(|| (slot & mask).wrapping_sub(1))
    }

    /// The first number with this hash that `is_same` agrees to.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_same: impl FnMut(u32) -> bool) -> Find {
        let mask = number_mask(self.number_bits);
        let mut at = self.home(hash);
        loop {
            let bucket = &self.buckets[at];
            for slot in bucket.hits(self.tagged(hash), !mask).map(|at| bucket.0[at]) {
                let number = (slot & mask).wrapping_sub(1);
                if slot != 0 && is_same(number) {
                    return Find::Number(number);
                }
            }
            if let Some(vacant) = bucket.vacant() {
                return Find::Vacant((at * BUCKET + vacant) as u32);
            }
            at = self.after(at);
        }
    }
}

impl Part<&mut [Bucket]> {
    /// Puts a number into the slot that [`Part::find`] has just named.
    #[inline]
    pub(super) fn fill(&mut self, vacant: u32, hash: u32, number: u32) {
        let vacant = vacant as usize;
        self.buckets[vacant / BUCKET].0[vacant % BUCKET] = self.tagged(hash) | (number + 1);
    }

    /// Puts a number down that surely is not there.
    #[inline]
    pub(super) fn add(&mut self, hash: u32, number: u32) {
        let mut at = self.home(hash);
        let vacant = loop {
            match self.buckets[at].vacant() {
                Some(vacant) => break vacant,
                None => at = self.after(at),
            }
        };
        self.buckets[at].0[vacant] = self.tagged(hash) | (number + 1);
    }

    /// Gives what is in a slot another number.
    #[inline]
    pub(super) fn renumber(&mut self, slot: u32, number: u32) {
        let mask = number_mask(self.number_bits);
        let slot = &mut self.buckets[slot as usize / BUCKET].0[slot as usize % BUCKET];
        *slot = *slot & !mask | (number + 1);
    }
}

impl Bucket {
    const EMPTY: Self = Self([0; BUCKET]);

    /// The slots that hold `wanted` in the bits of `mask`. An empty slot holds 0 everywhere.
    #[inline]
    fn hits(&self, wanted: u32, mask: u32) -> Hits {
        let mut bits = [0; BUCKET];
        for (at, (bit, slot)) in bits.iter_mut().zip(&self.0).enumerate() {
            // From bit 1 on: bit 0 would make the first slot a case of its own for a compiler
            // that turns this into a few wide instructions.
            *bit = if slot & mask == wanted { 2 << at } else { 0 };
        }
        Hits(bits.iter().fold(0, |all, bit| all | bit))
    }

    /// The first slot that is empty.
    #[inline]
    fn vacant(&self) -> Option<usize> {
        self.hits(0, u32::MAX).next()
    }
}

/// Slots of a bucket, from its front on.
struct Hits(u32);

impl Iterator for Hits {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let at = (self.0 != 0).then(|| (self.0.trailing_zeros() as usize - 1) % BUCKET);
        self.0 &= self.0.wrapping_sub(1);
        at
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panic")]
mod tests {
    use super::*;

    fn hash(number: u32) -> u32 {
        number.wrapping_mul(0x9e37_79b9).rotate_left(7).wrapping_mul(0x85eb_ca6b) & !1
    }

    /// Puts all numbers below `count` down, growing as a search does.
    fn filled(count: u32, hash: impl Fn(u32) -> u32) -> Table {
        let mut table = Table::new(1);
        for number in 0..count {
            let demand = Demand { more: vec![1], number_last: number };
            if let Some(size) = table.size_for(&demand) {
                assert!(size.buckets >= table.size.buckets);
                let announced = table.bytes_for(&demand);
                table.replace(size);
                assert_eq!(table.bytes(), announced);
                assert_eq!(table.size_for(&demand), None);
                let (mut part, taken) = table.parts_mut().next().unwrap();
                (0..number).for_each(|number| part.add(hash(number), number));
                *taken = number as usize;
            }
            let (mut part, taken) = table.parts_mut().next().unwrap();
            match part.find(hash(number), |n| n == number) {
                Find::Vacant(slot) => part.fill(slot, hash(number), number),
                Find::Number(_) => panic!("{number} is not there yet"),
            }
            *taken += 1;
        }
        table
    }

    #[test]
    fn what_was_filled_in_is_found_through_all_growth() {
        let table = filled(100_000, hash);
        let part = table.part(0);
        let mut guessed = 0;
        for number in 0..100_000 {
            assert_eq!(part.find(hash(number), |n| n == number), Find::Number(number));
            guessed += u32::from(part.guess(hash(number)) == Some(number));
        }
        assert!(guessed > 80_000, "{guessed} of 100000 were guessed");
        for absent in 100_000..101_000 {
            assert!(matches!(part.find(hash(absent), |n| n == absent), Find::Vacant(_)));
        }
        assert!(table.bytes() <= 100_000 * 4 * 13 / 8, "{} bytes", table.bytes());
    }

    #[test]
    fn numbers_with_one_hash_fill_bucket_after_bucket() {
        for same in [0, u32::MAX, 0x1234_5678] {
            let table = filled(1_000, |_| same);
            for number in 0..1_000 {
                assert_eq!(table.part(0).find(same, |n| n == number), Find::Number(number));
            }
            assert!(matches!(table.part(0).find(same, |_| false), Find::Vacant(_)));
        }
    }

    #[test]
    fn a_slot_can_be_given_another_number() {
        let mut table = Table::new(2);
        let (mut part, _) = table.parts_mut().nth(1).unwrap();
        let Find::Vacant(slot) = part.find(77, |_| true) else { panic!("the table is empty") };
        part.fill(slot, 77, 5);
        part.renumber(slot, 9);
        assert_eq!(table.part(1).guess(77), Some(9));
        assert_eq!(table.part(1).find(77, |n| n == 9), Find::Number(9));
        assert_eq!(table.part(0).guess(77), None);
    }

    #[test]
    fn the_fullest_part_decides() {
        let table = Table::new(3);
        let demand = |more: [usize; 3]| Demand { more: more.to_vec(), number_last: 9 };
        assert_eq!(table.size_for(&demand([15, 15, 15])), None);
        assert_eq!(table.size_for(&demand([1, 16, 1])).map(|size| size.buckets), Some(2));
        assert_eq!(table.size_for(&demand([1, 300, 1])).map(|size| size.buckets), Some(20));
    }

    #[test]
    fn numbers_run_out_without_wrapping() {
        let mut table = Table::new(1);
        let size = table.size_for(&Demand { more: vec![1], number_last: NUMBER_MAX }).unwrap();
        assert_eq!(size, Size { buckets: 1, number_bits: 32 });
        table.replace(size);
        let (mut part, _) = table.parts_mut().next().unwrap();
        let Find::Vacant(slot) = part.find(3, |_| true) else { panic!("the table is empty") };
        part.fill(slot, 3, NUMBER_MAX);
        let mut seen = Vec::new();
        let find = part.find(3, |number| {
            seen.push(number);
            false
        });
        assert!(matches!(find, Find::Vacant(_)));
        assert_eq!((seen, part.guess(3)), (vec![NUMBER_MAX], Some(NUMBER_MAX)));
        assert_eq!(table.size_for(&Demand { more: vec![1], number_last: NUMBER_MAX }), None);
    }
}
