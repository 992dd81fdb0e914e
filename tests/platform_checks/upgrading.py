"""J9: another program takes over."""

import collections
import random
import socket
import subprocess
import time

from edge.clients import Closed
from edge.kit import ROOST
from edge.listeners import Listeners
from edge.report import absolute, check, fact

from .kit import ROOT, TEXT, Crew, Project, elapsed, platform, until

UPGRADES, ALLOWANCE = 3, 1.5  # seconds that a change of hands may add to the longest answer in flight


class Load(Crew):
    """Reads and writes on new connections, on all projects in turn."""

    def __init__(self, projects, clients=6):
        super().__init__(clients)
        self.projects = projects
        self.waits, self.failures, self.created = [], [], collections.Counter()

    def work(self, number):
        while not self.over.is_set():
            project = self.projects[(number * 7 + random.randrange(3)) % len(self.projects)]
            number += 1
            for method, path, body in (("POST", "/api/collections/posts/records", {"text": "load"}), ("GET", "/api/collections/posts/records?perPage=1", None)):
                began = time.monotonic()
                try:
                    status, _ = project.status(method, path, body)
                except (OSError, Closed) as error:
                    status = repr(error)
                self.waits.append((began, elapsed(began)))
                if status != 200:
                    self.failures.append((method, status))
                elif body:
                    self.created[project.slug] += 1

    def longest(self, since):
        """Of the requests that began since then."""
        return max((took for began, took in list(self.waits) if began >= since), default=0.0)


@check("J9.1", "An upgrade under load on fifty projects: nothing fails, nothing is lost, streams come back once")
def upgrade():
    with platform({"projects_per_account": 1000}) as roost:
        projects = [Project(roost, f"project-{number}") for number in range(50)]
        for project in projects:
            project.collection("posts", TEXT)
        before, codes, waits, returns = roost.processes(), [], [], []
        with Listeners(roost, [project.host for project in projects]) as streams, Load(projects) as load:
            assert until(streams.all_there, 30), streams.failures
            began = time.monotonic()
            time.sleep(2)
            usual = load.longest(began)
            for _ in range(UPGRADES):
                ended, since = list(streams.ended), time.monotonic() - usual
                codes.append(roost.begin_upgrade().wait(60))
                assert until(streams.all_there, 10), streams.failures
                time.sleep(1)
                waits.append(load.longest(since))
                returns.append(max(now - then for now, then in zip(streams.ended, ended)))
            load.over.set()
        fact("three upgrades", codes == [0] * UPGRADES and roost.processes() != before, codes)
        fact("no request failed", not load.failures, f"{len(load.failures)} of {len(load.waits)}: {load.failures[:3]}")
        fact("each of fifty event streams comes back at most once in each", max(returns) <= 1 and not streams.failures, f"{sum(streams.ended)} times in all: {streams.failures[:1]}")
        absolute("the longest wait, with the longest of usual answers", waits, round(usual + ALLOWANCE, 2), "s")
        stored = {project.slug: len(project.ids("posts")) for project in projects}
        fact("every acknowledged record is there, once", stored == {slug: load.created[slug] for slug in stored}, f"{sum(stored.values())} of {load.created.total()}")


@check("J9.2", "A program that does not start changes nothing, and the command says so")
def broken():
    with platform() as roost:
        project = Project(roost, "orchard")
        before = roost.processes()
        settings = roost.directory / "roost.toml"

        def refused(name, binary):
            done = subprocess.run([ROOST, "upgrade", "--config", settings, "--binary", binary], capture_output=True, text=True)
            fact(f"{name}: refused", done.returncode == 1 and done.stderr.startswith("Error: "), done.stderr.strip())

        refused("a program that ends at once", "/bin/false")
        refused("one that is not there", "/nonexistent")
        silent = roost.directory / "silent"
        silent.write_text("#!/bin/sh\nexec sleep 300\n")
        silent.chmod(0o755)
        refused("one that does not become ready", silent)
        before_that = settings.read_text()
        settings.write_text(f"{before_that}\n[nonsense]\nx = 1\n")
        refused("settings that nobody understands", ROOST)
        settings.write_text(before_that)
        fact("the old process goes on", roost.processes() == before and project.status("GET", "/api/health")[0] == 200)
        fact("and a good one takes over afterwards", roost.begin_upgrade().wait(60) == 0 and project.status("GET", "/api/health")[0] == 200)
        added = subprocess.run(["grep", "-LiE", r"\b(drop (table|column|index)|rename (to|column))\b", *sorted((ROOT / "control-plane/migrations").glob("*.sql"))],
                               capture_output=True, text=True).stdout.split()
        fact("migrations only add", len(added) == len(list((ROOT / "control-plane/migrations").glob("*.sql"))), len(added))


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


@check("J9.3", "Killed at twenty moments of an upgrade, the platform starts with all its data")
def kills():
    with platform() as roost:
        project = Project(roost, "orchard")
        project.collection("posts", TEXT)
        acknowledged, started = 0, 0
        for _ in range(20):
            asked = roost.begin_upgrade()
            time.sleep(random.uniform(0, 0.6))
            while roost.processes():  # one may just be starting another
                roost.kill()
            asked.wait()
            # The ports go shortly after the process that had them.
            assert until(lambda: free(roost.http) and free(roost.https), 5)
            roost.start()
            started += project.status("GET", "/api/health")[0] == 200
            project.create("posts", "after a kill")
            acknowledged += 1
        fact("it starts", started == 20, f"{started} of 20")
        fact("with everything", len(project.ids("posts")) == acknowledged, acknowledged)
