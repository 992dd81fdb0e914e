"""J7: sleeping and waking."""

import concurrent.futures
import datetime
import time

from edge.kit import descriptors
from edge.report import absolute, check, fact

from .kit import SLEEPY, TEXT, Project, code, elapsed, percentile, platform, until


@check("J7.1", "A sleeping project costs nothing and wakes at once, once for a crowd")
def wakes():
    with platform(SLEEPY) as roost:
        project = Project(roost, "orchard")
        project.collection("posts", TEXT)
        times = []
        for _ in range(100):
            roost.asleep("orchard")
            began = time.monotonic()
            assert roost.ask("GET", "/api/health", host=project.host).status == 200
            times.append(elapsed(began) * 1000)
        absolute("100 first requests through TLS, p95", percentile(times, 0.95), 150)
        roost.asleep("orchard")
        home = str(roost.directory / "data/tenants" / project.about["id"])
        held = [path for path in descriptors(roost.process.pid) if path.startswith(home)]
        fact("asleep it holds no file open", not held, held)
        # The activity of another one: a list of the latest lines counts no further.
        project = Project(roost, "meadow")
        roost.asleep("meadow")
        before = roost.woken("meadow")
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(lambda _: roost.ask("GET", "/api/health", host=project.host).status, range(500)))
        roost.asleep("meadow")
        fact("500 first requests are answered", set(answers) == {200})
        fact("by one start", until(lambda: roost.woken("meadow") == before + 1, 5), roost.woken("meadow") - before)


@check("J7.2", "A cron that is due wakes a sleeping project; one missed while the platform was down runs once")
def crons():
    with platform({"rest": {"idle_after": 0.1, "sleep_after": 4}}) as roost:
        project = Project(roost, "orchard")
        project.ask("PATCH", "/api/settings", {"backups": {"cron": "* * * * *", "cronMaxKeep": 5}})
        made = lambda: sorted((roost.directory / "data/tenants" / project.about["id"] / "data-1/backups").glob("*.zip"))
        first = len(made())
        due = 60 - time.time() % 60
        roost.asleep("orchard")
        until(lambda: len(made()) > first, due + 20)
        fact("it ran asleep", len(made()) > first)
        if made():
            late = made()[-1].stat().st_mtime % 60
            absolute("after it was due", late, 5, "s")
        roost.asleep("orchard")
        roost.kill()
        there = len(made())
        time.sleep(61)
        minute = time.time() % 60
        if minute > 50:  # not so near to the next one that it runs, too
            time.sleep(62 - minute)
        roost.start()
        until(lambda: len(made()) > there, 10)
        fact("what was missed runs once afterwards", len(made()) == there + 1, f"{len(made()) - there}, {datetime.datetime.now():%H:%M:%S}")


@check("J7.3", "A project that does not start says so in JSON, and is not started again and again")
def damaged():
    with platform(SLEEPY) as roost:
        project = Project(roost, "orchard")
        roost.asleep("orchard")
        (roost.directory / "data/tenants" / project.about["id"] / "data-1/data.db").write_bytes(b"this is no database" * 1000)
        began = time.monotonic()
        answer = roost.ask("GET", "/api/health", host=project.host)
        absolute("the answer takes", elapsed(began), 10, "s")
        fact("it is an envelope with a code", answer.status == 503 and code(answer), f"{answer.status} {code(answer)}")
        times = []
        for _ in range(200):
            began = time.monotonic()
            roost.ask("GET", "/api/health", host=project.host)
            times.append(elapsed(began) * 1000)
        fact("200 more requests start no storm", roost.log.count("did not start") + roost.log.count("damaged") < 10, f"median {percentile(times, 0.5):.1f} ms")
        state = roost.ask("GET", "/api/projects/orchard").value
        fact("the console says why", state["state"] in ("damaged", "notStarting") and state["reason"], f"{state['state']}: {state['reason']}")


@check("J7.4", "The platform takes no path of a project's but one")
def paths():
    with platform() as roost:
        project = Project(roost, "orchard")
        for path in ("/api/projects", "/api/accounts", "/api/session", "/api/events", "/api/operator/audit", "/api/openapi.json", "/metrics", "/healthz", "/.well-known/roost"):
            answer = roost.ask("GET", path, host=project.host)
            # What a stock server says of a path it does not know: an envelope without a code.
            fact(path, answer.status == 404 and isinstance(answer.value, dict) and not code(answer), answer.status)
        challenge = roost.ask("GET", "/.well-known/acme-challenge/x", host=project.host)
        fact("/.well-known/acme-challenge/ is the edge's", challenge.status == 404)
