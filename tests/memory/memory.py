"""What sender, receiver and relay hold in memory while documents pass: each is run under /usr/bin/time -v, and none may
ever be above 64 MiB resident. One 3 GiB file among them, unless PARLEY_LARGE_MIB says otherwise."""

import os
import pathlib
import random
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import harness

LIMIT_KIB = 64 * 1024
LARGE_MIB = int(os.environ.get("PARLEY_LARGE_MIB", "3072"))
PATIENCE = 10 * harness.LIMIT

NAMES = ["plain.txt", "空の文書.txt", "Ελληνικά", "кириллица", "عربي", "עברית", "हिन्दी", "ไทย", "한국어", "日本語",
         "naïve café", "zażółć gęślą", "emoji 🙂", " leading space", "two  spaces", ".hidden", "quote'quote", "ß and ẞ",
         "Ünïcödé", "中文", "தமிழ்", "ქართული", "አማርኛ", "-dash", "#hash", "semi;colon", "a" * 200]


def time_prefix(report):
    return ["/usr/bin/time", "-v", "-o", report]


def peak_kib(report):
    return int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", report.read_text())[1])


class Memory(unittest.TestCase):
    def setUp(self):
        self.world = harness.World(relay=False)
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)

    def pass_on(self, path):
        """Passes `path` between processes of their own, checks it, and prints and checks the three peaks."""
        w = self.world
        reports = {who: w.root / f"{who}.time" for who in ("sender", "receiver", "relay")}
        inbox = w.folder("in")
        relay = w.keep(harness.Relay(prefix=time_prefix(reports["relay"])))
        started = time.monotonic()
        sender, code = w.send_waiting(path, relay=relay.address, prefix=time_prefix(reports["sender"]))
        receiver = w.recv("-y", "--quiet", "-o", inbox, code=code, relay=relay.address,
                          prefix=time_prefix(reports["receiver"]))
        receiver.expect_exit(0, PATIENCE)
        sender.expect_exit(0, PATIENCE)
        seconds = time.monotonic() - started
        relay.signal_program(15)
        relay.expect_exit(0)
        harness.assert_same(path, inbox / path.name)
        peaks = {who: peak_kib(report) for who, report in reports.items()}
        print(f"{self._testMethodName[5:]:<16}" + "".join(f"{who} {kib / 1024:5.1f} MiB   " for who, kib in peaks.items())
              + f"{seconds:6.1f} s", flush=True)
        for who, kib in peaks.items():
            self.assertLess(kib, LIMIT_KIB, who)

    def test_empty_file(self):
        self.pass_on(self.world.file("out/empty"))

    def test_one_byte(self):
        self.pass_on(self.world.file("out/one", b"x"))

    def test_large_file(self):
        path = self.world.file("out/large")
        block = random.Random(3).randbytes(32 << 20)
        with open(path, "wb") as file:  # does not shrink: no compressor looks back 32 MiB
            for number in range(LARGE_MIB // 32):
                file.write(number.to_bytes(4, "big") + block[4:])
        self.pass_on(path)

    def test_small_files(self):
        draw = random.Random(20_000)
        for number in range(20_000):
            folder = self.world.folder(f"out/many/{number % 200:03}") if number < 200 else \
                self.world.root / f"out/many/{number % 200:03}"
            (folder / f"file {number}").write_bytes(draw.randbytes(draw.randrange(2000)))
        self.pass_on(self.world.root / "out/many")

    def test_tree(self):
        """Nested and empty directories, names in many scripts, equal files."""
        for number, name in enumerate(NAMES):
            self.world.file(f"out/tree/{name}", b"%d" % number)
            self.world.file(f"out/tree/folder {name[:60]}/{name}", b"%d" % number)
        self.world.folder("out/tree/empty")
        self.world.folder("out/tree/" + "/".join(f"level {n}" for n in range(60)))
        same = random.Random(7).randbytes(3 << 20)
        for number in range(8):
            self.world.file(f"out/tree/equal/{number}", same)
        self.pass_on(self.world.root / "out/tree")

    def test_empty_directory(self):
        self.pass_on(self.world.folder("out/nothing"))


if __name__ == "__main__":
    unittest.main()
