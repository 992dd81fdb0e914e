"""Load, and how long its requests take: `wrk` for as much as goes, `h2load` for a steady rate."""

import collections
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import urllib.parse

from .report import need

Load = collections.namedtuple("Load", "rate p50 p99 failed count")
UNITS = {"us": 0.001, "ms": 1, "s": 1000}


def wrk(url, host, seconds=3, connections=16):
    """Requests without a pause on so many connections. Times in milliseconds."""
    command = [need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"Host: {host}", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 20).stdout

    def percentile(share):
        value, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(value) * UNITS[unit]

    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = sum(map(int, errors.groups())) if errors else 0
    failed += int(re.search(r"Non-2xx or 3xx responses: (\d+)", text)[1]) if "Non-2xx" in text else 0
    count = int(re.search(r"(\d+) requests in", text)[1])
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), percentile(50), percentile(99), failed, count)


def steady(url, host, rate, seconds=3, connections=8):
    """So many requests a second, evenly, over HTTP/2 or plain HTTP/1. Times in milliseconds."""
    # h2load 1.52 never ends a timed run of HTTP/1 over TLS.
    protocol = ["--h1", "-H", f"host: {host}"] if url.startswith("http:") else ["-H", f":authority: {host}"]
    with tempfile.TemporaryDirectory() as directory:
        log = f"{directory}/log"
        command = [need("h2load"), f"-c{connections}", "-t1", f"--rps={rate / connections}", f"-D{seconds}", f"--log-file={log}",
                   *protocol, f"--connect-to=127.0.0.1:{urllib.parse.urlsplit(url).port}", url]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 20)
        lines = [line.split("\t") for line in pathlib.Path(log).read_text().splitlines()]
    times = sorted(int(line[2]) / 1000 for line in lines if line[1] == "200")
    failed = len(lines) - len(times)
    return Load(len(times) / seconds, percentile(times, 0.5), percentile(times, 0.99), failed, len(times))


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


def median(loads, field):
    return statistics.median(getattr(load, field) for load in loads)


def processor_time(process):
    """Seconds a process has computed."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
