"""A gate between a receiver and the relay: it lets bytes through until it is told otherwise, and ends the receiver's room
connection as the test wants. It knows just enough of WebSockets to put a close frame in place of the receiver's own."""

import contextlib
import os
import select
import socket
import struct
import threading

import harness

CLOSE_OPCODE = 8


def close_frame(code):
    """A masked close frame with that code."""
    mask = os.urandom(4)
    payload = struct.pack("!H", code)
    return bytes([0x80 | CLOSE_OPCODE, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def reset(connection):
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def receive(connection):
    """The next bytes; nothing at an end in order. An error after a reset, and when another thread closes it meanwhile."""
    while connection.fileno() >= 0:
        ready, _, _ = select.select([connection], [], [], 0.02)
        if not ready:
            continue
        piece = connection.recv(1 << 16)
        closed = 7  # the system reports a reset once only: to a write, perhaps
        if not piece and connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == closed:
            break
        return piece
    raise ConnectionResetError


class Gate:
    """Listens on `address`, and connects to the relay's port.

    pass_bytes  how many bytes of the room go on to the receiver before the gate holds the rest (None: all)
    hold_tail   whether the last ten bytes of the room are held, however many there are
    hold_end    whether the receiver's own end of its room is kept from the relay
    """

    TAIL = 10

    def __init__(self, port, pass_bytes=None, hold_tail=False, hold_end=False):
        self._relay_port = port
        self._pass_bytes, self._hold_tail, self._hold_end = pass_bytes, hold_tail, hold_end
        self._open = threading.Event()     # set: nothing is held any more
        self.holds = threading.Event()     # bytes for the receiver are being held
        self.receiver_ended = threading.Event()
        self._room = None                  # towards the relay
        self._is_websocket = False
        self._connections = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                receiver, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(receiver,), daemon=True).start()

    def _serve(self, receiver):
        first = receiver.recv(1 << 16)
        is_websocket = first.startswith(b"GET ")
        is_room = b"bob.room" in first if is_websocket else not first.startswith(b"0000")
        relay = socket.create_connection(("127.0.0.1", self._relay_port))
        self._connections += [receiver, relay]
        if is_room:
            self._room, self._is_websocket = relay, is_websocket
        threading.Thread(target=self._to_relay, args=(receiver, relay, first, is_room), daemon=True).start()
        self._to_receiver(receiver, relay, is_room)

    def _to_receiver(self, receiver, relay, is_room):
        passed, tail = 0, b""
        with contextlib.suppress(OSError, ValueError):
            if self._is_websocket and is_room:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += relay.recv(1)
                receiver.sendall(head)
            while True:
                if is_room and self._pass_bytes is not None and passed >= self._pass_bytes and not self._open.is_set():
                    relay.recv(1, socket.MSG_PEEK)  # something is there
                    self.holds.set()
                    self._open.wait(harness.LIMIT)
                piece = receive(relay)
                if not piece:
                    receiver.shutdown(socket.SHUT_WR)
                    return
                passed += len(piece)
                if is_room and self._hold_tail:
                    piece = tail + piece
                    piece, tail = piece[:-self.TAIL], piece[-self.TAIL:]
                receiver.sendall(piece)
        reset(receiver)

    def _to_relay(self, receiver, relay, piece, is_room):
        held = is_room and self._hold_end
        with contextlib.suppress(OSError, ValueError):
            while piece:
                is_close = self._is_websocket and piece[0] == 0x80 | CLOSE_OPCODE
                if held and is_close:
                    break
                relay.sendall(piece)
                piece = receive(receiver)
            if held:
                self.receiver_ended.set()
            else:
                relay.shutdown(socket.SHUT_WR)
            return
        reset(relay)

    def release(self):
        """Holds nothing any more."""
        self._open.set()

    def end_room(self, how):
        """Ends the receiver's room towards the relay: "end" and "reset" of the connection, or a close code."""
        if isinstance(how, int):
            self._room.sendall(close_frame(how))
        elif how == "end":
            self._room.shutdown(socket.SHUT_WR)
        else:
            reset(self._room)

    def end(self):
        self._open.set()
        for connection in [self._socket, *self._connections]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
