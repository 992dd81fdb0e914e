"""Certificates by themselves, from Pebble: every way to prove a name, crowds, junk, failures, kills."""

import concurrent.futures
import contextlib
import socket
import socketserver
import statistics
import threading
import time

from .authority import EAB, Dns
from .certified import add_domain, await_state, certified, domain, refuse, rows, served
from .clients import tcp
from .kit import until
from .report import absolute, check, fact

CROWD, NAMES, JUNK = 200, 50, 1000


ELSEWHERE = "127.9.9.9"
"""Another machine, for those who ask the authority's DNS."""


class NotFound(socketserver.StreamRequestHandler):
    """A web server that has nothing."""

    def handle(self):
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnothing")


class Onward(socketserver.BaseRequestHandler):
    """Passes a connection on to the same port of this machine."""

    def handle(self):
        with tcp(self.server.server_address[1]) as there:
            back = threading.Thread(target=pour, args=(there, self.request), daemon=True)
            back.start()
            pour(self.request, there)
            back.join(5)


def pour(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def elsewhere(port, handler):
    """A server on the other machine."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer((ELSEWHERE, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@contextlib.contextmanager
def two_views(roost, dns, name):
    """The platform is told that a name is here; everybody else is told that it is elsewhere."""
    inside = Dns()
    try:
        roost.set({"domains": {"resolvers": [inside.address]}})
        dns.tell("add-a", host=f"{name}.", addresses=[ELSEWHERE])
        roost.stop()
        roost.start()
        yield
    finally:
        inside.end()


@check(1, "HTTP-01, TLS-ALPN-01, EAB")
def ways():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        began = time.monotonic()
        add_domain(roost, "orchard", "one.example.com")
        fact("HTTP-01: there is a certificate", until(lambda: roost.serial("one.example.com"), 20))
        absolute("HTTP-01 takes", time.monotonic() - began, 2, "s")
    name = "two.example.com"
    with certified(fake_time=True) as (roost, authority, dns), two_views(roost, dns, name), elsewhere(roost.https, Onward):
        roost.create("orchard")
        add_domain(roost, "orchard", name)
        failed = until(lambda: domain(roost, "orchard", name)["message"], 20)
        fact("where nothing is on port 80, HTTP-01 fails", failed, failed)
        roost.move_clock(90)
        began = time.monotonic()
        fact("then TLS-ALPN-01: there is a certificate", until(lambda: roost.serial(name), 20))
        absolute("TLS-ALPN-01 takes", time.monotonic() - began, 2, "s")
    with certified(bound=True, settings={"acme": {"eab_kid": EAB[0], "eab_key": EAB[1]}}) as (roost, authority, _):
        fact("EAB: an authority that knows its accounts gives a certificate", served(roost, roost.console) == 200)
    with certified(bound=True, start=False) as (roost, authority, _):
        roost.start()
        fact("EAB: without the key it gives none", not until(lambda: roost.serial(roost.console), 2) and authority.issued() == 0)


@check(3, "the first handshake of a verified new domain")
def first_visit():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        first, second = [], []
        for number in range(3):
            name = f"visit{number}.example.com"
            began = time.monotonic()
            add_domain(roost, "orchard", name)
            answered = until(lambda: served(roost, name) == 200, 20)
            first.append(time.monotonic() - began)
            fact(f"{name} answers", answered)
            began = time.monotonic()
            served(roost, name)
            second.append((time.monotonic() - began) * 1000)
        absolute("from its entry in the console to its first answer", first, 3, "s")
        absolute("the second handshake and answer", second, 20)


def while_silent(roost, authority, names):
    """Has the names verified while the authority says nothing, so that all of them wait for it."""
    for slug, name in names:
        add_domain(roost, slug, name)
    for slug, name in names:
        await_state(roost, slug, name, "issuing")


@check(4, "200 clients at once for one new name")
def crowd():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        name, before = "crowd.example.com", authority.orders()
        with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
            with authority.silent():
                while_silent(roost, authority, [("orchard", name)])
                answers = [pool.submit(served, roost, name) for _ in range(CROWD)]
                time.sleep(2)  # all of them are in their handshakes
            began = time.monotonic()
            statuses = [answer.result() for answer in answers]
        fact("all are answered", statuses == [200] * CROWD, f"{statuses.count(200)} with 200, {time.monotonic() - began:.1f} s after the authority woke", CROWD)
        fact("orders", authority.orders() - before == 1, authority.orders() - before, 1)


@check(5, "50 new names at once")
def many_names():
    with certified() as (roost, authority, _):
        names = []
        for number in range(NAMES // 8 + 1):  # an owner may have ten new names a day
            roost.create(f"orchard-{number}")
            assert until(lambda: roost.serial(f"orchard-{number}.apps.test"))
            names += [(f"orchard-{number}", f"n{number}-{n}.example.com") for n in range(8)]
        names = names[:NAMES]
        most, done = 0, threading.Event()

        def watch():
            nonlocal most
            while not done.wait(0.01):
                most = max(most, rows(roost, "SELECT count(*) FROM acme_lease")[0][0])

        watcher = threading.Thread(target=watch)
        watcher.start()
        with concurrent.futures.ThreadPoolExecutor(NAMES) as pool:
            with authority.silent():
                while_silent(roost, authority, names)
                answers = [pool.submit(served, roost, name) for _, name in names]
                time.sleep(1)
            began = time.monotonic()
            statuses = [answer.result() for answer in answers]
        took = time.monotonic() - began
        done.set()
        watcher.join()
        fact("all are served", statuses == [200] * NAMES, statuses.count(200), NAMES)
        absolute("after", took, 10, "s")
        fact("open at once", 0 < most <= 5, most, "<= 5")


@check(6, "1,000 names nobody has")
def junk():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        refuse(roost, [f"warm-{n}.example.com" for n in range(200)])
        before, memory = authority.orders(), roost.memory()
        times, refused = refuse(roost, [f"junk-{n}.{'apps.test' if n % 2 else 'example.org'}" for n in range(JUNK)])
        fact("each is refused", refused == JUNK, refused, JUNK)
        absolute("with its connection", [statistics.median(times[at::3]) for at in range(3)], 5)
        time.sleep(1)
        fact("orders", authority.orders() == before, authority.orders() - before, 0)
        grown = roost.memory() - memory
        fact("memory is back", grown <= 2048, f"{grown} KiB more", "<= 2048 KiB")


@check(7, "a validation that fails")
def failed_validation():
    name = "gone.example.com"
    with certified(fake_time=True) as (roost, authority, dns), two_views(roost, dns, name), elsewhere(roost.http, NotFound):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        add_domain(roost, "orchard", name)
        message = until(lambda: domain(roost, "orchard", name)["message"], 20)
        fact("the customer sees the authority's words", message and "404" in message, message)
        orders = authority.orders()
        refused = [served(roost, name) for _ in range(100)]
        fact("100 handshakes meanwhile: orders", authority.orders() == orders and not any(refused), authority.orders() - orders, 0)
        placed = []
        for minutes in (0.5, 1.5, 4, 8, 15):
            roost.move_clock(minutes * 60)
            served(roost, name)
            until(lambda: authority.orders() > orders, 3)
            time.sleep(1)
            placed.append(authority.orders() - orders)
            orders = authority.orders()
        fact("the second attempt comes after 1 minute, the third not before 10", placed == [0, 1, 0, 0, 1],
             f"orders by 0.5, 1.5, 4, 8, 15 min: {placed}", "[0, 1, 0, 0, 1]")
