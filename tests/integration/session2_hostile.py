"""Peers of session version 2 that break its rules, against the real programs in both roles. Each case is a row of a table.
A receiver says what is wrong and to whom it said so, ends with the documented code, leaves nothing at its destination, and
needs no more memory than for anybody else. A sender does the same, or waits on for another receiver."""

import contextlib
import os
import re
import struct
import unittest

import continuing
import harness
import session2
from session2 import entry

harness.World.session = "2"

MEMORY_KIB = int(os.environ.get("PARLEY_CONTINUING_KIB", 64 * 1024))
STAGED = re.compile(r"^\.parley-.*\.part$")
WRONG_DATA, LEFT, LOCAL = 6, 7, 8
# {what a program says of its own: (its exit code, the reason that the other side hears)}
FAULTS = {"broke a rule of the transfer": (WRONG_DATA, 8), "breaks a rule of the session": (WRONG_DATA, 8),
          "speaks another protocol": (WRONG_DATA, 9), "not acceptable": (WRONG_DATA, 7),
          "more entries than allowed": (WRONG_DATA, 3), "does not fit on the disk": (LOCAL, 3)}
HUGE = 1 << 63

# ---- outlines: {case: (what differs from the offer of one directory, entries, words)}

DIRECTORY = entry(b"d", kind=2, mode=0o755)
OUTLINES = {
    "parent": ({}, [entry(b"..")], "'..' stands for a directory"),
    "parent within": ({}, [DIRECTORY, entry(b"d/../../x")], "'..' stands for a directory"),
    "this directory": ({}, [entry(b".")], "'.' stands for a directory"),
    "absolute": ({}, [entry(b"/etc/cron.d/x")], "'' is empty"),
    "empty": ({}, [entry(b"")], "'' is empty"),
    "empty component": ({}, [DIRECTORY, entry(b"d//x")], "'' is empty"),
    "NUL": ({}, [entry(b"a\0b")], "holds a NUL"),
    "line feed": ({}, [entry(b"a\nb")], "holds a control character"),
    "no UTF-8": ({}, [entry(b"a\xff")], "not UTF-8"),
    "long component": ({}, [entry(b"x" * 256)], "longer than 255 bytes"),
    "long path": ({}, [entry(b"/".join([b"x" * 250] * 17))], "is too long"),
    "twice": ({}, [entry(b"a"), entry(b"a")], "'a' is out of order"),
    "out of order": ({}, [entry(b"b"), entry(b"a")], "'a' is out of order"),
    "no parent": ({}, [entry(b"d/x")], "'d/x' is in no directory"),
    "parent is a file": ({}, [entry(b"d"), entry(b"d/x")], "'d/x' is in no directory"),
    "parent is a link": ({}, [entry(b"d", kind=3, mode=0, target=b"e"), entry(b"d/x")], "'d/x' is in no directory"),
    "link above": ({}, [entry(b"l", kind=3, mode=0, target=b"../x")], "'l' leads out of the document"),
    "link far above": ({}, [DIRECTORY, entry(b"d/l", kind=3, mode=0, target=b"../../x")], "'d/l' leads out of the document"),
    "absolute link": ({}, [entry(b"l", kind=3, mode=0, target=b"/etc/passwd")], "'' is empty"),
    "link back after a name": ({}, [entry(b"l", kind=3, mode=0, target=b"a/../../x")], "'..' stands for a directory"),
    "empty link": ({}, [entry(b"l", kind=3, mode=0)], "target of the link 'l'"),
    "link to no item": ({"kind": 2}, [DIRECTORY, entry(b"d/l", kind=3, mode=0, target=b"../e")], "'d/l' leads to none of"),
    "link with a mode": ({}, [entry(b"l", kind=3, mode=0o777, target=b"a")], "the mode of 'l'"),
    "set user id": ({}, [entry(b"a", mode=0o4755)], "the mode of 'a'"),
    "size of a directory": ({}, [entry(b"d", kind=2, size=1)], "the size of 'd'"),
    "target of a file": ({}, [entry(b"a", target=b"b")], "'a' is no link"),
    "kind of entry": ({}, [entry(b"a", kind=9)], "an entry of kind 9"),
    "half an entry": ({}, [entry(b"a")[:-1]], "message 11 is shorter"),
    "kind of document": ({"kind": 9}, [], "a document of kind 9"),
    "document above": ({"name": b".."}, [], "'..' stands for a directory"),
    "document elsewhere": ({"name": b"../x"}, [], "holds a path separator"),
    "document without a name": ({"name": b""}, [], "'' is empty"),
    "document that turns text": ({"name": "a\u202egnp.exe".encode()}, [], "turns the direction of text"),
    "no items": ({"kind": 2}, [], "has no entry"),
    "more files": ({"files": 2}, [entry(b"a")], "fewer entries or bytes"),
    "fewer files": ({"files": 0}, [entry(b"a")], "more entries or bytes"),
    "more directories": ({"directories": 1}, [entry(b"a")], "fewer entries or bytes"),
    "other size": ({"size": 7}, [entry(b"a", size=8)], "more entries or bytes"),
    "sizes that overflow": ({"size": 0}, [entry(b"a", size=HUGE - 1), entry(b"b", size=HUGE - 1)], "more entries or bytes"),
    "offer of 2^63 bytes": ({"size": HUGE}, [entry(b"a", size=HUGE)], "impossible counts"),
    "offer of 2^63 - 1 bytes": ({"size": HUGE - 1}, [entry(b"a", size=HUGE - 1)], "does not fit on the disk .*needs 8.0 EiB"),
    "offer of 2^32 files": ({"files": 1 << 32}, [], "impossible counts"),
    "offer of too many files": ({"files": 900_000_000}, [], "more entries than allowed"),
}

# ---- content of one file of SIZE bytes


def zstandard(blocks, window_log=23, last=True, descriptor=0, rest=b""):
    """A frame of so many blocks of 128 KiB of one byte; each takes four bytes."""
    window = b"" if descriptor & 0x20 else bytes([(window_log - 10) << 3])
    head = b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + window + rest
    block = (1 << 1 | (128 << 10) << 3)
    return head + b"".join(struct.pack("<I", block | (last and number == blocks - 1))[:3] + b"x" for number in range(blocks))


SIZE = 256 << 10
NOISE = os.urandom(SIZE)
FRAME = zstandard(2)
BEGIN, ZSTANDARD = struct.pack(">IQB", 0, 0, 0), struct.pack(">IQB", 0, 0, 1)
FILE, DATA, FILE_END, SENT = session2.FILE, session2.FILE_DATA, session2.FILE_END, session2.SENT
ALL = struct.pack(">Q", SIZE)
CONTENTS = {
    "more than announced": ("is too long", (FILE, BEGIN), (DATA, NOISE), (DATA, b"x")),
    "less than announced": ("is too short", (FILE, BEGIN), (DATA, NOISE[:-1]), (FILE_END, b"")),
    "nothing": ("has not come", (SENT, ALL)),
    "not all": ("message 33 is out of turn", (FILE, BEGIN), (DATA, NOISE[:-1]), (SENT, ALL)),
    "another sum": ("message 33 has a wrong sum", (FILE, BEGIN), (DATA, NOISE), (FILE_END, b""),
        (SENT, struct.pack(">Q", SIZE + 1))),
    "twice": ("entry 0 is no file that may come now", (FILE, BEGIN), (DATA, NOISE), (FILE_END, b""), (FILE, BEGIN)),
    "no such entry": ("has not come", (FILE, struct.pack(">IQB", 1, 0, 0))),
    "another entry": ("has not come", (FILE, struct.pack(">IQB", 0xffffffff, 0, 0))),
    "an offset": ("from offset 1", (FILE, struct.pack(">IQB", 0, 1, 0))),
    "an encoding": ("of encoding 2", (FILE, struct.pack(">IQB", 0, 0, 2))),
    "data without a file": ("message 31 is out of turn", (DATA, b"x")),
    "no data": ("message 31 has no content", (FILE, BEGIN), (DATA, b"")),
    "an unknown message": ("message 77 is out of turn", (0x77, b"")),
    "the receiver's message": ("message 41 is out of turn", (session2.STORED, b"")),
    "a second offer": ("message 10 is out of turn", (session2.OFFER, session2.offer())),
    "a body too long": ("message 30 is longer", (FILE, BEGIN + b"x")),
    "a length too long": ("message 31 is too long", (FILE, BEGIN), (DATA, b"", 0xffffffff)),
    "a bomb": ("is too long", (FILE, ZSTANDARD), (DATA, zstandard(32768))),
    "one byte inflated too much": ("is too long", (FILE, ZSTANDARD), (DATA, zstandard(3))),
    "a large window": ("window above 8 MiB", (FILE, ZSTANDARD), (DATA, zstandard(2, window_log=24))),
    "a huge window": ("window above 8 MiB", (FILE, ZSTANDARD), (DATA, zstandard(2, window_log=41))),
    "a huge single segment": ("window above 8 MiB", (FILE, ZSTANDARD),
        (DATA, zstandard(2, descriptor=0xe0, rest=struct.pack("<Q", 1 << 62)))),
    "a dictionary": ("with a dictionary", (FILE, ZSTANDARD), (DATA, zstandard(2, descriptor=1, rest=b"\x07"))),
    "a wrong content size": ("corruption", (FILE, ZSTANDARD),
        (DATA, zstandard(2, descriptor=0xc0, rest=ALL[::-1][:7] + b"\1")), (FILE_END, b"")),
    "a wrong checksum": ("checksum", (FILE, ZSTANDARD), (DATA, zstandard(2, descriptor=4) + b"abcd"), (FILE_END, b"")),
    "half a frame": ("has no end", (FILE, ZSTANDARD), (DATA, zstandard(2, last=False)), (FILE_END, b"")),
    "two frames": ("follows the Zstandard frame", (FILE, ZSTANDARD), (DATA, zstandard(1) + zstandard(1)), (FILE_END, b"")),
    "a skippable frame": ("no Zstandard frame", (FILE, ZSTANDARD), (DATA, b"\x50\x2a\x4d\x18\x01\0\0\0x" + FRAME),
        (FILE_END, b"")),
    "no frame": ("no Zstandard frame", (FILE, ZSTANDARD), (DATA, NOISE), (FILE_END, b"")),
}

# ---- what comes in place of what is due: {case: (record, words, whether the other side's own fault is answered)}

ENDS = {
    "end": ((session2.END,), "the stream ends out of turn|no hello", True),
    "abort": ((session2.ABORT, b"\x02\x09\x1b[2J\r\nbye"), r"gave up \(.*\\x1b\[2J\\x0d\\x0abye\)", False),
    "half an abort": ((session2.ABORT,), "a body shorter than its form", True),
    "unknown": ((7,), "a record of type 07|no hello", True),
    "hello": ((session2.HELLO, b"\x01x\x00\x00"), "a hello out of its place|the protocol is 'x' there", True),
}

# ---- what a receiver answers to an offer of one file: {case: (words, messages)}

LARGE = NOISE * 32
ACCEPT, ACCEPT_END, ERROR, REFUSE = session2.ACCEPT, session2.ACCEPT_END, session2.ERROR, session2.REFUSE
ONE = struct.pack(">IQ", 0, 1) + bytes(32)
ANSWERS = {
    "no such entry": ("entry 1 cannot be accepted", (ACCEPT, struct.pack(">IQ", 1, 1) + bytes(32))),
    "nothing of it": ("offset 0 cannot be accepted", (ACCEPT, struct.pack(">IQ", 0, 0) + bytes(32))),
    "more than there is": ("offset 8388609 cannot", (ACCEPT, struct.pack(">IQ", 0, len(LARGE) + 1) + bytes(32))),
    "twice": ("entry 0 cannot be accepted", (ACCEPT, ONE + ONE)),
    "twice, in two": ("entry 0 cannot be accepted", (ACCEPT, ONE), (ACCEPT, ONE)),
    "half": ("message 20 is shorter", (ACCEPT, ONE[:-1])),
    "two ends": ("message 21 is out of turn", (ACCEPT_END,), (ACCEPT_END,)),
    "after the end": ("message 20 is out of turn", (ACCEPT_END,), (ACCEPT, ONE)),
    "refused after the end": ("message 22 is out of turn", (ACCEPT_END,), (REFUSE, b"\1\0")),
    "data": ("message 31 is out of turn", (ACCEPT_END,), (DATA, b"x")),
    "an offer": ("message 10 is out of turn", (session2.OFFER, session2.offer())),
    "stored too soon": ("message 41 is out of turn", (ACCEPT_END,), (session2.STORED,)),
    "stored at once": ("message 41 is out of turn", (session2.STORED,)),
    "progress above all": ("progress of 9223372036854775808", (ACCEPT_END,), (session2.PROGRESS, struct.pack(">Q", HUGE))),
    "progress that falls": ("progress of 6 after 7", (ACCEPT_END,), (session2.PROGRESS, struct.pack(">Q", 7)),
                            (session2.PROGRESS, struct.pack(">Q", 6))),
    "progress too soon": ("message 40 is out of turn", (session2.PROGRESS, struct.pack(">Q", 7))),
    "unknown": ("message 77 is out of turn", (0x77,)),
    "a length too long": ("message 20 is too long", (ACCEPT, b"", 0xffffffff)),
    "half a refusal": ("message 22 is shorter", (REFUSE, b"\3\x09no")),
    "an error that is no UTF-8": ("message 50 holds text that is not UTF-8", (ACCEPT_END,), (ERROR, b"\7\2\xff\xff")),
}
# Likewise, of what is no fault: {case: (exit code, None for a sender that waits on; words, messages)}
LEAVINGS = {
    "no room": (None, r"has no room .*\(\\x1b\[2Jno\\x0d\\x0a\)", (REFUSE, b"\3\x08\x1b[2Jno\r\n")),
    "a long error": (None, "cannot read or write a file .*x{255}", (ACCEPT_END,), (ERROR, b"\5\xff" + b"x" * 255)),
    "changed": (LEFT, "changed on the other side", (ACCEPT_END,), (ERROR, b"\6\0")),
    "our fault": (WRONG_DATA, "this one broke a rule .*ab", (ACCEPT_END,), (ERROR, b"\x08\2ab")),
}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World()
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.number = 0

    def setUp(self):
        self.peaks = continuing.Peaks()
        self.addCleanup(self.check_memory)

    def check_memory(self):
        for name, kib in self.peaks.end().items():
            self.assertLess(kib, MEMORY_KIB, name)

    def say(self, peer, *messages):
        """As much of it as the other side takes."""
        with contextlib.suppress(session2.Broken, OSError):
            for message in messages:
                peer.message(*message)

    def expect_fault(self, program, peer, words):
        """The program says what is wrong, and said to the other side what it is."""
        heard = [body for kind, body in peer.drain() if kind in (session2.ERROR, session2.REFUSE, session2.ABORT)]
        peer.end()
        status = program.wait()
        said = program.events()[-1]["message"]
        self.assertRegex(said, words)
        self.assertNotRegex(said, "[\x00-\x1f\u202e]")
        expected = [fault for text, fault in FAULTS.items() if text in said]
        self.assertEqual([(status, body[0]) for body in heard], expected, said)


class HostileSenders(Base):
    def meet(self):
        """A receiver, and a peer that sends to it."""
        type(self).number += 1
        code, self.inbox = f"code {self.number}", self.world.folder(f"in/{self.number}")
        receiver = self.peaks.watch("receiver", self.world.recv("--json", "-y", "-o", self.inbox, code=code))
        return receiver, session2.Peer.sender(self.world.relay, code)

    def expect_nothing(self):
        """What has come is hidden, and nothing else is at the destination."""
        self.assertEqual([name for name in os.listdir(self.inbox) if not STAGED.match(name)], [])

    def outline(self, offered, entries):
        """The messages of it. Its counts are right unless `offered` has others."""
        offered = {"files": sum(each[0] in (1, 3) for each in entries),
                   "directories": sum(each[0] == 2 for each in entries), **offered}
        return [(session2.OFFER, session2.offer(**offered)), *([(session2.ENTRIES, b"".join(entries))] if entries else []),
                (session2.OFFER_END, session2.offer_end(entries))]

    def one_file(self):
        return self.outline({"kind": 0, "name": b"file", "size": SIZE}, [entry(b"", size=SIZE)])

    def begin_content(self):
        receiver, peer = self.meet()
        peer.hello()
        self.say(peer, *self.one_file())
        peer.until(session2.ACCEPT_END)
        return receiver, peer

    def test_a_good_one_is_served(self):
        for frame in (None, FRAME, zstandard(2, descriptor=0xc0, rest=ALL[::-1])):
            receiver, peer = self.begin_content()
            self.say(peer, (FILE, ZSTANDARD if frame else BEGIN), (DATA, frame or NOISE), (FILE_END,), (SENT, ALL))
            peer.until(session2.STORED)
            peer.record(session2.END)
            self.assertEqual(peer.drain()[-1], (session2.END, b""))
            peer.end()
            receiver.expect_exit(0)
            self.assertEqual((self.inbox / "file").read_bytes(), b"x" * SIZE if frame else NOISE)

    def test_outlines(self):
        for case, (offered, entries, words) in OUTLINES.items():
            with self.subTest(case=case):
                receiver, peer = self.meet()
                peer.hello()
                self.say(peer, *self.outline(offered, entries))
                self.expect_fault(receiver, peer, words)
                harness.assert_empty(self.inbox)

    def test_contents(self):
        for case, (words, *messages) in CONTENTS.items():
            with self.subTest(case=case):
                receiver, peer = self.begin_content()
                self.say(peer, *messages)
                self.expect_fault(receiver, peer, words)
                self.expect_nothing()

    def test_ends_in_every_phase(self):
        """Before the hello, after it, in the offer, in the file, and after it."""
        content = [(FILE, BEGIN), (DATA, NOISE), (FILE_END,)]
        phases = [(None, []), (0, []), (1, []), (2, []), *((3, content[:count]) for count in range(4))]
        for case, (record, words, is_fault) in ENDS.items():
            for offered, sent in phases if case in ("end", "abort") else phases[:2] + phases[-1:]:
                with self.subTest(case=case, offered=offered, sent=len(sent)):
                    receiver, peer = self.meet()
                    if offered is not None:
                        peer.hello()
                        self.say(peer, *self.one_file()[:offered])
                    if sent:
                        peer.until(ACCEPT_END)
                        self.say(peer, *sent)
                    peer.record(*record)
                    if is_fault:
                        self.expect_fault(receiver, peer, words)
                    else:
                        self.assertFalse([kind for kind, _ in peer.drain() if kind == session2.ABORT])
                        peer.end()
                        receiver.expect_exit(LEFT)
                        self.assertRegex(receiver.events()[-1]["message"], words)
                    self.expect_nothing()


class HostileReceivers(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.world.file("out/file", LARGE)

    def meet(self):
        """A sender, and a peer that it sends to."""
        type(self).number += 1
        sender, code = self.world.send_waiting("--no-compress", self.file, code=f"code {self.number}")
        self.peaks.watch("sender", sender)
        return sender, session2.Peer.receiver(self.world.relay, code)

    def meet_offered(self):
        sender, peer = self.meet()
        peer.hello()
        peer.until(session2.OFFER_END)
        return sender, peer

    def receive(self, peer):
        """What comes until `sent`, of one file."""
        content = b""
        while True:
            kind, body = peer.until(FILE, DATA, FILE_END, SENT)
            if kind == SENT:
                return content
            if kind == FILE:
                self.assertEqual(body, BEGIN)
            if kind == DATA:
                content += body

    def test_a_good_one_is_served(self):
        """Also one that has other bytes than it was offered, and one that leaves at once."""
        for accepted in ((), ((ACCEPT, ONE),)):
            sender, peer = self.meet_offered()
            self.say(peer, *accepted, (ACCEPT_END,))
            self.assertEqual(self.receive(peer), LARGE)
            peer.message(session2.STORED)
            if accepted:
                peer.record(session2.END)
                self.assertEqual(peer.drain()[-1], (session2.END, b""))
            peer.end()
            sender.expect_exit(0)

    def test_answers(self):
        for case, (words, *messages) in ANSWERS.items():
            with self.subTest(case=case):
                sender, peer = self.meet_offered()
                self.say(peer, *messages)
                self.expect_fault(sender, peer, words)

    def test_leavings(self):
        for case, (status, words, *messages) in LEAVINGS.items():
            with self.subTest(case=case):
                sender, peer = self.meet_offered()
                self.say(peer, *messages)
                self.assertEqual(peer.drain()[-1][0], session2.END)
                peer.end()
                event = sender.event("receiver_left" if status is None else "error")
                self.assertRegex(event["message"], words)
                self.assertNotRegex(event["message"], "[\x00-\x1f]")
                if status is None:
                    sender.event("waiting")
                else:
                    sender.expect_exit(status)
                sender.end()

    def test_ends_in_every_phase(self):
        """Before the hello, after it, after the offer, and after the content."""
        for case, (record, words, is_fault) in ENDS.items():
            for phase in range(4) if case in ("end", "abort") else (0, 3):
                with self.subTest(case=case, phase=phase):
                    sender, peer = self.meet()
                    if phase > 0:
                        peer.hello()
                    if phase > 1:
                        peer.until(session2.OFFER_END)
                    if phase > 2:
                        self.say(peer, (ACCEPT_END,))
                        self.receive(peer)
                    peer.record(*record)
                    if is_fault:
                        self.expect_fault(sender, peer, words)
                    else:
                        self.assertFalse([kind for kind, _ in peer.drain() if kind == session2.ABORT])
                        peer.end()
                        sender.expect_exit(LEFT)
                        self.assertRegex(sender.events()[-1]["message"], words)

    def test_what_is_never_stored_is_no_success(self):
        sender, peer = self.meet_offered()
        self.say(peer, (ACCEPT_END,))
        self.receive(peer)
        peer.end()
        sender.event("interrupted")
        self.assertTrue(sender.running())
        self.assertFalse([event for event in sender.events() if event["event"] in ("delivered", "done")])
        sender.end()


if __name__ == "__main__":
    unittest.main()
