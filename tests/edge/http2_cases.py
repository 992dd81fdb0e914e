"""HTTP/2 as it should not be, frame by frame. Each case is given a wire that has said hello and writes what it likes.

Marks: a number says how many requests must reach the upstream, BROKEN that none may do so whole, EITHER that it is
harmless both ways; everything else must not even begin to."""

from hyperframe.frame import (ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame,
                              PushPromiseFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame)

REFUSED, BROKEN, EITHER = "refused", "broken", "either"
GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"example.test"), (b":path", b"/")]
POST = [(b":method", b"POST"), *GET[1:]]

CASES = []


def case(mark, name):
    def add(write):
        CASES.append((name, mark, write))
    return add


def headers(mark, name, fields, end=True):
    CASES.append((f"headers: {name}", mark, lambda wire: wire.headers(1, fields, end=end)))


def pseudo(mark, name, **replaced):
    """A GET with pseudo headers replaced, or left out where there is None."""
    fields = [(field, replaced.get(field[1:].decode(), value)) for field, value in GET]
    headers(mark, name, [(field, value) for field, value in fields if value is not None])


def extra(mark, name, *fields):
    headers(mark, name, [*GET, *fields])


def body(mark, name, fields, *pieces):
    def write(wire):
        wire.headers(1, [*POST, *fields], end=not pieces)
        for number, piece in enumerate(pieces, 1):
            wire.frame(DataFrame(1, piece, flags=["END_STREAM"] if number == len(pieces) else []))
    CASES.append((f"body: {name}", mark, write))


headers(1, "a GET", GET)
headers(1, "without a scheme of TLS", [(name, b"http" if name == b":scheme" else value) for name, value in GET])
pseudo(REFUSED, "no method", method=None)
pseudo(REFUSED, "no scheme", scheme=None)
pseudo(REFUSED, "no path", path=None)
pseudo(REFUSED, "no authority", authority=None)
pseudo(REFUSED, "an empty path", path=b"")
pseudo(REFUSED, "a path without a slash", path=b"x")
pseudo(REFUSED, "a path that is an address", path=b"https://other.test/")
pseudo(REFUSED, "GET *", path=b"*")
pseudo(REFUSED, "a space in the path", path=b"/a b")
pseudo(REFUSED, "a line end in the path", path=b"/ HTTP/1.1\r\nX-Y: z")
pseudo(REFUSED, "a NUL in the path", path=b"/a\0b")
pseudo(REFUSED, "an empty method", method=b"")
pseudo(REFUSED, "a space in the method", method=b"GET / HTTP/1.1")
pseudo(REFUSED, "a line end in the method", method=b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\nGET")
pseudo(REFUSED, "an empty authority", authority=b"")
pseudo(REFUSED, "a user in the authority", authority=b"user@example.test")
pseudo(REFUSED, "two authorities in one", authority=b"example.test, other.test")
pseudo(REFUSED, "a path in the authority", authority=b"example.test/x")
pseudo(REFUSED, "a line end in the authority", authority=b"example.test\r\nX-Y: z")
pseudo(REFUSED, "a port that is none in the authority", authority=b"example.test:http")
pseudo(REFUSED, "an authority this connection is not for", authority=b"other.test")
pseudo(REFUSED, "another scheme", scheme=b"ftp")
pseudo(REFUSED, "a line end in the scheme", scheme=b"https://example.test/\r\nX-Y: z")
headers(REFUSED, "CONNECT", [(b":method", b"CONNECT"), (b":authority", b"example.test:443")], end=False)
headers(REFUSED, "CONNECT for a WebSocket nobody offered", [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *GET[1:]], end=False)
headers(REFUSED, "the method twice", [*GET, (b":method", b"POST")])
headers(REFUSED, "the path twice", [*GET[:3], (b":path", b"/a"), (b":path", b"/b")])
headers(REFUSED, "the authority twice", [*GET[:3], (b":authority", b"other.test"), GET[3]])
headers(REFUSED, "a pseudo header nobody knows", [*GET, (b":x", b"y")])
headers(REFUSED, "a pseudo header of answers", [*GET, (b":status", b"200")])
headers(REFUSED, "a pseudo header behind others", [*GET[:3], (b"x-y", b"z"), GET[3]])
extra(REFUSED, "a host that differs", (b"host", b"other.test"))
extra(1, "a host that does not", (b"host", b"example.test"))
extra(REFUSED, "two hosts", (b"host", b"example.test"), (b"host", b"example.test"))
extra(REFUSED, "a name in capitals", (b"X-Y", b"z"))
extra(REFUSED, "an empty name", (b"", b"z"))
extra(REFUSED, "a space in a name", (b"x y", b"z"))
extra(REFUSED, "a colon in a name", (b"x:y", b"z"))
extra(REFUSED, "a line end in a name", (b"x\r\ny", b"z"))
extra(REFUSED, "a NUL in a name", (b"x\0y", b"z"))
extra(REFUSED, "a line end in a value", (b"x-y", b"a\r\nx-z: b"))
extra(REFUSED, "a line feed in a value", (b"x-y", b"a\nb"))
extra(REFUSED, "a carriage return in a value", (b"x-y", b"a\rb"))
extra(REFUSED, "a NUL in a value", (b"x-y", b"a\0b"))
extra(EITHER, "spaces around a value", (b"x-y", b" a "))
extra(EITHER, "a byte above 127 in a value", (b"x-y", b"\xff"))
extra(REFUSED, "connection", (b"connection", b"close"))
extra(REFUSED, "keep-alive", (b"keep-alive", b"5"))
extra(REFUSED, "proxy-connection", (b"proxy-connection", b"close"))
extra(REFUSED, "upgrade", (b"upgrade", b"websocket"))
extra(REFUSED, "transfer-encoding", (b"transfer-encoding", b"chunked"))
extra(REFUSED, "te other than trailers", (b"te", b"gzip"))
extra(1, "te: trailers", (b"te", b"trailers"))
extra(1, "a cookie in crumbs", (b"cookie", b"a=1"), (b"cookie", b"b=2"))
extra(REFUSED, "101 lines", *[(b"x-%d" % number, b"y") for number in range(101)])
extra(REFUSED, "one value of 70 KB", (b"x-y", b"z" * 70_000))
extra(REFUSED, "an expectation nobody knows", (b"expect", b"tea"))

body(1, "five bytes", [(b"content-length", b"5")], b"hello")
body(1, "of no announced length", [], b"hel", b"lo")
body(BROKEN, "less than announced", [(b"content-length", b"6")], b"hello")
body(BROKEN, "more than announced", [(b"content-length", b"4")], b"hello")
body(BROKEN, "announced and not there", [(b"content-length", b"5")])
body(BROKEN, "a request hidden in it", [(b"content-length", b"0")], b"GET /hidden HTTP/1.1\r\nHost: example.test\r\n\r\n")
body(REFUSED, "two lengths", [(b"content-length", b"5"), (b"content-length", b"6")], b"hello")
body(REFUSED, "a length that is none", [(b"content-length", b"five")], b"hello")
body(REFUSED, "a length with a plus", [(b"content-length", b"+5")], b"hello")
body(REFUSED, "a length and a coding", [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], b"hello")


def trailers(mark, name, fields, end=True):
    def write(wire):
        wire.headers(1, POST, end=False)
        wire.frame(DataFrame(1, b"hello"))
        wire.headers(1, fields, end=end)
    CASES.append((f"trailers: {name}", mark, write))


trailers(1, "one", [(b"x-y", b"z")])
# Ought to be refused. It is lost before anything of ours could see it, and trailers do not reach an upstream.
trailers(1, "a pseudo header", [(b":path", b"/hidden")])
trailers(BROKEN, "in capitals", [(b"X-Y", b"z")])
trailers(BROKEN, "that end nothing", [(b"x-y", b"z")], end=False)


@case(REFUSED, "frames: data on a stream nobody opened")
def _(wire):
    wire.frame(DataFrame(1, b"hello", flags=["END_STREAM"]))


@case(REFUSED, "frames: a request on an even stream")
def _(wire):
    wire.headers(2, GET)


@case(REFUSED, "frames: a request on stream 0")
def _(wire):
    wire.raw(HeadersFrame(1, wire.packed(GET), flags=["END_HEADERS", "END_STREAM"]).serialize()[:5] + b"\0" * 4 + wire.packed(GET))


@case(EITHER, "frames: a request on a stream lower than the last")
def _(wire):
    wire.headers(5, GET)
    wire.headers(3, GET)


@case(EITHER, "frames: data behind the end")
def _(wire):
    wire.headers(1, GET)
    wire.frame(DataFrame(1, b"GET /hidden HTTP/1.1\r\nHost: example.test\r\n\r\n"))


@case(EITHER, "frames: a second request on the same stream")
def _(wire):
    wire.headers(1, GET)
    wire.headers(1, GET)


@case(REFUSED, "frames: headers cut by another frame")
def _(wire):
    packed = wire.packed(GET)
    wire.frame(HeadersFrame(1, packed[:5], flags=["END_STREAM"]))
    wire.frame(PingFrame(0, b"12345678"))
    wire.frame(ContinuationFrame(1, packed[5:], flags=["END_HEADERS"]))


@case(REFUSED, "frames: headers continued on another stream")
def _(wire):
    packed = wire.packed(GET)
    wire.frame(HeadersFrame(1, packed[:5], flags=["END_STREAM"]))
    wire.frame(ContinuationFrame(3, packed[5:], flags=["END_HEADERS"]))


@case(REFUSED, "frames: headers that are never continued")
def _(wire):
    wire.frame(HeadersFrame(1, wire.packed(GET), flags=["END_STREAM"]))


@case(1, "frames: headers continued")
def _(wire):
    packed = wire.packed(GET)
    wire.frame(HeadersFrame(1, packed[:5], flags=["END_STREAM"]))
    wire.frame(ContinuationFrame(1, packed[5:], flags=["END_HEADERS"]))


@case(REFUSED, "frames: a continuation of nothing")
def _(wire):
    wire.frame(ContinuationFrame(1, wire.packed(GET), flags=["END_HEADERS"]))


@case(REFUSED, "frames: headers that cannot be unpacked")
def _(wire):
    wire.frame(HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS", "END_STREAM"]))


@case(REFUSED, "frames: headers that name an entry there is not")
def _(wire):
    wire.frame(HeadersFrame(1, wire.packed(GET) + b"\xfe", flags=["END_HEADERS", "END_STREAM"]))


@case(REFUSED, "frames: a promise from a client")
def _(wire):
    wire.frame(PushPromiseFrame(1, 2, wire.packed(GET), flags=["END_HEADERS"]))


@case(REFUSED, "frames: a frame larger than agreed")
def _(wire):
    wire.raw(b"\x01\x00\x00\x00\x00\x00\x00\x00\x01" + b"x" * 65536)


@case(REFUSED, "frames: padding longer than the frame")
def _(wire):
    wire.raw(b"\x00\x00\x02\x01\x0d\x00\x00\x00\x01\xffx")


@case(REFUSED, "frames: a stream that waits for itself")
def _(wire):
    wire.frame(HeadersFrame(1, wire.packed(GET), depends_on=1, flags=["END_HEADERS", "END_STREAM", "PRIORITY"]))


@case(EITHER, "frames: a window too large")
def _(wire):
    wire.headers(1, GET)
    wire.frame(WindowUpdateFrame(0, 2**31 - 1))


@case(EITHER, "frames: a window of nothing")
def _(wire):
    wire.headers(1, GET)
    wire.raw(b"\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x00\x00")


@case(EITHER, "frames: a reset behind the request")
def _(wire):
    wire.headers(1, GET)
    wire.frame(RstStreamFrame(1, 8))


@case(REFUSED, "frames: a reset of a stream nobody opened")
def _(wire):
    wire.frame(RstStreamFrame(1, 8))


@case(REFUSED, "frames: settings on a stream")
def _(wire):
    wire.raw(b"\x00\x00\x00\x04\x00\x00\x00\x00\x01")


@case(REFUSED, "frames: settings out of range")
def _(wire):
    wire.frame(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 2**31}))


@case(1, "frames: a kind nobody knows")
def _(wire):
    wire.raw(b"\x00\x00\x03\xee\x00\x00\x00\x00\x00abc")
    wire.headers(1, GET)


@case(EITHER, "frames: goodbye, and then a request")
def _(wire):
    wire.frame(GoAwayFrame(0))
    wire.headers(1, GET)


@case(1, "frames: priorities")
def _(wire):
    wire.frame(PriorityFrame(3, depends_on=0))
    wire.headers(1, GET)


@case(3, "frames: three requests at once")
def _(wire):
    for stream in (1, 3, 5):
        wire.headers(stream, GET)
