"""Where a document goes: file systems of all kinds, full disks, names that are taken, standard output. What cannot work is
found out before the code is used, what arrived is never lost, and the sender waits for another try."""

import os
import pathlib
import random
import re
import shutil
import unittest

import harness

NO_LINKS = ("EPERM", "EOPNOTSUPP", "ENOSYS", "EMLINK")


STAGED = re.compile(r"^\.parley-.*\.part$")  # where version 2 keeps what has come


class Base(harness.FreshCase):
    """The same holds in both versions of the session. In version 2 the sender hears in addition why its receiver has left,
    and what has come stays in a hidden folder, which the command uses when it is repeated."""

    SESSION = "1"

    @property
    def is_version_2(self):
        return self.SESSION == "2"

    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.file = self.world.file("out/file.txt", random.Random(1).randbytes(700_000))
        for name in ("a", "b/c", "b/same", "d/same"):
            self.world.file(f"out/tree/{name}", b"content of " + name.encode())
        self.world.file("out/tree/large", random.Random(2).randbytes(300_000))
        self.tree = self.world.folder("out/tree")

    def receive(self, path, *options, faults=None, under=None, output=None, environment=None, **named):
        """A sender of `path` that waits, and a receiver into the inbox that has ended."""
        sender, self.code = self.world.send_waiting(path)
        if faults:
            environment = harness.failing(faults, under or self.inbox)
        receiver = self.world.recv("--json", "-y", "-o", output or self.inbox, *options, code=self.code,
                                   environment=environment, **named)
        receiver.wait()
        return sender, receiver

    def expect_received(self, path, *options, name=None, **named):
        sender, receiver = self.receive(path, *options, **named)
        receiver.expect_exit(0)
        sender.expect_exit(0)
        placed = self.inbox / (name or path.name)
        self.assertEqual(receiver.events()[-1]["path"], str(placed))
        harness.assert_same(path, placed)
        return placed

    def expect_left(self, sender, words):
        """The receiver of `sender` has left it; in version 2 it has said why."""
        said = sender.event("receiver_left")["message"]
        if self.is_version_2:
            self.assertRegex(said, words)
        sender.event("waiting")

    def expect_nothing(self, but=()):
        """Nothing is in the inbox `but` these; in version 2 also what has come, hidden. Its names."""
        hidden = [name for name in os.listdir(self.inbox) if self.is_version_2 and STAGED.match(name)]
        self.assertEqual(sorted(set(os.listdir(self.inbox)) - {*hidden}), sorted(but))
        self.assertLessEqual(len(hidden), 1)
        return hidden

    def expect_repeated(self, sender, path, *options, but=(), **named):
        """The command of a receiver that has left succeeds when it is repeated. How many bytes came."""
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, *options, code=self.code, **named)
        receiver.expect_exit(0)
        sender.expect_exit(0)
        placed = pathlib.Path(receiver.events()[-1]["path"])
        harness.assert_same(path, placed)
        self.assertEqual(sorted(os.listdir(self.inbox)), sorted([placed.name, *but]))
        self.remove(placed)
        return receiver.events()[-1]["stream_bytes"]

    def remove(self, path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def message_of(self, receiver):
        receiver.expect_exit(8)
        return receiver.events()[-1]["message"]

    def expect_no_try(self, *arguments, **named):
        """Fails without a code, without a relay, and at once."""
        reading, writing = os.pipe()  # whoever reads a code from it waits
        self.addCleanup(os.close, writing)
        self.addCleanup(os.close, reading)
        receiver = self.world.recv("--json", "-y", *arguments, relay="127.0.0.1:9", stdin=reading, **named)
        receiver.expect_exit(8)
        self.assertEqual([event["event"] for event in receiver.events()], ["error"])
        return receiver.events()[-1]["message"]


@harness.both_versions_in_long_runs
class FileSystems(Base):
    """exFAT by FUSE, shared folders of virtual machines, 9p: neither RENAME_NOREPLACE nor hard links."""

    def test_without_any_way_to_rename_safely_serve(self):
        for link in NO_LINKS:
            for rename in ("EINVAL", "ENOSYS", "EOPNOTSUPP", "EPERM"):
                with self.subTest(link=link, rename=rename):
                    faults = f"renameat2={rename},linkat={link}"
                    for path in (self.file, self.tree):
                        self.remove(self.expect_received(path, faults=faults))
                        harness.assert_empty(self.inbox)

    def test_without_any_way_to_rename_safely_keep_what_is_there(self):
        (self.inbox / "file.txt").write_bytes(b"mine")
        (self.inbox / "tree").mkdir()
        faults = "renameat2=EINVAL,linkat=EPERM"
        for path in (self.file, self.tree):
            sender, receiver = self.receive(path, faults=faults)
            self.assertIn("already exists", self.message_of(receiver))
            self.expect_left(sender, f'"{path.name}" exists')
        self.assertEqual((self.inbox / "file.txt").read_bytes(), b"mine")
        self.assertEqual(os.listdir(self.inbox / "tree"), [])
        if self.is_version_2:  # which has asked before anything came
            self.assertEqual(sorted(os.listdir(self.inbox)), ["file.txt", "tree"])
        else:
            harness.assert_same(self.tree, self.inbox / "tree (1)")

    def test_without_locks_or_sizes_serve(self):
        for faults in ("flock=ENOLCK", "flock=EOPNOTSUPP", "statvfs=ENOSYS", "copy_file_range=EXDEV"):
            with self.subTest(faults=faults):
                self.remove(self.expect_received(self.tree, faults=faults))

    def test_that_cannot_rename_at_all_are_found_before_the_code(self):
        faults = "renameat2=EIO,linkat=EIO,renameat=EIO"
        said = self.expect_no_try("-o", self.inbox, environment=harness.failing(faults, self.inbox))
        self.assertIn(f"{self.inbox}: Input/output error", said)
        harness.assert_empty(self.inbox)

    def test_that_fail_in_the_last_step_keep_what_arrived(self):
        for path, staged in ((self.file, "1"), (self.tree, "document")):
            with self.subTest(path=path.name):
                sender, receiver = self.receive(path, faults="renameat2=EIO,linkat=EIO,renameat=EIO",
                                                under=f"{self.inbox}/")  # but not in the staging folder
                said = self.message_of(receiver)
                if self.is_version_2:
                    self.assertIn(f'"{path.name}" cannot be placed: Input/output error', said)
                    self.expect_left(sender, f'"{path.name}" cannot be placed: Input/output error')
                    self.assertTrue(self.expect_nothing())
                    self.assertEqual(self.expect_repeated(sender, path), 0)
                    continue
                kept = re.search(r'kept as "(.*)"', said)
                self.assertTrue(kept, said)
                self.assertIn(f"/{staged}", kept[1])
                harness.assert_same(path, kept[1])
                sender.expect_left()
                # No later receiver takes it for leftovers.
                self.remove(self.expect_received(self.file))
                harness.assert_same(path, kept[1])


@harness.both_versions_in_long_runs
class Unwritable(Base):
    def test_folders_are_found_before_the_code(self):
        for faults, words in (("mkdirat=EACCES", "Permission denied"), ("mkdirat=EROFS", "Read-only file system"),
                              ("mkdirat=ENOSPC", "No space left"), ("open=EACCES", "Permission denied"),
                              ("pwrite=EDQUOT", "Disk quota exceeded")):
            with self.subTest(faults=faults):
                said = self.expect_no_try("-o", self.inbox, environment=harness.failing(faults, self.inbox))
                self.assertEqual(said.count(words), 1, said)
                self.assertTrue(said.startswith(str(self.inbox)), said)
                self.assertNotIn("entry", said)
                harness.assert_empty(self.inbox)

    def test_names_that_exist_are_found_before_the_code(self):
        taken = self.world.file("in/taken", b"mine")
        self.assertIn("already exists", self.expect_no_try("-o", taken))
        self.assertEqual(taken.read_bytes(), b"mine")

    def test_temporary_folders_for_standard_output_are_found_before_the_code(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        self.addCleanup(os.close, reading)
        receiver = self.world.recv("-y", "-o", "-", relay="127.0.0.1:9", stdin=reading,
                                   environment={"TMPDIR": self.world.root / "absent"}).expect_exit(8)
        self.assertIn("absent", receiver.stderr.text())


@harness.both_versions_in_long_runs
class Descriptors(Base):
    def test_too_few_are_8(self):
        for arguments in (("send", self.file), ("recv", "-y", "-o", self.inbox)):
            process = self.world.parley(*arguments, code="c", prefix=("sh", "-c", 'ulimit -n 4; exec "$0" "$@"'))
            process.expect_exit(8)
            self.assertIn("Too many open files", process.stderr.text())


@harness.both_versions_in_long_runs
class Room(Base):
    def test_every_failure_of_the_disk_is_8(self):
        for error in ("EDQUOT", "ENOSPC", "EPERM", "ESTALE", "EINVAL", "EOPNOTSUPP", "EFBIG", "EIO", "EROFS", "ENODEV",
                      "ETIMEDOUT", "ECANCELED", "ECONNRESET", "EPIPE"):
            for path in (self.file, self.tree):
                with self.subTest(error=error, path=path.name):
                    # Version 2 tries the destination out twice, before the code and before the transfer, then writes.
                    sender, receiver = self.receive(path, faults=f"pwrite={error}@{4 if self.is_version_2 else 2}")
                    said = self.message_of(receiver)
                    self.assertNotIn("entry", said)
                    words = "cannot write"
                    if error in ("EDQUOT", "ENOSPC"):
                        words = (r"[\d.]+ \w*B more needed, [\d.]+ \w+ free" if self.is_version_2
                                 else r"[\d.]+ \w*B have arrived, [\d.]+ \w+ are free")
                        self.assertRegex(said, words)
                    self.expect_left(sender, words)
                    hidden = self.expect_nothing()
                    content = sum(len(file.read_bytes()) for file in [path, *path.rglob("*")] if file.is_file())
                    came = self.expect_repeated(sender, path)
                    self.assertEqual(came < content, bool(hidden))

    def test_what_fails_before_the_transfer_costs_nothing(self):
        for error in ("EDQUOT", "ENOSPC", "EROFS"):
            with self.subTest(error=error):
                sender, receiver = self.receive(self.tree, faults=f"pwrite={error}@2")
                self.message_of(receiver)
                self.expect_left(sender, "cannot write to the destination")
                harness.assert_empty(self.inbox)
                if self.is_version_2:
                    self.assertNotIn("progress", [event["event"] for event in receiver.events()])

    def test_a_limit_of_file_sizes_is_8(self):
        sender, receiver = self.receive(self.file, prefix=("sh", "-c", 'ulimit -f 400; exec "$0" "$@"'))
        self.assertIn("File too large", self.message_of(receiver))
        self.expect_left(sender, "cannot write: File too large")
        self.expect_nothing()
        self.expect_repeated(sender, self.file)

    def small_disk(self):
        """The prefix of a program that sees a disk of 32 MiB in place of the inbox."""
        script = f'mount -t tmpfs -o size=32m none "{self.inbox}" && exec "$0" "$@"'
        prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
        trial = self.world.keep(harness.Process(["true"], prefix=prefix))
        if trial.wait() != 0:
            self.skipTest("no file system can be mounted here")
        return prefix

    def test_a_small_disk_is_not_all_reserve(self):
        prefix = self.small_disk()
        path = self.world.file("out/30 MiB", bytes(30 << 20))
        sender, receiver = self.receive(path, prefix=prefix)
        receiver.expect_exit(0)
        sender.expect_exit(0)

    def test_too_little_room_is_told_once_with_its_numbers(self):
        prefix = self.small_disk()
        path = self.world.file("out/40 MiB", bytes(40 << 20))
        sender, receiver = self.receive(path, prefix=prefix)
        said = self.message_of(receiver)
        numbers = r"it needs 40.0 MiB; 3\d.\d MiB are free, of which 512.0 KiB stay free\)"
        self.assertRegex(said, r"does not fit on the disk \((no space left: )?" + numbers)
        self.assertEqual(said.count("fit on the disk"), 1)
        self.expect_left(sender, "has no room for the document .*" + numbers)
        self.expect_repeated(sender, path)


@harness.both_versions_in_long_runs
class Names(Base):
    def test_rename_takes_another_name(self):
        for number in range(3):
            for path, (stem, dot, extension) in ((self.file, "file.txt".partition(".")), (self.tree, "tree".partition("."))):
                name = stem + (f" ({number})" if number else "") + dot + extension
                self.expect_received(path, "--rename", name=name)
        self.expect_received(self.file, "--rename", output=self.inbox / "file.txt", name="file (3).txt")

    def test_a_folder_whose_name_is_taken_is_kept(self):
        self.world.file("in/tree/mine", b"mine")
        sender, receiver = self.receive(self.tree)
        said = self.message_of(receiver)
        self.assertIn("--rename", said)
        self.assertEqual(os.listdir(self.inbox / "tree"), ["mine"])
        self.expect_left(sender, 'the destination exists on the other side .*"tree" exists')
        if self.is_version_2:  # which has asked before anything came
            self.expect_repeated(sender, self.tree, "--rename", but=["tree"])
            return
        self.assertIn(f'kept as "{self.inbox}/tree (1)"', said)
        harness.assert_same(self.tree, self.inbox / "tree (1)")
        self.assertEqual(sorted(os.listdir(self.inbox)), ["tree", "tree (1)"])

    def test_a_file_whose_name_is_taken_costs_nothing(self):
        self.world.file("in/file.txt", b"mine")
        sender, receiver = self.receive(self.file)
        self.assertIn("already exists", self.message_of(receiver))
        self.assertEqual(os.listdir(self.inbox), ["file.txt"])
        self.expect_left(sender, '"file.txt" exists')
        self.expect_repeated(sender, self.file, "--rename", but=["file.txt"])

    def test_the_question_shows_another_name(self):
        self.world.file("in/file.txt", b"mine")
        self.world.file("in/tree/mine", b"mine")
        for path, words, name in ((self.file, 'file "file.txt" as "file (1).txt"', "file (1).txt"),
                                  (self.tree, 'folder "tree" as "tree (1)"', "tree (1)")):
            sender, code = self.world.send_waiting(path)
            receiver = self.world.recv(code=code, terminal=True, cwd=self.inbox)
            if not self.is_version_2:  # which asks once
                receiver.wait_text("[y/N] ")
                receiver.type("y\n")
            receiver.wait_text(f"Receive {words}")
            receiver.wait_text("[y/N/l] " if self.is_version_2 else "[y/N] ", count=1 if self.is_version_2 else 2)
            receiver.type("y\n")
            receiver.expect_exit(0)
            sender.expect_exit(0)
            harness.assert_same(path, self.inbox / name)


@harness.both_versions_in_long_runs
class StandardOutput(Base):
    def receive_to(self, redirection, path=None):
        sender, code = self.world.send_waiting(path or self.file)
        receiver = self.world.recv("-y", "-o", "-", code=code,
                                   prefix=("sh", "-c", f'exec "$0" "$@" {redirection}'))
        return sender, receiver

    def test_that_is_full_is_a_failure_of_both(self):
        sender, receiver = self.receive_to(">/dev/full")
        receiver.expect_exit(8)
        self.assertIn("parley: standard output: No space left on device\n", receiver.stderr.text())
        self.expect_left(sender, "cannot write: No space left on device")
        harness.assert_empty(self.world.temporary)

    def test_that_nobody_reads_is_a_failure_of_both(self):
        reading, writing = os.pipe()
        os.close(reading)
        sender, code = self.world.send_waiting(self.file)
        receiver = self.world.recv("-y", "-o", "-", code=code, stdin=writing, prefix=("sh", "-c", 'exec "$0" "$@" >&0'))
        os.close(writing)
        receiver.expect_exit(8)
        self.assertIn("standard output: Broken pipe", receiver.stderr.text())
        self.expect_left(sender, "cannot write: Broken pipe")
        harness.assert_empty(self.world.temporary)

    def test_that_ends_midway_is_a_failure_of_both(self):
        path = self.world.file("out/large", bytes(4 << 20))
        sender, receiver = self.receive_to("| head -c 1000", path)
        receiver.wait()  # of head
        self.expect_left(sender, "cannot write: Broken pipe")
        self.assertEqual(len(receiver.stdout.bytes()), 1000)
        harness.assert_empty(self.world.temporary)

    def test_takes_no_directory(self):
        self.world.file("out/tree/huge", random.Random(3).randbytes(30 << 20))
        sender, receiver = self.receive_to("", self.tree)
        receiver.expect_exit(8)
        self.assertIn("the document is a directory", receiver.stderr.text())
        self.assertEqual(receiver.stdout.bytes(), b"")
        if self.is_version_2:
            self.assertIn("only a file is taken here", sender.event("receiver_left")["message"])
            sender.event("waiting")
        else:
            sender.expect_left()
        self.assertNotIn("finishing", [event["event"] for event in sender.events()])
        harness.assert_empty(self.world.temporary)

    def test_takes_a_file_of_any_name(self):
        path = self.world.file("out/.profile", b"content")
        sender, receiver = self.receive_to("", path)
        receiver.expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual(receiver.stdout.bytes(), b"content")


@harness.both_versions_in_long_runs
class WaitingOn(Base):
    def setUp(self):
        super().setUp()
        self.words = "has no room for the document" if self.is_version_2 else "left before the end"

    def failing_receiver(self, code):
        receiver = self.world.recv("-y", "-o", self.inbox, code=code,
                                   environment=harness.failing("pwrite=ENOSPC@2", self.inbox))
        receiver.expect_exit(8)

    def test_a_sender_serves_the_next_receiver(self):
        for arguments, name in (((self.file,), "file.txt"), ((self.tree,), "tree"), (("-",), "stdin"),
                                (("--name", "message.txt", "--text", "a text"), "message.txt")):
            with self.subTest(name=name):
                sender, code = self.world.send_waiting(*arguments, stdin=self.file.read_bytes())
                for _ in range(2):
                    self.failing_receiver(code)
                    self.assertIn(self.words, sender.event("receiver_left")["message"])
                    sender.event("waiting")
                self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
                sender.expect_exit(0)
                if name == "message.txt":
                    self.assertEqual((self.inbox / name).read_bytes(), b"a text")
                else:
                    harness.assert_same(self.tree if name == "tree" else self.file, self.inbox / name)

    def test_a_document_is_opened_again(self):
        sender, code = self.world.send_waiting(self.tree)
        self.world.file("out/tree/new", b"it came meanwhile")
        self.failing_receiver(code)
        sender.event("receiver_left")
        sender.event("waiting")
        self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.tree, self.inbox / "tree")

    def test_nobody_else_comes(self):
        sender, code = self.world.send_waiting("--timeout", "3", self.file)
        self.failing_receiver(code)
        sender.expect_exit(5 if self.is_version_2 else 7)
        self.assertIn(self.words, sender.events()[-1]["message"])
        if not self.is_version_2:  # which says more
            self.assertIn("nobody else came", sender.events()[-1]["message"])

    def test_in_words(self):
        sender = self.world.send(self.file, code="code")
        sender.wait_text("Waiting")
        self.failing_receiver("code")
        sender.wait_text(self.words)
        sender.wait_text("; waiting on with the same code")
        self.world.recv("-y", "-o", self.inbox, code="code").expect_exit(0)
        sender.expect_exit(0)


if __name__ == "__main__":
    unittest.main()
