"""A small peer of session version 2, written from docs/SESSION2.md and docs/PROTOCOL.md, for tests that let it break every
rule. Cryptography is that of libsodium and OpenSSL, which the programs need as well.

    with session2.Peer.sender(relay, "the code") as peer:    # a server; Peer.receiver is a client
        peer.hello()
        peer.message(session2.OFFER, ...)
        kind, body = peer.next_message()

Every function is synchronous, and every wait is bounded by harness.LIMIT."""

import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import struct

import harness

DATA, END, PING, HELLO, ABORT = range(5)  # records
OFFER, ENTRIES, OFFER_END = 0x10, 0x11, 0x12
ACCEPT, ACCEPT_END, REFUSE = 0x20, 0x21, 0x22
FILE, FILE_DATA, FILE_END, SENT = 0x30, 0x31, 0x32, 0x33
PROGRESS, STORED, ERROR = 0x40, 0x41, 0x50
UNKNOWN_TIME = -(1 << 63)
PUBLIC_BYTES = 34
MARK = b"PARLEY\x00\x02"
CHACHA = 2  # AES-256-GCM is 0


def _library(name):
    found = ctypes.util.find_library(name)
    if found is None:
        raise harness.Failure(f"lib{name} is not installed: scripts/install-deps installs it")
    return ctypes.CDLL(found)


_sodium, _crypto = _library("sodium"), _library("crypto")
_sodium.sodium_init()
for _name in ("EVP_aes_256_gcm", "EVP_chacha20_poly1305", "EVP_CIPHER_CTX_new"):
    getattr(_crypto, _name).restype = ctypes.c_void_p


class Broken(Exception):
    """The connection has ended, or a record does not open."""


# ---- PROTOCOL.md section 5: the handshake

def _point(function, *inputs):
    out = ctypes.create_string_buffer(32)
    if getattr(_sodium, function)(out, *inputs) != 0:
        raise Broken(f"{function} refuses a point")
    return out.raw


def _from_uniform(uniform):
    return _point("crypto_core_ed25519_from_uniform", uniform)


def _scalar():
    scalar = bytearray(os.urandom(32))
    scalar[0] &= 0xf8
    scalar[31] &= 0x7f
    return bytes(scalar)


def _stretch(password, salt, iterations):
    """PBKDF2 with a little-endian counter of blocks."""
    out = b""
    for block in range(1, 5):
        round_ = hmac.digest(password, salt + struct.pack("<I", block), "sha256")
        total = int.from_bytes(round_, "big")
        for _ in range(iterations - 1):
            round_ = hmac.digest(password, round_, "sha256")
            total ^= int.from_bytes(round_, "big")
        out += total.to_bytes(32, "big")
    return out


def _sub(main, number):
    return hashlib.blake2b(b"SPOKE".ljust(16, b"\0") + number.to_bytes(16, "little"), key=main).digest()


def _labelled(key, label, rest, size):
    """SESSION2.md section 2."""
    return hashlib.blake2b(bytes([len(label)]) + label + rest, digest_size=size, key=key, person=b"PARLEY 2").digest()


class _Keys:
    """Of both sides, from an exchange."""

    def __init__(self, main, public):
        self.server_validator = _sub(main, 2)
        self.client_validator = _labelled(main, b"client validator", public, 64)
        self.server = _labelled(main, b"server", public, 44)
        self.client = _labelled(main, b"client", public, 44)
        self.cipher = int.from_bytes(public[12:14], "big")


class _Handshake:
    """A handshake connection to a relay."""

    def __init__(self, relay, code):
        self._socket = socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT)
        self._waiting = b""
        self._code = code.encode()

    def send(self, uid, kind, body=b""):
        self._socket.sendall(b"%04x%02x" % (uid, kind) + body)

    def take(self, size):
        while len(self._waiting) < size:
            piece = self._socket.recv(4096)
            if not piece:
                raise Broken("the relay has closed the handshake")
            self._waiting += piece
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken

    def text(self):
        text = b""
        while not text.endswith(b"\0"):
            text += self.take(1)
        return text[:-1]

    def packet(self):
        """(uid, type, body) of the next packet; an identity at the end of a body is its last item."""
        uid, kind = int(self.take(4), 16), int(self.take(2), 16)
        body = {2: lambda: [self.text()], 3: lambda: [self.text()],
                4: lambda: [int(self.take(4), 16), self.take(PUBLIC_BYTES), self.text()], 5: lambda: [self.take(64)],
                6: lambda: [self.take(32), self.take(64)], 7: lambda: [self.take(32), self.text()],
                9: lambda: [int(self.take(4), 16)], 0x0d: lambda: [self.take(1)]}.get(kind, lambda: [])()
        return uid, kind, body

    def until(self, wanted):
        while True:
            uid, kind, body = self.packet()
            if kind == wanted:
                return uid, body
            if kind in (0x0b, 0x0d, 0x0f):
                raise Broken(f"packet {kind:02x} in place of {wanted:02x}")

    def password(self, public):
        m_n_k_l = _stretch(self._code, public[18:], int.from_bytes(public[4:12], "big"))
        return _from_uniform(m_n_k_l[:32]), _from_uniform(m_n_k_l[32:64]), m_n_k_l[64:96], m_n_k_l[96:]

    @staticmethod
    def keys(public, client, server, x_y_z, h_k, v):
        x, y, z = x_y_z
        return _Keys(hashlib.blake2b(b"\1\0" + client + server + x + y + z + h_k + v).digest(), public)

    def serve(self):
        """As a server, until a client has accepted: (its identity, keys)."""
        public = struct.pack(">HHQHHH", 1, 2, 16, CHACHA, CHACHA, 4) + os.urandom(8) + MARK
        m, n, h_k, h_l = self.password(public)
        self.send(0, 0, public)
        _, (own,) = self.until(2)
        uid, (x, client) = self.until(7)
        scalar = _scalar()
        y = _point("crypto_core_ed25519_add", _point("crypto_scalarmult_ed25519_base_noclamp", scalar), n)
        z = _point("crypto_scalarmult_ed25519_noclamp", scalar, _point("crypto_core_ed25519_sub", x, m))
        v = _point("crypto_scalarmult_ed25519_noclamp", scalar, _point("crypto_scalarmult_ed25519_base", h_l))
        keys = self.keys(public, client, own, (x, y, z), h_k, v)
        self.send(uid, 6, y + keys.server_validator)
        uid, (validator,) = self.until(5)
        if validator != keys.client_validator:
            raise Broken("the client does not speak version 2, or has another code")
        self.send(uid, 8)
        self.until(0x0a)
        return client, keys

    def join(self):
        """As a client of the first server, until the relay says done: (the server's identity, keys)."""
        self.send(0, 1)
        _, (own,) = self.until(3)
        _, (uid, public, server) = self.until(4)
        m, n, h_k, h_l = self.password(public)
        scalar = _scalar()
        x = _point("crypto_core_ed25519_add", _point("crypto_scalarmult_ed25519_base_noclamp", scalar), m)
        self.send(uid, 7, x + own + b"\0")
        _, (y, validator) = self.until(6)
        unmasked = _point("crypto_core_ed25519_sub", y, n)
        z = _point("crypto_scalarmult_ed25519_noclamp", scalar, unmasked)
        v = _point("crypto_scalarmult_ed25519", h_l, unmasked)
        keys = self.keys(public, own, server, (x, y, z), h_k, v)
        if validator != keys.server_validator:
            raise Broken("the server has another code")
        self.send(uid, 5, keys.client_validator)
        self.until(8)
        self.send(uid, 0x0a)
        self.until(0x0e)
        return server, keys

    def end(self):
        self._socket.close()


# ---- SESSION2.md section 3: records

class _Direction:
    """One direction's cipher. It does not change its key: no test sends 2^22 records."""

    def __init__(self, cipher, key, encrypts):
        self._cipher = getattr(_crypto, "EVP_chacha20_poly1305" if cipher == CHACHA else "EVP_aes_256_gcm")()
        self._key, self._base = key[:32], int.from_bytes(key[32:], "big")
        self._encrypts, self._number = encrypts, 0

    def apply(self, aad, text, tag=None):
        """(the other text, the tag)."""
        context = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
        out, size = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
        given = ctypes.create_string_buffer(tag or bytes(16), 16)
        nonce = (self._base ^ self._number).to_bytes(12, "big")
        self._number += 1
        try:
            _crypto.EVP_CipherInit_ex(context, ctypes.c_void_p(self._cipher), None, self._key, nonce, int(self._encrypts))
            _crypto.EVP_CipherUpdate(context, None, ctypes.byref(size), aad, len(aad))
            _crypto.EVP_CipherUpdate(context, out, ctypes.byref(size), text, len(text))
            if not self._encrypts:
                _crypto.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, given)  # the tag that is expected
            if _crypto.EVP_CipherFinal_ex(context, None, ctypes.byref(size)) != 1:
                raise Broken("a tag does not match")
            if self._encrypts:
                _crypto.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, given)
            return out.raw[:len(text)], given.raw
        finally:
            _crypto.EVP_CIPHER_CTX_free(context)


class Peer:
    """In a room. What it says is what the test wants it to say."""

    def __init__(self, relay, other, keys, is_server):
        self._room = socket.create_connection(("127.0.0.1", relay.room_port), harness.LIMIT)
        self._room.sendall(other + b"\n")
        ours, theirs = (keys.server, keys.client) if is_server else (keys.client, keys.server)
        self._out, self._in = _Direction(keys.cipher, ours, True), _Direction(keys.cipher, theirs, False)
        self._stream = b""
        answer = self._take(2)
        if answer != b"00":
            raise Broken(f"no room: {answer}")

    @classmethod
    def sender(cls, relay, code):
        return cls._meet(relay, code, is_server=True)

    @classmethod
    def receiver(cls, relay, code):
        return cls._meet(relay, code, is_server=False)

    @classmethod
    def _meet(cls, relay, code, is_server):
        handshake = _Handshake(relay, code)
        try:
            other, keys = handshake.serve() if is_server else handshake.join()
        finally:
            handshake.end()
        return cls(relay, other, keys, is_server)

    def _take(self, size):
        taken = b""
        while len(taken) < size:
            try:
                piece = self._room.recv(size - len(taken))
            except ConnectionError as failure:
                raise Broken(str(failure)) from None
            if not piece:
                raise Broken("the room has ended")
            taken += piece
        return taken

    def raw(self, data):
        """Bytes that are no record."""
        try:
            self._room.sendall(data)
        except ConnectionError as failure:
            raise Broken(str(failure)) from None

    def record(self, kind, content=b""):
        size = (1 + len(content)).to_bytes(3, "big")
        text, tag = self._out.apply(size, bytes([kind]) + content)
        self.raw(size + text + tag)

    def next_record(self):
        """(type, content) of the next record but pings."""
        while True:
            size = self._take(3)
            text = self._take(int.from_bytes(size, "big"))
            plain, _ = self._in.apply(size, text, self._take(16))
            if plain[0] != PING:
                return plain[0], plain[1:]

    def hello(self, protocol=b"parley.document"):
        """Both hellos."""
        self.record(HELLO, bytes([len(protocol)]) + protocol + b"\x04test" + b"\0")
        kind, _ = self.next_record()
        if kind != HELLO:
            raise Broken(f"record {kind} in place of a hello")

    def message(self, kind, body=b"", length=None):
        """One message, in as many records as it needs. `length` is what it says it has."""
        data = struct.pack(">BI", kind, len(body) if length is None else length) + body
        for at in range(0, len(data), 65536):
            self.record(DATA, data[at:at + 65536])

    def next_message(self):
        """(type, body); the type is END at the end of the stream, and (ABORT, reason and text) for an abort."""
        while len(self._stream) < 5 or len(self._stream) < 5 + struct.unpack(">I", self._stream[1:5])[0]:
            kind, content = self.next_record()
            if kind != DATA:
                return kind, content
            self._stream += content
        end = 5 + struct.unpack(">I", self._stream[1:5])[0]
        body, kind = self._stream[5:end], self._stream[0]
        self._stream = self._stream[end:]
        return kind, body

    def until(self, *wanted):
        """The next message of these types; others are passed over. Broken when refuse, error, abort or the end comes."""
        while True:
            kind, body = self.next_message()
            if kind in wanted:
                return kind, body
            if kind in (REFUSE, ERROR, ABORT, END):
                raise Broken(f"message {kind:02x} in place of {wanted}: {body!r}")

    def drain(self):
        """The messages that come until the end of the stream or of the connection."""
        found = []
        try:
            while True:
                found.append(self.next_message())
                if found[-1][0] in (END, ABORT):
                    return found
        except (Broken, TimeoutError):
            return found

    def end(self):
        self._room.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


# ---- SESSION2.md section 7: the offer

def text16(text):
    return struct.pack(">H", len(text)) + text


def offer(kind=1, name=b"doc", files=0, directories=0, size=0):
    return bytes([kind]) + os.urandom(16) + text16(name) + struct.pack(">QQQ", files, directories, size)


def entry(path, kind=1, mode=0o644, modified=UNKNOWN_TIME, size=0, target=b""):
    return bytes([kind]) + text16(path) + struct.pack(">HqQ", mode, modified, size) + text16(target)


def offer_end(entries, count=None, digest=None):
    data = b"".join(entries)
    return (struct.pack(">I", len(entries) if count is None else count)
            + (digest or hashlib.blake2b(data, digest_size=32).digest()))


def read_offer(body):
    """{kind, name, files, directories, size} of an offer."""
    length, = struct.unpack(">H", body[17:19])
    files, directories, size = struct.unpack(">QQQ", body[19 + length:])
    return {"kind": body[0], "name": body[19:19 + length], "files": files, "directories": directories, "size": size}
