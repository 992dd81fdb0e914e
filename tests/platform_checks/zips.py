"""J2: a backend comes from a PocketBase, and goes to one."""

import io
import os
import re
import sqlite3
import time
import zipfile

from edge.report import absolute, check, fact

from .kit import Project, Stock, code, elapsed, place, platform, sdk, tree

PEOPLE = [(f"person{number}@example.com", f"password {number}") for number in range(3)]
PASSWORDS = "/api/collections/people/auth-with-password"


def fill(backend, megabytes=0):
    """A collection with posts, people who sign in, and files."""
    backend.collection("posts", {"name": "text", "type": "text"})
    backend.collection("people", type="auth")
    backend.collection("pictures", {"name": "file", "type": "file", "maxSize": 100 << 20})
    for number in range(50):
        backend.create("posts", f"post {number}")
    for email, password in PEOPLE:
        body = {"email": email, "password": password, "passwordConfirm": password}
        backend.ask("POST", "/api/collections/people/records", body)
    for _ in range(max(1, megabytes // 4)):
        backend.upload("pictures", os.urandom(4 << 20))


def read(backend):
    """What a script reads there with the stock SDK."""
    return sdk(backend, "read", *(word for person in PEOPLE for word in person))


def same(before, after):
    """Two such readings, part by part."""
    for part in before:
        count = len(before[part]) if isinstance(before[part], (dict, list)) else before[part]
        differs = [key for key in before[part] if before[part][key] != after[part].get(key)] if isinstance(before[part], dict) else ""
        fact(f"the SDK reads the same {part}", before[part] == after[part], differs or count)
    fact("people sign in with their passwords, and with no other", all(len(str(ours)) == 15 and wrong == 400 for ours, wrong in after["people"].values()), after["people"])
    fact("there is something to read", [len(before["records"][name]) for name in ("posts", "people")] == [50, len(PEOPLE)] and before["files"], f"{len(before['files'])} files")


@check("J2.1", "A zip of a stock server becomes a project, ids, passwords and files the same")
def comes():
    with place() as directory, platform({"backups": {"largest_import": 500}}) as roost:
        with Stock(directory / "pb_data") as stock:
            fill(stock, 100)
            before = read(stock)
            stock.ask("POST", "/api/backups", {"name": "all.zip"})
        content = (directory / "pb_data/backups/all.zip").read_bytes()
        project = Project(roost, "orchard")
        began = time.monotonic()
        report, backup = project.bring(content)
        fact("the zip is taken in and reported", report.get("state") == "done" and backup["state"] == "proven", report.get("error"))
        project.restore(backup)
        absolute(f"a zip of {len(content) >> 20} MB takes", elapsed(began), 20, "s")
        same(before, read(project))


def archive(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, inner in files.items():
            made.writestr(name, inner)
    return content.getvalue()


def bomb():
    """Three gigabytes in three megabytes."""
    content, zeros = io.BytesIO(), b"\0" * (64 << 20)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made, made.open("data.db", "w", force_zip64=True) as entry:
        for _ in range(48):
            entry.write(zeros)
    return content.getvalue()


def newer_schema(directory):
    """A database that a later version changed: a field of a kind nobody knows."""
    with Stock(directory / "newer") as stock:
        stock.collection("posts", {"name": "text", "type": "text"})
    db = sqlite3.connect(directory / "newer/data.db", isolation_level=None)
    db.execute("UPDATE _collections SET fields = replace(fields, '\"type\":\"text\"', '\"type\":\"hologram\"') WHERE name = 'posts'")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return (directory / "newer/data.db").read_bytes()


@check("J2.2", "A bad zip is refused and leaves nothing behind")
def bad():
    with place() as directory, platform({"backups": {"largest_import": 20}}) as roost:
        project = Project(roost, "orchard")
        project.collection("posts", {"name": "text", "type": "text"})
        project.create("posts", "stays")
        # All files but those of databases and what is measured, which come and go.
        names = lambda: {path for path in tree(roost.directory / "data") if (roost.directory / "data" / path).is_file() and not re.search(r"\.db|usage\.", path)}
        before = names()
        sqlite = sqlite3.connect(directory / "other.db")
        sqlite.execute("CREATE TABLE other (x)")
        sqlite.commit()
        sqlite.close()
        cases = {
            "no zip": b"no zip at all",
            "a path out of it": archive(**{"../../evil.txt": b"x", "data.db": (directory / "other.db").read_bytes()}),
            "a bomb": bomb(),
            "another database": archive(**{"data.db": (directory / "other.db").read_bytes()}),
            "no database": archive(**{"notes.txt": b"x"}),
            "a newer schema": archive(**{"data.db": newer_schema(directory)}),
        }
        # Whether a zip is good is seen by the job that checks it, which says why it is not; how large it is, while it comes.
        for name, content in cases.items():
            ended, backup = project.bring(content)
            refused = backup and (ended["state"], backup["state"]) == ("failed", "failed") and ended["error"]
            fact(f"{name} is refused", refused, (ended.get("error") or str(ended))[:90])
        answer = roost.ask("POST", "/api/projects/orchard/imports", os.urandom(21 << 20), headers={"Content-Type": "application/zip"})
        envelope = isinstance(answer.value, dict) and answer.value.keys() == {"data", "message", "status"} and answer.value["status"]
        fact("too large a zip is refused", (answer.status, envelope, code(answer)) == (413, 413, "too_large"), answer.value)
        left = names() - before
        fact("nothing is left", not left and not list(roost.directory.rglob("evil.txt")), sorted(left))
        fact("the project is as it was", len(project.ids("posts")) == 1)


@check("J2.3", "A download is served by a stock server, which shows the same")
def goes():
    with place() as directory, platform() as roost:
        project = Project(roost, "orchard")
        fill(project, 8)
        before = read(project)
        backup = project.back_up()
        content = roost.ask("GET", f"/api/projects/orchard/backups/{backup['id']}/zip").value
        zipfile.ZipFile(io.BytesIO(content)).extractall(directory / "pb_data")
        with Stock(directory / "pb_data") as stock:
            same(before, read(stock))
