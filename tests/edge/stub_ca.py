"""A certificate authority (RFC 8555, 9773) that believes everybody and misbehaves as it is told.

Signatures are not looked at: what is tested is what we ask for, how often, and what we do with the answers.
"""

import base64
import contextlib
import datetime
import http.server
import json
import ssl
import threading
import time

from cryptography import x509

from .pki import Authority, pem

PROBLEM = "urn:ietf:params:acme:error:"


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class StubCa:
    """`mode` is "well", "failing" (500), "hanging", or ("limited", SECONDS) for 429 with Retry-After. `requests` is all it
    was asked: time, path, payload. With `says_when` it suggests when to renew: late, but at once what was `recalled`. With
    `replaces_nothing` it says that whatever is replaced was replaced before."""

    def __init__(self, directory, name="stub", days=90, says_when=False):
        home = directory / name
        home.mkdir()
        chain, key, self.root = Authority(f"{name}'s own root").issue(home, "localhost")
        self.issuer, self.days, self.says_when = Authority(f"{name} issues"), days, says_when
        self.issuing_root = home / "issuing-root.pem"
        self.issuing_root.write_text(pem(self.issuer.certificate))
        self.mode, self.shift = "well", 0.0
        self.known, self.recalled = set(), set()
        self.replaces_nothing, self.refusals = False, 0
        self.requests, self.orders, self.lock, self.ended = [], [], threading.Lock(), threading.Event()
        ca = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                ca.serve(self, json.loads(self.rfile.read(length)) if length else {})

            do_GET = do_HEAD = do_POST = answer

        self.handler, self.context = Handler, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.begin()
        self.base = f"https://localhost:{self.server.server_port}"
        self.url = f"{self.base}/dir"

    def begin(self, port=0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler)
        self.server.daemon_threads = True
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()

    @contextlib.contextmanager
    def down(self):
        """Nobody listens at its port."""
        self.end()
        try:
            yield
        finally:
            self.begin(self.server.server_port)

    def settings(self):
        return {"email": "ops@example.com", **self.second()}

    def second(self):
        return {"directory": self.url, "root": self.root}

    def asked(self, since=0.0):
        """How many requests came since then."""
        return sum(at >= since for at, _, _ in self.requests)

    def serve(self, exchange, jws):
        payload = json.loads(decoded(jws["payload"])) if jws.get("payload") else {}
        with self.lock:
            self.requests.append((time.monotonic(), exchange.path, payload))
        if self.mode == "hanging":
            self.ended.wait(300)
            exchange.close_connection = True
        elif self.mode == "failing":
            self.say(exchange, 500, {"type": f"{PROBLEM}serverInternal", "detail": "The authority is unwell"})
        elif self.mode[0] == "limited":
            self.say(exchange, 429, {"type": f"{PROBLEM}rateLimited", "detail": "too many of everything"}, {"Retry-After": str(self.mode[1])})
        else:
            _, kind, *rest = exchange.path.split("/")
            getattr(self, f"on_{kind.replace('-', '_')}")(exchange, payload, *rest)

    def say(self, exchange, status, body=None, headers=None, kind="application/json"):
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else b""
        exchange.send_response(status)
        for name, value in {"Replay-Nonce": f"nonce-{time.monotonic_ns()}", "Content-Type": kind, "Content-Length": len(raw), **(headers or {})}.items():
            exchange.send_header(name, str(value))
        exchange.end_headers()
        if exchange.command != "HEAD":
            exchange.wfile.write(raw)

    def on_dir(self, exchange, _):
        places = {"newNonce": "nonce", "newAccount": "account", "newOrder": "new-order", "revokeCert": "revoke", "keyChange": "change"}
        if self.says_when:
            places["renewalInfo"] = "renewal"
        self.say(exchange, 200, {name: f"{self.base}/{path}" for name, path in places.items()} | {"meta": {}})

    def on_nonce(self, exchange, _):
        self.say(exchange, 200)

    def on_account(self, exchange, _, number="1"):
        self.say(exchange, 201, {"status": "valid"}, {"Location": f"{self.base}/account/{number}"})

    def on_new_order(self, exchange, wish):
        with self.lock:
            if wish.get("replaces") and self.replaces_nothing:
                self.refusals += 1
                return self.say(exchange, 409, {"type": f"{PROBLEM}alreadyReplaced", "detail": "It was replaced before", "status": 409})
            number = len(self.orders)
            self.orders.append({"wish": wish, "at": time.monotonic(), "status": "ready", "chain": None})
        self.say(exchange, 201, self.order(number), {"Location": f"{self.base}/order/{number}"})

    def order(self, number):
        order = self.orders[number]
        found = {"status": order["status"], "identifiers": order["wish"]["identifiers"], "finalize": f"{self.base}/finalize/{number}",
                 "authorizations": [f"{self.base}/authorization/{number}"]}
        found |= {"replaces": order["wish"]["replaces"]} if "replaces" in order["wish"] else {}
        return found | ({"certificate": f"{self.base}/certificate/{number}"} if order["chain"] else {})

    def on_order(self, exchange, _, number):
        self.say(exchange, 200, self.order(int(number)))

    def on_authorization(self, exchange, _, number):
        identifier = self.orders[int(number)]["wish"]["identifiers"][0]
        self.say(exchange, 200, {"status": "valid", "identifier": identifier, "challenges": []})

    def on_finalize(self, exchange, asked, number):
        order = self.orders[int(number)]
        request = x509.load_der_x509_csr(decoded(asked["csr"]))
        names = [identifier["value"] for identifier in order["wish"]["identifiers"]]
        # It lasts by the platform's clock, and has begun by that of the checks.
        days = self.days + self.shift / (24 * 60 * 60)
        order["chain"], order["status"] = pem(self.issuer.sign(names, request.public_key(), days)), "valid"
        self.say(exchange, 200, self.order(int(number)), {"Location": f"{self.base}/order/{number}"})

    def on_certificate(self, exchange, _, number):
        self.say(exchange, 200, self.orders[int(number)]["chain"], kind="application/pem-certificate-chain")

    def on_renewal(self, exchange, _, identifier):
        self.known.add(identifier)
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.shift)
        days = (-2, -1) if identifier in self.recalled else (self.days * 0.6, self.days * 0.7)
        start, end = ((now + datetime.timedelta(days=offset)).strftime("%Y-%m-%dT%H:%M:%SZ") for offset in days)
        self.say(exchange, 200, {"suggestedWindow": {"start": start, "end": end}}, {"Retry-After": "60"})

    def recall(self):
        """Wants every certificate it was asked about renewed now, as after a mistake of its own."""
        self.recalled |= self.known


@contextlib.contextmanager
def stub_ca(directory, name="stub", **options):
    ca = StubCa(directory, name, **options)
    try:
        yield ca
    finally:
        ca.ended.set()
        ca.end()
