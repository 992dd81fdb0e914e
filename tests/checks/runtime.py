"""One backend as a process, for the checks: started over a directory, asked, killed, started again."""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ROOST_RUNTIME_BIN", str(ROOT / "target/release/roost-runtime"))
LOGIN = {"identity": "admin@example.com", "password": "correct horse"}
results = []


def fact(name, holds, figure=""):
    results.append(bool(holds))
    print(f"{'ok  ' if holds else 'FAIL'}  {name}{f'  ({figure})' if figure != '' else ''}", flush=True)
    return holds


def summary():
    print(f"{sum(results)} of {len(results)} hold")
    return 0 if all(results) else 1


class Runtime:
    """A server over `directory/pb_data`; `before` stands before its command line."""

    def __init__(self, directory, before=(), **options):
        self.data = pathlib.Path(directory) / "pb_data"
        self.before, self.options, self.process, self.port = list(before), options, None, None
        if not shutil.which(BINARY):
            raise SystemExit(f"{BINARY} is missing: cargo build --release")
        subprocess.run([BINARY, "superuser", "upsert", *LOGIN.values(), "--dir", self.data], check=True, capture_output=True)

    def launch(self):
        command = [*self.before, BINARY, "serve", "--dir", str(self.data), "--http", "127.0.0.1:0"]
        quiet = {**os.environ, "ROOST_LOG": "off", **self.options.get("env", {})}
        options = {**self.options, "env": quiet}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)

    def start(self):
        self.launch()
        found = re.search(r":(\d+)$", self.process.stdout.readline().strip())
        if not found:
            raise SystemExit("the server ended before it was ready")
        self.port = int(found[1])
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    def client(self, token=""):
        return Client(self.port, token)

    def superuser(self):
        status, body = self.client().ask("POST", "/api/collections/_superusers/auth-with-password", LOGIN)
        if status != 200:
            raise SystemExit(f"the superuser cannot sign in: {body}")
        return self.client(body["token"])


class Client:
    """One connection, opened again when it was lost."""

    def __init__(self, port, token=""):
        self.headers = {"Authorization": token} if token else {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.answer_headers = {}

    def ask(self, method, path, values=None, files=()):
        """The status and the body; raises OSError or HTTPException when there is no answer."""
        headers, body = dict(self.headers), None
        if files:
            line = "a-line-that-no-file-has"
            parts = [("name=\"@jsonPayload\"", json.dumps(values or {}).encode())]
            parts += [(f'name="{field}"; filename="{name}"', content) for field, name, content in files]
            body = b"".join(f"--{line}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts)
            body += f"--{line}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={line}"
        elif values is not None:
            body, headers["Content-Type"] = json.dumps(values), "application/json"
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            raw, self.answer_headers = answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        try:
            return answer.status, json.loads(raw)
        except ValueError:
            return answer.status, raw

    def all(self, collection, fields):
        """Every record of a collection."""
        found = []
        for page in range(1, 10**6):
            path = f"/api/collections/{collection}/records?perPage=1000&page={page}&skipTotal=1&sort=id&fields={fields}"
            status, body = self.ask("GET", path)
            if status != 200:
                raise SystemExit(f"{collection} cannot be listed: {body}")
            found += body["items"]
            if len(body["items"]) < 1000:
                return found


def content(size):
    """Bytes that tell whether they are whole: they begin with the digest of the rest."""
    rest = os.urandom(size)
    return hashlib.sha256(rest).digest() + rest


def is_whole(path):
    try:
        found = path.read_bytes()
    except OSError:
        return False
    return found[:32] == hashlib.sha256(found[32:]).digest()


def open_collection(name, *fields):
    """The definition of a collection that everybody may do everything with."""
    everybody = {rule: "" for rule in ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")}
    return {"name": name, "type": "base", "fields": list(fields), **everybody}
