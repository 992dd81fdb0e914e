"""Suites that are programs of their own: malformed HTTP through us, nginx and Caddy; conformance; TLS; fuzzing."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading

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
    httpwg, h2spec = tool("httpwg"), tool("h2spec", optional=True)
    lines = (ROOT / "tests/edge/http2-differences").read_text().splitlines()
    known = {line for line in lines if not line.startswith("#")}
    # Some tests are about who is faster: only what fails three times fails.
    failing, best, tests = None, 0, 145
    with stage() as edge, bridge(edge) as port:
        for _ in range(3):
            # One test after the other, for what a broken connection said last is lost in a crowd.
            command = [httpwg, "-a", f"127.0.0.1:{port}", "--frame-timeout", "2000", "--connect-timeout", "5000"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "SEQUENTIAL": "1"})
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            passed, failed = (set(re.findall(rf"Test {verdict}: .*? :: (.*)", said)) for verdict in ("passed", "failed"))
            assert len(passed | failed) > 100, said[-300:]
            failing = failed if failing is None else failing & failed
            if h2spec:
                done = subprocess.run([h2spec, "-h", "127.0.0.1", "-p", str(port)], capture_output=True, text=True, timeout=300)
                best = max(best, int(re.search(r"(\d+) passed", done.stdout)[1]))
    unknown = sorted(failing - known)
    fact("httpwg, of three runs: failures that are not on the list", not unknown, f"{len(unknown)} of {len(failing)} {unknown or str()}", 0)
    if h2spec:
        fact("h2spec, best of three", best >= tests, best, tests)


TOOLS = {
    "httpwg": ["cargo", "install", "--quiet", "--locked", "--root", "target/tools", "httpwg-cli@0.2.5"],
    "h2spec": ["go", "install", "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"],
}


def tool(name, optional=False):
    """A program from a package registry: on the path, or installed into `target/tools` now."""
    found = shutil.which(name) or shutil.which(name, path=ROOT / "target/tools/bin")
    if not found and shutil.which(TOOLS[name][0]):
        subprocess.run(TOOLS[name], cwd=ROOT, env={**os.environ, "GOBIN": str(ROOT / "target/tools/bin")}, capture_output=True, timeout=900)
        found = shutil.which(name, path=ROOT / "target/tools/bin")
    if not found and not optional:
        raise Missing(f"{name} could not be installed")
    return found


@contextlib.contextmanager
def bridge(edge):
    """A port whose connections go on over TLS at the edge, for programs that speak HTTP/2 in the open only."""

    def carry(near):
        with near, contextlib.suppress(OSError), edge.connect("localhost", protocols=("h2",)) as far:
            open_ends = [near, far]
            while far.pending() or select.select(open_ends, [], [], 10)[0]:
                if not far.pending() and near in select.select(open_ends, [], [])[0]:
                    far.sendall(data := near.recv(65536))
                    if not data:
                        open_ends.remove(near)  # what the server says to that is still carried
                elif data := far.recv(65536):
                    near.sendall(data)
                else:
                    return

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=carry, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


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
