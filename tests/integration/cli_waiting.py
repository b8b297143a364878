"""Waiting beside senders that cost much, say nothing or guess: who knows the code is served, and Ctrl-C is heard."""

import os
import signal
import socket
import struct
import time
import unittest

import harness


class Server:
    """A sender's half of the handshake with the relay, without a document or a code."""

    def __init__(self, relay, address, iterations):
        self.socket = socket.socket()
        self.socket.bind((address, 0))
        self.socket.settimeout(harness.LIMIT)
        self.socket.connect(("127.0.0.1", relay.port))
        public = struct.pack(">HHQHHH", 1, 2, iterations, 0, 2, 4) + bytes(16)
        self.socket.sendall(b"000000" + public)
        self.got = b""
        while not self.got.endswith(b"\0"):  # its identity: it is announced
            self.got += self.socket.recv(4096)

    def next_type(self):
        """The type of the packet that comes next, and all that came with it."""
        data = self.socket.recv(4096)
        return data[4:6], data

    def end(self):
        self.socket.close()


class Waiting(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")

    def start_servers(self, count, iterations):
        return [self.world.keep(Server(self.world.relay, f"127.0.2.{1 + at % 25}", iterations))
                for at in range(count)]

    def test_costly_senders_do_not_delay_the_one_with_the_code(self):
        path = self.world.file("out/file", b"content")
        sender, code = self.world.send_waiting(path)  # announced last: a relay begins with the newest
        costly = self.start_servers(100, 4096)
        self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, self.inbox / "file")
        # Each of them hears that the receiver has left; those that it came to have heard its X before.
        greeted = sum(server.next_type()[0] == b"07" for server in costly)
        self.assertLess(greeted, 80, "the receiver derived for them first")

    def test_an_endless_derivation_does_not_hold_up_ctrl_c(self):
        self.start_servers(1, 10**12)
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, "--max-iterations", str(10**12), code="any")
        receiver.event("waiting")
        limit = time.monotonic() + harness.LIMIT
        while len(os.listdir(f"/proc/{receiver.pid}/task")) < 2:  # until the derivation is under way
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.01)
        receiver.send_signal(signal.SIGINT)
        receiver.expect_exit(130)

    def test_more_iterations_are_accepted_only_when_asked_for(self):
        server = self.start_servers(1, 5000)[0]
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code="any")
        self.assertIn("public packet", receiver.event("rejected")["reason"])
        self.assertEqual(server.next_type()[0], b"0d")
        self.world.recv("-y", "-o", self.inbox, "--max-iterations", "5000", code="any")
        self.assertEqual(server.next_type()[0], b"07")

    def test_a_sender_that_does_not_answer_is_asked_again(self):
        server = self.start_servers(1, 16)[0]
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code="any")
        kind, first = server.next_type()
        self.assertEqual(kind, b"07")
        receiver.event("trying_again")
        kind, second = server.next_type()
        self.assertEqual(kind, b"07")
        self.assertNotEqual(first[6:38], second[6:38], "a fresh X")

    def test_too_many_with_another_code_end_it(self):
        path = self.world.file("out/file", b"content")
        sender, _ = self.world.send_waiting("--max-wrong-codes", "2", path)
        for at in range(3):
            self.world.recv("--json", "-y", "-o", self.inbox, code=f"wrong {at}").event("rejected")
        sender.expect_exit(11)
        self.assertIn("--max-wrong-codes", sender.stderr.text())
        receiver = self.world.recv("-y", "-o", self.inbox, "--max-wrong-codes", "2", code="right")
        for at in range(3):
            self.world.send("--json", path, code=f"another {at}")
        receiver.expect_exit(11)


if __name__ == "__main__":
    unittest.main()
