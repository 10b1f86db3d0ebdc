#!/usr/bin/env python3
"""The minimal adapter with one defect, named on the command line: what `syncsplit conform` has to find.
`--list` prints the names. Four more misbehave as adapters: `crash`, `hang`, `garbage` and `typo`."""
import sys
import time

import minimal
from minimal import Refused, Replicator


class SyncOffByOne(Replicator):
    """Sync is done one write too early (SYNC-3)."""
    def sync(self, timeout_ms, **mark):
        mark = mark or self.mark()
        return super().sync(timeout_ms, incarnation=mark["incarnation"], seq=mark["seq"] - 1)


class SyncHoldsWritten(Replicator):
    """Sync holds what is known to be written, not the newest write (SYNC-2)."""
    def mark(self):
        return {**super().mark(), "seq": self.written}


class SyncForgetsThePair(Replicator):
    """Sync never looks at the pair again (SYNC-5)."""
    def sync(self, timeout_ms, **mark):
        mark = mark or self.mark()
        for _ in range(1 + timeout_ms // 10):
            if self.written >= mark["seq"]:
                return "DONE"
            self.work(1)
        return "TIMEOUT"


class SyncOutOfPair(Replicator):
    """A mark is given in any state of the pair (SYNC-1)."""
    def mark(self):
        return {"incarnation": self.incarnation, "seq": self.newest}


class OutOfOrder(Replicator):
    """The newest entry is applied first (XFER-3)."""
    def carry(self):
        for seq in sorted(self.journal, reverse=True):
            if seq > self.s_written and self.journal[seq]:
                block, data = self.journal[seq]
                self.sp_vol[block] = data
                break
        super().carry()


class BitmapForgotten(Replicator):
    """What the journal holds is not marked when the pair is suspended (PAIR-2, PAIR-3)."""
    def leave(self, state):
        self.journal = {}
        super().leave(state)


class WriteNotMarked(Replicator):
    """A write to a suspended pair is not marked (WRITE-3)."""
    def write(self, block, **request):
        before = set(self.dirty)
        super().write(block, **request)
        if not self.linked():
            self.dirty = before


class BitClearedTooEarly(Replicator):
    """A resync takes a block for copied that it has not read (RESYNC-2)."""
    def begin_copy(self):
        super().begin_copy()
        if self.dirty:
            self.dirty.pop()


class SplitNotAtomic(Replicator):
    """A split takes the first block now, and the others when it gets to it (SPLIT-1)."""
    def reflect(self, purpose):
        self.s_vol, self.replica = [self.sp_vol[0], *self.s_vol[1:]], purpose
        self.late = purpose

    def work(self, steps):
        super().work(steps)
        if getattr(self, "late", None) == self.replica and self.chance.random() < 0.1:
            self.s_vol, self.late = list(self.sp_vol), None


class SplitOfOldId(Replicator):
    """A split is executed whatever is armed, and one that stands is taken for the one asked for (SPLIT-2)."""
    def split(self, backup):
        if self.replica == "pair":
            self.reflect(backup)
        return True


class SplitInCopy(Replicator):
    """A split is executed while the S/P-VOL is no image, and no gold copy is kept (RESYNC-4)."""
    def begin_copy(self):
        kept, self.consistent = self.replica, False
        super().begin_copy()
        self.replica = kept

    def split(self, backup):
        if self.armed == backup and self.replica == "pair":
            self.reflect(backup)
        return self.armed == backup and self.replica == backup


class LeaseIgnored(Replicator):
    """A freeze does not end by itself (FREEZE-2)."""
    def advance_clock(self, timer):
        pass


class ThawAlwaysHeld(Replicator):
    """A thaw says that the freeze held, whether it did or not (FREEZE-3)."""
    def thaw(self, backup):
        super().thaw(backup)
        return True


class FreezeInTransaction(Replicator):
    """A freeze does not wait for the transaction that is open (FREEZE-1)."""
    def freeze(self, backup):
        self.freeze_for, self.frozen = backup, True
        return True


class WriteWhileFrozen(Replicator):
    """A write is taken while the database is frozen (FREEZE-1)."""
    def write(self, **request):
        frozen, self.frozen = self.frozen, False
        held, self.freeze_for = self.freeze_for, None
        try:
            super().write(**request)
        finally:
            self.frozen, self.freeze_for = frozen, held


class FullJournalDrops(Replicator):
    """A write for which the journal has no room is answered and never sent (WRITE-4)."""
    def write(self, block, data, transaction="whole"):
        try:
            super().write(block, data, transaction)
        except Refused as why:
            if str(why) != "busy":
                raise
            self.p_vol[block], self.open = data, transaction == "first"


class SequenceReset(Replicator):
    """Numbering begins anew at a resync (RESYNC-1)."""
    def begin_copy(self):
        self.s_written = 0
        super().begin_copy()


class SvolWrittenWhileRead(Replicator):
    """The S-VOL goes on following while it is split (SPLIT-1)."""
    def carry(self):
        super().carry()
        self.s_vol = list(self.sp_vol)


class GapSkipped(Replicator):
    """An entry is skipped now and then, as after a loss (XFER-3)."""
    def carry(self):
        if self.chance.random() < 0.2 and self.journal.get(self.s_written + 1) and self.s_written + 2 in self.journal:
            self.s_written += 1
        super().carry()


DEFECTS = {
    "".join("-" + letter.lower() if letter.isupper() else letter for letter in name).strip("-"): defect
    for name, defect in list(globals().items())
    if isinstance(defect, type) and issubclass(defect, Replicator) and defect is not Replicator}


class Broken(Replicator):
    """Misbehaves at the first Sync."""
    how = ""

    def sync(self, timeout_ms, **mark):
        print("about to", self.how, file=sys.stderr, flush=True)
        if self.how == "hang":
            time.sleep(3600)
        if self.how == "garbage":
            print("{not json", flush=True)
        if self.how == "typo":
            return "DOEN"
        sys.exit(3)


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "--list":
        print("\n".join(DEFECTS))
    elif name in DEFECTS:
        minimal.main(DEFECTS[name])
    else:
        Broken.how = name
        minimal.main(Broken)
