"""The platform with an authority to get its certificates from, and projects with domains of their own."""

import contextlib
import sqlite3
import time

from .authority import Dns, Pebble
from .clients import exchange
from .kit import Roost, place, until


@contextlib.contextmanager
def certified(settings=None, start=True, fake_time=False, authority=None, **options):
    """A running platform without certificate files, its authority, and the DNS both ask. The authority is Pebble, or
    what `authority` makes of a directory."""
    with place() as directory, contextlib.ExitStack() as stack:
        roost, dns = Roost(directory, files=False), Dns()
        stack.callback(dns.end)
        if fake_time:
            roost.under_fake_time()
        if authority:
            issuer = stack.enter_context(authority(directory))
        else:
            issuer = Pebble(directory, roost.http, roost.https, dns.address, **options)
            stack.callback(issuer.end)
        roost.root = issuer.issuing_root
        roost.settings["acme"] = {**issuer.settings(), "wildcard": False}
        roost.settings["domains"] = {"addresses": ["127.0.0.1"], "resolvers": [dns.address], "http_port": roost.http}
        roost.set(settings or {})
        stack.callback(roost.kill)
        if start:
            roost.start()
            assert until(lambda: roost.serial(roost.console), 20), f"the console has no certificate:\n{roost.log[-2000:]}"
            roost.sign_up()
        yield roost, issuer, dns


def add_domain(roost, slug, name):
    """Asks for a domain of a project's own."""
    answer = roost.ask("POST", f"/api/projects/{slug}/domains", {"name": name})
    assert answer.status == 201, answer
    return answer.value


def domain(roost, slug, name):
    return roost.ask("GET", f"/api/projects/{slug}/domains/{name}").value


def await_state(roost, slug, name, *states, seconds=20):
    """Waits until a domain is in one of these states."""
    found = until(lambda: domain(roost, slug, name)["state"] in states, seconds, 0.05)
    assert found, domain(roost, slug, name)


def served(roost, host):
    """The status of a request in a handshake of its own; None if there was none."""
    try:
        with contextlib.closing(roost.connect(host)) as connection:
            return exchange(connection, "GET", "/api/health", headers={"Host": host}).status
    except OSError:
        return None


def refuse(roost, names):
    """How long each handshake took, and how many there were none of."""
    times, refused = [], 0
    for name in names:
        began = time.perf_counter()
        refused += roost.serial(name) is None
        times.append((time.perf_counter() - began) * 1000)
    return times, refused


def rows(roost, query, *values):
    """What the control database says."""
    with contextlib.closing(sqlite3.connect(f"file:{database(roost)}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def database(roost):
    return next(roost.settings["dir"].glob("*.db"))
