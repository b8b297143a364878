"""Programs that are started without standard input, output or error: what they open never takes the place of those."""

import os
import signal
import socket
import time
import unittest

import harness

CLOSED = {"input": "<&-", "output": ">&-", "error": "2>&-"}


def without(*which):
    """The prefix of a command that runs without these: any of CLOSED, or all of them."""
    return "sh", "-c", 'exec "$0" "$@" ' + " ".join(CLOSED[name] for name in which)


class Peers(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.path = self.world.file("out/file", b"content")

    def test_both_pass_a_document_without_any_of_them(self):
        for number, which in enumerate([["input"], ["output"], ["error"], list(CLOSED)]):
            with self.subTest(which=which):
                sender = self.world.send(self.path, code=f"c{number}", prefix=without(*which))
                self.world.recv("-y", "-o", self.inbox, code=f"c{number}", prefix=without(*which)).expect_exit(0)
                sender.expect_exit(0)
                harness.assert_same(self.path, self.inbox / "file")
                (self.inbox / "file").unlink()

    def test_what_standard_input_was_to_say_is_missing(self):
        for arguments in (("send", "-"), ("send", "--code-file", "-", self.path), ("recv", "-y", "-o", self.inbox),
                          ("recv", "-y", "-o", self.inbox, "--code-file", "-")):
            with self.subTest(arguments=arguments):
                process = self.world.parley(*arguments, prefix=without("input")).expect_exit(8)
                self.assertIn("standard input", process.stderr.text())
                harness.assert_empty(self.inbox)
                harness.assert_empty(self.world.temporary)

    def test_nobody_can_be_asked(self):
        self.world.recv("-o", self.inbox, code="c", prefix=without("input")).expect_exit(2)

    def test_a_new_code_that_nobody_sees_is_8(self):
        for options in ((), ("--quiet",), ("--json",)):
            with self.subTest(options=options):
                sender = self.world.send(*options, self.path, prefix=without("output")).expect_exit(8)
                self.assertIn("standard output", sender.stderr.text())
        self.world.send(self.path, prefix=without(*CLOSED)).expect_exit(8)

    def test_a_document_to_it_is_8_before_a_code_is_asked_for(self):
        reading, writing = os.pipe()  # whoever reads from it waits
        self.addCleanup(os.close, writing)
        self.addCleanup(os.close, reading)
        receiver = self.world.recv("-y", "-o", "-", prefix=without("output"), stdin=reading).expect_exit(8)
        self.assertIn("standard output", receiver.stderr.text())
        harness.assert_empty(self.world.temporary)


class Relays(harness.FreshCase):
    RELAY = False

    def connect(self, relay, port):
        limit = time.monotonic() + harness.LIMIT
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), harness.LIMIT)
            except ConnectionRefusedError:  # it is about to listen
                if time.monotonic() > limit or not relay.running():
                    raise

    def test_serve_without_any_of_them(self):
        path = self.world.file("out/file", b"content")
        for number, which in enumerate([["input"], ["output"], ["error"], list(CLOSED)]):
            with self.subTest(which=which):
                port, room = harness.free_port(), harness.free_port()
                relay = self.world.keep(harness.Process(
                    [harness.RELAY, "--listen", f"127.0.0.1:{port}", "--room-listen", f"127.0.0.1:{room}"],
                    prefix=without(*which)))
                self.connect(relay, port).close()
                for name, descriptor in (("input", 0), ("output", 1), ("error", 2)):
                    if name in which:
                        self.assertEqual(os.readlink(f"/proc/{relay.pid}/fd/{descriptor}"), "/dev/null")
                address, inbox = f"127.0.0.1:{port},{room}", self.world.folder(f"in/{number}")
                sender = self.world.send(path, code="c", relay=address)
                self.world.recv("-y", "-o", inbox, code="c", relay=address).expect_exit(0)
                sender.expect_exit(0)
                harness.assert_same(path, inbox / "file")
                relay.send_signal(signal.SIGTERM)
                relay.expect_exit(0)


if __name__ == "__main__":
    unittest.main()
