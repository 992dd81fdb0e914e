"""How fast the proxy is beside others, what it adds, and what it keeps in memory."""

import contextlib
import re
import resource
import statistics
import subprocess
import tempfile

from .clients import address
from .kit import RUNTIME, place, platform
from .load import steady, wrk
from .pki import Authority
from .report import absolute, check, fact, need, note
from .stage import HOST, stage
from .yardsticks import caddy_front, nginx_front, upstream

ROUNDS, SECONDS, RATE = 3, 2, 1000


def over_h1(port):
    load = wrk(f"https://localhost:{port}/", HOST, SECONDS, 32)
    assert load.failed == 0, load
    return load.rate


def over_h2(port):
    """32 connections with 10 streams each."""
    command = [need("h2load"), "-c32", "-m10", "-t1", f"-D{SECONDS}", "-H", f":authority: {HOST}", f"https://localhost:{port}/"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS + 20).stdout
    assert re.search(r" 0 failed", text), text
    return float(re.search(r"([\d.]+) req/s", text)[1])


@check(37, "speed beside nginx and Caddy, over TLS and a Unix socket")
def speed():
    with place() as directory, contextlib.ExitStack() as stack:
        chain, key, _ = Authority().issue(directory, "localhost", HOST)
        socket = stack.enter_context(upstream(directory))
        ports = {"roost": stack.enter_context(stage("--unix", socket, "--concurrent", 4096)).https,
                 "nginx": stack.enter_context(nginx_front(directory, socket, chain, key)),
                 "caddy": stack.enter_context(caddy_front(directory, socket, chain, key))}
        for name, measure in (("h1", over_h1), ("h2", over_h2)):
            rates = {server: [] for server in ports}
            for _ in range(ROUNDS):  # in turns, so that what disturbs the machine disturbs all
                for server, port in ports.items():
                    rates[server].append(measure(port))
            rate = {server: statistics.median(of_server) for server, of_server in rates.items()}
            figure = f"{rate['roost']:,.0f}/s, nginx {rate['nginx']:,.0f}/s, Caddy {rate['caddy']:,.0f}/s"
            fact(f"{name}: beside nginx", rate["roost"] >= 0.5 * rate["nginx"], f"{rate['roost'] / rate['nginx']:.2f}x; {figure}", ">= 0.5x")
            fact(f"{name}: beside Caddy", rate["roost"] >= 2 * rate["caddy"], f"{rate['roost'] / rate['caddy']:.2f}x", ">= 2x")


@contextlib.contextmanager
def alone():
    """A backend served by `roost-runtime`, without anything before it; its port."""
    with tempfile.TemporaryDirectory(prefix="roost-edge-") as directory:
        process = subprocess.Popen([RUNTIME, "serve", "--dir", f"{directory}/pb_data", "--http", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            yield int(re.search(r":(\d+)$", process.stdout.readline().strip())[1])
        finally:
            process.kill()
            process.wait()


@check(38, "added latency at 1,000 requests a second")
def latency():
    awake = {"rest": {"idle_after": 60, "sleep_after": 120}}
    with platform(awake) as roost, alone() as direct:
        _, host = roost.create("orchard")
        added = {"p50": [], "p99": []}
        for _ in range(ROUNDS):  # in turns, so that what disturbs the machine disturbs both
            bare = steady(f"http://localhost:{direct}/api/health", "localhost", RATE)
            through = steady(f"https://localhost:{roost.https}/api/health", host, RATE)
            fact("all are answered", bare.failed == through.failed == 0 and through.rate > 0.98 * RATE, f"{through.rate:.0f}/s", f"{RATE}/s")
            note("direct and through", f"p50 {bare.p50:.2f} and {through.p50:.2f} ms, p99 {bare.p99:.2f} and {through.p99:.2f} ms")
            for figure, values in added.items():
                values.append(getattr(through, figure) - getattr(bare, figure))
        absolute("p50 added by TLS, HTTP/2, proxy and host", added["p50"], 0.2)
        absolute("p99 added", added["p99"], 1)


@check(39, "memory of idle connections")
def idle_memory():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    # The server takes a third of the files it may open for connections.
    count = min(10_000, most // 3 - 200)
    with platform() as roost:
        _, host = roost.create("orchard")
        roost.ask("GET", "/api/health", host=host)
        before = roost.memory()
        with contextlib.ExitStack() as stack:
            for number in range(count):
                stack.enter_context(roost.connect(host, address(number)))
            each = (roost.memory() - before) / count
            fact(f"each of {count:,} idle TLS connections", each <= 25, f"{each:.1f} KiB", "<= 25 KiB")
            if count < 10_000:
                note("10,000 need", f"ulimit -n 30600; it is {most}")
