"""J3: a domain of one's own, from the first record at a DNS provider to HTTPS, and away again."""

import concurrent.futures
import random
import statistics
import string
import time

from edge.certified import add_domain, await_state, certified, domain, refuse, served
from edge.clients import exchange, tcp
from edge.report import absolute, check, fact
from edge.stub_ca import stub_ca

from .kit import elapsed, mails, prove, until

DAY = 24 * 60 * 60
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"
CLOSED = "127.9.9.9"
"""An address of ours where nothing answers on port 80."""
NAME = "shop.example.com"


def point(dns, name, address):
    """Sets a name's one address, as at a DNS provider."""
    dns.tell("clear-a", host=f"{name}.")
    assert dns.tell("add-a", host=f"{name}.", addresses=[address])


def somebody(roost, email):
    """Somebody else, whose address is proven, signs up: their cookie."""
    roost.sign_up(email)
    prove(roost, email)
    return roost.cookie


def found(about, kind):
    """What was found of one kind."""
    return next((found for found in about["checks"] if found["kind"] == kind), {"state": "unknown", "found": []})


def record(about, kind):
    return next((wanted for wanted in about["records"] if wanted["kind"] == kind), None)


@check("J3.1", "A new domain: the exact records, what is wrong beside what is wanted, and no state without an end")
def told():
    with certified({"domains": {"addresses": [HERE, CLOSED]}}, fake_time=True) as (roost, authority, dns):
        roost.create("orchard")
        about = lambda: domain(roost, "orchard", NAME)
        passed = {}

        def reaches(state, after=lambda: None):
            after()
            reached = until(lambda: (now := about())["state"] == state and now, 30, 0.05)
            passed[state] = reached and reached["deadlineMs"] > time.time() * 1000
            return reached

        point(dns, NAME, ELSEWHERE)
        added = add_domain(roost, "orchard", NAME)
        exact = [{"kind": kind, "name": NAME, "wanted": wanted} for kind, wanted in (("A", HERE), ("A", CLOSED), ("CNAME", "orchard.apps.test"))]
        fact("the answer lists the records", added["records"] == exact, [f"{one['kind']} {one['wanted']}" for one in added["records"]])
        wrong = until(lambda: (now := about()) and found(now, "a")["state"] == "wrong" and found(now, "a"), 20)
        fact("a wrong one is shown beside what is wanted", wrong and wrong["found"] == [ELSEWHERE] and HERE in wrong["wanted"], wrong and wrong["message"])
        reaches("dnsWait")

        unreached = reaches("verifying", lambda: point(dns, NAME, CLOSED))
        fact("so is a port 80 that nobody answers at", unreached and found(unreached, "http")["state"] == "wrong", unreached and found(unreached, "http")["message"])
        with authority.silent():
            reaches("issuing", lambda: point(dns, NAME, HERE))
        reaches("live")
        fact("dnsWait, verifying, issuing, live: each with a deadline", passed == dict.fromkeys(("dnsWait", "verifying", "issuing", "live"), True), passed)
        point(dns, "never.example.com", ELSEWHERE)
        add_domain(roost, "orchard", "never.example.com")
        assert until(lambda: domain(roost, "orchard", "never.example.com")["lookedMs"], 20)
        roost.move_clock(8 * DAY)
        given_up = lambda: roost.ask("POST", "/api/projects/orchard/domains/never.example.com/look").value
        failed = until(lambda: (now := given_up()).get("state") == "failed" and now, 20, 0.5)
        fact("what is never right fails with a reason", failed and failed["reason"] == "dns_timeout", failed and failed["message"])


@check("J3.2", "Once DNS is right there is HTTPS within a minute, and HTTP leads there")
def issued():
    with certified() as (roost, authority, dns):
        roost.create("orchard")
        names = [f"{word}.example.com" for word in ("shop", "blog", "docs")]
        for name in names:
            point(dns, name, ELSEWHERE)
            add_domain(roost, "orchard", name)
        assert until(lambda: all(found(domain(roost, "orchard", name), "a")["state"] == "wrong" for name in names), 20)

        def served_after(name):
            began = time.monotonic()
            point(dns, name, HERE)
            # A handshake that trusts nobody but the authority.
            assert until(lambda: served(roost, name) == 200, 90, 0.1), domain(roost, "orchard", name)
            return elapsed(began)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            times = list(pool.map(served_after, names))
        absolute("from the record to an answer whose chain leads to the authority", times, 60, "s")
        with tcp(roost.http) as plain:
            answer = exchange(plain, "GET", "/api/health?x=1", headers={"Host": names[0]})
        fact("HTTP redirects", answer.status in (301, 308) and answer.headers["location"].startswith(f"https://{names[0]}"), answer.headers.get("location"))


@check("J3.3", "A name somebody has is not given away, and nobody is told whose it is; a TXT record moves it")
def claimed():
    with certified() as (roost, authority, dns):
        ann = somebody(roost, "ann@example.com")
        mine, _ = roost.create("orchard")
        add_domain(roost, "orchard", NAME)
        await_state(roost, "orchard", NAME, "live")
        bob = somebody(roost, "bob@example.com")
        roost.create("cherry")
        wanted = add_domain(roost, "cherry", NAME)
        fact("it waits for a proof", (wanted["state"], wanted["reason"]) == ("dnsWait", "taken"), wanted["message"])
        assert until(lambda: found(domain(roost, "cherry", NAME), "txt")["state"] == "missing", 20)
        said = str([domain(roost, "cherry", NAME), roost.ask("GET", "/api/projects/cherry/activity").value])
        secrets = ["orchard", mine["id"], "ann@example.com"]
        fact("not a word about who has it", not any(secret in said for secret in secrets), [secret for secret in secrets if secret in said])
        roost.cookie = ann
        fact("who has it keeps it", domain(roost, "orchard", NAME)["state"] == "live" and served(roost, NAME) == 200)
        proof = record(wanted, "TXT")
        dns.tell("set-txt", host=f"{proof['name']}.", value=proof["wanted"])
        roost.cookie = bob
        began = time.monotonic()
        await_state(roost, "cherry", NAME, "live", seconds=60)
        absolute("with the record it is moved after", elapsed(began), 60, "s")
        roost.cookie = ann
        lost = domain(roost, "orchard", NAME)
        fact("who had it is told", (lost["state"], lost["reason"]) == ("failed", "transferred") and
             until(lambda: [mail for mail in mails(roost, NAME) if mail["to"] == "ann@example.com"], 10), lost["message"])


@check("J3.4", "A thousand names nobody has: no order is placed")
def strangers():
    with certified() as (roost, authority, _):
        roost.create("orchard")
        assert until(lambda: roost.serial("orchard.apps.test"))
        before = authority.orders()
        label = lambda: "".join(random.choices(string.ascii_lowercase, k=12))
        names = [f"{label()}.{random.choice(['apps.test', 'example.org', 'orchard.apps.test', label()])}" for _ in range(1000)]
        times, refused = refuse(roost, names)
        fact("each is refused", refused == 1000, f"{refused}, median {statistics.median(times):.1f} ms")
        time.sleep(2)
        fact("orders", authority.orders() == before, authority.orders() - before, 0)


@check("J3.5", "Sixty days later certificates are renewed; where the authority is down, the old ones are served and people told")
def renewed():
    for mode in ("well", "failing"):
        with certified(authority=stub_ca, fake_time=True) as (roost, authority, _):
            somebody(roost, "ann@example.com")
            roost.create("orchard")
            add_domain(roost, "orchard", NAME)
            await_state(roost, "orchard", NAME, "live")
            old = roost.serial(NAME)
            authority.mode, authority.shift = mode, 60 * DAY
            asked = time.monotonic()
            roost.move_clock(60 * DAY)
            roost.sign_in("ann@example.com")
            roost.create("meadow")  # has it look at its certificates now and not within the minute
            if mode == "well":
                fact("renewed after sixty days", until(lambda: roost.serial(NAME) not in (None, old), 90, 0.2), f"{elapsed(asked):.1f} s later")
                continue
            told = until(lambda: [mail for mail in mails(roost, f"The certificate of {NAME} could not be renewed") if mail["to"] == "ann@example.com"], 120, 0.5)
            fact("an authority that is down is asked", authority.asked(asked) > 0, f"{authority.asked(asked)} requests")
            fact("the old certificate is served", roost.serial(NAME) == old and served(roost, NAME) == 200)
            fact("its owner gets a mail", told, told and told[0]["subject"])


@check("J3.6", "A domain that is removed is not served any more, and its name rests")
def removed():
    with certified() as (roost, authority, dns):
        roost.create("orchard")
        add_domain(roost, "orchard", NAME)
        await_state(roost, "orchard", NAME, "live")
        fact("it is served", served(roost, NAME) == 200)
        assert roost.ask("DELETE", f"/api/projects/orchard/domains/{NAME}").status == 204
        began = time.monotonic()
        # Of a name it does not serve it has no certificate: then there is no handshake either.
        gone = until(lambda: served(roost, NAME) in (None, 404, 421), 30)
        fact("404, 421 or no handshake", gone, served(roost, NAME))
        absolute("after", elapsed(began), 5, "s")
        with tcp(roost.http) as plain:
            answer = exchange(plain, "GET", "/api/health", headers={"Host": NAME})
        fact("over plain HTTP", answer.status in (404, 421), answer.status)
        somebody(roost, "bob@example.com")
        roost.create("cherry")
        other = add_domain(roost, "cherry", NAME)
        fact("others have to prove that it is theirs", (other["state"], other["reason"]) == ("dnsWait", "quarantined"), other["reason"])
