"""J4: backups that are proven, and what is restored from them."""

import os
import re
import shutil
import subprocess
import sys
import time

from edge.report import absolute, check, fact

from .kit import FILE, ROOT, SLEEPY, TEXT, Project, bucket, control, done, elapsed, job, mails, platform, until

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


def flip(path):
    """Changes one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@check("J4.1", "A schedule backs up a sleeping project on time; it is seen asleep all along, and no wake is counted")
def scheduled():
    with platform({**SLEEPY, "backups": {"least_interval": 60}}) as roost:
        posts(roost)
        roost.asleep("orchard")
        before, woken = roost.ask("GET", "/api/projects/orchard").value, roost.woken("orchard")
        every_minute = {**BY_HAND, "cron": "* * * * *"}
        due = roost.ask("PUT", "/api/projects/orchard/backup-schedule", every_minute).value["nextRunsMs"][0]
        states, made = set(), None
        end = time.monotonic() + 90
        while time.monotonic() < end and not made:
            states.add(roost.state("orchard"))
            made = next((backup for backup in roost.ask("GET", "/api/projects/orchard/backups").value["items"] if backup["state"] == "proven"), None)
            time.sleep(0.05)
        fact("there is a proven backup", made, made and made["origin"])
        if made:
            # Jitter spreads those of many projects.
            absolute("after it was due", (made["createdMs"] - due) / 1000, 60, "s")
        after = roost.ask("GET", "/api/projects/orchard").value
        fact("it was asleep all along", states == {"asleep"} and after["stateSinceMs"] == before["stateSinceMs"], sorted(states))
        fact("no request and no wake is counted", (after["requests"], roost.woken("orchard")) == (before["requests"], woken))


@check("J4.2", "What a backup costs those who write meanwhile")
def stall():
    done = subprocess.run([sys.executable, ROOT / "tests/load/backup", "300", "5"], capture_output=True, text=True)
    found = re.search(r"p99 beside a backup is ([\d.]+) times", done.stdout)
    fact("p99 beside a backup, of that beside a plain copy", found and float(found[1]) <= 2, f"{found and found[1]}x", "<= 2x")
    fact("the restored copy is whole and a prefix of what was acknowledged", "the backup is whole" in done.stdout, done.stdout.strip().splitlines()[-2:])


@check("J4.3", "A corrupted object turns its backup red within one cycle, and is mailed once")
def corrupted():
    with platform({"backups": {"check_every": 2}}) as roost:
        project = posts(roost)
        backup = project.back_up()
        fact("it is proven", backup["state"] == "proven" and backup["provenMs"] and backup["checkedMs"])
        flip(objects(roost, project, ".zip")[0])
        began = time.monotonic()
        red = until(lambda: project.backups()[0]["state"] == "failed" and project.backups()[0], 30)
        absolute("red after", elapsed(began), 10, "s")
        fact("with a reason", red and red["reason"], red and red["reason"])
        time.sleep(5)
        fact("mailed once", len(mails(roost, ALARM)) == 1, len(mails(roost, ALARM)))


@check("J4.4", "A bucket that is away: red, mailed, tried again, green only with an object that can be read")
def away():
    with bucket() as (port, server):
        settings = {"bucket": "roost", "endpoint": f"http://127.0.0.1:{port}", "access_key": "a", "secret_key": "b"}
        with platform({"backups": settings}) as roost:
            project = posts(roost)
            server.kill()
            server.wait()
            id = roost.ask("POST", "/api/projects/orchard/backups", {}).value["jobId"]
            red = until(lambda: (found := project.backups()) and found[0]["state"] == "failed" and found[0], 120)
            fact("red", red, red and red["reason"])
            fact("mailed", until(lambda: mails(roost, ALARM), 10))
            with bucket(port):
                ended = job(roost, id, 240)
                fact("the next try succeeds", ended["state"] == "done" and ended["attempt"] > 1, f"try {ended['attempt']}")
                fact("it is green", project.backups()[0]["state"] == "proven")


@check("J4.5", "A restore in place: the present state is backed up first, and an undo brings it back exactly")
def in_place():
    with platform() as roost:
        project = posts(roost)
        for _ in range(25):
            project.upload("pictures", os.urandom(4 << 20))
        backup = project.back_up()
        then = (project.ids("posts"), project.ids("pictures"))
        for number in range(20):
            project.create("posts", f"later {number}")
        now = (project.ids("posts"), project.ids("pictures"))
        began = time.monotonic()
        ended = project.restore(backup)
        absolute("100 MB take", elapsed(began), 10, "s")
        fact("what was backed up is back", (project.ids("posts"), project.ids("pictures")) == then)
        kinds = [(found["origin"], found["state"]) for found in project.backups()]
        fact("the state before was backed up and proven", ("restore", "proven") in kinds, kinds)
        done(roost, f"/api/projects/orchard/restores/{ended['id']}/undo")
        fact("an undo brings back exactly what was there", (project.ids("posts"), project.ids("pictures")) == now)


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


@check("J4.8", "Only what the policy keeps remains; the last proven one is never removed")
def retention():
    with platform() as roost:
        project = posts(roost)
        roost.ask("PUT", "/api/projects/orchard/backup-schedule", {**BY_HAND, "keepLast": 0, "keepDaily": 3})
        day = 24 * 3600 * 1000
        for age in range(6, 0, -1):
            made = project.back_up()
            # As if the schedule had made it so many days ago; what is made by hand stays.
            control(roost, "UPDATE backup SET origin = 'schedule', created_ms = created_ms - ? WHERE id = ?", age * day, made["id"])
        control(roost, "UPDATE backup SET origin = 'schedule'")
        project.back_up()
        kept = [found for found in project.backups() if found["origin"] == "schedule"]
        fact("three days are kept of six", len(kept) == 3, len(kept))
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
