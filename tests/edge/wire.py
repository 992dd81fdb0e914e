"""One connection of HTTP/2, frame by frame. Needs the Python package `h2`, whose parts write frames no library would."""

import sys
import time

import servers

try:
    from hpack import Decoder, Encoder
    from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame
except ImportError:
    servers.missing("the Python package h2")
    sys.exit(0)

QUIET = 0.15
"""Seconds without a frame after which no more is expected, if something came and no answer is due."""


class Wire:
    """A connection that has said hello, and then says whatever it is told to."""

    def __init__(self, server):
        self.socket = servers.over_tls(server.https)
        self.encoder, self.decoder, self.unread = Encoder(), Decoder(), b""
        self.answers, self.resets, self.goodbye, self.closed = {}, set(), False, False
        self.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize())

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    def frame(self, frame):
        self.raw(frame.serialize())

    def packed(self, fields):
        return self.encoder.encode(fields)

    def headers(self, stream, fields, end=True):
        """Sends a head, in as many frames as it takes."""
        packed = self.packed(fields)
        pieces = [packed[at:at + 16_000] for at in range(0, len(packed), 16_000)]
        flags = (1 if end else 0) | (4 if len(pieces) == 1 else 0)
        self.raw(len(pieces[0]).to_bytes(3) + bytes([1, flags]) + stream.to_bytes(4) + pieces[0])
        for piece in pieces[1:]:
            flags = 4 if piece is pieces[-1] else 0
            self.raw(len(piece).to_bytes(3) + bytes([9, flags]) + stream.to_bytes(4) + piece)

    def listen(self, due):
        """Reads frames until `due()` answers are here and nothing more comes."""
        self.socket.settimeout(QUIET)
        quiet = 0
        while quiet < 20 and not self.closed:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                quiet += 1
                said = self.answers or self.resets or self.goodbye
                if due() == self.recorded() and (said or quiet > 2):
                    return
                continue
            except OSError:
                data = b""
            self.closed = not data
            self.unread += data
            while self.take():
                pass

    def take(self):
        if len(self.unread) < 9:
            return False
        frame, length = Frame.parse_frame_header(memoryview(self.unread[:9]))
        if len(self.unread) < 9 + length:
            return False
        frame.parse_body(memoryview(self.unread[9:9 + length]))
        self.unread = self.unread[9 + length:]
        match frame:
            case HeadersFrame():
                self.answers[frame.stream_id] = dict(self.decoder.decode(frame.data))
            case RstStreamFrame():
                self.resets.add(frame.stream_id)
            case GoAwayFrame():
                self.goodbye = True
        return True

    def ended(self, patience=0.0):
        """Whether the other side has had enough, of this connection or of a stream. Answers are read and forgotten."""
        until = time.monotonic() + patience
        while not (self.closed or self.goodbye or self.resets or self.refusals()):
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                if time.monotonic() >= until:
                    return False
                continue
            except OSError:
                data = b""
            self.closed = not data
            self.unread += data
            while self.take():
                pass
        return True

    def refusals(self):
        return any(fields.get(":status") == "431" for fields in self.answers.values())

    def recorded(self):
        return sum("x-recorded" in fields for fields in self.answers.values())
