//! A script: where it begins, and what is done then, verb by verb. Written as one line of text, so that a failure can be
//! repeated by copying it.

use std::fmt;
use std::str::FromStr;

use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Bounds, Cache, Faults, NumberRange, Start, Stillness, Transactions, Variant, World,
};

use crate::verb::Verb;

/// Blocks of every script.
pub const BLOCKS: u32 = 2;

/// The world a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Where it begins.
    pub start: Start,
    /// What a backup holds still.
    pub stillness: Stillness,
    /// What a full journal does.
    pub journal_full: JournalFull,
    /// How many entries the journal holds.
    pub journal: usize,
    /// Whether the status is asked for now and then only: each time gives an implementation that runs by itself time to
    /// catch up, and some faults show only where it has none.
    pub is_hasty: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            start: Start::Pair,
            stillness: Stillness::Freeze,
            journal_full: JournalFull::Hold,
            journal: 2,
            is_hasty: false,
        }
    }
}

impl Setting {
    /// The setting that is nearest to the bounds of an instance.
    #[must_use]
    pub const fn of(bounds: &Bounds) -> Self {
        Self {
            start: bounds.start,
            stillness: bounds.stillness,
            journal_full: bounds.journal_full,
            journal: bounds.journal,
            is_hasty: false,
        }
    }

    /// The world that an implementation is compared with: every fault can happen, and the links have room for whatever can
    /// still have an effect, as long as the journal holds two entries at most or the kit delivers each message itself.
    #[must_use]
    pub fn world(&self, without: &[Rule]) -> World {
        let bounds = Bounds {
            blocks: BLOCKS,
            volumes: 1,
            journal: self.journal,
            frames: 2,
            acks: 2,
            host_messages: 2,
            journal_full: self.journal_full,
            cache: Cache::NonVolatile,
            stillness: self.stillness,
            transactions: Transactions::default(),
            numbers: NumberRange::default(),
            start: self.start,
            faults: Faults::all(),
        };
        World::new(bounds, Variant::Hardened, without)
    }
}

/// A script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The world it is for.
    pub setting: Setting,
    /// What is done.
    pub verbs: Vec<Verb>,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { start, stillness, journal_full, journal, is_hasty } = self.setting;
        let start = if start == Start::Pair { "pair" } else { "smpl" };
        write!(f, "begin {start} journal {journal}")?;
        if journal_full == JournalFull::Suspend {
            f.write_str(" suspend-when-full")?;
        }
        if stillness == Stillness::Quiesce {
            f.write_str(" hold-writes")?;
        }
        if is_hasty {
            f.write_str(" hasty")?;
        }
        self.verbs.iter().try_for_each(|verb| write!(f, "; {verb}"))
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let begin = parts.next().unwrap_or_default();
        let bad = || {
            format!(
                "a script begins with for example `begin pair journal 2`, not with {begin:?}; \
                 valid are pair or smpl, journal 1 to 3, suspend-when-full, hold-writes, hasty"
            )
        };
        let mut words = begin.split_whitespace();
        if words.next() != Some("begin") {
            return Err(bad());
        }
        let mut setting = Setting::default();
        while let Some(word) = words.next() {
            match word {
                "pair" => setting.start = Start::Pair,
                "smpl" => setting.start = Start::Smpl,
                "suspend-when-full" => setting.journal_full = JournalFull::Suspend,
                "hasty" => setting.is_hasty = true,
                "hold-writes" => setting.stillness = Stillness::Quiesce,
                "journal" => {
                    let journal = words.next().and_then(|word| word.parse().ok());
                    setting.journal =
                        journal.filter(|held| (1..=3).contains(held)).ok_or_else(bad)?;
                }
                _ => return Err(bad()),
            }
        }
        let verb = |text: &str| -> Result<Verb, String> {
            let verb: Verb = text.parse()?;
            verb.check(BLOCKS).map(|()| verb)
        };
        let verbs = parts.map(verb).collect::<Result<_, _>>()?;
        Ok(Self { setting, verbs })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test panics")]
    use super::Script;

    #[test]
    fn a_script_is_read_as_it_is_written() {
        for text in [
            "begin pair journal 2",
            "begin smpl journal 1 suspend-when-full; write-one 0; deliver frame 1 2 again",
            "begin pair journal 3 hold-writes hasty; takeover force; wait; crash-secondary",
        ] {
            assert_eq!(text.parse::<Script>().unwrap().to_string(), text);
        }
        for (text, says) in [
            ("", "begins with"),
            ("write-one 0", "begins with"),
            ("begin pair journal 4", "journal 1 to 3"),
            ("begin pair; dance", "is no verb"),
            ("begin pair; apply again", "is no verb"),
            ("begin pair; write-one 2", "blocks 0 to 1"),
            ("begin pair; write-one 4294967296", "blocks 0 to 1"),
            ("begin pair; write-one 18446744073709551616", "is no verb"),
            ("begin pair; destage 0", "no script has it"),
        ] {
            let error = text.parse::<Script>().unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
