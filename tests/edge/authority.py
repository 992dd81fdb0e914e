"""Pebble, the certificate authority of the tests, and the DNS it asks: both from Debian's `pebble`."""

import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess

from .kit import free_port, until
from .pki import Authority
from .report import need

EAB = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")


class Dns:
    """A DNS server for which every name is this machine, unless told otherwise."""

    def __init__(self):
        self.management, self.port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [need("pebble-challtestsrv"), "-management", f"127.0.0.1:{self.management}", "-dns01", self.address, "-http01", "",
             "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert until(lambda: self.tell("clear-txt", host="nobody.")), "pebble-challtestsrv does not start"

    def tell(self, what, **record):
        """Sets or clears a record: `set-txt`, `add-a`, `clear-a` and so on; false while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("POST", f"/{what}", json.dumps(record))
            return connection.getresponse().status == 200
        return False

    def end(self):
        self.process.kill()
        self.process.wait()


class Pebble:
    """A running Pebble that asks this DNS server and validates at these ports; `bound` means that it knows its accounts."""

    def __init__(self, directory, http, https, dns, bound=False):
        self.directory = directory / "pebble"
        self.directory.mkdir()
        self.port, self.management = free_port(), free_port()
        chain, key, self.root = Authority("Pebble's own root").issue(self.directory, "localhost")
        self.url = f"https://localhost:{self.port}/dir"
        config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
                  "certificate": str(chain), "privateKey": str(key), "httpPort": http, "tlsPort": https, "ocspResponderURL": "",
                  "externalAccountBindingRequired": bound, "externalAccountMACKeys": {EAB[0]: EAB[1]},
                  "retryAfter": {"authz": 1, "order": 1}}
        (self.directory / "config.json").write_text(json.dumps({"pebble": config}))
        # Without pauses of up to 15 s before it validates; every order is to be validated. Of nonces two in a hundred are refused:
        # of five, sometimes three in a row.
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "2"}
        with open(self.directory / "log", "wb") as log:
            command = [need("pebble"), "-config", str(self.directory / "config.json"), "-dnsserver", dns, "-strict"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        if not until(lambda: self.ask("/dir", self.port) and self.ask("/roots/0")):
            raise RuntimeError(f"pebble does not start:\n{self.log()[-1000:]}")
        self.issuing_root = directory / "issuing-root.pem"
        self.issuing_root.write_text(self.ask("/roots/0").decode())

    def ask(self, path, port=None):
        """A document of its, as bytes; None while it does not answer."""
        connection = http.client.HTTPSConnection("localhost", port or self.management, timeout=5,
                                                 context=ssl.create_default_context(cafile=self.root))
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", path)
            return connection.getresponse().read()
        return None

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def orders(self):
        """How many orders were placed."""
        return len(re.findall(r"Added order", self.log()))

    def issued(self):
        """How many certificates were issued."""
        return len(re.findall(r"Issued certificate serial", self.log()))

    @contextlib.contextmanager
    def silent(self):
        """It accepts connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def settings(self):
        return {"email": "ops@example.com", "directory": self.url, "root": self.root}

    def end(self):
        self.process.kill()
        self.process.wait()
