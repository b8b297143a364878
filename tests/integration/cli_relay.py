"""The relay as a program: what it says, where it listens, and how it ends."""

import json
import re
import signal
import socket
import unittest

import harness


class RelayProgram(harness.FreshCase):
    RELAY = False

    def run_relay(self, *arguments):
        return self.world.keep(harness.Process([harness.RELAY, *arguments]))

    def test_says_where_it_listens_on_one_line(self):
        relay = self.run_relay("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--room-listen", "127.0.0.1:0")
        relay.wait_text("\n", stream="stdout")
        line = relay.stdout.text()
        self.assertRegex(line, r"\Aparley-relay ready: handshake 127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+, rooms 127\.0\.0\.1:\d+\n\Z")
        for port in re.findall(r":(\d+)", line):
            socket.create_connection(("127.0.0.1", int(port))).close()
        relay.send_signal(signal.SIGINT)
        relay.expect_exit(0)
        self.assertEqual(relay.stdout.text(), line)

    def test_says_it_as_json(self):
        relay = self.world.start_relay(listen=("127.0.0.1:0", "127.0.0.1:0"))
        self.assertEqual(set(relay.ready), {"event", "handshake", "rooms"})
        self.assertEqual(len(relay.ready["handshake"]), 2)
        relay.stop()

    def test_listens_on_both_families(self):
        relay = self.run_relay("--json", "--listen", "*:0", "--room-listen", "*:0")
        ready = relay.event("ready")
        port = int(ready["handshake"][0].rpartition(":")[2])
        self.assertEqual({int(at.rpartition(":")[2]) for at in ready["handshake"]}, {port})
        socket.create_connection(("127.0.0.1", port)).close()
        if any(at.startswith("[") for at in ready["handshake"]):
            socket.create_connection(("::1", port)).close()

    def test_ends_cleanly_by_either_signal_with_peers_waiting(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            relay = self.world.start_relay("--log-format", "json", "--log-level", "debug")
            peers = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(20)]
            for peer in peers:
                peer.settimeout(harness.LIMIT)
                peer.sendall(b"000001")
                self.assertTrue(peer.recv(100).startswith(b"000003127.0.0.1:"))
            relay.send_signal(number)
            for peer in peers:
                with peer:
                    try:
                        while peer.recv(4096):
                            pass
                    except ConnectionResetError:
                        pass
            relay.expect_exit(0)
            events = [json.loads(line) for line in relay.stderr.text().splitlines()]
            self.assertEqual(events[-1]["event"], "stopped")
            self.assertEqual(sum(event["event"] == "hello" for event in events), 20)

    def test_cannot_listen_where_another_does(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            relay = self.run_relay("--listen", address, "--room-listen", "127.0.0.1:0").expect_exit(3)
            self.assertIn(address, relay.stderr.text())
            self.assertIn("in use", relay.stderr.text())
            self.assertEqual(relay.stdout.text(), "")

    def test_cannot_listen_where_it_is_not(self):
        relay = self.run_relay("--listen", "192.0.2.1:0").expect_exit(3)
        self.assertIn("192.0.2.1", relay.stderr.text())

    def test_wrong_usage(self):
        for arguments in (("--listen", "nonsense"), ("--timeout", "-1"), ("extra",), ("--log-level", "loud")):
            relay = self.run_relay(*arguments).expect_exit(2)
            self.assertTrue(relay.stderr.text().startswith("parley-relay: "))

    def test_help_and_version(self):
        self.assertIn("--room-listen", self.run_relay("--help").expect_exit(0).stdout.text())
        self.assertRegex(self.run_relay("--version").expect_exit(0).stdout.text(), r"\Aparley-relay \d+\.\d+\.\d+\n\Z")

    def test_logs_a_transfer_but_neither_names_nor_codes(self):
        with harness.World(relay_options=("--log-level", "debug")) as world:
            path = world.file("out/secret-name", b"secret-content")
            sender, code = world.send_waiting(path)
            world.recv("-y", "-o", world.folder("in"), code=code).expect_exit(0)
            sender.expect_exit(0)
            world.relay.stop()
            log = world.relay.stderr.text()
            for event in ("agreed", "room_opened", "room_closed", "stopped"):
                self.assertIn(f"event={event}", log)
            for secret in ("secret-name", "secret-content", code):
                self.assertNotIn(secret, log)

    def test_quiet_logs_nothing_when_all_is_well(self):
        with harness.World(relay_options=("--quiet",)) as world:
            sender, code = world.send_waiting("--text", "x")
            world.recv("-y", "-o", world.folder("in"), code=code).expect_exit(0)
            sender.expect_exit(0)
            world.relay.stop()
            self.assertEqual(world.relay.stderr.text(), "")

    def test_raises_its_descriptor_limit(self):
        import resource
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        relay = self.world.keep(harness.Relay(prefix=("sh", "-c", 'ulimit -Sn 64; exec "$0" "$@"')))
        with open(f"/proc/{relay.pid}/limits") as limits:
            line = next(line for line in limits if line.startswith("Max open files"))
        self.assertEqual(int(line.split()[3]), hard)


if __name__ == "__main__":
    unittest.main()
