"""What an upstream gets to see of a request: its headers, its body up to the limit, and never the same one twice."""

import contextlib
import json
import time

import h2.config
import h2.connection
import h2.events

from .clients import Closed, Reader, request
from .report import check, fact
from .stage import HOST, Upstream, stage

FORGED = {
    "x-roost-tenant": "other", "x-roost-client-ip": "6.6.6.6", "x-forwarded-for": "6.6.6.6", "x-forwarded-host": "bank.example",
    "x-forwarded-proto": "gopher", "x-forwarded-port": "1", "x-real-ip": "6.6.6.6", "forwarded": "for=6.6.6.6", "x-request-id": "theirs",
}
OF_ONE_CONNECTION = ["connection", "keep-alive", "te", "trailer", "upgrade", "proxy-connection", "proxy-authorization", "x-one", "x-two"]


@check(18, "header hygiene")
def headers():
    with Upstream() as upstream, stage("--upstream", upstream.address) as edge:
        lines = [f"GET /echo HTTP/1.1\r\nHost: {HOST.upper()}:{edge.https}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in FORGED.items()]
        lines += ["Connection: X-One, keep-alive\r\n", "Connection: x-two\r\n", "X-One: 1\r\n", "X-Two: 2\r\n", "Keep-Alive: timeout=5\r\n",
                  "TE: trailers\r\n", "Trailer: x\r\n", "Upgrade: h2c\r\n", "Proxy-Connection: close\r\n", "Proxy-Authorization: x\r\n",
                  "X-Kept: yes\r\n", "\r\n"]
        with edge.connect(source="127.0.0.77") as client:
            client.sendall("".join(lines).encode())
            seen = Reader(client).answer().value["headers"]
        got = dict(seen)
        fact("nothing of the connection arrives", not set(got) & set(OF_ONE_CONNECTION), sorted(set(got) & set(OF_ONE_CONNECTION)))
        forged = [name for name, value in seen if value and value == FORGED.get(name)]
        fact("nothing forged arrives", not forged and "forwarded" not in got and "x-roost-tenant" not in got, forged)
        ours = {"x-forwarded-for": "127.0.0.77", "x-real-ip": "127.0.0.77", "x-forwarded-proto": "https",
                "x-forwarded-host": got["host"], "x-client-request-id": "theirs"}
        wrong = {name: got.get(name) for name, value in ours.items() if got.get(name) != value}
        fact("what we say instead is true", not wrong, wrong or "")
        fact("once", len(got) == len(seen), len(seen) - len(got))
        fact("Host is the client's", got["host"].lower() == f"{HOST}:{edge.https}", got["host"])
        fact("the rest is kept", got.get("x-kept") == "yes")
        received = over_h2(edge, [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")])
        cookies = [value for name, value in received["headers"] if name == "cookie"]
        fact("h2: cookies are joined", cookies == ["a=1; b=2; c=3"], cookies)
        hosts = [value for name, value in received["headers"] if name == "host"]
        fact("h2: Host comes from the authority", hosts == [HOST], hosts)


def over_h2(edge, more):
    """What the upstream saw of a request over HTTP/2."""
    with edge.connect(protocols=("h2",)) as client:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        head = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/echo")]
        connection.send_headers(1, head + more, end_stream=True)
        client.sendall(connection.data_to_send())
        body = b""
        while True:
            for event in connection.receive_data(client.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    return json.loads(body)


@check(23, "body limit")
def body_limit():
    limit = 1 << 20
    with Upstream() as upstream, stage("--upstream", upstream.address, "--body", limit) as edge:
        def send(framing, body):
            with edge.connect() as client:
                client.sendall(request("POST", "/echo", {"Host": HOST, **framing}))
                with contextlib.suppress(OSError):
                    client.sendall(body)
                reader = Reader(client)
                answer = reader.answer()
                try:
                    client.settimeout(5)
                    closed = not client.recv(1)
                except TimeoutError:
                    closed = False
                except OSError:
                    closed = True
                return answer, closed

        fits, _ = send({"Content-Length": limit}, b"x" * limit)
        fact("the limit itself passes", fits.status == 200 and fits.value["length"] == limit, fits.status, 200)
        before = upstream.connections, len(upstream.seen)
        answer, closed = send({"Content-Length": limit + 1}, b"x" * (limit + 1))
        fact("one byte more, announced: 413", answer.status == 413 and answer.value["data"]["code"] == "body_too_large", answer.status, 413)
        fact("the upstream is not called, the connection is closed", (upstream.connections, len(upstream.seen)) == before and closed)
        aborts = len(upstream.aborts)
        chunk = b"%x\r\n" % (limit + 1) + b"x" * (limit + 1) + b"\r\n0\r\n\r\n"
        answer, closed = send({"Transfer-Encoding": "chunked"}, chunk)
        fact("one byte more, in chunks: 413", answer.status == 413, answer.status, 413)
        time.sleep(0.2)
        fact("the upstream's request is broken off, the connection is closed", len(upstream.seen) == before[1] and len(upstream.aborts) == aborts + 1 and closed,
             f"{len(upstream.seen) - before[1]} whole, {len(upstream.aborts) - aborts} broken off")


@check(31, "retries")
def retries():
    with Upstream() as upstream, stage("--upstream", upstream.address) as edge:
        def ask(method, deaths, warm=False, body=None):
            """The answer, and how often the upstream read the request, when its next connections die so."""
            if warm:
                edge.ask("GET", "/echo")
            upstream.seen, upstream.deaths = [], list(deaths)
            answer = edge.ask(method, "/echo", body)
            left, upstream.deaths = len(upstream.deaths), []
            return answer.status, len(upstream.seen), left

        # A connection that dies before it reads anything: the first one made, as none is in the pool.
        got = ask("GET", ["before"])
        fact("GET, the upstream dies before it reads: once more", got == (200, 1, 0), got, "(200, read once, 0)")
        got = ask("GET", ["read"], warm=True)
        fact("GET, the upstream dies after it read: once more", got == (200, 2, 0), got, "(200, read twice, 0)")
        got = ask("GET", ["read"] * 5, warm=True)
        fact("GET, it always dies: never a third time", got[:2] == (502, 2), got[:2], "(502, read twice)")
        for body, name in ((b"a" * 10, "short"), (b"a" * 200_000, "long")):
            got = ask("POST", ["read"] * 5, warm=True, body=body)
            fact(f"POST with a {name} body, the upstream dies after it read: never again", got[:2] == (502, 1), got[:2], "(502, read once)")
    with Upstream() as upstream, stage("--upstream", upstream.address) as edge:
        statuses = []
        for number in range(200):
            upstream.deaths = ["read"] if number % 3 == 0 else []
            with contextlib.suppress(Closed, OSError):
                statuses.append(edge.ask("POST", f"/echo/{number}", b"x").status)
        lines = [seen.line for seen in upstream.seen]
        fact("200 POSTs, every third dies: duplicates", len(lines) == len(set(lines)) == 200, len(lines) - len(set(lines)), 0)
        fact("each is told what became of it", statuses.count(200) == 133 and statuses.count(502) == 67, f"{statuses.count(200)} with 200, {statuses.count(502)} with 502")
