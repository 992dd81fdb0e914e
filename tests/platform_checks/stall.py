"""J4.2: what a backup costs those who write meanwhile, and whether it holds what they were told."""

import contextlib
import os
import shutil
import sqlite3
import time
import zipfile

from edge.clients import address, exchange, secure, tcp
from edge.report import absolute, check, fact, note

from .kit import TEXT, Crew, Project, job, percentile, place, platform

MEGABYTES, WRITERS, RATE, ROUNDS, CHUNK = 200, 8, 200, 3, 16 << 20
RECORDS = "/api/collections/posts/records"
# Text that packs about as well as people's does.
ROWS = """INSERT INTO posts (id, text) WITH RECURSIVE n (at) AS (SELECT {first} UNION ALL SELECT at + 1 FROM n LIMIT {count})
          SELECT printf('row%012d', at), hex(randomblob(500)) || hex(zeroblob(500)) FROM n"""


class Writers(Crew):
    """Writers that keep their pace whatever the answers take. `written` is the ledger: when each record was sent, and when
    it was acknowledged."""

    def __init__(self, project, name):
        super().__init__(WRITERS)
        self.project, self.name, self.written, self.failures = project, name, {}, []

    def work(self, writer):
        roost, host = self.project.roost, self.project.host
        due, count = time.monotonic() + writer / RATE, 0
        with contextlib.closing(secure(tcp(roost.https, address(writer)), host, roost.root)) as connection:
            while not self.over.is_set():
                time.sleep(max(0, due - time.monotonic()))
                id, sent = f"{self.name}{writer}{count:012d}", time.monotonic()
                answer = exchange(connection, "POST", RECORDS, {"id": id, "text": "another note"}, {"Host": host})
                if answer.status == 200:
                    self.written[id] = sent, time.monotonic()
                else:
                    self.failures.append(answer)
                count, due = count + 1, due + WRITERS / RATE

    def felt(self, since, until):
        """The p99 of a write between these moments in ms, and between which moments none was acknowledged."""
        those = [(sent, told) for sent, told in list(self.written.values()) if since <= sent and told <= until]
        told = sorted(told for _, told in those)
        return percentile([(told - sent) * 1000 for sent, told in those], 0.99), list(zip(told, told[1:]))


class Probe(Crew):
    """Somebody else who writes a few bytes and syncs them, again and again: what keeps both waiting is the machine."""

    def __init__(self, path):
        super().__init__(1)
        self.path, self.done = path, []

    def work(self, _):
        with open(self.path, "wb", buffering=0) as file:
            while not self.over.wait(0.002):
                file.write(b"a few bytes")
                os.fdatasync(file.fileno())
                self.done.append(time.monotonic())

    def pause(self, silences):
        """The longest of these silences in ms, each without the probe's own longest in it."""

        def own(since, until):
            return max((min(end, until) - max(begin, since) for begin, end in zip(self.done, self.done[1:]) if begin < until and end > since), default=0)

        return max((until - since - own(since, until)) * 1000 for since, until in silences)


def copy_slowly(source, target, seconds):
    """Copies a file so that it takes that long, and reaches the disk piece by piece."""
    began, size, copied = time.monotonic(), source.stat().st_size, 0
    with open(source, "rb") as of, open(target, "wb") as to:
        while chunk := of.read(CHUNK):
            to.write(chunk)
            os.fdatasync(to.fileno())
            copied += len(chunk)
            time.sleep(max(0, began + seconds * copied / size - time.monotonic()))
    target.unlink()


def holds(archive, directory):
    """Whether the database of a backup is whole, and which records it has."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(directory, [name for name in content.namelist() if name.startswith("data.db")])
    with contextlib.closing(sqlite3.connect(directory / "data.db")) as db:
        whole = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ids = {row[0] for row in db.execute("SELECT id FROM posts")}
    shutil.rmtree(directory)
    return whole, ids


def is_prefix(written, ids, begun):
    """Whether a copy has what was acknowledged before it was begun, and nothing that was sent after something it lacks had
    been acknowledged."""
    lacks = [told for id, (_, told) in written.items() if id not in ids]
    has = [sent for id, (sent, _) in written.items() if id in ids]
    first = min(lacks, default=float("inf"))
    return first >= begun and first >= max(has, default=0)


@check("J4.2", "What a backup costs those who write 200 records a second meanwhile")
def stall():
    with place() as directory, platform() as roost:
        project = Project(roost, "orchard")
        project.collection("posts", TEXT)
        first = 0
        for first in range(0, MEGABYTES * 450, 10_000):
            project.ask("POST", "/api/sql", {"query": ROWS.format(first=first, count=10_000)})
        rows = first + 10_000
        database = roost.directory / "data/tenants" / project.about["id"] / "data-1/data.db"
        ratios, pauses, whole, prefixes, failures = [], [], [], [], []
        for round in range(ROUNDS):
            with Writers(project, f"w{round}") as writers, Probe(roost.directory / "data/probe") as probe:
                time.sleep(1)
                begun = time.monotonic()
                made = job(roost, roost.ask("POST", "/api/projects/orchard/backups", {}).value["jobId"])
                ended = time.monotonic()
                beside, silences = writers.felt(begun, ended)
            pauses.append(probe.pause(silences))
            with Writers(project, f"c{round}") as control, Probe(roost.directory / "data/probe"):
                time.sleep(1)
                since = time.monotonic()
                copy_slowly(database, directory / "copy", ended - begun)
                plain, _ = control.felt(since, time.monotonic())
            failures += writers.failures + control.failures + [made] * (made["state"] != "done")
            archive = roost.directory / "data/backups" / project.about["id"] / f"{project.backups()[0]['id']}.zip"
            sound, ids = holds(archive, directory / "restored")
            whole.append(sound and sum(id.startswith("row") for id in ids) == rows)
            prefixes.append(is_prefix(writers.written, ids, begun))
            ratios.append(beside / plain)
            share = sum(id in ids for id in writers.written)
            note(f"a backup of {database.stat().st_size >> 20} MB in {ended - begun:.1f} s", f"p99 {beside:.1f} ms, beside a copy {plain:.1f} ms; "
                 f"longest silence {max(until - since for since, until in silences) * 1000:.0f} ms; it has {share} of {len(writers.written)} writes")
        fact("every write is taken", not failures, failures[:1])
        absolute("p99 beside a backup, of that beside a plain copy of that size and pace", ratios, 2, "times")
        absolute("the writer's longest pause, without what a probe waits at the same time", pauses, 20)
        fact("what is restored is whole", all(whole), whole)
        fact("and a prefix of what was acknowledged", all(prefixes), prefixes)
