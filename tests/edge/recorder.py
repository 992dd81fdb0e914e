"""An upstream that writes down what reaches it, and reads requests as strictly as the book does."""

import re
import socket
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nx-recorded: yes\r\ncontent-length: 2\r\n\r\n"
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Recorder:
    """Listens on a free port. `begun` counts heads, `seen` whole requests, `doubts` what a second reader could take
    for something else."""

    def __init__(self):
        self.lock = threading.Lock()
        self.forget()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def forget(self):
        with self.lock:
            self.begun, self.seen, self.doubts = 0, [], []

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while self.answer(connection, stream):
                    pass
            except (OSError, EOFError):
                pass

    def answer(self, connection, stream):
        line = read_line(stream)
        headers = []
        while (header := read_line(stream)) != b"":
            name, colon, value = header.partition(b":")
            if not colon or not NAME.fullmatch(name):
                self.doubt(f"the header line {header[:60]!r}")
            headers.append((name.lower(), value.strip(b" \t")))
        with self.lock:
            self.begun += 1
        body = self.body(stream, headers)
        with self.lock:
            self.seen.append((line, headers, body))
        head_only = line.startswith(b"HEAD ")
        connection.sendall(ANSWER if head_only else ANSWER + b"ok")
        return True

    def body(self, stream, headers):
        lengths = [value for name, value in headers if name == b"content-length"]
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            self.doubt(f"{len(lengths)} lengths and {len(codings)} codings")
        if any(not value.isdigit() for value in lengths) or any(value != b"chunked" for value in codings):
            self.doubt(f"framed by {lengths + codings}")
        if [name for name, _ in headers].count(b"host") != 1:
            self.doubt("not one host")
        if codings:
            return b"".join(chunks(stream))
        return read(stream, int(lengths[0])) if lengths else b""

    def doubt(self, why):
        with self.lock:
            self.doubts.append(why)


def chunks(stream):
    while size := int(read_line(stream).partition(b";")[0], 16):
        yield read(stream, size)
        if read_line(stream) != b"":
            raise EOFError
    while read_line(stream) != b"":
        pass


def read_line(stream):
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line.rstrip(b"\r\n")


def read(stream, length):
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data
