"""The wildcard by our own DNS, orders while processes change, and orders whose process is killed."""

import contextlib
import time

from .authority import Dns, Pebble
from .certified import add_domain, await_state, certified, rows, served
from .clients import ANY, REFUSED, TXT, A, ask_dns
from .kit import DOMAIN, LONG, Roost, free_port, place, until
from .report import absolute, check, fact

KILLS = 20


@check(2, "DNS-01: the wildcard, through our own DNS")
def wildcard():
    with place() as directory, contextlib.ExitStack() as stack:
        port, inside = free_port(), Dns()
        stack.callback(inside.end)
        roost = Roost(directory, {"console": f"console.{DOMAIN}", "listen": {"dns": [f"127.0.0.1:{port}"]}}, files=False)
        authority = Pebble(directory, roost.http, roost.https, f"127.0.0.1:{port}")
        stack.callback(authority.end)
        roost.root = authority.issuing_root
        roost.set({"acme": {**authority.settings(), "wildcard": True},
                   "domains": {"addresses": ["127.0.0.1"], "resolvers": [inside.address], "http_port": roost.http}})
        stack.callback(roost.kill)
        began = time.monotonic()
        roost.start()
        fact("the console is served under the wildcard", until(lambda: roost.serial(roost.console), 20))
        absolute("start and order take", time.monotonic() - began, 2, "s")
        roost.sign_up()
        for slug in ("orchard", "meadow", "heath"):
            roost.create(slug)
            assert served(roost, f"{slug}.{DOMAIN}") == 200, slug
        fact("three projects later: orders", authority.orders() == 1, authority.orders(), 1)
        codes = [ask_dns(port, name, kind, tcp)[0] for name, kind in (("example.com", TXT), (DOMAIN, A), (f"_acme-challenge.x.{DOMAIN}", TXT)) for tcp in (False, True)]
        fact("other names are refused", set(codes) == {REFUSED}, codes, REFUSED)
        sizes = [ask_dns(port, f"_acme-challenge.{DOMAIN}", kind)[2] for kind in (TXT, A, ANY)]
        fact("nothing is amplified", max(sizes) <= 1232, f"{max(sizes)} bytes", "<= 1232")


@check(13, "two processes, one challenge")
def two_processes():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        assert until(lambda: roost.serial(f"orchard.{DOMAIN}"))
        for number in range(3 if LONG else 1):
            name, before = f"n{number}.example.com", authority.orders()
            with authority.silent():
                add_domain(roost, "orchard", name)
                await_state(roost, "orchard", name, "issuing")
                time.sleep(0.1 * number)
                heir = roost.begin_upgrade()
                time.sleep(0.5)  # by now there are two processes, the old one with an order it cannot end
                both = len(roost.processes())
            fact(f"upgrade {number + 1} during an order: the certificate is served", until(lambda: served(roost, name) == 200, 75), f"{both} processes")
            fact("the new process takes over", heir.wait(60) == 0)
            placed = authority.orders() - before
            fact("orders", placed <= 2, placed, "<= 2")


@check(14, "kill -9 at 20 points of an order")
def kills():
    with certified(fake_time=True) as (roost, authority, _):
        roost.create("orchard")
        roost.create("meadow")
        roost.create("heath")
        for slug in ("orchard", "meadow", "heath"):
            assert until(lambda: roost.serial(f"{slug}.{DOMAIN}"))
        account = rows(roost, "SELECT credentials FROM acme_account")
        lost, broken, again = [], [], 0
        for number in range(KILLS):
            slug, name = ("orchard", "meadow", "heath")[number // 8], f"k{number}.example.com"
            add_domain(roost, slug, name)
            time.sleep(number * 0.04)
            roost.kill()
            roost.move_clock(61 * (number + 1))  # by then the lease of a process that is gone has ended
            roost.start()
            if not until(lambda: roost.serial(name), 15, 0.05):
                lost.append(name)
                continue
            broken += rows(roost, "SELECT name FROM certificate WHERE chain_pem = '' OR key_pem = ''")
            issued = authority.orders()
            roost.kill()
            roost.start()
            until(lambda: roost.serial(name))
            again += authority.orders() - issued
        fact("every name has its certificate in the end", not lost, f"{KILLS - len(lost)} of {KILLS} {lost or ''}")
        fact("orders for certificates that were stored", again == 0, again, 0)
        fact("no key without certificate", not broken, broken or "")
        fact("the account is the same", rows(roost, "SELECT credentials FROM acme_account") == account)
