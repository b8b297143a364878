"""Attacks on a relay, all at once and at a stated rate: one table at the end of this file, one function for each.

As a program: `attacks.py PLAN`, where PLAN is JSON (see Plan). Runs until standard input ends, then prints as JSON what
each attack did. Comes from its own loopback addresses, at nice 19.

An operation is a connection, or a write of up to 16 KiB. Each attack has its share of the rate, and waits for its turn
before each operation, so the sum never exceeds the rate."""

import asyncio
import contextlib
import contextvars
import dataclasses
import heapq
import itertools
import json
import logging
import os
import random
import resource
import signal
import socket
import ssl
import struct
import sys
import time

WRITE = 16384  # bytes of one operation, at most
BUFFER = 4096  # bytes that this side reads at once
SERVER, CLIENT = b"000000", b"000001"  # hellos; a public follows the first
BASE_POINT = b"\x58" + b"\x66" * 31  # of Ed25519: valid wherever a point is due
# What follows uid and type. Packets 02 and 03 are an identity; 04 and 07 end with one.
BODY = {0: 34, 1: 0, 2: 0, 3: 0, 4: 38, 5: 64, 6: 96, 7: 32, 8: 0, 9: 4, 10: 0, 11: 0, 12: 5, 13: 1, 14: 0, 15: 0}
WITH_IDENTITY = {2, 3, 4, 7}


@dataclasses.dataclass
class Plan:
    ports: dict  # {"tcp" | "tls": [handshake, room], "ws" | "wss": [port]}
    first_address: str
    addresses: int
    rate: float  # operations a second, of this process
    seed: int
    tls_flood: str  # the program


def hello_as_server(salt, iterations=16):
    return SERVER + struct.pack("!HHQHHH", 1, 2, iterations, 0, 2, 4) + salt


def frame(payload, opcode=2):
    """A WebSocket frame of a client, with a mask of zeros."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return head + bytes(4) + payload


class Tokens:
    """A turn every 1 / rate seconds; a quarter of a second's turns may be kept. The lowest rank goes first."""

    def __init__(self, rate):
        self._step = 1 / rate
        self._due = 0.0
        self._waiting = []  # (rank, order of asking, future)
        self._asked = itertools.count()
        self._timer = None

    async def take(self, rank):
        mine = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._asked), mine))
        self._arm()
        await mine

    def _arm(self):
        if self._waiting and not self._timer:
            self._timer = asyncio.get_running_loop().call_at(self._due, self._serve)

    def _serve(self):
        self._timer = None
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - 0.25)
        while self._waiting and self._due <= now:
            _, _, each = heapq.heappop(self._waiting)
            if not each.done():
                each.set_result(None)
                self._due += self._step
        self._arm()


RUN = contextvars.ContextVar("RUN")  # the number of this run of an attack; the oldest has its turns first


class Connection:
    """A stream to the relay over TCP, TLS or a WebSocket. Bytes are the handshake's or the room's; raw() are those of
    the transport. Whatever goes wrong is an OSError."""

    def __init__(self, attack, source):
        self.attack, self.source = attack, source
        self.reader = self.writer = None
        self._websocket = self._ready = False
        self._read = self._unframed = b""

    async def open(self, scheme, kind, path, receive_buffer):
        port = self.attack.plan.ports[scheme][-1 if kind.endswith("room") else 0]
        plain = socket.socket()
        plain.setblocking(False)
        try:
            if receive_buffer:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            plain.bind((self.source, 0))
            await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
            named = {"ssl": INSECURE, "server_hostname": "localhost"} if scheme in ("tls", "wss") else {}
            self.reader, self.writer = await asyncio.open_connection(sock=plain, limit=BUFFER, **named)
        except BaseException:
            plain.close()
            raise
        self.writer.transport.set_write_buffer_limits(WRITE)
        if scheme in ("ws", "wss") and not kind.startswith("raw"):
            await self.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                           f"Sec-WebSocket-Protocol: bob.{kind}\r\n\r\n".encode())
            answer = await self.reader.readuntil(b"\r\n\r\n")
            if b" 101 " not in answer.split(b"\r\n")[0]:
                raise ConnectionError("no upgrade")
            self._websocket = True

    async def ready(self):
        """Takes the turn of the next write now, so that it can follow at once on what it answers."""
        if not self._ready:
            await self.attack.turn()
            self._ready = True

    async def raw(self, data):
        for at in range(0, len(data), WRITE):
            await self.ready()
            self._ready = False
            piece = data[at:at + WRITE]
            self.writer.write(piece)
            self.attack.bytes += len(piece)
            await self.writer.drain()

    async def send(self, data):
        await self.raw(frame(data) if self._websocket else data)

    async def receive(self):
        """Some bytes; ConnectionError at the end."""
        while True:
            piece = await self.reader.read(BUFFER)
            if not piece:
                raise ConnectionResetError("ended")
            if not self._websocket:
                return piece
            self._unframed += piece
            out = b""
            while len(self._unframed) >= 2:
                size, at = self._unframed[1] & 127, 2
                if size == 126:
                    size, at = int.from_bytes(self._unframed[2:4], "big"), 4
                elif size == 127:
                    size, at = int.from_bytes(self._unframed[2:10], "big"), 10
                if len(self._unframed) < at + size:
                    break
                if self._unframed[0] & 15 in (0, 2):
                    out += self._unframed[at:at + size]
                self._unframed = self._unframed[at + size:]
            if out:
                return out

    async def packet(self):
        """The next (uid, type, body) of a handshake, where an identity in the body has no NUL."""
        while True:
            if len(self._read) >= 6:
                kind = int(self._read[4:6], 16)
                end = 6 + BODY[kind]
                if kind in WITH_IDENTITY:
                    end = self._read.find(b"\0", end)
                if end != -1 and len(self._read) >= end:
                    uid, body = self._read[:4], self._read[6:end]
                    self._read = self._read[end + (kind in WITH_IDENTITY):]
                    return uid, kind, body
            self._read += await self.receive()

    async def until(self, wanted):
        """The uid and the body of the next packet of that type."""
        while True:
            uid, kind, body = await self.packet()
            if kind == wanted:
                return uid, body

    async def silence(self, seconds):
        """Reads and forgets for so long, or until the relay ends it."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._forget(), seconds)

    async def _forget(self):
        while True:
            await self.receive()

    def close(self):
        if self.writer:
            self.writer.transport.abort()


INSECURE = ssl.create_default_context()
INSECURE.check_hostname = False
INSECURE.verify_mode = ssl.CERT_NONE


class Attack:
    """One row of the table at work."""

    def __init__(self, plan, row):
        self.plan, self.row = plan, row
        self.random = random.Random(f"{plan.seed} {row.name}")
        self.rate = plan.rate * row.share / sum(r.share for r in TABLE if r.schemes_of(plan))
        self._tokens = Tokens(self.rate)
        self._runs = itertools.count()
        self.operations = self.bytes = self.connections = 0

    async def turn(self):
        await self._tokens.take(RUN.get())
        self.operations += 1

    def source(self, of=None):
        """One of the addresses; `of` limits the choice to the first ones."""
        first = struct.unpack("!I", socket.inet_aton(self.plan.first_address))[0]
        return socket.inet_ntoa(struct.pack("!I", first + self.random.randrange(of or self.plan.addresses)))

    @contextlib.asynccontextmanager
    async def connect(self, kind="handshake", *, source=None, scheme=None, path="/", receive_buffer=0):
        """`kind` is handshake or room; after raw- no WebSocket is asked for."""
        await self.turn()
        connection = Connection(self, source or self.source())
        scheme = scheme or self.random.choice(self.row.schemes_of(self.plan))
        try:
            await asyncio.wait_for(connection.open(scheme, kind, path, receive_buffer), 30)
            self.connections += 1
            yield connection
        finally:
            connection.close()

    def salt(self):
        return self.random.randbytes(16)

    async def work(self):
        while True:
            RUN.set(next(self._runs))
            # What the relay does to it is no failure; it begins again.
            with contextlib.suppress(OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
                await self.row.function(self)
            await asyncio.sleep(0.01)


async def meet(a, client_source, server_source, rooms, receive_buffer=0):
    """Two raw peers who agree without keys and enter their room; their two room connections, of which the first has that
    receive buffer."""
    async with a.connect(source=client_source) as client, a.connect(source=server_source) as server:
        await server.send(hello_as_server(a.salt()))
        _, server_identity = await server.until(2)
        await client.send(CLIENT)
        _, client_identity = await client.until(3)
        while True:
            _, body = await client.until(4)
            if body[38:] == server_identity:
                break
        uid = body[:4]
        await client.send(uid + b"07" + BASE_POINT + client_identity + b"\0")
        while True:
            own, body = await server.until(7)
            if body[32:] == client_identity:
                break
        await server.send(own + b"08")
        await client.until(8)
        await client.send(uid + b"0a")
        await client.until(14)
    ends = []
    for source, other, buffer in ((client_source, server_identity, receive_buffer), (server_source, client_identity, 0)):
        end = await rooms.enter_async_context(a.connect("room", source=source, receive_buffer=buffer))
        await end.send(other + b"\n")
        ends.append(end)
    for end in ends:
        if not (await end.receive()).startswith(b"00"):
            raise ConnectionError("no room")
    return ends


# The attacks. Each runs again and again, in as many tasks as its row says.

async def tls_flood(a, mode):
    program = await asyncio.create_subprocess_exec(
        a.plan.tls_flood, mode, str(a.plan.ports["tls"][0]), a.plan.first_address, str(a.plan.addresses), str(a.rate),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    try:
        raise RuntimeError(f"{a.plan.tls_flood} ended: {await program.wait()}")
    except asyncio.CancelledError:
        said, _ = await program.communicate(b"")
        a.operations, a.bytes, a.connections = map(int, said.split())
        raise


async def key_updates(a):
    await tls_flood(a, "key-updates")


async def renegotiations(a):
    await tls_flood(a, "renegotiations")


async def dear_servers(a):
    """Servers whose key derivation costs much."""
    async with a.connect() as peer:
        await peer.send(hello_as_server(a.salt(), a.random.choice((4096, 200_000, 2**63))))
        await peer.silence(5)


async def silent_servers(a):
    """Servers that never answer."""
    async with a.connect() as peer:
        await peer.send(hello_as_server(a.salt()))
        await peer.silence(30)


async def guessing_servers(a):
    """Servers that answer every client with a guess."""
    async with a.connect() as peer:
        await peer.send(hello_as_server(a.salt()))
        for _ in range(100):
            await peer.ready()
            uid, _ = await asyncio.wait_for(peer.until(7), 20)
            await peer.send(uid + b"06" + BASE_POINT + a.random.randbytes(64))


async def brief_servers(a):
    """Announcements of servers that leave at once."""
    async with a.connect() as peer:
        await peer.send(hello_as_server(a.salt()))


async def guessing_clients(a):
    """Clients that try every server again and again."""
    async with a.connect() as peer:
        await peer.send(CLIENT)
        _, own = await peer.until(3)
        for _ in range(20):
            await peer.ready()
            _, body = await asyncio.wait_for(peer.until(4), 10)
            await peer.send((body[:4] + b"07" + BASE_POINT + own + b"\0") * 10)


async def false_accepts(a):
    """Clients that accept every server without an agreement."""
    async with a.connect() as peer:
        await peer.send(CLIENT)
        for _ in range(20):
            await peer.ready()
            _, body = await asyncio.wait_for(peer.until(4), 10)
            await peer.send(body[:4] + b"0a")


async def attempts_at_nobody(a):
    """X for uids that nobody has, in a lobby of its own where there are lobbies."""
    schemes = a.row.schemes_of(a.plan)
    scheme = next((s for s in ("ws", "wss") if s in schemes), None)
    path = f"/lobby/{a.random.randrange(10_000)}" if scheme else "/"
    async with a.connect(scheme=scheme, path=path) as peer:
        await peer.send(CLIENT)
        _, own = await peer.until(3)
        for _ in range(50):
            await peer.send(b"".join(b"%04x07" % a.random.randrange(1, 0x10000) + BASE_POINT + own + b"\0"
                                     for _ in range(250)))


async def small_packets(a):
    """A server that never reads, and clients that send it the smallest packets there are."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(a.connect(receive_buffer=BUFFER))
        await server.send(hello_as_server(a.salt()))
        _, identity = await server.until(2)
        clients = []
        for _ in range(4):
            client = await stack.enter_async_context(a.connect())
            await client.send(CLIENT)
            while (body := (await client.until(4))[1])[38:] != identity:
                pass
            clients.append(client)
        for _ in range(50):
            for client in clients:
                await client.send((body[:4] + b"0d\0") * (WRITE // 7))


async def packets_to_nobody(a):
    """As many of the smallest packets in one write as fit, to nobody."""
    async with a.connect() as peer:
        await peer.send(CLIENT)
        for _ in range(100):
            await peer.send(b"ffff0d\0" * (WRITE // 7))


async def answers_unread(a):
    """A server that says hello again and again, and never reads the answers."""
    async with a.connect(receive_buffer=BUFFER) as peer:
        for _ in range(100):
            await peer.send(hello_as_server(a.salt()) * (WRITE // 40))


async def stuck_rooms(a):
    """Rooms whose one end writes and whose other end hardly ever reads."""
    async with contextlib.AsyncExitStack() as rooms:
        reader, writer = await meet(a, a.source(), a.source(), rooms, BUFFER)
        reading = asyncio.ensure_future(read_slowly(reader))
        try:
            while not reading.done():
                await writer.send(bytes(16000))
        finally:
            reading.cancel()


async def read_slowly(reader):
    for _ in range(6):
        await asyncio.sleep(10)
        await reader.receive()


async def idle_rooms(a):
    """Rooms in which nothing happens, of a few addresses."""
    async with contextlib.AsyncExitStack() as rooms:
        end, _ = await meet(a, a.source(of=4), a.source(of=4), rooms)
        await end.silence(120)


async def lobbies(a):
    """A waiting client in each of many lobbies, of a few addresses."""
    async with a.connect(source=a.source(of=4), path=f"/lobby/{a.random.randrange(1 << 30):x}") as peer:
        await peer.send(CLIENT)
        await peer.silence(60)


async def waiting_clients(a):
    """Clients who wait for nobody, of a few addresses."""
    async with a.connect(source=a.source(of=8)) as peer:
        await peer.send(CLIENT)
        await peer.silence(60)


async def hellos(a):
    """Hellos of one address after the other, as fast as they go."""
    async with a.connect() as peer:
        await peer.send(CLIENT)


async def stolen_seats(a):
    """Room lines that name peers who were announced, or nobody."""
    async with a.connect() as peer:
        await peer.send(CLIENT)
        _, own = await peer.until(3)
        for _ in range(5):
            _, body = await asyncio.wait_for(peer.until(4), 10)
            for line in (body[38:], own, b"127.66.6.6:666"):
                async with a.connect("room", source=peer.source) as thief:
                    await thief.send(line + b"\n")
                    await thief.silence(1)


async def empty_frames(a):
    """Pings, pongs and empty fragments after a hello."""
    pieces = [frame(b"", 9), frame(b"x" * 100, 9), frame(b"", 10), frame(b"", 2)]
    pieces.append(bytes([2, 0x80]) + bytes(4) + (bytes([0, 0x80]) + bytes(4)) * 100 + frame(b"", 0))
    async with a.connect() as peer:
        await peer.send(CLIENT)
        piece = a.random.choice(pieces)
        for _ in range(100):
            await peer.raw(piece * (WRITE // len(piece)))


async def slow_beginnings(a):
    """A beginning, and then a byte now and then."""
    async with a.connect(a.random.choice(("raw-handshake", "raw-room"))) as peer:
        await peer.raw(a.random.choice((b"", b"0", b"0000", b"GET / HTTP/1.1\r\nX: ", b"\x16\x03\x01\x01\x00\x01", b"127.0.0.1:",
                                        b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c")))
        for _ in range(20):
            await peer.silence(a.random.uniform(2, 6))
            await peer.raw(a.random.choice((b"0", b"x")))


async def large_beginnings(a):
    """Headers, lines and TLS records without end."""
    beginning, more = a.random.choice(((b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-Filling: " + b"y" * 1000 + b"\r\n"),
                                       (b"GET /", b"a" * 1000), (b"127.0.0.1:", b"1" * 1000),
                                       (b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc", b"\0" * 1000)))
    async with a.connect("raw-handshake") as peer:
        await peer.raw(beginning)
        for _ in range(25):
            await peer.raw(more * 4)


async def garbage(a):
    """Bytes that mean nothing, or nearly something."""
    nearly = (b"0000", b"00000200", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"\x16\x03\x03",
              b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n000001", b"\r\n\r\n\0\r\nQUIT\n", CLIENT + b"ffffff")
    async with a.connect(a.random.choice(("raw-handshake", "raw-room"))) as peer:
        await peer.raw(a.random.choice(nearly) + a.random.randbytes(a.random.randrange(400)))
        await peer.silence(1)


@dataclasses.dataclass
class Row:
    function: callable
    share: float  # of the rate, beside the others'
    tasks: int  # at once
    schemes: str  # of which it chooses one; it is left out where the relay has none of them

    @property
    def name(self):
        return self.function.__name__

    def schemes_of(self, plan):
        return [scheme for scheme in self.schemes.split() if scheme in plan.ports]


ANY = "tcp tls ws wss"
TABLE = [
    Row(key_updates, 6, 1, "tls"),
    Row(renegotiations, 6, 1, "tls"),
    Row(dear_servers, 1, 2, ANY),
    Row(silent_servers, 1, 4, ANY),
    Row(guessing_servers, 4, 2, ANY),
    Row(brief_servers, 4, 4, ANY),
    Row(guessing_clients, 6, 8, ANY),
    Row(false_accepts, 4, 8, ANY),
    Row(attempts_at_nobody, 6, 8, ANY),
    Row(small_packets, 8, 2, ANY),
    Row(packets_to_nobody, 8, 8, ANY),
    Row(answers_unread, 6, 2, ANY),
    Row(stuck_rooms, 10, 40, ANY),
    Row(idle_rooms, 4, 60, ANY),
    Row(lobbies, 4, 200, "ws wss"),
    Row(waiting_clients, 3, 150, ANY),
    Row(hellos, 3, 8, ANY),
    Row(stolen_seats, 3, 8, ANY),
    Row(empty_frames, 6, 4, "ws wss"),
    Row(slow_beginnings, 3, 200, ANY),
    Row(large_beginnings, 4, 8, ANY),
    Row(garbage, 3, 16, ANY),
]


async def run(plan):
    began = time.monotonic()
    attacks = [Attack(plan, row) for row in TABLE if row.schemes_of(plan)]
    tasks = [asyncio.ensure_future(a.work()) for a in attacks for _ in range(a.row.tasks)]
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    await asyncio.wait([asyncio.ensure_future(over.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():  # an attack goes on until it is cancelled
            raise task.exception() or RuntimeError("an attack has ended")
    running = set(tasks)
    while running:  # wait_for() may swallow one cancellation
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=10)
    seconds = time.monotonic() - began
    print(json.dumps({a.row.name: [a.operations / seconds, a.bytes / seconds, a.connections] for a in attacks}), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends it
    os.nice(19)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a reset connection is what it is here for
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run(Plan(**json.loads(sys.argv[1]))))
