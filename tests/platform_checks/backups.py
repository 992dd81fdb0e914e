"""J4: backups that are proven, and what is restored from them."""

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import sqlite3
import threading
import time

from edge.report import absolute, check, fact

from .kit import FILE, SLEEPY, TEXT, Project, bucket, control, done, elapsed, job, mails, platform, until

BY_HAND = {"cron": "", "zone": "UTC", "keepLast": 2, "keepDaily": 0, "keepWeekly": 0, "keepMonthly": 0}
ALARM = "A backup of"


def posts(roost, count=3, slug="orchard"):
    project = Project(roost, slug)
    project.collection("posts", TEXT)
    project.collection("pictures", FILE)
    for number in range(count):
        project.create("posts", f"post {number}")
    return project


def objects(roost, project, ending):
    return sorted((roost.directory / "data/backups" / project.about["id"]).glob(f"*{ending}"))


def flipped(content):
    """The same with another byte in the middle."""
    content = bytearray(content)
    content[len(content) // 2] ^= 1
    return bytes(content)


def state_of(project):
    """All records and files of a project, as they are on the disk."""
    tenant = project.roost.directory / "data/tenants" / project.about["id"]
    home = tenant / json.loads((tenant / "tenant.json").read_text())["data"]
    with contextlib.closing(sqlite3.connect(f"file:{home}/data.db?mode=ro", uri=True)) as db:
        rows = hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()
    files = {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in (home / "storage").rglob("*") if path.is_file()}
    return rows, files


@check("J4.1", "A schedule backs up a sleeping project on time; it is seen asleep all along, and no wake is counted")
def scheduled():
    with platform({**SLEEPY, "backups": {"least_interval": 60}}, fake_time=True) as roost:
        posts(roost)
        roost.asleep("orchard")
        awake = lambda: next(found["used"] for found in roost.ask("GET", "/api/projects/orchard/usage").value["limits"] if found["limit"] == "awake")
        time.sleep(6)  # what it was awake for is collected every 5 s
        before, woken, billed, states = roost.ask("GET", "/api/projects/orchard").value, roost.woken("orchard"), awake(), set()
        shift = (55 - time.time()) % 60  # so that the next minute is near
        roost.move_clock(shift)
        every_minute = {**BY_HAND, "cron": "* * * * *"}
        due = roost.ask("PUT", "/api/projects/orchard/backup-schedule", every_minute).value["nextRunsMs"][0] / 1000 - shift

        def proven():
            states.add(roost.state("orchard"))
            return next((backup for backup in roost.ask("GET", "/api/projects/orchard/backups").value["items"] if backup["state"] == "proven"), None)

        made = until(proven, 60, 0.05)
        fact("there is a proven backup", made and made["origin"] == "schedule", made and made["origin"])
        if made:
            absolute("after it was due", made["createdMs"] / 1000 - shift - due, 60, "s")
        time.sleep(6)
        after = roost.ask("GET", "/api/projects/orchard").value
        fact("it was asleep all along", states == {"asleep"} and after["stateSinceMs"] == before["stateSinceMs"], sorted(states))
        fact("no request and no wake is counted", (after["requests"], roost.woken("orchard")) == (before["requests"], woken))
        fact("no time awake is billed", awake() == billed, f"{awake() - billed} ms")


@check("J4.3", "A corrupted object in the bucket turns its backup red within one cycle, and is mailed once")
def corrupted():
    cycle = 2
    with bucket() as kept, platform({"backups": {**kept.settings, "check_every": cycle}}) as roost:
        project = posts(roost)
        backup = project.back_up()
        fact("it is proven, and says when", backup["state"] == "proven" and backup["provenMs"] and backup["checkedMs"])
        key, = kept.keys(f"{backup['id']}.zip")
        kept.ask("PUT", f"/{key}", flipped(kept.ask("GET", f"/{key}")))
        began = time.monotonic()
        red = until(lambda: project.backups()[0]["state"] == "failed" and project.backups()[0], 30)
        # What is due is looked for every 5 s.
        absolute("red after", elapsed(began), cycle + 5 + 3, "s")
        fact("with a reason", red and red["reason"], red and red["reason"])
        fact("mailed", until(lambda: mails(roost, ALARM), 5))
        time.sleep(cycle + 5)
        fact("once", len(mails(roost, ALARM)) == 1, len(mails(roost, ALARM)))


@check("J4.4", "A bucket that is away: red, mailed, tried again, green only with an object that can be read")
def away():
    with bucket() as kept, platform({"backups": kept.settings}) as roost:
        project = posts(roost)
        kept.process.kill()
        kept.process.wait()
        id = roost.ask("POST", "/api/projects/orchard/backups", {}).value["jobId"]
        red = until(lambda: (found := project.backups()) and found[0]["state"] == "failed" and found[0], 120)
        fact("red", red, red and red["reason"])
        fact("mailed", until(lambda: mails(roost, ALARM), 10))
        with bucket(kept.port) as back:
            ended = job(roost, id, 240)
            fact("the next try succeeds", ended["state"] == "done" and ended["attempt"] > 1, f"try {ended['attempt']}")
            fact("it is green, and its objects are there", project.backups()[0]["state"] == "proven" and len(back.keys(project.backups()[0]["id"])) == 2)
    with forgetful() as port, platform({"backups": {"bucket": "roost", "endpoint": f"http://127.0.0.1:{port}", "access_key": "a", "secret_key": "b"}}) as roost:
        project = posts(roost)
        roost.ask("POST", "/api/projects/orchard/backups", {})
        states = set()
        red = until(lambda: states.update(found["state"] for found in project.backups()) or "failed" in states, 30)
        fact("a bucket that takes everything and has nothing: red, never green", red and "proven" not in states, project.backups()[0]["reason"])


@contextlib.contextmanager
def forgetful():
    """The port of a server that takes what it is given and does not have it."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("ETag", '"0"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            self.send_error(404)

        do_HEAD = do_POST = do_DELETE = do_GET

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@check("J4.5", "A restore in place: the present state is backed up first, and an undo brings it back exactly")
def in_place():
    with platform() as roost:
        project = posts(roost)
        for _ in range(25):
            project.upload("pictures", os.urandom(4 << 20))
        backup = project.back_up()
        then = state_of(project)
        for number in range(20):
            project.create("posts", f"later {number}")
        for id in project.ids("pictures")[:5]:
            project.ask("DELETE", f"/api/collections/pictures/records/{id}")
        project.upload("pictures", b"a new one")
        now = state_of(project)
        began = time.monotonic()
        ended = project.restore(backup)
        absolute("100 MB take", elapsed(began), 10, "s")
        fact("what was backed up is back", (len(project.ids("posts")), len(project.ids("pictures"))) == (3, 25) and state_of(project) == then)
        kinds = [(found["origin"], found["state"]) for found in project.backups()]
        fact("the state before was backed up and proven", ("restore", "proven") in kinds, kinds)
        done(roost, f"/api/projects/orchard/restores/{ended['id']}/undo")
        fact("an undo brings back exactly what was there", (len(project.ids("posts")), len(project.ids("pictures"))) == (23, 21) and state_of(project) == now)


@check("J4.6", "A backup becomes a new project")
def elsewhere():
    with platform() as roost:
        project = posts(roost, 5)
        backup = project.back_up()
        project.create("posts", "later")
        project.restore(backup, {"name": "copy", "slug": "orchard-copy"})
        copy = Project(roost, "orchard-copy", create=False)
        fact("it holds what was backed up, and the first nothing less", (len(copy.ids("posts")), len(project.ids("posts"))) == (5, 6))
        copy.create("posts", "its own")
        fact("they are two", (len(copy.ids("posts")), len(project.ids("posts"))) == (6, 6))


@check("J4.7", "A file that was deleted is restored to the last byte")
def files():
    with platform() as roost:
        project, content = posts(roost), os.urandom(3 << 20)
        path = project.upload("pictures", content)
        backup = project.back_up()
        project.ask("DELETE", f"/api/collections/pictures/records/{path.split('/')[4]}")
        fact("it is gone", project.status("GET", path)[0] == 404)
        project.restore(backup)
        fact("it is back, the same", project.ask("GET", path) == content, f"{len(content)} bytes")


@check("J4.8", "Days later only what the policy keeps remains; the last proven one is never removed")
def retention():
    with platform(fake_time=True) as roost:
        project = posts(roost)
        roost.ask("PUT", "/api/projects/orchard/backup-schedule", {**BY_HAND, "keepLast": 0, "keepDaily": 3})
        for day in range(7):
            roost.move_clock(day * 24 * 3600)
            project.back_up()
            # As if the schedule had made it; what is made by hand stays.
            control(roost, "UPDATE backup SET origin = 'schedule'")
        project.back_up()
        kept = [found for found in project.backups() if found["origin"] == "schedule"]
        fact("three days are kept of seven", len(kept) == 3, len(kept))
        fact("objects go along", (len(objects(roost, project, ".zip")), len(objects(roost, project, ".json"))) == (4, 4))
        only = [found["id"] for found in project.backups()]
        for id in only[1:]:
            roost.ask("DELETE", f"/api/projects/orchard/backups/{id}")
        answer = roost.ask("DELETE", f"/api/projects/orchard/backups/{only[0]}")
        fact("the last one stays", answer.status == 409 and len(project.backups()) == 1, answer.status)


@check("J4.9", "What is one project's cannot be another's")
def mixed_up():
    with platform({"backups": {"check_every": 2}}) as roost:
        one, other = posts(roost, slug="orchard"), posts(roost, slug="meadow")
        one.back_up(), other.back_up()
        for ending in (".zip", ".json"):
            shutil.copy(objects(roost, one, ending)[0], objects(roost, other, ending)[0])
        red = until(lambda: other.backups()[0]["state"] == "failed" and other.backups()[0], 30)
        fact("a foreign archive in the place of one's own turns red", red, red and red["reason"])
        answer = roost.ask("POST", f"/api/projects/meadow/backups/{other.backups()[0]['id']}/restore", {})
        ended = job(roost, answer.value["jobId"]) if answer.status == 202 else {"state": "refused"}
        fact("and is not restored", ended["state"] in ("failed", "refused"), ended["state"])
        missing = roost.ask("POST", f"/api/projects/meadow/backups/{one.backups()[0]['id']}/restore", {})
        fact("another project's backup is not found", missing.status == 404, missing.status)
        empty = roost.ask("POST", "/api/projects/meadow/backups//restore", {})
        fact("no backup is none", empty.status in (404, 405), empty.status)
