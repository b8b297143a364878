"""Real nginx and haproxy in front of real relays, run with the files of deploy/: who meets whom, whose address is shown,
what a reload, an idle wait and a forged header do."""

import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest

import harness
import relay_operation
import secure

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
LARGE_MIB = int(os.environ.get("PARLEY_PROXY_MIB", "1024"))
READ_TIMEOUT = 6  # seconds, of nginx in these tests
# The proxies come to the relays from this address, which nobody else has.
PROXY_ADDRESS = "127.0.0.7"
STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def substituted(path, replacements):
    """The text of a file of deploy/ with these replaced, each of which must be there."""
    text = (DEPLOY / path).read_text()
    for old, new in replacements.items():
        if old not in text:
            raise harness.Failure(f"{path} has no {old!r}")
        text = text.replace(old, new)
    return text


class Nginx(harness.Process):
    """nginx with one file of deploy/ in its http or stream context, ready when this returns."""

    def __init__(self, folder, content, context="http", *, main="", events=""):
        self.folder = folder
        (folder / "site.conf").write_text(content)
        temporary = "".join(
            f"    {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        module = f"load_module {STREAM_MODULE};\n" if context == "stream" else ""
        user = "user root;\n" if os.geteuid() == 0 else ""  # the scratch folder is this user's
        own = temporary + f"    access_log {folder}/access.log;\n" if context == "http" else ""
        self.conf = folder / "nginx.conf"
        self.conf.write_text(
            f"{module}{user}{main}daemon off;\nmaster_process on;\nworker_processes 2;\npid {folder}/nginx.pid;\n"
            f"error_log stderr notice;\nevents {{{events}}}\n{context} {{\n{own}    proxy_bind {PROXY_ADDRESS};\n"
            f"    include {folder}/site.conf;\n}}\n")
        self.start()

    def start(self):
        super().__init__(["nginx", "-p", self.folder, "-c", self.conf])
        self.wait_text("start worker process ")

    def restart(self):
        """As a machine does: every connection is cut."""
        self.end()
        self.start()

    def workers(self):
        return len(re.findall(r"start worker process \d", self.stderr.text()))

    def reload(self):
        """As an operator does; returns when the new workers run."""
        before = self.workers()
        subprocess.run(["nginx", "-p", self.folder, "-c", self.conf, "-s", "reload"], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.LIMIT)

        def started(data):
            return True if len(re.findall(rb"start worker process \d", data)) >= before + 2 else None

        if not self.stderr.wait_for(started, harness.LIMIT):
            raise harness.Failure(f"no new workers: {self.describe()}")

    def end(self):
        # The master ends its workers, which have left its process group's reach otherwise.
        if self.running():
            self.send_signal(signal.SIGTERM)
            try:
                self.child.wait(harness.LIMIT)
            except subprocess.TimeoutExpired:
                pass
        super().end()


def wait_for_port(port, process):
    """Until somebody listens there."""
    limit = time.monotonic() + harness.LIMIT
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > limit or not process.running():
            raise harness.Failure(f"nobody listens on {port}: {process.describe()}")
        process.stderr.wait_for(lambda _: None, 0.05)


def frame(payload):
    """A binary frame of a client."""
    return b"\x82" + bytes([0x80 | len(payload)]) + bytes(4) + payload


def upgrade(path, headers=()):
    lines = [f"GET {path} HTTP/1.1", "Host: relay.example", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
             "Sec-WebSocket-Protocol: bob.handshake", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def identity_seen(connection, hello):
    """What a relay calls the peer that says `hello` on this connection; empty when it closes instead."""
    connection.settimeout(harness.LIMIT)
    connection.sendall(hello)
    got = b""
    while True:
        found = re.search(rb"000003([^\0]+)\0", got)
        if found:
            return found.group(1).decode()
        try:
            piece = connection.recv(4096)
        except ConnectionError:
            return ""
        if not piece:
            return ""
        got += piece


class Fronts(secure.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = 0

    def folder(self, name):
        type(self).count += 1
        return self.world.folder(f"{name}-{self.count}")

    def relay(self, *extra, trusted=True):
        trust = ("--trusted-network", PROXY_ADDRESS) if trusted else ()
        return self.world.start_relay("--one-port", *trust, *extra, rooms=())

    def nginx(self, file, ports, context="http", seconds="75s"):
        """nginx with that file; `ports` are {port in the file: port of a relay}. Gives it and its own port."""
        port = harness.free_port()
        certificates = {} if context == "stream" else {
            "/etc/letsencrypt/live/relay.example/fullchain.pem": str(self.authority.server),
            "/etc/letsencrypt/live/relay.example/privkey.pem": str(self.authority.server_key),
            "proxy_read_timeout 75s": f"proxy_read_timeout {seconds}"}
        listen = "9000" if context == "stream" else "443"
        own = {f"listen {listen}": f"listen 127.0.0.1:{port}",
               f"    listen [::]:{listen}{' ssl' if context == 'http' else ''};\n": ""}
        relays = {f"127.0.0.1:{old};" if context == "stream" else f"127.0.0.1:{old}": None for old in ports}
        for key, new in zip(list(relays), ports.values()):
            relays[key] = f"127.0.0.1:{new}" + (";" if context == "stream" else "")
        # Relays first: what is put in for them must not be found again.
        server = self.world.keep(Nginx(self.folder("nginx"), substituted(file, {**relays, **own, **certificates}),
                                       context))
        wait_for_port(port, server)
        return server, port

    def secure(self, port):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        plain = socket.create_connection(("127.0.0.1", port), harness.LIMIT)
        return context.wrap_socket(plain, server_hostname="localhost")

    def transfer(self, path, address, *, waiting=None, meanwhile=None, check=True, session="1"):
        inbox = self.folder("in")
        trust = ("--ca-file", self.authority.certificate, "--session", session)
        sender, code = waiting or self.world.send_waiting("--no-compress", path, *trust, relay=address)
        receiver = self.world.recv("--json", "-y", "-o", inbox, *trust, code=code, relay=address)
        if meanwhile:
            receiver.event("agreed")
            receiver.event("progress")
            meanwhile(sender, receiver)
        receiver.expect_exit(0, harness.LIMIT * 10)
        sender.expect_exit(0)
        if check:
            harness.assert_same(path, inbox / path.name)
        return sender, receiver

    def sparse(self, name, mib):
        """A file of that size: a few random pages, and holes."""
        path = self.world.root / name
        with open(path, "wb") as file:
            for at in range(0, mib, max(1, mib // 64)):
                file.seek(at << 20)
                file.write(os.urandom(4096))
            file.truncate(mib << 20)
        return path

    # nginx, by WebSocket

    def test_a_large_document_through_nginx(self):
        relay = self.relay()
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        path = self.sparse("large", LARGE_MIB)
        self.transfer(path, f"wss://localhost:{port}")
        path.unlink()

    def test_a_reload_in_the_middle_cuts_nobody(self):
        relay = self.relay()
        server, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        path = self.sparse("reloaded", 256)
        waiting = self.world.send_waiting(self.world.file("later", b"waits over the reload"), "--ca-file",
                                          self.authority.certificate, relay=f"wss://localhost:{port}")

        def reload(sender, receiver):
            server.reload()
            self.assertTrue(sender.running() and receiver.running(), "the reload came too late to show anything")

        self.transfer(path, f"wss://localhost:{port}", meanwhile=reload)
        # Who waited at an old worker meets who comes to a new one.
        self.transfer(self.world.root / "later", f"wss://localhost:{port}", waiting=waiting)
        path.unlink()

    def test_a_restart_in_the_middle_is_survived_by_version_2(self):
        relay = self.relay()
        server, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        path = self.sparse("restarted", 256)
        sender, receiver = self.transfer(path, f"wss://localhost:{port}", session="2",
                                         meanwhile=lambda sender, receiver: server.restart())
        for peer in (sender, receiver):
            self.assertEqual([event["event"] for event in peer.events()].count("resumed"), 1, peer.describe())
        path.unlink()

    def test_pings_carry_a_wait_over_the_read_timeout(self):
        relay = self.relay("--ping-interval", "2")
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port}, seconds=f"{READ_TIMEOUT}s")
        path = self.world.file("patient", b"worth the wait")
        sender, code = self.world.send_waiting(path, "--ca-file", self.authority.certificate,
                                               relay=f"wss://localhost:{port}")
        with self.assertRaises(subprocess.TimeoutExpired):
            sender.child.wait(3 * READ_TIMEOUT)
        self.transfer(path, f"wss://localhost:{port}", waiting=(sender, code))

    def test_without_pings_the_read_timeout_does_cut(self):
        relay = self.relay("--ping-interval", "3600")
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port}, seconds=f"{READ_TIMEOUT}s")
        with self.secure(port) as peer:
            began = time.monotonic()
            self.assertTrue(identity_seen(peer, upgrade("/") + frame(b"000001")))
            self.assertEqual(peer.recv(4096), b"")
            self.assertLess(time.monotonic() - began, 10 * READ_TIMEOUT)

    def test_the_clients_own_address_is_its_identity(self):
        relay = self.relay()
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        with self.secure(port) as peer:
            seen = identity_seen(peer, upgrade("/") + frame(b"000001"))
            self.assertEqual(seen, "%s:%d" % peer.getsockname())
        forged = ("X-Forwarded-For: 192.0.2.66", "X-Real-IP: 192.0.2.66", "X-Real-Port: 66",
                  "Forwarded: for=192.0.2.66")
        with self.secure(port) as peer:
            seen = identity_seen(peer, upgrade("/", forged) + frame(b"000001"))
            self.assertEqual(seen, "%s:%d" % peer.getsockname(), "a client's own headers change nothing")
        # Directly, from an address that is not trusted.
        with socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT) as peer:
            seen = identity_seen(peer, upgrade("/", forged) + frame(b"000001"))
            self.assertEqual(seen, "%s:%d" % peer.getsockname())

    def test_without_trust_the_proxy_is_the_client(self):
        relay = self.relay(trusted=False)
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        with self.secure(port) as peer:
            seen = identity_seen(peer, upgrade("/") + frame(b"000001"))
            self.assertTrue(seen.startswith(PROXY_ADDRESS + ":"), seen)
        # Enough for a transfer: all have one address then.
        self.transfer(self.world.file("untrusted", b"still passes"), f"wss://localhost:{port}")

    def test_what_nginx_answers_itself(self):
        relay = self.relay("--web", "off")
        _, port = self.nginx("nginx/parley.conf", {9000: relay.port})
        for path, status in (("/metrics", b"404"), ("/healthz", b"200"), ("/", b"426"), ("/lobby/a%20b", b"426")):
            with self.subTest(path=path), self.secure(port) as peer:
                peer.sendall(f"GET {path} HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n".encode())
                answer = peer.recv(4096)
                if path.startswith("/lobby"):
                    self.assertIn(answer.split(b" ")[1], (b"404", b"426"))
                else:
                    self.assertEqual(answer.split(b" ")[1], status, answer)

    # nginx, by the PROXY protocol

    def test_nginx_stream_passes_every_transport(self):
        relay = self.relay("--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key)
        _, port = self.nginx("nginx/parley-stream.conf", {9000: relay.port}, context="stream")
        path = self.world.file("streamed", os.urandom(300_001))
        for address in (f"tcp://127.0.0.1:{port},{port}", f"tls://localhost:{port},{port}", f"ws://127.0.0.1:{port}",
                        f"wss://localhost:{port}"):
            with self.subTest(address=address):
                self.transfer(path, address)
        with socket.create_connection(("127.0.0.1", port), harness.LIMIT) as peer:
            self.assertEqual(identity_seen(peer, b"000001"), "%s:%d" % peer.getsockname())

    def test_a_header_from_elsewhere_is_refused(self):
        relay = self.relay()
        for header in (b"PROXY TCP4 192.0.2.66 127.0.0.1 66 80\r\n",
                       b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 66, 127, 0, 0, 1, 0, 66, 0, 80])):
            with socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT) as peer:
                self.assertEqual(identity_seen(peer, header + b"000001"), "")
        relay.wait_text("untrusted_proxy")

    # haproxy

    def haproxy(self, relay):
        tls, tcp = harness.free_port(), harness.free_port()
        folder = self.folder("haproxy")
        pem = folder / "server.pem"
        pem.write_text(self.authority.server.read_text() + self.authority.server_key.read_text())
        conf = folder / "haproxy.cfg"
        conf.write_text(substituted("haproxy/parley.cfg", {
            "relay 127.0.0.1:9000": f"relay 127.0.0.1:{relay.port} source {PROXY_ADDRESS}",
            "bind :443": f"bind 127.0.0.1:{tls}", "bind :9000": f"bind 127.0.0.1:{tcp}",
            "/etc/haproxy/certs/relay.example.pem": str(pem)}))
        server = self.world.keep(harness.Process(["haproxy", "-db", "-f", conf]))
        wait_for_port(tls, server)
        wait_for_port(tcp, server)
        return tls, tcp

    def test_haproxy_passes_every_transport(self):
        relay = self.relay()
        tls, tcp = self.haproxy(relay)
        path = self.world.file("balanced", os.urandom(300_001))
        for address in (f"tcp://127.0.0.1:{tcp},{tcp}", f"tls://localhost:{tls},{tls}", f"ws://127.0.0.1:{tcp}",
                        f"wss://localhost:{tls}"):
            with self.subTest(address=address):
                self.transfer(path, address)
        with socket.create_connection(("127.0.0.1", tcp), harness.LIMIT) as peer:
            self.assertEqual(identity_seen(peer, b"000001"), "%s:%d" % peer.getsockname())
        with self.secure(tls) as peer:
            seen = identity_seen(peer, upgrade("/") + frame(b"000001"))
            self.assertEqual(seen, "%s:%d" % peer.getsockname())

    def test_a_large_document_through_haproxy(self):
        relay = self.relay()
        tls, _ = self.haproxy(relay)
        path = self.sparse("large-balanced", LARGE_MIB)
        self.transfer(path, f"wss://localhost:{tls}")
        path.unlink()

    # lobbies

    def test_two_relays_share_the_lobbies(self):
        relays = [self.relay("--http-listen", "127.0.0.1:0") for _ in range(2)]
        _, port = self.nginx("nginx/parley-lobbies.conf", {9001: relays[0].port, 9002: relays[1].port})
        path = self.world.file("in-a-lobby", os.urandom(10_001))
        for lobby in range(12):
            with self.subTest(lobby=lobby):
                sender, receiver = self.transfer(path, f"wss://localhost:{port}/lobby/number-{lobby}")
        self.transfer(path, f"wss://localhost:{port}")
        agreed = [relay_operation.metrics(relay.ready["http"][0])["parley_relay_agreements_total"] for relay in relays]
        self.assertEqual(sum(agreed), 13)
        self.assertTrue(all(agreed), f"one relay has them all: {agreed}")

    def test_lobbies_do_not_meet(self):
        relay = self.relay()
        base = f"ws://127.0.0.1:{relay.port}/lobby"
        path = self.world.file("apart", b"for one lobby")
        sender, code = self.world.send_waiting(path, relay=f"{base}/one")
        lost = self.world.recv("-y", "-o", self.folder("in"), "--timeout", "5", code=code, relay=f"{base}/two")
        self.assertEqual(lost.wait(), 4, lost.describe())
        self.transfer(path, f"{base}/one", waiting=(sender, code))


if __name__ == "__main__":
    unittest.main()
