"""J7: sleeping and waking."""

import time

from edge.kit import crowd, descriptors
from edge.report import absolute, check, fact

from .kit import SLEEPY, TEXT, Project, code, elapsed, percentile, platform, until


@check("J7.1", "A sleeping project costs nothing and wakes at once, once for a crowd")
def wakes():
    with platform(SLEEPY) as roost:
        # Many, so that nobody has to wait until the same one sleeps again.
        projects = [Project(roost, f"orchard-{number}") for number in range(20)]
        for project in projects:
            project.collection("posts", TEXT)
        times, rest = [], 0
        for _ in range(5):
            for project in projects:
                roost.asleep(project.slug)
                began = time.monotonic()
                assert roost.ask("GET", "/api/health", host=project.host).status == 200
                times.append(elapsed(began) * 1000)
            for project in projects:
                roost.asleep(project.slug)
            # Memory is given back every 5 s.
            rest = rest or min(roost.memory() for _ in range(60) if not time.sleep(0.1))
        absolute("100 first requests through TLS, p95", percentile(times, 0.95), 150)
        homes = str(roost.directory / "data/tenants")
        held = [path for path in descriptors(roost.process.pid) if path.startswith(f"{homes}/")]
        fact("asleep they hold no file open", not held, held)
        back = until(lambda: (now := roost.memory()) <= rest + 2048 and now, 15, 0.1)
        fact("nor memory: 80 wakes later it is as it was", back, f"{rest} KiB, then {back or roost.memory()} KiB", "<= 2048 KiB more")
        # The activity of another one: a list of the latest lines counts no further.
        project = Project(roost, "meadow")
        roost.asleep("meadow")
        before = roost.woken("meadow")
        answers = crowd(roost, project.host, 500)
        roost.asleep("meadow")
        later = [answer for answer in answers if answer.status != 200]
        polite = all(answer.status == 503 and answer.headers.get("retry-after") for answer in later)
        fact("500 first requests at once are answered", len(answers) == 500 and polite, f"{500 - len(later)} with 200, {len(later)} asked to come again")
        fact("by one start", until(lambda: roost.woken("meadow") == before + 1, 5), roost.woken("meadow") - before)


@check("J7.2", "A cron that is due wakes a sleeping project; one missed while the platform was down runs once")
def crons():
    with platform({"rest": {"idle_after": 0.1, "sleep_after": 4}}, fake_time=True) as roost:
        # So that the next minute is near. Files have the time of the machine: it has to be the same minute there.
        second = time.time() % 60
        if second > 46:
            time.sleep(60 - second)
        shift = 46 - time.time() % 60
        roost.move_clock(shift)
        project = Project(roost, "orchard")
        project.ask("PATCH", "/api/settings", {"backups": {"cron": "* * * * *", "cronMaxKeep": 5}})
        made = lambda: sorted((roost.directory / "data/tenants" / project.about["id"] / "data-1/backups").glob("*.zip"), key=lambda path: path.stat().st_mtime)
        first, due = len(made()), time.time() + 60 - (time.time() + shift) % 60
        roost.asleep("orchard")
        fact("it sleeps before it is due, and none was made", time.time() < due and len(made()) == first)
        fact("it ran asleep", until(lambda: len(made()) > first, due - time.time() + 20))
        if made():
            absolute("after it was due", made()[-1].stat().st_mtime - due, 5, "s")
        roost.asleep("orchard")
        roost.kill()
        there = len(made())
        # Three minutes later, and not so near to the next one that it runs, too.
        shift += 180 + (5 - time.time() - shift) % 60
        roost.move_clock(shift)
        roost.start()
        until(lambda: len(made()) > there, 10)
        time.sleep(2)
        fact("of three missed, one is made up for", len(made()) == there + 1, len(made()) - there)


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
        logs = roost.ask("GET", "/api/projects/orchard/logs")
        fact("its log can be read", logs.status == 200 and "items" in logs.value, logs.status)


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
