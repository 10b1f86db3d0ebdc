//! A list of records that grows without moving what it holds: no spike of memory, no copying.
//!
//! Never here: what a record means.

const SEGMENT_BITS: u32 = 14;
/// Records per segment. Memory that no record was written to yet is asked for zeroed, which
/// systems hand out only when it is touched.
const SEGMENT: usize = 1 << SEGMENT_BITS;

/// Records of equal size by position.
pub(super) struct Arena {
    segments: Vec<Vec<u8>>,
    /// Segments whose records were given up, to be used again.
    spare: Vec<Vec<u8>>,
    stride: usize,
    span: usize,
}

impl Arena {
    /// For records that lie `stride` bytes apart and are read `span` bytes at a time.
    pub(super) fn new(stride: usize, span: usize) -> Self {
        Self { segments: Vec::new(), spare: Vec::new(), stride, span: span.max(stride) }
    }

    /// What is read for the record at `at`, and nothing where there is no room for one.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let from = (at % SEGMENT) * self.stride;
        let segment = self.segments.get(at >> SEGMENT_BITS);
        segment.and_then(|segment| segment.get(from..from + self.span)).unwrap_or_default()
    }

    /// The bytes of the first `len` records, for which there must be room.
    pub(super) fn written(&self, len: usize) -> impl Iterator<Item = &[u8]> {
        let counts = (0..len).step_by(SEGMENT).map(move |from| (len - from).min(SEGMENT));
        let pieces = self.segments.iter().zip(counts);
        pieces.map(|(segment, count)| segment.get(..count * self.stride).unwrap_or_default())
    }

    /// Makes room for `len` records in all.
    pub(super) fn make_room(&mut self, len: usize) {
        let bytes = self.segment_bytes();
        let segments = len.div_ceil(SEGMENT).max(self.segments.len());
        let spare = &mut self.spare;
        self.segments.resize_with(segments, || spare.pop().unwrap_or_else(|| vec![0; bytes]));
    }

    /// Gives up to `count` records at the front up, and returns how many: the position of every
    /// other falls by as many.
    pub(super) fn give_up(&mut self, count: usize) -> usize {
        let segments = (count >> SEGMENT_BITS).min(self.segments.len());
        self.spare.extend(self.segments.drain(..segments));
        segments << SEGMENT_BITS
    }

    /// The room for `counts` records from position `from` on, one list of pieces for each count.
    /// There must be that room.
    pub(super) fn pieces(
        &mut self,
        from: usize,
        counts: impl Iterator<Item = usize>,
    ) -> Vec<Vec<&mut [u8]>> {
        let stride = self.stride;
        let mut segments = self.segments.iter_mut().skip(from >> SEGMENT_BITS);
        let mut rest: &mut [u8] = &mut [];
        if let Some(first) = segments.next() {
            rest = &mut first[from % SEGMENT * stride..SEGMENT * stride];
        }
        let mut take = |mut count: usize| {
            let mut pieces = Vec::new();
            while count > 0 {
                if rest.is_empty() {
                    let Some(next) = segments.next() else { break };
                    rest = &mut next[..SEGMENT * stride];
                }
                let most = rest.len().min(count * stride);
                let (piece, left) = std::mem::take(&mut rest).split_at_mut(most);
                count -= piece.len() / stride;
                pieces.push(piece);
                rest = left;
            }
            pieces
        };
        counts.map(&mut take).collect()
    }

    /// Bytes per segment.
    fn segment_bytes(&self) -> usize {
        SEGMENT * self.stride + self.span - self.stride
    }

    /// The memory in use once there is room for `len` records.
    pub(super) fn bytes_for(&self, len: usize) -> usize {
        let segments = self.segments.len() + self.spare.len();
        len.div_ceil(SEGMENT).max(segments) * self.segment_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_used_again() {
        let mut arena = Arena::new(1, 8);
        arena.make_room(3 * SEGMENT);
        for (pieces, byte) in arena.pieces(0, [SEGMENT; 3].into_iter()).into_iter().zip(1..) {
            pieces.into_iter().for_each(|piece| piece.fill(byte));
        }
        assert_eq!(arena.give_up(SEGMENT - 1), 0);
        assert_eq!(arena.give_up(2 * SEGMENT + 5), 2 * SEGMENT);
        assert_eq!(arena.get(SEGMENT - 1).first(), Some(&3));
        let bytes = arena.bytes_for(0);
        arena.make_room(3 * SEGMENT);
        assert_eq!(arena.bytes_for(0), bytes);
        arena.make_room(3 * SEGMENT + 1);
        assert!(arena.bytes_for(0) > bytes);
    }

    #[test]
    fn pieces_cover_the_room_without_a_gap_or_an_overlap() {
        let mut arena = Arena::new(3, 8);
        let counts = [5, 0, SEGMENT - 7, 2 * SEGMENT + 9, 1];
        let mut len = 0_usize;
        for _ in 0..3 {
            let more: usize = counts.iter().sum();
            arena.make_room(len + more);
            let lists = arena.pieces(len, counts.iter().copied());
            for (pieces, count) in lists.into_iter().zip(counts) {
                let records = pieces.into_iter().flat_map(|piece| piece.chunks_exact_mut(3));
                let mut written = 0;
                for record in records {
                    record.copy_from_slice(&(len as u32).to_le_bytes()[..3]);
                    (len, written) = (len + 1, written + 1);
                }
                assert_eq!(written, count);
            }
        }
        for at in 0..len {
            assert_eq!(arena.get(at).len(), 8);
            assert_eq!(&arena.get(at)[..3], &(at as u32).to_le_bytes()[..3]);
        }
        assert!(arena.get(100 * SEGMENT).is_empty());
        let written: Vec<u8> = arena.written(len).flatten().copied().collect();
        assert_eq!(written.len(), 3 * len);
        let numbers = (0..len).flat_map(|at| (at as u32).to_le_bytes().into_iter().take(3));
        assert!(numbers.eq(written));
        assert_eq!(arena.bytes_for(0), arena.segments.iter().map(Vec::len).sum::<usize>());
    }
}
