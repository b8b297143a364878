"""The matrix of file systems: a file, a tree of odd names and names that are taken, to each of them and from each.

Skips by name what cannot be made or mounted here; `scripts/install-deps --filesystems` installs the tools. Runs in a mount
namespace of its own, so that nothing stays mounted."""

import os
import random
import shutil
import subprocess
import sys
import unittest

import cli_documents
import destinations
import harness

IN_NAMESPACE = "PARLEY_TEST_MOUNTS"  # set once this program has a mount namespace of its own
IMAGE = 'truncate -s 64M "$image"; '
FOLDED = {"LD_PRELOAD": os.environ.get("PARLEY_ODD_NAMES", "")}  # in place of a kernel that folds case

# For each the ways to have it at $at, for `sh -ec`; the first that works counts.
KINDS = {
    "ext4": [IMAGE + 'mkfs.ext4 -q "$image"; mount -o loop "$image" "$at"'],
    "ext4_casefold": [IMAGE + 'mkfs.ext4 -q -O casefold "$image"; mount -o loop "$image" "$at"; rmdir "$at/lost+found"; '
                              'chattr +F "$at"'],
    "tmpfs": ['mount -t tmpfs -o size=64m none "$at"'],
    "btrfs": ['truncate -s 256M "$image"; mkfs.btrfs -q "$image"; mount -o loop "$image" "$at"'],
    "exfat": [IMAGE + 'mkfs.exfat "$image"; mount -t exfat -o loop "$image" "$at"',
              IMAGE + 'mkfs.exfat "$image"; device=$(losetup -f --show "$image"); mount.exfat-fuse "$device" "$at"; '
                      'losetup -d "$device"'],  # the mount keeps it
    "vfat": [IMAGE + 'mkfs.vfat "$image"; mount -t vfat -o loop,utf8 "$image" "$at"'],
    "ntfs_3g": [IMAGE + 'mkfs.ntfs -q -F -Q "$image"; ntfs-3g "$image" "$at"'],
    "bindfs": ['mkdir "$image"; bindfs "$image" "$at"'],
    "overlay": ['mkdir "$image"; mount -t tmpfs none "$image"; mkdir "$image/lower" "$image/upper" "$image/work"; '
                'mount -t overlay -o "lowerdir=$image/lower,upperdir=$image/upper,workdir=$image/work" none "$at"'],
}


class Base(destinations.Base):
    environment = None  # of the program that uses the file system

    def mount(self, *ways):
        """Makes the inbox a file system in one of these ways; or skips the test."""
        for number, way in enumerate(ways):
            image = self.world.root / f"image-{number}"
            done = subprocess.run(["sh", "-ec", way], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                  env={**os.environ, "image": str(image), "at": str(self.inbox), "LC_ALL": "C"})
            self.addCleanup(subprocess.run, ["umount", "-ql", image, self.inbox], stderr=subprocess.DEVNULL, check=False)
            if done.returncode == 0:
                return
        raise unittest.SkipTest(done.stdout.strip().splitlines()[-1] if done.stdout else "it cannot be mounted here")

    def make_odd_names(self, top):
        """Makes files and folders of all odd names that can be made there."""
        made = 0
        for name in cli_documents.ODD_NAMES:
            try:
                with open(os.fsencode(top) + b"/" + name, "xb") as file:
                    file.write(b"content of " + name)
                os.makedirs(os.fsencode(top) + b"/below/" + name + b"/inside")
                made += 1
            except OSError:
                continue
        self.assertGreater(made, 10)
        return top


@harness.both_versions_in_long_runs
class Matrix(Base):
    def begin(self, kind):
        if os.environ.get(IN_NAMESPACE) != "1":
            self.skipTest("no mount namespace can be had here")
        try:
            self.mount(*KINDS[kind])
        except unittest.SkipTest:
            if kind != "ext4_casefold" or not FOLDED["LD_PRELOAD"]:
                raise
            self.environment = FOLDED

    def receive_a_file(self):
        self.expect_received(self.file, environment=self.environment)

    def receive_odd_names(self):
        tree = self.make_odd_names(self.world.folder("odd/tree"))
        if self.is_version_2:
            return self.receive_odd_names_of_version_2(tree)
        sender, receiver = self.receive(tree, environment=self.environment)
        sender.expect_exit(0)
        skipped = [event for event in receiver.events() if event["event"] == "skipped"]
        receiver.expect_exit(12 if skipped else 0)
        sent = cli_documents.listing(os.fsencode(tree))
        found = cli_documents.listing(os.fsencode(self.inbox / "tree"))
        missing = sent.keys() - found.keys()
        self.assertEqual({name: sent.get(name, "unknown") for name in found}, found)
        # Each missing path was told, or lies in one that was.
        self.assertEqual(len([name for name in missing if os.path.dirname(name) not in missing]), len(skipped), missing)

    def receive_odd_names_of_version_2(self, tree):
        """The sender leaves out names that no receiver takes. Those that this file system cannot hold are refused, and left
        out on demand."""
        # The last file is large: nobody has sent everything before all names were tried.
        (tree / "~large").write_bytes(random.Random(4).randbytes(24 << 20))
        before = [name for name in os.listdir(self.inbox) if name == "lost+found"]
        sender, receiver = self.receive(tree, "--no-keep", environment=self.environment)
        if receiver.wait() != 0:
            receiver.expect_exit(8)
            words = "cannot be a name on this file system|this file system cannot hold|are one name on this file system"
            self.assertRegex(receiver.events()[-1]["message"], words)
            self.expect_left(sender, words)
            self.assertEqual(self.expect_nothing(but=before), [])
            receiver = self.world.recv("--json", "-y", "-o", self.inbox, "--keep-going", code=self.code,
                                       environment=self.environment)
            receiver.expect_exit(12)
        sender.expect_exit(12)
        skipped = {event["path"] for event in sender.events() if event["event"] == "skipped"}
        self.assertTrue(skipped)
        sent = cli_documents.listing(os.fsencode(tree))
        found = cli_documents.listing(os.fsencode(self.inbox / "tree"))
        self.assertEqual({name: sent.get(name, "unknown") for name in found}, found)
        missing = sent.keys() - found.keys()
        roots = [name for name in missing if os.path.dirname(name) not in missing]
        (self.assertLess if receiver.wait() == 12 else self.assertEqual)(len(skipped), len(roots))
        self.assertEqual(self.expect_nothing(but=[*before, "tree"]), [])

    def receive_links(self):
        """Version 1 has none. Where there can be none, both are told before the transfer, and it is left out on demand."""
        if not self.is_version_2:
            return
        os.symlink("a", self.tree / "link")
        sender, receiver = self.receive(self.tree, environment=self.environment)
        if receiver.wait() != 0:
            self.assertNotIn("progress", [event["event"] for event in receiver.events()])
            words = '"link" cannot be a link on this file system'
            self.assertIn(words, receiver.events()[-1]["message"])
            self.expect_left(sender, words)
            receiver = self.world.recv("--json", "-y", "-o", self.inbox, "--keep-going", code=self.code,
                                       environment=self.environment)
            receiver.expect_exit(12)
            sender.expect_exit(12)
            (self.tree / "link").unlink()
        sender.wait()
        self.assertEqual(os.path.islink(self.inbox / "tree/link"), os.path.islink(self.tree / "link"))
        harness.assert_same(self.tree, self.inbox / "tree")

    def keep_what_is_there(self):
        (self.inbox / "file.txt").write_bytes(b"mine")
        (self.inbox / "tree").mkdir()
        for path, name in ((self.file, "file (1).txt"), (self.tree, "tree (1)")):
            sender, receiver = self.receive(path, environment=self.environment)
            self.assertIn("already exists", self.message_of(receiver))
            self.expect_left(sender, f'"{path.name}" exists')
            if path == self.tree and not self.is_version_2:  # it was here completely before its name was known
                harness.assert_same(path, self.inbox / name)
                shutil.rmtree(self.inbox / name)
            self.expect_received(path, "--rename", name=name, environment=self.environment)
        self.assertEqual((self.inbox / "file.txt").read_bytes(), b"mine")
        self.assertEqual(os.listdir(self.inbox / "tree"), [])

    def send(self):
        self.make_odd_names(self.world.folder("in/tree"))
        (self.inbox / "file.txt").write_bytes(self.file.read_bytes())
        for path in (self.inbox / "file.txt", self.inbox / "tree"):
            sender, code = self.world.send_waiting(path)
            self.world.recv("-y", "-o", self.world.folder("copies"), code=code).expect_exit(0)
            skipped = [event for event in sender.events() if event["event"] == "skipped"]
            sender.expect_exit(12 if skipped else 0)
            sent = cli_documents.listing(os.fsencode(path))
            came = cli_documents.listing(os.fsencode(self.world.folder("copies/tree"))) if path.is_dir() else {}
            self.assertEqual(came, {name: content for name, content in sent.items() if name in came})
            missing = sent.keys() - came.keys()
            self.assertEqual(len([name for name in missing if os.path.dirname(name) not in missing]), len(skipped))
            self.assertTrue(self.is_version_2 or not skipped)
        harness.assert_same(self.file, self.world.root / "copies/file.txt")


def cell(kind, what):
    def test(self):
        self.begin(kind)
        what(self)
    return test


for _kind in KINDS:
    for _what in (Matrix.receive_a_file, Matrix.receive_odd_names, Matrix.receive_links, Matrix.keep_what_is_there, Matrix.send):
        setattr(Matrix, f"test_{_kind}_{_what.__name__}", cell(_kind, _what))


@harness.both_versions_in_long_runs
class Unfit(Base):
    """File systems that can take nothing can still give."""

    def begin(self, *commands):
        if os.environ.get(IN_NAMESPACE) != "1":
            self.skipTest("no mount namespace can be had here")
        self.mount('mount -t tmpfs -o size=2m none "$at"')
        (self.inbox / "given.txt").write_bytes(b"given")
        for command in commands:
            subprocess.run(["sh", "-ec", command], check=True, env={**os.environ, "at": str(self.inbox)})

    def expect_gives(self):
        sender, code = self.world.send_waiting(self.inbox / "given.txt")
        copies = self.world.folder("copies")
        self.world.recv("-y", "-o", copies, code=code).expect_exit(0)
        sender.expect_exit(0)
        self.assertEqual((copies / "given.txt").read_bytes(), b"given")

    def test_read_only(self):
        self.begin('mount -o remount,ro "$at"')
        self.assertIn("Read-only file system", self.expect_no_try("-o", self.inbox))
        self.expect_gives()

    def test_full(self):
        self.begin('head -c 1500000 /dev/zero > "$at/filling"')
        sender, receiver = self.receive(self.file)
        self.assertIn("does not fit on the disk", self.message_of(receiver))
        self.expect_left(sender, r"has no room for the document .*it needs 6\d\d.\d KiB; [\d.]+ KiB are free")
        self.assertEqual(sorted(os.listdir(self.inbox)), ["filling", "given.txt"])
        (self.inbox / "filling").unlink()
        self.expect_repeated(sender, self.file, but=["given.txt"])
        self.expect_gives()

    def test_full_to_the_last_byte(self):
        self.begin('head -c 9000000 /dev/zero > "$at/filling" || true')
        self.assertIn("No space left on device", self.expect_no_try("-o", self.inbox))
        self.assertEqual(sorted(os.listdir(self.inbox)), ["filling", "given.txt"])
        self.expect_gives()

    def test_quota(self):
        """Root has none, so the system's answer is made."""
        for path in (self.file, self.tree):
            sender, receiver = self.receive(path, faults="pwrite=EDQUOT@4")
            self.assertIn("Disk quota exceeded", self.message_of(receiver))
            self.expect_left(sender, "has no room for the document .*more needed, .* free")
            self.expect_nothing()
            self.expect_repeated(sender, path)


def main():
    if IN_NAMESPACE not in os.environ:
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        namespace = ["unshare", *as_root, "--mount", "--propagation", "private"]
        possible = subprocess.run([*namespace, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        os.environ[IN_NAMESPACE] = "1" if possible else "0"
        os.execvp("env", ["env", *(namespace if possible else []), sys.executable, "-B", *sys.argv])
    unittest.main()


if __name__ == "__main__":
    main()
