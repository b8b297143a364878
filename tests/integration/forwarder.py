"""A TCP forwarder between one peer and the relay. It counts what passes, resets rooms as the test wants, and can edit what
goes by.

    near = world.keep(forwarder.Forwarder(relay, resets=[300_000, 5_000_000]))
    sender = world.send(path, relay=near.address)

Both channels have a port of their own, and the room's bytes are those of all room connections so far."""

import asyncio
import contextlib
import socket
import struct
import threading
import time

import harness

PIECE = 1 << 16
BUFFER = 1 << 17  # of each socket, so that little is under way


def with_buffers(connection):
    for name in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        connection.setsockopt(socket.SOL_SOCKET, name, BUFFER)
    return connection


def reset(writer):
    """Ends a connection with a reset, and throws away what is under way."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Forwarder:
    """Forwards to the ports of `relay` (anything with `port` and `room_port`), which may be nobody's for a while.

    resets    the first room connection is reset after so many bytes in both directions, the next one after the next number,
              and so on; None and those after the last number live on
    to_relay  edits what goes to the relay on a handshake connection: to_relay(all bytes so far) -> as many bytes, or None
              to wait for more
    to_peer   likewise what comes from the relay
    """

    def __init__(self, relay, resets=(), to_relay=None, to_peer=None):
        self._targets = {False: relay.port, True: relay.room_port}
        self._resets = list(resets)
        self._edits = {True: to_relay, False: to_peer}
        self._changed = threading.Condition()
        self.sent = 0      # bytes of rooms that went to the relay
        self.came = 0      # bytes of rooms that came from it
        self.rooms = 0     # room connections
        self.was_reset = 0
        self._writers = set()
        self._live_rooms = set()  # of pairs of writers
        self._hold_at = None      # of `sent`
        self._flows = asyncio.Event()
        self._flows.set()
        self._servers = []
        listeners = {is_room: with_buffers(socket.create_server(("127.0.0.1", 0))) for is_room in (False, True)}
        ports = {is_room: each.getsockname()[1] for is_room, each in listeners.items()}
        self.address = f"127.0.0.1:{ports[False]},{ports[True]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(listeners,), daemon=True)
        self._thread.start()

    def _run(self, listeners):
        asyncio.set_event_loop(self._loop)
        for is_room, listener in listeners.items():
            async def serve(reader, writer, is_room=is_room):
                await self._serve(reader, writer, is_room)
            self._servers.append(self._loop.run_until_complete(asyncio.start_server(serve, sock=listener, limit=PIECE)))
        self._loop.run_forever()
        self._flows.set()
        for server in self._servers:
            server.close()
        while tasks := asyncio.all_tasks(self._loop):
            for writer in self._writers:
                writer.transport.abort()
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=0.1))
        self._loop.close()

    async def _serve(self, peer_reader, peer, is_room):
        towards = with_buffers(socket.socket())
        towards.setblocking(False)
        try:
            await self._loop.sock_connect(towards, ("127.0.0.1", self._targets[is_room]))
            relay_reader, relay = await asyncio.open_connection(sock=towards, limit=PIECE)
        except OSError:
            towards.close()
            reset(peer)
            return
        pair = (peer, relay)
        self._writers |= {*pair}
        left = None
        if is_room:
            left = [self._resets.pop(0) if self._resets else None]
            self._live_rooms.add(pair)
            with self._changed:
                self.rooms += 1
                self._changed.notify_all()
        await asyncio.gather(self._copy(peer_reader, relay, pair, left, True),
                             self._copy(relay_reader, peer, pair, left, False))
        self._writers -= {*pair}
        with self._changed:
            self._live_rooms.discard(pair)
            self._changed.notify_all()
        for writer in pair:
            writer.close()

    async def _copy(self, reader, writer, pair, left, is_to_relay):
        edit = self._edits[is_to_relay] if left is None else None
        waiting = b""
        try:
            while piece := await reader.read(PIECE):
                if edit:
                    waiting += piece
                    piece = edit(waiting)
                    if piece is None:
                        continue
                    edit, waiting = None, b""
                writer.write(piece)
                await writer.drain()
                if left is not None:
                    if self._count(len(piece), left, is_to_relay):
                        break
                    if is_to_relay:
                        await self._flows.wait()
            else:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
        except OSError:
            pass
        for each in pair:
            reset(each)

    def _count(self, size, left, is_to_relay):
        """Whether the room is to be reset now."""
        due = False
        if left[0] is not None:
            left[0] -= size
            due = left[0] <= 0
        with self._changed:
            if is_to_relay:
                self.sent += size
            else:
                self.came += size
            self.was_reset += due
            if self._hold_at is not None and self.sent >= self._hold_at:
                self._flows.clear()
            self._changed.notify_all()
        return due

    def hold_at(self, sent):
        """Holds what goes to the relay in rooms, as soon as so many bytes were sent in all."""
        with self._changed:
            self._hold_at = sent

    def release(self):
        """Holds nothing any more."""
        with self._changed:
            self._hold_at = None
        self._loop.call_soon_threadsafe(self._flows.set)

    @property
    def open_rooms(self):
        return len(self._live_rooms)

    def reset_rooms(self):
        """Resets the rooms that are open now."""
        self._loop.call_soon_threadsafe(lambda: [reset(writer) for pair in self._live_rooms for writer in pair])

    def wait_until(self, reached, timeout=harness.LIMIT):
        """Waits until reached(self), which is asked whenever bytes pass, and now and then."""
        limit = time.monotonic() + timeout
        with self._changed:
            while not reached(self):
                if time.monotonic() >= limit:
                    raise harness.Failure(f"sent {self.sent}, came {self.came}, rooms {self.rooms}")
                self._changed.wait(0.1)

    def end(self):
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(harness.LIMIT)
