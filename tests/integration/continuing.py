"""Documents of session version 2 on connections that break: rooms are reset, the relay is killed and started again, the
receiver is killed and started again, and so are both peers. The document arrives whole, what was kept is not sent again,
nobody is asked twice in one run, and no program needs much memory.

    continuing.py [--rounds N] [--bytes N] [--seed N] [unittest's own]

--rounds N adds N rounds of faults at random, and stops a peer for two minutes instead of a second."""

import argparse
import hashlib
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import unittest

import forwarder
import harness
import namespaces

harness.World.session = None  # they find out that both speak version 2

MEMORY_KIB = int(os.environ.get("PARLEY_CONTINUING_KIB", 64 * 1024))
MIB = 1 << 20
# What a break may cost in bytes that are sent again: all that is under way between the two disks.
COST = {"short": 6 * MIB, "long": 32 * MIB}
OVERHEAD = 1.01  # of records and messages, beside 1 MiB

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--rounds", type=int, default=0, help="rounds at random (default: none)")
parser.add_argument("--bytes", type=int, default=24 * MIB, help="size of a document (default: 24 MiB)")
parser.add_argument("--seed", type=int, default=14, help="what is drawn (default: 14)")
options, rest = parser.parse_known_args(sys.argv[1:] if __name__ == "__main__" else [])


class Peaks:
    """The most memory that each process has held, read again and again while it lives."""

    PAUSE = 0.05  # seconds

    def __init__(self):
        self._pids = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def watch(self, name, process):
        self._pids[process.pid] = [name, 0]
        return process

    def _read(self):
        while not self._ended.wait(self.PAUSE):
            for pid, entry in list(self._pids.items()):
                try:
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                except OSError:  # it has ended
                    continue
                for line in status.splitlines():
                    if line.startswith("VmHWM:"):
                        entry[1] = max(entry[1], int(line.split()[1]))

    def end(self):
        """The most of each name, in KiB."""
        self._ended.set()
        self._thread.join(harness.LIMIT)
        found = {}
        for name, kib in self._pids.values():
            found[name] = max(found.get(name, 0), kib)
        return found


def digest_of(path):
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def describe(top):
    """All that travels of `top`: {relative path: (kind, mode, time of modification, content)}. Of the top directory nothing
    but its kind does."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if os.path.islink(path):
                what = ("link", None, status.st_mtime_ns, os.readlink(path))
            elif os.path.isdir(path):
                what = ("directory", status.st_mode & 0o7777, status.st_mtime_ns, None)
            else:
                what = ("file", status.st_mode & 0o7777, status.st_mtime_ns, digest_of(path))
            found[os.path.relpath(path, top)] = what
    if not os.path.isdir(top):
        status = os.lstat(top)
        found["."] = ("file", status.st_mode & 0o7777, status.st_mtime_ns, digest_of(top))
    return found


def assert_same(one, other):
    """Fails unless both are the same in bytes, modes, times and links."""
    a, b = describe(one), describe(other)
    if a != b:
        different = [(key, a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
        raise harness.Failure(f"{one} and {other} differ in {different[:10]}")


def write_noise(path, size, draw):
    """A file of `size` bytes that no compressor shrinks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = draw.randbytes(min(size, 32 * MIB))
    with open(path, "wb") as file:
        number = 0
        while size > 0:
            piece = (number.to_bytes(4, "big") + block[4:])[:size]
            file.write(piece)
            size -= len(piece)
            number += 1


def make_file(world, name, size, draw):
    path = world.root / name / "document.bin"
    write_noise(path, size, draw)
    os.chmod(path, 0o754)
    os.utime(path, ns=(1, draw.randrange(1 << 60)))
    return path


def make_tree(world, name, size, draw):
    """Large and small files, empty ones, directories and links, with modes and times, of `size` bytes in all."""
    top = world.folder(f"{name}/tree")
    write_noise(top / "large/one", size // 2, draw)
    for number in range(8):
        write_noise(top / f"middle/{number}", size // 20, draw)
    left = size - size // 2 - 8 * (size // 20)
    for number in range(100):
        write_noise(top / f"small/{number % 7}/{number}", left // 100, draw)
    (top / "empty").touch()
    (top / "folder").mkdir()
    os.symlink("../large/one", top / "folder/link")
    os.symlink("absent", top / "small/dangling")
    everything = [pathlib.Path(folder) / each for folder, folders, files in os.walk(top, topdown=False)
                  for each in files + folders]
    for path in everything:
        if not path.is_symlink():
            os.chmod(path, draw.choice((0o755, 0o700, 0o750)) if path.is_dir() else draw.choice((0o644, 0o600, 0o755)))
        os.utime(path, ns=(1, draw.randrange(1 << 60)), follow_symlinks=False)
    return top


def make_many(world, name, size, draw):
    """20,000 small files of `size` bytes in all, in 200 folders."""
    top = world.folder(f"{name}/many")
    for number in range(20_000):
        write_noise(top / f"{number % 200}/{number}", size // 20_000, draw)
    return top


class Transfer:
    """One document on its way, from a sender by `near` and to a receiver by `far`, over a relay on ports that stay."""

    def __init__(self, test, path, name, near=(), far=()):
        self._test, self._world, self._peaks = test, test.world, test.peaks
        self.path, self.code = path, f"code of {name}"
        self.inbox = self._world.folder(f"in/{name}")
        self._ports = harness.free_port(), harness.free_port()
        self.breaks = 0  # but for the ends of both
        self.lost = 0    # bytes that both had when they ended, and which were not kept
        self._sent = self.kept = 0  # bytes at that time
        self._runs = []  # of receivers
        self.start_relay()
        self.near = self._world.keep(forwarder.Forwarder(self.relay, resets=near))
        self.far = self._world.keep(forwarder.Forwarder(self.relay, resets=far))
        self.start_sender()
        self.start_receiver()

    def start_relay(self):
        handshake, rooms = (f"127.0.0.1:{port}" for port in self._ports)
        self.relay = self._peaks.watch("relay", self._world.start_relay(listen=(handshake,), rooms=(rooms,)))

    def start_sender(self):
        self.sender = self._peaks.watch("sender", self._world.send(
            "--json", "--no-compress", self.path, code=self.code, relay=self.near.address))

    def start_receiver(self):
        self.receiver = self._peaks.watch("receiver", self._world.recv(
            "--json", "-y", "-o", self.inbox, code=self.code, relay=self.far.address))
        self._runs.append(self.receiver)

    def is_placed(self):
        return os.path.lexists(self.inbox / self.path.name)

    def wait_for(self, more):
        """Waits until so many more bytes were sent, and holds what follows. False when the document is in its place."""
        wanted = self.near.sent + more
        self.near.hold_at(wanted)
        self.near.wait_until(lambda f: f.sent >= wanted or self.is_placed())
        if self.is_placed():
            self.near.release()
            return False
        return True

    def kill(self, *victims):
        """kill -9, all at once; then what was held flows again, and the victims are started again. False, and nobody is
        killed, when the document is in its place."""
        processes = [getattr(self, each) for each in victims]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        placed = self.is_placed()
        for process in processes:
            process.send_signal(signal.SIGCONT if placed else signal.SIGKILL)
        if not placed:
            for process in processes:
                process.wait()
        self.near.release()
        if placed:
            return False
        if set(victims) == {"sender", "receiver"}:
            self._count_lost()
        else:
            self.breaks += 1
        for each in victims:
            getattr(self, f"start_{each}")()
        return True

    def _count_lost(self):
        """Adds what was sent, but is not in the receiver's hidden folder."""
        self.near.wait_until(lambda f: f.open_rooms == 0)
        kept = sum(file.stat().st_size for file in self.inbox.rglob("*") if file.is_file() and not file.is_symlink())
        self.lost += self.near.sent - self._sent - (kept - self.kept)
        self._sent, self.kept = self.near.sent, kept

    def finish(self, cost):
        """Waits for the end, and checks everything. `cost` is what a break may cost, in bytes."""
        self.receiver.expect_exit(0)
        self.sender.expect_exit(0)
        self.breaks += self.near.was_reset + self.far.was_reset
        self._test.assertEqual(os.listdir(self.inbox), [self.path.name])
        assert_same(self.path, self.inbox / self.path.name)
        size = sum(file.stat().st_size for file in [self.path, *self.path.rglob("*")]
                   if file.is_file() and not file.is_symlink())
        again = self.near.sent - size * OVERHEAD - MIB
        self._test.assertLess(again, self.lost + self.breaks * cost,
                              f"{self.near.sent} bytes were sent of a document of {size}, with {self.breaks} breaks; "
                              f"{self.lost} were lost when both ended")
        for run in self._runs:
            offers = [event for event in run.events() if event["event"] == "offer"]
            self._test.assertLessEqual(len(offers), 1, run.describe())
        self._test.assertTrue([event for event in self.receiver.events() if event["event"] == "offer"])
        self.relay.stop()
        return again


class Base(unittest.TestCase):
    MAKERS = {"file": make_file, "tree": make_tree}
    LARGE = {"file": (make_file, 3 << 30), "many": (make_many, 1 << 30)}

    def setUp(self):
        self.world = harness.World(relay=False)
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)
        self.peaks = Peaks()
        self.addCleanup(self.check_memory)
        self.draw = random.Random(f"{options.seed} {self._testMethodName}")

    def check_memory(self):
        peaks = self.peaks.end()
        for name, kib in peaks.items():
            self.assertLess(kib, MEMORY_KIB, f"{name} has held so many KiB; all: {peaks}")

    def make(self, kind, size=None):
        return self.MAKERS[kind](self.world, f"out-{kind}", size or options.bytes, self.draw)

    def some(self, least=MIB // 4, share=4):
        """A random number of bytes, up to that share of the document."""
        return self.draw.randrange(least, options.bytes // share)


class Breaks(Base):
    def test_rooms_are_reset(self):
        for kind in self.MAKERS:
            with self.subTest(kind=kind):
                sizes = [self.draw.randrange(options.bytes // 6, options.bytes // 4) for _ in range(3)]
                transfer = Transfer(self, self.make(kind), kind, near=sizes[:2], far=[None, None, sizes[2]])
                transfer.finish(COST["short"])
                self.assertEqual(transfer.breaks, 3)
                for peer in (transfer.sender, transfer.receiver):
                    self.assertEqual([event["event"] for event in peer.events()].count("resumed"), 3)

    def test_the_relay_is_killed(self):
        transfer = Transfer(self, self.make("tree"), "relay")
        for _ in range(2):
            self.assertTrue(transfer.wait_for(self.some()))
            self.assertTrue(transfer.kill("relay"))
        transfer.finish(COST["short"])

    def test_both_are_killed_and_started_again(self):
        for kind in self.MAKERS:
            with self.subTest(kind=kind):
                transfer = Transfer(self, self.make(kind), kind)
                for _ in range(2):
                    self.assertTrue(transfer.wait_for(options.bytes // 3))
                    self.assertTrue(transfer.kill("sender", "receiver"))
                    self.assertGreater(transfer.kept, 0)
                transfer.finish(COST["short"])

    def test_a_question_that_is_open_stays_open(self):
        relay = self.world.start_relay()
        far = self.world.keep(forwarder.Forwarder(relay))
        path, inbox = self.make("tree", MIB), self.world.folder("in")
        sender, code = self.world.send_waiting(path, relay=relay.address)
        receiver = self.world.recv(code=code, relay=far.address, terminal=True, cwd=inbox)
        receiver.wait_text("[y/N/l] ")
        for _ in range(2):
            far.reset_rooms()
            sender.event("resumed")
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        assert_same(path, inbox / path.name)
        self.assertEqual(receiver.screen().count("Receive folder"), 1, receiver.screen())

    def test_a_connection_that_takes_the_word_stored_with_it(self):
        relay = self.world.start_relay()
        far = self.world.keep(forwarder.Forwarder(relay))
        path, inbox = self.make("file", MIB), self.world.folder("in")
        sender, code = self.world.send_waiting(path, relay=relay.address)
        receiver = self.world.recv(code=code, relay=far.address, terminal=True, cwd=inbox)
        receiver.wait_text("[y/N/l] ")
        far.hold_at(far.sent + 1)  # the consent passes, and nothing after it
        receiver.type("y\n")
        far.wait_until(lambda _: (inbox / path.name).exists())
        far.reset_rooms()
        far.release()
        sender.expect_exit(0)
        receiver.expect_exit(0)
        assert_same(path, inbox / path.name)

    def test_a_peer_is_stopped(self):
        pause = 120 if options.rounds else 1
        path = self.make("file")
        transfers = {}
        for victim in ("sender", "receiver"):
            transfers[victim] = Transfer(self, path, victim)
            self.assertTrue(transfers[victim].wait_for(1))
            getattr(transfers[victim], victim).send_signal(signal.SIGSTOP)
            transfers[victim].near.release()
        threading.Event().wait(pause)  # the length of the pause is the point of the test
        for victim, transfer in transfers.items():
            self.assertFalse(transfer.is_placed())
            getattr(transfer, victim).send_signal(signal.SIGCONT)
        for victim, transfer in transfers.items():
            with self.subTest(victim=victim):
                transfer.breaks += pause > 60  # the other one has taken it for gone
                transfer.finish(COST["short"])


@unittest.skipUnless("PARLEY_DEAD_PATHS" in os.environ, "a peer is gone after a minute: make stress TARGET=network")
class OtherNetworks(Base):
    """A computer that goes into another network: its address is gone, and it has another one and another way to the relay.
    The relay and the other peer are in a network of their own, which a cable joins to the computer's."""

    RELAY, HERE = "10.9.0.1", "cable"
    NETWORKS = ("10.9.1", "10.9.2")

    def enter(self, network, leave=None):
        """The computer is in `network`, and not any more in `leave`."""
        if leave:
            self.computer.ip("addr", "del", f"{leave}.2/24", "dev", self.HERE)  # its routes go with it
        self.computer.ip("addr", "add", f"{network}.2/24", "dev", self.HERE)
        self.computer.ip("route", "add", self.RELAY, "via", f"{network}.1")

    def setUp(self):
        super().setUp()
        self.centre = self.world.keep(namespaces.Network())
        self.computer = self.world.keep(namespaces.Network(beside=self.centre))
        namespaces.join(self.centre, self.computer)
        self.centre.ip("addr", "add", f"{self.RELAY}/32", "dev", "lo")
        for network in self.NETWORKS:
            self.centre.ip("addr", "add", f"{network}.1/24", "dev", self.HERE)
        self.enter(self.NETWORKS[0])
        self.relay = self.world.start_relay(listen=(f"{self.RELAY}:0",), rooms=(f"{self.RELAY}:0",), prefix=self.centre.prefix)
        self.address = f"{self.RELAY}:{self.relay.port},{self.relay.room_port}"

    def start(self, path, role):
        """A transfer with one peer, which has that role, on the computer: sender, receiver, inbox."""
        inbox = self.world.folder(f"in/{role}")
        prefix = {each: (self.computer if each == role else self.centre).prefix for each in ("sender", "receiver")}
        sender = self.peaks.watch("sender", self.world.send("--json", "--no-compress", path, code=role, relay=self.address,
                                                            prefix=prefix["sender"]))
        receiver = self.peaks.watch("receiver", self.world.recv("--json", "-y", "-o", inbox, code=role, relay=self.address,
                                                                prefix=prefix["receiver"]))
        return sender, receiver, inbox

    def test_the_computer_goes_into_another_one(self):
        path = self.make("tree", 4 * options.bytes)
        transfers = {role: self.start(path, role) for role in ("sender", "receiver")}
        for _, receiver, _ in transfers.values():  # they stand in the middle of it
            receiver.event("progress")
            receiver.signal_program(signal.SIGSTOP)
        self.enter(self.NETWORKS[1], leave=self.NETWORKS[0])
        for _, receiver, inbox in transfers.values():
            self.assertFalse(os.path.lexists(inbox / path.name))
            receiver.signal_program(signal.SIGCONT)
        for role, (sender, receiver, inbox) in transfers.items():
            with self.subTest(role=role):
                receiver.expect_exit(0)
                sender.expect_exit(0)
                assert_same(path, inbox / path.name)
                for peer in (sender, receiver):
                    self.assertIn("resumed", [event["event"] for event in peer.events()], peer.describe())


@unittest.skipUnless(options.rounds, "it takes minutes: make stress TARGET=continuing")
class LongBreaks(Base):
    """A sender waits half a minute for its receiver to come back, before it takes another one."""

    def test_the_receiver_is_killed_and_started_again(self):
        for kind in self.MAKERS:
            with self.subTest(kind=kind):
                transfer = Transfer(self, self.make(kind), kind)
                for _ in range(2):
                    self.assertTrue(transfer.wait_for(self.some()))
                    self.assertTrue(transfer.kill("receiver"))
                transfer.finish(COST["long"])

    def test_a_hundred_resets(self):
        for kind, (make, size) in self.LARGE.items():
            path = make(self.world, f"out/{kind}", size, self.draw)
            breaks = number = 0
            while breaks < 100:
                name = f"{kind} {number}"
                resets = {side: [self.draw.randrange(MIB, 200 * MIB) for _ in range(200)] for side in ("near", "far")}
                transfer = Transfer(self, path, name, **resets)
                again = transfer.finish(COST["short"])
                shutil.rmtree(transfer.inbox)
                print(f"{name}: {transfer.breaks} breaks, {max(again, 0) / MIB:.1f} MiB sent again", flush=True)
                breaks, number = breaks + transfer.breaks, number + 1
            shutil.rmtree(self.world.root / "out")

    def one_round(self, number):
        kind = self.draw.choice(list(self.MAKERS))
        path = self.MAKERS[kind](self.world, f"out/{number}", options.bytes, self.draw)
        resets = {side: [self.some(least=1000) for _ in range(self.draw.randrange(4))] for side in ("near", "far")}
        victims = [self.draw.choice((("relay",), ("receiver",), ("sender", "receiver")))
                   for _ in range(self.draw.randrange(1, 4))]
        with self.subTest(number=number, kind=kind, resets=resets, victims=victims):
            transfer = Transfer(self, path, str(number), **resets)
            for each in victims:
                if not transfer.wait_for(self.some(least=1000)) or not transfer.kill(*each):
                    break
            again = transfer.finish(COST["long"])
            shutil.rmtree(self.world.root / "out")
            shutil.rmtree(transfer.inbox)
            print(f"{number}: {kind}, {victims}, {transfer.breaks} breaks, {transfer.lost / MIB:.1f} MiB lost, "
                  f"{max(again, 0) / MIB:.1f} MiB sent again", flush=True)

    def test_at_random(self):
        for number in range(options.rounds):
            self.one_round(number)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest])
