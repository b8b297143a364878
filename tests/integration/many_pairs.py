"""Fifty senders and fifty receivers at once on one relay, each pair with its own code: all meet, all documents arrive."""

import random
import unittest

import harness

PAIRS = 50


class ManyPairs(unittest.TestCase):
    def test_fifty_pairs(self):
        draw = random.Random(50)
        with harness.World() as world:
            paths = [world.file(f"out/{n}/document {n}", draw.randbytes(draw.randrange(300_000))) for n in range(PAIRS)]
            codes = [f"pair {n} {draw.randrange(10**12)}" for n in range(PAIRS)]
            starts = [("send", n) for n in range(PAIRS)] + [("recv", n) for n in range(PAIRS)]
            draw.shuffle(starts)
            running = []
            for what, n in starts:
                if what == "send":
                    running.append(world.send("--json", paths[n], code=codes[n]))
                else:
                    running.append(world.recv("--json", "-y", "-o", world.folder(f"in/{n}"), code=codes[n]))
            for process in running:
                process.expect_exit(0, 3 * harness.LIMIT)
            for n in range(PAIRS):
                harness.assert_same(paths[n], world.root / f"in/{n}/document {n}")
            self.assertTrue(world.relay.running())
            world.relay.stop()


if __name__ == "__main__":
    unittest.main()
