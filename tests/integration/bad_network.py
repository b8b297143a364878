"""What stands between a peer and its relay: web servers that open no WebSocket, names that nobody looks up, relays that
are restarted, silent, or behind a dead path."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import harness
import namespaces

UNREACHABLE, TIMED_OUT = 3, 4
NOTICED = 90  # seconds; the kernel's timers do not depend on the machine's speed
INTERRUPTED, TERMINATED = 130, 143
NAME_SERVER = ["unshare", "-rnm", sys.executable, "-B", pathlib.Path(__file__).with_name("name_server.py")]


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


class NameServers(harness.Case):
    """Name servers that never answer, refuse, know nothing or do not exist, each in namespaces of its own. A look-up at the
    silent one takes seven minutes, longer than any wait here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tried = subprocess.run([*NAME_SERVER, "absent", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if tried.returncode != 0:
            raise unittest.SkipTest(f"no namespaces of its own here: {tried.stderr.decode().strip()[-200:]}")
        cls.commands = {
            "send": ("send", "--json", "--relay", "relay.example.test", "--text", "x"),
            "recv": ("recv", "--json", "--relay", "relay.example.test", "-y", "-o", cls.world.folder("in")),
            "probe": ("probe", "--json", "relay.example.test"),
        }

    def start(self, how, command, *more):
        line = [harness.PARLEY, *self.commands[command], *more]
        return self.world.keep(harness.Process(line, prefix=(*NAME_SERVER, how), environment={"PARLEY_CODE": "any code"}))

    def test_a_signal_does_not_wait_for_a_name_server(self):
        for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            for command in ("send", "recv"):
                with self.subTest(command=command, signal=number):
                    process = self.start("silent", command)
                    process.event("connecting")
                    process.signal_program(number)
                    process.expect_exit(status)
        process = self.start("silent", "probe", "--timeout", "3600")
        self.wait_for_threads(process, 2)
        process.signal_program(signal.SIGINT)
        process.expect_exit(INTERRUPTED)

    def wait_for_threads(self, process, count):
        """Waits until the program behind the prefix has so many threads."""
        limit = time.monotonic() + harness.LIMIT
        while True:
            self.assertLess(time.monotonic(), limit)
            for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                if len(list(pathlib.Path(f"/proc/{child}/task").iterdir())) >= count:
                    return
            time.sleep(0.01)

    def test_a_timeout_does_not_wait_for_a_name_server(self):
        for command in self.commands:
            with self.subTest(command=command):
                process = self.start("silent", command, "--timeout", "1").expect_exit(UNREACHABLE)
                self.assertIn("timed out", process.stdout.text())

    def test_no_answer_is_told_from_no_name(self):
        for how, said in (("absent", "cannot be looked up now"), ("refuses", "cannot be looked up now"),
                          ("knows-nothing", "no such host name")):
            for command in self.commands:
                with self.subTest(how=how, command=command):
                    process = self.start(how, command).expect_exit(UNREACHABLE)
                    self.assertIn(said, process.stdout.text())


class LostRelays(harness.FreshCase):
    """Relays that are restarted while peers wait, and relays that say nothing."""
    RELAY = False

    def start_relay(self, ports):
        handshake, rooms = (f"127.0.0.1:{port}" for port in ports)
        return self.world.start_relay(listen=(handshake,), rooms=(rooms,))

    def test_peers_that_wait_survive_a_restart(self):
        path = self.world.file("out/document", b"worth the wait" * 1000)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for websocket in (False, True):
                with self.subTest(signal=number, websocket=websocket):
                    self.survive(number, websocket, path)

    def survive(self, number, websocket, path):
        ports = harness.free_port(), harness.free_port()
        address = f"ws://127.0.0.1:{ports[0]}" if websocket else f"127.0.0.1:{ports[0]},{ports[1]}"
        inbox = self.world.folder(f"in/{number}-{websocket}")
        relay = self.start_relay(ports)
        sender, _ = self.world.send_waiting(path, code="first code", relay=address)
        receiver = self.world.recv("--json", "-y", "-o", inbox / "second", code="second code", relay=address)
        receiver.event("waiting")
        relay.send_signal(number)
        relay.wait()
        for peer in (sender, receiver):
            event = peer.event("reconnecting")
            self.assertGreater(event["seconds"], 0)
            self.assertTrue(event["reason"])
        self.start_relay(ports)
        for peer in (sender, receiver):
            peer.event("waiting")
        self.world.recv("-y", "-o", inbox / "first", code="first code", relay=address).expect_exit(0)
        self.world.send(path, code="second code", relay=address).expect_exit(0)
        sender.expect_exit(0)
        receiver.expect_exit(0)
        for name in ("first", "second"):
            harness.assert_same(path, inbox / name)

    def test_it_is_said_once_in_words(self):
        ports = harness.free_port(), harness.free_port()
        relay = self.start_relay(ports)
        sender = self.world.send("--text", "x", code="any code", relay=f"127.0.0.1:{ports[0]},{ports[1]}")
        sender.wait_text("Waiting for the other side")
        relay.stop()
        sender.wait_text("Lost the relay")
        self.start_relay(ports)
        sender.wait_text("Connected to the relay again")
        self.assertEqual(sender.stderr.text().count("Lost the relay"), 1)
        self.assertEqual(sender.stderr.text().count("Connecting to the relay"), 1)

    def test_it_ends_with_the_timeout(self):
        relay = self.world.start_relay()
        sender, _ = self.world.send_waiting("--timeout", "15", "--text", "x", relay=relay.address)
        relay.send_signal(signal.SIGKILL)
        sender.event("reconnecting")
        sender.expect_exit(UNREACHABLE)
        self.assertIn("Connection refused", sender.stderr.text())

    def test_a_signal_ends_the_pauses(self):
        relay = self.world.start_relay()
        sender, _ = self.world.send_waiting("--text", "x", relay=relay.address)
        relay.stop()
        sender.event("reconnecting")
        sender.send_signal(signal.SIGINT)
        sender.expect_exit(INTERRUPTED)

    def test_a_relay_that_says_nothing_is_given_up(self):
        silent = self.world.fake_relay()
        for command in (("send", "--text", "x"), ("recv", "-y", "-o", self.world.folder("in"))):
            with self.subTest(command=command[0]):
                peer = self.world.parley(*command, "--connect-timeout", "2", code="any code", relay=silent.address)
                peer.expect_exit(UNREACHABLE)
                self.assertIn("has not answered", peer.stderr.text())

    def test_the_idle_timeout_is_an_option(self):
        relay = self.world.start_relay()
        path = self.world.file("out/large", bytes(1 << 20) * 64)
        sender, code = self.world.send_waiting("--no-compress", path, relay=relay.address)
        receiver = self.world.recv("--json", "-y", "-o", self.world.folder("in"), "--idle-timeout", "5", code=code,
                                   relay=relay.address)
        sender.event("progress")
        sender.send_signal(signal.SIGSTOP)
        receiver.expect_exit(TIMED_OUT)
        harness.assert_empty(self.world.folder("in"))


@unittest.skipUnless("PARLEY_DEAD_PATHS" in os.environ, "it takes the kernel 75 seconds: make stress TARGET=network")
class DeadPaths(harness.FreshCase):
    """A path that swallows everything, and comes back."""
    RELAY = False

    def test_a_dead_path_is_noticed_in_time_and_survived(self):
        network = self.world.keep(namespaces.Network())
        relay = self.world.start_relay("--log-level", "debug", prefix=network.prefix)
        addresses = {"first": relay.address, "second": f"ws://127.0.0.1:{relay.port}"}
        path = self.world.file("out/document", b"worth the wait")
        senders = {code: self.world.send_waiting(path, code=code, relay=address, prefix=network.prefix)[0]
                   for code, address in addresses.items()}
        network.set_loopback(False)
        began = time.monotonic()
        for sender in senders.values():
            sender.event("reconnecting", timeout=NOTICED + harness.LIMIT)
        self.assertLess(time.monotonic() - began, NOTICED + harness.LIMIT)
        relay.wait_text("Connection timed out", timeout=NOTICED + harness.LIMIT)
        network.set_loopback(True)
        for code, sender in senders.items():
            sender.event("waiting")
            inbox = self.world.folder(f"in/{code}")
            self.world.recv("-y", "-o", inbox, code=code, relay=addresses[code], prefix=network.prefix).expect_exit(0)
            sender.expect_exit(0)
            harness.assert_same(path, inbox / "document")


if __name__ == "__main__":
    unittest.main()
