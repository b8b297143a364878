"""Transfers through real CONNECT and SOCKS 5 proxies, and whose fault a failure is."""

import random
import unittest

import harness
import proxies
import secure

USER, PASSWORD = "alice", "s3cret:p@ss/word"
CODED = "s3cret%3Ap%40ss%2Fword"
DEAD = "http://127.0.0.1:1"
UNREACHABLE, USAGE, LOCAL_FILE, PROXY = 3, 2, 8, 9


class WayOut(secure.RelayCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Names, which the proxies are to look up.
        cls.addresses = {name: address.replace("127.0.0.1", "localhost")
                         for name, address in cls.addresses.items() if name != "unix"}
        cls.port = cls.port_of("handshake", "")
        cls.path = cls.world.file("document", random.Random(3).randbytes(700_001))
        cls.small = cls.world.file("small", b"small")
        cls.auth_file = cls.world.file("auth", f"{USER}:{PASSWORD}\nnot this line\n".encode())
        cls.wrong_auth_file = cls.world.file("wrong", f"{USER}:{PASSWORD}x\n".encode())
        cls.inboxes = 0

    def send(self, relay, *extra, environment=None):
        return self.world.send(self.small, *extra, relay=relay, environment=environment)

    def pass_on(self, relay, *extra, environment=None):
        """A whole document, both peers with the same options."""
        type(self).inboxes += 1
        inbox = self.world.folder(f"in-{self.inboxes}")
        options = ("--ca-file", self.authority.certificate, *extra)
        sender, code = self.world.send_waiting(self.path, *options, relay=relay, environment=environment)
        self.world.recv("-y", "-o", inbox, *options, code=code, relay=relay,
                        environment=environment).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.path, inbox / self.path.name)

    def fails(self, status, *words, relay=None, extra=(), environment=None):
        """Sending ends with that status and those words, and never with the password."""
        failed = self.send(relay or self.addresses["tcp"], *extra, environment=environment).expect_exit(status)
        said = failed.stderr.text() + failed.stdout.text()
        for word in words:
            self.assertIn(word, said)
        for secret in (PASSWORD, CODED):
            self.assertNotIn(secret, said)
        return said

    def through(self, proxy, *extra, environment=None):
        """Every transport, and both versions of the session; each peer makes two connections."""
        for name, relay in self.addresses.items():
            for version in ("1", "2"):
                with self.subTest(proxy=proxy.url, transport=name, version=version):
                    before = proxy.requests()
                    self.pass_on(relay, "--session", version, *extra, environment=environment)
                    self.assertEqual(proxy.requests() - before, 4, proxy.describe())

    def test_connect_without_credentials(self):
        proxy = self.world.keep(proxies.Tinyproxy(self.world))
        self.through(proxy, "--proxy", proxy.url)

    def test_connect_with_credentials(self):
        # tinyproxy's own configuration takes no ':' and the like in a password.
        proxy = self.world.keep(proxies.Tinyproxy(self.world, f"BasicAuth {USER} plain-secret"))
        file = self.world.file("plain-auth", f"{USER}:plain-secret\n".encode())
        self.through(proxy, "--proxy", proxy.url, "--proxy-auth-file", file)
        self.through(proxy, environment={"PARLEY_PROXY": proxy.url_of(USER, "plain-secret")})
        self.fails(PROXY, "does not accept the user name and password", "HTTP status 40", proxy.url,
                   extra=("--proxy", proxy.url, "--proxy-auth-file", self.wrong_auth_file))
        self.fails(PROXY, "407", "asks for a user name", extra=("--proxy", proxy.url))

    def test_socks_without_credentials(self):
        proxy = self.world.keep(proxies.Microsocks(self.world))
        self.through(proxy, "--proxy", proxy.url)
        self.through(proxy, "--proxy", proxy.url.replace("socks5", "socks5h"))

    def test_socks_with_credentials(self):
        proxy = self.world.keep(proxies.Microsocks(self.world, USER, PASSWORD))
        self.through(proxy, "--proxy", proxy.url, "--proxy-auth-file", self.auth_file)
        self.through(proxy, environment={"PARLEY_PROXY": proxy.url_of(USER, CODED)})
        self.fails(PROXY, "does not accept the user name and password", proxy.url,
                   extra=("--proxy", proxy.url, "--proxy-auth-file", self.wrong_auth_file))
        self.fails(PROXY, "does not accept", "asks for a user name", extra=("--proxy", proxy.url))

    def test_a_url_on_the_command_line_is_hidden(self):
        proxy = self.world.keep(proxies.Microsocks(self.world, USER, PASSWORD))
        sender, _ = self.world.send_waiting(self.small, "--proxy", proxy.url_of(USER, CODED),
                                            relay=self.addresses["tcp"])
        with open(f"/proc/{sender.pid}/cmdline", "rb") as file:
            seen = file.read()
        self.assertNotIn(CODED.encode(), seen)
        self.assertIn(str(proxy.port).encode(), seen)
        self.assertNotIn(CODED, sender.stdout.text() + sender.stderr.text())
        self.assertEqual(next(e["proxy"] for e in sender.events() if e["event"] == "connecting"), proxy.url)

    def test_the_usual_variables(self):
        proxy = self.world.keep(proxies.Tinyproxy(self.world))
        for transport, variable in (("tcp", "ALL_PROXY"), ("tls", "HTTPS_PROXY"), ("wss", "https_proxy"),
                                    ("ws", "HTTP_PROXY"), ("wss", "all_proxy")):
            with self.subTest(transport=transport, variable=variable):
                before = proxy.requests()
                self.pass_on(self.addresses[transport], environment={variable: proxy.url})
                self.assertEqual(proxy.requests() - before, 4)
        self.fails(PROXY, "cannot be reached", environment={"ALL_PROXY": DEAD})
        self.fails(USAGE, "HTTPS_PROXY", relay=self.addresses["tls"],
                   environment={"HTTPS_PROXY": f"ftp://{USER}:{CODED}@host"})

    def test_around_the_proxy(self):
        for transport, extra, environment in (
                ("tcp", (), {"HTTPS_PROXY": DEAD, "HTTP_PROXY": DEAD}),  # not for tcp
                ("tcp", (), {"ALL_PROXY": DEAD, "NO_PROXY": "example.org, localhost"}),
                ("ws", (), {"ALL_PROXY": DEAD, "no_proxy": "*"}),
                ("tls", ("--proxy", "none"), {"HTTPS_PROXY": DEAD, "PARLEY_PROXY": DEAD}),
                ("wss", (), {"PARLEY_PROXY": "none", "HTTPS_PROXY": DEAD})):
            with self.subTest(transport=transport, environment=environment):
                self.pass_on(self.addresses[transport], *extra, environment=environment)
        relay = self.addresses["tcp"].replace("localhost", "127.0.0.1")
        self.pass_on(relay, environment={"ALL_PROXY": DEAD, "NO_PROXY": "127.0.0.0/8"})
        port = self.port
        self.pass_on(relay, environment={"ALL_PROXY": DEAD, "NO_PROXY": f"127.0.0.1:{port}"})
        self.fails(PROXY, relay=relay, environment={"ALL_PROXY": DEAD, "NO_PROXY": "127.0.0.1:1"})

    def test_whose_fault_it_is(self):
        http = self.world.keep(proxies.Tinyproxy(self.world))
        socks = self.world.keep(proxies.Microsocks(self.world))
        closed = harness.free_port()
        other = secure.Authority(self.world.folder("other-ca")).certificate
        self.fails(PROXY, "proxy's name has no address", harness.NO_SUCH_NAME,
                   extra=("--proxy", f"socks5://{harness.NO_SUCH_NAME}"))
        for proxy in (http, socks):
            with self.subTest(proxy=proxy.url):
                # The proxy looks the name up, not this side.
                self.fails(UNREACHABLE, "could not resolve or reach", relay="nowhere.invalid:9000",
                           extra=("--proxy", proxy.url))
                self.fails(UNREACHABLE, "could not resolve or reach", relay=f"127.0.0.1:{closed}",
                           extra=("--proxy", proxy.url))
                # The relay's own faults stay the relay's.
                self.fails(UNREACHABLE, "issuer that is not known here", relay=self.addresses["tls"],
                           extra=("--proxy", proxy.url, "--ca-file", other))
        # The wrong kind of proxy.
        self.fails(PROXY, "the proxy", extra=("--proxy", http.url.replace("http", "socks5"), "--timeout", "2"))
        self.fails(PROXY, extra=("--proxy", socks.url.replace("socks5", "http")))
        silent = self.world.fake_relay(b"", close=True)
        self.fails(PROXY, "without an answer", extra=("--proxy", f"http://127.0.0.1:{silent.port}"))
        self.fails(LOCAL_FILE, "--proxy-auth-file",
                   extra=("--proxy", http.url, "--proxy-auth-file", "/nowhere"))
        self.fails(USAGE, "USER:PASSWORD",
                   extra=("--proxy", http.url, "--proxy-auth-file", self.small))

    def test_a_forbidden_destination(self):
        http = self.world.keep(proxies.Tinyproxy(self.world, "ConnectPort 443"))
        self.fails(PROXY, "does not allow this destination", "403", extra=("--proxy", http.url))
        danted = self.world.keep(proxies.Danted(self.world, self.port))
        relay = f"127.0.0.1:{self.port},{self.port_of('rooms', '')}"
        self.fails(PROXY, "does not allow this destination", "not allowed by its rules", relay=relay,
                   extra=("--proxy", danted.url))
        self.pass_on(self.addresses["wss"].replace("localhost", "127.0.0.1"), "--proxy", danted.url)

    def test_a_forbidden_room(self):
        http = self.world.keep(proxies.Tinyproxy(self.world, f"ConnectPort {self.port}"))
        sender, code = self.world.send_waiting(self.small, "--proxy", http.url, relay=self.addresses["tcp"])
        self.world.recv("-y", "-o", self.world.folder("in-forbidden"), code=code, relay=self.addresses["tcp"])
        sender.expect_exit(PROXY)
        self.assertIn("the room of relay", sender.stderr.text())


if __name__ == "__main__":
    unittest.main()
