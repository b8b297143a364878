"""The relay's WebSockets before clients written by others (npm's `ws`, Python's `websockets`) and before frames that no
library would send; and the peers' WebSockets before servers by the same."""

import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import unittest

import harness

HERE = pathlib.Path(__file__).resolve().parent / "websocket"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that sees Debian's modules
HELLO = b"000001"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", *, final=True, reserved=0, masked=True, mask=b"\x12\x34\x56\x78", length=None):
    """`length` is announced instead of the real one, in eight bytes."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    size = len(payload)
    if length is not None:
        head = struct.pack("!BBQ", first, bit | 127, length)
    elif size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if masked:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        head += mask
    return head + payload


class RawClient:
    """A WebSocket's first lines, then whatever bytes the test wants."""

    def __init__(self, port, protocol="bob.handshake", source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), harness.LIMIT, source_address=(source, 0))
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        assert status.startswith(b"HTTP/1.1 101"), status
        accept = None
        while (line := self.stream.readline()) != b"\r\n":
            if line.lower().startswith(b"sec-websocket-accept:"):
                accept = line.split(b":", 1)[1].strip()
        assert accept == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept  # the example of RFC 6455 section 1.3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def next_frame(self):
        """(opcode, payload), or None at the end of the connection."""
        try:
            head = self.stream.read(2)
        except ConnectionResetError:
            return None
        if len(head) < 2:
            return None
        assert not head[1] & 0x80, "a server masks nothing"
        size = head[1] & 0x7f
        if size == 126:
            size, = struct.unpack("!H", self.stream.read(2))
        elif size == 127:
            size, = struct.unpack("!Q", self.stream.read(8))
        return head[0] & 0x0f, self.stream.read(size)

    def close_code(self):
        """The code of the close frame that must come, None for one without; the connection must end behind it."""
        while (got := self.next_frame()) is not None:
            if got[0] != CLOSE:
                continue
            self.socket.shutdown(socket.SHUT_WR)
            assert self.next_frame() is None, "a frame after the close"
            return struct.unpack("!H", got[1][:2])[0] if got[1] else None
        raise AssertionError("the connection ended without a close frame")


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(relay=False)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.relay = cls.world.start_relay(listen=("ws://127.0.0.1:0",), rooms=())
        cls.url = cls.relay.ready["handshake"][0]
        cls.port = int(cls.url.rpartition(":")[2].partition("/")[0])

    def tearDown(self):
        # Whatever came, the relay goes on serving.
        with RawClient(self.port) as honest:
            honest.send(frame(BINARY, HELLO))
            opcode, payload = honest.next_frame()
            self.assertEqual((opcode, payload[:6]), (BINARY, b"000003"))

    def run_client(self, command, environment=None):
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5 * harness.LIMIT,
                             env={**os.environ, **(environment or {})}, check=False)
        cases = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertTrue(cases, run.stderr)
        for case in cases:
            with self.subTest(case=case["case"]):
                self.assertTrue(case["passed"], case["why"])
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_npms_ws(self):
        modules = os.environ["PARLEY_NODE_MODULES"]
        self.run_client(["node", HERE / "ws_client.js", self.url], {"NODE_PATH": modules})

    def test_pythons_websockets(self):
        self.run_client([DEBIAN_PYTHON, "-B", HERE / "websockets_client.py", self.url])

    def expect_close(self, code, *frames, protocol="bob.handshake"):
        with RawClient(self.port, protocol) as client:
            client.send(*frames)
            self.assertEqual(client.close_code(), code)

    def test_broken_rules(self):
        close = lambda code, reason=b"": frame(CLOSE, struct.pack("!H", code) + reason)
        cases = {
            "no mask": (1002, frame(BINARY, HELLO, masked=False)),
            "no mask on a ping": (1002, frame(PING, b"x", masked=False)),
            "a reserved bit": (1002, frame(BINARY, HELLO, reserved=4)),
            "another reserved bit": (1002, frame(PING, b"", reserved=1)),
            "a reserved opcode": (1002, frame(3, b"x")),
            "a reserved control opcode": (1002, frame(11, b"x")),
            "a control frame of 126 bytes": (1002, frame(PING, bytes(126))),
            "a control frame in fragments": (1002, frame(PING, b"x", final=False)),
            "a continuation of nothing": (1002, frame(CONTINUATION, b"x")),
            "a message inside a message": (1002, frame(BINARY, b"0", final=False), frame(BINARY, b"0")),
            "a length with the top bit": (1002, frame(BINARY, length=1 << 63)),
            "a length in more bytes than it needs": (1002, frame(BINARY, b"x", length=1)),
            "a huge length": (1009, frame(BINARY, length=1 << 62)),
            "fragments above the bound": (1009, frame(BINARY, bytes(1000), final=False), frame(CONTINUATION, bytes(1000))),
            "text": (1003, frame(TEXT, b"000001")),
            "text that is no UTF-8": (1003, frame(TEXT, b"\xff\xfe")),
            "a close reason that is no UTF-8": (1007, close(1000, b"\xc3\x28")),
            "a cut UTF-8 sequence in a close reason": (1007, close(1000, b"\xe2\x82")),
            "a surrogate in a close reason": (1007, close(1000, b"\xed\xa0\x80")),
            "a close of one byte": (1002, frame(CLOSE, b"\x03")),
            "a close with 1005": (1002, close(1005)),
            "a close with 1006": (1002, close(1006)),
            "a close with 1015": (1002, close(1015)),
            "a close with 999": (1002, close(999)),
            "a close with 2999": (1002, close(2999)),
            "a close with 5000": (1002, close(5000)),
            "a close in order": (1001, close(1001, "good-bye ☺".encode())),
            "a private close code": (4999, close(4999)),
            "a close without a code": (None, frame(CLOSE)),
        }
        for name, (code, *frames) in cases.items():
            with self.subTest(name):
                self.expect_close(code, *frames)

    def test_byte_by_byte(self):
        with RawClient(self.port) as client:
            data = frame(PING, b"between") + frame(BINARY, b"0000", final=False) + frame(PING) + frame(CONTINUATION, b"01")
            for byte in data:
                client.send(bytes([byte]))
            self.assertEqual(client.next_frame(), (PONG, b"between"))
            self.assertEqual(client.next_frame(), (PONG, b""))
            opcode, payload = client.next_frame()
            self.assertEqual((opcode, payload[:6]), (BINARY, b"000003"))

    def test_empty_messages_and_unasked_pongs_mean_nothing(self):
        with RawClient(self.port) as client:
            client.send(frame(BINARY), frame(PONG, b"unasked"), frame(BINARY, b"", final=False), frame(CONTINUATION),
                        frame(BINARY, HELLO))
            opcode, payload = client.next_frame()
            self.assertEqual((opcode, payload[:6]), (BINARY, b"000003"))

    def test_nothing_is_heard_after_a_close(self):
        with RawClient(self.port) as client:
            client.send(frame(CLOSE, struct.pack("!H", 1000)), frame(BINARY, HELLO))
            self.assertEqual(client.close_code(), 1000)

    def test_memory_stays_bounded(self):
        """Clients that ping for ever and read no pong, and announce much without sending it."""
        clients = [RawClient(self.port, "bob.room" if i % 2 else "bob.handshake") for i in range(100)]
        try:
            before = resident_kib(self.relay.pid)
            flood = frame(PING, bytes(125)) * 2000
            for client in clients:
                client.socket.setblocking(False)
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(4):
                for i, client in enumerate(clients):
                    try:
                        if i < 50:
                            client.socket.send(flood)
                        else:
                            client.socket.send(frame(BINARY, bytes(512), final=False, length=900))
                    except (BlockingIOError, ConnectionError):
                        pass
            with RawClient(self.port) as honest:  # answered only after what came before it
                honest.send(frame(BINARY, HELLO))
                self.assertIsNotNone(honest.next_frame())
            grown = resident_kib(self.relay.pid) - before
            self.assertLess(grown, 16 * 1024, "KiB for a hundred clients")
        finally:
            for client in clients:
                client.__exit__()


class PeersBeforeOtherServers(unittest.TestCase):
    def test_documents_pass(self):
        with harness.World(relay=False) as world:
            relay = world.start_relay()
            ports = [text.rpartition(":")[2] for text in (relay.ready["handshake"][0], relay.ready["rooms"][0])]
            urls = {
                "websockets": self.start([DEBIAN_PYTHON, "-B", HERE / "websockets_bridge.py", *ports]),
                "ws": self.start(["node", HERE / "ws_bridge.js", *ports]),
            }
            path = world.file("document", random.Random(5).randbytes(3_000_001))
            for sent_by in urls:
                for received_by in urls:
                    with self.subTest(sent_by=sent_by, received_by=received_by):
                        inbox = world.folder(f"in-{sent_by}-{received_by}")
                        sender, code = world.send_waiting(path, relay=urls[sent_by])
                        world.recv("--json", "-y", "-o", inbox, code=code, relay=urls[received_by]).expect_exit(0)
                        sender.expect_exit(0)
                        harness.assert_same(path, inbox / path.name)

    def start(self, command):
        environment = {**os.environ, "NODE_PATH": os.environ["PARLEY_NODE_MODULES"]}
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return f"ws://127.0.0.1:{int(server.stdout.readline())}"


if __name__ == "__main__":
    unittest.main()
