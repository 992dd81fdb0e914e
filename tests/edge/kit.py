"""The real `roost` as a process over a directory of its own, and what every check does with it first."""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .clients import Reader, exchange, request, secure, tcp
from .pki import Authority
from .report import Missing

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOST = os.environ.get("ROOST_BIN", str(ROOT / "target/release/roost"))
RUNTIME = os.environ.get("ROOST_RUNTIME_BIN", str(pathlib.Path(ROOST).parent / "roost-runtime"))
DOMAIN = "apps.test"
LONG = "EDGE_LONG" in os.environ  # the long forms, for an evening
PASSWORD = "a quiet place to sit"
SUPERUSER = {"email": "admin@example.com", "password": "correct horse"}


def free_port():
    """A port below those the system gives to outgoing connections."""
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.closing(socket.socket()) as tcp, contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
            try:
                tcp.bind(("0.0.0.0", port))
                udp.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def until(condition, seconds=10, pause=0.02):
    """The first true value of a condition; None if it never comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    return None


def toml(value):
    """A setting as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(str(value) if isinstance(value, pathlib.Path) else value)


def settings_text(settings):
    """Settings as a file: tables after plain keys."""
    plain = [f"{key} = {toml(value)}" for key, value in settings.items() if not isinstance(value, dict)]
    tables = [f"[{key}]\n" + "\n".join(f"{inner} = {toml(v)}" for inner, v in value.items())
              for key, value in settings.items() if isinstance(value, dict)]
    return "\n".join([*plain, *tables]) + "\n"


class Roost:
    """`roost serve` for the domain apps.test, on free ports, with certificates from files unless told otherwise."""

    def __init__(self, directory, settings=None, environment=None, files=True):
        self.directory = pathlib.Path(directory)
        self.http, self.https = free_port(), free_port()
        self.environment, self.process, self.cookie = environment or {}, None, ""
        listen = {"http": [f"127.0.0.1:{self.http}"], "https": [f"127.0.0.1:{self.https}"]}
        self.settings = {"domain": DOMAIN, "dir": self.directory / "data", "listen": listen, "projects_per_account": 100_000}
        self.root = None
        if files:
            chain, key, self.root = Authority().issue(self.directory, DOMAIN, f"*.{DOMAIN}", "localhost")
            self.settings["tls"] = {"certificate": chain, "key": key}
        self.set(settings or {})

    def set(self, settings):
        """Settings from the next start on, laid over those there are."""
        for key, value in settings.items():
            self.settings[key] = {**self.settings.get(key, {}), **value} if isinstance(value, dict) else value

    @property
    def origin(self):
        return f"https://{self.console}:{self.https}"

    @property
    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def launch(self, *before, binary=None):
        """Starts the process without waiting for it."""
        if not shutil.which(ROOST):
            raise SystemExit(f"{ROOST} is missing: cargo build --release")
        config = self.directory / "roost.toml"
        config.write_text(settings_text(self.settings))
        command = [*before, binary or ROOST, "serve", "--dev", "--config", str(config)]
        environment = {**os.environ, "ROOST_LOG": "warn", **self.environment}
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)

    def start(self, *before, binary=None):
        """Starts it; the seconds until it is ready."""
        began = time.monotonic()
        self.launch(*before, binary=binary)
        for line in self.process.stdout:
            if "Console ready at" in line:
                return time.monotonic() - began
        raise RuntimeError(f"roost ended before it was ready:\n{self.log[-2000:]}")

    def kill(self):
        for process in self.processes():  # after an upgrade it is not the one that was started
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, signal=signal.SIGTERM):
        self.process.send_signal(signal)
        return self.process.wait(60)

    def begin_upgrade(self):
        """Has a new process of the same binary take over; what is returned ends when the old one has."""
        command = [ROOST, "upgrade", "--config", str(self.directory / "roost.toml")]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def processes(self):
        """The processes that serve this directory."""
        config, found = str(self.directory / "roost.toml").encode(), []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"serve" in words and config in words:
                    found.append(int(process.name))
        return found

    def memory(self):
        """Resident memory in KiB."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def sockets(self):
        """How many sockets it has open, those it listens on included."""
        return sum(target.startswith("socket:") for target in descriptors(self.process.pid))

    def connect(self, host=DOMAIN, source=None, protocols=("http/1.1",), timeout=30):
        """A TLS connection for that name."""
        return self.secure(tcp(self.https, source, timeout), host, protocols)

    def secure(self, plain, host=DOMAIN, protocols=("http/1.1",)):
        return secure(plain, host, self.root, protocols)

    @property
    def console(self):
        return self.settings.get("console") or self.settings["domain"]

    def serial(self, host, timeout=30):
        """The serial number of the certificate served for a name; None if there is no handshake."""
        try:
            with contextlib.closing(self.connect(host, timeout=timeout)) as connection:
                return connection.getpeercert()["serialNumber"]
        except OSError:
            return None

    def move_clock(self, seconds):
        """Lets the process believe that it is so much later than it is. It has to be started under `FAKE_TIME`."""
        later = self.directory / "clock.new"
        later.write_text(f"+{seconds:.0f}s\n")
        later.rename(self.directory / "clock")

    def under_fake_time(self):
        """From its next start on its clock can be moved, all but the one that only measures how long things take."""
        library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
        if not library:
            raise Missing("faketime is not installed")
        self.move_clock(0)
        self.environment |= {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.directory / "clock"),
                             "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}

    def ask(self, method, path, body=None, host=None, headers=None, timeout=30):
        """One request of the console's pages, or of anybody to a project."""
        host = host or self.console
        sent = {"Host": f"{host}:{self.https}", "Origin": self.origin, **(headers or {})}
        if host == self.console and self.cookie:
            sent["Cookie"] = self.cookie
        with contextlib.closing(self.connect(host, timeout=timeout)) as connection:
            return exchange(connection, method, path, body, sent)

    def sign_up(self, email="you@example.com"):
        answer = self.ask("POST", "/api/accounts", {"email": email, "password": PASSWORD})
        assert answer.status == 201, (answer.status, answer.value)
        self.cookie = answer.headers["set-cookie"].split(";")[0]

    def sign_in(self, email="you@example.com"):
        answer = self.ask("POST", "/api/session", {"email": email, "password": PASSWORD})
        assert answer.status == 200, (answer.status, answer.value)
        self.cookie = answer.headers["set-cookie"].split(";")[0]

    def create(self, slug):
        """A project and the host it answers at."""
        answer = self.ask("POST", "/api/projects", {"name": slug, "slug": slug, "superuser": SUPERUSER})
        assert answer.status == 201, (answer.status, answer.value)
        return answer.value["project"], f"{slug}.{DOMAIN}"

    def superuser(self, host):
        """The header of a project's superuser."""
        login = {"identity": SUPERUSER["email"], "password": SUPERUSER["password"]}
        answer = self.ask("POST", "/api/collections/_superusers/auth-with-password", login, host)
        assert answer.status == 200, (answer.status, answer.value)
        return {"Authorization": answer.value["token"]}

    def state(self, slug):
        return self.ask("GET", f"/api/projects/{slug}").value["state"]

    def asleep(self, slug):
        """Waits until a project sleeps."""
        assert until(lambda: self.state(slug) == "asleep"), self.state(slug)

    def woken(self, slug):
        """How often a project was launched, once what happened has been noted."""
        items = self.ask("GET", f"/api/projects/{slug}/activity").value["items"]
        return sum(line["kind"] == "woke" for line in items)


def descriptors(process):
    """What a process has open at this moment."""
    for link in pathlib.Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(link)


SLEEPY = {"rest": {"idle_after": 0.1, "sleep_after": 0.3}}


def crowd(roost, host, count, path="/api/health"):
    """The answers to so many requests that come at once: it reads nothing before all have asked."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(roost.connect(host)) for _ in range(count)]
        roost.process.send_signal(signal.SIGSTOP)
        for client in clients:
            client.sendall(request("GET", path, {"Host": host}))
        roost.process.send_signal(signal.SIGCONT)
        return [Reader(client).answer() for client in clients]


@contextlib.contextmanager
def place():
    """A directory for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="roost-edge-") as directory:
        yield pathlib.Path(directory)


@contextlib.contextmanager
def platform(settings=None, account=True, fake_time=False, **options):
    """A running platform with somebody signed in."""
    with place() as directory:
        roost = Roost(directory, settings, **options)
        if fake_time:
            roost.under_fake_time()
        try:
            roost.start()
            if account:
                roost.sign_up()
            yield roost
        finally:
            roost.kill()
