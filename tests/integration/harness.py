"""Runs the real programs on loopback, for tests and for whoever measures them. Python's standard library only.

    with harness.World() as world:                       # a scratch folder and a relay on free ports
        sender = world.send("--json", path)
        code = sender.event("code")["code"]
        receiver = world.recv("--json", "-y", "-o", world.folder("in"), code=code)
        receiver.expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, world.folder("in") / path.name)

What to know:
  * The programs are $PARLEY_PROGRAM and $PARLEY_RELAY_PROGRAM (default: parley and parley-relay on the PATH).
  * Every wait is for a process, a line or an event, and is bounded by `timeout` seconds (default LIMIT, 300, times
    $PARLEY_TEST_SLOWNESS); a wait that is over raises with all that the process has written.
  * A Process is a child with its output read by threads, so that no pipe ever fills. `prefix` puts another program in
    front, e.g. ["/usr/bin/time", "-v"]; then use signal_program() to reach parley itself.
  * Terminal is a Process on a pseudo-terminal of its own, for prompts and questions.
  * World ends every process that it has started, by its id, when it is left.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

NO_SUCH_NAME = "x" * 64 + ".example"  # a name that cannot exist, whatever a name server says
LIMIT = 300.0 * float(os.environ.get("PARLEY_TEST_SLOWNESS", "1"))
PARLEY = os.environ.get("PARLEY_PROGRAM", "parley")
FAULTS = os.environ.get("PARLEY_FAULTS_LIBRARY", "")  # tests/faults
RELAY = os.environ.get("PARLEY_RELAY_PROGRAM", "parley-relay")


class Failure(AssertionError):
    """A wait that was over, or an end that was not the expected one."""


def clean_environment(extra=None):
    """The environment of a child: ours without PARLEY_* and proxies, with `extra` (None removes a key)."""
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("PARLEY_") and not k.lower().endswith("_proxy")}
    environment["LC_ALL"] = "C.UTF-8"
    environment["TERM"] = "xterm"
    for key, value in (extra or {}).items():
        if value is None:
            environment.pop(key, None)
        else:
            environment[key] = str(value)
    return environment


def failing(faults, under):
    """The environment of a program whose system calls on what is in `under` fail: see tests/faults/faults.cpp."""
    return {"LD_PRELOAD": FAULTS, "PARLEY_FAULTS": faults, "PARLEY_FAULTS_UNDER": under}


class Output:
    """All that a child has written to one pipe, read by a thread."""

    def __init__(self, stream):
        self._stream = stream
        self._data = bytearray()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                piece = os.read(self._stream.fileno(), 1 << 16)
            except OSError:
                piece = b""
            with self._changed:
                self._data += piece
                self._ended = not piece
                self._changed.notify_all()
            if not piece:
                return

    def bytes(self):
        with self._changed:
            return bytes(self._data)

    def text(self):
        return self.bytes().decode("utf-8", "backslashreplace")

    def wait_for(self, find, timeout):
        """find(bytes) -> anything but None ends the wait and is returned; None at the end of the stream."""
        limit = time.monotonic() + timeout
        with self._changed:
            while True:
                found = find(bytes(self._data))
                if found is not None or self._ended:
                    return found
                left = limit - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def finish(self, timeout):
        self._thread.join(timeout)
        self._stream.close()


class Process:
    """A child with its standard output and standard error read to the end."""

    def __init__(self, arguments, *, stdin=subprocess.DEVNULL, environment=None, cwd=None, prefix=()):
        self.arguments = [*map(str, prefix), *(a if isinstance(a, bytes) else str(a) for a in arguments)]
        feed = stdin if not isinstance(stdin, (bytes, bytearray)) else subprocess.PIPE
        self.child = subprocess.Popen(
            self.arguments, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env=clean_environment(environment), cwd=cwd, start_new_session=True)
        self.stdout = Output(self.child.stdout)
        self.stderr = Output(self.child.stderr)
        self._next_event = 0
        if isinstance(stdin, (bytes, bytearray)):
            threading.Thread(target=self._feed, args=(stdin,), daemon=True).start()

    def _feed(self, data):
        with contextlib.suppress(OSError):
            view = memoryview(data)
            while view:
                view = view[os.write(self.child.stdin.fileno(), view[:1 << 16]):]
        with contextlib.suppress(OSError):
            self.child.stdin.close()

    @property
    def pid(self):
        return self.child.pid

    def describe(self):
        return (f"{self.arguments}\n  status: {self.child.poll()}\n"
                f"  stdout: {self.stdout.text()[-4000:]}\n  stderr: {self.stderr.text()[-4000:]}")

    def events(self):
        """The JSON objects on standard output so far."""
        lines = self.stdout.bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def event(self, name, timeout=LIMIT):
        """The next event called `name`, after the one that was returned last. A failure if it does not come."""
        start = self._next_event

        def find(_data):
            for at, event in enumerate(self.events()):
                if at >= start and event["event"] == name:
                    return at, event
            return None

        found = self.stdout.wait_for(find, timeout)
        if found is None:
            raise Failure(f"no event {name!r} from {self.describe()}")
        self._next_event = found[0] + 1
        return found[1]

    def wait_text(self, text, timeout=LIMIT, stream="stderr"):
        """Waits until `text` stands on that stream."""
        wanted = text.encode()
        found = getattr(self, stream).wait_for(lambda data: True if wanted in data else None, timeout)
        if found is None:
            raise Failure(f"no {text!r} on {stream} of {self.describe()}")

    def wait(self, timeout=LIMIT):
        """The exit status (negative: the signal that ended it), with all output read."""
        try:
            status = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {timeout} s: {self.describe()}") from None
        self.stdout.finish(timeout)
        self.stderr.finish(timeout)
        return status

    def expect_exit(self, status, timeout=LIMIT):
        """Waits, and fails unless it ends with `status`."""
        got = self.wait(timeout)
        if got != status:
            raise Failure(f"exit {got} instead of {status}: {self.describe()}")
        return self

    def expect_left(self, timeout=LIMIT):
        """Waits until this sender says that its receiver has left and that it waits on, ends it, and returns the words."""
        said = self.event("receiver_left", timeout)["message"]
        self.signal_program(signal.SIGTERM)
        self.expect_exit(143, timeout)
        return said

    def send_signal(self, number):
        self.child.send_signal(number)

    def signal_program(self, number):
        """The signal to the only child of the prefix program, or to the process itself where there is no prefix."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        os.kill(int(children[0]) if children else self.pid, number)

    def running(self):
        return self.child.poll() is None

    def end(self):
        """Kills it if it still runs; for clean-up."""
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.child.wait(LIMIT)
        if self.child.stdin:
            with contextlib.suppress(OSError):
                self.child.stdin.close()
        self.stdout.finish(LIMIT)
        self.stderr.finish(LIMIT)


class Terminal:
    """A child whose standard input, output and error are a terminal of its own."""

    def __init__(self, arguments, *, environment=None, cwd=None, columns=100):
        self.arguments = [str(a) for a in arguments]
        self._screen = bytearray()
        pid, self._user = pty.fork()
        if pid == 0:
            try:
                if cwd:
                    os.chdir(cwd)
                os.execvpe(self.arguments[0], self.arguments, clean_environment(environment))
            except BaseException:
                os._exit(127)
        self.pid = pid
        self._status = None
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self._user, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def _read(self, timeout):
        """Adds what is there; False at the end, or when nothing came in time."""
        ready, _, _ = select.select([self._user], [], [], max(0.0, timeout))
        if not ready:
            return False
        try:
            piece = os.read(self._user, 1 << 16)
        except OSError:  # the other end was closed
            return False
        self._screen += piece
        return bool(piece)

    def screen(self):
        return bytes(self._screen).decode("utf-8", "backslashreplace")

    def wait_text(self, text, timeout=LIMIT, count=1):
        """Waits until the screen has shown `text` `count` times."""
        limit = time.monotonic() + timeout
        while self.screen().count(text) < count:
            if not self._read(limit - time.monotonic()):
                raise Failure(f"{text!r} was not shown ({count} times) by {self.arguments}: {self.screen()!r}")

    def type(self, text):
        os.write(self._user, text.encode())

    def echoes(self):
        import termios
        return bool(termios.tcgetattr(self._user)[3] & termios.ECHO)

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=LIMIT):
        """The exit status, with all that was shown read."""
        limit = time.monotonic() + timeout
        while self._read(limit - time.monotonic()):
            pass
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > limit:
                raise Failure(f"still running: {self.arguments}: {self.screen()!r}")
            else:
                self._read(0.05)
        return self._status

    def expect_exit(self, status, timeout=LIMIT):
        got = self.wait(timeout)
        if got != status:
            raise Failure(f"exit {got} instead of {status}: {self.arguments}: {self.screen()!r}")
        return self

    def end(self):
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._status = -9
        if self._user >= 0:
            os.close(self._user)
            self._user = -1


class Relay(Process):
    """parley-relay on free ports of 127.0.0.1, ready when this returns."""

    def __init__(self, *extra, listen=("127.0.0.1:0",), rooms=("127.0.0.1:0",), prefix=(), environment=None):
        arguments = [RELAY, "--json"]
        for address in listen:
            arguments += ["--listen", address]
        for address in rooms:
            arguments += ["--room-listen", address]
        super().__init__([*arguments, *extra], prefix=prefix, environment=environment)
        self.ready = self.event("ready")
        self.port, self.room_port = (
            next((int(text.rpartition(":")[2]) for text in self.ready[channel] if "/" not in text), None)
            for channel in ("handshake", "rooms"))  # of TCP
        self.address = f"127.0.0.1:{self.port},{self.room_port}"  # for --relay

    def stop(self, timeout=LIMIT):
        """Ends it as an operator does."""
        self.send_signal(signal.SIGTERM)
        return self.expect_exit(0, timeout)


class FakeRelay:
    """Accepts connections on 127.0.0.1, sends `reply` on each once something has come, then waits for its end, or
    closes at once if `close`."""

    def __init__(self, reply=b"", close=False):
        self._reply, self._close = reply, close
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port},{self.port}"
        self.received = bytearray()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    connection.settimeout(LIMIT)
                    with contextlib.suppress(OSError):
                        self.received += connection.recv(4096)
                        connection.sendall(self._reply)
                        while not self._close:
                            piece = connection.recv(4096)
                            if not piece:
                                break
                            self.received += piece

    def end(self):
        self._socket.close()


class World:
    """A scratch folder, and the processes of one test. `relay` (set unless relay=False) is a Relay on free ports."""

    # The version of the session that send and recv are told to speak; None: they find out. Most of these tests are about
    # what version 1 does; those of version 2 set it.
    session = "1"

    def __init__(self, relay=True, relay_options=(), session=""):
        self._want_relay, self._relay_options = relay, relay_options
        if session != "":
            self.session = session
        self._things = []
        self.relay = None

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="parley-test-"))
        self.temporary = self.folder("tmp")
        try:
            if self._want_relay:
                self.relay = self.start_relay(*self._relay_options)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for thing in reversed(self._things):
            thing.end()
        shutil.rmtree(self.root, ignore_errors=True)

    def keep(self, thing):
        """Ends `thing` with the world."""
        self._things.append(thing)
        return thing

    def start_relay(self, *extra, **named):
        return self.keep(Relay(*extra, **named))

    def fake_relay(self, reply=b"", close=False):
        return self.keep(FakeRelay(reply, close))

    def folder(self, name):
        """A folder of that name in the scratch folder, made if need be."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name, content=b""):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def _environment(self, code, environment):
        return {"TMPDIR": self.temporary, "PARLEY_CODE": code, **(environment or {})}

    def parley(self, *arguments, code=None, relay=None, environment=None, terminal=False, **named):
        """Starts parley; `arguments` begin with the command. `code` goes by PARLEY_CODE. `relay` is an address
        instead of the world's own."""
        address = relay or (self.relay.address if self.relay else None)
        line = [PARLEY, *arguments]
        if self.session and arguments[0] in ("send", "recv") and "--session" not in arguments:
            line[2:2] = ["--session", self.session]
        if address:
            line[2:2] = ["--relay", address]
        kind = Terminal if terminal else Process
        return self.keep(kind(line, environment=self._environment(code, environment), **named))

    def send(self, *arguments, **named):
        return self.parley("send", *arguments, **named)

    def recv(self, *arguments, **named):
        return self.parley("recv", *arguments, **named)

    def send_waiting(self, *arguments, code=None, shown=True, **named):
        """A sender that waits for a receiver, and its code: `code`, or the new one that it shows (not if its
        arguments say another, `shown=False`)."""
        sender = self.send("--json", *arguments, code=code, **named)
        if code is None and shown:
            code = sender.event("code")["code"]
        sender.event("waiting")
        return sender, code


def snapshot(path):
    """What stands at `path`: {relative name (bytes): "directory" | "link" | SHA-256 of the content}."""
    root = os.fsencode(path)
    if not os.path.isdir(root):
        return {b"": _digest(root)}
    found = {b"": "directory"}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(folder, name)
            what = "link" if os.path.islink(full) else "directory" if os.path.isdir(full) else _digest(full)
            found[os.path.relpath(full, root)] = what
    return found


def _digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def assert_same(one, other):
    """Fails unless both are the same file or the same tree, byte for byte."""
    a, b = snapshot(one), snapshot(other)
    if a != b:
        different = sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))
        raise Failure(f"{one} and {other} differ in {different[:20]}")


def assert_empty(folder):
    """Fails if anything at all, hidden or not, is in `folder`."""
    left = os.listdir(folder)
    if left:
        raise Failure(f"left in {folder}: {left}")


_kept_ports = []


def free_port():
    """A port on which nobody listens, and which the kernel gives to nobody else, on any address, while the test runs: a
    socket keeps it, and lets whoever sets SO_REUSEADDR have it as well."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("", 0))
    _kept_ports.append(keeper)
    return keeper.getsockname()[1]


class Case(unittest.TestCase):
    """Its tests share one world, without a relay."""

    @classmethod
    def setUpClass(cls):
        cls.world = World(relay=False)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)


def both_versions(case):
    """Decorates a class of tests with SESSION "1": adds the same for version 2 of the session to the class's module."""
    name = f"{case.__name__}OfVersion2"
    of_version_2 = type(name, (case,), {"__module__": case.__module__, "SESSION": "2", "__unittest_skip__": False})
    setattr(sys.modules[case.__module__], name, of_version_2)
    return case


def both_versions_in_long_runs(case):
    """The same; version 1, which changes rarely, has its turn where PARLEY_BOTH_VERSIONS is set."""
    both_versions(case)
    return case if os.environ.get("PARLEY_BOTH_VERSIONS") else unittest.skip("PARLEY_BOTH_VERSIONS is not set")(case)


class FreshCase(unittest.TestCase):
    """Each of its tests has a world of its own, with a relay if RELAY says so, and SESSION for the world's session."""

    RELAY = True
    SESSION = ""

    def setUp(self):
        self.world = World(relay=self.RELAY, session=self.SESSION)
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)
