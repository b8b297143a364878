"""Documents pass between two processes: every kind of source and destination."""

import json
import os
import random
import unittest

import harness


class Transfer(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")

    def pass_on(self, *what, stdin=None, receiver=("-y",), status=0, **named):
        """Sends `what` into the inbox; the finished sender (with `status`) and receiver."""
        more = {} if stdin is None else {"stdin": stdin}
        sender, code = self.world.send_waiting(*what, **more, **named)
        taker = self.world.recv("--json", "-o", self.inbox, *receiver, code=code).expect_exit(0)
        return sender.expect_exit(status), taker

    def test_file(self):
        path = self.world.file("out/report.txt", random.Random(1).randbytes(1_000_003))
        sender, receiver = self.pass_on(path)
        harness.assert_same(path, self.inbox / "report.txt")
        self.assertEqual(os.listdir(self.inbox), ["report.txt"])
        done = receiver.event("done")
        self.assertEqual((done["name"], done["bytes"], done["directory"]), ("report.txt", 1_000_003, False))
        self.assertEqual(done["path"], str(self.inbox / "report.txt"))
        self.assertEqual(sender.event("done")["bytes"], 1_000_003)

    def test_small_sizes(self):
        for size in (0, 1, 0x7fff, 0x8000):
            with self.subTest(size=size):
                path = self.world.file(f"out/size-{size}", b"x" * size)
                self.pass_on(path)
                harness.assert_same(path, self.inbox / path.name)

    def test_directory(self):
        for name in ("a.txt", "b/c.txt", "b/d/e.txt", ".hidden", "b/.dot/x", "same", "b/same", "ünïcode/文書", "b/z z"):
            self.world.file(f"out/tree/{name}", b"content of " + name.rpartition("/")[2].encode())
        tree = self.world.folder("out/tree")
        self.world.folder("out/tree/empty/inside")
        self.pass_on(tree)
        harness.assert_same(tree, self.inbox / "tree")

    def test_what_does_not_travel_is_told(self):
        self.world.file("out/tree/file", b"x")
        tree = self.world.folder("out/tree")
        os.symlink("/etc/passwd", tree / "link")
        os.mkfifo(tree / "pipe")
        sender, receiver = self.pass_on(tree, status=12)
        skipped = [event["path"] for event in sender.events() if event["event"] == "skipped"]
        self.assertEqual(sorted(skipped), ["link", "pipe"])
        self.assertEqual(sender.event("done")["skipped"], 2)
        self.assertIn("incomplete", sender.stderr.text())
        self.assertEqual(receiver.event("done")["skipped"], 0)
        self.assertEqual(os.listdir(self.inbox / "tree"), ["file"])

    def test_text(self):
        self.pass_on("--text", "Grüße\n")
        self.assertEqual((self.inbox / "message.txt").read_bytes(), "Grüße\n".encode())
        self.pass_on("--text", "", "--name", "nothing.txt")
        self.assertEqual((self.inbox / "nothing.txt").read_bytes(), b"")

    def test_standard_input(self):
        content = random.Random(2).randbytes(3_000_000)
        self.pass_on("-", stdin=content)
        self.assertEqual((self.inbox / "stdin").read_bytes(), content)
        self.pass_on("-", "--name", "named", stdin=b"")
        self.assertEqual((self.inbox / "named").read_bytes(), b"")
        harness.assert_empty(self.world.temporary)

    def test_standard_output(self):
        content = random.Random(3).randbytes(3_000_000)
        sender, code = self.world.send_waiting("-", stdin=content)
        receiver = self.world.recv("-y", "-o", "-", code=code).expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual(receiver.stdout.bytes(), content)
        harness.assert_empty(self.world.temporary)

    def test_standard_output_takes_no_directory(self):
        self.world.file("out/tree/file", b"x")
        sender, code = self.world.send_waiting(self.world.folder("out/tree"))
        receiver = self.world.recv("-y", "-o", "-", code=code).expect_exit(8)
        sender.expect_left()
        self.assertEqual(receiver.stdout.bytes(), b"")
        harness.assert_empty(self.world.temporary)

    def test_own_name(self):
        path = self.world.file("out/original", b"content")
        sender, code = self.world.send_waiting(path)
        self.world.recv("-y", "-o", self.inbox / "renamed", code=code).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, self.inbox / "renamed")

    def test_current_directory(self):
        path = self.world.file("out/document", b"content")
        sender, code = self.world.send_waiting(path)
        self.world.recv("-y", code=code, cwd=self.inbox).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, self.inbox / "document")

    def test_dot_is_called_by_its_real_name(self):
        self.world.file("out/project/file", b"x")
        self.pass_on(".", cwd=self.world.folder("out/project"))
        self.assertEqual(os.listdir(self.inbox), ["project"])

    def test_compression_and_records(self):
        path = self.world.file("out/text", b"all work and no play " * 50_000)
        sizes = {}
        for options in (("--compress",), ("--no-compress",), ("--records", "original"), ("--records", "current")):
            with self.subTest(options=options):
                sender, _ = self.pass_on(path, *options)
                harness.assert_same(path, self.inbox / "text")
                (self.inbox / "text").unlink()
                sizes[options[0]] = sender.event("done")["stream_bytes"]
        self.assertLess(sizes["--compress"], 50_000)
        self.assertGreater(sizes["--no-compress"], 1_050_000)

    def test_a_slow_way_makes_compression_worth_it(self):
        words = [b"connection ", b"from ", b"relay ", b"accepted ", b"closed\n", b"the ", b"request ", b"of "]
        draw = random.Random(3)
        part = b"".join(draw.choice(words) + b"%d " % draw.randrange(1_000_000) for _ in range(60_000))
        path = self.world.file("out/log", b"".join(part[i:] + part[:i] for i in range(40)))
        size = path.stat().st_size
        stream_bytes = {}
        for way, limits, options in (("slow", ["--max-room-rate", "10000000"], []), ("forced", [], ["--compress"])):
            relay = self.world.start_relay(*limits).address
            inbox = self.world.folder(f"in-{way}")
            sender, code = self.world.send_waiting(*options, path, relay=relay)
            self.world.recv("--json", "-y", "-o", inbox, code=code, relay=relay).expect_exit(0)
            stream_bytes[way] = sender.expect_exit(0).event("done")["stream_bytes"]
            harness.assert_same(path, inbox / "log")
        # Stored at most are a few MiB that went before it was seen.
        self.assertLess(stream_bytes["forced"], size // 2)
        self.assertLess(stream_bytes["slow"], (stream_bytes["forced"] + size) // 2)

    def test_json_says_all_in_order(self):
        path = self.world.file("out/file", random.Random(4).randbytes(5_000_000))
        sender, receiver = self.pass_on(path)
        order = {
            sender: ["document", "code", "connecting", "connected", "identified", "waiting", "agreed", "finishing", "done"],
            receiver: ["connecting", "connected", "identified", "waiting", "offered", "agreed", "finishing", "done"],
        }
        for process, expected in order.items():
            names = [event["event"] for event in process.events()]
            self.assertEqual([name for name in names if name != "progress"], expected)
            progress = [event for event in process.events() if event["event"] == "progress"]
            self.assertTrue(progress)
            self.assertEqual(progress[-1]["bytes"], 5_000_000)
            self.assertEqual(progress[-1]["total"], 5_000_000)
            self.assertTrue(process.stdout.bytes().isascii())
            self.assertEqual(process.stderr.bytes(), b"")
        self.assertEqual(sender.events()[-1]["peer"], next(e for e in receiver.events() if e["event"] == "identified")["identity"])

    def test_words_for_people(self):
        path = self.world.file("out/file", b"x" * 2048)
        sender = self.world.send(path)
        sender.wait_text("\n", stream="stdout")
        code = sender.stdout.text().removeprefix("Code: ").strip()
        sender.wait_text(f"parley recv --relay {self.world.relay.address}")
        receiver = self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        self.assertIn("Sent file: 2.0 KiB", sender.stderr.text())
        self.assertIn("Received", receiver.stderr.text())
        self.assertEqual(receiver.stdout.bytes(), b"")
        self.assertNotIn(code, sender.stderr.text() + receiver.stderr.text() + self.world.relay.stderr.text())

    def test_quiet(self):
        path = self.world.file("out/file", b"x")
        sender = self.world.send("--quiet", path)
        sender.wait_text("\n", stream="stdout")
        code = sender.stdout.text().strip()
        receiver = self.world.recv("--quiet", "-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual(sender.stderr.bytes() + receiver.stderr.bytes() + receiver.stdout.bytes(), b"")

    def test_bar_on_a_terminal(self):
        path = self.world.file("out/file", random.Random(5).randbytes(3_000_000))
        sender = self.world.send(path, terminal=True)
        sender.wait_text("Code: ")
        sender.wait_text("Waiting for")
        code = sender.screen().split("Code: ")[1].split()[0]
        self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        self.assertIn("[=", sender.screen())
        self.assertIn("100 %", sender.screen())
        self.assertIn("Sent file", sender.screen())

    def test_several_pairs_on_one_relay(self):
        pairs = []
        for number in range(8):
            path = self.world.file(f"out/{number}/file", b"document %d" % number)
            pairs.append((number, *self.world.send_waiting(path)))
        receivers = [self.world.recv("-y", "-o", self.world.folder(f"in/{number}"), code=code)
                     for number, _, code in pairs]
        for process in receivers + [sender for _, sender, _ in pairs]:
            process.expect_exit(0)
        for number, _, _ in pairs:
            harness.assert_same(self.world.root / f"out/{number}/file", self.inbox / str(number) / "file")

    def test_over_ipv6(self):
        try:
            relay = self.world.start_relay(listen=("[::1]:0",), rooms=("[::1]:0",))
        except harness.Failure:
            self.skipTest("no IPv6 here")
        address = f"[::1]:{relay.port},{relay.room_port}"
        path = self.world.file("out/file", b"six")
        sender, code = self.world.send_waiting(path, relay=address)
        self.world.recv("-y", "-o", self.inbox, code=code, relay=address).expect_exit(0)
        sender.expect_exit(0)
        self.assertTrue(json.loads(sender.stdout.text().splitlines()[-1])["peer"].startswith("[::1]:"))


if __name__ == "__main__":
    unittest.main()
