"""The front door, one request at a time: where port 80 leads, and which names a connection speaks for."""

from .clients import exchange, tcp
from .kit import DOMAIN, SLEEPY, platform
from .report import check, fact


@check(35, "port 80: redirect, HSTS, challenge path")
def port_80():
    with platform(SLEEPY) as roost:
        _, host = roost.create("orchard")
        roost.asleep("orchard")
        woken = roost.woken("orchard")

        def plain(method, path, name=host):
            with tcp(roost.http) as connection:
                return exchange(connection, method, path, headers={"Host": f"{name}:{roost.http}"})

        for method in ("GET", "HEAD"):
            answer = plain(method, "/a/b?c=d&e=%20")
            wanted = f"https://{host}:{roost.https}/a/b?c=d&e=%20"
            fact(f"{method} is sent to the same host and path over TLS", answer.status == 308 and answer.headers["location"] == wanted,
                 f"{answer.status} {answer.headers.get('location')}", "308")
        answer = plain("POST", "/api/collections/users/records")
        fact("a POST is not sent on", answer.status == 400 and answer.value["data"]["code"] == "https_required", answer.status, "400")
        answer = plain("GET", "/.well-known/acme-challenge/none")
        fact("an unknown challenge is answered here", answer.status == 404, answer.status, "404")
        answer = roost.ask("GET", "/.well-known/acme-challenge/none", host=host)
        fact("and over TLS it does not reach the tenant either", answer.status == 404 and answer.value["data"].get("code"), answer.status, "404 of our own")
        answer = plain("GET", "/", "nobody.example.com")
        fact("an unknown host is told so", answer.status == 404, answer.status, "404")
        fact("none of it reached the tenant", roost.woken("orchard") == woken, f"{roost.woken('orchard') - woken} launches", "0")
        strict = roost.ask("GET", "/").headers.get("strict-transport-security", "")
        fact("the console demands TLS from then on", "max-age=" in strict, strict)
        theirs = roost.ask("GET", "/api/health", host=host).headers.get("strict-transport-security", "")
        fact("so do the platform's names of projects", "max-age=" in theirs, theirs)


@check(36, "421: a host the connection's certificate does not cover")
def misdirected():
    with platform() as roost:
        _, host = roost.create("orchard")
        _, other = roost.create("meadow")

        def ask(name):
            with roost.connect(host) as connection:
                return exchange(connection, "GET", "/api/health", headers={"Host": name})

        answer = ask("elsewhere.example.com")
        fact("a foreign host is refused", answer.status == 421 and answer.value["data"]["code"] == "wrong_certificate", answer.status, "421")
        answer = ask(f"deep.{host}")
        fact("so is one two labels under the wildcard", answer.status == 421, answer.status, "421")
        answer = ask(other)
        fact("another tenant under the same wildcard is served", answer.status == 200, answer.status, "200")
        answer = ask(DOMAIN)
        fact("so is the console", answer.status == 200, answer.status, "200")
