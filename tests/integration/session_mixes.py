"""Peers that speak different versions of the session, and a relay between them that changes the server's public: two peers
of which one speaks version 1 meet in version 1, two that speak version 2 meet in version 2 or not at all."""

import random
import unittest

import forwarder
import harness

VERSION_1, BOTH, VERSION_2 = "1", "auto", "2"
PUBLIC_BYTES = 34
PATIENCE = 3  # seconds of those that never meet
MARK = b"PARLEY\x00\x02"  # the last bytes of the salt, and so of the public
NEW_SERVER = b"000004"    # a packet of the relay's own, then uid and public


class Mixes(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.file = self.world.file("out/file", random.Random(1).randbytes(200_000))
        for name in ("a", "b/c", "b/d"):
            self.world.file(f"out/tree/{name}", name.encode() * 1000)
        self.tree = self.world.folder("out/tree")
        self.meetings = 0

    def start(self, send_version, recv_version, *arguments, patience=harness.LIMIT, **named):
        """A sender, a receiver, and its folder."""
        self.meetings += 1
        code, inbox = f"meeting {self.meetings}", self.world.folder(f"in/{self.meetings}")
        timeout = "--timeout", str(int(patience))
        sender = self.world.send("--json", "--session", send_version, *timeout, *arguments, code=code, **named)
        receiver = self.world.recv("--json", "--session", recv_version, *timeout, "-y", "-o", inbox, code=code)
        return sender, receiver, inbox

    def expect_version(self, receiver, version):
        """Only version 2 has an offer before the first byte."""
        offers = [event for event in receiver.events() if event["event"] == "offer"]
        self.assertEqual(len(offers), 1 if version == 2 else 0, receiver.describe())

    def test_all_that_can_meet_do(self):
        for send_version in (VERSION_1, BOTH, VERSION_2):
            for recv_version in (VERSION_1, BOTH, VERSION_2):
                if {send_version, recv_version} == {VERSION_1, VERSION_2}:
                    continue
                version = 1 if VERSION_1 in (send_version, recv_version) else 2
                with self.subTest(sender=send_version, receiver=recv_version):
                    self.meet_with_all(send_version, recv_version, version)

    def meet_with_all(self, send_version, recv_version, version):
        content = self.file.read_bytes()
        for path, name in ((self.file, "file"), (self.tree, "tree"), ("-", "stdin")):
            sender, receiver, inbox = self.start(send_version, recv_version, path, stdin=content)
            receiver.expect_exit(0)
            sender.expect_exit(0)
            self.expect_version(receiver, version)
            if name == "stdin":
                self.assertEqual((inbox / "stdin").read_bytes(), content)
            else:
                harness.assert_same(path, inbox / name)

        # A text is a file of version 1, and is shown in version 2.
        inbox = self.world.folder(f"texts/{send_version}-{recv_version}")
        sender = self.world.send("--session", send_version, "--text", "a text", code="a text's")
        receiver = self.world.recv("--session", recv_version, "-y", "-o", inbox, code="a text's").expect_exit(0)
        sender.expect_exit(0)
        if version == 1:
            self.assertEqual((inbox / "message.txt").read_bytes(), b"a text")
        else:
            harness.assert_empty(inbox)
            self.assertEqual(receiver.stdout.text(), "a text\n")

    def test_a_text_in_json_is_json(self):
        sender, receiver, inbox = self.start(BOTH, BOTH, "--text", "a text")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        self.assertIn("a text", [value for event in receiver.events() for value in event.values()])
        harness.assert_empty(inbox)

    def expect_no_meeting(self, sender, receiver, inbox, says_why=True):
        for peer in (sender, receiver):
            self.assertNotEqual(peer.wait(), 0, peer.describe())
        harness.assert_empty(inbox)
        if not says_why:
            return
        said = [event.get("reason", "") + event.get("message", "") for peer in (sender, receiver) for event in peer.events()]
        self.assertRegex("\n".join(said), "version of the session")

    def test_versions_that_do_not_meet_say_so(self):
        pairs = [(VERSION_2, VERSION_1), (VERSION_1, VERSION_2)]
        meetings = [self.start(*pair, self.file, patience=PATIENCE) for pair in pairs]
        for pair, meeting in zip(pairs, meetings):
            with self.subTest(sender_and_receiver=pair):
                # A receiver of version 2 cannot tell whether a sender of version 1 has its code.
                self.expect_no_meeting(*meeting, says_why=pair[0] == VERSION_2)

    def test_what_version_1_cannot_carry_is_refused_in_words(self):
        documents = [(self.file, self.tree), ("--exclude", "*.o", self.tree), ("--receivers", "2", self.file)]
        meetings = [self.start(BOTH, VERSION_1, *document, patience=PATIENCE) for document in documents]
        for document, meeting in zip(documents, meetings):
            with self.subTest(document=document):
                alone = self.world.send("--session", VERSION_1, *document).expect_exit(2)
                self.assertIn("version 1", alone.stderr.text())
                self.expect_no_meeting(*meeting)


def with_public(change):
    """An edit of what a relay sends to a receiver first: change(public) -> public, of the sender's public."""
    def edit(data):
        identity_end = data.find(b"\0", len(NEW_SERVER)) + 1
        at = identity_end + len(NEW_SERVER) + 4
        if identity_end == 0 or len(data) < at + PUBLIC_BYTES:
            return None
        assert data[identity_end:].startswith(NEW_SERVER), data
        changed = change(data[at:at + PUBLIC_BYTES])
        assert len(changed) == PUBLIC_BYTES
        return data[:at] + changed + data[at + PUBLIC_BYTES:]
    return edit


class RelayBetween(harness.FreshCase):
    """A relay that changes the public gets two peers that do not agree."""

    def setUp(self):
        super().setUp()
        self.file = self.world.file("out/file", b"content")
        self.inbox = self.world.folder("in")

    def start_sender(self, version):
        return self.world.send_waiting(self.file, "--session", version, code="any code")[0]

    def disagree(self, sender, version, change):
        """A receiver that sees another public does not agree with `sender`."""
        far = self.world.keep(forwarder.Forwarder(self.world.relay, to_peer=with_public(change)))
        receiver = self.world.recv("--json", "--session", version, "-y", "-o", self.inbox, code="any code", relay=far.address)
        receiver.event("rejected")
        receiver.end()
        far.end()
        for peer in (sender, receiver):
            self.assertFalse([event for event in peer.events() if event["event"] in ("agreed", "offer")], peer.describe())

    def agree(self, sender, version):
        """The sender is as well as before."""
        self.world.recv("-y", "-o", self.inbox, "--session", version, code="any code").expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.file, self.inbox / "file")

    def test_any_byte(self):
        sender = self.start_sender(BOTH)
        draw = random.Random(7)
        for at in range(PUBLIC_BYTES):
            with self.subTest(at=at):
                def change(public, at=at, by=draw.randrange(1, 256)):
                    self.assertTrue(public.endswith(MARK))
                    return public[:at] + bytes([public[at] ^ by]) + public[at + 1:]
                self.disagree(sender, BOTH, change)
        self.agree(sender, BOTH)

    def test_a_mark_that_is_removed(self):
        sender = self.start_sender(BOTH)
        for end in (b"\1\2\3\4\5\6\7\x08", b"PARLEY\x00\x01", b"PARLEY\x00\x03"):
            self.disagree(sender, BOTH, lambda public, end=end: public[:-len(MARK)] + end)
        self.agree(sender, BOTH)

    def test_a_mark_that_is_added(self):
        sender = self.start_sender(VERSION_1)

        def change(public):
            self.assertFalse(public.endswith(MARK))
            return public[:-len(MARK)] + MARK
        self.disagree(sender, BOTH, change)
        self.agree(sender, BOTH)


if __name__ == "__main__":
    unittest.main()
