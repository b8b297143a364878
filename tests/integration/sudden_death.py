"""kill -9 of sender, receiver or relay at random moments, a hundred times. The survivors end in time, with a status and
a message that say what happened; the destination holds the whole document or nothing; a sender that reports success is
right."""

import os
import random
import re
import signal
import threading
import time
import unittest

import harness

ROUNDS = int(os.environ.get("PARLEY_KILL_ROUNDS", "12"))
SEED = int(os.environ.get("PARLEY_KILL_SEED", "9"))
STAGED = re.compile(r"^\.parley-.*\.part$")


class SuddenDeath(unittest.TestCase):
    def setUp(self):
        self.world = harness.World(relay=False)
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)
        draw = random.Random(SEED)
        self.file = self.world.file("out/document", draw.randbytes(24 << 20))
        for n in range(300):
            self.world.file(f"out/tree/{n % 7}/{n}", draw.randbytes(draw.randrange(60_000)))
        self.tree = self.world.root / "out/tree"

    def start(self, path, number, patience):
        """`patience` is how long, in seconds, each waits for the others."""
        inbox = self.world.folder(f"in/{number}")
        relay = self.world.start_relay("--timeout", str(patience), "--room-timeout", str(patience))
        code = f"round {number}"
        wait = "--timeout", str(patience)
        sender = self.world.send("--json", *wait, path, code=code, relay=relay.address)
        receiver = self.world.recv("--json", *wait, "-y", "-o", inbox, code=code, relay=relay.address)
        return {"relay": relay, "sender": sender, "receiver": receiver}, inbox

    def measure(self, path, number):
        """How long a transfer takes when nobody dies."""
        started = time.monotonic()
        processes, inbox = self.start(path, number, harness.LIMIT)
        processes["receiver"].expect_exit(0)
        processes["sender"].expect_exit(0)
        length = time.monotonic() - started
        harness.assert_same(path, inbox / path.name)
        processes["relay"].stop()
        return length

    def check_survivor(self, who, process):
        status = process.wait()
        self.assertGreaterEqual(status, 0, process.describe())
        if status == 0:
            return True
        error = [event for event in process.events() if event["event"] == "error"]
        self.assertEqual(len(error), 1, process.describe())
        self.assertEqual(error[0]["exit"], status)
        self.assertGreater(len(error[0]["message"]), 10)
        self.assertNotIn(status, (1, 2, 8), process.describe())  # nothing was wrong on its own side
        return False

    def one_round(self, number, victim, path, delay, patience):
        processes, inbox = self.start(path, number, patience)
        threading.Event().wait(delay)  # the random moment is the point of the test
        processes[victim].send_signal(signal.SIGKILL)
        succeeded = {who: self.check_survivor(who, process)
                     for who, process in processes.items() if who not in (victim, "relay")}
        if victim in succeeded or victim != "relay":
            succeeded[victim] = processes[victim].wait() == 0
            processes["relay"].stop()
        visible = [name for name in os.listdir(inbox) if not STAGED.match(name)]
        if visible:
            self.assertEqual(visible, [path.name])
            harness.assert_same(path, inbox / path.name)
        if victim != "receiver":  # it had the time to clean up
            self.assertEqual(sorted(os.listdir(inbox)), visible)
        if succeeded["sender"] or succeeded["receiver"]:
            self.assertEqual(visible, [path.name], f"success was reported; victim {victim}")
        return bool(visible)

    def test_kills(self):
        draw = random.Random(SEED + 1)
        lengths = {path: self.measure(path, f"measure-{path.name}") for path in (self.file, self.tree)}
        patience = max(4, 10 * max(lengths.values()))
        whole = 0
        for number in range(ROUNDS):
            victim = ("sender", "receiver", "relay")[number % 3]
            path = draw.choice((self.file, self.tree))
            delay = draw.uniform(0, 1.1 * lengths[path])
            with self.subTest(number=number, victim=victim, path=path.name, delay=round(delay, 3)):
                whole += self.one_round(number, victim, path, delay, patience)
        print(f"{ROUNDS} kills: {whole} documents had arrived whole, {ROUNDS - whole} left nothing", flush=True)


if __name__ == "__main__":
    unittest.main()
