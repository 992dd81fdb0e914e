"""J13: who may do what."""

import os
import re
import subprocess
import time

from edge.report import absolute, check, fact

from .kit import ROOST, ROOT, Project, code, elapsed, platform, until


@check("J13.1", "Every endpoint with every role and scope, from the one table")
def matrix():
    done = subprocess.run(["cargo", "test", *(["--release"] if "/release/" in ROOST else []), "--quiet", "-p", "tests", "--test", "e2e", "access::"],
                          cwd=ROOT, env={**os.environ, "ROOST_BIN": ROOST}, capture_output=True, text=True)
    passed = re.search(r"test result: ok\. (\d+) passed", done.stdout)
    fact("whoever is enough is let in, whoever is not is refused", done.returncode == 0 and passed and int(passed[1]) >= 3, passed[1] + " tests" if passed else done.stdout[-300:])


def token(roost, **more):
    team = roost.ask("GET", "/api/teams").value["items"][0]["id"]
    made = roost.ask("POST", "/api/account/tokens", {"name": "check", "scope": "admin", "team": team, "expiresDays": 1, **more}).value
    return made["token"]["id"], {"Authorization": f"Bearer {made['secret']}", "Cookie": ""}


@check("J13.2", "A token that is revoked is worth nothing at once")
def revoked():
    with platform() as roost:
        id, shown = token(roost)
        works = lambda: roost.ask("GET", "/api/projects", headers=shown).status
        fact("it works", works() == 200)
        began = time.monotonic()
        roost.ask("DELETE", f"/api/account/tokens/{id}")
        fact("it does not any more", until(lambda: works() == 401, 5))
        absolute("after", elapsed(began), 5, "s")


@check("J13.3", "An operator sees a project's data only with a grant, and every use stands in its audit")
def support():
    with platform() as roost:  # the first account operates
        operator = roost.cookie
        roost.sign_up("owner@example.com")
        owner = roost.cookie
        Project(roost, "orchard").back_up()

        def reach():
            """What the operator is answered."""
            roost.cookie = operator
            answers = [roost.ask("GET", f"/api/projects/orchard{path}") for path in ("/backups", "/logs")]
            roost.cookie = owner
            return [answer.status for answer in answers], code(answers[0])

        refused = reach()
        fact("without a grant nothing, and a code that says why", refused == ([403, 403], "no_support_grant"), refused)
        granted = roost.ask("POST", "/api/projects/orchard/support", {"hours": 1})
        if not fact("the project's people can give one", granted.status in (200, 201), granted.status):
            return
        seen = reach()
        fact("with a grant it is seen", seen[0] == [200, 200], seen[0])
        lines = roost.ask("GET", "/api/projects/orchard/audit").value["items"]
        uses = [line["text"] for line in lines if line.get("email") == "you@example.com"]
        fact("each use is in the project's audit", len(uses) >= 2, uses[:2])
        roost.ask("DELETE", "/api/projects/orchard/support")
        fact("revoked, nothing again", reach()[0] == [403, 403], reach()[0])
