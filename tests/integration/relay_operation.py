"""The relay as an operator runs it: configuration, reload, drain, sockets and news of a service manager, metrics."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import harness

PAIRS = 50


def get(address, path):
    """(status, content type, body) of one HTTP request."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=harness.LIMIT) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


SERIES = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$')


def metrics(address):
    """{series: value}; a failure for a line that is not of the text format."""
    status, kind, body = get(address, "/metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4"), (status, kind)
    out = {}
    for line in body.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            continue
        found = SERIES.match(line)
        assert found, line
        out[found[1] + (found[2] or "")] = float(found[3])
    return out


class Manager:
    """The socket on which a service manager hears of its service."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(harness.LIMIT)
        self.lines = []

    def wait_for(self, line):
        while line not in self.lines:
            self.lines += self._socket.recv(4096).decode().splitlines()
        del self.lines[:self.lines.index(line) + 1]

    def end(self):
        self._socket.close()


class Operation(harness.FreshCase):
    RELAY = False

    def run_relay(self, *arguments, **named):
        return self.world.keep(harness.Process([harness.RELAY, *arguments], **named))

    def config(self, content, name="relay.json"):
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        return self.world.file(name, text.encode())

    # the configuration

    def test_a_wrong_file_says_file_line_key_and_what_was_expected(self):
        path = self.config('{\n "listen": ["127.0.0.1:0"],\n "max-room": 5,\n "timeout": "long",\n "max-rooms": -1\n}')
        for check in ((), ("--check-config",), ("--print-config",)):
            relay = self.run_relay("--config", path, *check).expect_exit(2)
            said = relay.stderr.text()
            self.assertIn(f"{path}: line 3: max-room: unknown key (is max-rooms meant?)", said)
            self.assertIn(f'{path}: line 4: timeout: "long" is not a number from 0.001 to', said)
            self.assertIn(f"{path}: line 5: max-rooms: -1 is not a whole number from 0 to", said)
            self.assertEqual(relay.stdout.text(), "")
        for content in ("", "[]", '{"timeout": 1', '{"timeout": 1, "timeout": 2}'):
            self.assertIn("line 1: ", self.run_relay("--config", self.config(content)).expect_exit(2).stderr.text())
        self.assertIn("No such file", self.run_relay("--config", "/nowhere/x").expect_exit(2).stderr.text())

    def test_check_config_looks_at_the_files_too(self):
        path = self.config({"tls-certificate": "/nowhere/cert.pem", "tls-key": "/nowhere/key.pem"})
        self.assertIn("/nowhere/cert.pem", self.run_relay("--config", path, "--check-config").expect_exit(2).stderr.text())
        path = self.config({"max-rooms": 3})
        self.assertIn("in order", self.run_relay("--config", path, "--check-config").expect_exit(0).stdout.text())

    def test_print_config_prints_what_can_be_read_again(self):
        first = self.run_relay("--listen", "127.0.0.1:7000", "--max-rooms", "7", "--log-addresses", "prefix",
                               "--print-config").expect_exit(0).stdout.text()
        again = self.run_relay("--config", self.config(first), "--print-config").expect_exit(0).stdout.text()
        self.assertEqual(first, again)
        self.assertEqual(json.loads(first)["max-rooms"], 7)
        # flags win over the file
        over = self.run_relay("--config", self.config(first), "--max-rooms", "8", "--print-config").expect_exit(0)
        self.assertEqual(json.loads(over.stdout.text()), {**json.loads(first), "max-rooms": 8})

    def test_every_setting_of_the_file_is_a_flag_and_in_the_documents(self):
        settings = json.loads(self.run_relay("--print-config").expect_exit(0).stdout.text())
        shown = self.run_relay("--help").expect_exit(0).stdout.text()
        table = self.run_relay("--print-settings").expect_exit(0).stdout.text()
        for name in settings:
            self.assertIn(f"--{name}", shown)
            self.assertIn(f"| `{name}` |", table)

    # reload

    def test_sighup_changes_limits_and_drops_nobody(self):
        settings = {"max-hello-rate": 0.1, "log-level": "info"}
        relay = self.world.start_relay("--config", self.config(settings), "--http-listen", "127.0.0.1:0")

        def hello(source):
            peer = socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT, (source, 0))
            self.addCleanup(peer.close)
            peer.sendall(b"000001")
            return peer, peer.recv(100)

        waiting, answer = hello("127.0.0.1")
        self.assertTrue(answer.startswith(b"000003"))
        self.assertEqual(hello("127.0.0.1")[1], b"0000090000")
        self.config({"max-hello-rate": 100, "log-level": "debug", "timeout": 9})
        relay.send_signal(signal.SIGHUP)
        relay.wait_text("event=reloaded changed=max-hello-rate,log-level")
        relay.wait_text("event=reload_ignored setting=timeout")
        for _ in range(5):
            self.assertTrue(hello("127.0.0.2")[1].startswith(b"000003"))
        relay.wait_text("event=hello")
        waiting.sendall(b"00010a")  # it is still there, and heard
        relay.wait_text("event=dropped peer=127.0.0.1")
        self.assertEqual(metrics(relay.ready["http"][0])['parley_relay_config_reloads_total{result="success"}'], 1)

    def test_sighup_with_a_broken_file_keeps_the_old_one_and_says_why(self):
        relay = self.world.start_relay("--config", self.config({"max-rooms": 9}), "--http-listen", "127.0.0.1:0")
        path = self.config('{"max-rooms": 9,\n "max-roms": 1}')
        relay.send_signal(signal.SIGHUP)
        relay.wait_text("line 2: max-roms: unknown key (is max-rooms meant?)")
        relay.wait_text("event=reload_failed")
        self.assertEqual(metrics(relay.ready["http"][0])['parley_relay_config_reloads_total{result="failure"}'], 1)
        sender, code = self.world.send_waiting("--text", "x", relay=relay.address)
        self.world.recv("-y", "-o", self.world.folder("in"), code=code, relay=relay.address).expect_exit(0)
        sender.expect_exit(0)
        relay.stop()

    def make_certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-keyout", self.world.root / "key.pem", "-out",
                        self.world.root / "certificate.pem"], check=True, capture_output=True, timeout=harness.LIMIT)
        return ssl.PEM_cert_to_DER_cert((self.world.root / "certificate.pem").read_text())

    def test_sighup_shows_a_renewed_certificate(self):
        first = self.make_certificate("first")
        files = ("--tls-certificate", self.world.root / "certificate.pem", "--tls-key", self.world.root / "key.pem")
        relay = self.world.start_relay(*files, listen=("tls://127.0.0.1:0",), rooms=())
        port = int(relay.ready["handshake"][0].rpartition(":")[2])

        def connect():
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            raw = socket.create_connection(("127.0.0.1", port), harness.LIMIT)
            secure = context.wrap_socket(raw)
            self.addCleanup(secure.close)
            return secure, secure.getpeercert(True)

        waiting, shown = connect()
        self.assertEqual(shown, first)
        second = self.make_certificate("second")
        relay.send_signal(signal.SIGHUP)
        relay.wait_text("event=reloaded")
        self.assertEqual(connect()[1], second)
        (self.world.root / "certificate.pem").write_text("no certificate")
        relay.send_signal(signal.SIGHUP)
        relay.wait_text("event=reload_failed")
        self.assertEqual(connect()[1], second)
        waiting.sendall(b"000001")
        self.assertTrue(waiting.recv(100).startswith(b"000003"))

    # HTTP

    def test_http_answers_and_who_may_ask(self):
        relay = self.world.start_relay("--web", "off", "--http-listen", "127.0.0.1:0")
        own, public = relay.ready["http"][0], f"127.0.0.1:{relay.port}"
        for address in (own, public):
            self.assertEqual(get(address, "/healthz")[::2], (200, "ok\n"))
            self.assertEqual(get(address, "/readyz")[::2], (200, "ready\n"))
        self.assertEqual(get(public, "/metrics")[0], 426)  # a WebSocket may come there, nothing else
        self.assertEqual(get(own, "/else")[0], 404)
        self.assertEqual(metrics(own)["parley_relay_rooms"], 0)

    def test_metrics_count_a_transfer_and_hold_no_secret(self):
        with harness.World(relay_options=("--http-listen", "127.0.0.1:0", "--log-addresses", "prefix",
                                          "--log-level", "debug")) as world:
            path = world.file("out/secret-name", bytes(300_000))
            sender, code = world.send_waiting(path)
            at = world.relay.ready["http"][0]
            self.assertEqual(metrics(at)['parley_relay_waiting_peers{kind="server"}'], 1)
            world.recv("-y", "-o", world.folder("in"), code=code).expect_exit(0)
            sender.expect_exit(0)
            now = metrics(at)
            self.assertEqual(now["parley_relay_agreements_total"], 1)
            self.assertEqual(now["parley_relay_rooms_total"], 1)
            self.assertGreater(now["parley_relay_room_bytes_total"], 100)
            self.assertEqual(sum(v for k, v in now.items() if k.startswith("parley_relay_rejections_total")), 0)
            world.relay.stop()
            text = world.relay.stderr.text()
            self.assertIn("127.0.0.0/24", text)
            self.assertIsNone(re.search(r"(peer|client|server)=127\.0\.0\.1:", text))
            for series in now:
                self.assertNotIn("127.0.0", series)

    # the end

    def test_a_drain_tells_those_who_wait_and_is_not_ready(self):
        relay = self.world.start_relay("--http-listen", "127.0.0.1:0", "--room-timeout", "5")
        waiting = socket.create_connection(("127.0.0.1", relay.port), harness.LIMIT)
        waiting.sendall(b"000001")
        waiting.recv(100)
        relay.send_signal(signal.SIGTERM)
        said = b""
        while piece := waiting.recv(100):
            said += piece
        waiting.close()
        self.assertEqual(said, b"0000090000")
        relay.expect_exit(0)

    def test_sigterm_during_fifty_transfers_lets_them_all_end(self):
        draw = random.Random(5)
        relay = self.world.start_relay("--http-listen", "127.0.0.1:0", "--max-room-rate", "300000", "--drain-timeout", "120")
        paths = [self.world.file(f"out/{n}/document {n}", draw.randbytes(600_000)) for n in range(PAIRS)]
        codes = [f"pair {n} {draw.randrange(10**12)}" for n in range(PAIRS)]
        running = []
        for n in range(PAIRS):
            running.append(self.world.send("--json", paths[n], code=codes[n], relay=relay.address))
            running.append(self.world.recv("--json", "-y", "-o", self.world.folder(f"in/{n}"), code=codes[n],
                                           relay=relay.address))
        for process in running:
            process.event("agreed", 3 * harness.LIMIT)
        relay.send_signal(signal.SIGTERM)
        relay.wait_text("event=draining")
        self.assertEqual(get(relay.ready["http"][0], "/readyz")[::2], (503, "draining\n"))
        self.assertEqual(get(relay.ready["http"][0], "/healthz")[0], 200)
        self.assertEqual(metrics(relay.ready["http"][0])["parley_relay_draining"], 1)
        for process in running:
            process.expect_exit(0, 3 * harness.LIMIT)
        relay.expect_exit(0)
        for n in range(PAIRS):
            harness.assert_same(paths[n], self.world.root / f"in/{n}/document {n}")

    def slow_room(self, *options):
        relay = self.world.start_relay("--max-room-rate", "20000", *options)
        path = self.world.file("out/slow", random.Random(1).randbytes(2_000_000))
        sender, code = self.world.send_waiting(path, relay=relay.address)
        receiver = self.world.recv("--json", "-y", "-o", self.world.folder("in"), code=code, relay=relay.address)
        relay.wait_text("event=room_opened")
        return relay, sender, receiver

    def test_a_drain_is_over_in_time(self):
        relay, sender, receiver = self.slow_room("--drain-timeout", "0.5")
        relay.send_signal(signal.SIGTERM)
        relay.wait_text("event=drain_timeout")
        relay.expect_exit(0)
        sender.expect_exit(7)
        receiver.expect_exit(7)
        harness.assert_empty(self.world.folder("in"))

    def test_a_second_signal_stops(self):
        relay, sender, receiver = self.slow_room()
        relay.send_signal(signal.SIGTERM)
        relay.wait_text("event=draining")
        relay.send_signal(signal.SIGTERM)
        relay.expect_exit(0)
        sender.expect_exit(7)
        receiver.expect_exit(7)

    # the service manager

    def test_news_for_the_service_manager(self):
        manager = Manager(self.world.root)
        self.addCleanup(manager.end)
        path = self.config({"max-rooms": 4})
        relay = self.world.keep(harness.Relay("--config", path, environment={
            "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}))
        manager.wait_for("READY=1")
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        relay.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        relay.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        relay.expect_exit(0)

    def activated(self, names):
        """A relay that is given listening sockets of these names, and their ports."""
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
        ports = [each.getsockname()[1] for each in sockets]
        # The descriptors are 3, 4, … in the process that becomes the relay, and LISTEN_PID is its own.
        start = ("import fcntl, os, sys\n"
                 f"given = {[each.fileno() for each in sockets]}\n"
                 "spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in given]\n"
                 "for at, fd in enumerate(spare): os.dup2(fd, 3 + at, inheritable=True)\n"
                 f"os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='{len(names)}', LISTEN_FDNAMES='{':'.join(names)}')\n"
                 "os.execv(sys.argv[1], sys.argv[1:])\n")
        child = subprocess.Popen([sys.executable, "-c", start, harness.RELAY, "--json"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, pass_fds=[each.fileno() for each in sockets],
                                 env=harness.clean_environment(), start_new_session=True)
        def end():
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            child.communicate()
        self.addCleanup(end)
        for each in sockets:
            each.close()
        return child, ports

    def test_socket_activation(self):
        child, (handshake, room, http) = self.activated(["handshake", "room", "http"])
        ready = json.loads(child.stdout.readline())
        self.assertEqual(ready["handshake"], [f"127.0.0.1:{handshake}"])
        self.assertEqual(ready["rooms"], [f"127.0.0.1:{room}"])
        self.assertEqual(ready["http"], [f"127.0.0.1:{http}"])
        self.assertEqual(get(f"127.0.0.1:{http}", "/healthz")[0], 200)
        address = f"127.0.0.1:{handshake},{room}"
        sender, code = self.world.send_waiting("--text", "through a socket that was passed", relay=address)
        self.world.recv("-y", "-o", self.world.folder("in"), code=code, relay=address).expect_exit(0)
        sender.expect_exit(0)
        child.terminate()
        self.assertEqual(child.wait(harness.LIMIT), 0)

    def test_a_passed_socket_that_is_none_is_an_error(self):
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        start = ("import fcntl, os, sys\n"
                 f"spare = fcntl.fcntl({read}, fcntl.F_DUPFD, 64); os.dup2(spare, 3, inheritable=True)\n"
                 "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
                 "os.execv(sys.argv[1], sys.argv[1:])\n")
        done = subprocess.run([sys.executable, "-c", start, harness.RELAY], pass_fds=[read], capture_output=True,
                              env=harness.clean_environment(), timeout=harness.LIMIT, check=False)
        os.close(read)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"not a listening TCP socket", done.stderr)


if __name__ == "__main__":
    unittest.main()
