#!/usr/bin/env python3
"""The minimal adapter with a peculiarity, named on the command line: what SPEC.md permits, though hardly anybody does it, and
what it does not permit, beside it."""
import json
import os
import sys

sys.path[:0] = [os.path.dirname(__file__), os.path.join(os.path.dirname(__file__), "..", "..", "..", "adapters")]
import complete
import minimal
from complete import Complete, Unsure
from minimal import Refused, Replicator


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


class Indefinite(Complete):
    """Permitted: now and then whether a request was done is not told, and it was or was not."""
    odds = 0.15

    def around(self, op, do):
        if op == "status" or self.chance.random() > self.odds:
            return do()
        if self.chance.random() < 0.5:
            do()
        raise Unsure("no-answer")


class IndefiniteLast(Complete):
    """Permitted: the last write of a transaction is not done the first time, and that is not told."""
    is_over = False

    def write(self, block, data, transaction="whole"):
        if transaction == "last" and not self.is_over:
            self.is_over = True
            raise Unsure("no-answer")
        super().write(block, data, transaction)


class DefiniteAndDone(Complete):
    """Not permitted: a write is done, and an error says that it certainly was not."""
    def write(self, block, data, transaction="whole"):
        super().write(block, data, transaction)
        raise Refused("no-answer")


class LosesCommands(Complete):
    """Permitted: the message of a create or resync is lost, and is sent again once the command is given again."""
    is_sent = False

    def create(self):
        super().create()
        self.is_sent = self.asked and self.chance.random() < 0.3

    def resync(self):
        super().resync()
        self.is_sent = self.asked and self.chance.random() < 0.3

    def begin_copy(self):
        if self.is_sent:
            super().begin_copy()


class ForgetsCommands(Complete):
    """Not permitted: no create and no resync ever comes to anything, however often it is given."""
    def begin_copy(self):
        pass


class Suspects(Complete):
    """Permitted: a link that works is taken for failed now and then (PAIR-3)."""
    extra = ["suspects-link"]
    odds = 0.02

    def work(self, steps):
        if self.linked() and self.chance.random() < self.odds:
            self.leave("PSUE")
        super().work(steps)


class SuspectsUnmarked(Suspects):
    """Not permitted: what is in the journal then is not marked."""
    def leave(self, state):
        dirty = set(self.dirty)
        super().leave(state)
        self.dirty = dirty


class ShowsNoPrimary(Complete):
    """Permitted: the status shows nothing of the primary, and numbers begin anywhere."""
    hides = [["primary"]]

    def __init__(self, **request):
        super().__init__(**request)
        self.incarnation, self.s_incarnation = self.incarnation + 7, self.s_incarnation + 7
        self.newest = self.written = self.s_written = 1000


class ShowsNoNumbers(ShowsNoPrimary):
    """Permitted: nor does it show a number of the secondary."""
    hides = [["primary"], ["secondary"]]


class ShowsNoPrimarySyncEarly(ShowsNoPrimary):
    """Not permitted: Sync is done one write too early (SYNC-3)."""
    def mark(self):
        mark = super().mark()
        return {**mark, "seq": mark["seq"]}

    def sync(self, timeout_ms, **mark):
        mark = mark or self.mark()
        return super().sync(timeout_ms, incarnation=mark["incarnation"], seq=mark["seq"] - 1)


class LeaseEnds(Complete):
    """Permitted where leases may be short: one ends by itself, and the thaw says so."""
    def work(self, steps):
        if self.freeze_for is not None and self.chance.random() < 0.05:
            self.advance_clock("lease")
        super().work(steps)


class LeaseEndsUntold(LeaseEnds):
    """Not permitted: the thaw does not say so (FREEZE-3)."""
    def thaw(self, backup):
        super().thaw(backup)
        return True


class MarksMore(Complete):
    """Permitted where it is declared: what is suspended is marked as a whole, as a coarse bitmap may."""
    extra = ["marks-more"]

    def leave(self, state):
        super().leave(state)
        self.dirty |= set(self.chance.sample(sorted(self.every), 1))


class MarksMoreUndeclared(MarksMore):
    """Not permitted: it does not say so."""
    extra = []


class MarksMoreAndLess(MarksMore):
    """Not permitted: a write to what is suspended is not marked."""
    def write(self, block, data, transaction="whole"):
        dirty = set(self.dirty)
        super().write(block, data, transaction)
        if self.state in ("PSUS", "PSUE"):
            self.dirty = dirty


class SecondaryGivesUp(Complete):
    """Not permitted: a secondary that has left the pair never says so, and the primary waits for ever (PAIR-3)."""
    def work(self, steps):
        if not (self.linked() and self.s_state == "PSUE"):
            super().work(steps)


class SyncMixed(Complete):
    """Not permitted: BROKEN and CHANGED are told in each other's place (SYNC-5)."""
    def sync(self, timeout_ms, **mark):
        outcome = super().sync(timeout_ms, **mark)
        return {"BROKEN": "CHANGED", "CHANGED": "BROKEN"}.get(outcome, outcome)


class CreatesAgain(Complete):
    """Not permitted: a suspended pair is created again (PAIR-1)."""
    def create(self):
        if self.state in ("PSUS", "PSUE"):
            self.dirty, self.asked = set(self.every), True
        else:
            super().create()


class TakesOverWithoutImage(Complete):
    """Not permitted: a takeover needs no force (TAKEOVER-1)."""
    def takeover(self, force):
        super().takeover(True)


class TakesOverTwice(Complete):
    """Not permitted: what is taken over is taken over again (TAKEOVER-1)."""
    def takeover(self, force):
        if self.s_state != "SSWS":
            super().takeover(force)


class WrongWay(Complete):
    """Not permitted: the sides change roles though nobody took over (TAKEOVER-2)."""
    def failback(self):
        self.s_state = "SSWS"
        super().failback()


class GoldOfSome(Complete):
    """Not permitted: the gold copy is of those blocks only that are out of date (RESYNC-4)."""
    part = None

    def begin_copy(self):
        stale = self.dirty | self.s_dirty
        self.part = stale if self.consistent and self.replica == "pair" else self.part
        super().begin_copy()

    def takeover(self, force):
        if self.replica == "gold" and not self.consistent and self.part is not None:
            self.lag &= self.part
        super().takeover(force)


class CopyForgets(Complete):
    """Not permitted: copying that is interrupted forgets what was on its way (PAIR-3)."""
    def leave(self, state):
        was_copying, dirty = self.state == "COPY", set(self.dirty)
        super().leave(state)
        self.dirty = dirty if was_copying else self.dirty


class Answers(Replicator):
    """Not permitted: one operation is answered with the words that follow on the command line, whatever it came to."""


class Colours(Replicator):
    """Its words would steer a terminal; then it may end."""
    def write(self, block, data, transaction="whole"):
        print("\x1b[31mred\x9b0m", file=sys.stderr, flush=True)
        if sys.argv[2:]:
            sys.exit()
        raise Refused("\x1b[31mred\x9b0m")


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
    if peculiar is Answers:
        minimal.REQUESTS[sys.argv[2]] = 0
        setattr(Answers, sys.argv[2].replace("-", "_"), lambda *_, **__: json.loads(sys.argv[3]))
    (complete if issubclass(peculiar, Complete) else minimal).main(peculiar)
