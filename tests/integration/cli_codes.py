"""Codes and questions: where a code may come from, who may see it, and what the user is asked."""

import pathlib
import signal
import unittest

import harness


class Codes(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.path = self.world.file("out/file", b"content")

    def assert_arrived(self):
        harness.assert_same(self.path, self.inbox / "file")

    def test_is_typed_back_leniently(self):
        for change in (str.upper, lambda c: c.replace("-", " "), lambda c: c.replace("-", ""),
                       lambda c: "  " + c.title().replace("-", "_") + " "):
            with self.subTest(typed=change("lusab-babad-gutih")):
                sender, code = self.world.send_waiting(self.path)
                self.world.recv("-y", "-o", self.inbox, stdin=change(code).encode() + b"\n").expect_exit(0)
                sender.expect_exit(0)
                self.assert_arrived()
                (self.inbox / "file").unlink()

    def test_is_new_each_time(self):
        codes = {self.world.send_waiting(self.path)[1] for _ in range(4)}
        self.assertEqual(len(codes), 4)

    def test_of_ones_own_is_used_as_it_is(self):
        for password in ("correct horse battery staple", " Spaces-And-Case ", "пароль"):
            with self.subTest(password=password):
                sender, _ = self.world.send_waiting(self.path, code=password)
                self.assertNotIn("code", [event["event"] for event in sender.events()])
                self.world.recv("-y", "-o", self.inbox, code=password).expect_exit(0)
                sender.expect_exit(0)
                (self.inbox / "file").unlink()

    def test_from_a_file(self):
        secret = self.world.file("secret", b"the code\nanother line\n")
        sender, _ = self.world.send_waiting("--code-file", secret, self.path, shown=False)
        self.world.recv("-y", "-o", self.inbox, "--code-file", secret).expect_exit(0)
        sender.expect_exit(0)
        self.assert_arrived()

    def test_from_a_file_that_is_standard_input(self):
        sender, _ = self.world.send_waiting("--code-file", "-", self.path, shown=False, stdin=b"the code\n")
        self.world.recv("-y", "-o", self.inbox, "--code-file", "-", stdin=b"the code").expect_exit(0)
        sender.expect_exit(0)
        self.assert_arrived()

    def test_file_goes_before_environment(self):
        secret = self.world.file("secret", b"right\n")
        sender, _ = self.world.send_waiting(self.path, code="right")
        self.world.recv("-y", "-o", self.inbox, "--code-file", secret, code="wrong").expect_exit(0)
        sender.expect_exit(0)

    def test_as_an_argument_warns(self):
        sender, code = self.world.send_waiting(self.path)
        receiver = self.world.recv("-y", "-o", self.inbox, "--", code).expect_exit(0)
        sender.expect_exit(0)
        self.assertIn("other users", receiver.stderr.text())
        self.assert_arrived()

    def test_as_an_argument_is_hidden_from_then_on(self):
        receiver = self.world.recv("-y", "-o", self.inbox, "--json", "a-secret-argument")
        receiver.event("waiting")
        self.assertNotIn(b"a-secret-argument", pathlib.Path(f"/proc/{receiver.pid}/cmdline").read_bytes())
        receiver.wait_text("other users")

    def test_from_the_environment_is_hidden_from_then_on(self):
        receiver = self.world.recv("-y", "-o", self.inbox, "--json", code="a-secret-variable")
        receiver.event("waiting")
        self.assertNotIn(b"a-secret-variable", pathlib.Path(f"/proc/{receiver.pid}/environ").read_bytes())

    def test_that_looks_mistyped_warns(self):
        receiver = self.world.recv("-y", "-o", self.inbox, "--timeout", "5", stdin=b"babab-babab-babad\n")
        receiver.expect_exit(4)
        self.assertIn("mistake", receiver.stderr.text())

    def test_wrong_then_right(self):
        sender, code = self.world.send_waiting(self.path)
        wrong = self.world.recv("--json", "-y", "-o", self.inbox, code="not the code")
        wrong.event("rejected")
        self.assertTrue(wrong.running())
        harness.assert_empty(self.inbox)
        right = self.world.recv("-y", "-o", self.inbox, code=code)
        right.expect_exit(0)
        sender.expect_exit(0)
        self.assert_arrived()
        self.assertTrue(wrong.running(), "the wrong one waits on")
        self.assertNotIn(b"file", wrong.stdout.bytes())

    def test_receiver_may_come_first(self):
        receiver = self.world.recv("--json", "-y", "-o", self.inbox, code="agreed before")
        receiver.event("waiting")
        self.world.send(self.path, code="agreed before").expect_exit(0)
        receiver.expect_exit(0)
        self.assert_arrived()


class Prompts(harness.FreshCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.world.folder("in")
        self.path = self.world.file("out/file", b"content")

    def prompted(self, *options):
        receiver = self.world.recv("-o", self.inbox, *options, terminal=True)
        receiver.wait_text("Code (not shown): ")
        return receiver

    def questioned(self):
        sender, code = self.world.send_waiting(self.path)
        receiver = self.world.recv("-o", self.inbox, code=code, terminal=True)
        receiver.wait_text("[y/N] ")
        return sender, receiver

    def test_the_code_is_not_shown(self):
        sender, code = self.world.send_waiting(self.path)
        receiver = self.prompted()
        self.assertFalse(receiver.echoes())
        receiver.type(code + "\n")
        receiver.wait_text("[y/N] ")
        self.assertTrue(receiver.echoes())
        receiver.type("y\n")
        receiver.wait_text("[y/N] ", count=2)
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        self.assertNotIn(code, receiver.screen())
        harness.assert_same(self.path, self.inbox / "file")

    def test_ctrl_c_at_the_prompt_restores_the_terminal(self):
        receiver = self.prompted()
        receiver.type("half a co\x03")
        receiver.wait_text("interrupted")
        self.assertTrue(receiver.echoes())
        receiver.expect_exit(130)

    def test_each_signal_at_the_prompt_restores_the_terminal(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(signal=number):
                receiver = self.prompted()
                receiver.send_signal(number)
                receiver.wait_text("parley: ")
                self.assertTrue(receiver.echoes())
                receiver.expect_exit(status)

    def test_a_signal_that_kills_at_the_prompt_restores_the_terminal(self):
        for number in (signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGABRT, signal.SIGSEGV):
            with self.subTest(signal=number):
                receiver = self.prompted()
                self.assertFalse(receiver.echoes())
                receiver.send_signal(number)
                receiver.expect_exit(-number)
                self.assertTrue(receiver.echoes())

    def test_no_core_file_holds_the_code(self):
        receiver = self.prompted()
        limits = pathlib.Path(f"/proc/{receiver.pid}/limits").read_text().splitlines()
        core = next(line for line in limits if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        receiver.type("\x03")
        receiver.expect_exit(130)

    def test_no_code_at_the_prompt_is_wrong_usage(self):
        for typed in ("\n", "\x04"):
            receiver = self.prompted()
            receiver.type(typed)
            receiver.expect_exit(2)

    def test_the_question_names_the_sender(self):
        sender, receiver = self.questioned()
        identity = next(event["identity"] for event in sender.events() if event["event"] == "identified")
        self.assertIn(f"Receive from {identity}? [y/N] ", receiver.screen())
        receiver.type("yes\n")
        receiver.wait_text('Receive file "file" (7 B)? [y/N] ')
        receiver.type("YES\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.path, self.inbox / "file")

    def test_anything_but_yes_refuses_and_the_sender_waits_on(self):
        for answer in ("n\n", "\n", "what?\n", "\x04"):
            with self.subTest(answer=answer):
                sender, receiver = self.questioned()
                receiver.type(answer)
                receiver.expect_exit(5)
                sender.event("refused")
                self.assertTrue(sender.running())
                harness.assert_empty(self.inbox)
                sender.send_signal(signal.SIGINT)
                sender.expect_exit(130)

    def test_a_refused_sender_finds_another_receiver(self):
        sender, code = self.world.send_waiting(self.path)
        first = self.world.recv("-o", self.inbox, code=code, terminal=True)
        first.wait_text("[y/N] ")
        first.type("n\n")
        first.expect_exit(5)
        self.world.recv("-y", "-o", self.inbox, code=code).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.path, self.inbox / "file")

    def test_the_sender_may_leave_during_the_question(self):
        sender, receiver = self.questioned()
        sender.send_signal(signal.SIGINT)
        sender.expect_exit(130)
        receiver.wait_text("has left")
        receiver.type("\x03")
        receiver.expect_exit(130)
        harness.assert_empty(self.inbox)

    def test_an_answer_is_for_one_sender_only(self):
        sender, code = self.world.send_waiting(self.path)
        receiver = self.world.recv("-o", self.inbox, code=code, terminal=True)
        receiver.wait_text("[y/N] ")
        sender.send_signal(signal.SIGINT)
        receiver.wait_text("has left")
        receiver.type("y\n")  # nobody is asking
        receiver.wait_text("y\r\n")
        other, _ = self.world.send_waiting(self.path, code=code)
        receiver.wait_text("[y/N] ", count=2)
        receiver.type("n\n")
        receiver.expect_exit(5)
        harness.assert_empty(self.inbox)
        other.event("refused")

    def test_without_a_terminal_nobody_can_be_asked(self):
        receiver = self.world.recv("-o", self.inbox, code="code").expect_exit(2)
        self.assertIn("--yes", receiver.stderr.text())


class Documents(harness.FreshCase):
    """The question that names the document, and names that begin with a dot."""

    def setUp(self):
        super().setUp()
        self.home = self.world.folder("home")
        self.world.file("out/.ssh/authorized_keys", b"ssh-ed25519 theirs\n")
        self.ssh = self.world.root / "out/.ssh"

    def accepted(self, path, *options):
        """A sender, and its receiver that has been told yes by the sender's address."""
        sender, code = self.world.send_waiting(path)
        receiver = self.world.recv(*options, code=code, terminal=True, cwd=self.home)
        receiver.wait_text("[y/N] ")
        receiver.type("y\n")
        return sender, receiver

    def test_a_folder_is_named_with_what_is_in_it(self):
        self.world.file("out/photos/a/1", b"x" * 2000)
        self.world.file("out/photos/2", b"")
        sender, receiver = self.accepted(self.world.root / "out/photos")
        receiver.wait_text('Receive folder "photos" (2 files in 2 folders, 2.0 KiB)? [y/N] ')
        self.assertFalse((self.home / "photos").exists())
        self.assertTrue(sender.running())
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.world.root / "out/photos", self.home / "photos")

    def test_a_no_leaves_nothing(self):
        for path in (self.world.file("out/file", b"x" * 3_000_000), self.ssh):
            with self.subTest(path=path):
                sender, receiver = self.accepted(path)
                receiver.wait_text("[y/N] ", count=2)
                receiver.type("n\n")
                receiver.expect_exit(5)
                self.assertIn("left before the end", sender.expect_left())
                harness.assert_empty(self.home)

    def test_ctrl_c_at_the_question_leaves_nothing(self):
        sender, receiver = self.accepted(self.ssh)
        receiver.wait_text("[y/N] ", count=2)
        receiver.type("\x03")
        receiver.expect_exit(130)
        sender.expect_left()
        harness.assert_empty(self.home)

    def test_what_is_typed_before_the_question_is_no_answer(self):
        path = self.world.file("out/file", b"x")
        sender, code = self.world.send_waiting(path)
        receiver = self.world.recv(code=code, terminal=True, cwd=self.home)
        receiver.wait_text("[y/N] ")
        receiver.type("y\ny\n")
        receiver.wait_text("[y/N] ", count=2)
        receiver.type("n\n")
        receiver.expect_exit(5)
        sender.expect_left()

    def test_a_dot_name_by_an_answer(self):
        sender, receiver = self.accepted(self.ssh)
        receiver.wait_text('Receive folder ".ssh" (1 file in 1 folder, 19 B)? [y/N] ')
        receiver.type("y\n")
        receiver.expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(self.ssh, self.home / ".ssh")

    def test_a_dot_name_without_a_question(self):
        bashrc = self.world.file("out/.bashrc", b"evil")
        for path in (self.ssh, bashrc):
            with self.subTest(path=path):
                sender, code = self.world.send_waiting(path)
                receiver = self.world.recv("-y", code=code, cwd=self.home).expect_exit(5)
                sender.expect_left()
                for text in (path.name, "begins with a dot", "-o NAME", "--allow-dot"):
                    self.assertIn(text, receiver.stderr.text())
                harness.assert_empty(self.home)

    def test_a_dot_name_that_is_asked_for(self):
        for options, name in ((("-y", "--allow-dot"), ".ssh"), (("-y", "-o", "theirs"), "theirs"),
                              (("-y", "-o", ".mine"), ".mine")):
            with self.subTest(options=options):
                sender, code = self.world.send_waiting(self.ssh)
                self.world.recv(*options, code=code, cwd=self.home).expect_exit(0)
                sender.expect_exit(0)
                harness.assert_same(self.ssh, self.home / name)

    def test_a_name_cannot_play_the_question(self):
        self.world.file('out/photo" (1 KiB)? [y', b"x")
        _, receiver = self.accepted(self.world.root / 'out/photo" (1 KiB)? [y')
        receiver.wait_text('Receive file "photo\\x22 (1 KiB)? [y" (1 B)? [y/N] ')
        receiver.type("n\n")
        receiver.expect_exit(5)


if __name__ == "__main__":
    unittest.main()
