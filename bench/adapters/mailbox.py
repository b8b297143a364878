"""Stands in for magic-wormhole's mailbox server, which Debian does not have: as much of its protocol
(server-protocol.md of magic-wormhole) as one `wormhole send` and one `wormhole receive` with a given code need.
Messages are kept in memory. What is transferred does not pass here, but through the transit relay.

    mailbox.py PORT        listens on ws://127.0.0.1:PORT/v1, until it is ended
"""

import asyncio
import json
import signal
import sys
import time

import websockets


class Mailbox:
    """What both sides have said so far, and who listens."""

    def __init__(self):
        self.messages, self.listeners = [], set()


class Server:
    def __init__(self):
        self.mailboxes = {}  # by application and nameplate

    async def serve(self, socket, path="/"):
        connection = Connection(self, socket)
        await connection.say("welcome", welcome={})
        try:
            async for text in socket:
                await connection.hear(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        finally:
            connection.leave()


class Connection:
    def __init__(self, server, socket):
        self.server, self.socket = server, socket
        self.application = self.side = self.mailbox = None

    async def say(self, kind, **more):
        # As text: the document says binary, the client refuses that.
        await self.socket.send(json.dumps({"type": kind, "server_tx": time.time(), **more}))

    def leave(self):
        if self.mailbox:
            self.mailbox.listeners.discard(self)

    async def hear(self, message):
        answer = getattr(self, "on_" + message.get("type", ""), None)
        if answer is None:
            return await self.say("error", error="unknown type", orig=message)
        await self.say("ack", id=message.get("id"))
        await answer(message)

    async def on_bind(self, message):
        self.application, self.side = message["appid"], message["side"]

    async def on_list(self, message):
        known = [nameplate for application, nameplate in self.server.mailboxes if application == self.application]
        await self.say("nameplates", nameplates=[{"id": one} for one in known])

    async def on_claim(self, message):
        # The mailbox has the nameplate's name: a code is used once.
        self.server.mailboxes.setdefault((self.application, message["nameplate"]), Mailbox())
        await self.say("claimed", mailbox=message["nameplate"])

    async def on_release(self, message):
        await self.say("released")

    async def on_open(self, message):
        self.mailbox = self.server.mailboxes.setdefault((self.application, message["mailbox"]), Mailbox())
        self.mailbox.listeners.add(self)
        for earlier in list(self.mailbox.messages):
            await self.say("message", **earlier)

    async def on_add(self, message):
        added = {"side": self.side, "phase": message["phase"], "body": message["body"], "id": message.get("id")}
        self.mailbox.messages.append(added)
        for listener in list(self.mailbox.listeners):
            try:
                await listener.say("message", **added)
            except websockets.ConnectionClosed:
                listener.leave()

    async def on_close(self, message):
        self.leave()
        await self.say("closed")

    async def on_ping(self, message):
        await self.say("pong", pong=message["ping"])


async def main(port):
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with websockets.serve(Server().serve, "127.0.0.1", port, ping_interval=None):
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
