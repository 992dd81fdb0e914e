"""J8: a fresh machine becomes a platform."""

import atexit
import contextlib
import functools
import os
import pathlib
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from edge.authority import Dns, Pebble
from edge.clients import REFUSED, TXT, ask_dns, exchange, secure, tcp
from edge.kit import DOMAIN, ROOST
from edge.report import Missing, absolute, check, fact, need

from .kit import ROOT, SLEEPY, Roost, elapsed, free_port, place, platform, tree, until

SUITE = os.environ.get("ROOST_SUITE", "")
# A Debian made by debootstrap with systemd in it; made anew where none is named.
CHROOT = os.environ.get("ROOST_CHROOT", "")
INSTALLED, EMAIL = "apps.example.com", "you@example.com"
UNITS = "etc/systemd/system"
# Binds what a socket unit lists, as systemd does, and becomes the program it is for.
SYSTEMD = """
import os, socket, sys
kinds = {"ListenStream": socket.SOCK_STREAM, "ListenDatagram": socket.SOCK_DGRAM}
sockets, *command = sys.argv[1:]
held = []
for kind, address in (line.split("=") for line in sockets.split()):
    host, port = (address if ":" in address else f"[::]:{address}").rsplit(":", 1)
    held.append(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kinds[kind]))
    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held[-1].bind((host.strip("[]"), int(port)))
    if kind == "ListenStream":
        held[-1].listen(4096)
above = [os.dup(one.fileno()) for one in held]
for number, one in enumerate(above, 3):
    os.dup2(one, number)
os.closerange(3 + len(above), 256)
os.execvpe(command[0], command, {**os.environ, "LISTEN_FDS": str(len(above)), "LISTEN_PID": str(os.getpid())})
"""
# Changes the root for one that has its own /proc, which nobody else sees and which goes with the process.
ENTER = 'mount -t proc proc "$0/proc" 2>/dev/null; exec chroot "$0" "$@"'


@functools.cache
def debian():
    """The directory of a fresh Debian."""
    if os.geteuid() != 0:
        raise Missing("a chroot takes root")
    if CHROOT:
        return pathlib.Path(CHROOT)
    directory = tempfile.TemporaryDirectory(prefix="roost-machine-")
    atexit.register(directory.cleanup)
    suite = SUITE or re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text())[1]
    command = [need("debootstrap"), "--variant=minbase", "--include=ca-certificates,systemd", suite, directory.name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.chmod(directory.name, 0o755)  # the root of a machine is everybody's
    return pathlib.Path(directory.name)


class Machine:
    """A fresh Debian without a kernel of its own."""

    def __init__(self):
        self.root = debian()
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

    def unit(self, name):
        """What a unit says, one value for each key."""
        lines = (self.root / UNITS / name).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))

    def sockets(self):
        """What systemd would bind."""
        files = [self.root / UNITS / "roost.socket", *(self.root / UNITS / "roost.socket.d").glob("*.conf")]
        return [line for file in files for line in file.read_text().splitlines() if re.match("Listen(Stream|Datagram)=", line)]

    @contextlib.contextmanager
    def started(self):
        """The process of the installed service, begun by its unit's own line, as its user, without rights, with its
        sockets and its limits; it has said that it is ready."""
        unit, name = self.unit("roost.service"), f"roost-check-{os.getpid()}"
        rights = ["setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        # Where this machine allows fewer files, that has to do.
        limits = ["prlimit", f"--nofile={min(int(unit['LimitNOFILE']), resource.getrlimit(resource.RLIMIT_NOFILE)[1])}"]
        inside = [*limits, *rights, *shlex.split(unit["ExecStart"])]
        command = [sys.executable, "-c", SYSTEMD, "\n".join(self.sockets()), "unshare", "--mount", "sh", "-c", ENTER, str(self.root), *inside]
        environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": f"@{name}"}
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told, open(self.root / "src/log", "wb") as log:
            told.bind(f"\0{name}")
            told.settimeout(int(unit["TimeoutStartSec"]))
            process = subprocess.Popen(command, env=environment, umask=int(unit["UMask"], 8), stdout=log, stderr=log)
            try:
                until_ready(told, process, self.root / "src/log")
                yield process
            finally:
                process.terminate()
                process.wait(45)


def until_ready(told, process, log):
    """Hears what the service tells systemd until it is ready."""
    while True:
        try:
            if "READY=1" in told.recv(4096).decode():
                return
        except TimeoutError:
            raise RuntimeError(f"the service does not start: {process.poll()}\n{log.read_text()[-2000:]}") from None


def are_free(*ports):
    """Whether nobody listens there."""
    for port in ports:
        with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("::", port))
            except OSError:
                return False
    return True


@check("J8.1", "One command makes a fresh Debian serve its dashboard; it listens where it should, and needs little")
def installs():
    if not are_free(53, 80, 443):
        raise Missing("ports 53, 80 and 443 are not free")
    machine = Machine()
    refused = machine.install()
    fact("without a domain it says what is missing", refused.returncode != 0 and "--domain" in refused.stderr, refused.stderr.strip())
    began = time.monotonic()
    done = machine.install("--domain", INSTALLED, "--email", EMAIL, "--dns", "[::]:53")
    fact("it installs", done.returncode == 0, (done.stderr or done.stdout).strip().splitlines()[-1])
    installed = elapsed(began)
    is_installed(machine)
    with place() as directory, contextlib.ExitStack() as stack:
        names = Dns()
        stack.callback(names.end)
        authority = Pebble(directory, 80, 443, names.address)
        stack.callback(authority.end)
        use(machine, authority, names)
        began = time.monotonic()
        process = stack.enter_context(machine.started())
        answer = until(lambda: page(authority.issuing_root), 60, 0.2)
        fact("the dashboard answers over valid TLS", answer and answer.status == 200 and b"<html" in answer.value, answer and answer.status)
        absolute("from the command to that", installed + elapsed(began), 300, "s")
        made = machine.run("setpriv", "--reuid=roost", "--regid=roost", "--clear-groups", "roost", "admin", "create", EMAIL,
                           "--config", "/etc/roost/roost.toml", "--dir", "/var/lib/roost")
        fact("its first operator is made beside it", made.returncode == 0 and f"https://{INSTALLED}/" in made.stdout, (made.stdout + made.stderr).strip()[:60])
        fact("it listens on 53, 80 and 443 and nowhere else", listening(process.pid) == {53, 80, 443}, sorted(listening(process.pid)))
        time.sleep(5)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) >> 10
        fact("idle it takes", memory <= 200, f"{memory} MB", "<= 200 MB")
        fact("it runs as its user, without any right", re.search(r"CapEff:\s+0+\n", status) and f"{os.stat(machine.root / 'var/lib/roost').st_uid}" in status.split("Uid:")[1].split("\n")[0])
    removed = machine.run("/src/ops/uninstall.sh")
    kept = (machine.root / "etc/roost/roost.toml").exists() and (machine.root / "var/lib/roost/control.db").exists()
    gone = not (machine.root / "usr/local/bin/roost").exists() and not list((machine.root / UNITS).glob("roost.*"))
    fact("uninstalling keeps settings and data", removed.returncode == 0 and kept and gone)


def is_installed(machine):
    """What lies where, and what systemd says of it."""
    units = machine.run("systemd-analyze", "verify", f"/{UNITS}/roost.service", f"/{UNITS}/roost.socket")
    complaints = [line for line in units.stderr.splitlines() if "roost" in line]
    fact("systemd takes its units", not complaints, complaints)
    judged = machine.run("systemd-analyze", "security", "--offline=true", "--no-pager", f"/{UNITS}/roost.service")
    exposed = re.search(r"exposure level for roost.service: ([\d.]+)", judged.stdout)
    fact("systemd thinks it little exposed", exposed and float(exposed[1]) <= 2, exposed and exposed[1], "<= 2 of 10")
    bound = machine.sockets()
    fact("systemd binds the port for DNS, too", {"ListenStream=[::]:53", "ListenDatagram=[::]:53"} <= set(bound), bound)
    rights = machine.run("stat", "-c", "%a %U:%G", "/var/lib/roost", "/etc/roost/roost.toml", "/usr/local/bin/roost").stdout.split("\n")[:3]
    fact("data, settings and program belong to whom they should", rights == ["700 roost:roost", "640 root:roost", "755 root:root"], rights)
    read = machine.run("runuser", "-u", "roost", "--", "roost", "doctor", "--json", "--config", "/etc/roost/roost.toml", "--dir", "/var/lib/roost")
    fact("its user reads the settings, and its doctor looks", '"findings":' in read.stdout, read.stderr.strip()[:90])


def use(machine, authority, names):
    """Its certificates come from that authority, and names are looked up at that server."""
    (machine.root / "etc/hosts").write_text("127.0.0.1 localhost\n")  # debootstrap makes none
    settings = machine.root / "etc/roost/roost.toml"
    shutil.copy(authority.root, machine.root / "etc/roost/authority.pem")
    os.chmod(machine.root / "etc/roost/authority.pem", 0o644)
    chosen = f'email = "{EMAIL}"\ndirectory = "{authority.url}"\nroot = "/etc/roost/authority.pem"\nwildcard = false'
    text = settings.read_text().replace(f'email = "{EMAIL}"', chosen)
    settings.write_text(f'{text}\n[domains]\naddresses = ["127.0.0.1"]\nresolvers = ["{names.address}"]\n')


def page(root):
    """The dashboard, asked for as a browser does that trusts this root; None without a sound handshake."""
    try:
        with contextlib.closing(secure(tcp(443), INSTALLED, root)) as connection:
            return exchange(connection, "GET", "/", headers={"Host": INSTALLED})
    except OSError:
        return None


@check("J8.3", "A second run changes nothing; after a restart all are asleep and served")
def again():
    machine = Machine()
    machine.install("--domain", INSTALLED, "--email", EMAIL, "--dns", "[::]:53")
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


@check("J8.4", "It takes its ports from systemd, that for DNS over UDP and TCP included")
def sockets():
    with place() as directory:
        dns = free_port()
        acme = {"email": EMAIL, "directory": "https://127.0.0.1:9/dir"}
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
