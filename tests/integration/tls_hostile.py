"""TLS clients that send what carries no data: the relay ends them, and others are served meanwhile."""

import contextlib
import ctypes
import ctypes.util
import socket
import ssl
import threading
import time
import unittest

import harness
import secure

HOSTILE_ADDRESS = "127.0.0.66"  # the relay's limits are for each address, and honest peers have another
HELLO = b"000001"
LIBSSL = ctypes.CDLL(ctypes.util.find_library("ssl"))
for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(LIBSSL, name).restype = ctypes.c_void_p
SSL_CTRL_SET_MAX_PROTO_VERSION = 124
TLS_1_2, TLS_1_3 = 0x303, 0x304


class BareTls:
    """A client of OpenSSL's own, on a socket that blocks."""

    def __init__(self, port, version=TLS_1_3):
        self.socket = socket.create_connection(("127.0.0.1", port), harness.LIMIT, (HOSTILE_ADDRESS, 0))
        self.socket.settimeout(None)
        context = ctypes.c_void_p(LIBSSL.SSL_CTX_new(ctypes.c_void_p(LIBSSL.TLS_client_method())))
        LIBSSL.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, ctypes.c_long(version), None)
        self._ssl = ctypes.c_void_p(LIBSSL.SSL_new(context))
        LIBSSL.SSL_set_fd(self._ssl, self.socket.fileno())
        if LIBSSL.SSL_connect(self._ssl) != 1:
            raise harness.Failure("no TLS")

    def write(self, data):
        return LIBSSL.SSL_write(self._ssl, data, len(data)) == len(data)

    def update_keys(self):
        LIBSSL.SSL_key_update(self._ssl, 0)
        return LIBSSL.SSL_do_handshake(self._ssl) == 1

    def renegotiate(self):
        """Asks for a new handshake, and does not read what comes of it."""
        self.socket.setblocking(False)
        LIBSSL.SSL_renegotiate(self._ssl)
        LIBSSL.SSL_do_handshake(self._ssl)


class Hostile(secure.Case):
    def setUp(self):
        super().setUp()
        self.relay = self.world.start_relay(
            "--one-port", "--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key, rooms=())

    def hello(self):
        """How long an honest client's hello takes."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.relay.port), harness.LIMIT) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
                peer.sendall(HELLO)
                self.assertTrue(peer.recv(100).startswith(b"000003"))
        return time.monotonic() - begin

    def assert_ended(self, peer):
        peer.socket.setblocking(True)
        peer.socket.settimeout(harness.LIMIT)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while peer.socket.recv(1 << 16):
                pass
        peer.socket.close()

    def test_key_updates_end_the_connection(self):
        peers = [BareTls(self.relay.port) for _ in range(4)]
        for peer in peers:
            self.assertTrue(peer.write(HELLO))

        def flood(peer):
            for _ in range(100_000):
                if not peer.update_keys():
                    return
            ended.append(False)

        ended = []
        floods = [threading.Thread(target=flood, args=(peer,)) for peer in peers]
        for each in floods:
            each.start()
        times = [self.hello() for _ in range(5)]
        for each in floods:
            each.join(harness.LIMIT)
            self.assertFalse(each.is_alive())
        self.assertEqual(ended, [], "the relay took a hundred thousand of them")
        for peer in peers:
            self.assert_ended(peer)
        print(f"honest hellos: {max(times):.3f} s at most", flush=True)
        self.relay.wait_text("a WebSocket or TLS peer breaks a rule or a limit")

    def test_a_renegotiation_ends_the_connection(self):
        peer = BareTls(self.relay.port, TLS_1_2)
        self.assertTrue(peer.write(HELLO))
        peer.renegotiate()
        self.assert_ended(peer)
        self.relay.wait_text("a WebSocket or TLS peer breaks a rule or a limit")
        self.hello()


if __name__ == "__main__":
    unittest.main()
