"""parley probe against real relays: every transport, every step that can fail, and what it says then."""

import json
import signal
import unittest

import harness
import proxies
import secure

STEPS = {
    "tcp": ["resolve", "connect", "handshake", "room"],
    "tls": ["resolve", "connect", "tls", "handshake", "room"],
    "ws": ["resolve", "connect", "upgrade", "handshake", "room"],
    "wss": ["resolve", "connect", "tls", "upgrade", "handshake", "room"],
    "unix": ["connect", "handshake", "room"],
}


class Probe(secure.RelayCase):
    def start(self, *arguments, environment=None):
        return self.world.keep(harness.Process([harness.PARLEY, "probe", *arguments], environment=environment))

    def probe(self, status, *arguments, environment=None):
        """(the steps, the summary) of a probe that ends with `status`."""
        done = self.start("--json", *arguments, environment=environment).expect_exit(status)
        *steps, summary = done.events()
        self.assertTrue(all(step["event"] == "step" for step in steps), done.describe())
        self.assertEqual(summary["event"], "summary")
        self.assertEqual(summary["exit"], status)
        self.assertEqual(summary["ok"], status == 0)
        self.assertEqual(summary["failed"], None if status == 0 else steps[-1]["step"])
        for step in steps:
            self.assertGreaterEqual(step["milliseconds"], 0)
            self.assertEqual("advice" in step, not step["ok"])
        return steps, summary

    def fails(self, status, step, word, *arguments, environment=None):
        steps, _ = self.probe(status, *arguments, environment=environment)
        self.assertEqual(steps[-1]["step"], step)
        self.assertFalse(steps[-1]["ok"])
        self.assertTrue(all(before["ok"] for before in steps[:-1]))
        said = steps[-1]["error"] + steps[-1]["detail"] + steps[-1]["advice"]
        self.assertIn(word, said)
        return steps

    def test_every_transport(self):
        for transport, address in self.addresses.items():
            with self.subTest(transport=transport):
                steps, _ = self.probe(0, address, "--ca-file", self.authority.certificate)
                self.assertEqual([step["step"] for step in steps], STEPS[transport])

    def test_through_proxies(self):
        for proxy in (self.world.keep(proxies.Tinyproxy(self.world)), self.world.keep(proxies.Microsocks(self.world))):
            for transport in ("tcp", "wss"):
                with self.subTest(proxy=proxy.url, transport=transport):
                    steps, summary = self.probe(0, self.addresses[transport], "--proxy", proxy.url,
                                                "--ca-file", self.authority.certificate)
                    expected = [*STEPS[transport]]
                    expected.insert(2, "proxy")
                    self.assertEqual([step["step"] for step in steps], expected)
                    self.assertEqual(summary["proxy"], proxy.url)
                    self.assertGreaterEqual(proxy.requests(), 4)
        self.fails(9, "connect", "--proxy none", self.addresses["tcp"], "--proxy", "http://127.0.0.1:1")
        self.fails(3, "proxy", "could not resolve or reach", "nowhere.invalid", "--proxy", proxy.url)
        self.fails(9, "resolve", "proxy's name", self.addresses["tcp"],
                   environment={"ALL_PROXY": f"socks5://{harness.NO_SUCH_NAME}"})

    def test_in_words(self):
        done = self.start(self.addresses["tcp"]).expect_exit(0)
        text = done.stdout.text()
        for word in (*STEPS["tcp"], "127.0.0.1", "The relay works"):
            self.assertIn(word, text)
        failed = self.start(f"127.0.0.1:{harness.free_port()}").expect_exit(3)
        self.assertIn("Connection refused", failed.stdout.text())
        self.assertIn("check the port", failed.stdout.text())
        self.assertNotIn("handshake", failed.stdout.text())

    def test_the_step_that_fails(self):
        free = harness.free_port()
        handshake_port = self.addresses["tcp"].partition(",")[0]
        self.fails(3, "resolve", "no such host name", harness.NO_SUCH_NAME)
        self.fails(3, "connect", "Connection refused", f"127.0.0.1:{free}")
        self.fails(3, "connect", "this user may", f"unix:{self.world.root}/none.sock")
        self.fails(3, "tls", "issuer that is not known", self.addresses["tls"])
        self.fails(3, "upgrade", "404", self.addresses["wss"].replace("lobby", "elsewhere"),
                   "--ca-file", self.authority.certificate)
        self.fails(7, "room", f"({free})", f"{handshake_port},{free}")

    def test_relays_that_are_none(self):
        silent = self.world.fake_relay()
        self.fails(4, "handshake", "does not answer", silent.address, "--timeout", "5")
        closing = self.world.fake_relay(close=True)
        self.fails(7, "handshake", "no relay at all", closing.address)
        babbling = self.world.fake_relay(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
        self.fails(6, "handshake", "does not speak", babbling.address)

    def test_others_who_wait_are_left_alone(self):
        """A waiting sender hears nothing of a probe; a waiting receiver goes on waiting."""
        path = self.world.file("document", b"for somebody else")
        sender, code = self.world.send_waiting(path, relay=self.addresses["tcp"])
        receiver = self.world.recv("--json", "-y", "-o", self.world.folder("in"), code="another-code",
                                   relay=self.addresses["ws"])
        receiver.event("waiting")
        for _ in range(3):
            self.probe(0, self.addresses["tcp"])
        self.assertTrue(sender.running() and receiver.running())
        self.assertNotIn("127.0.0.1:", "".join(e.get("peer", "") for e in sender.events()
                                               if e["event"] == "rejected" and
                                               e["peer"] not in (self.own(receiver),)))
        receiver.send_signal(signal.SIGTERM)
        receiver.expect_exit(143)
        inbox = self.world.folder("in-2")
        self.world.recv("-y", "-o", inbox, code=code, relay=self.addresses["tcp"]).expect_exit(0)
        sender.expect_exit(0)

    @staticmethod
    def own(process):
        return next(e["identity"] for e in process.events() if e["event"] == "identified")

    def test_an_interrupted_probe(self):
        silent = self.world.fake_relay()
        process = self.start("--json", silent.address, "--timeout", "60")
        process.stdout.wait_for(lambda data: True if b'"connect"' in data else None, harness.LIMIT)
        process.send_signal(signal.SIGINT)
        process.expect_exit(130)
        self.assertEqual(json.loads(process.stdout.text().splitlines()[-1])["exit"], 130)

    def test_wrong_usage(self):
        self.start("nonsense://h").expect_exit(2)
        self.start(self.addresses["tcp"], "--proxy", "gopher://x").expect_exit(2)
        self.start(self.addresses["tcp"], "--timeout", "0").expect_exit(2)


if __name__ == "__main__":
    unittest.main()
