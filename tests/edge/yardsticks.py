"""nginx and Caddy over the same upstream as our own proxy, to measure by: configured here, run from a directory."""

import contextlib
import os
import subprocess

from .clients import tcp
from .kit import free_port, until
from .report import need

# The upstream: as little work as a server can do.
UPSTREAM = """
server {{ listen unix:{directory}/upstream; keepalive_requests 1000000000; location / {{ default_type text/plain; return 200 "hello"; }} }}
"""

FRONT = """
upstream behind {{ server unix:{upstream}; keepalive 32; }}
server {{
  listen 127.0.0.1:{port} ssl http2;
  ssl_certificate {chain}; ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m; ssl_session_tickets on;
  keepalive_requests 1000000000; http2_max_requests 1000000000;
  location / {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }}
}}
"""

NGINX = """
daemon off; worker_processes {processors}; pid {directory}/nginx.pid; error_log {directory}/error.log error; {user}
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  {server}
}}
"""

CADDY = """
{{
  admin off
  auto_https off
  servers {{
    protocols h1 h2
  }}
}}
https://:{port} {{
  bind 127.0.0.1
  tls {chain} {key}
  reverse_proxy unix/{upstream}
}}
"""


@contextlib.contextmanager
def running(command, ready, **options):
    """A process for as long as it is needed, once it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        if not until(ready):
            raise RuntimeError(f"{command[0]} does not start")
        yield process
    finally:
        process.terminate()
        process.wait(10)


def listens(port):
    def ready():
        with contextlib.suppress(OSError):
            tcp(port).close()
            return True
        return False

    return ready


def nginx(directory, server, ready):
    directory.mkdir()
    config = directory / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(directory=directory, server=server, user=user, processors=os.cpu_count()))
    return running([need("nginx"), "-p", str(directory), "-c", str(config)], ready)


@contextlib.contextmanager
def upstream(directory):
    """A server on a Unix socket that answers `hello`; the socket's path."""
    place = directory / "behind"
    socket = place / "upstream"
    with nginx(place, UPSTREAM.format(directory=place), socket.exists):
        yield socket


@contextlib.contextmanager
def nginx_front(directory, socket, chain, key):
    """nginx with TLS before that socket; its port."""
    port = free_port()
    with nginx(directory / "nginx", FRONT.format(port=port, upstream=socket, chain=chain, key=key), listens(port)):
        yield port


@contextlib.contextmanager
def caddy_front(directory, socket, chain, key):
    """Caddy with TLS before that socket; its port."""
    port, home = free_port(), directory / "caddy"
    home.mkdir()
    config = home / "Caddyfile"
    config.write_text(CADDY.format(port=port, upstream=socket, chain=chain, key=key))
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with running([need("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"], listens(port), env=environment):
        yield port
