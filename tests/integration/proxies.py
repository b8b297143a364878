"""Real proxies on loopback for the tests: tinyproxy (HTTP CONNECT), microsocks and danted (SOCKS 5)."""

import shutil
import socket
import time

import harness


def _program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if found is None:
        raise harness.Failure(f"{name} is not installed: scripts/install-deps installs it")
    return found


class Proxy(harness.Process):
    """One proxy. `url` has no credentials, `url_of(user, password)` has."""

    scheme = "http"

    def __init__(self, arguments, port):
        super().__init__(arguments)
        self.port = port
        self.url = f"{self.scheme}://127.0.0.1:{port}"
        self._wait_until_it_listens()

    def _wait_until_it_listens(self):
        limit = time.monotonic() + harness.LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if not self.running() or time.monotonic() > limit:
                    raise harness.Failure(f"does not listen: {self.describe()}") from None
                self.stderr.wait_for(lambda _: None, 0.02)

    def url_of(self, user, password):
        return self.url.replace("://", f"://{user}:{password}@")

    def log(self):
        return self.stdout.text() + self.stderr.text()


class Tinyproxy(Proxy):
    """`extra` are lines of its configuration."""

    def __init__(self, world, *extra):
        port = harness.free_port()
        lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "MaxClients 100", "LogLevel Connect", *extra]
        configuration = world.file(f"tinyproxy-{port}.conf", ("\n".join(lines) + "\n").encode())
        super().__init__([_program("tinyproxy"), "-d", "-c", configuration], port)

    def requests(self):
        """How many connections it was asked for."""
        return self.log().count(": CONNECT ")


class Microsocks(Proxy):
    scheme = "socks5"

    def __init__(self, world, user=None, password=None):
        port = harness.free_port()
        credentials = ["-u", user, "-P", password] if user else []
        super().__init__([_program("microsocks"), "-i", "127.0.0.1", "-p", port, *credentials], port)

    def requests(self):
        return self.log().count("connected to")


class Danted(Proxy):
    """Lets nobody connect to `blocked`, a port."""

    scheme = "socks5"

    def __init__(self, world, blocked):
        port = harness.free_port()
        configuration = world.file(f"danted-{port}.conf", f"""
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks block {{ from: 127.0.0.0/8 to: 0.0.0.0/0 port = {blocked} }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
""".encode())
        super().__init__([_program("danted"), "-f", configuration, "-p", world.root / f"danted-{port}.pid"], port)
