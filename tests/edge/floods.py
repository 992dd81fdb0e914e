"""HTTP/2 clients that abuse the protocol: their connections end, and nobody else notices."""

import contextlib
import multiprocessing
import socket
import ssl
import struct
import time

import hpack

from .clients import address, secure, tcp
from .kit import platform
from .load import median, wrk
from .report import check, fact, ratio

STREAMS = 10_000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def head(host, *more):
    """The header block of a GET; nothing of it is remembered, so it may be sent again and again."""
    lines = [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/api/health"), *more]
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*line) for line in lines], huffman=False)


def rapid_reset(host):
    """Streams that are reset as soon as they are opened."""
    block, reset = head(host), struct.pack(">I", CANCEL)
    return b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, reset)
                    for stream in range(1, 2 * STREAMS, 2))


def continuation(host):
    """A header block without an end, in a million small pieces."""
    return frame(HEADERS, END_STREAM, 1, head(host)) + frame(CONTINUATION, 0, 1, head(host)[:1] * 1000) * 2000


def long_head(host):
    """100 KB of header in a request that is well formed otherwise."""
    block = head(host, *((f"x-{number}", "v" * 1000) for number in range(100)))
    pieces = [block[at:at + 16_000] for at in range(0, len(block), 16_000)]
    frames = [frame(HEADERS, END_STREAM, 1, pieces[0]), *(frame(CONTINUATION, 0, 1, piece) for piece in pieces[1:-1])]
    return b"".join([*frames, frame(CONTINUATION, END_HEADERS, 1, pieces[-1])])


FLOODS = {"rapid reset": rapid_reset, "CONTINUATION without an end": continuation, "100 KB of header": long_head}


def attack(port, host, bytes_, source=None, patience=10):
    """What becomes of a connection on which this is sent: the kinds of frames that came, and whether it ended."""
    with contextlib.closing(secure(tcp(port, source), host, protocols=("h2",))) as connection:
        connection.settimeout(patience)
        with contextlib.suppress(OSError):  # it may be ended while we still talk
            connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + bytes_)
        received, ended = b"", False
        try:
            while chunk := connection.recv(65536):
                received += chunk
            ended = True
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except OSError:
            ended = True
    return kinds(received), ended


def kinds(received):
    """The frames in these bytes: what each is, and what it holds."""
    found = []
    while len(received) >= 9:
        length, kind = int.from_bytes(received[:3], "big"), received[3]
        found.append((kind, received[9:9 + length]))
        received = received[9 + length:]
    return found


def siege(port, host, bytes_, pause):
    """Attacks again and again."""
    for number in range(10**6):
        with contextlib.suppress(OSError):
            attack(port, host, bytes_, address(number % 500), 1)
        time.sleep(pause)


@check(22, "HTTP/2 floods")
def floods():
    with platform() as roost:
        _, host = roost.create("orchard")
        url = f"https://localhost:{roost.https}/api/health"
        for name, make in FLOODS.items():
            bytes_ = make(host)
            frames, ended = attack(roost.https, host, bytes_)
            said_goodbye = any(kind == GOAWAY for kind, _ in frames)
            if make is long_head:
                # One stream too large is that stream's fault: it is refused, the connection may go on.
                refused = [kind for kind, _ in frames if kind in (HEADERS, RST_STREAM, GOAWAY)]
                fact(f"{name}: the request is refused", refused and not any(kind == DATA and b"healthy" in data for kind, data in frames))
            else:
                fact(f"{name}: the connection ends with GOAWAY", ended and said_goodbye, f"GOAWAY {said_goodbye}, ended {ended}")
            quiet, loud = [], []
            for _ in range(3):
                quiet.append(wrk(url, host, 1))
                attacker = multiprocessing.Process(target=siege, args=(roost.https, host, bytes_, 0.2), daemon=True)
                attacker.start()
                loud.append(wrk(url, host, 1))
                attacker.kill()
                attacker.join()
            ratio(f"{name}: p99 of the others", median(loud, "p99"), median(quiet, "p99"), 2)
            failed = sum(load.failed for load in loud)
            fact(f"{name}: none of their requests fails", failed == 0, failed, 0)
