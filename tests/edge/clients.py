"""Clients made of sockets: they say exactly what they are told, from whatever loopback address."""

import collections
import json
import random
import socket
import ssl
import struct

from .pki import trusting

IP_BIND_ADDRESS_NO_PORT = 24
# Of DNS: kinds of records, and the code of a refusal.
TXT, A, ANY, REFUSED = 16, 1, 255, 5
Answer = collections.namedtuple("Answer", "status value headers")


class Closed(Exception):
    """The other side ended the connection before its answer did."""


def tcp(port, source=None, timeout=30, receive=None):
    """A connection to this machine, if need be from another loopback address or with little room for what comes."""
    connection = socket.socket()
    try:
        connection.settimeout(timeout)
        if receive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        if source:
            # The port is chosen at connect, so that each address has all ports.
            connection.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            connection.bind((source, 0))
        connection.connect(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    except BaseException:
        connection.close()
        raise


def secure(plain, host, root=None, protocols=("http/1.1",)):
    """TLS for that name over a connection; without a root, whoever answers is believed."""
    try:
        return trusting(root and str(root), *protocols).wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def address(number):
    """One of many loopback addresses."""
    return f"127.{1 + number // 60_000}.{number // 240 % 250}.{1 + number % 240}"


def request(method, path, headers, body=b""):
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(connection, method, path, body=None, headers=None):
    """One request and its answer; JSON is understood."""
    sent = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    if body is not None:
        sent["Content-Length"] = len(body)
    connection.sendall(request(method, path, sent, body or b""))
    return answer(connection, method)


class Reader:
    """Reads answers off a connection, one after another."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""

    def more(self):
        chunk = self.connection.recv(65536)
        if not chunk:
            raise Closed(f"after {self.buffer[:200]!r}")
        self.buffer += chunk

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        piece, self.buffer = self.buffer[:count], self.buffer[count:]
        return piece

    def rest(self):
        """Everything until the other side closes."""
        try:
            while True:
                self.more()
        except (Closed, OSError):
            piece, self.buffer = self.buffer, b""
            return piece

    def head(self):
        """The status and the headers, in lower case; several lines of one name are joined by a line break."""
        first = self.line()
        if not first.startswith("HTTP/1."):
            raise Closed(f"not an answer: {first[:80]!r}")
        headers = {}
        while line := self.line():
            name, value = line.split(":", 1)
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
        return int(first.split()[1]), headers

    def body(self, headers):
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int(self.line().split(";")[0], 16):
                pieces.append(self.exactly(size))
                self.line()
            while self.line():
                pass
            return b"".join(pieces)
        if "content-length" in headers:
            return self.exactly(int(headers["content-length"]))
        return self.rest()

    def answer(self, method="GET"):
        status, headers = self.head()
        while status == 100:
            status, headers = self.head()
        raw = b"" if method == "HEAD" or status in (101, 204, 304) else self.body(headers)
        try:
            value = json.loads(raw)
        except ValueError:
            value = raw
        return Answer(status, value, headers)


def answer(connection, method="GET"):
    """The next answer on a connection of which nothing more is wanted."""
    return Reader(connection).answer(method)


def is_gone(connection):
    """Whether the other side has ended a connection; whatever it said before is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def ask_dns(port, name, kind, over_tcp=False):
    """The response code and the answers of a question, by a hand-made message."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = struct.pack(">HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(type=socket.SOCK_STREAM if over_tcp else socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.connect(("127.0.0.1", port))
        client.send(struct.pack(">H", len(question)) + question if over_tcp else question)
        if over_tcp:
            with client.makefile("rb") as stream:
                answer = stream.read(*struct.unpack(">H", stream.read(2)))
        else:
            answer = client.recv(65536)
    _, flags, _, answers, _, _ = struct.unpack(">HHHHHH", answer[:12])
    return flags & 15, answers, len(answer)
