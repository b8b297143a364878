"""What a document of session version 2 is, as a user sees it: several paths, links, modes and times, names that are taken,
disks that cannot take it, what changes while it travels, the question, standard input, several receivers."""

import os
import random
import re
import unittest

import continuing
import forwarder
import harness

harness.World.session = None  # they find out that both speak version 2

STAGED = re.compile(r"^\.parley-.*\.part$")
NOISE = random.Random(2).randbytes(8 << 20)


class Base(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.file = self.world.file("out/file.txt", b"content of the file")
        for name in ("a.o", "build/made", "src/main.c", "src/main.o", "kept"):
            self.world.file(f"out/tree/{name}", f"content of {name}".encode())
        self.tree = self.world.folder("out/tree")

    def send(self, *arguments, **named):
        return self.world.send_waiting(*arguments, code="the code", **named)[0]

    def recv(self, *arguments, output=None, **named):
        return self.world.recv("--json", "-y", "-o", output or self.inbox, *arguments, code="the code", **named)

    def pass_on(self, *arguments, status=0, to=(), output=None):
        """Sender and receiver after a transfer that succeeds; `status` is the sender's."""
        sender = self.send(*arguments)
        receiver = self.recv(*to, output=output).expect_exit(0)
        sender.expect_exit(status)
        return sender, receiver

    def refused(self, *arguments, status, words, to=(), **named):
        """A sender that waits on after its receiver has said `words` and ended with `status`. Both hear the words."""
        sender = self.send(*arguments)
        receiver = self.recv(*to, **named).expect_exit(status)
        left = sender.event("receiver_left")["message"]
        for said in (receiver.events()[-1]["message"], left):
            self.assertRegex(said, words)
        self.assertFalse([event for event in sender.events() if event["event"] == "finishing"])
        sender.event("waiting")
        return sender


class Contents(Base):
    def test_several_paths(self):
        sender, receiver = self.pass_on(self.tree, self.file, "--name", "a title")
        offer = receiver.event("offer")
        self.assertEqual((offer["kind"], offer["name"], offer["files"], offer["directories"]), ("items", "a title", 6, 3))
        self.assertEqual(sorted(os.listdir(self.inbox)), ["file.txt", "tree"])
        continuing.assert_same(self.tree, self.inbox / "tree")
        continuing.assert_same(self.file, self.inbox / "file.txt")

    def test_several_paths_into_a_new_folder(self):
        self.pass_on(self.tree, self.file, output=self.inbox / "new")
        continuing.assert_same(self.tree, self.inbox / "new/tree")
        continuing.assert_same(self.file, self.inbox / "new/file.txt")

    def test_what_is_excluded_stays_and_is_no_failure(self):
        self.pass_on(self.tree, self.file, "--exclude", "*.o", "--exclude", "build")
        self.assertEqual(sorted(continuing.describe(self.inbox)),
                         ["file.txt", "tree", "tree/kept", "tree/src", "tree/src/main.c"])

    def test_modes_times_and_links_travel(self):
        tree = continuing.make_tree(self.world, "out-all", 1 << 20, random.Random(3))
        self.pass_on(tree)
        continuing.assert_same(tree, self.inbox / "tree")

    def test_what_cannot_travel_is_listed(self):
        os.symlink("kept", self.tree / "link")
        os.symlink("/etc/hostname", self.tree / "absolute")
        os.symlink("../../file.txt", self.tree / "src/outside")
        os.mkfifo(self.tree / "pipe")
        sender, _ = self.pass_on(self.tree, status=12)
        skipped = {event["path"].removeprefix("tree/"): event["reason"]
                   for event in sender.events() if event["event"] == "skipped"}
        self.assertEqual(set(skipped), {"absolute", "src/outside", "pipe"})
        self.assertTrue(all(skipped.values()), skipped)
        self.assertEqual(sender.events()[-1]["skipped"], 3)
        self.assertEqual(os.readlink(self.inbox / "tree/link"), "kept")
        for name in skipped:
            self.assertFalse(os.path.lexists(self.inbox / "tree" / name), name)


class TakenNames(Base):
    def setUp(self):
        super().setUp()
        self.world.file("in/file.txt", b"mine")
        self.world.file("in/tree/mine", b"mine")
        self.world.file("in/tree/kept", b"mine")

    def assert_untouched(self):
        self.assertEqual((self.inbox / "file.txt").read_bytes(), b"mine")
        self.assertEqual(sorted(os.listdir(self.inbox / "tree")), ["kept", "mine"])

    def test_are_told_before_the_transfer_and_the_sender_waits_on(self):
        for path in (self.file, self.tree):
            with self.subTest(path=path.name):
                sender = self.refused(path, status=8, words=re.escape(path.name) + ".{1,6}exists")
                self.assert_untouched()
                self.assertEqual(sorted(os.listdir(self.inbox)), ["file.txt", "tree"])
                os.rename(self.inbox / path.name, self.world.root / f"moved {path.name}")
                self.recv().expect_exit(0)
                sender.expect_exit(0)
                continuing.assert_same(path, self.inbox / path.name)
                os.rename(self.inbox / path.name, self.world.root / f"arrived {path.name}")
                os.rename(self.world.root / f"moved {path.name}", self.inbox / path.name)

    def test_rename_takes_free_ones(self):
        self.pass_on(self.tree, self.file, to=("--rename",))
        self.assert_untouched()
        continuing.assert_same(self.tree, self.inbox / "tree (1)")
        continuing.assert_same(self.file, self.inbox / "file (1).txt")

    def test_overwrite_replaces_files_and_merges_folders(self):
        self.pass_on(self.tree, self.file, to=("--overwrite",))
        continuing.assert_same(self.file, self.inbox / "file.txt")
        self.assertEqual((self.inbox / "tree/mine").read_bytes(), b"mine")
        (self.inbox / "tree/mine").unlink()
        harness.assert_same(self.tree, self.inbox / "tree")

    def test_overwrite_never_replaces_a_folder_by_a_file(self):
        self.world.file("in/tree/src", b"a file in place of a folder")
        self.refused(self.tree, status=8, words="src.* is no directory here", to=("--overwrite",))

    def test_keep_going_places_what_it_can(self):
        free = self.world.file("out/free", b"free")
        sender = self.send(self.tree, self.file, free)
        receiver = self.recv("--keep-going").expect_exit(12)
        self.assert_untouched()
        self.assertEqual((self.inbox / "free").read_bytes(), b"free")
        self.assertRegex(receiver.stdout.text(), "file.txt")
        sender.wait()


class Disks(Base):
    def with_disk(self, options):
        """The prefix of a program that sees another file system in place of the inbox."""
        script = f'mount -t tmpfs -o {options} none "{self.inbox}" && exec "$0" "$@"'
        prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
        if self.world.keep(harness.Process(["true"], prefix=prefix)).wait() != 0:
            self.skipTest("no file system can be mounted here")
        return prefix

    def test_one_that_is_read_only_is_found_before_the_code(self):
        prefix = self.with_disk("ro")
        receiver = self.recv(prefix=prefix).expect_exit(8)
        self.assertEqual([event["event"] for event in receiver.events()], ["error"])
        self.assertIn("Read-only file system", receiver.events()[-1]["message"])

    def test_one_that_is_too_small_is_found_before_the_transfer(self):
        prefix = self.with_disk("size=16m")
        large = self.world.root / "out/large"
        with open(large, "wb") as file:
            file.truncate(20 << 20)
        sender = self.refused(large, status=8, words=r"20\.0 MiB", prefix=prefix)
        self.recv().expect_exit(0)
        sender.expect_exit(0)

    def test_a_limit_is_told_to_both(self):
        large = self.world.file("out/large", NOISE)
        self.refused(large, status=6, words="larger than allowed|too many bytes", to=("--max-size", "4MiB"))


class Changes(Base):
    """What changes after the offer ends both sides, which name it."""

    def held(self, change):
        """Sends a tree of which `change` changes something once the first part of it has passed."""
        for number in range(3):
            self.world.file(f"out/tree/large-{number}", NOISE + NOISE)
        near = self.world.keep(forwarder.Forwarder(self.world.relay))
        near.hold_at(1 << 20)
        sender = self.send("--no-compress", self.tree, relay=near.address)
        receiver = self.recv()
        near.wait_until(lambda f: f.sent >= 1 << 20)
        change()
        near.release()
        receiver.wait()
        return sender.expect_exit(8), receiver

    def check(self, sender, receiver, name):
        self.assertIn(receiver.wait(), (5, 7), receiver.describe())
        for peer in (sender, receiver):
            self.assertIn(name, peer.events()[-1]["message"], peer.describe())
        self.assertEqual([each for each in os.listdir(self.inbox) if not STAGED.match(each)], [])

    def test_a_file_that_grows(self):
        def change():
            with open(self.tree / "large-2", "ab") as file:
                file.write(b"more")
        self.check(*self.held(change), "large-2")

    def test_a_file_that_vanishes(self):
        self.check(*self.held((self.tree / "large-2").unlink), "large-2")

    def test_a_file_that_becomes_a_link(self):
        def change():
            (self.tree / "large-2").unlink()
            os.symlink("large-1", self.tree / "large-2")
        self.check(*self.held(change), "large-2")


class Question(Base):
    def ask(self, *paths):
        sender = self.send(*paths)
        receiver = self.world.recv(code="the code", terminal=True, cwd=self.inbox)
        receiver.wait_text("[y/N/l] ")
        return sender, receiver

    def test_shows_what_is_offered_and_lists_it(self):
        os.symlink("kept", self.tree / "link")
        sender, receiver = self.ask(self.tree)
        screen = receiver.screen()
        for words in ('folder "tree"', "6 files in 3 folders", " B", "are free here", "127.0.0.1:"):
            self.assertIn(words, screen)
        self.assertNotIn("main.c", screen)
        receiver.type("l\n")
        receiver.wait_text("[y/N/l] ", count=2)
        for words in ("src/main.c", "src/main.o", "a.o", "build/made", "src/", "link -> kept"):
            self.assertIn(words, receiver.screen())
        harness.assert_empty(self.inbox)
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        continuing.assert_same(self.tree, self.inbox / "tree")

    def test_no_keeps_the_sender_waiting(self):
        sender, receiver = self.ask(self.file)
        receiver.type("n\n")
        receiver.expect_exit(5)
        sender.event("refused")
        sender.event("waiting")
        harness.assert_empty(self.inbox)
        self.recv().expect_exit(0)
        sender.expect_exit(0)

    def test_several_paths(self):
        sender, receiver = self.ask(self.file, self.tree)
        self.assertRegex(receiver.screen(), r"Receive 6 files and 3 folders \(\d+ B\)")
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)


class StandardInput(Base):
    def test_streams(self):
        """The receiver has the beginning before the sender has read the end."""
        reading, writing = os.pipe()
        sender = self.world.send("--json", "--name", "stream.bin", "-", code="the code", stdin=reading)
        os.close(reading)
        sender.event("waiting")
        receiver = self.recv()
        offer = receiver.event("offer")
        os.write(writing, NOISE[:50_000])
        event = receiver.event("progress")
        while event["bytes"] < 50_000:
            event = receiver.event("progress")
        os.write(writing, NOISE[50_000:100_000])
        os.close(writing)
        receiver.expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual((self.inbox / "stream.bin").read_bytes(), NOISE[:100_000])
        self.assertEqual((offer["kind"], offer["name"], offer["bytes"]), ("stream", "stream.bin", None))
        harness.assert_empty(self.world.temporary)

    def test_continues(self):
        far = self.world.keep(forwarder.Forwarder(self.world.relay, resets=[1 << 20, 2 << 20]))
        sender = self.world.send("--json", "--no-compress", "-", code="the code", stdin=NOISE)
        receiver = self.recv(relay=far.address).expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual((self.inbox / "stdin").read_bytes(), NOISE)
        self.assertEqual([event["event"] for event in receiver.events()].count("offer"), 1)


class Receivers(Base):
    def test_two_at_once(self):
        for number in range(3):
            self.world.file(f"out/tree/large-{number}", NOISE)
        sender = self.send("--no-compress", "--receivers", "2", self.tree)
        inboxes = [self.world.folder(f"in/{number}") for number in range(2)]
        receivers = [self.recv(output=inbox) for inbox in inboxes]
        for receiver in receivers:
            receiver.expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual([event["receivers"] for event in sender.events() if event["event"] == "delivered"], [1, 2])
        for inbox in inboxes:
            continuing.assert_same(self.tree, inbox / "tree")

    def test_one_that_left_does_not_count(self):
        sender = self.send("--receivers", "2", self.file)
        self.world.file("in/taken/file.txt", b"mine")
        self.recv().expect_exit(0)
        self.recv(output=self.inbox / "taken").expect_exit(8)
        sender.event("receiver_left")
        self.assertTrue(sender.running())
        self.recv(output=self.world.folder("in/other")).expect_exit(0)
        sender.expect_exit(0)


if __name__ == "__main__":
    unittest.main()
