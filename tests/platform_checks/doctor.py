"""J8.2: the doctor."""

import contextlib
import http.server
import json
import socket
import subprocess
import threading
import time

from edge.authority import Dns
from edge.kit import ROOST, settings_text
from edge.report import check, fact

from .kit import free_port, platform


@contextlib.contextmanager
def directory_of_an_authority(late):
    """The URL of a directory by a clock that is so many seconds late."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def date_time_string(self, timestamp=None):
            return super().date_time_string(time.time() - late)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/dir"
        finally:
            server.shutdown()


@check("J8.2", "The doctor looks at everything outside, and its exit code can be used")
def doctor():
    with platform() as roost, contextlib.ExitStack() as stack:
        names = Dns()
        stack.callback(names.end)

        def ask(**settings):
            roost.set(settings)
            (roost.directory / "doctor.toml").write_text(settings_text(roost.settings))
            done = subprocess.run([ROOST, "doctor", "--json", "--config", roost.directory / "doctor.toml"], capture_output=True, text=True)
            findings = {}
            for found in json.loads(done.stdout)["findings"]:
                findings.setdefault(found["check"], []).append(found)
            return done.returncode, findings

        def right(name):
            fact(f"{name}: right", found.get(name) and all(one["ok"] is True for one in found[name]), told(name))

        def wrong(name):
            fact(f"{name}: wrong, and what to do", any(one["ok"] is False and one.get("advice") for one in found.get(name, [])), told(name))

        def told(name):
            return "; ".join(one["found"] for one in found.get(name, []))

        # An authority and a bucket that nobody answers for, and names that lead to another machine.
        nobody, dns = "http://127.0.0.1:9", free_port()
        code, found = ask(acme={"email": "you@example.com", "directory": "https://127.0.0.1:9/dir"}, domains={"addresses": ["192.0.2.1"], "resolvers": [names.address]},
                          listen={"dns": [f"127.0.0.1:{dns}"]},
                          backups={"bucket": "roost", "endpoint": nobody, "access_key": "a", "secret_key": "b"}, mail={"host": "127.0.0.1", "port": 9, "security": "none"})
        for name in ("directory", "disk", "open files", "queue", "port (TCP)", "port (UDP)"):
            right(name)
        # The ports are those of a platform that does not answer for this authority.
        for name in ("mail", "backups", "authority", "console", "projects", "port", "wildcard"):
            wrong(name)
        fact("red is an exit code", code == 1, code)
        with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", dns))
            for late, judge in ((0, right), (3600, wrong)):
                with directory_of_an_authority(late) as url:
                    _, found = ask(acme={"directory": url})
                judge("clock")
            wrong("port (UDP)")
