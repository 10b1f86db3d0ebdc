#!/usr/bin/python3
"""An adapter for QEMU's storage daemon: one exports a disk by NBD, and mirrors it to the export of another one. It takes
Debian's python3-libnbd, so Debian's Python.

    --copy-mode background        what was written is marked, and copied when the job comes to it (the default)
    --copy-mode write-blocking    and copied before the write is answered, too
    --sync job                    Sync looks whether the job is ready and its offset is its length (the default)
    --sync end                    Sync ends the job, which leaves a copy of that moment, and begins a new one

The link is never down: a write-blocking mirror would not answer a write meanwhile."""
import argparse
import json
import random
import socket
import time

import nbd

from servers import Link, Pair, folder, serve, start, until

STEP, SIZE = 1 << 20, 4096                                   # blocks that lie together would be copied together


class Daemon:
    """One daemon with one disk, and what it is told and asked by QMP, its control protocol."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as disk:
            disk.truncate(2 * STEP)
        start(["qemu-storage-daemon", "--blockdev", f"driver=file,filename={path},node-name=disk",
               "--nbd-server", f"addr.type=unix,addr.path={path}.nbd", "--export", "nbd,id=disk,node-name=disk,writable=on",
               "--chardev", f"socket,id=control,path={path}.qmp,server=on,wait=off", "--monitor", "control"], f"{path}.log")
        self.control, self.events = socket.socket(socket.AF_UNIX), []
        until(lambda: self.control.connect_ex(f"{path}.qmp") == 0, path, f"{path}.log")
        self.lines = self.control.makefile()
        self.version = json.loads(self.lines.readline())["QMP"]["version"]["qemu"]
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.control.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while "event" in (answer := json.loads(self.lines.readline())):
            self.events.append(answer)
        if "error" in answer:
            raise OSError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def awaits(self, event, end):
        """Whether `event` happens before the end. Events come with the answer to whatever is asked."""
        while True:
            self("query-version")
            if any(seen["event"] == event for seen in self.events):
                self.events.clear()
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.002)

    def image(self, path=None):
        """Read until it is twice the same, so that it is that of one moment, though blocks are read one by one."""
        last = None
        with open(path or self.path, "rb", buffering=0) as disk:
            while True:
                image = []
                for block in range(2):
                    disk.seek(block * STEP)
                    image.append(disk.read(SIZE).rstrip(b"\0").decode())
                if image == last:
                    return image
                last = image


class Qemu(Pair):
    def __init__(self, copy_mode, sync):
        self.copy_mode, self.sync_by, self.folder = copy_mode, sync, folder()
        self.local, self.remote = Daemon(f"{self.folder}/local"), Daemon(f"{self.folder}/remote")
        self.link = Link(f"{self.folder}/remote.nbd")
        with open(f"{self.folder}/copy", "wb") as disk:
            disk.truncate(2 * STEP)
        self.remote("blockdev-add", **{"driver": "file", "filename": disk.name, "node-name": "copy"})
        server = {"type": "inet", "host": "127.0.0.1", "port": str(self.link.port)}
        self.local("blockdev-add", **{"driver": "nbd", "node-name": "remote", "server": server, "export": "disk"})
        self.disk = nbd.NBD()
        self.disk.connect_uri(f"nbd+unix:///disk?socket={self.folder}/local.nbd")
        self.mirror()

    def mirror(self):
        """Copies what is written from now on; until now the disks are the same."""
        self.local("blockdev-mirror", **{"job-id": "mirror", "device": "disk", "target": "remote", "sync": "none",
                                         "copy-mode": self.copy_mode})
        self.is_ending = False
        self.is_there("BLOCK_JOB_READY", self.local)

    def is_there(self, event, daemon):
        until(lambda: daemon.awaits(event, time.monotonic()), event, f"{daemon.path}.log")

    def begin(self, p_vol):
        self.known = 0
        for block, data in enumerate(p_vol):
            self.put(block, data, "whole")
        until(lambda: self.remote.image() == self.local.image(), "the first image")
        time.sleep(random.random() / 10)                     # a job looks ten times a second: begin anywhere between

    def put(self, block, data, transaction):
        if self.is_ending:                                   # no job would copy what is written now
            self.end_job(time.monotonic() + 30)
        self.disk.pwrite(data.encode().ljust(SIZE, b"\0"), block * STEP)

    def position(self):
        """The mirror numbers nothing, so the adapter counts the writes itself."""
        return len(self.positions) + 1

    def reached(self):
        """How many writes were at the remote site when its image was last that of the local one."""
        if self.remote.image() == self.local.image():
            self.known = len(self.positions)
        return self.known

    def mark(self):
        return {"incarnation": 1, "seq": len(self.positions)}

    def sync(self, timeout_ms, seq=None, **_):
        end = time.monotonic() + timeout_ms / 1000
        is_done = self.end_job(end) if self.sync_by == "end" else self.is_through(end)
        self.reached()                                       # what is there now cannot be told after the next write
        return "DONE" if is_done else "TIMEOUT"

    def is_through(self, end):
        """Whether the job is ready and its offset its length before then."""
        while True:
            job = self.local("query-block-jobs")[0]
            if job["ready"] and job["offset"] == job["len"]:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.002)

    def end_job(self, end):
        """Whether the job has ended before then; if not, it goes on ending. The next one copies what is written from now
        on: nothing is written between them."""
        if not self.is_ending:
            self.local("block-job-cancel", device="mirror")
            self.is_ending = True
        if not self.local.awaits("BLOCK_JOB_COMPLETED", end):
            return False
        self.mirror()
        return True

    def snapshot(self):
        """A backup job copies its disk as it is when the job begins."""
        self.remote("blockdev-backup", **{"job-id": "backup", "device": "disk", "target": "copy", "sync": "full"})
        self.is_there("BLOCK_JOB_COMPLETED", self.remote)
        return self.remote.image(f"{self.folder}/copy")

    def status(self):
        time.sleep(0.005)                                    # whoever asks again and again means to wait
        reached = self.reached()
        status = self.shown(reached, reached, {"sp_vol": self.remote.image()})
        del status["secondary"]["written"]                   # it counts nothing
        return status


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--copy-mode", choices=["background", "write-blocking"], default="background")
    options.add_argument("--sync", choices=["job", "end"], default="job")
    given = options.parse_args()
    qemu = Qemu(given.copy_mode, given.sync)
    version = "{major}.{minor}.{micro}".format(**qemu.local.version)
    serve(qemu, f"QEMU, {given.copy_mode} mirror, Sync by the job's {'end' if given.sync == 'end' else 'progress'}", version,
          without=["link-down", "link-up"])
