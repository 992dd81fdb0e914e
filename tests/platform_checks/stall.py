"""J4.2: what a backup costs those who write meanwhile, and whether it holds what they were told."""

import contextlib
import os
import shutil
import sqlite3
import statistics
import threading
import time
import zipfile

from edge.clients import address, exchange, secure, tcp
from edge.report import check, fact, note

from .kit import TEXT, Project, job, percentile, place, platform

MEGABYTES, WRITERS, RATE, ROUNDS, CHUNK = 200, 8, 200, 3, 1 << 20
RECORDS = "/api/collections/posts/records"
# Text that packs about as well as people's does.
ROWS = """INSERT INTO posts (id, text) WITH RECURSIVE n (at) AS (SELECT {first} UNION ALL SELECT at + 1 FROM n LIMIT {count})
          SELECT printf('row%012d', at), hex(randomblob(500)) || hex(zeroblob(500)) FROM n"""


class Writers:
    """Writers that keep their pace whatever the answers take. `written` is the ledger: when each record was sent, and when
    it was acknowledged."""

    def __init__(self, project, name):
        self.project, self.name, self.written, self.failures, self.over = project, name, {}, [], threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _write(self, writer):
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
        """The p99 of a write between these moments, and the longest time in which none was acknowledged, in ms."""
        those = [(sent, told) for sent, told in self.written.values() if since <= sent and told <= until]
        told = sorted(told for _, told in those)
        return percentile([(told - sent) * 1000 for sent, told in those], 0.99), max(later - earlier for earlier, later in zip(told, told[1:])) * 1000


def copy_slowly(source, target, seconds):
    """Copies a file so that it takes that long, and is on the disk all along."""
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
        figures, whole, prefixes, failures = [], [], [], []
        for round in range(ROUNDS):
            with Writers(project, f"w{round}") as writers:
                time.sleep(1)
                begun = time.monotonic()
                made = job(roost, roost.ask("POST", "/api/projects/orchard/backups", {}).value["jobId"])
                ended = time.monotonic()
                beside = writers.felt(begun, ended)
            with Writers(project, f"c{round}") as control:
                time.sleep(1)
                since = time.monotonic()
                copy_slowly(database, directory / "copy", ended - begun)
                plain = control.felt(since, time.monotonic())
            failures += writers.failures + control.failures + [made] * (made["state"] != "done")
            archive = roost.directory / "data/backups" / project.about["id"] / f"{project.backups()[0]['id']}.zip"
            sound, ids = holds(archive, directory / "restored")
            whole.append(sound and sum(id.startswith("row") for id in ids) == rows)
            prefixes.append(is_prefix(writers.written, ids, begun))
            figures.append((beside, plain))
            share = sum(id in ids for id in writers.written)
            note(f"a backup of {database.stat().st_size >> 20} MB in {ended - begun:.1f} s", f"p99 {beside[0]:.1f} ms, longest silence {beside[1]:.1f} ms; "
                 f"beside a copy {plain[0]:.1f} and {plain[1]:.1f} ms; it has {share} of {len(writers.written)} writes")
        times = statistics.median(beside[0] / plain[0] for beside, plain in figures)
        pause = statistics.median(beside[1] - plain[1] for beside, plain in figures)
        fact("every write is taken", not failures, failures[:1])
        fact("p99 beside a backup, of that beside a plain copy of that size and pace", times <= 2, f"{times:.2f}x, median of {ROUNDS}", "<= 2x")
        fact("a backup keeps the writer so much longer than that copy does", pause <= 20, f"{pause:.1f} ms, median of {ROUNDS}", "<= 20 ms")
        fact("what is restored is whole", all(whole), whole)
        fact("and a prefix of what was acknowledged", all(prefixes), prefixes)
