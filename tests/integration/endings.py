"""How sender and receiver end, and what they say: stored, refused, interrupted, killed, the relay gone, and receivers that
end their room in ways of their own, at each phase."""

import signal
import unittest

import gate
import harness

LEFT = "left before the end"
UNCONFIRMED = "ended before it confirmed; it may not have the document"
LARGE = 40 << 20  # more than all buffers on the way hold


class Endings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World()
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.large = cls.world.file("out/large", bytes(range(256)) * (LARGE // 256))
        cls.small = cls.world.file("out/small", b"Hello World!\n")
        cls.number = 0

    def start(self, path, websocket=False, relay=None, receiver_arguments=("-y",), sender_arguments=("--no-compress",),
              terminal=False, **gate_options):
        """A sender at the relay, and a receiver behind a gate."""
        Endings.number += 1
        relay = self.relay = relay or self.world.relay
        code = f"ending {Endings.number}"
        self.gate = self.world.keep(gate.Gate(relay.port, **gate_options))
        self.inbox = self.world.folder(f"in/{Endings.number}")
        address = (lambda port: f"ws://127.0.0.1:{port}") if websocket else (lambda port: f"127.0.0.1:{port},{port}")
        self.sender, _ = self.world.send_waiting(*sender_arguments, path, code=code, relay=address(relay.port))
        arguments = ([] if terminal else ["--json"]) + [*receiver_arguments, "-o", self.inbox]
        self.receiver = self.world.recv(*arguments, code=code, relay=address(self.gate.port), terminal=terminal)

    def wait_midway(self):
        self.assertTrue(self.gate.holds.wait(harness.LIMIT), "the gate holds nothing")
        self.sender.event("progress")

    def expect(self, process, status, message=None):
        """`status` 7 of a sender means that its receiver has left; it waits on while there is a relay."""
        if process is self.sender and status == 7 and self.relay.running():
            self.assertIn(message or "", process.expect_left())
            return
        process.expect_exit(status)
        if message is not None:
            self.assertIn(message, process.events()[-1].get("message", ""))

    def expect_sent(self):
        self.sender.expect_exit(0)
        self.assertEqual(self.sender.events()[-1]["event"], "done")

    def expect_nothing_stored(self):
        harness.assert_empty(self.inbox)

    # --- peers of ours

    def test_stored(self):
        for websocket in (False, True):
            with self.subTest(websocket=websocket):
                self.start(self.small, websocket)
                self.receiver.expect_exit(0)
                self.expect_sent()
                harness.assert_same(self.small, self.inbox / "small")

    def test_refused(self):
        self.start(self.small, receiver_arguments=(), terminal=True)
        self.receiver.wait_text("[y/N]")
        self.receiver.type("n\n")
        self.receiver.expect_exit(5)
        self.sender.event("refused")
        self.sender.send_signal(signal.SIGINT)
        self.expect(self.sender, 130)

    def test_interrupted_while_asked(self):
        self.start(self.small, receiver_arguments=(), terminal=True)
        self.receiver.wait_text("[y/N]")
        self.sender.send_signal(signal.SIGINT)
        self.expect(self.sender, 130)
        self.receiver.wait_text("still waiting")
        self.receiver.send_signal(signal.SIGINT)
        self.receiver.expect_exit(130)

    def test_signals_midway(self):
        for victim, number, sender_exit, receiver_exit in (
                ("sender", signal.SIGINT, 130, 7), ("sender", signal.SIGTERM, 143, 7), ("sender", signal.SIGKILL, -9, 7),
                ("receiver", signal.SIGINT, 7, 130), ("receiver", signal.SIGTERM, 7, 143),
                ("receiver", signal.SIGKILL, 7, -9)):
            for websocket in (False, True):
                with self.subTest(victim=victim, signal=number.name, websocket=websocket):
                    self.start(self.large, websocket, pass_bytes=1 << 20)
                    self.wait_midway()
                    getattr(self, victim).send_signal(number)
                    self.gate.release()
                    self.expect(self.sender, sender_exit, LEFT if sender_exit == 7 else None)
                    self.expect(self.receiver, receiver_exit, LEFT if receiver_exit == 7 else None)
                    if number != signal.SIGKILL or victim != "receiver":
                        self.expect_nothing_stored()

    def test_an_interrupted_sender_ends_in_order(self):
        """What a relay of the reference is spared: a reset."""
        relay = self.world.start_relay("--log-level", "debug")
        self.start(self.large, relay=relay, pass_bytes=1 << 20)
        self.wait_midway()
        self.sender.send_signal(signal.SIGINT)
        self.sender.expect_exit(130)
        self.gate.release()
        self.receiver.expect_exit(7)
        relay.stop()
        self.assertIn("event=room_closed", relay.stderr.text())

    def test_signals_while_the_receiver_finishes(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            for websocket in (False, True):
                with self.subTest(victim="receiver", signal=number.name, websocket=websocket):
                    self.start(self.small, websocket, hold_tail=True)
                    self.sender.event("finishing")
                    self.receiver.event("agreed")
                    self.receiver.send_signal(number)
                    self.expect(self.sender, 7, LEFT)
                    self.expect(self.receiver, status)
                with self.subTest(victim="sender", signal=number.name, websocket=websocket):
                    self.start(self.small, websocket, hold_end=True)
                    self.sender.event("finishing")
                    self.assertTrue(self.gate.receiver_ended.wait(harness.LIMIT))
                    self.sender.send_signal(number)
                    self.expect(self.sender, status)
                    self.expect(self.receiver, 0)
                    harness.assert_same(self.small, self.inbox / "small")

    def test_the_relay_is_killed(self):
        for phase in ("waiting", "midway", "finishing"):
            with self.subTest(phase=phase):
                relay = self.world.start_relay()
                if phase == "waiting":
                    sender, _ = self.world.send_waiting(self.small, code="alone", relay=relay.address)
                    relay.send_signal(signal.SIGKILL)
                    sender.event("reconnecting")
                    sender.send_signal(signal.SIGTERM)
                    sender.expect_exit(143)
                    continue
                midway = phase == "midway"
                self.start(self.large if midway else self.small, relay=relay, pass_bytes=1 << 20 if midway else None,
                           hold_end=not midway)
                if midway:
                    self.wait_midway()
                else:
                    self.assertTrue(self.gate.receiver_ended.wait(harness.LIMIT))
                relay.send_signal(signal.SIGKILL)
                relay.wait()
                self.gate.release()
                self.expect(self.sender, 7, LEFT)
                self.receiver.expect_exit(7 if midway else 0)

    # --- receivers that end in a way of their own

    def end_early(self, how, websocket, pass_bytes):
        self.start(self.large, websocket, pass_bytes=pass_bytes)
        self.assertTrue(self.gate.holds.wait(harness.LIMIT))
        self.sender.event("agreed")
        self.gate.end_room(how)

    def test_ends_before_everything_has_arrived(self):
        for websocket, how, status, message in (
                (False, "end", 10, UNCONFIRMED), (False, "reset", 7, LEFT),
                (True, 1000, 10, UNCONFIRMED), (True, 1001, 7, LEFT), (True, 3000, 7, LEFT), (True, 4000, 7, LEFT),
                (True, "end", 7, LEFT), (True, "reset", 7, LEFT)):
            for pass_bytes in (0, 1 << 20):
                with self.subTest(websocket=websocket, how=how, pass_bytes=pass_bytes):
                    self.end_early(how, websocket, pass_bytes)
                    self.expect(self.sender, status, message)
                    self.gate.release()
                    if how == "reset" and pass_bytes == 0:  # it has not heard that both are in the room
                        self.receiver.event("reconnecting")
                        self.receiver.send_signal(signal.SIGTERM)
                    self.receiver.wait()
                    self.expect_nothing_stored()

    def test_ends_after_everything_has_arrived(self):
        """In place of the end of a receiver that has stored: an end in order is all that a sender can see."""
        for websocket, how, status, message in (
                (False, "end", 0, None), (False, "reset", 7, LEFT),
                (True, 1000, 0, None), (True, 1001, 7, LEFT), (True, 3000, 7, LEFT), (True, 4000, 7, LEFT),
                (True, "end", 7, LEFT), (True, "reset", 7, LEFT)):
            with self.subTest(websocket=websocket, how=how):
                self.start(self.small, websocket, hold_end=True)
                self.assertTrue(self.gate.receiver_ended.wait(harness.LIMIT))
                self.sender.event("finishing")
                self.gate.end_room(how)
                self.expect(self.sender, status, message)
                self.receiver.wait()
                harness.assert_same(self.small, self.inbox / "small")

    def test_a_receiver_that_ends_in_order_without_storing_cannot_be_told_from_one_that_has(self):
        for websocket, how in ((False, "end"), (True, 1000)):
            with self.subTest(websocket=websocket):
                self.start(self.small, websocket, hold_tail=True)
                self.sender.event("finishing")
                self.receiver.event("agreed")
                self.gate.end_room(how)
                self.expect_sent()
                self.receiver.expect_exit(7)
                self.expect_nothing_stored()


if __name__ == "__main__":
    unittest.main()
