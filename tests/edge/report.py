"""What the checks say: each fact with its figure beside its goal, and how many checks hold.

A ratio holds on any machine and always counts. An absolute time is judged as the median of its runs. Where it is missed
while something else keeps the machine busy, it is printed as `slow` and its check is run once more at the end, when the
machine is calm; if that does not come, the check does not hold.
"""

import concurrent.futures
import os
import pathlib
import shutil
import statistics
import threading
import time
import traceback

CHECKS = {}
CALM = 0.4  # the share of all processors that must be idle for a time to mean anything


class Missing(Exception):
    """What a check needs is not on this machine."""


class Check:
    """A numbered check."""

    def __init__(self, number, title, run):
        self.number, self.title, self.run = number, title, run
        self.failed, self.facts, self.slow, self.calm, self.took, self.said = 0, 0, 0, True, 0.0, []


class Running(threading.local):
    """The check this thread runs; what it says is printed when it ends, if others run beside it."""

    check, beside = None, False


running = Running()


def check(number, title):
    """Makes a function the check of that number."""

    def register(run):
        assert number not in CHECKS, number
        CHECKS[number] = Check(number, title, run)
        return run

    return register


def fact(name, holds, figure="", goal=""):
    """Something that is so or not."""
    say("ok  " if holds else "FAIL", name, figure, goal)
    running.check.facts += 1
    running.check.failed += not holds
    return bool(holds)


def ratio(name, value, base, most, unit="ms"):
    """A figure that may be so many times another one of the same run."""
    times = value / base if base else float("inf")
    return fact(name, times <= most, f"{value:.2f} {unit} beside {base:.2f} {unit}: {times:.2f}x", f"<= {most}x")


def absolute(name, values, goal, unit="ms"):
    """Times of several runs, or one: the median is judged."""
    values = values if isinstance(values, list) else [values]
    median = statistics.median(values)
    figure = f"{median:.2f} {unit}" + (f", median of {len(values)}" if len(values) > 1 else "")
    if median > goal and not running.check.calm:
        say("slow", name, f"{figure}, on a busy machine", f"<= {goal} {unit}")
        running.check.slow += 1
        return None
    return fact(name, median <= goal, figure, f"<= {goal} {unit}")


def note(name, figure):
    """A figure without a goal."""
    say("    ", name, figure)


def say(verdict, name, figure="", goal=""):
    told = "; ".join(filter(None, [str(figure), f"goal {goal}" if goal else ""]))
    tell(f"{verdict}  {running.check.number:>4}  {name}{f'  ({told})' if told else ''}")


def tell(line):
    """Prints a line of the running check, in its turn."""
    if running.beside:
        running.check.said.append(line)
    else:
        print(line, flush=True)


def need(*programs):
    """The paths of programs; the check is skipped without them."""
    found = []
    for program in programs:
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        if not path:
            raise Missing(f"{program} is not installed")
        found.append(path)
    return found if len(found) > 1 else found[0]


def idle_share(seconds=0.3):
    """How much of the processors nobody used."""

    def times():
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return fields[3] + fields[4], sum(fields)

    idle, total = times()
    time.sleep(seconds)
    idle_now, total_now = times()
    return (idle_now - idle) / max(1, total_now - total)


def run(check, beside=False):
    """Runs one check; what became of it."""
    running.check, running.beside = check, beside
    check.failed, check.facts, check.slow, check.said = 0, 0, 0, []
    check.calm, began = idle_share() >= CALM, time.monotonic()
    tell(f"\n--    {check.number:>4}  {check.title}")
    try:
        check.run()
    except Missing as missing:
        say("skip", f"{missing}")
        return "skipped"
    except Exception as error:  # whatever goes wrong in a check is that check's failure
        tell(traceback.format_exc())
        fact(f"it runs to its end: {type(error).__name__}", False)
    finally:
        check.took = time.monotonic() - began
        if beside:
            print("\n".join(check.said), flush=True)
    if check.failed or not check.facts:
        return "failed"
    return "slow" if check.slow else "held"


def run_all(wanted, optional=(), at_once=1):
    """Runs these checks, so many at once; the exit code: 0 if all hold but the optional ones, which may be skipped for want
    of a tool."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        results = dict(zip((check.number for check in wanted), pool.map(lambda check: run(check, at_once > 1), wanted)))
    again = [check for check in wanted if results[check.number] == "slow"]
    deadline = time.monotonic() + 120
    while again and idle_share(3) < CALM and time.monotonic() < deadline:
        pass
    results |= {check.number: run(check) for check in again}
    longest = sorted(wanted, key=lambda check: -check.took)[:5]
    those = lambda verdict: [number for number, result in results.items() if result == verdict]
    told = "; ".join(f"{verdict}: {', '.join(map(str, those(verdict))) or 'none'}" for verdict in ("failed", "slow", "skipped"))
    print(f"\n{time.monotonic() - began:.0f} s, of these {', '.join(f'{check.number} {check.took:.0f} s' for check in longest)}; {told}")
    print(f"{len(those('held'))} of {len(wanted)} hold")
    excused = [] if os.environ.get("CI") else [number for number in those("skipped") if number in optional]
    return 0 if len(those("held")) + len(excused) == len(wanted) else 1
