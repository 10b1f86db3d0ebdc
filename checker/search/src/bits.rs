//! Numbers of a few bits laid one after the other into words, read from there, or only counted. What the numbers mean is
//! not known here.

/// Words that hold any state of any world.
pub const PACKED_WORDS: usize = 10;
/// A packed state: bits from the first on, the rest 0.
pub(crate) type Packed = [u64; PACKED_WORDS];

/// Writes a number and gives it back, or reads one whatever it is given.
pub(crate) trait Bits {
    /// Whether what is given back may be another than what was given.
    const READS: bool;

    fn number(&mut self, value: u64, width: u32) -> u64;

    /// Passes over a place where nothing stands: its bits are 0.
    fn pass(&mut self, width: u32);
}

pub(crate) struct Writer<'a> {
    /// All 0 at first.
    pub(crate) words: &'a mut Packed,
    /// The word that is being filled, at its lowest bits first.
    pub(crate) filling: u64,
    pub(crate) at: u32,
}

impl Writer<'_> {
    pub(crate) fn finish(self) {
        if let Some(word) = self.words.get_mut((self.at / 64) as usize) {
            *word = self.filling;
        }
    }
}

impl Bits for Writer<'_> {
    const READS: bool = false;

    #[inline(always)]
    fn number(&mut self, value: u64, width: u32) -> u64 {
        debug_assert!(value >> width == 0, "{value} does not fit {width} bits");
        let (word, bit) = ((self.at / 64) as usize, self.at % 64);
        self.filling |= value << bit;
        if bit + width >= 64 {
            self.words[word] = self.filling;
            // No number is as wide as a word, so that bit is not 0 here.
            self.filling = value >> (64 - bit);
        }
        self.at += width;
        value
    }

    #[inline(always)]
    fn pass(&mut self, width: u32) {
        self.number(0, width);
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) words: &'a Packed,
    pub(crate) at: u32,
}

impl Bits for Reader<'_> {
    const READS: bool = true;

    #[inline(always)]
    fn number(&mut self, _: u64, width: u32) -> u64 {
        let (word, bit) = ((self.at / 64) as usize, self.at % 64);
        let mut value = self.words[word] >> bit;
        if bit + width > 64 {
            value |= self.words[word + 1] << (64 - bit);
        }
        self.at += width;
        value & ((1 << width) - 1)
    }

    #[inline(always)]
    fn pass(&mut self, width: u32) {
        self.at += width;
    }
}

/// Counts how far a walk goes.
pub(crate) struct Counter {
    pub(crate) at: u32,
}

impl Bits for Counter {
    const READS: bool = false;

    fn number(&mut self, value: u64, width: u32) -> u64 {
        self.at += width;
        value
    }

    fn pass(&mut self, width: u32) {
        self.at += width;
    }
}
