#!/usr/bin/env python3
"""The minimal adapter with every operation that needs no steering: create, delete, fail, crash, takeover, remote-write,
failback, read, and a start in SMPL. What is peculiar about an implementation derives from it in peculiar.py."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "adapters"))
import minimal
from minimal import Refused, Replicator


class Unsure(Exception):
    """Whether the request was done is not told."""


class Complete(Replicator):
    """It says what it does at the level that is asked for: `extra` are its features, `hides` what its status leaves out."""
    extra, hides = (), ()

    def __init__(self, journal, p_vol, sp_vol, seed, start="pair", **more):
        super().__init__(journal, p_vol, sp_vol, seed)
        # The blocks that the secondary wrote since a takeover, and those in which the S-VOL lags.
        self.s_dirty, self.lag = set(), set()
        self.every = set(range(len(p_vol)))
        if start == "smpl":
            self.state = self.s_state = "SMPL"
            self.incarnation = self.s_incarnation = 0
            self.consistent, self.lag = False, set(self.every)

    def s_linked(self):
        return self.s_state in ("COPY", "PAIR")

    def write(self, block, data, transaction="whole"):
        # Without a pair nothing is marked.
        is_unmarked = self.state == "SMPL" and block not in self.dirty
        super().write(block, data, transaction)
        if is_unmarked:
            self.dirty.discard(block)

    # Commands
    def create(self):
        if self.state in ("PSUS", "PSUE"):
            raise Refused("rejected")
        if self.state == "SMPL":
            self.dirty, self.asked = set(self.every), True

    def resync(self):
        if self.state == "SMPL":
            raise Refused("rejected")
        super().resync()

    def suspend(self):
        if self.state == "SMPL":
            raise Refused("rejected")
        if self.linked():
            if self.up and self.s_linked() and self.s_incarnation == self.incarnation:
                self.s_state = "SSUS"
            self.leave("PSUS")
        elif self.asked:
            self.incarnation, self.asked = self.incarnation + 1, False

    def delete(self):
        newest = self.incarnation + self.asked
        was_alone = self.state == "SMPL" and not self.asked
        self.state, self.journal, self.mark_at, self.dirty, self.asked = "SMPL", {}, None, set(), False
        if was_alone:
            return
        self.incarnation = newest
        if self.up and self.s_state != "SSWS" and newest >= self.s_incarnation:
            self.s_state, self.s_dirty, self.s_incarnation = "SMPL", set(), newest

    # Copying, and what follows at the secondary
    def begin_copy(self):
        if self.s_state == "SSWS":
            return
        if self.consistent and self.replica == "pair":
            self.reflect("gold")
        self.incarnation += 1
        self.s_incarnation = self.incarnation
        self.newest = self.written = self.s_written
        self.dirty |= self.s_dirty
        self.s_state, self.consistent, self.state, self.asked = "COPY", False, "COPY", False

    def carry(self):
        self.s_written += 1
        entry = self.journal[self.s_written]
        if entry:
            self.sp_vol[entry[0]] = entry[1]
            self.lag.add(entry[0])
            return
        self.s_state, self.consistent, self.s_dirty = "PAIR", True, set()
        self.replica = "pair" if self.replica == "gold" else self.replica

    def reflect(self, purpose):
        for block in self.lag:
            self.s_vol[block] = self.sp_vol[block]
        self.lag, self.replica = set(), purpose

    def split(self, backup):
        return self.s_state != "SSWS" and super().split(backup)

    def work(self, steps):
        for _ in range(steps):
            same = self.s_incarnation == self.incarnation
            if self.linked() and not self.up:
                if self.chance.random() < 0.3:
                    self.leave("PSUE")
            elif self.up and self.linked() and self.s_state in ("PSUE", "SSWS") and same:
                self.leave("PSUE")
            elif self.asked and self.up:
                self.begin_copy()
            elif self.up and self.linked() and self.s_linked() and same:
                todo = [self.carry] * (self.s_written + 1 in self.journal) + [self.report]
                todo += [self.copy] * (self.state == "COPY" and not self.mark_at and len(self.journal) < self.room)
                self.chance.choice(todo)()

    # Failures, and the remote site
    def fail(self, side):
        if side == "primary":
            if not self.linked():
                raise Refused("not-now")
            self.leave("PSUE")
        elif not self.s_linked():
            raise Refused("not-now")
        else:
            self.s_state = "PSUE"

    def crash(self, role):
        if role == "secondary":
            self.armed = None
        if role == "database":
            self.freeze_for, self.frozen = None, False

    def takeover(self, force):
        if self.s_state in ("SMPL", "SSWS") or (not self.consistent and self.replica == "pair" and not force):
            raise Refused("rejected")
        self.s_state = "SSWS"
        if not self.consistent and self.replica != "pair":
            self.s_dirty |= self.lag
            for block in self.lag:
                self.sp_vol[block] = self.s_vol[block]
            self.lag, self.consistent = set(), True
            self.replica = "pair" if self.replica == "gold" else self.replica

    def remote_write(self, block, data):
        if self.s_state != "SSWS":
            raise Refused("rejected")
        self.sp_vol[block] = data
        self.s_dirty.add(block)
        self.lag.add(block)

    def failback(self):
        if self.s_state != "SSWS" or not self.up:
            raise Refused("rejected")
        blocks = self.dirty | {entry[0] for entry in self.journal.values() if entry}
        blocks |= self.every if self.state == "SMPL" else set()
        incarnation, written = self.incarnation, self.written
        self.incarnation = max(self.s_incarnation, self.incarnation + self.asked)
        self.state, self.newest, self.written, self.journal = "PSUS", self.s_written, self.s_written, {}
        self.dirty, self.mark_at, self.asked = set(self.s_dirty), None, False
        self.s_state, self.s_incarnation, self.s_written, self.s_dirty = "PSUE", incarnation, written, blocks
        self.consistent, self.armed, self.replica, self.lag = True, None, "pair", set()
        self.p_vol, self.sp_vol = self.sp_vol, self.p_vol
        self.s_vol = list(self.sp_vol)

    def read(self, volume):
        return list(getattr(self, volume))

    def status(self):
        shown = super().status()
        shown["primary"]["pending"] = bool(self.asked)
        replica = self.replica if isinstance(self.replica, str) else "backup"
        shown["secondary"].update(incarnation=self.s_incarnation, dirty=sorted(self.s_dirty), replica=replica)
        if self.replica == "pair":
            shown["volumes"].pop("s_vol")
        for part, *field in self.hides:
            if field:
                shown[part].pop(field[0], None)
            else:
                shown.pop(part)
        return shown

    def around(self, op, do):
        """Does one request; what is peculiar about all of them is said here."""
        return do()


def main(kind=Complete):
    minimal.REQUESTS.update({"create": 0, "delete": 0, "fail": 0, "crash": 0, "takeover": 0, "remote-write": 0,
                             "failback": 0, "read": "blocks"})
    features = ["transactions", "journal", "start-smpl", *kind.extra]
    minimal.HELLO.update(name=kind.__name__, capabilities=["init", "reset", *features, *minimal.REQUESTS])
    it = None
    for line in sys.stdin:
        request = json.loads(line)
        answer, op = {"id": request.pop("id"), "ok": {}}, request.pop("op")
        try:
            if op == "hello":
                answer["ok"] = minimal.HELLO
            elif op == "init":
                it = kind(**request)
            elif op != "reset":
                name = minimal.REQUESTS[op]
                done = it.around(op, lambda: getattr(it, op.replace("-", "_"))(**request))
                answer["ok"] = {name: done} if name else done or {}
        except (Refused, Unsure) as why:
            answer = {"id": answer["id"], "error": {"code": str(why), "definite": not isinstance(why, Unsure)}}
        if it:
            it.work(it.chance.randrange(4))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
