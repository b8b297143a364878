"""What stands between a peer and its relay: web servers that open no WebSocket, names that nobody looks up, relays that
are restarted, silent, or behind a dead path."""

import unittest

import harness

UNREACHABLE = 3


class WebServers(harness.Case):
    """Web servers that answer a WebSocket's request with something else. All three commands say the same about it."""

    STATUSES = {
        "200 OK": "Check the path",
        "301 Moved Permanently": "Redirects are not followed",
        "302 Found": "Redirects are not followed",
        "307 Temporary Redirect": "Redirects are not followed",
        "308 Permanent Redirect": "Redirects are not followed",
        "401 Unauthorized": "access rules",
        "403 Forbidden": "access rules",
        "404 Not Found": "Check the path in the relay's address",
        "426 Upgrade Required": "proxy_http_version",
        "429 Too Many Requests": "Try again later",
        "502 Bad Gateway": "behind the web server does not run",
        "503 Service Unavailable": "Try again later",
        "504 Gateway Timeout": "behind the web server does not run",
    }

    def said(self, address):
        """What each command says about the relay at `address`."""
        probe = self.world.keep(harness.Process([harness.PARLEY, "probe", address])).expect_exit(UNREACHABLE)
        send = self.world.send("--text", "x", relay=address).expect_exit(UNREACHABLE)
        recv = self.world.recv("-y", "-o", self.world.folder("in"), relay=address,
                               code="any code").expect_exit(UNREACHABLE)
        return {"probe": probe.stdout.text(), "send": send.stderr.text(), "recv": recv.stderr.text()}

    def test_each_status_has_its_advice(self):
        for status, advice in self.STATUSES.items():
            server = self.world.fake_relay(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode(), close=True)
            for command, text in self.said(f"ws://127.0.0.1:{server.port}/lobby").items():
                with self.subTest(status=status, command=command):
                    self.assertIn(f"HTTP status {status}", text)
                    self.assertIn(advice, text)

    def test_a_redirect_shows_where_it_leads(self):
        server = self.world.fake_relay(b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://relay.example.test/lobby"
                                       b"\r\nContent-Length: 0\r\n\r\n", close=True)
        for command, text in self.said(f"ws://127.0.0.1:{server.port}/lobby").items():
            with self.subTest(command=command):
                self.assertIn("leads to https://relay.example.test/lobby", text)
                self.assertIn("try wss://relay.example.test/lobby", text)


if __name__ == "__main__":
    unittest.main()
