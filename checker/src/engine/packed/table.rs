//! From hash bits to numbers of states: an open-addressing table that never looks at a state.
//!
//! Never here: states, and so never the last word on whether two of them are the same.
//!
//! A slot is four bytes: a number in its lower bits, and as many hash bits as fit above it. Slots
//! stand in buckets of one cache line; a bucket is filled from its front, and what finds its
//! bucket full goes to the next one.

/// Slots of a bucket.
const BUCKET: usize = 16;

/// A cache line of slots, all read at once.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket([u32; BUCKET]);

const _: () = assert!(size_of::<Bucket>() == 64);

/// The table grows when more than `FULL_NUM / FULL_DEN` of it is taken.
const FULL_NUM: usize = 7;
const FULL_DEN: usize = 8;
/// It grows by this ratio.
const GROW_NUM: usize = 3;
const GROW_DEN: usize = 2;
/// Buckets of the smallest table.
const BUCKETS_FIRST: usize = 8;

/// The largest number a table can hold; one more would leave no slot empty.
pub(super) const NUMBER_MAX: u32 = u32::MAX - 1;

/// Numbers of states by 32 bits of the states' hashes.
pub(super) struct Table {
    buckets: Vec<Bucket>,
    taken: usize,
    /// The lower bits of a slot, which hold a number plus one; 0 is an empty slot.
    number_bits: u32,
}

/// Where a lookup ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Find {
    Number(u32),
    /// There is none; a new one belongs in this slot.
    Vacant(usize),
}

impl Table {
    /// With a first size between the smallest and the next one, at `phase` of `phases`. Tables
    /// that fill alike but begin apart do not grow all at the same time.
    pub(super) fn new(phase: usize, phases: usize) -> Self {
        let ratio = GROW_NUM as f64 / GROW_DEN as f64;
        let stretch = ratio.powf(phase as f64 / phases.max(1) as f64);
        let buckets = (BUCKETS_FIRST as f64 * stretch) as usize;
        Self { buckets: vec![Bucket::EMPTY; buckets], taken: 0, number_bits: 16 }
    }

    fn home(&self, hash: u32) -> usize {
        (u64::from(hash) * self.buckets.len() as u64 >> 32) as usize
    }

    fn number_mask(&self) -> u32 {
        u32::MAX >> (32 - self.number_bits)
    }

    /// The hash bits of a slot, in their place. Home buckets go by the upper bits of the hash, so
    /// its lower ones tell apart what is in the same bucket.
    fn tagged(&self, hash: u32) -> u32 {
        hash.checked_shl(self.number_bits).unwrap_or(0)
    }

    /// The number that most likely is that of the state with this hash, if there may be one. This
    /// looks at the home bucket alone and takes no branch, so that many of them can overlap.
    #[inline]
    pub(super) fn guess(&self, hash: u32) -> Option<u32> {
        let bucket = self.buckets.get(self.home(hash))?;
        let (tagged, mask) = (self.tagged(hash), self.number_mask());
        let slot = bucket.hits(tagged, !mask).next().map_or(0, |at| bucket.0[at]);
        (slot != 0).then(|| (slot & mask).wrapping_sub(1))
    }

    /// The first number with this hash that `is_same` agrees to.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_same: impl FnMut(u32) -> bool) -> Find {
        let (tagged, mask) = (self.tagged(hash), self.number_mask());
        let mut at = self.home(hash);
        loop {
            let bucket = &self.buckets[at];
            for slot in bucket.hits(tagged, !mask).map(|at| bucket.0[at]) {
                let number = (slot & mask).wrapping_sub(1);
                if slot != 0 && is_same(number) {
                    return Find::Number(number);
                }
            }
            if let Some(vacant) = bucket.vacant() {
                return Find::Vacant(at * BUCKET + vacant);
            }
            at = self.after(at);
        }
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }

    /// Whether `number` can be filled in as it is; otherwise the table must grow first.
    pub(super) fn has_room_for(&self, number: u32) -> bool {
        number < self.number_mask()
            && (self.taken + 1) * FULL_DEN <= self.buckets.len() * BUCKET * FULL_NUM
    }

    /// Puts a number into the slot that [`Table::find`] has just named.
    pub(super) fn fill(&mut self, vacant: usize, hash: u32, number: u32) {
        self.taken += 1;
        self.buckets[vacant / BUCKET].0[vacant % BUCKET] = self.tagged(hash) | (number + 1);
    }

    /// Gives what is in a slot another number.
    pub(super) fn renumber(&mut self, slot: usize, number: u32) {
        let mask = self.number_mask();
        let slot = &mut self.buckets[slot / BUCKET].0[slot % BUCKET];
        *slot = *slot & !mask | (number + 1);
    }

    /// Makes room for `number` and for as many more as the table should hold before it grows
    /// again. `hash` gives the hash of a number; `moved` is told where each one is now.
    pub(super) fn grow(
        &mut self,
        number: u32,
        hash: impl Fn(u32) -> u32,
        mut moved: impl FnMut(u32, usize),
    ) {
        let mask = self.number_mask();
        let (buckets, number_bits) = self.size_after(number);
        let old = std::mem::replace(&mut self.buckets, vec![Bucket::EMPTY; buckets]);
        self.number_bits = number_bits;
        for bucket in old {
            // All hashes of a bucket before any of its numbers is put down: they are far apart in
            // memory and can be waited for together.
            let mut hashes = [0; BUCKET];
            for (to, slot) in hashes.iter_mut().zip(bucket.0) {
                if slot != 0 {
                    *to = hash((slot & mask).wrapping_sub(1));
                }
            }
            for (slot, hash) in bucket.0.into_iter().zip(hashes).filter(|(slot, _)| *slot != 0) {
                let number = (slot & mask).wrapping_sub(1);
                let vacant = self.vacant(hash);
                let tagged = self.tagged(hash);
                self.buckets[vacant / BUCKET].0[vacant % BUCKET] = tagged | (number + 1);
                moved(number, vacant);
            }
        }
    }

    fn vacant(&self, hash: u32) -> usize {
        let mut at = self.home(hash);
        loop {
            if let Some(vacant) = self.buckets[at].vacant() {
                return at * BUCKET + vacant;
            }
            at = self.after(at);
        }
    }

    /// Buckets and number bits that make room for `number`. The bits last until the table will
    /// have grown once more, if it fills as it did up to now.
    fn size_after(&self, number: u32) -> (usize, u32) {
        let is_full = (self.taken + 1) * FULL_DEN > self.buckets.len() * BUCKET * FULL_NUM;
        let buckets = match is_full {
            true => (self.buckets.len() * GROW_NUM).div_ceil(GROW_DEN),
            false => self.buckets.len(),
        };
        let by_then = u64::from(number) * GROW_NUM as u64 / GROW_DEN as u64 + 1;
        let bits = u64::BITS - (by_then + by_then / 8).leading_zeros();
        (buckets, bits.clamp(16, 32))
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The most memory in use until `more` numbers up to `number` are filled in, growing included.
    pub(super) fn bytes_for(&self, more: usize) -> usize {
        let mut buckets = self.buckets.len();
        let mut before = 0;
        while (self.taken + more) * FULL_DEN > buckets * BUCKET * FULL_NUM {
            before = buckets;
            buckets = (buckets * GROW_NUM).div_ceil(GROW_DEN);
        }
        (buckets + before) * size_of::<Bucket>()
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
mod tests {
    use super::*;

    fn hash(number: u32) -> u32 {
        number.wrapping_mul(0x9e37_79b9).rotate_left(7).wrapping_mul(0x85eb_ca6b) & !1
    }

    fn add(table: &mut Table, number: u32, hash: impl Fn(u32) -> u32 + Copy) {
        if !table.has_room_for(number) {
            let before = table.bytes_for(1);
            let mut places = Vec::new();
            table.grow(number, hash, |number, slot| places.push((number, slot)));
            assert!(table.has_room_for(number));
            assert!(table.bytes() <= before, "growth was announced");
            for (number, slot) in places {
                let found = table.buckets[slot / BUCKET].0[slot % BUCKET] & table.number_mask();
                assert_eq!(found, number + 1);
            }
        }
        match table.find(hash(number), |n| n == number) {
            Find::Vacant(slot) => table.fill(slot, hash(number), number),
            Find::Number(_) => panic!("{number} is not there yet"),
        }
    }

    #[test]
    fn what_was_filled_in_is_found_through_all_growth() {
        let mut table = Table::new(1, 3);
        for number in 0..200_000 {
            add(&mut table, number, hash);
        }
        let mut guessed = 0;
        for number in 0..200_000 {
            assert_eq!(table.find(hash(number), |n| n == number), Find::Number(number));
            guessed += u32::from(table.guess(hash(number)) == Some(number));
        }
        assert!(guessed > 180_000, "{guessed} of 200000 were guessed");
        let absent = (200_000..201_000).map(|n| table.find(hash(n), |other| other == n));
        assert!(absent.into_iter().all(|find| matches!(find, Find::Vacant(_))));
        assert!(table.bytes() <= 200_000 * 4 * 2, "{} bytes", table.bytes());
    }

    #[test]
    fn numbers_with_one_hash_fill_bucket_after_bucket() {
        for same in [0, u32::MAX, 0x1234_5678] {
            let mut table = Table::new(0, 1);
            for number in 0..1_000 {
                add(&mut table, number, |_| same);
            }
            for number in 0..1_000 {
                assert_eq!(table.find(same, |n| n == number), Find::Number(number));
            }
            assert!(matches!(table.find(same, |_| false), Find::Vacant(_)));
        }
    }

    #[test]
    fn a_slot_can_be_given_another_number() {
        let mut table = Table::new(0, 1);
        let Find::Vacant(slot) = table.find(77, |_| true) else { panic!("the table is empty") };
        table.fill(slot, 77, 5);
        table.renumber(slot, 9);
        assert_eq!(table.guess(77), Some(9));
        assert_eq!(table.find(77, |n| n == 9), Find::Number(9));
    }

    #[test]
    fn numbers_run_out_without_wrapping() {
        let mut table = Table::new(0, 1);
        assert!(!table.has_room_for(1 << 20));
        table.grow(NUMBER_MAX, |_| 0, |_, _| {});
        assert_eq!(table.number_bits, 32);
        assert!(table.has_room_for(NUMBER_MAX));
        let Find::Vacant(slot) = table.find(3, |_| true) else { panic!("the table is empty") };
        table.fill(slot, 3, NUMBER_MAX);
        let mut seen = Vec::new();
        assert!(matches!(
            table.find(3, |n| {
                seen.push(n);
                false
            }),
            Find::Vacant(_)
        ));
        assert_eq!(seen, [NUMBER_MAX]);
        assert_eq!(table.guess(3), Some(NUMBER_MAX));
    }
}
