"""Every class of system calls on files fails, at the sender and at the receiver: nobody ends with an internal error or
hangs, both are told, and nothing is left of a document that did not arrive."""

import os
import random
import re
import unittest

import harness

# What the receiver's calls on its destination answer. "#1" fails only once: a cleaning up that always fails cannot clean.
RECEIVER = (
    "open=EACCES", "open=EMFILE@2", "open=EMFILE@3", "open=ENFILE@5", "open=EDQUOT@6", "open=EIO@8", "open=EINTR#4",
    "mkdirat=EACCES", "mkdirat=EROFS@2", "mkdirat=ENOSPC@3", "mkdirat=EMLINK@4", "mkdirat=EEXIST#1",
    "stat=EIO", "stat=EACCES@3", "stat=ESTALE@5", "stat=EIO@7",
    "pwrite=EDQUOT", "pwrite=ENOSPC@2", "pwrite=EIO@3", "pwrite=EINTR#2", "pwrite=SHORT",
    "pread=EIO", "pread=EIO@2", "pread=EINTR#1", "pread=SHORT", "copy_file_range=EIO", "copy_file_range=SHORT",
    "close=EIO", "close=EDQUOT@3", "close=EINTR",
    "renameat2=EINVAL", "renameat2=EIO@3,linkat=EIO,renameat=EIO", "renameat2=EPERM,linkat=EMLINK",
    "renameat2=EXDEV,linkat=EXDEV,renameat=EXDEV@3", "linkat=EIO",
    "unlinkat=EIO#1", "unlinkat=EBUSY#2", "statvfs=EIO", "flock=EIO", "flock=EINTR#1", "fdopendir=ENOMEM#1",
    "readdir=EIO#1", "fchmod=EPERM",
)
# What the sender's calls on its document answer.
SENDER = (
    "open=EACCES", "open=EMFILE@2", "open=EIO@3", "open=ESTALE@4", "open=EINTR#2", "stat=EIO", "stat=EACCES@2",
    "stat=ESTALE@4", "read=EIO", "read=EISDIR", "read=ESTALE@2", "read=EIO@4", "read=EINTR#1", "read=SHORT", "close=EIO",
    "fdopendir=ENOMEM", "fdopendir=EMFILE@2", "readdir=EIO", "readdir=EIO@4", "lseek=EIO", "lseek=ESPIPE",
)
# The same of the folder for temporary files.
SPOOL = ("open=EOPNOTSUPP#1", "open=ENOSPC", "open=EROFS", "write=ENOSPC", "write=EIO@2", "write=EINTR#1", "write=SHORT",
         "lseek=EIO", "read=EIO", "close=EIO")
STANDARD_OUTPUT = ("write=ENOSPC", "write=EFBIG@2", "write=EIO", "write=EINTR#1", "write=SHORT", "close=EDQUOT")


@harness.both_versions_in_long_runs
class DiskFaults(unittest.TestCase):
    SESSION = "1"

    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(session=cls.SESSION)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        draw = random.Random(5)
        cls.file = cls.world.file("out/file", draw.randbytes(300_000))
        for name in ("a", "b/c", "b/d/e", "f/g"):
            cls.world.file(f"out/tree/{name}", draw.randbytes(500))
        large = draw.randbytes(290_000)
        for name in ("large", "b/the same", "f/the same", "f/also large"):  # one of them is a copy in parts
            cls.world.file(f"out/tree/{name}", large if "large" in name else large[:200_000])
        cls.tree = cls.world.folder("out/tree")
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.code = f"fault {type(self).number}"

    def check_words(self, process):
        """It ended as documented, and says what is wrong."""
        self.assertNotIn(process.wait(), (1, 2), process.describe())
        self.assertGreaterEqual(process.wait(), 0, process.describe())
        if process.wait() != 0:
            self.assertRegex(process.stderr.text(), r"(?m)^parley: .{10}", process.describe())

    def one_receiver(self, path, faults, number):
        code, inbox = f"{self.code} {number}", self.world.folder(f"in/{type(self).number}/{number}")
        sender, _ = self.world.send_waiting(path, code=code)
        receiver = self.world.recv("--json", "-y", "-o", inbox, code=code, environment=harness.failing(faults, inbox))
        self.check_words(receiver)
        left = os.listdir(inbox)
        if receiver.wait() == 0:
            sender.expect_exit(0)
            self.assertEqual(left, [path.name])
            harness.assert_same(path, inbox / path.name)
            return
        self.assertEqual(receiver.wait(), 8, receiver.describe())
        self.assertNotIn(path.name, left)
        said = receiver.events()[-1]["message"]
        kept = re.search(r'kept as "(.*)"', said)
        if kept:
            harness.assert_same(path, kept[1])
            left.remove(os.path.relpath(kept[1], inbox).split("/")[0])
        # Folders in folders that cannot be opened or renamed any more cannot be emptied.
        hopeless = re.search("open=.*@|renameat=", faults) and path == self.tree
        if not hopeless:
            self.assertEqual(left, [], receiver.describe())
        if "agreed" in [event["event"] for event in receiver.events()]:
            sender.expect_left()
        else:  # nobody has come yet
            self.assertTrue(sender.running())
        sender.end()

    def test_at_the_receiver(self):
        for number, faults in enumerate(RECEIVER):
            for path in (self.file, self.tree):
                with self.subTest(faults=faults, path=path.name):
                    self.one_receiver(path, faults, f"{number} {path.name}")

    def one_sender(self, arguments, faults, under, number, **named):
        code, inbox = f"{self.code} {number}", self.world.folder(f"in/{type(self).number}/{number}")
        sender = self.world.send("--json", *arguments, code=code, environment=harness.failing(faults, under), **named)
        receiver = self.world.recv("--json", "-y", "-o", inbox, code=code)
        self.check_words(sender)
        if "agreed" in [event["event"] for event in sender.events()]:
            self.check_words(receiver)
            if receiver.wait() == 0:
                return inbox
            self.assertEqual(receiver.wait(), 7, receiver.describe())
            self.assertEqual(sender.wait(), 8, sender.describe())
        else:
            self.assertEqual(sender.wait(), 8, sender.describe())
            receiver.event("connecting")  # it has tried the inbox out
            receiver.end()
        harness.assert_empty(inbox)
        return None

    def test_at_the_sender(self):
        for number, faults in enumerate(SENDER):
            for path in (self.file, self.tree):
                with self.subTest(faults=faults, path=path.name):
                    inbox = self.one_sender([path], faults, self.world.folder("out"), f"{number} {path.name}")
                    if inbox is not None and path == self.file:
                        harness.assert_same(path, inbox / path.name)

    def test_of_standard_input(self):
        for number, faults in enumerate(SPOOL):
            with self.subTest(faults=faults):
                inbox = self.one_sender(["-"], faults, self.world.temporary, number, stdin=self.file.read_bytes())
                if inbox is not None:
                    harness.assert_same(self.file, inbox / "stdin")
                harness.assert_empty(self.world.temporary)

    def test_of_standard_output(self):
        for number, faults in enumerate(STANDARD_OUTPUT):
            with self.subTest(faults=faults):
                place = self.world.folder(f"in/{type(self).number}/{number}")
                sender, code = self.world.send_waiting(self.file, code=f"{self.code} {number}")
                receiver = self.world.recv("-y", "-o", "-", code=code, environment=harness.failing(faults, place),
                                           prefix=("sh", "-c", f'exec "$0" "$@" >"{place}/file"'))
                self.check_words(receiver)
                if receiver.wait() == 0:
                    sender.expect_exit(0)
                    harness.assert_same(self.file, place / "file")
                else:
                    self.assertEqual(receiver.wait(), 8, receiver.describe())
                    sender.expect_left()
                harness.assert_empty(self.world.temporary)


if __name__ == "__main__":
    unittest.main()
