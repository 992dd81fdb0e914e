"""J5: limits that are real."""

import concurrent.futures
import contextlib
import os
import time

from edge.clients import exchange
from edge.kit import PASSWORD
from edge.listeners import Listeners
from edge.report import absolute, check, fact

from .kit import FILE, TEXT, Project, code, elapsed, mails, multipart, platform, until

MB = 1 << 20


def limited(**plan):
    """A platform whose plan is that small."""
    return platform({"plans": {"standard": plan}})


def limit(roost, name, slug="orchard"):
    usage = roost.ask("GET", f"/api/projects/{slug}/usage").value
    return next(found for found in usage["limits"] if found["limit"] == name)


def reaches(roost, name, state):
    return until(lambda: limit(roost, name)["state"] == state, 30)


def posts(roost):
    project = Project(roost, "orchard")
    project.collection("posts", TEXT)
    return project


def grow(project, size=4000):
    return project.status("POST", "/api/collections/posts/records", {"text": "x" * size})


def fill(project):
    """Creates until that is refused; how often it was not, and the refusal."""
    for number in range(100_000):
        status, value = grow(project)
        if status != 200:
            return number, status, value["data"].get("code")


def said(roost):
    """What the project's answers say of its limits."""
    return roost.ask("GET", "/api/health", host="orchard.apps.test").headers.get("x-roost-quota")


@check("J5.1", "At 80 and at 100 %: one mail each, a header on every answer, and the console shows it")
def told():
    with limited(database_mb=3) as roost:
        project = posts(roost)
        fact("before, no answer says anything of limits", said(roost) is None)
        while (used := limit(roost, "database")["used"]) < 0.85 * 3 * MB:
            for _ in range(40):
                grow(project)
            until(lambda: limit(roost, "database")["used"] > used, 30)
        fact("near", reaches(roost, "database", "near"))
        fact("every answer says so", until(lambda: said(roost) == "database=near", 30), said(roost))
        fact("one mail", until(lambda: len(mails(roost, "database")) == 1, 30), [mail["subject"] for mail in mails(roost, "database")])
        fill(project)
        fact("over", reaches(roost, "database", "over"))
        fact("every answer says so", until(lambda: said(roost) == "database=over", 30), said(roost))
        fact("one more mail", until(lambda: len(mails(roost, "database")) == 2, 30))
        fill(project)
        time.sleep(6)  # what was used is looked at every 5 s
        fact("and no more", len(mails(roost, "database")) == 2, len(mails(roost, "database")))
        fact("the project itself says so, for the banner", roost.ask("GET", "/api/projects/orchard").value["limits"][0]["state"] == "over")


@check("J5.2", "Over its size only what grows stops")
def full():
    with limited(database_mb=4) as roost:
        project = posts(roost)
        project.collection("people", type="auth")
        person = {"email": "p@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
        project.ask("POST", "/api/collections/people/records", person)
        made, status, refused = fill(project)
        fact("what grows is refused", (status, refused) == (507, "quota_database"), f"{status} {refused} after {made}")
        database = roost.directory / "data/tenants" / project.about["id"] / "data-1/data.db"
        size = database.stat().st_size
        fact("within 5 % or 10 MB", size <= 4 * MB + 10 * MB, f"{size / MB:.1f} MB of 4")
        signed = project.status("POST", "/api/collections/people/auth-with-password", {"identity": "p@example.com", "password": PASSWORD})
        fact("people sign in", signed[0] == 200, signed[0])
        fact("reads", len(project.ids("posts")) == made)
        backup = project.back_up()
        fact("backups", backup["state"] == "proven")
        zipped = roost.ask("GET", f"/api/projects/orchard/backups/{backup['id']}/zip")
        fact("export", zipped.status == 200 and zipped.value[:2] == b"PK", f"{len(zipped.value)} bytes")
        with Listeners(roost, [project.host]) as streams:
            assert until(streams.all_there)
            subscribed = streams.subscribe(0, "posts/*")
            first = project.ids("posts")[0]
            deleted = project.raw("DELETE", f"/api/collections/posts/records/{first}", None, project.token)
            fact("deletes", deleted[0] == 204, deleted[0])
            fact("realtime tells of it", subscribed == 204 and until(lambda: streams.heard[0] == 1, 5), streams.heard[0])
        vacuum = lambda: project.raw("POST", "/api/sql", {"query": "VACUUM"}, project.token)
        fill(project)
        done = vacuum()
        fact("VACUUM", done[0] == 200, done)
        for id in project.ids("posts")[: made // 2]:
            project.raw("DELETE", f"/api/collections/posts/records/{id}", None, project.token)
        vacuum()
        fact("which gives the disk back what was deleted", until(lambda: database.stat().st_size < 0.7 * size, 10), f"{database.stat().st_size / MB:.1f} MB")
    with limited(storage_mb=3) as roost:
        project = posts(roost)
        project.collection("pictures", FILE)
        path = project.upload("pictures", os.urandom(2 * MB))
        body, kind = multipart({}, [("file", "more.bin", os.urandom(2 * MB))])
        add = lambda: project.raw("POST", "/api/collections/pictures/records", body, {**project.token, "Content-Type": kind})
        status, value = add()
        fact("a file too many is refused", (status, value["data"].get("code")) == (507, "quota_storage"), f"{status} {value['data'].get('code')}")
        fact("files are served, records made", len(project.ask("GET", path)) == 2 * MB and grow(project)[0] == 200)
        project.ask("DELETE", f"/api/collections/pictures/records/{path.split('/')[4]}")
        began = time.monotonic()
        fact("one that is deleted makes room", until(lambda: add()[0] == 200, 60))
        absolute("after", elapsed(began), 60, "s")


@check("J5.3", "With room again, or a bigger plan, writes are taken within a minute")
def lifted():
    with limited(database_mb=4) as roost:
        project = posts(roost)
        fill(project)
        for id in project.ids("posts")[:300]:
            project.raw("DELETE", f"/api/collections/posts/records/{id}", None, project.token)
        began = time.monotonic()
        fact("room", until(lambda: grow(project)[0] == 200, 60))
        absolute("after deleting", elapsed(began), 60, "s")
        fill(project)
        more = roost.ask("PATCH", f"/api/operator/tenants/{project.about['id']}/limits", {"overrides": {"databaseMb": 40}})
        began = time.monotonic()
        fact("an operator grants more", more.status == 200 and until(lambda: grow(project)[0] == 200, 60), more.status)
        absolute("after the change", elapsed(began), 60, "s")


def fetch(roost, host, path):
    """Downloads something and keeps nothing of it; the status, and how many bytes came."""
    with contextlib.closing(roost.connect(host, timeout=60)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = connection.recv(65536)
        received = len(head)
        while chunk := connection.recv(1 << 20):
            received += len(chunk)
        return int(head.split()[1]), received


@check("J5.4", "Too much sent costs files; signing in and small answers go on")
def egress():
    with limited(egress_gb=1) as roost:
        project = posts(roost)
        project.collection("pictures", FILE)
        large, middle, small = (project.upload("pictures", os.urandom(size)) for size in (32 * MB, MB, 60_000))
        for _ in range(31):
            assert fetch(roost, project.host, large)[0] == 200

        def takes():
            began = time.monotonic()
            assert fetch(roost, project.host, middle)[0] == 200
            return elapsed(began)

        alone = takes()
        slow = next((time for time in (takes() for _ in range(60)) if time > 2), 0)
        fact("at first large answers are slow", slow, f"1 MB in {slow:.1f} s, {alone:.2f} s before")
        refused = next((count for count in range(3000) if fetch(roost, project.host, small)[0] == 429), None)
        fact("then files end", refused, f"after {refused} more of 60 KB")
        fact("with a code", project.status("GET", small)[1]["data"].get("code") == "quota_egress")
        fact("small answers go on", project.status("GET", "/api/health")[0] == 200)
        fact("signing in goes on", Project(roost, "orchard", create=False).token)


@check("J5.6", "The 1,001st realtime connection is refused with a code; the first 1,000 are unaffected")
def realtime():
    most = 1000
    with platform() as roost:  # as the standard plan has it
        project = posts(roost)
        with Listeners(roost, [project.host] * most) as streams:
            fact("a thousand are open", until(streams.all_there, 90, 0.1) and not streams.failures, streams.failures[:1] or sum(client is not None for client in streams.clients))
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                subscribed = set(pool.map(lambda number: streams.subscribe(number, "posts/*"), range(most)))
            assert subscribed == {204}, subscribed
            with contextlib.closing(roost.connect(project.host)) as one_more:
                answer = exchange(one_more, "GET", "/api/realtime", headers={"Host": project.host})
            fact("one more is refused", (answer.status, code(answer)) == (429, "too_many_connections"), f"{answer.status} {code(answer)}")
            for number in range(2):
                project.create("posts", f"news {number}")
            told = until(lambda: sum(streams.heard) == 2 * most, 20)
            fact("the others are told of two new records", told and set(streams.heard) == {2}, f"{sum(streams.heard)} events")
            fact("and lost nothing", not any(streams.ended), sum(streams.ended))


@check("J5.7", "What is measured is what others measure, within 2 %")
def measured():
    with platform({"rest": {"sleep_after": 10}}) as roost:
        project = posts(roost)
        project.collection("pictures", FILE)
        for _ in range(300):
            grow(project)
        path = project.upload("pictures", os.urandom(8 * MB))
        home = roost.directory / "data/tenants" / project.about["id"] / "data-1"
        hours = lambda key: sum(hour[key] for hour in roost.ask("GET", "/api/projects/orchard/usage").value["hours"])
        time.sleep(6)  # until all of that is collected
        sent, asked = hours("egress"), hours("requests")
        count, received = 200, 0
        for number in range(count):
            received += fetch(roost, project.host, path if number % 20 == 0 else "/api/collections/posts/records?perPage=50")[1]
        until(lambda: hours("requests") - asked >= count and hours("egress") - sent >= received, 7)
        more = hours("requests") - asked
        fact("requests", abs(more - count) <= 0.02 * count, f"{more} of {count}")
        got = hours("egress") - sent
        near = lambda name, found, truth: fact(name, abs(found - truth) <= 0.02 * truth, f"{found} of {truth} bytes")
        near("sent", got, received)
        about = lambda: roost.ask("GET", "/api/projects/orchard").value
        roost.asleep("orchard")
        listed = lambda: sum(file.stat().st_size for file in home.glob("*.db*") if not file.name.endswith("-shm"))
        until(lambda: about()["databaseBytes"] == listed(), 15)
        near("database", about()["databaseBytes"], listed())
        near("storage", about()["storageBytes"], sum(file.stat().st_size for file in (home / "storage").rglob("*") if file.is_file()))
