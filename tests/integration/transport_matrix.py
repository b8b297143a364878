"""Sender and receiver on any two transports of one relay, with documents compared; and what TLS refuses."""

import os
import random
import signal
import socket
import time
import unittest

import harness
import secure

# Documents pass in both versions of the session.
VERSIONS = ("1", "auto")


class Matrix(secure.RelayCase):
    def pass_on(self, sent_by, received_by, path, version="auto"):
        inbox = self.world.folder(f"in-{version}-{sent_by}-{received_by}-{path.name}")
        authority = ("--ca-file", self.authority.certificate, "--session", version)
        sender, code = self.world.send_waiting(path, *authority, relay=self.addresses[sent_by])
        self.world.recv("--json", "-y", "-o", inbox, *authority, code=code,
                        relay=self.addresses[received_by]).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, inbox / path.name)

    def test_every_pair(self):
        path = self.world.file("document", random.Random(7).randbytes(300_001))
        for sent_by in self.addresses:
            for received_by in self.addresses:
                for version in VERSIONS:
                    with self.subTest(sent_by=sent_by, received_by=received_by, version=version):
                        self.pass_on(sent_by, received_by, path, version)

    def test_every_pair_on_one_port(self):
        local = self.world.root / "one.sock"
        relay = self.world.start_relay(
            "--one-port", "--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key,
            listen=("127.0.0.1:0", f"unix:{local}"), rooms=())
        self.assertEqual(relay.ready["handshake"], relay.ready["rooms"])
        port = relay.port
        several, self.addresses = self.addresses, {
            "tcp": f"127.0.0.1:{port},{port}",
            "tls": f"tls://127.0.0.1:{port},{port}",
            "ws": f"ws://127.0.0.1:{port}/anything",
            "wss": f"wss://localhost:{port}",
            "unix": f"unix:{local}",
        }
        self.addCleanup(setattr, self, "addresses", several)
        path = self.world.file("one-port-document", random.Random(9).randbytes(300_001))
        for sent_by in self.addresses:
            for received_by in self.addresses:
                with self.subTest(sent_by=sent_by, received_by=received_by):
                    self.pass_on(sent_by, received_by, path)
        # A browser, a scanner and a health check on the same port.
        with socket.create_connection(("127.0.0.1", port), harness.LIMIT) as peer:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n")
            self.assertTrue(peer.recv(4096).startswith(b"HTTP/1.1 200"))

    def test_either_of_two_ports_serves_both(self):
        path = self.world.file("swapped", b"the other way round")
        tcp = self.addresses["tcp"].removeprefix("127.0.0.1:")
        handshake, rooms = tcp.split(",")
        swapped = {"tcp": f"127.0.0.1:{rooms},{handshake}", "ws": f"ws://127.0.0.1:{rooms}"}
        several, self.addresses = self.addresses, {**self.addresses, **swapped}
        self.addCleanup(setattr, self, "addresses", several)
        self.pass_on("tcp", "ws", path)

    def closed_with(self, port, sent):
        """What a relay answers to these bytes before it closes."""
        with socket.create_connection(("127.0.0.1", port), harness.LIMIT) as peer:
            got = b""
            try:
                peer.sendall(sent)
                while piece := peer.recv(4096):
                    got += piece
            except ConnectionError:
                pass
            return got

    def test_an_address_of_one_transport_serves_that_only(self):
        relay = self.world.start_relay(
            "--web", "off", "--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key,
            listen=("tls://127.0.0.1:0", "ws://127.0.0.1:0", "wss://127.0.0.1:0"), rooms=("tls://127.0.0.1:0",))
        ports = {text.partition("://")[0]: int(text.rpartition(":")[2]) for text in relay.ready["handshake"]}
        hello, line, request = b"000001", b"192.0.2.1:4711\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for scheme, refused in (("tls", (hello, line, request)), ("wss", (hello, line, request)), ("ws", (hello, line))):
            for sent in refused:
                with self.subTest(scheme=scheme, sent=sent):
                    self.assertEqual(self.closed_with(ports[scheme], sent), b"")
        relay.wait_text("reason=unrecognised")
        self.assertIn(b"426", self.closed_with(ports["ws"], request).split(b"\r\n")[0])

    def test_a_tls_handshake_is_bounded(self):
        relay = self.world.start_relay(
            "--one-port", "--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key, rooms=())
        # A ClientHello that says it is 128 KiB long, and comes in records of 16 KiB.
        body = b"\x01\x01\xff\x00" + bytes(131_000)
        records = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
                           for part in (body[at:at + 16384] for at in range(0, len(body), 16384)))
        self.closed_with(relay.port, records)
        relay.wait_text("reason=tls_failed")

    def test_larger_directory(self):
        tree = self.world.folder("tree")
        for i in range(20):
            self.world.file(f"tree/{i % 3}/{i}", random.Random(i).randbytes(i * 100_003))
        for sent_by, received_by in (("wss", "tls"), ("unix", "ws"), ("ws", "wss")):
            with self.subTest(sent_by=sent_by, received_by=received_by):
                self.pass_on(sent_by, received_by, tree)

    def test_a_killed_receiver_is_no_success(self):
        path = self.world.file("large", random.Random(8).randbytes(1 << 20) * 64)
        for transport in self.addresses:
            with self.subTest(transport=transport):
                inbox = self.world.folder(f"in-killed-{transport}")
                authority = ("--ca-file", self.authority.certificate)
                sender, code = self.world.send_waiting(path, *authority, relay=self.addresses[transport])
                receiver = self.world.recv("--json", "-y", "-o", inbox, *authority, code=code,
                                           relay=self.addresses[transport])
                receiver.event("agreed")
                receiver.event("progress")
                receiver.send_signal(signal.SIGKILL)
                receiver.wait()
                sender.expect_left()

    def test_certificates_are_checked(self):
        path = self.world.file("small", b"x")
        port = self.addresses["tls"].rpartition("127.0.0.1:")[2]
        unknown = self.world.send(path, relay=f"tls://127.0.0.1:{port}").expect_exit(3)
        self.assertIn("issuer that is not known here (CN=Test authority)", unknown.stderr.text())
        plain = f"tls://{self.world.start_relay().address}"  # without a certificate there is no TLS to serve
        no_tls = self.world.send(path, "--ca-file", self.authority.certificate, "--timeout", "5", relay=plain)
        self.assertEqual(no_tls.wait(), 3, no_tls.describe())
        missing = self.world.send(path, "--ca-file", "/nowhere", relay=f"tls://127.0.0.1:{port}").expect_exit(3)
        self.assertIn("/nowhere", missing.stderr.text())

    def test_a_refused_upgrade_names_the_status(self):
        path = self.world.file("small2", b"x")
        wrong = self.addresses["wss"].replace("/lobby", "/elsewhere")
        refused = self.world.send(path, "--ca-file", self.authority.certificate, relay=wrong).expect_exit(3)
        self.assertIn("HTTP status 404", refused.stderr.text())

    def test_a_websocket_address_alone_serves_all(self):
        relay = self.world.start_relay(listen=("ws://127.0.0.1:0",), rooms=())
        self.assertEqual(relay.ready["handshake"], relay.ready["rooms"])
        path = self.world.file("one-port", b"one port is enough")
        inbox = self.world.folder("in-one-port")
        sender, code = self.world.send_waiting(path, relay=relay.ready["handshake"][0])
        self.world.recv("-y", "-o", inbox, code=code, relay=relay.ready["handshake"][0]).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, inbox / "one-port")
        began = time.monotonic()
        relay.stop()
        self.assertLess(time.monotonic() - began, harness.LIMIT)

    def test_the_socket_file(self):
        path = self.world.root / "gone.sock"
        first = self.world.start_relay(listen=(f"unix:{path}",), rooms=())
        second = self.world.keep(harness.Process([harness.RELAY, "--listen", f"unix:{path}"]))
        self.assertEqual(second.wait(), 3, "an address in use")
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.assertTrue(path.exists())
        again = self.world.start_relay(listen=(f"unix:{path}",), rooms=())
        again.stop()
        self.assertFalse(path.exists() or os.path.exists(f"{path}.room"))


if __name__ == "__main__":
    unittest.main()
