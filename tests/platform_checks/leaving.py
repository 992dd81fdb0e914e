"""J12: deleting, bringing back, leaving."""

import time
import urllib.parse

from edge.kit import PASSWORD
from edge.report import check, fact

from .kit import TEXT, Project, bucket, code, control, mails, platform, until


@check("J12.1", "A deleted project is gone at once, can be brought back, and at the end nothing of it is left")
def delete():
    with platform() as roost:
        stored = lambda project: list((roost.directory / "data/backups" / project.about["id"]).glob("*"))
        deleted_for_good(roost, stored)
    with bucket() as kept, platform({"backups": kept.settings}) as roost:
        deleted_for_good(roost, lambda project: kept.keys(project.about["id"]))


def deleted_for_good(roost, stored):
    project = Project(roost, "orchard")
    project.collection("posts", TEXT)
    project.create("posts", "kept")
    project.back_up()
    roost.ask("DELETE", "/api/projects/orchard", {"slug": "orchard"})
    fact("404 at once", roost.ask("GET", "/api/health", host=project.host).status == 404)
    taken = roost.ask("POST", "/api/projects", {"name": "orchard", "slug": "orchard"})
    fact("its name is nobody else's", taken.status == 400 and code(taken) == "slug_taken", code(taken))
    until(lambda: project.backups()[0]["origin"] == "delete" and project.backups()[0]["state"] == "proven", 30)
    roost.ask("POST", "/api/projects/orchard/undelete", {})
    fact("brought back, its data is there", until(lambda: roost.ask("GET", "/api/health", host=project.host).status == 200, 5)
         and len(Project(roost, "orchard", create=False).ids("posts")) == 1)
    roost.ask("DELETE", "/api/projects/orchard", {"slug": "orchard"})
    until(lambda: all(backup["state"] == "proven" for backup in project.backups()), 30)
    until_ms = control(roost, "SELECT deleted_until_ms FROM project WHERE slug = 'orchard'")[0][0]
    days = (until_ms / 1000 - time.time()) / (24 * 3600)
    fact("until the grace period is over", 29.9 < days <= 30, f"{days:.2f} days")
    there = stored(project)
    over = int(time.time() * 1000) - 1
    control(roost, "UPDATE project SET deleted_until_ms = ? WHERE slug = 'orchard'", over)
    control(roost, "UPDATE job SET due_ms = ? WHERE kind = 'purge_project'", over)
    home = roost.directory / "data/tenants" / project.about["id"]
    fact("then its data is gone", until(lambda: not home.exists(), 60))
    fact("and every object of its backups", there and until(lambda: not stored(project), 20), f"{len(there)} objects before, {len(stored(project))} after")
    fact("and the project", roost.ask("GET", "/api/projects/orchard").status == 404)


@check("J12.2", "Nothing is removed because a list lacks it, and not many at once without a word")
def bounds():
    with platform({"grace_days": 0}) as roost:
        slugs = [f"project-{number}" for number in range(14)]
        homes = [roost.directory / "data/tenants" / roost.create(slug)[0]["id"] for slug in slugs]
        for slug in slugs[:13]:
            roost.ask("DELETE", f"/api/projects/{slug}", {"slug": slug})
        until(lambda: roost.ask("GET", "/api/operator/purges").value.get("held"), 20)
        time.sleep(3)  # for those that would go by themselves
        held = roost.ask("GET", "/api/operator/purges").value
        there = sum(home.exists() for home in homes)
        fact("thirteen at once are held", len(held.get("held", [])) > 0 and there > 1, f"{there} of 14 there, at most {held.get('most')} go by themselves")
        roost.ask("POST", "/api/operator/purges", {"projects": len(held.get("held", []))})
        fact("an operator lets them go", until(lambda: sum(home.exists() for home in homes) == 1, 60), sum(home.exists() for home in homes))
        roost.kill()
        for file in roost.directory.glob("data/control.db*"):
            file.unlink()
        roost.start()
        time.sleep(2)
        fact("a control database that lists nothing deletes nothing", homes[13].exists())


@check("J12.3", "An account is erased; before that a link to its data is mailed")
def erase():
    with platform() as roost:
        roost.sign_up("me@example.com")  # the first account operates, and has to stay
        project = Project(roost, "orchard")
        project.back_up()
        blocked = roost.ask("DELETE", "/api/account", {"currentPassword": PASSWORD})
        fact("not while projects would be nobody's", blocked.status == 409, code(blocked))
        wrong = roost.ask("DELETE", "/api/account", {"currentPassword": "something else", "deleteProjects": True})
        fact("not without the password", wrong.status in (400, 403), code(wrong))
        erased = roost.ask("DELETE", "/api/account", {"currentPassword": PASSWORD, "deleteProjects": True})
        fact("it is erased", erased.status == 204, erased.status)
        fact("nothing tells who it was", not control(roost, "SELECT 1 FROM account WHERE email LIKE '%me@example.com%'")
             and not control(roost, "SELECT 1 FROM audit WHERE text LIKE '%me@example.com%'"))
        fact("it signs in no more", roost.ask("POST", "/api/session", {"email": "me@example.com", "password": PASSWORD}).status == 400)
        mail = until(lambda: next((mail for mail in mails(roost) if "export" in (mail["link"] or "")), None), 10)
        if not fact("a link to its data was mailed", mail and mail["to"] == "me@example.com", mail and mail["subject"]):
            return
        secret = {"secret": mail["link"].split("#")[1]}
        offered = roost.ask("POST", "/api/exports", secret, headers={"Cookie": ""})
        fact("it shows the project", offered.status == 200 and [one["id"] for one in offered.value["projects"]] == [project.about["id"]], offered.status)
        form = urllib.parse.urlencode({**secret, "project": project.about["id"]}).encode()
        zipped = roost.ask("POST", "/api/exports/zip", form, headers={"Cookie": "", "Content-Type": "application/x-www-form-urlencoded"})
        fact("and gives its data", zipped.status == 200 and zipped.value[:2] == b"PK", f"{zipped.status}, {len(zipped.value)} bytes")
