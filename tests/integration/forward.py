"""Forwarded ports between two real programs: what passes, what is refused, and how a session ends."""

import contextlib
import http.client
import http.server
import signal
import socket
import struct
import threading
import unittest

import harness


class Target:
    """A TCP server on 127.0.0.1; `serve(connection)` runs in a thread for each connection."""

    def __init__(self, serve):
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(harness.LIMIT)
            self._serve(connection)

    def end(self):
        self._socket.close()


def echo(connection):
    while piece := connection.recv(1 << 16):
        connection.sendall(piece)


def count(connection):
    """Answers once the other direction has ended."""
    connection.sendall(b"%d bytes" % len(read_all(connection)))


def read_all(connection):
    data = bytearray()
    while piece := connection.recv(1 << 16):
        data += piece
    return bytes(data)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode() * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Forwarding(harness.FreshCase):
    def target(self, serve):
        return self.world.keep(Target(serve))

    def expose(self, *targets, **named):
        """The exposing side, and its new code."""
        side = self.world.parley("forward", "--json", "--expose", *targets, **named)
        return side, side.event("code")["code"]

    def start(self, *targets, rules=None, **named):
        """Both sides, once the second one listens, and its ports in the order of `rules`."""
        rules = rules or [f"127.0.0.1:0:{target}" for target in targets]
        exposing, code = self.expose(*targets)
        listening = self.world.parley("forward", "--json", *[a for rule in rules for a in ("-L", rule)], code=code, **named)
        ports = [int(listening.event("listening")["address"].rpartition(":")[2]) for _ in rules]
        return exposing, listening, ports

    def connect(self, port, host="127.0.0.1"):
        connection = self.world.keep(Closing(host, port))
        connection.settimeout(harness.LIMIT)
        return connection

    def assert_reset(self, connection):
        with self.assertRaises(ConnectionResetError):
            connection.recv(1)

    def test_carries_many_connections_at_once(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        echoing = self.target(echo)
        exposing, listening, (web, plain) = self.start(
            f"localhost:{server.server_address[1]}", f"127.0.0.1:{echoing.port}")
        data = bytes(range(256)) * 4096
        got = {}

        def exchange(number):
            with socket.create_connection(("127.0.0.1", plain), harness.LIMIT) as connection:
                writer = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
                writer.start()
                got[number] = read_all(connection) == data
                writer.join()

        def fetch(number):
            connection = http.client.HTTPConnection("127.0.0.1", web, timeout=harness.LIMIT)
            with contextlib.closing(connection):
                connection.request("GET", f"/{number}")
                got[number] = connection.getresponse().read() == f"/{number}".encode() * 1000

        threads = [threading.Thread(target=exchange if n % 2 else fetch, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, {n: True for n in range(16)})
        closed = [listening.event("closed") for _ in range(16)]
        self.assertEqual(sum(event["sent"] == event["received"] == len(data) for event in closed), 8)
        listening.send_signal(signal.SIGINT)
        listening.expect_exit(130)
        exposing.expect_exit(0)
        ended = exposing.events()[-1]
        self.assertEqual((ended["event"], ended["connections"]), ("ended", 16))
        self.assertEqual(ended["sent"], sum(event["received"] for event in closed))

    def test_an_end_of_one_direction_arrives_before_the_answer(self):
        target = self.target(count)
        _, listening, (port,) = self.start(f"127.0.0.1:{target.port}")
        connection = self.connect(port)
        connection.sendall(b"x" * 100000)
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(connection), b"100000 bytes")
        event = listening.event("closed")
        self.assertEqual((event["sent"], event["received"], event["reason"]), (100000, 12, None))

    def test_what_is_not_exposed_is_refused(self):
        target = self.target(echo)
        exposing, listening, (port,) = self.start(
            f"127.0.0.1:{target.port}", rules=[f"127.0.0.1:0:localhost:{target.port}"])
        self.assert_reset(self.connect(port))
        for side in (exposing, listening):
            event = side.event("not_opened")
            self.assertEqual((event["target"], event["reason"]), (f"localhost:{target.port}", "it is not exposed"))

    def test_a_target_that_refuses_resets_the_program(self):
        closed = f"127.0.0.1:{harness.free_port()}"
        target = self.target(echo)
        _, listening, (port, other) = self.start(closed, f"127.0.0.1:{target.port}")
        self.assert_reset(self.connect(port))
        self.assertIn("refused", listening.event("not_opened")["reason"])
        connection = self.connect(other)  # the session goes on
        connection.sendall(b"still here")
        self.assertEqual(connection.recv(100), b"still here")

    def test_a_reset_arrives_as_a_reset(self):
        def reset(connection):
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        target = self.target(reset)
        _, listening, (port,) = self.start(f"127.0.0.1:{target.port}")
        connection = self.connect(port)
        connection.sendall(b"x")
        self.assert_reset(connection)
        self.assertIn("reset", listening.event("closed")["reason"])

    def test_the_death_of_one_side_ends_the_other_one(self):
        target = self.target(echo)
        for victim in (0, 1):
            with self.subTest(victim=("exposing", "listening")[victim]):
                *sides, (port,) = self.start(f"127.0.0.1:{target.port}")
                connection = self.connect(port)
                connection.sendall(b"x")
                self.assertEqual(connection.recv(1), b"x")
                sides[victim].send_signal(signal.SIGKILL)
                left = sides[1 - victim].expect_exit(7)
                self.assertIn("not continued", left.stderr.text())
                self.assertEqual(left.events()[-1]["event"], "error")
                if victim == 0:  # the kernel ends the connection of the other one
                    self.assert_reset(connection)

    def test_a_signal_ends_the_other_side_in_order(self):
        target = self.target(echo)
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number=number):
                exposing, listening, (port,) = self.start(f"127.0.0.1:{target.port}")
                connection = self.connect(port)
                connection.sendall(b"x")
                self.assertEqual(connection.recv(1), b"x")
                exposing.send_signal(number)
                exposing.expect_exit(status)
                listening.expect_exit(0)
                self.assertEqual(listening.events()[-1]["event"], "ended")
                self.assert_reset(connection)
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port), harness.LIMIT)

    def test_ctrl_c_while_it_waits(self):
        side = self.world.parley("forward", "--json", "--expose", "localhost:1")
        side.event("waiting")
        side.send_signal(signal.SIGINT)
        side.expect_exit(130)

    def test_listens_on_loopback_only(self):
        target = self.target(echo)
        _, _, (port,) = self.start(f"127.0.0.1:{target.port}", rules=[f"0:127.0.0.1:{target.port}"])
        connection = self.connect(port, "localhost")
        connection.sendall(b"x")
        self.assertEqual(connection.recv(1), b"x")
        with self.assertRaises(ConnectionRefusedError):  # an address of this computer all the same
            socket.create_connection(("127.0.0.2", port), harness.LIMIT)

    def test_an_address_in_use_is_told_before_a_code_is_asked_for(self):
        taken = self.target(echo)
        side = self.world.parley("forward", "-L", f"127.0.0.1:{taken.port}:localhost:1")
        side.expect_exit(8)
        self.assertIn("Address already in use", side.stderr.text())

    def test_says_in_words_what_happens(self):
        target = self.target(echo)
        exposed = f"127.0.0.1:{target.port}"
        exposing = self.world.parley("forward", "--expose", exposed, code="any password")
        listening = self.world.parley("forward", "-L", f"127.0.0.1:0:{exposed}", stdin=b"any password\n")
        listening.wait_text(f"forwarding to {exposed}\n")
        address = listening.stderr.text().partition("Listening on ")[2].partition(",")[0]
        connection = self.connect(int(address.rpartition(":")[2]))
        connection.sendall(b"x")
        self.assertEqual(connection.recv(1), b"x")
        connection.close()
        listening.wait_text(f"Connection 1 to {exposed} closed: 1 B sent, 1 B received\n")
        exposing.send_signal(signal.SIGINT)
        exposing.expect_exit(130)
        listening.expect_exit(0)
        for text in (f"Exposing {exposed}\n", f"Connection 1 to {exposed} opened ({exposed})\n", "parley: interrupted\n"):
            self.assertIn(text, exposing.stderr.text())
        self.assertIn("The other side has ended the session: 1 connection, 1 B sent, 1 B received in ",
                      listening.stderr.text())

    def test_two_sides_of_the_same_kind_do_not_meet_each_other(self):
        sides = [self.world.parley("forward", "--json", "--expose", "localhost:1", "--timeout", "1", code="same")
                 for _ in range(2)]
        for side in sides:
            side.expect_exit(4)

    def test_a_receiver_of_documents_does_not_match(self):
        side, code = self.expose("localhost:1")
        receiver = self.world.recv("-y", "--session", "2", "-o", self.world.folder("in"), code=code)
        self.assertNotEqual(receiver.wait(), 0)
        self.assertNotEqual(side.wait(), 0)
        self.assertIn("--expose", side.stderr.text())


class Closing(socket.socket):
    """A connected socket that a World can keep."""

    def __init__(self, host, port):
        super().__init__()
        self.connect((host, port))

    def end(self):
        self.close()


if __name__ == "__main__":
    unittest.main()
