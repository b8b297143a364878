"""A certificate authority, and a relay on every transport, for tests that need TLS."""

import subprocess

import harness


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A certificate authority of this test, and a certificate for 127.0.0.1 and localhost."""

    def __init__(self, folder):
        self.certificate = folder / "ca.pem"
        key, request, extension = folder / "ca.key", folder / "server.csr", folder / "server.ext"
        self.server, self.server_key = folder / "server.pem", folder / "server.key"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *new_key, "-keyout", key, "-out", self.certificate, "-days", "2",
                "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", *new_key, "-keyout", self.server_key, "-out", request, "-subj", "/CN=relay")
        extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", key, "-CAcreateserial",
                "-out", self.server, "-days", "2", "-extfile", extension)


class Case(harness.Case):
    """Its tests share a world without a relay, and an authority."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.world.folder("ca"))


class RelayCase(Case):
    """Its tests share a relay on every transport, too: `relay`, and `addresses` by transport."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        local, port = cls.world.root / "relay.sock", "127.0.0.1:0"
        cls.relay = cls.world.start_relay(
            "--tls-certificate", cls.authority.server, "--tls-key", cls.authority.server_key,
            listen=(port, f"tls://{port}", f"ws://{port}", f"wss://{port}/lobby", f"unix:{local}"),
            rooms=(port, f"tls://{port}", f"unix:{local}.room"))
        ports = {scheme: f"{cls.port_of('handshake', scheme)},{cls.port_of('rooms', scheme)}"
                 for scheme in ("", "tls://")}
        cls.addresses = {
            "tcp": f"127.0.0.1:{ports['']}",
            "tls": f"tls://127.0.0.1:{ports['tls://']}",
            "ws": f"ws://127.0.0.1:{cls.port_of('handshake', 'ws://')}",
            "wss": f"wss://localhost:{cls.port_of('handshake', 'wss://')}/lobby",
            "unix": f"unix:{local}",
        }

    @classmethod
    def port_of(cls, channel, scheme):
        """The port of the relay's one address with `scheme` ("": plain TCP)."""
        found, = [text for text in cls.relay.ready[channel]
                  if text.startswith(scheme) and (scheme or "/" not in text)]
        return int(found.removeprefix(scheme).partition("/")[0].rpartition(":")[2])
