"""Clients that take their time: half a request, half a preface, nothing at all, or nothing read."""

import concurrent.futures
import contextlib
import threading
import time

from .clients import address, is_gone, request, tcp
from .kit import platform, until
from .load import median, wrk
from .report import check, fact, note, ratio
from .tenants import store_file

HEADERS, BODIES, SILENT, PREFACES = 3000, 3000, 500, 500
HALF_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM"
# Seconds after which each kind must be gone: its limit and five more.
PATIENCE = {"slow headers": 25, "slow bodies": 15, "silence": 10, "half a preface": 65}


class Crowd:
    """Slow clients of one kind, each from an address it shares with few."""

    def __init__(self, kind, count, connect, first, drip):
        self.kind, self.count, self.connect, self.first, self.drip = kind, count, connect, first, drip
        self.open, self.gone, self.opened = [], 0.0, 0.0

    def arrive(self):
        def one(number):
            connection = self.connect(address(number))
            if self.first:
                connection.sendall(self.first)
            return connection, time.monotonic()

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.open = list(pool.map(one, range(self.count)))

    def look(self):
        """Sends another piece on what is open, each at its own time, and notes what has ended."""
        left = []
        for number, (connection, since) in enumerate(self.open):
            if number % 50 == 0:
                time.sleep(0.005)
            now = time.monotonic()
            if is_gone(connection):
                self.gone = max(self.gone, now - since)
                connection.close()
                continue
            left.append((connection, since))
            with contextlib.suppress(OSError):
                if self.drip:
                    connection.send(self.drip)
        self.open = left


def crowds(roost, host):
    form = {"Host": host, "Content-Type": "application/json", "Content-Length": 4000}
    body = request("POST", "/api/collections/users/records", form, b'{"a":"')
    web = lambda source: roost.connect(host, source)
    h2 = lambda source: roost.connect(host, source, ("h2",))
    # Those that may stay longest come first, so that all are there at once.
    return [Crowd("half a preface", PREFACES, h2, HALF_PREFACE, b""),
            Crowd("slow headers", HEADERS, web, f"GET / HTTP/1.1\r\nHost: {host}\r\n".encode(), b"X-A: b\r\n"),
            Crowd("slow bodies", BODIES, web, body, b"a"),
            Crowd("silence", SILENT, lambda source: tcp(roost.https, source), b"", b"")]


@check(20, "7,000 slow clients")
def slow_clients():
    with platform({"rest": {"idle_after": 0.1, "sleep_after": 2}}) as roost:
        _, host = roost.create("orchard")
        _, victim = roost.create("meadow")
        roost.asleep("meadow")
        woken = roost.woken("meadow")
        url = f"https://localhost:{roost.https}/api/health"
        quiet = [wrk(url, host, 1) for _ in range(3)]
        before = memory = roost.memory()
        everyone, stop = crowds(roost, victim), threading.Event()
        for crowd in everyone:
            crowd.arrive()
            memory, earlier = roost.memory(), memory
            note(crowd.kind, f"{crowd.count} clients, {(memory - earlier) / crowd.count:.0f} KiB each")

        def watch():
            while any(crowd.open for crowd in everyone) and not stop.wait(0.3):
                for crowd in everyone:
                    crowd.look()

        each = (memory - before) / sum(crowd.count for crowd in everyone)
        watcher = threading.Thread(target=watch)
        watcher.start()
        loud = [wrk(url, host, 1) for _ in range(3)]
        there, all_of_them = sum(len(crowd.open) for crowd in everyone), sum(crowd.count for crowd in everyone)
        watcher.join(max(PATIENCE.values()) + 10)
        stop.set()
        watcher.join()
        fact("they are there while the others are served", there >= 0.9 * all_of_them, there, f">= {0.9 * all_of_them:.0f}")
        ratio("p99 of the others", median(loud, "p99"), median(quiet, "p99"), 2)
        failed = sum(load.failed for load in loud)
        fact("none of their requests fails", failed == 0, f"{failed} of {sum(load.count for load in loud)}", 0)
        fact("memory each", each <= 40, f"{each:.1f} KiB", "<= 40 KiB")
        for crowd in everyone:
            fact(f"{crowd.kind}: gone", not crowd.open and crowd.gone <= PATIENCE[crowd.kind],
                 f"{crowd.count} clients, the last after {crowd.gone:.0f} s, {len(crowd.open)} left", f"<= {PATIENCE[crowd.kind]} s")
        fact("they occupy nothing behind the proxy", roost.woken("meadow") == woken, f"{roost.woken('meadow') - woken} launches", 0)


READERS, FILE, WRITE_LIMIT = 30, 100 << 20, 30


@check(21, "slow readers of a response of 100 MiB")
def slow_readers():
    with platform() as roost:
        _, host = roost.create("orchard")
        path = store_file(roost, host, FILE)
        roost.stop()
        roost.start()  # without what the upload has left behind
        roost.ask("GET", "/api/health", host=host)
        time.sleep(1)  # until the connection that asked is gone
        at_rest, before = roost.sockets(), roost.memory()
        with contextlib.ExitStack() as stack:
            readers = []
            for number in range(READERS):
                plain = tcp(roost.https, address(number), receive=4096)
                reader = stack.enter_context(roost.secure(plain, host))
                reader.sendall(request("GET", path, {"Host": host}))
                readers.append(reader)
            for _ in range(8):
                taken = [len(reader.recv(1024)) for reader in readers]
                time.sleep(1)
            each = (roost.memory() - before) / READERS
            fact("at 1 KiB/s they are served", all(taken) and roost.sockets() - at_rest >= READERS, f"{roost.sockets() - at_rest} open", READERS)
            fact("memory each", each <= 512, f"{each:.0f} KiB", "<= 512 KiB")
            stopped = time.monotonic()
            until(lambda: roost.sockets() <= at_rest, WRITE_LIMIT + 15, 0.5)
            took, left = time.monotonic() - stopped, roost.sockets() - at_rest
            fact("once they stop reading, they are cut", left <= 0 and took <= WRITE_LIMIT + 5, f"{left} left after {took:.0f} s", f"<= {WRITE_LIMIT + 5} s")
