"""WebSockets under hostile clients, half-open ones, and our own client before a server of others (Python's websockets)."""

import asyncio
import contextlib
import os
import random
import unittest

import harness
import websockets
import websockets.exceptions
from websockets.legacy.client import connect
from websocket_conformance import BINARY, CONTINUATION, HELLO, PING, RawClient, frame, resident_kib


HOSTILE_ADDRESS = "127.0.0.66"  # the relay's limits are for each address, and honest peers have another
MEMORY_BOUND_KIB = int(os.environ.get("PARLEY_HOSTILE_KIB", 24 * 1024))  # what the relay may take for all clients


def push(client, piece, most):
    """Sends `piece` again and again until the other side takes no more or has gone."""
    client.socket.setblocking(False)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most:
            sent += client.socket.send(piece)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(relay=False)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)

    def start_relay(self, *options):
        relay = self.world.start_relay(*options, listen=("ws://127.0.0.1:0",), rooms=())
        url = relay.ready["handshake"][0]
        return relay, url, int(url.rpartition(":")[2].partition("/")[0])

    def run_bounded(self, work):
        return asyncio.run(asyncio.wait_for(work, harness.LIMIT))

    def test_half_open_connections_are_dropped(self):
        relay, _, port = self.start_relay("--ping-interval", "0.2")
        silent = [RawClient(port, kind) for kind in ("bob.handshake", "bob.room", "bob.handshake")]
        silent[2].socket.sendall(frame(BINARY, HELLO))
        for peer in silent:  # it never answers a ping; the relay's end must come by itself
            peer.socket.settimeout(harness.LIMIT)
            with contextlib.suppress(ConnectionResetError):
                while peer.socket.recv(4096):
                    pass
            peer.__exit__()

        async def answering():
            async with connect(f"ws://127.0.0.1:{port}/", subprotocols=["bob.handshake"], ping_interval=None) as peer:
                await peer.send(HELLO)
                with self.assertRaises(TimeoutError):  # the library answers pings: it is kept
                    async with asyncio.timeout(2):
                        while True:
                            await peer.recv()
                self.assertTrue(peer.open)

        self.run_bounded(answering())
        relay.stop()

    def test_memory_under_hostile_clients(self):
        """200 connections push what is allowed for ever: the relay's memory stays bounded, and it goes on serving."""
        relay, url, port = self.start_relay()
        before = resident_kib(relay.pid)
        empty = frame(BINARY, final=False)
        endless = frame(CONTINUATION, final=False) * 200
        ping = frame(PING, bytes(125)) * 100
        peers = []
        for i in range(200):
            kind = i % 5
            if kind == 0:  # a message of empty fragments
                peers.append(RawClient(port, source=HOSTILE_ADDRESS))
                peers[-1].socket.sendall(empty)
                push(peers[-1], endless, 1 << 20)
            elif kind == 1:  # pings whose answers are never read
                peers.append(RawClient(port, source=HOSTILE_ADDRESS))
                push(peers[-1], ping, 4 << 20)
            elif kind == 2:  # hellos for ever, without reading
                peers.append(RawClient(port, source=HOSTILE_ADDRESS))
                push(peers[-1], frame(BINARY, HELLO * 100) * 10, 1 << 20)
            elif kind == 3:  # a room line without end
                peers.append(RawClient(port, "bob.room", HOSTILE_ADDRESS))
                push(peers[-1], frame(BINARY, b"1" * 1000) * 10, 1 << 20)
            else:  # a frame of a whole room message that never comes to its end
                peers.append(RawClient(port, "bob.room", HOSTILE_ADDRESS))
                peers[-1].socket.sendall(frame(BINARY, length=1 << 20))
        self.assertLess(resident_kib(relay.pid) - before, MEMORY_BOUND_KIB)
        path = self.world.file("meanwhile", os.urandom(100_000))
        sender, code = self.world.send_waiting(path, relay=url)
        inbox = self.world.folder("in-meanwhile")
        self.world.recv("-y", "-o", inbox, code=code, relay=url).expect_exit(0)
        sender.expect_exit(0)
        harness.assert_same(path, inbox / path.name)
        self.assertLess(resident_kib(relay.pid) - before, MEMORY_BOUND_KIB)
        for peer in peers:
            peer.__exit__()

    def test_our_client_and_a_server_of_others(self):
        """Our programs connect to websockets, which passes the bytes on to the relay's TCP ports as it likes."""
        relay = self.world.start_relay()
        chance = random.Random(9)

        async def to_relay(peer, writer):
            async for message in peer:
                writer.write(message)
                await writer.drain()
            writer.write_eof()

        async def from_relay(reader, peer):
            while piece := await reader.read(40_000):
                if chance.random() < 0.3:
                    await peer.ping()
                cuts = sorted(chance.randrange(len(piece) + 1) for _ in range(3))
                await peer.send([piece[a:b] for a, b in zip([0, *cuts], [*cuts, len(piece)])])
            await peer.close(1000)

        kinds = []

        async def serve(peer):
            kinds.append(peer.subprotocol)
            port = relay.room_port if peer.subprotocol == "bob.room" else relay.port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(websockets.exceptions.ConnectionClosed, OSError):
                await asyncio.gather(to_relay(peer, writer), from_relay(reader, peer))
            writer.close()

        async def run():
            async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["bob.handshake", "bob.room"],
                                        max_size=1 << 21) as server:
                url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/any/path"
                for sent_by, received_by in ((url, url), (url, relay.address), (relay.address, url)):
                    await asyncio.to_thread(pass_on, sent_by, received_by)

        def pass_on(sent_by, received_by):
            path = self.world.file("bridged", random.Random(1).randbytes(600_001))
            inbox = self.world.folder(f"in-{len(kinds)}")
            sender, code = self.world.send_waiting(path, relay=sent_by)
            self.world.recv("-y", "-o", inbox, code=code, relay=received_by).expect_exit(0)
            sender.expect_exit(0)
            harness.assert_same(path, inbox / path.name)

        self.run_bounded(run())
        self.assertEqual(sorted(kinds), ["bob.handshake"] * 4 + ["bob.room"] * 4)


if __name__ == "__main__":
    unittest.main()
