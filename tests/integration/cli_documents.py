"""Documents that change while the sender waits, files without a true size, and names of all kinds."""

import os
import random
import unittest

import harness

# Ordinary names on Linux, of which some other system takes none, or takes two for one.
ODD_NAMES = (
    b"Makefile", b"makefile", b"xt_DSCP.c", b"xt_dscp.c", b"aux.c", b"con", b"com1.log", b"nul",
    b"srv-my\\x2ddata.mount", b"Icon\r", b"caf\xe9", b"caf\xc3\xa9", b"cafe\xcc\x81", b"\xff", b"a:b", b"what?", b"*",
    "invoice\u200e.pdf".encode(), "\u05d0\u200f".encode(), "a\u200bb".encode(), b"new\nline", b"\x1b[2J", b"...", b" ", b"dot.",
    b".parley-abcdefghijklmnop.part", b"n" * 255)


def listing(top):
    """What is below `top` (bytes): the content of each file, None of a directory."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(os.path.join(folder, name), top)] = file.read()
    return found


class Document(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")

    def receive(self, sender, code, status=0):
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(status)
        return receiver

    def assert_arrived(self, tree):
        self.assertEqual(listing(os.fsencode(self.inbox / tree.name)), listing(os.fsencode(tree)))


class Changing(Document):
    def test_a_folder_is_what_it_is_when_the_receiver_comes(self):
        for name in ("logs/z.log", "removed", "removed-folder/f", "saved", "touched"):
            self.world.file(f"out/proj/{name}", b"old")
        large = self.world.file("out/proj/large", random.Random(1).randbytes(1_000_000))
        tree = self.world.folder("out/proj")
        sender, code = self.world.send_waiting(tree)
        with open(tree / "logs/z.log", "ab") as log:
            log.write(b" and more")
        (tree / "removed").unlink()
        (tree / "removed-folder/f").unlink()
        (tree / "removed-folder").rmdir()
        self.world.file("out/new", b"the new content")
        os.rename(self.world.root / "out/new", tree / "saved")
        with open(large, "ab") as file:
            file.write(b"x" * 1000)
        os.utime(tree / "touched", (1, 1))
        self.world.file("out/proj/added/f", b"added")
        self.receive(sender, code)
        self.assert_arrived(tree)
        done = sender.event("done")
        self.assertEqual(done["skipped"], 0)
        self.assertEqual(done["bytes"], sum(map(len, filter(None, listing(tree).values()))))

    def test_a_file_is_what_it_is_when_the_receiver_comes(self):
        for size in (10, 2_000_000):
            with self.subTest(size=size):
                path = self.world.file(f"out/file-{size}", b"x" * size)
                sender, code = self.world.send_waiting(path)
                self.world.file("out/new", b"y" * (size + 1))
                os.rename(self.world.root / "out/new", path)
                self.receive(sender, code)
                self.assertEqual((self.inbox / path.name).read_bytes(), b"y" * (size + 1))

    def test_a_file_that_is_gone_is_named_before_a_byte_has_passed(self):
        path = self.world.file("out/gone", b"x")
        sender, code = self.world.send_waiting(path)
        path.unlink()
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code=code).expect_exit(7)
        sender.expect_exit(8)
        self.assertIn("No such file or directory (gone)", sender.stderr.text())
        self.assertFalse([e for e in receiver.events() if e["event"] == "progress" and e["bytes"] > 0])
        harness.assert_empty(self.inbox)


class Sizes(Document):
    def test_files_without_a_true_size_travel_whole(self):
        sender, code = self.world.send_waiting("/proc/filesystems")
        self.receive(sender, code)
        with open("/proc/filesystems", "rb") as file:
            self.assertEqual((self.inbox / "filesystems").read_bytes(), file.read())
        sender, code = self.world.send_waiting("/proc/sys/kernel/random")
        self.receive(sender, code)
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            self.assertEqual((self.inbox / "random/boot_id").read_bytes(), file.read())


class Names(Document):
    def test_all_that_this_file_system_holds_travel(self):
        tree = self.world.folder("out/tree")
        for name in ODD_NAMES:
            with open(os.fsencode(tree) + b"/" + name, "wb") as file:
                file.write(name)
            os.makedirs(os.fsencode(tree) + b"/below/" + name + b"/inside")
        sender, code = self.world.send_waiting(tree)
        receiver = self.receive(sender, code)
        self.assert_arrived(tree)
        self.assertEqual(receiver.event("done")["files"], len(ODD_NAMES))
        self.assertNotIn(b"\x1b", sender.stdout.bytes() + sender.stderr.bytes() + receiver.stdout.bytes())

    def test_another_name_for_a_path(self):
        path = self.world.file("out/file", b"x")
        tree = self.world.folder("out/tree")
        self.world.file("out/tree/inside", b"y")
        for what, name in ((path, "another file"), (tree, "another folder"), ("/proc/version", "version.txt")):
            sender, code = self.world.send_waiting(what, "--name", name)
            self.assertEqual(sender.events()[0]["name"], name)
            self.receive(sender, code)
        self.assertEqual(sorted(os.listdir(self.inbox)), ["another file", "another folder", "version.txt"])

    def test_a_misleading_name_is_refused_with_its_reason(self):
        path = self.world.file("out/invoice\u202efdp.exe", b"x")
        refused = self.world.send(path).expect_exit(8)
        for text in ("receivers refuse", "turns the direction of text", "--name"):
            self.assertIn(text, refused.stderr.text())
        sender, code = self.world.send_waiting(path, "--name", "invoice.pdf")
        self.receive(sender, code)

    def test_what_cannot_be_read_is_told_and_ends_with_12(self):
        tree = self.world.folder("out/tree")
        self.world.file("out/tree/kept", b"x")
        os.symlink("kept", tree / "link")
        os.symlink("nowhere", tree / "link2")
        sender, code = self.world.send_waiting(tree)
        os.unlink(tree / "link2")
        self.receive(sender, code, 12)
        self.assertEqual(sender.event("done")["skipped"], 1)
        self.assertEqual(os.listdir(self.inbox / "tree"), ["kept"])

    @unittest.skipUnless("PARLEY_ODD_NAMES" in os.environ, "nothing to preload in this build")
    def test_a_receiver_leaves_out_what_its_file_system_cannot_hold(self):
        tree = self.world.folder("out/tree")
        for name in ("Makefile", "makefile", "a:b", "fine", "sub/xt_DSCP.c", "sub/xt_dscp.c", "c:d/inside/f", "Sub2/f", "sub2/g"):
            self.world.file(f"out/tree/{name}", name.encode())
        sender, code = self.world.send_waiting(tree)
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code=code,
                                   environment={"LD_PRELOAD": os.environ["PARLEY_ODD_NAMES"]}).expect_exit(12)
        sender.expect_exit(0)
        skipped = {event["path"]: event["reason"] for event in receiver.events() if event["event"] == "skipped"}
        self.assertEqual(len(skipped), 5, skipped)
        found = {path.decode() for path in listing(os.fsencode(self.inbox / "tree"))}
        sent = {path.decode() for path in listing(os.fsencode(tree))}
        self.assertEqual(sent - found, set(skipped) | {"c:d/inside", "c:d/inside/f"} |
                         ({"Sub2/f"} if "Sub2" in skipped else {"sub2/g"}))
        self.assertIn("No such file", skipped["a:b"])
        done = receiver.event("done")
        self.assertEqual(done["skipped"], 5)
        self.assertEqual(done["files"], 4)


if __name__ == "__main__":
    unittest.main()
