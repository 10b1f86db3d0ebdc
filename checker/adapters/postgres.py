#!/usr/bin/env python3
"""An adapter for PostgreSQL: a primary and a hot standby of it. A block is a row, a write an UPDATE, a mark a place in the
write-ahead log, and Sync waits until the standby has replayed the log to there.

    --mark insert    where the next record will be (the default)
    --mark flush     what is on disk: that much is enough only where a commit waits for the disk
    --mark write     what was given to the kernel, as `pg_current_wal_lsn()` has it; no more than flush, without the wait
    --commit on      a commit is answered once it is on the primary's disk (the default); off: before that"""
import argparse
import glob
import os
import pwd
import shutil
import subprocess
import time

from servers import Link, Pair, bound, folder, serve, start, until

PAGE, SEGMENT = 8192, 1 << 20
MARKS = {"insert": "pg_current_wal_insert_lsn()", "flush": "pg_current_wal_flush_lsn()", "write": "pg_current_wal_lsn()"}


def program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    return found[-1] or name


class Connection:
    """One psql, which is given a command a line and answers with lines up to the one that it is told to say."""

    def __init__(self, *where):
        command = [program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *where, "postgres"]
        self.psql = subprocess.Popen(bound(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, command):
        self.psql.stdin.write(f"{command};\n\\echo .\n")
        self.psql.stdin.flush()
        lines = []
        while (line := self.psql.stdout.readline()) != ".\n":
            if not line:
                raise OSError(f"psql has ended at {command}")
            lines.append(line.rstrip("\n"))
        return lines


# A server that is killed leaves a segment of shared memory, whose number is the last word of the seventh line of its file.
CLEAR = 'for pid in */postmaster.pid; do ipcrm -m "$(sed -n "7s/.* //p" "$pid")"; done'


class Postgres(Pair):
    def __init__(self, mark, commit):
        self.lsn, self.folder, self.user = MARKS[mark], folder(CLEAR), []
        primary, standby = f"{self.folder}/primary", f"{self.folder}/standby"
        if os.getuid() == 0:                                 # its servers refuse to be root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.user = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        self.run("initdb", "-D", primary, "-A", "trust", "-U", "postgres", "--no-sync", "--wal-segsize", "1")
        self.writer = self.server(primary, 1, f"synchronous_commit={commit}")
        self.link = Link(f"{self.folder}/.s.PGSQL.1")
        self.run("pg_basebackup", *self.where(1), "-D", standby, "--no-sync", "-c", "fast")
        open(f"{standby}/standby.signal", "w").close()
        conninfo = f"host=127.0.0.1 port={self.link.port} user=postgres sslmode=disable gssencmode=disable"
        self.standby = self.server(standby, 2, f"primary_conninfo={conninfo}", "wal_retrieve_retry_interval=10ms")
        self.watcher = Connection(*self.where(1))
        self.writer("CREATE TABLE volume (block int PRIMARY KEY, data text)")

    def run(self, name, *options):
        command = bound([program(name), *options], self.user)
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise OSError(f"{name}: {done.stdout}")

    def where(self, port):
        return ["-h", self.folder, "-p", str(port), "-U", "postgres"]

    def server(self, path, port, *settings):
        """It listens at a socket in the adapter's folder, and nowhere else; the port is a part of the socket's name."""
        common = ["listen_addresses=", f"unix_socket_directories={self.folder}", f"port={port}", "shared_buffers=16MB",
                  "dynamic_shared_memory_type=mmap"]
        options = [word for setting in common + list(settings) for word in ("-c", setting)]
        # Told to leave at once, it removes its shared memory itself.
        start([program("postgres"), "-D", path, *options], f"{path}.log", self.user, ends_by="QUIT")
        ready = bound([program("pg_isready"), "-q", *self.where(port)])
        until(lambda: subprocess.run(ready, check=False).returncode == 0, path, f"{path}.log")
        return Connection(*self.where(port))

    def init(self, **request):
        if self.open:
            self.writer("ROLLBACK")
        super().init(**request)

    def begin(self, p_vol):
        self.known = 0
        rows = ", ".join(f"({block}, '{data}')" for block, data in enumerate(p_vol))
        self.writer(f"INSERT INTO volume VALUES {rows} ON CONFLICT (block) DO UPDATE SET data = excluded.data")
        self.nudge()
        place = self.position()
        until(lambda: self.reached() >= place, "the first image")

    def put(self, block, data, transaction):
        begin, end = {"whole": ("", ""), "first": ("BEGIN; ", ""), "last": ("", "; COMMIT")}[transaction]
        self.writer(f"{begin}UPDATE volume SET data = '{data}' WHERE block = {block}{end}")
        if transaction == "first":
            self.nudge()

    def place(self, connection, lsn):
        place = int(connection(f"SELECT ({lsn} - '0/0')::bigint")[0])
        # Where a record ended with its page, the next one's place is behind the page's header, which is never replayed.
        header = 40 if place % SEGMENT == 40 else 24 if place % PAGE == 24 else 0
        return place - header

    def position(self):
        return self.place(self.watcher, MARKS["insert"])

    def target(self):
        return self.place(self.watcher, self.lsn)

    def reached(self):
        """What the standby has reported."""
        told = self.watcher("SELECT max(replay_lsn - '0/0')::bigint FROM pg_stat_replication")[0]
        self.known = max(self.known, int(told or 0))
        return self.known

    def nudge(self):
        """Brings to the disk, and so to the standby, what no commit has brought there; the server takes seconds for it
        where it has nothing else to do."""
        self.watcher("BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, '', ''); COMMIT")

    def snapshot(self):
        """One query sees one moment."""
        return self.standby("SELECT data FROM volume ORDER BY block")

    def status(self):
        time.sleep(0.005)                                    # whoever asks again and again means to wait
        reached, applied = self.reached(), int(self.standby("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint")[0])
        # A transaction is seen as a whole: between its writes the standby shows neither, though it has the first.
        is_whole = not self.open and applied >= max(self.positions, default=0)
        return self.shown(reached, applied, {"sp_vol": self.snapshot()} if is_whole else {})


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mark", choices=list(MARKS), default="insert")
    options.add_argument("--commit", choices=["on", "off"], default="on")
    given = options.parse_args()
    postgres = Postgres(given.mark, given.commit)
    version = postgres.watcher("SHOW server_version")[0]
    serve(postgres, f"PostgreSQL, {given.mark} LSN as the mark, synchronous_commit {given.commit}", version)
