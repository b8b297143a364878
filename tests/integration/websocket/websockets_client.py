"""Python's `websockets` against a relay: websockets_client.py URL. One JSON line a case; exit 1 when one fails."""

import asyncio
import json
import re
import sys

import websockets

URL = sys.argv[1]
LIMIT = 300
HELLO = b"000001"
IDENTITY = re.compile(rb"000003[\x21-\x7e]{1,53}\x00")


def connect(protocol="bob.handshake", **more):
    return websockets.connect(URL, subprotocols=[protocol], open_timeout=LIMIT, **more)


async def identity(socket):
    data = b""
    while not IDENTITY.fullmatch(data):
        data += await socket.recv()
    return data


async def closed_with(socket):
    """What came before the close, and its code."""
    data = b""
    try:
        while True:
            data += await socket.recv()
    except websockets.ConnectionClosed:
        return data, socket.close_code


async def a_hello_in_fragments():
    async with connect() as socket:
        async def parts():
            for byte in HELLO:
                yield bytes([byte])
        await socket.send(parts())
        await identity(socket)


async def pings_are_answered_while_it_waits():
    async with connect() as socket:
        await socket.send(HELLO)
        await identity(socket)
        for _ in range(3):
            await asyncio.wait_for(await socket.ping(), LIMIT)


async def a_text_is_1003():
    async with connect() as socket:
        await socket.send("000001")
        assert (await closed_with(socket))[1] == 1003, socket.close_code


async def a_message_above_the_bound_is_1009():
    async with connect() as socket:
        await socket.send(bytes(4096))
        assert (await closed_with(socket))[1] == 1009, socket.close_code


async def both_kinds_of_peer_meet():
    """A server's hello is announced to a client that waits."""
    public = bytes.fromhex("00010002" + "0000000000000010" + "00000002" + "0004") + bytes(16)
    async with connect() as client, connect() as server:
        await client.send(HELLO)
        await identity(client)
        await server.send(b"000000" + public)
        announced = b""
        while len(announced) < 6 + 4 + 34 + 1 or not announced.endswith(b"\0"):
            announced += await client.recv()
        assert announced.startswith(b"000004") and announced[10:44] == public, announced


async def a_room_message_may_be_large():
    async with connect("bob.room") as socket:
        await socket.send(b"x" * 5000)  # no line of that length is due: answered, not closed for its size
        data, code = await closed_with(socket)
        assert (data, code) == (b"02", 1000), (data, code)


async def main():
    failed = 0
    for case in (a_hello_in_fragments, pings_are_answered_while_it_waits, a_text_is_1003,
                 a_message_above_the_bound_is_1009, both_kinds_of_peer_meet, a_room_message_may_be_large):
        why = None
        try:
            await asyncio.wait_for(case(), LIMIT)
        except Exception as failure:  # whatever it is, the case has failed
            why = f"{type(failure).__name__}: {failure}"
            failed += 1
        print(json.dumps({"case": case.__name__, "passed": why is None, "why": why}), flush=True)
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
