"""A WebSocket peer whose handshake and room leave by different addresses enters its room by its seat."""

import contextlib
import random
import re
import socket
import threading
import unittest

import harness

ROOM_REFUSED = 5
SEAT = re.compile(rb", bob\.seat\.([0-9a-f]{32})")


def read_head(connection):
    """A head of HTTP, with what came behind it."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            break
        head += piece
    return head


def copy(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class TwoExits:
    """Forwards WebSockets to a relay: handshakes to its IPv4 port, and rooms to its port on `rooms_to`. `edit(seat)` gives
    what a room presents instead of its seat. `requests` and `answers` are the heads that passed."""

    def __init__(self, ports, rooms_to="::1", edit=lambda seat: seat):
        self._ports, self._rooms_to, self._edit = ports, rooms_to, edit
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._live = []
        self.url = f"ws://127.0.0.1:{self._socket.getsockname()[1]}"
        self.requests, self.answers = [], []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                self._live.append(peer)
                threading.Thread(target=self._forward, args=(peer,), daemon=True).start()

    def _forward(self, peer):
        with contextlib.suppress(OSError):
            request = read_head(peer)
            self.requests.append(request)
            is_room = b"bob.room" in request
            host = self._rooms_to if is_room else "127.0.0.1"
            if is_room:
                request = SEAT.sub(lambda found: self._edit(found.group()), request)
            relay = socket.create_connection((host, self._ports[host]), harness.LIMIT)
            self._live.append(relay)
            relay.settimeout(None)
            relay.sendall(request)
            answer = read_head(relay)
            self.answers.append(answer)
            peer.sendall(answer)
            back = threading.Thread(target=copy, args=(relay, peer), daemon=True)
            back.start()
            copy(peer, relay)
            back.join()
            peer.close()
            relay.close()

    def seats(self, kind):
        """The seats that were presented with that subprotocol."""
        return [SEAT.search(head).group(1) for head in self.requests if kind in head]

    def end(self):
        # A close alone does not end an accept that is under way.
        for each in (self._socket, *self._live):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Seat(harness.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = cls.world.file("document", random.Random(5).randbytes(300_001))
        cls.inboxes = 0

    def start(self, **named):
        """A relay on both loopbacks, and the forwarder before it."""
        relay = self.world.start_relay("--log-level", "debug", listen=("127.0.0.1:0", "[::1]:0"), rooms=("127.0.0.1:0",))
        ports = {text.rpartition(":")[0].strip("[]"): int(text.rpartition(":")[2]) for text in relay.ready["handshake"]}
        return relay, self.world.keep(TwoExits(ports, **named))

    def transfer(self, sent_by, received_by, status=0):
        type(self).inboxes += 1
        inbox = self.world.folder(f"in-{self.inboxes}")
        sender, code = self.world.send_waiting(self.path, relay=sent_by)
        receiver = self.world.recv("-y", "-o", inbox, code=code, relay=received_by)
        receiver.expect_exit(status)
        sender.expect_exit(status)
        if status == 0:
            harness.assert_same(self.path, inbox / self.path.name)

    def keeps_secret(self, relay, exits):
        """Neither the relay's answers nor its log have a seat."""
        rooms = sum(b"bob.room" in head for head in exits.requests)
        ended = relay.stderr.wait_for(lambda log: log.count(b"channel=room reason=") >= rooms or None, harness.LIMIT)
        self.assertTrue(ended, relay.describe())
        relay.end()  # draining would wait for those who were refused
        log = (relay.stdout.bytes() + relay.stderr.bytes()).lower()
        self.assertIn(b"debug", log)
        for seat in exits.seats(b"bob."):
            for said in (log, *exits.answers):
                self.assertNotIn(seat, said.lower())
        for answer in exits.answers:
            self.assertRegex(answer, rb"\r\nSec-WebSocket-Protocol: bob\.(handshake|room)\r\n")
            self.assertNotIn(b"seat", answer.lower())

    def test_a_room_from_another_address(self):
        relay, exits = self.start()
        self.transfer(exits.url, exits.url)
        seats = exits.seats(b"bob.handshake")
        self.assertEqual(len(set(seats)), 2, "one each")
        self.assertEqual(sorted(seats), sorted(exits.seats(b"bob.room")))
        self.keeps_secret(relay, exits)
        log = relay.stderr.text()
        for address in ("127.0.0.1:", "[::1]:"):
            self.assertIn(address, log, "both were in use")

    def test_the_other_peer_without_websocket(self):
        relay, exits = self.start()
        self.transfer(exits.url, relay.address)
        self.transfer(relay.address, exits.url)
        self.assertEqual(len(set(exits.seats(b"bob."))), 2, "each session has its own")
        self.keeps_secret(relay, exits)

    def test_probe(self):
        relay, exits = self.start()
        self.world.keep(harness.Process([harness.PARLEY, "probe", exits.url])).expect_exit(0)
        self.assertEqual(len(set(exits.seats(b"bob.handshake"))), 2)
        self.assertEqual(sorted(exits.seats(b"bob.handshake")), sorted(exits.seats(b"bob.room")))
        self.keeps_secret(relay, exits)

    def test_a_room_without_the_seat_or_with_another_is_refused(self):
        for rooms_to in ("::1", "127.0.0.1"):
            for edit in (lambda seat: b"", lambda seat: b", bob.seat." + b"0" * 32):
                with self.subTest(rooms_to=rooms_to, presents=edit(b"")):
                    relay, exits = self.start(rooms_to=rooms_to, edit=edit)
                    self.transfer(exits.url, exits.url, status=ROOM_REFUSED)
                    self.keeps_secret(relay, exits)


if __name__ == "__main__":
    unittest.main()
