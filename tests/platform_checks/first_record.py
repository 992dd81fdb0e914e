"""J1: somebody new gets to a first record."""

import concurrent.futures
import random
import threading
import time

from edge.clients import Closed
from edge.report import absolute, check, fact

from .kit import Project, Roost, code, control, elapsed, mails, place, platform, prove, sdk, until


def secret(roost):
    return until(lambda: mails(roost), 5)[0]["link"].split("#")[1]


@check("J1.1", "The mail to prove an address comes at once; its link works once, and not for ever")
def mail():
    with platform(account=False) as roost:
        began = time.monotonic()
        roost.sign_up()
        link = secret(roost)
        absolute("the mail is there after", elapsed(began), 5, "s")
        proven = roost.ask("POST", "/api/verification/confirm", {"token": link})
        fact("the link proves the address", proven.value.get("verified") is True, proven.status)
        again = roost.ask("POST", "/api/verification/confirm", {"token": link})
        fact("a second time it does not work", again.status == 400, code(again))
        roost.sign_up("late@example.com")
        late = until(lambda: [mail for mail in mails(roost) if mail["to"] == "late@example.com"], 5)[0]["link"].split("#")[1]
        control(roost, "UPDATE ticket SET expires_ms = ?", int(time.time() * 1000) - 1)
        fact("past its time it does not work", roost.ask("POST", "/api/verification/confirm", {"token": late}).status == 400)


@check("J1.2", "A project serves over TLS within a second, before the address is proven; what could be abused waits")
def serves():
    with platform() as roost:  # who is first operates, and has nothing to prove
        roost.sign_up("new@example.com")
        times, healths = [], []
        for slug in ("orchard", "second"):
            roost.create(slug)
            began = time.monotonic()
            healths.append(roost.ask("GET", "/api/health", host=f"{slug}.apps.test").status)
            times.append(elapsed(began))
        fact("it answers health over valid TLS", healths == [200] * 2, healths)
        absolute("after the 201", times, 1, "s")
        fact("the address is not proven", roost.ask("GET", "/api/account").value["verified"] is False)
        team = roost.ask("GET", "/api/teams").value["items"][0]["id"]
        waiting = {
            "a domain of its own": ("/api/projects/orchard/domains", {"name": "orchard.example.org"}),
            "an invitation": (f"/api/teams/{team}/invitations", {"email": "friend@example.com", "role": "viewer"}),
            "a third project": ("/api/projects", {"name": "third", "slug": "third"}),
        }
        for what, (path, body) in waiting.items():
            refused = roost.ask("POST", path, body)
            fact(f"{what} waits", (refused.status, code(refused)) == (403, "unverified"), code(refused))
        prove(roost, "new@example.com")
        for what, (path, body) in waiting.items():
            fact(f"{what} is had once it is", roost.ask("POST", path, body).status in (201, 204))


@check("J1.3", "From signing up to a record in a list, with the stock SDK")
def first_record():
    times = []
    for _ in range(3):
        with platform(account=False) as roost:
            began = time.monotonic()
            roost.sign_up()
            project = Project(roost, "orchard", signed_in=False)
            listed = sdk(project, "begin")
            times.append(elapsed(began))
            fact("a script signs in, makes a collection and a record, and lists it", listed is True)
    absolute("all of it takes", times, 3, "s")


@check("J1.4", "Names that would mislead are refused with a code")
def names():
    with platform() as roost:
        for slug in ["www", "api", "admin", "status", "login", "paypal", "_dmarc", "a", "ab", "xn--80ak6aa92e"]:
            answer = roost.ask("POST", "/api/projects", {"name": slug, "slug": slug})
            fact(slug, answer.status == 400 and code(answer) in ("reserved_slug", "invalid_slug"), code(answer))


@check("J1.5", "Two hundred projects at once, with names that clash")
def crowd():
    with platform({"projects_per_account": 1000}) as roost:
        slugs = [f"project-{number % 150}" for number in range(200)]
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(lambda slug: roost.ask("POST", "/api/projects", {"name": slug, "slug": slug}, timeout=120), slugs))
        made = [answer.value["project"]["slug"] for answer in answers if answer.status == 201]
        refused = [code(answer) for answer in answers if answer.status != 201]
        fact("each name is somebody's once", len(made) == len(set(made)) == 150, f"{len(made)} made")
        fact("the others are refused with a code", set(refused) == {"slug_taken"}, f"{len(refused)} refused: {sorted(set(refused))}")
        folders = {path.name for path in (roost.directory / "data/tenants").iterdir() if path.is_dir()}
        rows = {row[0] for row in control(roost, "SELECT id FROM project")}
        fact("no folder without a row, no row without a folder", until(lambda: folders == rows, 5), f"{len(folders)}, {len(rows)}")


@check("J1.6", "Killed while a project is created, it is whole or not there")
def killed():
    with place() as directory:
        roost, made, gone = Roost(directory), 0, 0
        try:
            roost.start()
            roost.sign_up()
            for number in range(12):
                slug = f"project-{number}"
                asking = threading.Thread(target=lambda: quietly(roost, slug))
                asking.start()
                time.sleep(random.uniform(0, 0.5))
                roost.kill()
                asking.join()
                roost.start()
                shown = roost.ask("GET", f"/api/projects/{slug}").status
                served = until(lambda: roost.ask("GET", "/api/health", host=f"{slug}.apps.test").status == shown, 5)
                assert served and shown in (200, 404), (shown, served)
                made, gone = made + (shown == 200), gone + (shown == 404)
            fact("whole or not there", made + gone == 12, f"{made} there, {gone} not")
            folders = {path.name for path in (directory / "data/tenants").iterdir() if path.is_dir()}
            rows = {row[0] for row in control(roost, "SELECT id FROM project")}
            fact("no folder without a row, no row without a folder, nothing half made", folders == rows, sorted(folders ^ rows))
        finally:
            roost.kill()


def quietly(roost, slug):
    try:
        roost.ask("POST", "/api/projects", {"name": slug, "slug": slug})
    except (OSError, Closed):
        pass
