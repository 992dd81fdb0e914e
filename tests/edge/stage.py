"""The proxy alone in front of an upstream that does what no project does: echoes, dawdles, dies.

The proxy is `proxy/examples/edge.rs`, every name under example.test leads to the one upstream.
"""

import collections
import contextlib
import json
import os
import pathlib
import socketserver
import subprocess
import threading
import time
import urllib.parse

from .clients import Closed, Reader, exchange, secure, tcp
from .kit import ROOST, place
from .pki import Authority
from .report import Missing

EDGE = os.environ.get("ROOST_EDGE_BIN", str(pathlib.Path(ROOST).parent / "examples/edge"))
HOST = "a.example.test"
Seen = collections.namedtuple("Seen", "line headers body at")


class Stage:
    """The running proxy."""

    def __init__(self, directory, *arguments):
        if not pathlib.Path(EDGE).exists():
            raise Missing(f"{EDGE}: cargo build --release -p proxy --example edge")
        chain, key, self.root = Authority().issue(directory, "example.test", "*.example.test", "localhost")
        command = [EDGE, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--chain", chain, "--key", key, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.http, self.https = (int(self.process.stdout.readline().rsplit(":", 1)[1]) for _ in range(2))

    def connect(self, host=HOST, source=None, protocols=("http/1.1",), timeout=30):
        return secure(tcp(self.https, source, timeout), host, self.root, protocols)

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(self.connect()) as connection:
            return exchange(connection, method, path, body, {"Host": HOST, **(headers or {})})


@contextlib.contextmanager
def stage(*arguments):
    with place() as directory:
        running = Stage(directory, "--no-limits", *map(str, arguments))
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()


class Upstream:
    """Answers by path, and remembers what it was asked: `/echo`, `/hold?s=SECONDS` before the head, `/halves?s=SECONDS`
    between two halves of the body, `/endless`, `/take` that reads what it is sent until the client hangs up. It dies
    as `deaths` says: "before" the next connection is read, or once the next request is "read"."""

    def __init__(self):
        upstream = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                upstream.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, request_queue_size, allow_reuse_address = True, 1024, True

            def handle_error(self, *_):
                pass  # clients and proxies hang up: that is what is tested

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.seen, self.aborts, self.deaths, self.connections = [], [], [], 0
        self.lock = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def serve(self, connection):
        with self.lock:
            self.connections += 1
            if self.deaths and self.deaths[0] == "before":
                self.deaths.pop(0)
                return
        reader = Reader(connection)
        with contextlib.suppress(Closed, OSError):
            while True:
                self.one(connection, reader)

    def one(self, connection, reader):
        line = reader.line()
        headers = []
        while text := reader.line():
            name, value = text.split(":", 1)
            headers.append((name.lower(), value.strip()))
        path = urllib.parse.urlsplit(line.split()[1])
        fields = dict(headers)
        if path.path == "/take":
            return self.take(reader)
        try:
            body = reader.body(fields) if "content-length" in fields or "transfer-encoding" in fields else b""
        except (Closed, OSError):
            self.aborts.append(time.monotonic())
            raise
        with self.lock:
            self.seen.append(Seen(line, headers, body, time.monotonic()))
            if self.deaths and self.deaths[0] == "read":
                self.deaths.pop(0)
                raise Closed("as it was told")
        seconds = float(urllib.parse.parse_qs(path.query).get("s", ["0"])[0])
        getattr(self, path.path.strip("/").split("/")[0] or "echo", self.echo)(connection, seconds)

    def answer(self, connection, body):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def echo(self, connection, _):
        seen = self.seen[-1]
        self.answer(connection, json.dumps({"line": seen.line, "headers": seen.headers, "length": len(seen.body)}).encode())

    def hold(self, connection, seconds):
        time.sleep(seconds)
        self.answer(connection, b'"done"')

    def halves(self, connection, seconds):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        time.sleep(seconds)
        connection.sendall(b"half")

    def endless(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        connection.settimeout(10)
        try:
            while True:
                connection.sendall(piece)
        except OSError:
            self.aborts.append(time.monotonic())
            raise

    def take(self, reader):
        reader.connection.settimeout(10)
        try:
            while True:
                reader.buffer = b""
                reader.more()
        except (Closed, OSError):
            self.aborts.append(time.monotonic())
            raise Closed("the client hung up") from None
