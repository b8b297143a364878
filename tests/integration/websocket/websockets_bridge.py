"""A WebSocket server by Python's `websockets` in front of a relay's TCP ports: websockets_bridge.py HANDSHAKE ROOM.
Prints the port that it listens on."""

import asyncio
import socket
import struct
import sys

import websockets

PORTS = dict(zip(("bob.handshake", "bob.room"), map(int, sys.argv[1:3])))


async def bridge(peer):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORTS[peer.subprotocol])

    async def to_relay():
        try:
            async for message in peer:
                writer.write(message)
                await writer.drain()
        except websockets.ConnectionClosed:
            pass
        if peer.close_code == 1000:
            return writer.write_eof()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def to_peer():
        try:
            while data := await reader.read(65536):
                await peer.send(data)
            await peer.close(1000)
        except ConnectionError:
            peer.transport.abort()

    await asyncio.gather(to_relay(), to_peer(), return_exceptions=True)
    writer.close()


async def main():
    async with websockets.serve(bridge, "127.0.0.1", 0, subprotocols=list(PORTS), max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
