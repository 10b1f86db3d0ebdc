#!/usr/bin/env python3
"""The smallest useful adapter for `syncsplit conform`, around a tiny replicator of its own: copy it, and put yours in.
A request a line comes in on stdin, an answer a line goes out on stdout; whatever else is to be said goes to stderr."""
import json, random, sys


class Refused(Exception): """The request was not done, and nothing was changed."""
class Replicator:
    """Two arrays, and a link that keeps order. What goes on by itself goes on a little at every request."""
    def __init__(self, journal, p_vol, sp_vol, seed, **_):
        self.chance, self.room, self.up = random.Random(seed), journal, True
        self.p_vol, self.sp_vol, self.s_vol = list(p_vol), list(sp_vol), list(sp_vol)
        self.freeze_for, self.frozen, self.open = None, False, False
        self.state, self.incarnation, self.newest, self.written = "PAIR", 1, 0, 0  # the primary
        self.journal, self.dirty, self.mark_at, self.asked = {}, set(), None, False
        self.s_state, self.s_incarnation, self.s_written, self.consistent = "PAIR", 1, 0, True  # the secondary
        self.replica, self.armed = "pair", None
    # The primary
    def linked(self): return self.state in ("COPY", "PAIR")
    def number(self, item):
        self.newest += 1
        self.journal[self.newest] = item
    def write(self, block, data, transaction="whole"):
        if self.frozen or (self.freeze_for is not None and not self.open):
            raise Refused("frozen")
        if self.linked() and block not in self.dirty:
            if len(self.journal) + (self.state == "COPY" and not self.mark_at) >= self.room:
                raise Refused("busy")                        # WRITE-4: the host waits
            self.number((block, data))                       # WRITE-1, WRITE-2
        elif not self.linked():
            self.dirty.add(block)                            # WRITE-3
        self.p_vol[block], self.open = data, transaction == "first"
        self.frozen = self.freeze_for is not None and not self.open  # FREEZE-1
    def leave(self, state):                                  # PAIR-2, PAIR-3
        self.dirty |= {item[0] for item in self.journal.values() if item}
        self.journal, self.mark_at, self.state = {}, None, state
    def link_down(self): self.up = False
    def link_up(self): self.up = True
    def resync(self): self.asked = not self.linked()
    def suspend(self):
        if self.linked():
            self.leave("PSUS")
            self.s_state = "SSUS" if self.up else self.s_state
        self.incarnation, self.asked = self.incarnation + self.asked, False
    def begin_copy(self):                                    # RESYNC-1
        if self.consistent and self.replica == "pair":
            self.reflect("gold")                             # RESYNC-4
        self.s_incarnation = self.incarnation = self.incarnation + 1
        self.newest = self.written = self.s_written
        self.s_state, self.consistent, self.state, self.asked = "COPY", False, "COPY", False
    def copy(self):
        block = self.dirty.pop() if self.dirty else None     # RESYNC-2, RESYNC-3
        self.number(None if block is None else (block, self.p_vol[block]))
        self.mark_at = self.newest if block is None else None
    # The secondary
    def carry(self):                                         # XFER-1, XFER-3
        self.s_written += 1
        entry = self.journal[self.s_written]
        if entry:
            self.sp_vol[entry[0]] = entry[1]
            return
        self.s_state, self.consistent = "PAIR", True
        self.replica = "pair" if self.replica == "gold" else self.replica
    def report(self):                                        # XFER-2
        self.written = self.s_written
        self.journal = {seq: entry for seq, entry in self.journal.items() if seq > self.written}
        if self.mark_at and self.written >= self.mark_at:
            self.state, self.mark_at = "PAIR", None
    # What goes on by itself
    def work(self, steps):
        for _ in range(steps):
            if self.linked() and not self.up and self.chance.random() < 0.3:
                self.leave("PSUE")
            elif self.asked and self.up:
                self.begin_copy()
            elif self.linked() and self.up:
                todo = [self.carry] * (self.s_written + 1 in self.journal) + [self.report]
                todo += [self.copy] * (self.state == "COPY" and not self.mark_at and len(self.journal) < self.room)
                self.chance.choice(todo)()
    # Sync, and the backup
    def mark(self):
        if self.state != "PAIR":
            raise Refused("not-pair")                        # SYNC-1
        return {"incarnation": self.incarnation, "seq": self.newest}  # SYNC-2
    def sync(self, timeout_ms, **mark):
        mark = mark or self.mark()
        for _ in range(1 + timeout_ms // 10):
            if self.state != "PAIR" or self.incarnation != mark["incarnation"]:
                return "CHANGED" if self.state == "PAIR" else "BROKEN"  # SYNC-5
            if self.written >= mark["seq"]:
                return "DONE"                                # SYNC-3
            self.work(1)
        return "TIMEOUT"                                     # SYNC-4
    def reflect(self, purpose):                              # SPLIT-1
        self.s_vol, self.replica = list(self.sp_vol), purpose
    def split(self, backup):                                 # SPLIT-2, RESYNC-4
        if self.armed == backup and self.consistent and self.replica == "pair":
            self.reflect(backup)
        return self.armed == backup and self.replica == backup
    def arm(self, backup): self.armed = backup
    def backup(self, backup): return list(self.s_vol)
    def release(self, backup):
        self.armed = self.armed if self.armed != backup else None
        if isinstance(self.replica, int) and self.replica <= backup:
            self.replica = "pair" if self.consistent else "gold"
    def freeze(self, backup):
        self.freeze_for, self.frozen = backup, not self.open
        return self.frozen
    def advance_clock(self, timer):                          # FREEZE-2
        self.freeze_for, self.frozen = None, False
    def thaw(self, backup):                                  # FREEZE-3
        was = self.frozen, self.freeze_for == backup
        self.freeze_for, self.frozen = (None, False) if was[1] else (self.freeze_for, self.frozen)
        return all(was)
    def status(self):
        return {"primary": {"state": self.state, "incarnation": self.incarnation, "newest": self.newest,
                            "written": self.written, "dirty": sorted(self.dirty)},
                "secondary": {"state": self.s_state, "written": self.s_written, "consistent": self.consistent},
                "volumes": {"p_vol": list(self.p_vol), "sp_vol": list(self.sp_vol), "s_vol": list(self.s_vol)}}


# The requests by name: what the result of the method is called in the answer, if it is no object already.
REQUESTS = {"write": 0, "freeze": "frozen", "thaw": "held", "mark": 0, "sync": "outcome", "arm": 0, "split": "done",
            "backup": "blocks", "release": 0, "suspend": 0, "resync": 0, "link-down": 0, "link-up": 0,
            "advance-clock": 0, "status": 0}
HELLO = {"protocol": 1, "name": "minimal", "version": "1",
         "capabilities": ["init", "reset", "transactions", "journal", *REQUESTS]}


def main(replicator=Replicator):
    for line in sys.stdin:
        request = json.loads(line)
        answer, op = {"id": request.pop("id"), "ok": HELLO if request["op"] == "hello" else {}}, request.pop("op")
        if op == "init":
            it = replicator(**request)
        elif op not in ("hello", "reset"):
            try:
                if op not in REQUESTS:
                    raise Refused("unsupported")
                done = getattr(it, op.replace("-", "_"))(**request)
                answer["ok"] = {REQUESTS[op]: done} if REQUESTS[op] else done or {}
                it.work(it.chance.randrange(4))
            except Refused as why:
                answer = {"id": answer["id"], "error": {"code": str(why), "definite": True}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
