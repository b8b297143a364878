"""Trees that change at random while the sender waits and again while it sends. In version 1 what changes before its turn costs
nothing but itself; only a large file that changes while its own bytes are sent ends the transfer, with an error that names it.
In version 2 the tree is listed when a receiver comes: what changes before costs nothing, what changes later ends the transfer,
and both sides name it.

PARLEY_CHANGING_SEEDS is the number of trees (3)."""

import hashlib
import os
import random
import re
import shutil
import unittest

import cli_documents
import destinations
import gate
import harness

SEEDS = int(os.environ.get("PARLEY_CHANGING_SEEDS", "3"))
LARGE = 40 << 20  # more than all buffers on the way hold, so a sender is held in the middle of one
NOISE = random.Random(0).randbytes(LARGE)


class Tree:
    """A directory, and every content that each of its paths has ever had."""

    def __init__(self, world, seed):
        self.draw = random.Random(seed)
        self.spare = world.folder(f"out-{seed}") / "new"
        self.top = world.folder(f"out-{seed}/tree")
        self.versions = {}
        self.gone = set()     # paths that did not exist for some time after the first listing
        self.changed = set()  # large files that were changed in place
        for name in ("a-large", "z-large"):
            (self.top / name).write_bytes(NOISE)
            with open(self.top / name, "r+b") as file:
                file.write(f"{seed} {name}".encode())
            self.note(name)
        self.small = [f"{self.draw.choice('mn')}/{self.draw.choice('de')}/{i}" for i in range(40)]
        for name in self.small:
            self.write(name, self.content())

    def content(self):
        return self.draw.randbytes(self.draw.choice((0, 10, 5000)))

    def write(self, name, content):
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_bytes(content)
        self.note(name)

    def note(self, name):
        self.versions.setdefault(name, set()).add(hashlib.sha256((self.top / name).read_bytes()).digest())

    def change(self):
        """One change of a small file: it is removed, replaced by another, longer, or new."""
        name = self.draw.choice(self.small)
        path = self.top / name
        what = self.draw.randrange(4)
        if what == 0 and path.exists():
            path.unlink()
            self.gone.add(name)
        elif what == 1:
            self.spare.write_bytes(self.content())
            os.rename(self.spare, path)
            self.note(name)
        elif what == 2:
            before = path.read_bytes() if path.exists() else b""
            self.spare.write_bytes(before + b"more")
            os.rename(self.spare, path)
            self.note(name)
        else:
            self.small.append(f"{self.draw.choice('mn')}/{self.draw.choice('de')}/{len(self.small)}")
            self.write(self.small[-1], b"added")

    def change_large(self):
        """A change inside a large file: longer, shorter, or other bytes."""
        name = self.draw.choice(("a-large", "z-large"))
        with open(self.top / name, "r+b") as file:
            what = self.draw.randrange(3)
            if what == 0:
                file.seek(0, os.SEEK_END)
                file.write(b"more")
            elif what == 1:
                file.truncate(LARGE - 1000)
            else:
                file.seek(self.draw.randrange(LARGE - 5000))
                file.write(b"other bytes")
        self.changed.add(name)
        self.note(name)


@harness.both_versions
class ChangingTrees(harness.FreshCase):
    SESSION = "1"

    def one(self, seed):
        tree = Tree(self.world, seed)
        inbox = self.world.folder(f"in-{seed}")
        code = f"changing {seed}"
        way = self.world.keep(gate.Gate(self.world.relay.port, pass_bytes=tree.draw.randrange(70 << 20)))
        sender, _ = self.world.send_waiting("--no-compress", tree.top, code=code,
                                            relay=f"127.0.0.1:{self.world.relay.port},{self.world.relay.port}")
        for _ in range(30):
            tree.change()
        listed = cli_documents.listing(os.fsencode(tree.top))
        tree.gone.clear()
        receiver = self.world.recv("--json", "-y", "-o", inbox, code=code, relay=f"127.0.0.1:{way.port},{way.port}")
        self.assertTrue(way.holds.wait(harness.LIMIT))
        for _ in range(30):
            tree.change()
        if tree.draw.random() < 0.5:
            tree.change_large()
        way.release()
        if self.SESSION == "2":
            return self.end_of_version_2(sender, receiver, inbox, listed)
        return self.end_of_version_1(sender, receiver, tree, inbox, listed)

    def end_of_version_1(self, sender, receiver, tree, inbox, listed):
        status = sender.wait()
        skipped = {event["path"] for event in sender.events() if event["event"] == "skipped"}
        if status == 8:
            receiver.expect_exit(7)
            harness.assert_empty(inbox)
            self.assertRegex(sender.events()[-1]["message"], r"changed while it was being sent \((a|z)-large.*after \d+ of \d+ bytes")
            self.assertIn("a-large" if "a-large" in sender.events()[-1]["message"] else "z-large", tree.changed)
            return "ended"
        sender.expect_exit(12 if skipped else 0)
        receiver.expect_exit(0)
        found = cli_documents.listing(os.fsencode(inbox / "tree"))
        for path, content in found.items():
            if content is not None:
                self.assertIn(hashlib.sha256(content).digest(), tree.versions[path.decode()], path)
        self.assertEqual({path.decode() for path in listed.keys() - found.keys()}, skipped)
        self.assertLessEqual(skipped, tree.gone)
        return "skipped" if skipped else "whole"

    def end_of_version_2(self, sender, receiver, inbox, listed):
        """The receiver has what was listed, or nothing and the name of what changed."""
        if sender.wait() == 0:
            receiver.expect_exit(0)
            self.assertEqual(cli_documents.listing(os.fsencode(inbox / "tree")), listed)
            return "whole"
        sender.expect_exit(8)
        receiver.expect_exit(7)
        self.assertFalse([name for name in os.listdir(inbox) if not destinations.STAGED.match(name)])
        names = set()
        for peer in (sender, receiver):
            said = peer.events()[-1]["message"]
            found = re.search(r"'([^']+)' (was changed (after it was listed|while it was being sent).*\(\d{4}-\d\d-\d\d .*UTC"
                              r"|cannot be read: No such file)", said)
            self.assertTrue(found, said)
            names.add(found[1])
        self.assertEqual(len(names), 1, names)
        self.assertIn(names.pop().encode(), listed)
        return "ended"

    def test_at_random(self):
        ends = {}
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                end = self.one(seed)
                ends[end] = ends.get(end, 0) + 1
            for side in ("out", "in"):
                shutil.rmtree(self.world.root / f"{side}-{seed}")
        print(f"{SEEDS} trees: {ends}")


if __name__ == "__main__":
    unittest.main()
