"""J11: the machine is gone."""

import os
import subprocess
import time

from edge.certified import add_domain, await_state, certified, served
from edge.kit import PASSWORD, ROOST
from edge.report import absolute, check, fact
from edge.stub_ca import stub_ca

from .kit import FILE, SLEEPY, TEXT, Project, Roost, bucket, elapsed, place


def run(*words):
    return subprocess.run([ROOST, *map(str, words)], capture_output=True, text=True)


@check("J11.1", "One command brings control database, certificates, settings and all tenants back from a directory")
def directory():
    with place() as elsewhere:
        bring_back(elsewhere / "monday", {})


@check("J11.2", "The same from a bucket")
def from_bucket():
    with bucket() as kept:
        bring_back("s3://roost/monday", {**kept.settings, "bucket": ""})


def bring_back(copy, backups):
    with place() as fresh:
        with certified({**SLEEPY, "backups": backups}, authority=stub_ca) as (old, authority, _):
            projects = {slug: Project(old, slug) for slug in ("orchard", "meadow", "pond")}
            for project in projects.values():
                project.collection("posts", TEXT)
                project.collection("pictures", FILE)
                project.create("posts", project.slug)
                project.path = project.upload("pictures", project.slug.encode())
            add_domain(old, "orchard", "shop.example.com")
            await_state(old, "orchard", "shop.example.com", "live")
            names = ("apps.test", "orchard.apps.test", "shop.example.com")
            serials = [old.serial(name) for name in names]
            config = old.directory / "roost.toml"
            made = run("backup", "--to", copy, "--config", config)
            fact("it is copied beside the running platform", made.returncode == 0, (made.stdout.strip() or made.stderr.strip()).splitlines()[-1])
            again = run("backup", "--to", copy, "--config", config)
            fact("a place that is used is refused", again.returncode != 0 and "already" in again.stderr or "not empty" in again.stderr, again.stderr.strip())
            old.kill()
            authority.mode = "failing"  # whatever is served was brought along
            new = Roost(fresh)
            new.http, new.https, new.root = old.http, old.https, old.root
            settings = dict(old.settings)
            # The settings say where the bucket is: on a fresh machine they come before everything else.
            began = time.monotonic()
            (fresh / "data").mkdir()
            if os.geteuid() == 0:  # as root restores for the service's user
                os.chown(fresh / "data", 12345, 12345)
            (fresh / "roost.toml").write_bytes(config.read_bytes())
            restored = run("restore", "--from", copy, "--dir", fresh / "data", "--config", fresh / "roost.toml")
            fact("it is restored", restored.returncode == 0, (restored.stdout.strip() or restored.stderr.strip()).splitlines()[-1])
            owners = {path.lstat().st_uid for path in (fresh / "data").rglob("*")}
            fact("everything belongs to whom the directory belongs to", owners == {(fresh / "data").stat().st_uid}, owners)
            new.settings = {**settings, "dir": fresh / "data"}
            try:
                new.start()
                first = new.ask("GET", "/api/health", host="orchard.apps.test")
                absolute("the first tenant answers after", elapsed(began), 60, "s")
                fact("with its data", first.status == 200, first.status)
                fact("names are served with the certificates of before, a project's own domain among them",
                     None not in serials and [new.serial(name) for name in names] == serials and served(new, names[2]) == 200, names)
                signed = new.ask("POST", "/api/session", {"email": "you@example.com", "password": PASSWORD})
                fact("people sign in with their old passwords", signed.status == 200, signed.status)
                new.sign_in()
                same = 0
                for slug, project in projects.items():
                    found = Project(new, slug, create=False)
                    same += found.ids("posts") != [] and found.ask("GET", project.path) == slug.encode()
                fact("every tenant has its records and files", same == 3, same)
                absolute("all of them answer after", elapsed(began), 15 * 60, "s")
            finally:
                new.kill()
