"""What the adapters of real servers share: a host and a backup, of which the servers know nothing; a link between two
servers that can go down; and servers that end with the adapter, however it ends. No server is known here."""
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


class Refused(Exception):
    """The request was not done, and nothing was changed."""


class Pair:
    """Host and backup around two servers. A subclass has them: `begin`, `put`, `position`, `reached`, `snapshot`.

    A position is where the servers' own log stands: a write is at the remote site once that has reached the position
    behind it. No pair is ever suspended here: a subclass ends where its servers would begin anew."""
    open = False

    def init(self, p_vol, sp_vol, **_):
        self.positions, self.marks = [], {}
        self.freeze_for, self.frozen, self.open = None, False, False
        self.armed, self.split_for, self.image = None, None, None
        self.link.go_up()
        self.begin(p_vol)

    # The host
    def write(self, block, data, transaction="whole"):
        if self.frozen or (self.freeze_for is not None and not self.open):
            raise Refused("frozen")
        self.put(block, data, transaction)
        self.positions.append(self.position())
        self.open = transaction == "first"
        self.frozen = self.freeze_for is not None and not self.open

    def freeze(self, backup):                                # FREEZE-1
        self.freeze_for, self.frozen = backup, not self.open
        return self.frozen

    def advance_clock(self, timer):                          # FREEZE-2
        self.freeze_for, self.frozen = None, False

    def thaw(self, backup):                                  # FREEZE-3
        held = self.frozen and self.freeze_for == backup
        if self.freeze_for == backup:
            self.freeze_for, self.frozen = None, False
        return held

    # Sync
    def target(self):
        """What a Sync that begins now has to wait for."""
        return self.position()

    def mark(self):                                          # SYNC-2
        self.marks[len(self.positions)] = self.target()
        return {"incarnation": 1, "seq": len(self.positions)}

    def nudge(self):
        """Whatever makes the servers do now what they would do later."""

    def sync(self, timeout_ms, seq=None, **_):
        mark, end = self.target() if seq is None else self.marks[seq], time.monotonic() + timeout_ms / 1000
        if self.reached() >= mark:
            return "DONE"                                    # SYNC-3
        self.nudge()
        while self.reached() < mark:
            if time.monotonic() >= end:
                return "TIMEOUT"                             # SYNC-4
            time.sleep(0.002)
        return "DONE"

    # The backup: an image is taken at the secondary and kept, while the secondary goes on.
    def arm(self, backup):
        self.armed = backup

    def split(self, backup):                                 # SPLIT-1, SPLIT-2
        if self.armed == backup and self.split_for is None:
            self.image, self.split_for = self.snapshot(), backup
        return self.armed == backup and self.split_for == backup

    def backup(self, backup):
        return self.image

    def release(self, backup):
        self.armed = None if self.armed == backup else self.armed
        if self.split_for is not None and self.split_for <= backup:
            self.split_for = self.image = None

    def shown(self, reached, applied, volumes):
        """The status, where the secondary has reported one position, had applied another one then, and shows the volumes
        now: what is reported was true before it was told, so it is looked at first."""
        def count(place):
            return sum(position <= place for position in self.positions)
        return {"primary": {"state": "PAIR", "incarnation": 1, "newest": len(self.positions), "written": count(reached)},
                "secondary": {"state": "PAIR", "written": count(applied), "consistent": True}, "volumes": volumes}

    def link_down(self):
        self.link.go_down()

    def link_up(self):
        self.link.go_up()


class Link:
    """A link between two servers: one connects to `port`, the other listens at the socket `to`. It takes `DELAY` for as
    much as `CHUNK`, as to a remote site. While it is down it is silent and loses what it is given; when it comes up, whoever was connected is
    reset, and connects anew."""
    DELAY, CHUNK = 0.01, 1 << 14

    def __init__(self, to):
        self.to, self.is_up, self.lock, self.open = to, threading.Event(), threading.Lock(), []
        self.is_up.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.connect, args=(near,), daemon=True).start()

    def connect(self, near):
        self.is_up.wait()
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(self.to)
        except OSError:
            near.close()
            return
        with self.lock:
            self.open += [near, far]
        for one, other in (near, far), (far, near):
            threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(self.CHUNK):
                time.sleep(self.DELAY)
                with self.lock:
                    if self.is_up.is_set():
                        other.sendall(data)
        except OSError:
            pass
        if self.is_up.is_set():
            hang_up([one, other])

    def go_down(self):
        with self.lock:
            self.is_up.clear()

    def go_up(self):
        with self.lock:
            if not self.is_up.is_set():
                hang_up(self.open)
                self.open = []
            self.is_up.set()


def hang_up(sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass                                             # it is closed already


GUARDS, SERVERS = [], []
# A shell without job control has what it runs in the background ignore SIGQUIT, and servers inherit that; but it is what
# ends PostgreSQL's, with all that they have started.
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGQUIT])


def folder(clear=":"):
    """A folder that is removed when the adapter is no more, though it may be killed: by then this pipe is closed. Who
    removes it is there before it is, and waits until it has another parent itself: until then the system has not told
    the servers, and one that has just begun would make the folder anew. `clear` is what the shell does in the folder before, to remove
    what a server that was killed has left outside of it."""
    path = tempfile.mktemp(prefix="syncsplit-")
    remove = ('read line; while read -r a b c parent d < /proc/$$/stat && [ "$parent" = "$1" ]; do sleep 0.01; done; '
              f'for i in $(seq 600); do (cd "$0" && {clear}); rm -rf "$0"; sleep 0.1; [ -e "$0" ] || exit; done')
    GUARDS.append(subprocess.Popen(["sh", "-c", remove, path, str(os.getpid())], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))
    os.mkdir(path, 0o700)
    return path


def bound(command, options=(), ends_by="KILL"):
    """The command, told by the system to end when the adapter is no more. If it is no more when that is asked of the
    system, nobody would tell: then nothing is run. `KILL` alone cannot be ignored, blocked or handled."""
    if_here = ["sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(os.getpid())]
    return ["setpriv", "--pdeathsig", ends_by, *options, *if_here, *command]


def start(command, log, options=(), ends_by="KILL"):
    """Starts a server that ends when the adapter is no more."""
    with open(log, "ab") as out:
        server = subprocess.Popen(bound(command, options, ends_by), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    SERVERS.append((server, getattr(signal, f"SIG{ends_by}")))


def end():
    """Ends every server, and waits as long as the kit waits for the adapter."""
    for server, how in SERVERS:
        server.send_signal(how)
    for server, _ in SERVERS:
        try:
            server.wait(1)
        except subprocess.TimeoutExpired:
            server.kill()


def until(is_so, what, log=None, seconds=30):
    """Waits; an adapter whose servers do not come up ends, which the kit reports as such."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            if log:
                sys.stderr.write(open(log, errors="replace").read()[-2000:])
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.01)


# The requests by name: what the result of the method is called in the answer, if it is no object already.
REQUESTS = {"write": 0, "freeze": "frozen", "thaw": "held", "mark": 0, "sync": "outcome", "arm": 0, "split": "done",
            "backup": "blocks", "release": 0, "link-down": 0, "link-up": 0, "advance-clock": 0, "status": 0}


def serve(pair, name, version, without=()):
    """Answers a request a line, until stdin ends."""
    capabilities = [name for name in ("init", "reset", "transactions", *REQUESTS) if name not in without]
    hello = {"protocol": 1, "name": name, "version": version, "capabilities": capabilities}
    atexit.register(end)
    for line in sys.stdin:
        request = json.loads(line)
        answer, op = {"id": request.pop("id"), "ok": hello if request["op"] == "hello" else {}}, request.pop("op")
        try:
            if op == "init":
                pair.init(**request)
            elif op not in ("hello", "reset"):
                if op not in capabilities:
                    raise Refused("unsupported")
                done = getattr(pair, op.replace("-", "_"))(**request)
                answer["ok"] = {REQUESTS[op]: done} if REQUESTS[op] else done or {}
        except Refused as why:
            answer = {"id": answer["id"], "error": {"code": str(why), "definite": True}}
        print(json.dumps(answer), flush=True)
