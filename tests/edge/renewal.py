"""Renewal, and authorities that are unwell: with one that misbehaves as it is told."""

import contextlib
import functools
import sqlite3
import threading
import time

from cryptography.hazmat.primitives.asymmetric import ec

from .certified import add_domain, certified, database, rows, served
from .kit import until
from .load import steady
from .pki import Authority, pem
from .report import absolute, check, fact
from .stub_ca import stub_ca

DAY = 24 * 60 * 60
MANY = 5000


@contextlib.contextmanager
def two_authorities(directory):
    """The first as the platform's authority, with the second as its other one; clients trust both."""
    with stub_ca(directory, "first") as first, stub_ca(directory, "second") as second:
        first.other = second
        both = directory / "both.pem"
        both.write_text(first.issuing_root.read_text() + second.issuing_root.read_text())
        first.issuing_root = both
        first.settings = lambda: {"email": "ops@example.com", **first.second(), "second": second.second()}
        yield first


def first_byte(roost):
    """Seconds from the start of the process to an answer over TLS."""
    began = time.monotonic()
    roost.launch()
    answered = until(lambda: served(roost, roost.console), 20, 0.005)
    assert answered == 200, roost.log[-2000:]
    return time.monotonic() - began


@check(8, "an authority that is down, answers 500 or hangs")
def unwell():
    with certified(authority=two_authorities, fake_time=True) as (roost, first, _):
        serial = roost.serial(roost.console)
        roost.stop()
        for mode in ("down", "failing", "hanging"):
            first.mode = mode if mode != "down" else "well"
            with first.down() if mode == "down" else contextlib.nullcontext():
                fact(f"{mode} at start-up: the certificate we have is served", first_byte(roost) and roost.serial(roost.console) == serial)
                roost.stop()
                absolute(f"{mode}: the first answer after", [restarted(roost) for _ in range(3)], 1, "s")
        first.mode = "failing"
        first_byte(roost)
        roost.move_clock(70 * DAY)
        first.shift = first.other.shift = 70 * DAY
        roost.sign_in()
        tried = time.monotonic()
        poke(roost, "one")
        fact("failing at renewal: it is asked", until(lambda: first.asked(tried), 5))
        fact("the old certificate is served", roost.serial(roost.console) == serial)
        for minutes in range(2, 16, 2):
            roost.move_clock(70 * DAY + minutes * 60)
            poke(roost, f"more-{minutes}")
            if renewed := until(lambda: roost.serial(roost.console) not in (None, serial), 2):
                break
        fact("after some failures the second authority's certificate is served", renewed and first.other.orders, f"{minutes} min later")
        mails = until(lambda: [mail for mail in roost.ask("GET", "/api/outbox").value["items"] if "renew" in str(mail).lower()], 5)
        fact("the operator gets a mail", mails, mails and mails[0].get("subject"))


def restarted(roost):
    took = first_byte(roost)
    roost.stop()
    return took


def poke(roost, slug):
    """Something happens that has the platform look at its certificates now and not within the minute."""
    roost.create(slug)


@check(9, "429 with Retry-After")
def limited():
    with certified(authority=two_authorities, fake_time=True) as (roost, first, _):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        first.mode = ("limited", 7200)
        add_domain(roost, "orchard", "one.example.com")
        fact("its name comes from the second authority", until(lambda: roost.serial("one.example.com"), 20) and first.other.orders)
        since = time.monotonic()
        for number in range(3):
            add_domain(roost, "orchard", f"other{number}.example.com")
        names = [f"other{number}.example.com" for number in range(3)]
        fact("so do other names", until(lambda: all(roost.serial(name) for name in names), 20) and len(first.other.orders) == 4, len(first.other.orders), 4)
        roost.move_clock(7000)
        add_domain(roost, "orchard", "early.example.com")
        until(lambda: roost.serial("early.example.com"), 20)
        fact("before its time the first one is not asked again", first.asked(since) == 0, f"{first.asked(since)} requests", 0)
        first.mode = "well"
        roost.move_clock(7300)
        add_domain(roost, "orchard", "late.example.com")
        fact("after it, it is", until(lambda: roost.serial("late.example.com"), 20) and first.asked(since) > 0, f"{first.asked(since)} requests")


says_when = functools.partial(stub_ca, says_when=True)


HOUR = 60 * 60


def at(roost, authority, seconds):
    """It is so much later, for both."""
    authority.shift = seconds
    roost.move_clock(seconds)


def recalled(roost, authority, since):
    """What the authority said last is two hours old when it wants everything renewed; two minutes later, a new
    certificate is served."""
    before = roost.serial(roost.console)
    at(roost, authority, since + 2 * HOUR)
    poke(roost, f"poke-{since}")
    assert until(lambda: authority.known - authority.recalled, 75, 0.1), "the authority is not asked when to renew"
    authority.recall()
    at(roost, authority, since + 2 * HOUR + 120)
    poke(roost, f"again-{since}")
    return until(lambda: roost.serial(roost.console) not in (None, before), 10, 0.05)


@check(10, "renewal when the authority says so (ARI)")
def renewal_information():
    with certified(authority=says_when, fake_time=True) as (roost, authority, _):
        console = {"type": "dns", "value": roost.console}

        def orders():
            return [order["wish"] for order in authority.orders if console in order["wish"]["identifiers"]]

        fact("renewed within 2 min of the window's move into the past", recalled(roost, authority, 0))
        fact("the order says what it replaces", len(orders()) == 2 and orders()[1].get("replaces") in authority.recalled, orders()[-1].get("replaces"))
        authority.replaces_nothing = True
        fact("alreadyReplaced: renewed all the same", recalled(roost, authority, 3 * HOUR))
        fact("by an order that replaces nothing", len(orders()) == 3 and "replaces" not in orders()[-1], f"{authority.refusals} refused before")


@check(11, "renewal under 1,000 requests a second")
def renewal_under_load():
    with certified(authority=says_when, fake_time=True) as (roost, authority, _):
        at(roost, authority, 2 * HOUR)
        poke(roost, "orchard")
        assert until(lambda: authority.known, 10)
        serials, errors, stop = [], [], threading.Event()
        name = roost.console

        def shake_hands():
            while not stop.is_set():
                serial = roost.serial(name, timeout=5)
                (serials if serial else errors).append((time.monotonic(), serial))

        shaker = threading.Thread(target=shake_hands)
        shaker.start()
        loads = []
        loader = threading.Thread(target=lambda: loads.append(steady(f"https://{name}:{roost.https}/api/health", name, 1000, 8)))
        loader.start()
        time.sleep(2)
        authority.recall()
        at(roost, authority, 2 * HOUR + 120)
        poke(roost, "meadow")
        loader.join()
        stop.set()
        shaker.join()
        load, old = loads[0], serials[0][1]
        fact("requests that fail", load.failed == 0, f"{load.failed} of {load.count}", 0)
        fact("there were enough of them", load.rate > 500, f"{load.rate:.0f}/s", "> 500/s")
        fact("handshakes that fail", not errors, f"{len(errors)} of {len(serials)}", 0)
        new = [at for at, serial in serials if serial != old]
        fact("the new certificate is served", new)
        if new:
            stored = rows(roost, "SELECT obtained_ms FROM certificate WHERE name = ?", name)[0][0] / 1000 - authority.shift
            absolute("after it was issued", max(0.0, new[0] - (stored - time.time() + time.monotonic())), 1, "s")


def fill(roost, count):
    """Gives a project so many domains with certificates, straight into the database of a platform that stands still."""
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    secret, now = pem(key), int(time.time() * 1000)
    later = now + 80 * DAY * 1000
    issuer = rows(roost, "SELECT issuer FROM certificate")[0][0]
    with contextlib.closing(sqlite3.connect(database(roost))) as connection, connection:
        connection.execute("UPDATE certificate SET ask_ms = 0")  # nothing else is to be asked about either
        project = connection.execute("SELECT id FROM project").fetchone()[0]
        columns = {"state": "live", "checks": "[]", "txt_token": "t", "live": 1, "state_since_ms": now, "deadline_ms": later, "looked_ms": now,
                   "created_ms": now, "project_id": project, "next_ms": later, "turn": 0}
        there = {row[1] for row in connection.execute("PRAGMA table_info(domain)")}
        columns = {name: value for name, value in columns.items() if name in there}
        for number in range(count):
            name = f"n{number}.example.com"
            row = {"id": f"{number:015}", "name": name, **columns}
            connection.execute(f"INSERT INTO domain ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
            chain = pem(authority.sign([name], key.public_key()))
            connection.execute("INSERT INTO certificate (name, issuer, chain_pem, key_pem, obtained_ms, expires_ms, renew_ms, ask_ms) "
                               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (name, issuer, chain, secret, now, later, later - DAY, 0))


@check(12, "restart with 5,000 certificates")
def restart():
    with certified(authority=stub_ca) as (roost, authority, _):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        roost.stop()
        fill(roost, MANY)
        times = []
        for _ in range(3):
            since = time.monotonic()
            times.append(first_byte(roost))
            time.sleep(1)
            last = f"n{MANY - 1}.example.com"
            roost.root, root = None, roost.root
            fact("the last of them is served", roost.connect(last).getpeercert(True))
            roost.root = root
            fact("requests to the authority", authority.asked(since) == 0, authority.asked(since), 0)
            roost.stop()
        absolute("the first answer after", times, 1, "s")
