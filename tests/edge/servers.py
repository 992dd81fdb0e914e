"""Front doors over one upstream: Roost's, and nginx and Caddy to compare with."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def missing(what):
    """Says what cannot be done here. In CI that is a failure."""
    print(f"SKIPPED: {what} is not installed", flush=True)
    if os.environ.get("CI"):
        raise SystemExit(1)


class Server:
    """A process that forwards plain HTTP at `http` and TLS at `https` to an upstream on this machine."""

    def __init__(self, name, process, http, https):
        self.name, self.process, self.http, self.https = name, process, http, https
        for port in (http, https):
            wait_for(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def certificate(directory):
    """A self-signed certificate for example.test and what is below it."""
    chain, key = directory / "chain.pem", directory / "key.pem"
    names = "subjectAltName=DNS:example.test,DNS:*.example.test"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=example.test", "-addext", names, "-keyout", key, "-out", chain],
                   check=True, capture_output=True)
    return chain, key


def roost(upstream, *flags):
    binary = os.environ.get("ROOST_EDGE_BIN")
    found = [TARGET / profile / "examples/edge" for profile in ("release", "debug")]
    binary = binary or next((path for path in found if path.exists()), None)
    if not binary:
        raise SystemExit("the example is missing: cargo build -p proxy --example edge")
    directory = pathlib.Path(tempfile.mkdtemp())
    chain, key = certificate(directory)
    command = [binary, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--chain", chain, "--key", key, *flags]
    if upstream:
        command += ["--upstream", f"127.0.0.1:{upstream}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ports = dict(process.stdout.readline().split() for _ in range(2))
    return Server("roost", process, *(int(ports[name].rpartition(":")[2]) for name in ("http", "https")))


def nginx(upstream):
    if not (binary := shutil.which("nginx", path="/usr/sbin:" + os.environ["PATH"])):
        return missing("nginx")
    directory = pathlib.Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    chain, key = certificate(directory)
    http, https = free_port(), free_port()
    (directory / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/errors crit; user root;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
            uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
            server {{
                listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
                ssl_certificate {chain}; ssl_certificate_key {key};
                location / {{
                    proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_set_header Connection "";
                    proxy_set_header Host $http_host;
                }}
            }}
        }}""")
    return Server("nginx", quiet([binary, "-p", directory, "-c", directory / "nginx.conf"]), http, https)


def caddy(upstream):
    if not (binary := shutil.which("caddy")):
        return missing("caddy")
    directory = pathlib.Path(tempfile.mkdtemp())
    chain, key = certificate(directory)
    http, https = free_port(), free_port()
    (directory / "Caddyfile").write_text(f"""
        {{
            admin off
            auto_https off
        }}
        http://:{http} {{
            reverse_proxy 127.0.0.1:{upstream}
        }}
        https://:{https} {{
            tls {chain} {key}
            reverse_proxy 127.0.0.1:{upstream}
        }}""")
    environment = {**os.environ, "HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    return Server("caddy", quiet([binary, "run", "--config", directory / "Caddyfile"], env=environment), http, https)


def quiet(command, **options):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    until = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise SystemExit(f"nothing listens on port {port}") from None
            time.sleep(0.05)


def over_tls(port, protocol="h2", name="example.test"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname=name)


def report(results):
    """Prints `name: ok|FAILED figure` for each; the exit status says whether all are well."""
    for name, holds, figure in results:
        print(f"{name}: {'ok' if holds else 'FAILED'} {figure}".rstrip(), flush=True)
    return 0 if all(holds for _, holds, _ in results) else 1
