"""Every documented way to fail ends with its exit code, says why, and leaves nothing behind."""

import os
import random
import signal
import subprocess
import unittest

import harness

SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129))


class Base(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.path = self.world.file("out/file", b"content")

    def assert_fails(self, process, status, *texts):
        process.expect_exit(status)
        said = process.stderr.text()
        self.assertTrue(said.startswith("parley: ") or "\nparley: " in said, said)
        self.assertNotIn("\x1b", said)
        for text in texts:
            self.assertIn(text, said)
        harness.assert_empty(self.inbox)
        harness.assert_empty(self.world.temporary)


class Usage(Base):
    RELAY = False

    def test_is_2(self):
        for arguments in ((), ("fly",), ("send",), ("send", "a", "--text", "b"), ("recv", "--nonsense"),
                          ("recv", "--timeout", "x"), ("send", "a", "--relay", "host:none"),
                          ("send", "a", "--relay", "gopher://host"), ("recv", "-o", "-", "--json")):
            with self.subTest(arguments=arguments):
                process = self.world.keep(harness.Process([harness.PARLEY, *arguments]))
                self.assert_fails(process, 2, "--help")
                self.assertEqual(process.stdout.bytes(), b"")

    def test_help_and_version_are_0(self):
        for arguments in (("--help",), ("send", "--help"), ("recv", "--help"), ("--version",)):
            process = self.world.keep(harness.Process([harness.PARLEY, *arguments])).expect_exit(0)
            self.assertEqual(process.stderr.bytes(), b"")
            self.assertTrue(process.stdout.bytes())
        for line in ("2  wrong usage", "130  interrupted", "8  a file"):
            self.assertIn(line, self.world.keep(harness.Process([harness.PARLEY, "recv", "--help"])).expect_exit(0).stdout.text())

    def test_empty_code_is_2(self):
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, stdin=b"\n"), 2, "empty")
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, stdin=b"x" * 5000), 2, "longer")


class Unreachable(Base):
    RELAY = False

    def test_is_3(self):
        absent = f"127.0.0.1:{harness.free_port()}"
        self.assert_fails(self.world.send(self.path, relay=absent), 3, absent)
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, code="c", relay=absent), 3, absent)

    def test_unknown_host_is_3(self):
        self.assert_fails(self.world.send(self.path, relay=harness.NO_SUCH_NAME), 3, "no such host name")

    def test_json_says_it(self):
        sender = self.world.send("--json", self.path, relay=f"127.0.0.1:{harness.free_port()}").expect_exit(3)
        self.assertEqual(sender.events()[-1]["event"], "error")
        self.assertEqual(sender.events()[-1]["exit"], 3)


class Waiting(Base):
    def test_that_is_over_is_4(self):
        self.assert_fails(self.world.send("--timeout", "5", self.path), 4)
        self.assert_fails(self.world.recv("--timeout", "5", "-y", "-o", self.inbox, code="c"), 4)

    def test_that_the_relay_ends_is_4(self):
        relay = self.world.start_relay("--timeout", "0.3")
        self.assert_fails(self.world.send(self.path, relay=relay.address), 4)
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, code="c", relay=relay.address), 4)


class Relays(Base):
    """What a relay can do to a peer."""
    RELAY = False

    def both(self, relay, status):
        self.assert_fails(self.world.send(self.path, relay=relay.address), status)
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, code="c", relay=relay.address), status)

    def test_closing_us_is_5(self):
        self.both(self.world.fake_relay(b"0000090000"), 5)

    def test_talking_nonsense_is_6(self):
        self.both(self.world.fake_relay(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 6)

    def test_naming_us_with_control_characters_is_6(self):
        self.both(self.world.fake_relay(b"000002\x1b]0;owned\x07\0"), 6)

    def test_hanging_up_is_7(self):
        self.both(self.world.fake_relay(b"", close=True), 7)

    def test_stopping_in_order_tells_those_who_wait(self):
        relay = self.world.start_relay()
        sender, _ = self.world.send_waiting(self.path, relay=relay.address)
        relay.stop()
        self.assertIn("the relay closed the connection", sender.event("reconnecting")["reason"])
        sender.send_signal(signal.SIGTERM)
        self.assert_fails(sender, 143)


class LocalFiles(Base):
    def test_that_cannot_be_sent_are_8(self):
        fifo = self.world.root / "fifo"
        os.mkfifo(fifo)
        for path in (self.world.root / "absent", fifo, "/dev/null"):
            with self.subTest(path=path):
                self.assert_fails(self.world.send(path), 8, str(path))

    def test_that_stand_in_the_way_are_8(self):
        self.inbox = self.world.folder("empty")
        taken = self.world.file("taken/file", b"mine")
        for output in (taken, taken.parent):
            with self.subTest(output=output):
                sender, code = self.world.send_waiting(self.path)
                self.assert_fails(self.world.recv("-y", "-o", output, code=code), 8)
                sender.send_signal(signal.SIGTERM)
                self.assertNotEqual(sender.wait(), 0)
                self.assertEqual(taken.read_bytes(), b"mine")
                self.assertEqual(os.listdir(taken.parent), ["file"])

    def test_destination_without_a_directory_is_8(self):
        self.assert_fails(self.world.recv("-y", "-o", self.world.root / "no" / "where", code="c"), 8, "where")

    def test_code_file_that_is_absent_is_8(self):
        self.assert_fails(self.world.recv("-y", "-o", self.inbox, "--code-file", "/absent/file"), 8, "--code-file")

    def test_full_standard_output_is_8(self):
        sender, code = self.world.send_waiting(self.path)
        full = open("/dev/full", "wb")
        self.addCleanup(full.close)
        child = subprocess.run(
            [harness.PARLEY, "recv", "--relay", self.world.relay.address, "-y", "-o", "-"], stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, timeout=harness.LIMIT,
            env=harness.clean_environment({"PARLEY_CODE": code, "TMPDIR": self.world.temporary}))
        self.assertEqual(child.returncode, 8, child.stderr)
        self.assertIn(b"standard output: No space left", child.stderr)
        harness.assert_empty(self.world.temporary)
        sender.expect_left()


class HostileText(Base):
    def test_in_names_is_escaped(self):
        name = "evil\x1b[31m\x07"
        self.assert_fails(self.world.send(self.world.root / name), 8, "\\x1b")
        self.world.file("out/tree/file", b"x")
        os.symlink("nowhere", self.world.root / "out/tree" / (name + "\u202e"))
        sender, _ = self.world.send_waiting(self.world.folder("out/tree"))
        self.assertTrue(sender.stdout.bytes().isascii())
        self.assertNotIn(b"\x1b", sender.stdout.bytes())
        words = self.world.send(self.world.folder("out/tree"))
        words.wait_text("symbolic link")
        self.assertNotIn(b"\x1b", words.stderr.bytes())
        self.assertTrue(words.stderr.bytes().isascii())

    def test_in_the_relays_log_is_escaped(self):
        import socket
        with socket.create_connection(("127.0.0.1", self.world.relay.port)) as peer:
            peer.sendall(b"\x1b]0;owned\x07 nonsense that is no packet")
            peer.settimeout(harness.LIMIT)
            self.assertEqual(peer.recv(100), b"0000090000")
        self.world.relay.stop()
        self.assertNotIn(b"\x1b", self.world.relay.stderr.bytes())


class Interrupted(Base):
    def test_while_waiting(self):
        for number, status in SIGNALS:
            with self.subTest(signal=number):
                sender, _ = self.world.send_waiting(self.path)
                sender.send_signal(number)
                self.assert_fails(sender, status)
                receiver = self.world.recv("--json", "-y", "-o", self.inbox, code="c")
                receiver.event("waiting")
                receiver.send_signal(number)
                self.assert_fails(receiver, status)
                self.assertEqual(receiver.events()[-1], {"event": "error", "exit": status,
                                                         "message": receiver.events()[-1]["message"]})

    def test_while_standard_input_comes(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        sender = self.world.send("-", stdin=reading)
        os.close(reading)
        # More than a pipe holds: when all of it is written, the sender has begun to read.
        os.write(writing, b"x" * (1 << 18))
        sender.send_signal(signal.SIGINT)
        self.assert_fails(sender, 130)

    def test_while_a_code_is_awaited(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        receiver = self.world.recv("--json", "-o", self.inbox, "-y", "--code-file", "/dev/stdin", stdin=reading)
        os.close(reading)
        # The handler stands once the signal is caught: see SigCgt in its status.
        self.wait_for_handler(receiver)
        receiver.send_signal(signal.SIGINT)
        self.assert_fails(receiver, 130)

    def wait_for_handler(self, process):
        import time
        limit = time.monotonic() + harness.LIMIT
        while time.monotonic() < limit:
            with open(f"/proc/{process.pid}/status") as status:
                caught = next(line for line in status if line.startswith("SigCgt"))
            if int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1:
                return
        self.fail("no handler")

    def in_transfer(self, stopped):
        """Both in the room, with more to pass than buffers hold; `stopped` ("send" or "recv") is held by SIGSTOP."""
        big = self.world.file("out/big", random.Random(6).randbytes(1 << 20) * 64)
        sender, code = self.world.send_waiting("--no-compress", big)
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code=code)
        held, other = (sender, receiver) if stopped == "send" else (receiver, sender)
        held.event("progress")
        held.send_signal(signal.SIGSTOP)
        other.event("progress")
        return held, other

    def test_while_it_receives(self):
        for number, status in SIGNALS:
            with self.subTest(signal=number):
                sender, receiver = self.in_transfer("send")
                receiver.send_signal(number)
                self.assert_fails(receiver, status)
                sender.send_signal(signal.SIGCONT)
                sender.expect_left()
                harness.assert_empty(self.world.temporary)

    def test_while_it_sends(self):
        for number, status in SIGNALS:
            with self.subTest(signal=number):
                receiver, sender = self.in_transfer("recv")
                sender.send_signal(number)
                sender.expect_exit(status)
                receiver.send_signal(signal.SIGCONT)
                self.assert_fails(receiver, 7)

    def test_by_kill_9_the_other_side_is_told(self):
        sender, receiver = self.in_transfer("send")
        sender.send_signal(signal.SIGKILL)
        sender.wait()
        self.assert_fails(receiver, 7)
        receiver, sender = self.in_transfer("recv")
        receiver.send_signal(signal.SIGKILL)
        receiver.wait()
        sender.expect_left()

    def test_the_relay_by_kill_9(self):
        receiver, sender = self.in_transfer("recv")
        self.world.relay.send_signal(signal.SIGKILL)
        self.world.relay.wait()
        receiver.send_signal(signal.SIGCONT)
        sender.expect_exit(7)
        self.assert_fails(receiver, 7)

    def test_twice_ends_at_once(self):
        sender, _ = self.world.send_waiting(self.path)
        sender.send_signal(signal.SIGSTOP)
        # Both are pending when it goes on.
        sender.send_signal(signal.SIGINT)
        sender.send_signal(signal.SIGTERM)
        sender.send_signal(signal.SIGCONT)
        self.assertIn(sender.wait(), (130, 143))

    def test_hangup_is_ignored_under_nohup(self):
        sender, _ = self.world.send_waiting(self.path, prefix=("sh", "-c", 'trap "" HUP; exec "$0" "$@"'))
        sender.send_signal(signal.SIGHUP)
        sender.send_signal(signal.SIGTERM)
        sender.expect_exit(143)


if __name__ == "__main__":
    unittest.main()
