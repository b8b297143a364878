"""A relay with a page inside, as browsers ask for it, directly and behind nginx. The page is tests/programs/relay/site."""

import http.client
import pathlib
import socket
import ssl
import unittest

import harness
import secure
from proxies_in_front import PROXY_ADDRESS, Nginx, frame, identity_seen, substituted, upgrade, wait_for_port

SITE = pathlib.Path(__file__).resolve().parents[1] / "programs/relay/site"
SCRIPT = "app-5QWERTY7.js"


def content(name):
    return (SITE / name).read_bytes()


class Page(secure.Case):
    def relay(self, *extra):
        return self.world.start_relay("--one-port", *extra, rooms=())

    def ask(self, connection, path, method="GET", **headers):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()

    def test_a_page_load_on_one_connection(self):
        relay = self.relay()
        connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=harness.LIMIT)
        page, body = self.ask(connection, "/")
        first = connection.sock
        self.assertEqual((page.status, body), (200, content("index.html")))
        self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(page.headers["Cache-Control"], "no-cache")
        self.assertIn("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ", page.headers["Content-Security-Policy"])
        script, body = self.ask(connection, f"/{SCRIPT}", Accept_Encoding="gzip, deflate, br")
        self.assertEqual((script.headers["Content-Encoding"], body), ("br", content(f"{SCRIPT}.br")))
        self.assertIn("immutable", script.headers["Cache-Control"])
        module, body = self.ask(connection, "/module.0123abcd.wasm", Accept_Encoding="gzip, deflate, br")
        self.assertEqual((module.headers["Content-Type"], body), ("application/wasm", content("module.0123abcd.wasm")))
        again, body = self.ask(connection, "/", If_None_Match=page.headers["ETag"])
        self.assertEqual((again.status, body), (304, b""))
        head, body = self.ask(connection, f"/{SCRIPT}", "HEAD")
        self.assertEqual((head.status, body, head.headers["Content-Length"]), (200, b"", str(len(content(SCRIPT)))))
        lobby, body = self.ask(connection, "/lobby/some.name")
        self.assertEqual((lobby.status, body), (200, content("index.html")))
        self.assertIs(connection.sock, first, "all of it on one connection")
        missing, _ = self.ask(connection, "/favicon.ico")
        self.assertEqual(missing.status, 404)
        self.assertIsNone(connection.sock)
        healthy, body = self.ask(connection, "/healthz")
        self.assertEqual((healthy.status, body), (200, b"ok\n"))

    def test_it_can_be_turned_off(self):
        for options in (("--web", "off"), ("--config", self.world.file("off.json", b'{"web": "off"}'))):
            relay = self.relay(*options)
            for path in ("/", f"/{SCRIPT}", "/lobby/x"):
                connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=harness.LIMIT)
                answer, body = self.ask(connection, path)
                self.assertEqual((answer.status, body), (426, b"A relay answers WebSockets here.\n"))
                self.assertEqual(answer.headers["Connection"], "close")

    def test_its_page_may_open_websockets_and_others_may_not(self):
        relay = self.relay()
        own = "Origin: http://relay.example"
        for headers, admitted in (((own,), True), ((), True), (("Origin: http://evil.example",), False)):
            with self.subTest(headers=headers), socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT) as peer:
                self.assertEqual(bool(identity_seen(peer, upgrade("/", headers) + frame(b"000001"))), admitted)
        relay.wait_text("reason=origin")
        anyone = self.relay("--allowed-origin", "any")
        with socket.create_connection(("127.0.0.1", anyone.port), harness.LIMIT) as peer:
            self.assertTrue(identity_seen(peer, upgrade("/", ("Origin: http://evil.example",)) + frame(b"000001")))

    def test_behind_nginx(self):
        relay = self.relay("--trusted-network", PROXY_ADDRESS)
        port = harness.free_port()
        text = substituted("nginx/parley.conf", {
            "127.0.0.1:9000": f"127.0.0.1:{relay.port}", "listen 443": f"listen 127.0.0.1:{port}",
            "    listen [::]:443 ssl;\n": "",
            "/etc/letsencrypt/live/relay.example/fullchain.pem": str(self.authority.server),
            "/etc/letsencrypt/live/relay.example/privkey.pem": str(self.authority.server_key)})
        server = self.world.keep(Nginx(self.world.folder("nginx"), text, main="", events=""))
        wait_for_port(port, server)
        context = ssl.create_default_context(cafile=self.authority.certificate)
        connection = http.client.HTTPSConnection("localhost", port, timeout=harness.LIMIT, context=context)
        page, body = self.ask(connection, "/", Accept_Encoding="br")
        first = connection.sock
        self.assertEqual((page.headers["Content-Encoding"], body), ("br", content("index.html.br")))
        script, body = self.ask(connection, f"/{SCRIPT}", Accept_Encoding="gzip")
        self.assertEqual((script.headers["Content-Encoding"], body), ("gzip", content(f"{SCRIPT}.gz")))
        plain, body = self.ask(connection, "/lobby/x", Accept_Encoding="gzip")
        self.assertEqual((plain.headers["Content-Encoding"], body), (None, content("index.html")))
        self.assertEqual(plain.headers["ETag"].count("W/"), 0, "nginx has changed nothing")
        again, _ = self.ask(connection, "/", Accept_Encoding="br", If_None_Match=page.headers["ETag"])
        self.assertEqual(again.status, 304)
        self.assertIs(connection.sock, first)
        self.assertIn("trusted-types parley", page.headers["Content-Security-Policy"])
        for origin, admitted in ((f"https://localhost:{port}", True), ("https://localhost", False),
                                 ("https://evil.example", False)):
            plain = socket.create_connection(("127.0.0.1", port), harness.LIMIT)
            with context.wrap_socket(plain, server_hostname="localhost") as peer:
                request = upgrade("/", (f"Origin: {origin}",)).replace(b"relay.example", b"localhost:%d" % port, 1)
                self.assertEqual(bool(identity_seen(peer, request + frame(b"000001"))), admitted, origin)


if __name__ == "__main__":
    unittest.main()
