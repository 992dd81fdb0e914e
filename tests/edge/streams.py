"""What stays open: event streams, WebSockets, and clients that hang up in the middle."""

import asyncio
import contextlib
import json
import os
import threading
import time

import h2.config
import h2.connection
import h2.events
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_web_sockets

from .clients import Reader, request
from .kit import LONG, SLEEPY, platform, until
from .load import percentile
from .pki import trusting
from .report import absolute, check, fact
from .stage import HOST, Upstream, stage
from .tenants import open_collection, store_file

URI = "wss://ws.example.test/"
EVENTS, APART = (1200, 0.5) if LONG else (5, 0.5)


class Events:
    """The realtime events of a project over HTTP/1, with the times they came at."""

    def __init__(self, connection, host):
        self.connection, self.reader, self.host, self.seen = connection, Reader(connection), host, []
        connection.sendall(request("GET", "/api/realtime", {"Host": host, "Accept": "text/event-stream"}))
        self.status, self.headers = self.reader.head()
        self.client_id = json.loads(self.next()[1])["clientId"]

    def line(self):
        """A line of the body, whatever pieces it comes in."""
        while True:
            size = int(self.reader.line(), 16)
            text = self.reader.exactly(size).decode()
            self.reader.line()
            yield from text.splitlines()

    def next(self):
        self.lines = getattr(self, "lines", None) or self.line()
        return next_event(self.lines)


class EventsOverH2:
    """The same over HTTP/2."""

    def __init__(self, connection, host):
        self.connection, self.buffer = connection, b""
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/api/realtime")], end_stream=True)
        connection.sendall(self.h2.data_to_send())
        self.lines = self.line()
        self.client_id = json.loads(self.next()[1])["clientId"]

    def line(self):
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                yield line.decode()
            for event in self.h2.receive_data(self.connection.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    self.buffer += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, 1)
            self.connection.sendall(self.h2.data_to_send())

    def next(self):
        return next_event(self.lines)


def next_event(lines):
    """The name and the data of the next event."""
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            return name, line[5:].strip()


@check(24, "server-sent events")
def events():
    with platform() as roost:
        _, host = roost.create("orchard")
        open_collection(roost, host, "posts", {"name": "text", "type": "text"})
        for protocol, kind in (("http/1.1", Events), ("h2", EventsOverH2)):
            with roost.connect(host, protocols=(protocol,)) as connection:
                stream = kind(connection, host)
                subscription = {"clientId": stream.client_id, "subscriptions": ["posts/*"]}
                assert roost.ask("POST", "/api/realtime", subscription, host).status == 204
                late, sent = [], {}

                def write():
                    for number in range(EVENTS):
                        time.sleep(APART)
                        sent[str(number)] = time.monotonic()
                        roost.ask("POST", "/api/collections/posts/records", {"text": str(number)}, host)

                writer = threading.Thread(target=write)
                writer.start()
                for _ in range(EVENTS):
                    _, data = stream.next()
                    late.append((time.monotonic() - sent[json.loads(data)["record"]["text"]]) * 1000)
                writer.join()
                fact(f"{protocol}: events {APART:g} s apart arrive one by one", len(late) == EVENTS and max(late) < APART * 1000, len(late), EVENTS)
                absolute(f"{protocol}: the latest, after the request that caused it began", max(late), 50)


async def exchange_messages(way, sizes, trips):
    """Messages of these sizes come back as they were; then many small ones, each way in turn."""
    async with connect(URI, max_size=None, **way) as client:
        exact = True
        for size in sizes:
            message = os.urandom(size)
            await client.send(message)
            exact &= await client.recv() == message
        times = []
        for number in range(trips):
            began = time.perf_counter()
            await client.send(str(number))
            exact &= await client.recv() == str(number)
            times.append((time.perf_counter() - began) * 1000)
    return exact, times


async def many_sockets(way, count, idle):
    """So many at once, all still there after a pause."""
    async with contextlib.AsyncExitStack() as stack:
        gate = asyncio.Semaphore(32)

        async def open_one():
            async with gate:
                # No pings: whether an idle connection is kept is the question.
                return await connect(URI, ping_interval=None, open_timeout=60, **way)

        clients = await asyncio.gather(*(open_one() for _ in range(count)))
        for client in clients:
            stack.push_async_callback(client.close)
        await asyncio.sleep(idle)
        for number, client in enumerate(clients):
            await client.send(str(number))
        return sum([await client.recv() == str(number) for number, client in enumerate(clients)])


@check(25, "WebSocket")
def web_sockets():
    sizes = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20]
    idle = 300 if LONG else 25  # longer than a request's head may take
    with echoing() as upstream, stage("--upstream", upstream) as edge:
        way = {"ssl": trusting(str(edge.root)), "host": "127.0.0.1", "port": edge.https, "compression": None}
        exact, times = asyncio.run(exchange_messages(way, sizes, 2000))
        fact("messages of 0 B to 16 MiB and 2,000 round trips are exact", exact, f"p50 {percentile(times, .5):.2f} ms")
        alive = asyncio.run(many_sockets(way, 500, idle))
        fact(f"500 at once, idle for {idle} s", alive == 500, alive, 500)


@contextlib.contextmanager
def echoing():
    """A WebSocket server that sends back what it gets; its address."""
    started, stop, address = threading.Event(), None, ""

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async def serve():
        nonlocal stop, address
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        stop.from_outside = lambda: loop.call_soon_threadsafe(stop.set)
        async with serve_web_sockets(echo, "127.0.0.1", 0, max_size=None, compression=None, ping_interval=None) as server:
            address = "127.0.0.1:%d" % next(iter(server.sockets)).getsockname()[1]
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield address
    finally:
        stop.from_outside()
        thread.join(10)


HANG_UPS, AT_ONCE = 1000, 10


@check(26, "clients that hang up in the middle")
def hang_ups():
    with Upstream() as upstream, stage("--upstream", upstream.address) as edge:
        upload = request("POST", "/take", {"Host": HOST, "Transfer-Encoding": "chunked"}, b"4\r\nhalf\r\n")
        download = request("GET", "/endless", {"Host": HOST})
        for name, start in (("upload", upload), ("download", download)):
            late, upstream.aborts = [], []
            for _ in range(HANG_UPS // 2 // AT_ONCE):
                clients = [edge.connect() for _ in range(AT_ONCE)]
                for client in clients:
                    client.sendall(start)
                time.sleep(0.02)
                already = len(upstream.aborts)
                left = time.monotonic()
                for client in clients:
                    client.close()
                until(lambda: len(upstream.aborts) >= already + AT_ONCE, 5, 0.002)
                late += [(at - left) * 1000 for at in upstream.aborts[already:]]
            fact(f"mid-{name}: the upstream sees every one", len(late) == HANG_UPS // 2, len(late), HANG_UPS // 2)
            absolute(f"mid-{name}: after", percentile(late, 0.99), 100)
    with platform(SLEEPY) as roost:
        _, host = roost.create("orchard")
        path = store_file(roost, host, 20 << 20)
        for number in range(HANG_UPS // 5):
            with roost.connect(host) as client:
                if number % 2:
                    client.sendall(request("GET", path, {"Host": host}))
                else:
                    kind = {"Host": host, "Content-Type": "multipart/form-data; boundary=x", "Content-Length": 1 << 20}
                    client.sendall(request("POST", "/api/collections/files/records", kind, b"--x\r\n" + b"y" * 1000))
        roost.asleep("orchard")
        fact("no lease of a project is left: it falls asleep", True)
        # A route has 256 permits and nobody who hung up keeps one.
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(roost.connect(host)) for _ in range(250)]
            for client in clients:
                client.sendall(request("GET", "/api/health", {"Host": host}))
            served = [Reader(client).answer().status for client in clients].count(200)
        fact("no permit is left: as many as its limit are served at once", served == 250, served, 250)


@check(27, "permits last until the last byte")
def permits():
    limit = 5
    with Upstream() as upstream, stage("--upstream", upstream.address, "--concurrent", limit) as edge, contextlib.ExitStack() as stack:
        def ask(path):
            client = stack.enter_context(edge.connect())
            client.sendall(request("GET", path, {"Host": HOST}))
            return Reader(client)

        slow = [ask("/halves?s=2") for _ in range(limit)]
        heads = [reader.head()[0] for reader in slow]
        refused = ask("/echo").answer()
        fact("with all heads sent, one more is refused", heads == [200] * limit and refused.status == 503 and refused.headers.get("retry-after"), refused.status, 503)
        fact("and never reached the upstream", len(upstream.seen) == limit, len(upstream.seen), limit)
        bodies = [reader.exactly(8) for reader in slow]
        again = [ask("/halves?s=0.5") for _ in range(limit + 1)]
        statuses = sorted(reader.answer().status for reader in again)
        fact("once the bodies ended, exactly as many are let in again", bodies == [b"halfhalf"] * limit and statuses == [200] * limit + [503], statuses)
