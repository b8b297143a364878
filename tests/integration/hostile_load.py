"""A relay under attack from all sides at once, while honest transfers go on: every one of those succeeds, the relay's
memory stays under a bound, and whatever was dropped has its reason in /metrics.

The attackers come from addresses of their own in 127.0.0.0/8, honest peers from 127.0.0.1. A small process of this file
(`slow`) holds the slow connections, so that their descriptors are not this process's."""

import contextlib
import json
import os
import pathlib
import random
import resource
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import harness
import relay_operation

SLOW = int(os.environ.get("PARLEY_SLOW_LORIS", "10000"))
MEMORY_BOUND = int(os.environ.get("PARLEY_HOSTILE_MEMORY", str(96 << 20)))
AGAIN = 100  # slow connections made anew in a tenth of a second
ENDLESS = 30  # rooms at a time in which nothing happens
ROUNDS = 4  # of honest transfers, while all attacks go on
LIMITS = {
    "max-connections": 16_000,
    "max-connections-per-address": 500,
    "max-connection-rate": 200,
    "max-hello-rate": 100,  # more than honest rounds at full speed need
    "max-attempts-per-minute": 60,
    "max-packet-rate": 50,
    "max-rooms": 40,
    "max-room-bytes": 100_000_000,
    "room-idle-timeout": 2,
    "preamble-timeout": 8,
}
BEGINNINGS = [b"", b"0", b"0000", b"GET / HTTP/1.1\r\nX: ", b"\x16\x03", b"127.0.0.1:", b"PROXY", b"\r\n\r\n\0"]


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect(source, port):
    connection = socket.socket()
    try:
        connection.settimeout(15)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", port))
        connection.settimeout(5)
    except OSError:
        connection.close()
        raise
    return connection


def slow(port):
    """SLOW connections at a time, from 100 addresses, that say a little and then a byte now and then; one that the relay
    closes is made anew. Until standard input ends."""
    raise_descriptors()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    made = closed = 0
    shown = False

    def begin():
        nonlocal made
        connection = socket.socket()
        connection.setblocking(False)
        connection.bind((f"127.10.0.{made % 100 + 1}", 0))
        connection.connect_ex(("127.0.0.1", port))
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, BEGINNINGS[made % len(BEGINNINGS)])
        made += 1

    due = 0.0
    while True:
        now = time.monotonic()
        if now >= due:  # those that were closed come again, but not so fast that it would be a flood
            due = now + 0.1
            for _ in range(min(SLOW - (made - closed), AGAIN if made >= SLOW else SLOW)):
                begin()
        for key, events in selector.select(0.1):
            if key.fileobj is sys.stdin:
                print(f"{made} {closed}", flush=True)
                return
            gone = False
            try:
                if events & selectors.EVENT_READ:
                    gone = not key.fileobj.recv(4096)
                elif events & selectors.EVENT_WRITE:
                    if key.data:
                        key.fileobj.send(key.data)
                    selector.modify(key.fileobj, selectors.EVENT_READ)
            except OSError:
                gone = True
            if gone:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                closed += 1
        if not shown and made >= SLOW:
            print("all", flush=True)
            shown = True


class Attack(threading.Thread):
    """Calls `step` again and again until it is stopped; what the relay does to it is no failure."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self._step, self._over = step, threading.Event()
        self.start()

    def run(self):
        while not self._over.wait(0.01):
            with contextlib.suppress(OSError):
                self._step()

    def stop(self):
        self._over.set()
        self.join(harness.LIMIT)
        assert not self.is_alive()


def flood_hellos(port):
    """Many connections, each with a hello, from one address, as fast as they go."""
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            peer = stack.enter_context(connect("127.20.0.1", port))
            peer.sendall(b"000001")


def guess(port):
    """A client that asks every waiting server again and again, with nonsense for keys."""
    with connect("127.30.0.1", port) as peer:
        peer.sendall(b"000001")
        time_limit = time.monotonic() + 2
        peer.settimeout(0.5)
        seen = b""
        with contextlib.suppress(socket.timeout):
            while time.monotonic() < time_limit and len(seen) < 8192 and (piece := peer.recv(4096)):
                seen += piece
        peer.settimeout(5)
        servers = [seen[at + 6:at + 10] for at in range(len(seen)) if seen[at:at + 6] == b"000004"]
        for server in servers:
            for _ in range(100):
                peer.sendall(server + b"07" + bytes(32) + b"127.30.0.1:1\0")


def never_read(port):
    """A server whose hello is repeated without end, and whose answers nobody reads."""
    with connect("127.40.0.1", port) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hello = b"000000" + bytes(34)
        for _ in range(200):
            peer.sendall(hello * 500)


def agree(port, a, b):
    """Two raw peers that have agreed; their identities."""
    with connect(a, port) as client, connect(b, port) as server:
        server.sendall(b"000000" + b"\0\1\0\2" + bytes(7) + b"\x10\0\0\0\2\0\4" + bytes(16))
        mine = server.recv(200)
        if not mine.startswith(b"000002"):
            raise OSError("rejected")
        client.sendall(b"000001")
        said = b""
        wanted = mine[6:mine.index(b"\0")]  # a guesser's packet may have come with it
        while wanted + b"\0" not in said[said.find(b"000004"):]:
            piece = client.recv(4096)
            if not piece:
                raise OSError("rejected")
            said += piece
            if not said.startswith(b"000003"):
                raise OSError("rejected")
        at = said.rfind(b"000004", 0, said.find(wanted + b"\0", said.find(b"000004")))
        uid = said[at + 6:at + 10]
        client.sendall(uid + b"07" + b"x" * 32 + said[6:said.index(b"\0")] + b"\0")
        heard = read_until(server, b"07" + b"x" * 32)
        own = heard[heard.rindex(b"07" + b"x" * 32) - 4:][:4]
        server.sendall(own + b"08")
        read_until(client, uid + b"08")
        client.sendall(uid + b"0a")
        while client.recv(4096):
            pass
        return said[6:said.index(b"\0")], wanted


def read_until(peer, wanted):
    said = b""
    while wanted not in said:
        piece = peer.recv(4096)
        if not piece:
            raise OSError("rejected")
        said += piece
    return said


def endless_rooms(port, rooms, held):
    """Pairs that enter rooms and then say nothing, from many addresses, until the relay ends them."""
    for ends in held[:]:
        if select.select(ends, [], [], 0)[0]:  # nobody says anything, so it is the end
            held.remove(ends)
            for end in ends:
                end.close()
    if len(held) >= ENDLESS:
        return
    n = random.randrange(200)
    a, b = f"127.50.{n}.1", f"127.50.{n}.2"
    client, server = agree(port, a, b)
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(connect(source, rooms)) for source in (a, b)]
        for end, other in zip(ends, (server, client)):
            end.sendall(other + b"\n")
        if any(end.recv(2) != b"00" for end in ends):
            raise OSError("rejected")
        stack.pop_all()
    held.append(ends)


class HostileLoad(unittest.TestCase):
    def resident(self):
        status = pathlib.Path(f"/proc/{self.relay.pid}/status").read_text()
        return {line.split(":")[0]: int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("Vm")}

    def refused(self, at):
        return {series.split('"')[1]: int(value) for series, value in relay_operation.metrics(at).items()
                if series.startswith("parley_relay_rejections_total")}

    def honest_round(self, number):
        """Three transfers at once."""
        running = []
        for n in range(3):
            path = self.world.file(f"out/{number}-{n}", random.Random(number * 10 + n).randbytes(400_000))
            running.append((path, self.world.send("--json", path, code=f"honest {number} {n}")))
            running.append((path, self.world.recv("--json", "-y", "-o", self.world.folder(f"in/{number}-{n}"),
                                                  code=f"honest {number} {n}")))
        for path, process in running:
            process.expect_exit(0, 2 * harness.LIMIT)
            harness.assert_same(path, self.world.root / f"in/{path.name}" / path.name)

    def test_everything_at_once(self):
        raise_descriptors()
        self.world = harness.World(relay=False)
        with self.world:
            config = self.world.file("relay.json", json.dumps(LIMITS).encode())
            self.relay = self.world.relay = self.world.start_relay("--config", config, "--http-listen", "127.0.0.1:0")
            at, port, rooms = self.relay.ready["http"][0], self.relay.port, self.relay.room_port
            print(f"relay {self.relay.pid}: {self.resident()['VmRSS'] >> 20} MiB before it begins", flush=True)
            loris = subprocess.Popen([sys.executable, "-B", __file__, "slow", str(port)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
            self.addCleanup(loris.stdout.close)
            self.addCleanup(loris.wait)
            self.addCleanup(loris.stdin.close)
            self.assertEqual(loris.stdout.readline(), b"all\n")
            held = []
            # a server that waits, for the guesser
            victim, _ = self.world.send_waiting("--text", "never to be guessed", code="the victim's code")
            attacks = [Attack(lambda: flood_hellos(port)), Attack(lambda: guess(port)),
                       Attack(lambda: never_read(port)), Attack(lambda: endless_rooms(port, rooms, held))]
            for number in range(ROUNDS):
                self.honest_round(number)
            wanted = ("preamble_timeout", "hello_rate", "attempt_rate", "packet_rate", "room_idle")
            most = time.monotonic() + harness.LIMIT / 2
            while time.monotonic() < most:  # each attack has been felt
                refused = self.refused(at)
                if all(refused[reason] for reason in wanted):
                    break
                self.honest_round(int(time.monotonic() * 1000))
            for attack in attacks:
                attack.stop()
            self.honest_round(99)
            memory = self.resident()
            loris.stdin.close()
            made, closed = map(int, loris.stdout.readline().split())
            refused = self.refused(at)
            print(f"slow connections: {made} made, {closed} ended by the relay; refused: "
                  f"{ {k: v for k, v in refused.items() if v} }; at most {memory['VmHWM'] >> 20} MiB resident", flush=True)
            for reason in wanted:
                self.assertGreater(refused[reason], 0, refused)
            self.assertGreaterEqual(made, SLOW)
            # Each of those that the relay ended was ended for a reason that is counted. (They do not come fast enough
            # from any one address for "connection_rate"; what begins as TLS breaks the rules of a plain relay.)
            broken = relay_operation.metrics(at)['parley_relay_disconnections_total{channel="handshake",reason="peer_fault"}']
            self.assertGreaterEqual(broken + sum(refused[reason] for reason in (
                "connections_full", "over_share", "address_full", "preamble_timeout", "unrecognised")), closed)
            self.assertLess(memory["VmHWM"], MEMORY_BOUND)
            self.assertTrue(victim.running(), victim.describe())
            self.assertNotIn("never to be guessed", self.relay.stderr.text())
            for ends in held:
                for end in ends:
                    end.close()
            self.relay.stop()
            victim.event("reconnecting")
            victim.send_signal(signal.SIGTERM)
            victim.expect_exit(143)


if __name__ == "__main__":
    if sys.argv[1:2] == ["slow"]:
        slow(int(sys.argv[2]))
    else:
        unittest.main()
