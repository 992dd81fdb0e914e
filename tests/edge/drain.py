"""Stopping, and changing what runs, while clients are served."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from .clients import Closed, Reader, exchange, request
from .kit import LONG, ROOST, ROOT, platform
from .report import Missing, absolute, check, fact, note
from .tenants import store_file

LONGEST, AT_ONCE, SIZE = 3.0, 20, 30 << 20


def read_slowly(connection, path, host, seconds, outcome):
    """Takes that long to read a response, and tells whether it was whole."""
    connection.sendall(request("GET", path, {"Host": host}))
    reader = Reader(connection)
    try:
        _, headers = reader.head()
        size, taken, began = int(headers["content-length"]), 0, time.monotonic()
        while taken < size:
            # As much as the time allows: the last byte is read at the end of it.
            due = min(size, int(size * min(1, (time.monotonic() - began) / seconds)) or 1)
            if due > taken:
                taken += len(reader.exactly(min(due - taken, 1 << 20)))
            else:
                time.sleep(0.005)
        outcome.append(None)
    except (Closed, OSError, ValueError) as error:
        outcome.append(error)


@check(33, "drain: TERM during responses of 3 s")
def drain():
    with platform() as roost:
        _, host = roost.create("orchard")
        path = store_file(roost, host, SIZE)
        idle = roost.connect(host)
        Reader(idle)
        clients, outcome = [roost.connect(host) for _ in range(AT_ONCE)], []
        began = time.monotonic()
        threads = [threading.Thread(target=read_slowly, args=(client, path, host, LONGEST, outcome)) for client in clients]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        roost.process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        time.sleep(0.1)
        try:
            with roost.connect(host) as late:
                exchange(late, "GET", "/api/health", headers={"Host": host})
            accepted = True
        except (OSError, Closed):
            accepted = False
        fact("nothing is accepted any more", not accepted)
        answer = exchange(idle, "GET", "/api/health", headers={"Host": host})
        fact("for a moment idle connections still answer, and say that they close", answer.status == 200 and answer.headers.get("connection") == "close",
             f"{answer.status} {answer.headers.get('connection')}")
        code = roost.process.wait(60)
        took = time.monotonic() - asked
        for thread in threads:
            thread.join(10)
        broken = [error for error in outcome if error]
        fact(f"all {AT_ONCE} responses finish", len(outcome) == AT_ONCE and not broken, broken[:1] or f"after {time.monotonic() - began:.1f} s")
        absolute("it exits after", took, LONGEST + 2, "s")
        fact("cleanly", code == 0, code, 0)


@check(34, "route changes under load")
def route_changes():
    binary = pathlib.Path(os.environ.get("ROOST_ROUTES_BIN", pathlib.Path(ROOST).parent / "examples/routes"))
    if not binary.exists():
        raise Missing(f"{binary}: cargo build --release -p proxy --example routes")
    said = json.loads(subprocess.run([binary], capture_output=True, text=True, check=True, timeout=120).stdout)
    fact("changes a second, at 5,000 routes", said["changes_per_second"] >= 900, f"{said['changes_per_second']:.0f}", 1000)
    fact("wrong answers", said["wrong"] == 0, f"{said['wrong']} of {said['requests']}", 0)
    absolute("a change is visible after", said["visible_ms"], 100)


@check(32, "binary upgrades under load")
def upgrades():
    swaps = 10
    script = ROOT / "tests/edge/upgrades"
    done = subprocess.run([sys.executable, script, str(swaps)], capture_output=True, text=True, timeout=600, env={**os.environ, "ROOST_BIN": ROOST})
    lines = (done.stdout + done.stderr).splitlines()
    for line in lines[-20:] if done.returncode else [line for line in lines if line.strip()][-12:]:
        note(line.strip(), "")
    fact(f"{swaps} upgrades", done.returncode == 0, f"exit {done.returncode}")
