"""Suites that are programs of their own: malformed HTTP through us, nginx and Caddy; conformance; TLS; fuzzing."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys

from .clients import exchange, tcp
from .kit import ROOT, platform
from .report import Missing, check, fact, need
from .stage import EDGE, stage

results = {}


def corpus(name):
    """What a corpus found: a line each of what holds or does not, run once."""
    if name not in results:
        environment = {**os.environ, "ROOST_EDGE_BIN": EDGE}
        if not pathlib.Path(EDGE).exists():
            raise Missing(f"{EDGE}: cargo build --release -p proxy --example edge")
        done = subprocess.run([sys.executable, ROOT / "tests/edge" / name], capture_output=True, text=True, timeout=300, env=environment)
        results[name] = done.returncode, done.stdout.splitlines(), done.stderr
    return results[name]


def tell(name, about):
    """Its facts whose names begin so."""
    code, lines, errors = corpus(name)
    found = [re.match(r"(ok|FAILED)\s+(\S.*?)(?:  \((.*)\))?$", line) for line in lines]
    found = [match for match in found if match and about(match[2])]
    fact(f"tests/edge/{name} says something", found, errors[-300:])
    for match in found:
        details = [line.strip() for line in lines if line.startswith("  ")] if match[1] != "ok" else []
        fact(match[2], match[1] == "ok", "; ".join([match[3] or "", *details[:5]]))


@check(16, "malformed HTTP/1 and HTTP/2")
def malformed():
    for name in ("http1", "http2"):
        tell(name, lambda fact: "nginx" not in fact)


@check(17, "the same through nginx and Caddy")
def compared():
    need("nginx", "caddy")
    for name in ("http1", "http2"):
        tell(name, lambda fact: "nginx" in fact)


@check(15, "HTTP/2 conformance")
def conformance():
    h2spec = shutil.which("h2spec")
    if not h2spec:
        raise Missing("h2spec is not on PATH, and no package registry has it")
    best = 0
    with stage() as edge:
        for _ in range(3):
            done = subprocess.run([h2spec, "-h", "127.0.0.1", "-p", str(edge.https), "-t", "-k"], capture_output=True, text=True)
            best = max(best, int(re.search(r"(\d+) passed", done.stdout)[1]))
    fact("h2spec, best of 3", best >= 146, best, 146)


@check(19, "TLS as Mozilla recommends it")
def tls():
    try:
        import sslyze  # noqa: F401
    except ImportError:
        raise Missing("sslyze is not in the tests' venv") from None
    with platform(account=False) as roost:
        command = [sys.executable, "-m", "sslyze", "--mozilla_config=intermediate", f"--certinfo_ca_file={roost.root}",
                   "--sni=apps.test", f"127.0.0.1:{roost.https}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        verdict = done.stdout[done.stdout.find("Checking results against"):].split()
        fact("sslyze against Mozilla's intermediate profile", done.returncode == 0, " ".join(verdict[14:80]))
        fact("sessions resume by ticket", resumes(roost))
        fact("X25519MLKEM768 is offered", offers_ml_kem(roost.https))


def resumes(roost):
    """Whether a second handshake goes on where the first left off."""
    context = ssl._create_unverified_context()
    session = None
    for _ in range(2):
        with tcp(roost.https) as plain, context.wrap_socket(plain, server_hostname="apps.test", session=session) as client:
            exchange(client, "GET", "/api/health", headers={"Host": "apps.test"})  # tickets come with the answer
            session, reused = client.session, client.session_reused
    return reused


def offers_ml_kem(port):
    """Whether a ClientHello that only shares X25519 but prefers X25519MLKEM768 is asked for that one (HelloRetryRequest)."""
    def block(body, size):
        return len(body).to_bytes(size, "big") + body

    def extension(kind, body):
        return struct.pack(">H", kind) + block(body, 2)

    name = block(b"\0" + block(b"apps.test", 2), 2)
    extensions = b"".join([
        extension(0, name),
        extension(10, block(struct.pack(">H", 0x11EC), 2)),  # supported groups: X25519MLKEM768 alone
        extension(13, block(struct.pack(">HH", 0x0403, 0x0804), 2)),
        extension(43, block(struct.pack(">H", 0x0304), 1)),
        extension(51, block(b"", 2)),  # no share: the server has to say which it wants
    ])
    hello = b"\x03\x03" + os.urandom(32) + block(os.urandom(32), 1) + block(struct.pack(">HH", 0x1301, 0x1302), 2) + b"\x01\0" + block(extensions, 2)
    record = b"\x16\x03\x01" + block(b"\x01" + block(hello, 3), 2)
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(record)
        return retry in client.recv(4096)


FUZZED = {"host": "Host headers", "connection": "Connection lists", "dns": "DNS questions", "proxy_header": "PROXY headers"}
FUZZ_SECONDS = 600


@check(40, "fuzzing what strangers send")
def fuzzed():
    need("cargo")
    run = ROOT / "tests/fuzz/run"
    built = subprocess.run([run, "host", "1"], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-500:]
    waiting, running = list(FUZZED), {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            target = waiting.pop(0)
            running[target] = subprocess.Popen([run, target, str(FUZZ_SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        target, process = running.popitem()
        said, _ = process.communicate()
        done = re.search(r"Done (\d+) runs in (\d+) second", said)
        fact(f"{FUZZED[target]}: nothing found", process.returncode == 0 and done, f"{int(done[1]) / 1e6:.1f} million in {done[2]} s" if done else said[-300:],
             f"{FUZZ_SECONDS} s")
