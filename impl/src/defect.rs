//! Seeded defects: mistakes that a node makes once it is told to, so that tests can show what the conformance kit finds.
//! They exist with the feature `defects` only; without it a `Seed` is empty and `seeded!` leaves what is right.
//!
//! Each strikes at one place, at the `seeded!` that names it, in the code that does the right thing otherwise. What takes
//! more than a line is beside the node it is about, in its module `mistakes`. No defect is in the protocol's functions:
//! those of `Kind::LeftOut` are its functions without a rule, the others are mistakes in what is around them.

#[cfg(not(feature = "defects"))]
use syncsplit_model::protocol::Rules;

#[cfg(feature = "defects")]
pub use on::{Defect, Kind};

/// The defect that a node was told to have, if it was.
#[derive(Debug, Default)]
pub(crate) struct Seed {
    #[cfg(feature = "defects")]
    told: std::sync::OnceLock<Defect>,
    /// A write that [`Defect::WriteBehind`] keeps, blocks that [`Defect::SplitNotAtomic`] has left for later.
    #[cfg(feature = "defects")]
    pub(crate) late: std::sync::Mutex<on::Late>,
}

impl Seed {
    /// What the node that goes on after a failback is told.
    pub(crate) fn pass_on(&self) -> Self {
        Self {
            #[cfg(feature = "defects")]
            told: self.told.clone(),
            #[cfg(feature = "defects")]
            late: std::sync::Mutex::default(),
        }
    }

    /// The rules that the node's roles keep.
    #[cfg(not(feature = "defects"))]
    #[allow(clippy::unused_self, reason = "a seed without defects is empty")]
    pub(crate) const fn rules(&self) -> Rules {
        Rules::HARDENED
    }
}

/// `seeded!(seed, Name, wrong)` does what is wrong if the node has the defect `Name`, before what follows.
/// `seeded!(seed, Name, wrong, right)` is what is wrong if it has, and what is right otherwise.
#[cfg(not(feature = "defects"))]
macro_rules! seeded {
    ($seed:expr, $name:ident, $wrong:expr) => {};
    ($seed:expr, $name:ident, $wrong:expr, $right:expr) => {{ $right }};
}

#[cfg(feature = "defects")]
macro_rules! seeded {
    ($seed:expr, $name:ident, $wrong:expr) => {
        if $seed.has($crate::defect::Defect::$name) {
            $wrong;
        }
    };
    ($seed:expr, $name:ident, $wrong:expr, $right:expr) => {
        if $seed.has($crate::defect::Defect::$name) { $wrong } else { $right }
    };
}

pub(crate) use seeded;

#[cfg(feature = "defects")]
mod on {
    use syncsplit_model::protocol::{BlockIndex, Rule, Rules};

    use super::Seed;
    use crate::database::Gate;
    use crate::local::LocalNode;
    use crate::payload::Payload;
    use crate::remote::RemoteNode;

    /// What kind of mistake a defect is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        /// A mistake around the protocol's functions.
        Coded,
        /// The protocol's functions without the rule.
        LeftOut,
    }

    macro_rules! defects {
        ($($variant:ident = $name:literal, $rule:ident, $kind:ident, $says:literal;)*) => {
            /// One seeded defect.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum Defect {
                $(#[doc = $says] $variant,)*
            }

            impl Defect {
                /// Every defect, in the order of the rules that they break.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

                /// The name by which an adapter is told.
                #[must_use]
                pub const fn name(self) -> &'static str {
                    match self { $(Self::$variant => $name,)* }
                }

                /// What is wrong, in one line.
                #[must_use]
                pub const fn says(self) -> &'static str {
                    match self { $(Self::$variant => $says,)* }
                }

                /// The rule that is broken.
                #[must_use]
                pub const fn rule(self) -> Rule {
                    match self { $(Self::$variant => Rule::$rule,)* }
                }

                /// What kind of mistake it is.
                #[must_use]
                pub const fn kind(self) -> Kind {
                    match self { $(Self::$variant => Kind::$kind,)* }
                }
            }
        };
    }

    defects! {
        FrameReadsVolume = "frame-reads-volume", Write1, Coded,
            "a frame carries what the P-VOL holds when it is sent, not what was written under its number";
        WriteInCopyNotQueued = "write-in-copy-not-queued", Write2, LeftOut,
            "a write in COPY to a block that is clean changes the P-VOL only";
        SuspendedWriteNotMarked = "suspended-write-not-marked", Write3, Coded,
            "a write to a suspended pair is not marked";
        FullJournalDrops = "full-journal-drops", Write4, Coded,
            "a write for which the journal has no room is answered and never numbered";
        OverflowWriteNotMarked = "overflow-write-not-marked", Write4, Coded,
            "the write that finds the journal full suspends the pair, and is not marked itself";
        SentOnce = "sent-once", Xfer1, LeftOut,
            "an entry is sent once, whatever became of it";
        RestartLosesJournal = "restart-loses-journal", Xfer2, Coded,
            "the journal does not survive a crash of the primary";
        JournalDroppedAtSend = "journal-dropped-at-send", Xfer2, Coded,
            "an entry leaves the journal as soon as it is sent";
        AckTakenForNewest = "ack-taken-for-newest", Xfer2, Coded,
            "any acknowledgement is taken for one of the newest write";
        WrittenGoesBack = "written-goes-back", Xfer2, Coded,
            "an acknowledgement that was overtaken takes back what is known to be written";
        AckOfReceived = "ack-of-received", Xfer2, Coded,
            "the newest entry received is reported, not the newest written";
        WriteBehind = "write-behind", Xfer2, Coded,
            "the newest write to the S/P-VOL stays in a cache that reports and splits pass by";
        NewestFirst = "newest-first", Xfer3, Coded,
            "the newest entry that has arrived is written at once, and again when its turn comes";
        GapSkipped = "gap-skipped", Xfer3, Coded,
            "a number that does not come is skipped";
        DuplicateApplied = "duplicate-applied", Xfer3, Coded,
            "an entry that comes again is applied again";
        StaleFrame = "stale-frame", Xfer4, Coded,
            "a frame of an older incarnation is taken";
        QueueOutlivesIncarnation = "queue-outlives-incarnation", Xfer4, Coded,
            "entries of the older incarnation stay in the queue at a resync";
        CreateMissesLastBlock = "create-misses-last-block", Pair1, Coded,
            "create marks every block but the last";
        JournalForgotten = "journal-forgotten", Pair2, Coded,
            "what the journal holds is not marked when the pair is suspended";
        SuspendKeepsRequest = "suspend-keeps-request", Pair2, Coded,
            "a suspension does not take back a resync that was not answered";
        SuspensionNotHeeded = "suspension-not-heeded", Pair3, Coded,
            "the primary does not heed that the secondary has left the pairing";
        SequenceReset = "sequence-reset", Resync1, Coded,
            "numbering begins anew at a resync";
        SecondaryMapIgnored = "secondary-map-ignored", Resync1, Coded,
            "a resync copies what the primary has marked only";
        StaleReady = "stale-ready", Resync1, Coded,
            "the answer to an older request for a resync is taken for that to the newest";
        CopyOutsideSequence = "copy-outside-sequence", Resync2, LeftOut,
            "a copied block travels without a number";
        BitClearedTooEarly = "bit-cleared-too-early", Resync2, Coded,
            "the copier takes the next dirty block for copied as well";
        NoPairMark = "no-pair-mark", Resync3, LeftOut,
            "the pair is in PAIR at once, without a mark at the end of the copy";
        ConsistentInCopy = "consistent-in-copy", Resync3, Coded,
            "the S/P-VOL says that it is consistent while it is copied to";
        NoGoldCopy = "no-gold-copy", Resync4, LeftOut,
            "no image is kept before COPY overwrites the S/P-VOL";
        ReleaseDropsGold = "release-drops-gold", Resync4, Coded,
            "a release lets the S-VOL follow in COPY too";
        GoldNotRestored = "gold-not-restored", Resync4, Coded,
            "a takeover in COPY does not bring the gold copy back";
        SyncOutOfPair = "sync-out-of-pair", Sync1, LeftOut,
            "Sync is begun in any state of the pair";
        SyncHoldsWritten = "sync-holds-written", Sync2, LeftOut,
            "Sync holds what is known to be written, not the newest write";
        SyncOffByOne = "sync-off-by-one", Sync3, Coded,
            "Sync is done one write too early";
        SyncForgetsPair = "sync-forgets-pair", Sync5, LeftOut,
            "Sync never looks at the pair again";
        FreezeInTransaction = "freeze-in-transaction", Freeze1, LeftOut,
            "a freeze does not wait for the transaction that is open";
        WriteWhileFrozen = "write-while-frozen", Freeze1, Coded,
            "a transaction begins while the database is frozen";
        LeaseIgnored = "lease-ignored", Freeze2, Coded,
            "a freeze and a hold do not end by themselves";
        ThawAlwaysHeld = "thaw-always-held", Freeze3, Coded,
            "a thaw says that the freeze held, whether it did or not";
        RestartKeepsFreeze = "restart-keeps-freeze", Freeze3, Coded,
            "a freeze is thought to have outlived a crash of the database";
        SplitNotAtomic = "split-not-atomic", Split1, Coded,
            "a split reflects one block now, and the others when the next is written";
        SvolWrittenWhileSplit = "svol-written-while-split", Split1, Coded,
            "what is written to the S/P-VOL goes on to the S-VOL, split or not";
        WritesWhileSplitForgotten = "writes-while-split-forgotten", Split1, Coded,
            "what is written while the S-VOL is split is not reflected later";
        SplitOfOldId = "split-of-old-id", Split2, Coded,
            "a split of any backup is taken for one of the armed one";
        RestartKeepsArmed = "restart-keeps-armed", Split2, Coded,
            "the backup that was armed outlives a crash of the secondary";
        TakeoverWithoutApplying = "takeover-without-applying", Takeover1, Coded,
            "a takeover gives up what has arrived in order";
        RemoteWriteNotMarked = "remote-write-not-marked", Takeover2, Coded,
            "a write after a takeover is not marked";
        FailbackForgetsOldWrites = "failback-forgets-old-writes", Takeover2, Coded,
            "at a failback the old primary forgets which of its writes the other side lacks";
        FailbackForgetsNewWrites = "failback-forgets-new-writes", Takeover2, Coded,
            "at a failback the new primary forgets what it wrote since the takeover";
        HoldIgnored = "hold-ignored", Quiesce1, LeftOut,
            "a write passes while writes are held";
    }

    /// What a defect does later than it should.
    #[derive(Debug, Default)]
    pub(crate) struct Late {
        /// A write to the S/P-VOL.
        pub(crate) write: Option<(BlockIndex, Payload)>,
        /// Blocks of the S-VOL that a split has not reflected.
        pub(crate) blocks: Vec<BlockIndex>,
    }

    impl Seed {
        /// Whether the node has this defect.
        pub(crate) fn has(&self, defect: Defect) -> bool {
            self.told.get() == Some(&defect)
        }

        /// The rules that the node's roles keep.
        pub(crate) fn rules(&self) -> Rules {
            match self.told.get() {
                Some(defect) if defect.kind() == Kind::LeftOut => {
                    Rules::HARDENED.without(defect.rule())
                }
                _ => Rules::HARDENED,
            }
        }

        fn tell(&self, defect: Defect) {
            // A node has one defect at most, the first it was told of.
            let _ = self.told.set(defect);
        }
    }

    impl LocalNode {
        /// Makes this node do what `defect` says, from now on and after a failback.
        pub fn seed(&self, defect: Defect) {
            self.seed.tell(defect);
        }
    }

    impl RemoteNode {
        /// Makes this node do what `defect` says, from now on and after a failback.
        pub fn seed(&self, defect: Defect) {
            self.seed.tell(defect);
        }
    }

    impl Gate {
        /// Makes this gate do what `defect` says, from now on.
        pub fn seed(&self, defect: Defect) {
            self.seed.tell(defect);
        }
    }
}
