#!/usr/bin/env python3
"""An adapter for Redis: a primary and a replica of it. A block is a key, a write a SET, and Sync is WAIT, which waits for
"the previous write commands sent in the context of the current connection".

    --wait same-connection    on the connection that writes (the default)
    --wait other-connection   on a new one, which has written nothing: there is nothing that WAIT would wait for"""
import argparse
import socket

from servers import Link, Pair, folder, serve, start, until


class Connection:
    """Redis' protocol: a request is a list of words; an answer is a line, or a length and that many bytes, or a list."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = self.socket.makefile("rb")

    def __call__(self, *words):
        words = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.answer()

    def answer(self):
        line = self.answers.readline().decode()
        kind, rest = line[:1], line[1:].strip()
        if kind == "*":
            return [self.answer() for _ in range(int(rest))]
        if kind == "$":
            return self.answers.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        if kind in ("+", ":"):
            return rest if kind == "+" else int(rest)
        raise OSError(f"Redis answers {line!r}")

    def info(self, section):
        lines = self("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class Redis(Pair):
    def __init__(self, wait):
        self.wait, self.folder = wait, folder()
        self.writer = self.server("primary")
        self.link = Link(f"{self.folder}/primary")
        self.replica = self.server("replica", "--replicaof", "127.0.0.1", str(self.link.port))
        until(lambda: self.writer("WAIT", 1, 100) == 1, "the replica")
        self.copies = self.writer.info("stats")["sync_full"]

    def server(self, name, *options):
        """No port, no snapshot on disk; a first copy begins at once, and a timeout is looked at 500 times a second."""
        path = f"{self.folder}/{name}"
        start(["redis-server", "--port", "0", "--unixsocket", path, "--dir", self.folder, "--save", "",
               "--repl-diskless-sync-delay", "0", "--hz", "500", *options], log=f"{path}.log")

        def connected():
            try:
                self.connection = Connection(path)
                return self.connection("PING") == "PONG"
            except OSError:
                return False
        until(connected, path, f"{path}.log")
        return self.connection

    def begin(self, p_vol):
        self.blocks, self.known = range(len(p_vol)), 0
        self.writer("MSET", *[word for block, data in enumerate(p_vol) for word in (f"block:{block}", data)])
        self.start = self.position()
        until(lambda: self.writer("WAIT", 1, 1000) == 1, "the first image")

    def put(self, block, data, transaction):
        self.writer("SET", f"block:{block}", data)

    def position(self):
        return int(self.writer.info("replication")["master_repl_offset"])

    def target(self):
        """The place behind the last write. The stream may be further: it carries what WAIT asks of the replica, too."""
        return self.positions[-1] if self.positions else self.start

    def reached(self):
        """The offset that the replica has reported. It does so once a second, and when WAIT asks it to."""
        stats, told = self.writer.info("stats"), self.writer.info("replication").get("slave0", "")
        assert stats["sync_full"] == self.copies, "the replica was copied anew, which this adapter does not map"
        fields = dict(field.split("=") for field in told.split(",") if field)
        self.known = max(self.known, int(fields.get("offset", 0)))
        return self.known

    def sync(self, timeout_ms, seq=None, **_):
        mark = self.target() if seq is None else self.marks[seq]
        connection = self.writer if self.wait == "same-connection" else Connection(f"{self.folder}/primary")
        # WAIT 0 would wait for ever. One that comes to nothing has waited for what was written since the mark as well.
        is_done = connection("WAIT", 1, max(timeout_ms, 1)) >= 1 or self.reached() >= mark
        return "DONE" if is_done else "TIMEOUT"

    def snapshot(self):
        return self.replica("MGET", *[f"block:{block}" for block in self.blocks])

    def status(self):
        self.writer("WAIT", 1, 1)
        reached, applied = self.reached(), int(self.replica.info("replication")["slave_repl_offset"])
        return self.shown(reached, applied, {"sp_vol": self.snapshot()})


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--wait", choices=["same-connection", "other-connection"], default="same-connection")
    redis = Redis(options.parse_args().wait)
    serve(redis, f"Redis, WAIT on the {redis.wait.replace('-', ' ')}", redis.writer.info("server")["redis_version"])
