"""J8 and J9: installing, looking after, upgrading."""

import contextlib
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

from edge.authority import Dns
from edge.clients import REFUSED, TXT, Closed, ask_dns
from edge.kit import DOMAIN, ROOST, settings_text
from edge.report import Missing, absolute, check, fact, need

from .kit import ROOT, SLEEPY, TEXT, Project, Roost, elapsed, free_port, place, platform, tree, until

SUITE = os.environ.get("ROOST_SUITE", "")
# A Debian made by debootstrap with systemd in it; made anew where none is named.
CHROOT = os.environ.get("ROOST_CHROOT", "")
# Binds what a socket unit lists, as systemd does, and becomes the program it is for.
SYSTEMD = """
import os, socket, sys
kinds = {"ListenStream": socket.SOCK_STREAM, "ListenDatagram": socket.SOCK_DGRAM}
sockets, *command = sys.argv[1:]
held = []
for kind, address in (line.split("=") for line in sockets.split()):
    host, port = address.rsplit(":", 1)
    held.append(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kinds[kind]))
    held[-1].bind((host.strip("[]"), int(port)))
    if kind == "ListenStream":
        held[-1].listen()
above = [os.dup(one.fileno()) for one in held]
for number, one in enumerate(above, 3):
    os.dup2(one, number)
os.closerange(3 + len(above), 256)
os.execvpe(command[0], command, {**os.environ, "LISTEN_FDS": str(len(above)), "LISTEN_PID": str(os.getpid())})
"""


class Machine:
    """A fresh Debian without a kernel of its own."""

    def __init__(self, directory):
        if os.geteuid() != 0:
            raise Missing("a chroot takes root")
        self.root = pathlib.Path(CHROOT or directory / "machine")
        if not CHROOT:
            suite = SUITE or re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text())[1]
            command = [need("debootstrap"), "--variant=minbase", "--include=ca-certificates,systemd", suite, self.root]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.run("/src/ops/uninstall.sh")
        for path in ("var/lib/roost", "etc/roost", "src"):
            shutil.rmtree(self.root / path, ignore_errors=True)
        shutil.copytree(ROOT / "ops", self.root / "src/ops")
        shutil.copy(ROOST, self.root / "src/roost")

    def run(self, *command):
        return subprocess.run(["chroot", self.root, *command], capture_output=True, text=True)

    def install(self, *more):
        return self.run("/src/ops/install.sh", "--binary", "/src/roost", *more)

    def state(self):
        return {part: tree(self.root / part) for part in ("etc", "usr/local", "var/lib/roost")}


@check("J8.1", "One command installs it on a fresh Debian; it listens where it should, and needs little")
def installs():
    with place() as directory:
        machine = Machine(directory)
        refused = machine.install()
        fact("without a domain it says what is missing", refused.returncode != 0 and "--domain" in refused.stderr, refused.stderr.strip())
        began = time.monotonic()
        done = machine.install("--domain", "apps.example.com", "--email", "you@example.com", "--dns", "[::]:53")
        fact("it installs", done.returncode == 0, (done.stderr or done.stdout).strip().splitlines()[-1])
        absolute("that takes", elapsed(began), 300, "s")
        units = machine.run("systemd-analyze", "verify", "/etc/systemd/system/roost.service", "/etc/systemd/system/roost.socket")
        complaints = [line for line in units.stderr.splitlines() if "roost" in line]
        fact("systemd takes its units", not complaints, complaints)
        bound = (machine.root / "etc/systemd/system/roost.socket.d/dns.conf").read_text().splitlines()
        fact("systemd binds the port for DNS, too", {"ListenStream=[::]:53", "ListenDatagram=[::]:53"} <= set(bound), bound)
        rights = machine.run("stat", "-c", "%a %U:%G", "/var/lib/roost", "/etc/roost/roost.toml", "/usr/local/bin/roost").stdout.split("\n")[:3]
        fact("data, settings and program belong to whom they should", rights == ["700 roost:roost", "640 root:roost", "755 root:root"], rights)
        read = machine.run("runuser", "-u", "roost", "--", "roost", "doctor", "--json", "--config", "/etc/roost/roost.toml", "--dir", "/var/lib/roost")
        fact("its user reads the settings, and its doctor looks", '"findings":' in read.stdout, read.stderr.strip()[:90])
        removed = machine.run("/src/ops/uninstall.sh")
        kept = (machine.root / "etc/roost/roost.toml").exists() and (machine.root / "var/lib/roost").exists()
        gone = not (machine.root / "usr/local/bin/roost").exists() and not list((machine.root / "etc/systemd/system").glob("roost.*"))
        fact("uninstalling keeps settings and data", removed.returncode == 0 and kept and gone)
    with platform() as roost:
        wanted = {roost.http, roost.https}
        ports = listening(roost.process.pid)
        fact("it listens where the settings say and nowhere else", ports == wanted, sorted(ports - wanted))
        time.sleep(3)
        fact("idle it takes", roost.memory() <= 200 << 10, f"{roost.memory() >> 10} MB", "<= 200 MB")


@check("J8.4", "It takes its ports from systemd, that for DNS over UDP and TCP included")
def sockets():
    with place() as directory:
        dns = free_port()
        acme = {"email": "you@example.com", "directory": "https://127.0.0.1:9/dir"}
        roost = Roost(directory, {"listen": {"dns": [f"[::]:{dns}"]}, "acme": acme})
        streams = [*roost.settings["listen"]["http"], *roost.settings["listen"]["https"], f"[::]:{dns}"]
        bound = [*(f"ListenStream={address}" for address in streams), f"ListenDatagram=[::]:{dns}"]
        try:
            # What it does not recognise it would bind again, and fail.
            roost.start(sys.executable, "-c", SYSTEMD, " ".join(bound))
            codes = [ask_dns(dns, name, TXT, tcp)[0] for name in (f"_acme-challenge.{DOMAIN}", "example.com") for tcp in (False, True)]
            fact("it answers for one name, and for no other", codes == [0, 0, REFUSED, REFUSED], codes)
            held = {"ports": listening(roost.process.pid), "sockets": roost.sockets()}
            fact("and listens nowhere else", held["ports"] == {roost.http, roost.https, dns}, held)
        finally:
            roost.kill()


def listening(process):
    """The TCP ports a process listens on."""
    sockets = {os.readlink(link)[8:-1] for link in pathlib.Path(f"/proc/{process}/fd").iterdir() if os.readlink(link).startswith("socket:")}
    ports = set()
    for table in ("tcp", "tcp6"):
        path = pathlib.Path(f"/proc/{process}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


@contextlib.contextmanager
def directory_of_an_authority(late):
    """The URL of a directory by a clock that is so many seconds late."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def date_time_string(self, timestamp=None):
            return super().date_time_string(time.time() - late)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/dir"
        finally:
            server.shutdown()


@check("J8.2", "The doctor looks at everything outside, and its exit code can be used")
def doctor():
    with platform() as roost, contextlib.ExitStack() as stack:
        names = Dns()
        stack.callback(names.end)

        def ask(**settings):
            roost.set(settings)
            (roost.directory / "doctor.toml").write_text(settings_text(roost.settings))
            done = subprocess.run([ROOST, "doctor", "--json", "--config", roost.directory / "doctor.toml"], capture_output=True, text=True)
            findings = {}
            for found in json.loads(done.stdout)["findings"]:
                findings.setdefault(found["check"], []).append(found)
            return done.returncode, findings

        def right(name):
            fact(f"{name}: right", found.get(name) and all(one["ok"] is True for one in found[name]), told(name))

        def wrong(name):
            fact(f"{name}: wrong, and what to do", any(one["ok"] is False and one.get("advice") for one in found.get(name, [])), told(name))

        def told(name):
            return "; ".join(one["found"] for one in found.get(name, []))

        # An authority and a bucket that nobody answers for, and names that lead to another machine.
        nobody, dns = "http://127.0.0.1:9", free_port()
        code, found = ask(acme={"email": "you@example.com", "directory": "https://127.0.0.1:9/dir"}, domains={"addresses": ["192.0.2.1"], "resolvers": [names.address]},
                          listen={"dns": [f"127.0.0.1:{dns}"]},
                          backups={"bucket": "roost", "endpoint": nobody, "access_key": "a", "secret_key": "b"}, mail={"host": "127.0.0.1", "port": 9, "security": "none"})
        for name in ("directory", "disk", "open files", "queue", "port (TCP)", "port (UDP)"):
            right(name)
        # The ports are those of a platform that does not answer for this authority.
        for name in ("mail", "backups", "authority", "console", "projects", "port", "wildcard"):
            wrong(name)
        fact("red is an exit code", code == 1, code)
        with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", dns))
            for late, judge in ((0, right), (3600, wrong)):
                with directory_of_an_authority(late) as url:
                    _, found = ask(acme={"directory": url})
                judge("clock")
            wrong("port (UDP)")


@check("J8.3", "A second run changes nothing; after a restart all are asleep and served")
def again():
    with place() as directory:
        machine = Machine(directory)
        machine.install("--domain", "apps.example.com", "--email", "you@example.com", "--dns", "[::]:53")
        before = machine.state()
        done = machine.install()
        after = machine.state()
        changed = [path for part in before for path in before[part] if before[part][path] != after[part].get(path)]
        fact("nothing is changed", done.returncode == 0 and before == after and "Nothing had to be changed" in done.stdout, changed)
        machine.run("/src/ops/uninstall.sh")
        back = machine.install()
        fact("what was uninstalled comes back with its settings", back.returncode == 0 and machine.state()["etc"].keys() == before["etc"].keys())
        machine.run("/src/ops/uninstall.sh")
    with platform({"projects_per_account": 1000, **SLEEPY}) as roost:
        slugs = [f"project-{number}" for number in range(60)]
        for slug in slugs:
            roost.create(slug)
        roost.kill()
        took = roost.start()
        absolute("sixty projects later a start takes", took, 2, "s")
        time.sleep(2)
        states = {found["state"] for found in roost.ask("GET", "/api/projects").value["items"]}
        fact("all are asleep", states == {"asleep"}, states)
        fact("and served", all(roost.ask("GET", "/api/health", host=f"{slug}.apps.test").status == 200 for slug in slugs))


def load(roost, projects, over, failures, created):
    """Reads and writes on new connections, everywhere in turn."""
    number = 0
    while not over.is_set():
        project = projects[(number * 7 + random.randrange(3)) % len(projects)]
        number += 1
        try:
            status, _ = project.status("POST", "/api/collections/posts/records", {"text": "load"})
            created.append(status == 200)
            read, _ = project.status("GET", "/api/collections/posts/records?perPage=1")
            if status != 200 or read != 200:
                failures.append((status, read))
        except (OSError, Closed) as error:
            failures.append(repr(error))


@check("J9.1", "An upgrade under load on fifty projects: nothing fails, nothing is lost")
def upgrade():
    with platform({"projects_per_account": 1000}) as roost:
        projects = [Project(roost, f"project-{number}") for number in range(50)]
        for project in projects:
            project.collection("posts", TEXT)
        over, failures, created = threading.Event(), [], []
        threads = [threading.Thread(target=load, args=(roost, projects, over, failures, created)) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        before = roost.processes()
        codes = [roost.begin_upgrade().wait(60) for _ in range(3)]
        time.sleep(1)
        over.set()
        for thread in threads:
            thread.join()
        fact("three upgrades", codes == [0, 0, 0] and roost.processes() != before, codes)
        fact("no request failed", not failures, f"{len(failures)} of {2 * len(created)}: {failures[:3]}")
        stored = sum(len(project.ids("posts")) for project in projects)
        fact("every acknowledged record is there", stored == sum(created), f"{stored} of {sum(created)}")


@check("J9.2", "A program that does not start changes nothing, and the command says so")
def broken():
    with platform() as roost:
        project = Project(roost, "orchard")
        before = roost.processes()
        command = [ROOST, "upgrade", "--config", str(roost.directory / "roost.toml"), "--binary"]
        for binary in ("/bin/false", "/nonexistent"):
            done = subprocess.run([*command, binary], capture_output=True, text=True)
            fact(f"{binary} is refused", done.returncode == 1 and done.stderr.startswith("Error: "), done.stderr.strip())
        fact("the old process goes on", roost.processes() == before and project.status("GET", "/api/health")[0] == 200)
        added = subprocess.run(["grep", "-LiE", r"\b(drop (table|column|index)|rename (to|column))\b", *sorted((ROOT / "control-plane/migrations").glob("*.sql"))],
                               capture_output=True, text=True).stdout.split()
        fact("migrations only add", len(added) == len(list((ROOT / "control-plane/migrations").glob("*.sql"))), len(added))


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


@check("J9.3", "Killed at twenty moments of an upgrade, the platform starts with all its data")
def kills():
    with platform() as roost:
        project = Project(roost, "orchard")
        project.collection("posts", TEXT)
        acknowledged, started = 0, 0
        for _ in range(20):
            asked = roost.begin_upgrade()
            time.sleep(random.uniform(0, 0.6))
            while roost.processes():  # one may just be starting another
                roost.kill()
            asked.wait()
            # The ports go shortly after the process that had them.
            assert until(lambda: free(roost.http) and free(roost.https), 5)
            roost.start()
            started += project.status("GET", "/api/health")[0] == 200
            project.create("posts", "after a kill")
            acknowledged += 1
        fact("it starts", started == 20, f"{started} of 20")
        fact("with everything", len(project.ids("posts")) == acknowledged, acknowledged)
