#!/usr/bin/env python3
"""The minimal adapter with a peculiarity, named on the command line: what SPEC.md permits, though hardly anybody does it, and
what it does not permit, beside it."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "adapters"))
import minimal
from minimal import Replicator


class SyncSlow(Replicator):
    """Permitted: four times of five the time of a Sync is over before it has looked (SYNC-4)."""
    asked_for = 0

    def sync(self, timeout_ms, **mark):
        mark = mark or self.mark()
        self.asked_for += 1
        return super().sync(timeout_ms, **mark) if self.asked_for % 5 == 0 or timeout_ms == 0 else "TIMEOUT"


class SyncNeverTold(Replicator):
    """Not permitted: every time."""
    def sync(self, timeout_ms, **mark):
        if not mark:
            self.mark()
        return "TIMEOUT"


class SyncNeverBroken(Replicator):
    """Not permitted: a Sync of a pair that is no more runs out of time, whenever it is asked for."""
    def sync(self, timeout_ms, **mark):
        outcome = super().sync(timeout_ms, **mark)
        return "TIMEOUT" if outcome in ("BROKEN", "CHANGED") else outcome


class Unbounded(Replicator):
    """Permitted: the journal holds whatever comes, and nothing is said of what it holds."""
    says_its_room = False

    def __init__(self, journal, **request):
        super().__init__(1 << 20, **request)


class UnboundedUnsaid(Unbounded):
    """Not permitted: it says that the journal holds as many entries as the kit asks for."""
    says_its_room = True


class NeverHeld(Replicator):
    """Not permitted, and no rule left out explains it: no freeze is ever answered to have held."""
    def thaw(self, backup):
        super().thaw(backup)
        return False


class MarksAll(Replicator):
    """Whatever is suspended is marked as a whole, as a coarse bitmap may."""
    def leave(self, state):
        super().leave(state)
        self.dirty = set(range(len(self.p_vol)))


class NeverAgain(Replicator):
    """Not permitted, and each state on the way is one of the protocol: what was suspended by a failure is never copied again."""
    def begin_copy(self):
        if self.state != "PSUE":
            super().begin_copy()


class LacksAll(Replicator):
    """Nothing is promised, and nothing is ever written remotely: `lacks` names the rules that follow on the command line."""
    def carry(self):
        self.s_written += 1


def every(kind):
    return [kind] + [lower for below in kind.__subclasses__() for lower in every(below)]


if __name__ == "__main__":
    known = {kind.__name__: kind for kind in every(Replicator)}
    peculiar = known[sys.argv[1]]
    if not getattr(peculiar, "says_its_room", True):
        minimal.HELLO["capabilities"].remove("journal")
    if peculiar is LacksAll:
        minimal.HELLO["lacks"] = sys.argv[2].split(",")
    minimal.main(peculiar)
