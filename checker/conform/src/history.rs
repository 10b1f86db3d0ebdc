//! Judging an image by what was written, and by nothing else: each block says which write it holds, so that a loss, a
//! broken order and a torn transaction are read off the image and the log of answered writes. No model is asked.

use syncsplit_model::protocol::Rule;

use crate::block::{Writer, Written};

/// A write of the local host.
#[derive(Clone, Copy, Debug)]
struct Write {
    number: u32,
    block: u32,
    /// Whether it was answered, so that it must be there.
    answered: bool,
    /// Whether the transaction goes on after it.
    goes_on: bool,
}

/// What was written, and when the database stood still.
#[derive(Clone, Debug, Default)]
pub struct History {
    blocks: u32,
    writes: Vec<Write>,
    /// How many writes there were when the database was frozen.
    frozen: Option<usize>,
    /// Whether the remote host wrote, so that there is no one order any more.
    is_forked: bool,
}

/// What an image shows that it must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The rule that keeps it from happening.
    pub rule: Rule,
    /// What it is.
    pub what: String,
}

impl History {
    /// Nothing is written yet.
    #[must_use]
    pub fn new(blocks: u32) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// A write was answered, or may have been done.
    pub fn write(&mut self, number: u32, block: u32, answered: bool, goes_on: bool) {
        self.writes.push(Write { number, block, answered, goes_on });
    }

    /// The database stands still from here on.
    pub fn freeze(&mut self) {
        self.frozen = Some(self.writes.len());
    }

    /// From here on there is more than one order of writes.
    pub fn fork(&mut self) {
        self.is_forked = true;
    }

    /// What is in a block after the first `count` writes: the numbers it may have.
    fn after(&self, block: u32, count: usize) -> Vec<u32> {
        let mut allowed = Vec::new();
        for write in self.writes.iter().take(count).rev().filter(|write| write.block == block) {
            allowed.push(write.number);
            if write.answered {
                return allowed;
            }
        }
        allowed.push(0);
        allowed
    }

    fn is_prefix(&self, image: &[Written], count: usize) -> bool {
        image.iter().all(|held| self.after(held.block, count).contains(&held.number))
    }

    /// Judges an image that has to be that of some prefix of the writes.
    ///
    /// # Errors
    /// The image is not one that the history allows: the rule that is broken, and how.
    pub fn prefix(&self, image: &[String]) -> Result<(), Flaw> {
        let image = self.read(image)?;
        if self.is_forked || (0..=self.writes.len()).any(|count| self.is_prefix(&image, count)) {
            return Ok(());
        }
        Err(self.out_of_order(&image))
    }

    /// Judges the image of a backup that was permitted: it has to be that of the freeze.
    ///
    /// # Errors
    /// The image is not one that the history allows: the rule that is broken, and how.
    pub fn backup(&self, image: &[String]) -> Result<(), Flaw> {
        let image = self.read(image)?;
        let Some(frozen) = self.frozen.filter(|_| !self.is_forked) else { return Ok(()) };
        if self.is_prefix(&image, frozen) {
            return Ok(());
        }
        let late = |held: &&Written| {
            self.writes.iter().skip(frozen).any(|write| write.number == held.number)
        };
        if let Some(held) = image.iter().find(late) {
            let what =
                format!("block {} holds write {}, made after the freeze", held.block, held.number);
            return Err(Flaw { rule: Rule::Freeze3, what });
        }
        let Some(count) = (0..frozen).rev().find(|count| self.is_prefix(&image, *count)) else {
            return Err(self.out_of_order(&image));
        };
        let lost: Vec<_> =
            self.writes[count..frozen].iter().map(|write| write.number.to_string()).collect();
        let lost = lost.join(", ");
        let is_torn =
            count.checked_sub(1).and_then(|last| self.writes.get(last)).is_some_and(|w| w.goes_on);
        Err(if is_torn {
            let what = format!("a transaction is torn: write {lost} is missing");
            Flaw { rule: Rule::Freeze1, what }
        } else {
            Flaw {
                rule: Rule::Sync3,
                what: format!("answered before the freeze and missing: write {lost}"),
            }
        })
    }

    fn out_of_order(&self, image: &[Written]) -> Flaw {
        let held: Vec<_> = image.iter().map(|held| held.number.to_string()).collect();
        let what = format!("no prefix of the writes leaves {} in the blocks", held.join(", "));
        Flaw { rule: Rule::Xfer3, what }
    }

    /// Reads an image: each block has to hold what was written to it, whole.
    fn read(&self, image: &[String]) -> Result<Vec<Written>, Flaw> {
        let flaw = |what: String| Flaw { rule: Rule::Split1, what };
        if image.len() != self.blocks as usize {
            return Err(flaw(format!("{} blocks in place of {}", image.len(), self.blocks)));
        }
        let mut read = Vec::new();
        for (block, text) in image.iter().enumerate() {
            let held =
                Written::read(text).map_err(|what| flaw(format!("block {block}: {what}")))?;
            if held.block as usize != block {
                return Err(flaw(format!(
                    "block {block} holds what was written to {}",
                    held.block
                )));
            }
            let is_known = held.writer != Writer::Local
                || self.writes.iter().any(|write| write.number == held.number);
            if !is_known {
                return Err(flaw(format!(
                    "block {block} holds write {}, which was refused",
                    held.number
                )));
            }
            read.push(held);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test panics")]
    use super::{History, Rule, Writer, Written};

    fn image(numbers: [u32; 2]) -> Vec<String> {
        let held = |(block, number): (usize, u32)| {
            let writer = if number == 0 { Writer::Begin } else { Writer::Local };
            Written { writer, number, block: block as u32 }.to_string()
        };
        numbers.into_iter().enumerate().map(held).collect()
    }

    /// Write 1 to block 0, then a transaction of 2 and 3, then the freeze, then 4.
    fn history() -> History {
        let mut history = History::new(2);
        history.write(1, 0, true, false);
        history.write(2, 0, true, true);
        history.write(3, 1, true, false);
        history.freeze();
        history.write(4, 0, true, false);
        history
    }

    #[test]
    fn a_backup_is_the_image_of_the_freeze() {
        assert_eq!(history().backup(&image([2, 3])), Ok(()));
        for (numbers, rule) in [
            ([2, 0], Rule::Freeze1),
            ([1, 0], Rule::Sync3),
            ([4, 3], Rule::Freeze3),
            ([1, 3], Rule::Xfer3),
            ([9, 3], Rule::Split1),
        ] {
            assert_eq!(history().backup(&image(numbers)).unwrap_err().rule, rule, "{numbers:?}");
        }
    }

    #[test]
    fn an_image_in_between_is_one_of_a_prefix() {
        for numbers in [[0, 0], [1, 0], [2, 0], [2, 3], [4, 3]] {
            assert_eq!(history().prefix(&image(numbers)), Ok(()), "{numbers:?}");
        }
        assert_eq!(history().prefix(&image([1, 3])).unwrap_err().rule, Rule::Xfer3);
        assert_eq!(history().prefix(&image([2, 3])[..1]).unwrap_err().rule, Rule::Split1);
    }

    #[test]
    fn a_write_that_may_have_been_done_may_be_there() {
        let mut history = History::new(2);
        history.write(1, 0, false, false);
        history.freeze();
        assert_eq!(history.backup(&image([1, 0])), Ok(()));
        assert_eq!(history.backup(&image([0, 0])), Ok(()));
    }
}
