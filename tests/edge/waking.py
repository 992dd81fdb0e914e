"""Sleeping projects: who wakes them, how often, and what a crowd is told that waits."""

import pathlib
import time

from .clients import Reader, exchange
from .kit import LONG, SLEEPY, crowd, platform, until
from .load import percentile
from .report import absolute, check, fact, note

CROWD, AT_ONCE = 500, 256


@check(28, "500 first requests to a sleeping project")
def first_requests():
    with platform(SLEEPY) as roost:
        _, host = roost.create("orchard")
        single = []
        for _ in range(5):
            roost.asleep("orchard")
            with roost.connect(host) as connection:
                began = time.perf_counter()
                exchange(connection, "GET", "/api/health", headers={"Host": host})
                single.append((time.perf_counter() - began) * 1000)
        roost.asleep("orchard")
        before = roost.woken("orchard")
        answers = crowd(roost, host, CROWD)
        told = [answer for answer in answers if answer.status != 200]
        polite = all(answer.status == 503 and answer.headers.get("retry-after") for answer in told)
        fact("every one is answered", len(answers) == CROWD and polite, f"{CROWD - len(told)} with 200, {len(told)} with 503 and Retry-After", CROWD)
        fact("as many as a project may have at once by itself", CROWD - len(told) >= AT_ONCE, CROWD - len(told), f">= {AT_ONCE}")
        until(lambda: roost.woken("orchard") > before)
        roost.asleep("orchard")
        fact("it was launched once", roost.woken("orchard") - before == 1, roost.woken("orchard") - before, 1)
        note("a first request alone takes", f"{percentile(single, 0.5):.1f} ms")


@check(29, "requests that must not wake anybody")
def refused():
    with platform(SLEEPY) as roost:
        project, host = roost.create("orchard")
        roost.asleep("orchard")
        before = roost.woken("orchard")

        def raw(head, name=host):
            with roost.connect(name, timeout=3) as connection:
                connection.sendall(head.encode())
                return Reader(connection).answer().status

        junk = [raw(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n") for name in ("", "a b", f"{host}, {host}", f"user@{host}", "nobody.apps.test")]
        fact("junk in Host is refused", junk == [400, 400, 400, 400, 404], junk)
        bad = [raw(text.replace("\n", "\r\n")) for text in (
            f"GET * HTTP/1.1\nHost: {host}\n\n",
            f"CONNECT {host}:443 HTTP/1.1\nHost: {host}\n\n",
            f"POST / HTTP/1.1\nHost: {host}\nTransfer-Encoding: gzip, chunked\n\n",
            f"POST / HTTP/1.1\nHost: {host}\nContent-Length: 3\nContent-Length: 4\n\nabc",
            f"GET / HTTP/1.1\nHost: {host}\nExpect: tea\n\n",
            f"GET / HTTP/1.1\nHost: {host}\n" + "x: y\n" * 120 + "\n")]
        fact("bad requests are refused", bad == [400, 400, 400, 400, 417, 431], bad)
        huge = raw(f"POST /api/collections/users/records HTTP/1.1\r\nHost: {host}\r\nContent-Length: {3 << 30}\r\n\r\n")
        fact("a body announced too long is refused", huge == 413, huge, 413)
        fact("the project sleeps through all of it", roost.state("orchard") == "asleep" and roost.woken("orchard") == before,
             f"{roost.woken('orchard') - before} launches", 0)
        roost.ask("POST", f"/api/operator/tenants/{project['id']}/suspend", {"reason": "A look at it.", "notice": False})
        held = until(lambda: (answer := roost.ask("GET", "/api/health", host=host)).status != 200 and answer)
        fact("a suspended one is refused and stays asleep", held and held.status == 403 and roost.woken("orchard") == before, held and held.status, 403)
        roost.ask("DELETE", "/api/projects/orchard", {"slug": project["slug"]})
        gone = roost.ask("GET", "/api/health", host=host)
        fact("a deleted one is refused and stays asleep", gone.status == 404 and roost.woken("orchard") == before, gone.status, 404)
        spent, host = roost.create("meadow")
        limits = {"overrides": {"requests": 3}}
        assert roost.ask("PATCH", f"/api/operator/tenants/{spent['id']}/limits", limits).status == 200
        over = until(lambda: (answer := roost.ask("GET", "/api/health", host=host)).status != 200 and answer, 20)
        roost.asleep("meadow")
        before = roost.woken("meadow")
        statuses = {roost.ask("GET", "/api/health", host=host).status for _ in range(20)}
        fact("one over its rate is refused and stays asleep", over and statuses == {429} and roost.state("meadow") == "asleep" and roost.woken("meadow") == before, statuses, 429)


@check(30, "a tenant that will not start")
def crashing():
    with platform(SLEEPY) as roost:
        project, host = roost.create("orchard")
        roost.asleep("orchard")
        data = next(pathlib.Path(roost.settings["dir"]).glob(f"tenants/*{project['id']}*/**/data.db"))
        data.write_bytes(b"this is no database" * 1000)
        began = time.monotonic()
        answer = roost.ask("GET", "/api/health", host=host)
        took = time.monotonic() - began
        code = answer.value["data"].get("code")
        fact("503 with a code and Retry-After", answer.status == 503 and code and answer.headers.get("retry-after"),
             f"{answer.status} {code} {answer.headers.get('retry-after')}")
        absolute("within", took, 10, "s")
        waits = waits_of(roost, host, 60 if LONG else 12)
        fact("its launches follow the doubling", doubling(waits), ", ".join(f"{wait:.1f} s" for wait in waits), "1, 2, 4 s")


def waits_of(roost, host, seconds):
    """The pauses between launches, seen from outside: Retry-After jumps up where one failed again."""
    launches, last, end = [], 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        answer = roost.ask("GET", "/api/health", host=host)
        wait = int(answer.headers["retry-after"])
        if launches and wait > last:
            launches.append(time.monotonic())
        elif not launches:
            launches.append(time.monotonic())
        last = wait
        time.sleep(0.05)
    return [later - earlier for earlier, later in zip(launches, launches[1:])]


def doubling(waits):
    return len(waits) >= 2 and all(1.5 <= later / earlier <= 2.6 for earlier, later in zip(waits, waits[1:]))
