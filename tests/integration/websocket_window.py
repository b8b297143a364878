"""Rooms with a window (PROTOCOL.md section 9, bob.room.window): how far the relay goes ahead of a peer's counts, real transfers
with Python's `websockets` in the place of a page, and counts that break the rules."""

import asyncio
import contextlib
import os
import random
import socket
import struct
import unittest

import harness
import websockets
import websockets.exceptions
from websockets.legacy.client import connect
from websocket_conformance import BINARY, CLOSE, CONTINUATION, HELLO, PING, PONG, TEXT, RawClient, frame, resident_kib

WINDOW = 8 << 20
PUBLIC = bytes.fromhex("00010002" + "0000000000000010" + "00000002" + "0004") + bytes(16)


def read_until(peer, done):
    got = b""
    while not done(got):
        opcode, payload = peer.next_frame()
        if opcode == BINARY:
            got += payload
    return got


def close_code(peer):
    """That of the close frame, which must come. A room that ends so is reset behind it."""
    while (got := peer.next_frame()) is not None:
        if got[0] == CLOSE:
            return struct.unpack("!H", got[1][:2])[0]
    raise AssertionError("the connection ended without a close frame")


class Room:
    """Two peers that have agreed over WebSockets, in their room: the client with a window unless `protocol` says otherwise."""

    def __init__(self, port, protocol="bob.room.window", other="bob.room"):
        with RawClient(port) as client, RawClient(port) as server:
            client.send(frame(BINARY, HELLO))
            client_identity = read_until(client, lambda got: got.endswith(b"\0"))[6:-1]
            server.send(frame(BINARY, b"000000" + PUBLIC))
            announced = read_until(client, lambda got: b"000004" in got and len(got) > 55 and got.endswith(b"\0"))
            announced = announced[announced.index(b"000004") + 6:]
            uid, server_identity = announced[:4], announced[38:-1]
            client.send(frame(BINARY, uid + b"07" + b"x" * 32 + client_identity + b"\0"))
            tried = read_until(server, lambda got: b"07" + b"x" * 32 in got)
            at = tried.index(b"07" + b"x" * 32)
            server.send(frame(BINARY, tried[at - 4:at] + b"08"))
            read_until(client, lambda got: uid + b"08" in got)
            client.send(frame(BINARY, uid + b"0a"))
            read_until(client, lambda got: b"00000e" in got)
        self.client = RawClient(port, protocol)
        self.client.send(frame(BINARY, server_identity + b"\n"))
        self.server = RawClient(port, other)
        self.server.send(frame(BINARY, client_identity + b"\n"))
        self.taken = len(read_until(self.client, lambda got: len(got) == 2))  # "00", the first bytes that count
        read_until(self.server, lambda got: len(got) == 2)
        self.pings = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in (self.client, self.server):
            peer.__exit__()

    def push(self, size):
        """Writes to the room as its other peer, in the background."""
        piece = frame(BINARY, bytes(1 << 16))
        assert size % (1 << 16) == 0
        self.server.socket.setblocking(True)
        return asyncio.to_thread(lambda: [self.server.send(piece) for _ in range(size >> 16)])

    def count(self, number):
        self.client.send(frame(TEXT, str(number).encode()))

    def take(self, size):
        """Reads until `size` bytes of the stream have come."""
        while self.taken < size:
            opcode, payload = self.client.next_frame()
            assert opcode == BINARY, (opcode, payload)
            self.taken += len(payload)

    def expect_nothing_more(self):
        """A ping is answered, and before the answer no byte comes."""
        self.pings += 1
        self.client.send(frame(PING, b"%d" % self.pings))
        opcode, payload = self.client.next_frame()
        assert (opcode, payload) == (PONG, b"%d" % self.pings), (opcode, len(payload))


class Window(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(relay=False)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.relay = cls.world.start_relay(listen=("ws://127.0.0.1:0",), rooms=())
        cls.url = cls.relay.ready["handshake"][0]
        cls.port = int(cls.url.rpartition(":")[2].partition("/")[0])

    def run_bounded(self, work):
        return asyncio.run(asyncio.wait_for(work, harness.LIMIT))

    def test_the_relay_is_a_window_ahead_of_the_counts(self):
        async def run():
            before = resident_kib(self.relay.pid)
            size = 5 * WINDOW
            with Room(self.port) as room:
                pushing = asyncio.create_task(room.push(size))
                await asyncio.to_thread(room.take, WINDOW)
                for used in (0, 1, 70_000, WINDOW // 2, WINDOW):
                    room.count(used)
                    await asyncio.to_thread(room.take, WINDOW + used)
                    self.assertEqual(room.taken, WINDOW + used)
                    await asyncio.to_thread(room.expect_nothing_more)
                self.assertFalse(pushing.done())
                self.assertLess(resident_kib(self.relay.pid) - before, 16 * 1024)
                while room.taken < size + 2:
                    room.count(room.taken)
                    await asyncio.to_thread(room.take, min(room.taken + WINDOW, size + 2))
                await pushing
                await asyncio.to_thread(room.expect_nothing_more)

        self.run_bounded(run())

    def test_a_room_without_a_window_does_not_wait(self):
        async def run():
            with Room(self.port, "bob.room") as room:
                pushing = asyncio.create_task(room.push(3 * WINDOW))
                await asyncio.to_thread(room.take, 3 * WINDOW + 2)
                await pushing
                room.count(1)
                self.assertEqual(close_code(room.client), 1003)

        self.run_bounded(run())

    def test_both_sides_may_have_one(self):
        async def run():
            size = 6 << 20  # each has this under way and uncounted at the same time
            with Room(self.port, other="bob.room.window") as room:
                pushing = asyncio.create_task(room.push(size))
                piece = frame(BINARY, bytes(1 << 16))
                await asyncio.to_thread(lambda: [room.client.send(piece) for _ in range(size >> 16)])
                await asyncio.to_thread(room.take, size + 2)
                got = await asyncio.to_thread(read_until, room.server, lambda got: len(got) == size)
                self.assertEqual(len(got), size)
                await pushing

        self.run_bounded(run())

    def test_counts_that_break_the_rules(self):
        bad = [frame(TEXT, text) for text in (b"", b"x", b"-1", b"+2", b" 2", b"02", b"2.0", b"3", b"9" * 16, b"1" * 17,
                                              "٢".encode(), b"2\0")]
        bad += [frame(TEXT, b"2") + frame(TEXT, b"1"), frame(TEXT, b"0", final=False) + frame(CONTINUATION, b"2"),
                frame(TEXT, b"1", final=False) + frame(BINARY, b"x")]
        for frames in bad:
            with self.subTest(frames=frames), Room(self.port) as room:
                room.client.send(frames)
                self.assertEqual(close_code(room.client), 1002)
                # The other peer learns that the room is over.
                with contextlib.suppress(ConnectionResetError):
                    while (got := room.server.next_frame()) is not None and got[0] != CLOSE:
                        pass
        with Room(self.port) as room:  # a flood of counts that say nothing new
            room.client.send(frame(TEXT, b"2") * 1000)
            self.assertEqual(close_code(room.client), 1008)
        with Room(self.port) as room:  # in fragments, with pings between
            room.client.send(frame(TEXT, b"", final=False), frame(PING), frame(CONTINUATION, b"2"), frame(PING))
            self.assertEqual([room.client.next_frame()[0] for _ in range(2)], [PONG, PONG])

    def test_a_peer_that_never_counts_does_not_hold_the_room(self):
        relay = self.world.start_relay("--room-stall-timeout", "2", listen=("ws://127.0.0.1:0",), rooms=())
        port = int(relay.ready["handshake"][0].rpartition(":")[2].partition("/")[0])

        async def run():
            with Room(port) as room:
                with contextlib.suppress(ConnectionError):
                    await room.push(3 * WINDOW)
                relay.wait_text("room_stalled")

        self.run_bounded(run())

    def test_a_peer_that_goes_away_ends_the_room(self):
        async def run():
            for how in (b"\x88\x80\0\0\0\0", b"\x88\x82\0\0\0\0\x03\xe9", None):
                with Room(self.port) as room:
                    pushing = asyncio.create_task(room.push(3 * WINDOW))
                    await asyncio.to_thread(room.take, WINDOW)
                    if how is None:
                        room.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        room.client.__exit__()
                    else:
                        room.client.send(how)
                    with self.assertRaises(ConnectionError):
                        while True:
                            await pushing
                            room.server.send(frame(BINARY, bytes(1 << 16)))

        self.run_bounded(run())

    def test_real_transfers(self):
        """Our programs connect to websockets, whose rooms have a window towards the relay, as a page's have."""
        chance = random.Random(11)
        kinds = []

        async def to_relay(peer, relay):
            async for message in peer:
                await relay.send(message)
            await relay.close(1000)

        async def from_relay(relay, peer):
            used = told = 0
            async for message in relay:
                await peer.send(message)
                used += len(message)
                if relay.subprotocol == "bob.room.window" and used - told >= chance.choice((1 << 18, 1 << 22)):
                    await relay.send(str(told := used))
            await peer.close(1000)

        async def serve(peer):
            kind = "bob.room.window" if peer.subprotocol == "bob.room" else peer.subprotocol
            async with connect(self.url, subprotocols=[kind, "bob.room"] if kind != "bob.handshake" else [kind],
                               max_size=None, ping_interval=None) as relay:
                kinds.append(relay.subprotocol)
                with contextlib.suppress(websockets.exceptions.ConnectionClosed):
                    await asyncio.gather(to_relay(peer, relay), from_relay(relay, peer))

        async def run():
            async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["bob.handshake", "bob.room"], max_size=None,
                                        ping_interval=None) as server:
                url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                for sent_by, received_by in ((url, url), (url, self.url), (self.url, url)):
                    await asyncio.to_thread(pass_on, sent_by, received_by)

        def pass_on(sent_by, received_by):
            path = self.world.file("windowed", os.urandom(30_000_001))
            inbox = self.world.folder(f"in-{len(kinds)}")
            sender, code = self.world.send_waiting("--no-compress", path, relay=sent_by)
            self.world.recv("-y", "-o", inbox, code=code, relay=received_by).expect_exit(0)
            sender.expect_exit(0)
            harness.assert_same(path, inbox / path.name)

        self.run_bounded(run())
        self.assertEqual(kinds.count("bob.room.window"), 4)


if __name__ == "__main__":
    unittest.main()
