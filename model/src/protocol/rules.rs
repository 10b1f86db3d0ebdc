//! Every rule of SPEC.md by id, and the set of rules in force.
//!
//! Implementations run [`Rules::HARDENED`]. The checker leaves rules out to show what each one prevents.

use core::fmt;
use core::str::FromStr;

use enumset::{EnumSet, EnumSetType, enum_set, enum_set_complement, enum_set_difference};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

/// One rule of SPEC.md. Its id is the one under which SPEC.md, traces and reports name it; its documentation is the rule in
/// one line.
#[derive(Debug, PartialOrd, Ord, Hash, EnumSetType, EnumMessage, IntoStaticStr, VariantArray)]
#[enumset(repr = "u64")]
pub enum Rule {
    /// in PAIR a write changes the P-VOL, takes the next seq and enters the journal
    #[strum(to_string = "WRITE-1")]
    Write1,
    /// in COPY a write to a clean block behaves as WRITE-1, to a dirty block changes the P-VOL only
    #[strum(to_string = "WRITE-2")]
    Write2,
    /// in PSUS and PSUE a write changes the P-VOL and marks the block dirty
    #[strum(to_string = "WRITE-3")]
    Write3,
    /// a full journal holds the host or suspends the pair; it never drops a write
    #[strum(to_string = "WRITE-4")]
    Write4,
    /// any journal entry may be sent, and sent again, at any time
    #[strum(to_string = "XFER-1")]
    Xfer1,
    /// an entry leaves the journal only when the secondary has reported it written
    #[strum(to_string = "XFER-2")]
    Xfer2,
    /// the secondary applies exactly written+1, then written+2, and so on
    #[strum(to_string = "XFER-3")]
    Xfer3,
    /// frames and acknowledgements of another incarnation are dropped
    #[strum(to_string = "XFER-4")]
    Xfer4,
    /// create: SMPL -> COPY with every block dirty
    #[strum(to_string = "PAIR-1")]
    Pair1,
    /// suspension by command: PSUS, and what the journal holds becomes dirty
    #[strum(to_string = "PAIR-2")]
    Pair2,
    /// suspension by failure: PSUE, and what the journal holds becomes dirty
    #[strum(to_string = "PAIR-3")]
    Pair3,
    /// delete: SMPL on both sides; what is still on the way belongs to no pair
    #[strum(to_string = "PAIR-4")]
    Pair4,
    /// a resync starts a new incarnation and takes over the union of both dirty maps
    #[strum(to_string = "RESYNC-1")]
    Resync1,
    /// a dirty block is copied through the journal, with a seq, and is clean from then on
    #[strum(to_string = "RESYNC-2")]
    Resync2,
    /// a pair mark ends COPY; until it is written the S/P-VOL says it is not consistent
    #[strum(to_string = "RESYNC-3")]
    Resync3,
    /// before COPY the replica pair is split as a gold copy; no backup until PAIR
    #[strum(to_string = "RESYNC-4")]
    Resync4,
    /// Sync on a group not in PAIR fails at once
    #[strum(to_string = "SYNC-1")]
    Sync1,
    /// Sync holds the newest (incarnation, seq) on receipt
    #[strum(to_string = "SYNC-2")]
    Sync2,
    /// Sync completes when written >= held
    #[strum(to_string = "SYNC-3")]
    Sync3,
    /// Sync fails at the timeout
    #[strum(to_string = "SYNC-4")]
    Sync4,
    /// Sync re-checks pair state and incarnation at every look
    #[strum(to_string = "SYNC-5")]
    Sync5,
    /// freeze begins no transaction, finishes those begun, then answers
    #[strum(to_string = "FREEZE-1")]
    Freeze1,
    /// a freeze is a lease and ends by itself
    #[strum(to_string = "FREEZE-2")]
    Freeze2,
    /// thaw answers whether the freeze held without a break
    #[strum(to_string = "FREEZE-3")]
    Freeze3,
    /// a split reflects the S/P-VOL to the S-VOL, then separates them, atomically
    #[strum(to_string = "SPLIT-1")]
    Split1,
    /// a split is executed only for the armed backup id, once
    #[strum(to_string = "SPLIT-2")]
    Split2,
    /// the requester reads the S-VOL only from permission to release
    #[strum(to_string = "BACKUP-1")]
    Backup1,
    /// permission only after thaw has answered that the freeze held
    #[strum(to_string = "BACKUP-2")]
    Backup2,
    /// every failure thaws the database and answers the requester, or times out there
    #[strum(to_string = "BACKUP-3")]
    Backup3,
    /// backup ids are never reused
    #[strum(to_string = "BACKUP-4")]
    Backup4,
    #[doc = "takeover needs a consistent image or force, applies what is contiguous, then \
             refuses the old primary"]
    #[strum(to_string = "TAKEOVER-1")]
    Takeover1,
    /// writes after takeover mark the secondary's dirty map; failback is a resync the other way
    #[strum(to_string = "TAKEOVER-2")]
    Takeover2,
    #[doc = "instead of freezing a database, host writes are held at the primary, and released, \
             with a lease and an answer as a freeze has"]
    #[strum(to_string = "QUIESCE-1")]
    Quiesce1,
    /// the last seq is given once: what would need another suspends the pair, and no pairing begins any more
    #[strum(to_string = "NUMBER-1")]
    Number1,
    /// the last incarnation is asked for once: no create and no resync after it
    #[strum(to_string = "NUMBER-2")]
    Number2,
}

impl Rule {
    /// Every rule, in the order of SPEC.md.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The id under which SPEC.md, traces and reports name the rule.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.into()
    }

    /// The rule in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// A text that is no rule's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such rule; the rules are")?;
        for rule in Rule::ALL {
            write!(f, " {rule}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownRule {}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.id().eq_ignore_ascii_case(text))
            .ok_or(UnknownRule)
    }
}

/// The rules in force.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules(EnumSet<Rule>);

impl Rules {
    /// Every rule: what an implementation runs.
    pub const HARDENED: Self = Self(EnumSet::all());

    /// The rules that harden the patent: it does not state them, and without one of them the backup can be wrong or the
    /// database hang.
    pub const HARDENING: EnumSet<Rule> = enum_set!(
        Rule::Xfer2
            | Rule::Xfer4
            | Rule::Resync4
            | Rule::Sync5
            | Rule::Freeze2
            | Rule::Freeze3
            | Rule::Split2
            | Rule::Backup2
            | Rule::Number1
            | Rule::Number2
    );

    /// The rules that only the last numbers there are call on.
    pub const OF_ENDS: EnumSet<Rule> = enum_set!(Rule::Number1 | Rule::Number2);

    /// What a text that is silent about them is taken to mean, in the reading most favourable to it.
    const UNDISPUTED: EnumSet<Rule> = enum_set!(Rule::Xfer2 | Rule::Xfer4 | Self::OF_ENDS);

    /// The hardenings that the figures go without.
    const UNPUBLISHED: EnumSet<Rule> = enum_set_difference!(Self::HARDENING, Self::UNDISPUTED);

    /// The figures to the letter: figure 3 never looks at the pair again, figure 2 permits before it thaws, and the
    /// patent knows no lease, no arming and no gold copy.
    pub const PUBLISHED: Self = Self(enum_set_complement!(Self::UNPUBLISHED));

    /// Whether `rule` is in force.
    #[must_use]
    pub fn has(self, rule: Rule) -> bool {
        self.0.contains(rule)
    }

    /// The same set less `rule`.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self(self.0 - rule)
    }

    /// The same set and `rule`.
    #[must_use]
    pub fn with(self, rule: Rule) -> Self {
        Self(self.0 | rule)
    }

    /// The rules that are in force, in the order of SPEC.md.
    pub fn in_force(self) -> impl Iterator<Item = Rule> {
        self.0.iter()
    }

    /// The rules that are not in force, in the order of SPEC.md.
    pub fn left_out(self) -> impl Iterator<Item = Rule> {
        (!self.0).iter()
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::HARDENED
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all rules")?;
        self.left_out().try_for_each(|rule| write!(f, " without {rule}"))
    }
}
