//! Every rule of SPEC.md by id, and the set of rules in force.
//!
//! Implementations run [`Rules::HARDENED`]. The checker leaves rules out to show what each one prevents.

use core::fmt;
use core::str::FromStr;

macro_rules! rules {
    ($($variant:ident = $id:literal, $hardening:literal, $says:literal;)*) => {
        /// One rule of SPEC.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rule {
            $(#[doc = concat!($id, ": ", $says)] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of SPEC.md.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The id under which SPEC.md, traces and reports name the rule.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The rule in one line.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// Whether the rule hardens the patent: it does not state it, and the backup can be wrong or the
            /// database hang without it.
            #[must_use]
            pub const fn is_hardening(self) -> bool {
                match self { $(Self::$variant => $hardening,)* }
            }
        }
    };
}

rules! {
    Write1 = "WRITE-1", false, "in PAIR a write changes the P-VOL, takes the next seq and enters the journal";
    Write2 = "WRITE-2", false, "in COPY a write to a clean block behaves as WRITE-1, to a dirty block changes the P-VOL only";
    Write3 = "WRITE-3", false, "in PSUS and PSUE a write changes the P-VOL and marks the block dirty";
    Write4 = "WRITE-4", false, "a full journal holds the host or suspends the pair; it never drops a write";
    Xfer1 = "XFER-1", false, "any journal entry may be sent, and sent again, at any time";
    Xfer2 = "XFER-2", true, "an entry leaves the journal only when the secondary has reported it written";
    Xfer3 = "XFER-3", false, "the secondary applies exactly written+1, then written+2, and so on";
    Xfer4 = "XFER-4", true, "frames and acknowledgements of another incarnation are dropped";
    Pair1 = "PAIR-1", false, "create: SMPL -> COPY with every block dirty";
    Pair2 = "PAIR-2", false, "suspension by command: PSUS, and what the journal holds becomes dirty";
    Pair3 = "PAIR-3", false, "suspension by failure: PSUE, and what the journal holds becomes dirty";
    Pair4 = "PAIR-4", false, "delete: SMPL on both sides; what is still on the way belongs to no pair";
    Resync1 = "RESYNC-1", false, "a resync starts a new incarnation and takes over the union of both dirty maps";
    Resync2 = "RESYNC-2", false, "a dirty block is copied through the journal, with a seq, and is clean from then on";
    Resync3 = "RESYNC-3", false, "a pair mark ends COPY; until it is written the S/P-VOL says it is not consistent";
    Resync4 = "RESYNC-4", true, "before COPY the replica pair is split as a gold copy; no backup until PAIR";
    Sync1 = "SYNC-1", false, "Sync on a group not in PAIR fails at once";
    Sync2 = "SYNC-2", false, "Sync holds the newest (incarnation, seq) on receipt";
    Sync3 = "SYNC-3", false, "Sync completes when written >= held";
    Sync4 = "SYNC-4", false, "Sync fails at the timeout";
    Sync5 = "SYNC-5", true, "Sync re-checks pair state and incarnation at every look";
    Freeze1 = "FREEZE-1", false, "freeze begins no transaction, finishes those begun, then answers";
    Freeze2 = "FREEZE-2", true, "a freeze is a lease and ends by itself";
    Freeze3 = "FREEZE-3", true, "thaw answers whether the freeze held without a break";
    Split1 = "SPLIT-1", false, "a split reflects the S/P-VOL to the S-VOL, then separates them, atomically";
    Split2 = "SPLIT-2", true, "a split is executed only for the armed backup id, once";
    Backup1 = "BACKUP-1", false, "the requester reads the S-VOL only from permission to release";
    Backup2 = "BACKUP-2", true, "permission only after thaw has answered that the freeze held";
    Backup3 = "BACKUP-3", false, "every failure thaws the database and answers the requester, or times out there";
    Backup4 = "BACKUP-4", false, "backup ids are never reused";
    Takeover1 = "TAKEOVER-1", false, "takeover needs a consistent image or force, applies what is contiguous, then refuses the old primary";
    Takeover2 = "TAKEOVER-2", false, "writes after takeover mark the secondary's dirty map; failback is a resync the other way";
    Quiesce1 = "QUIESCE-1", false, "instead of freezing a database, host writes are held at the primary, and released, with a lease and an answer as a freeze has";
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

const _: () = assert!(Rule::ALL.len() <= u64::BITS as usize, "a set of rules is one u64");

/// The rules in force.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules(u64);

impl Rules {
    /// Every rule: what an implementation runs.
    pub const HARDENED: Self = Self(u64::MAX >> (64 - Rule::ALL.len()));

    /// The figures to the letter: figure 3 never looks at the pair again, figure 2 permits before it thaws, and the
    /// patent knows no lease, no arming and no gold copy. XFER-2 and XFER-4 stay on, the reading most favourable to a
    /// text that is silent about them.
    pub const PUBLISHED: Self = Self::HARDENED
        .without(Rule::Sync5)
        .without(Rule::Freeze2)
        .without(Rule::Freeze3)
        .without(Rule::Split2)
        .without(Rule::Backup2)
        .without(Rule::Resync4);

    /// Whether `rule` is in force.
    #[must_use]
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    /// The same set less `rule`.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u8))
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
        for rule in Rule::ALL.iter().filter(|rule| !self.has(**rule)) {
            write!(f, " without {rule}")?;
        }
        Ok(())
    }
}
