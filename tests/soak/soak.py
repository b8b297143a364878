"""Honest peers and attackers at one relay, all on loopback: does it serve the one and survive the other?

    soak.py [--seconds N] [--over tcp|tls|nginx] [--pairs N] [--rate N] [--short]

First honest pairs alone for a tenth of the time (at most a minute), then the same pairs beside all attacks of attacks.py.
Fails when an honest pair or hello did, when the relay was above its bound of memory or its sockets above theirs, when its
event loop was silent for more than five seconds, or when it ended. Prints how long an honest hello took in both parts.
--short leaves out what depends on the machine's speed: the time of silence, and whether the attackers reached their rate.

The relay has its default settings. What it listens on is --over: "tcp" is every transport, with honest peers over TCP;
"tls" is TLS alone; "nginx" is one port for WebSockets behind a real nginx, whose addresses it trusts.

Needs $PARLEY_RELAY_PROGRAM, and $PARLEY_SOAK_PROGRAMS: the folder of honest_pairs and tls_flood."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "integration"))
import harness
import proxies_in_front
import relay_operation
import secure

HONEST, ATTACKERS = "127.20.0.1", "127.66.0.1"
ATTACKER_PROCESSES, ATTACKER_ADDRESSES = 2, 200
LEAST_REACHED = 0.5  # of the stated rate
WATCHDOG_GAP = 5.0  # seconds
WATCHDOG_USEC = 2_000_000  # the relay says that it is alive twice in this time
MEASURE_EVERY = 2.0
MEMORY = pathlib.Path("/dev/shm")  # documents go there, so that a busy disk delays nobody
RATE = {"tcp": 1000, "tls": 500, "nginx": 300}  # TLS costs an attacker more
LISTEN = {
    "tcp": {"tcp": "", "tls": "tls://", "ws": "ws://", "wss": "wss://"},
    "tls": {"tls": "tls://"},
}


class Manager(threading.Thread):
    """The service manager that the relay reports to: the longest time without WATCHDOG=1 since watch()."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._last = self._longest = 0.0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while said := self._socket.recv(4096):
                if b"WATCHDOG=1" in said:
                    now = time.monotonic()
                    self._longest = max(self._longest, now - self._last)
                    self._last = now

    def watch(self):
        self._last, self._longest = time.monotonic(), 0.0

    def longest_gap(self):
        return max(self._longest, time.monotonic() - self._last)


class Memory(threading.Thread):
    """Measures the relay now and then: bytes resident, and bytes of its sockets in the kernel."""

    def __init__(self, pid, ports):
        super().__init__(daemon=True)
        self._pid, self._ports = pid, ports
        self._over = threading.Event()
        self.kernel_peak = 0
        self.start()

    def run(self):
        while not self._over.wait(MEASURE_EVERY):
            self.kernel_peak = max(self.kernel_peak, self.kernel())

    def kernel(self):
        mine = " or ".join(f"sport = :{port}" for port in self._ports)
        said = subprocess.run(["ss", "-tmnHa", mine], stdout=subprocess.PIPE, text=True, check=True).stdout
        # received and not read, allocated ahead, written and not acknowledged, options, backlog
        return sum(map(int, sum(re.findall(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o(\d+),bl(\d+)", said), ())))

    def resident_peak(self):
        status = pathlib.Path(f"/proc/{self._pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10

    def stop(self):
        self._over.set()
        self.join()


class Soak:
    def __init__(self, options, world):
        self.options, self.world = options, world
        self.authority = secure.Authority(world.folder("ca"))
        self.manager = Manager(world.root)
        environment = {"NOTIFY_SOCKET": self.manager.path, "WATCHDOG_USEC": WATCHDOG_USEC}
        certificate = ("--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key)
        watched = ("--http-listen", "127.0.0.1:0")
        any_port = "127.0.0.1:0"
        if options.over == "nginx":
            self.relay = world.start_relay(
                "--one-port", "--trusted-network", proxies_in_front.PROXY_ADDRESS, *watched, rooms=(),
                environment=environment)
            self.relay_ports = {self.relay.port}
            self.ports = {"wss": [self.nginx()]}
        else:
            schemes = LISTEN[options.over]
            self.relay = world.start_relay(
                *certificate, *watched, environment=environment, listen=[s + any_port for s in schemes.values()],
                rooms=[schemes[s] + any_port for s in ("tcp", "tls") if s in schemes])
            self.ports = {name: self.ports_of(prefix) for name, prefix in schemes.items()}
            self.relay_ports = {port for ports in self.ports.values() for port in ports}
        self.memory = Memory(self.relay.pid, self.relay_ports)

    def ports_of(self, prefix):
        """The ports of the relay's addresses with that prefix: of handshakes and, where they are others, of rooms."""
        addresses = [a for channel in ("handshake", "rooms") for a in self.relay.ready[channel]]
        return [int(a.rpartition(":")[2]) for a in addresses if a.startswith(prefix) and (prefix or "/" not in a)]

    def nginx(self):
        port = harness.free_port()
        content = proxies_in_front.substituted("nginx/parley.conf", {
            "127.0.0.1:9000": f"127.0.0.1:{self.relay.port}", "listen 443": f"listen 127.0.0.1:{port}",
            "    listen [::]:443 ssl;\n": "", "/etc/letsencrypt/live/relay.example/fullchain.pem": str(self.authority.server),
            "/etc/letsencrypt/live/relay.example/privkey.pem": str(self.authority.server_key)})
        server = self.world.keep(proxies_in_front.Nginx(self.world.folder("nginx"), content,
                                                        main="worker_rlimit_nofile 20000;", events="worker_connections 10000;"))
        proxies_in_front.wait_for_port(port, server)
        return port

    def honest(self, seconds):
        """What honest_pairs says after so many seconds."""
        scheme = {"nginx": "wss"}.get(self.options.over, self.options.over)
        ports = self.ports[scheme]
        program = self.world.keep(harness.Process([
            self.options.programs / "honest_pairs", "--over", scheme, "--port", ports[0], "--room-port", ports[-1],
            "--ca-file", self.authority.certificate, "--pairs", self.options.pairs, "--seconds", seconds,
            "--first-address", HONEST, "--seed", self.options.seed], environment={"TMPDIR": self.world.temporary}))
        status = program.wait(seconds + 3 * harness.LIMIT)
        if status not in (0, 1):
            raise harness.Failure(program.describe())
        return json.loads(program.stdout.text())

    @contextlib.contextmanager
    def attacked(self):
        """The attackers run inside; gives what each attack did, once they have ended."""
        first = int.from_bytes(socket.inet_aton(ATTACKERS), "big")
        each = ATTACKER_ADDRESSES // ATTACKER_PROCESSES
        running = []
        did = {}
        for n in range(ATTACKER_PROCESSES):
            plan = {"ports": self.ports, "first_address": socket.inet_ntoa((first + n * each).to_bytes(4, "big")),
                    "addresses": each, "rate": self.options.rate / ATTACKER_PROCESSES, "seed": self.options.seed + n,
                    "tls_flood": str(self.options.programs / "tls_flood")}
            running.append(subprocess.Popen([sys.executable, "-B", FOLDER / "attacks.py", json.dumps(plan)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        try:
            yield did
            for process in running:
                process.stdin.close()
            for process in running:
                for name, counts in json.loads(process.stdout.read()).items():
                    did[name] = [a + b for a, b in zip(did.get(name, (0, 0, 0)), counts)]
        finally:
            for process in running:
                process.stdin.close()
                try:
                    process.wait(harness.LIMIT)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                process.stdout.close()

    def run(self):
        """The sentences that say what failed."""
        seconds = self.options.seconds
        quiet_seconds = max(3, min(60, seconds / 10))
        print(f"relay over {self.options.over}: {self.options.pairs:g} honest pairs a second, for {quiet_seconds:g} s alone, then "
              f"{seconds:g} s beside {self.options.rate:g} attacks a second (connections, and writes of up to 16 KiB) from "
              f"{ATTACKER_ADDRESSES} addresses", flush=True)
        quiet = self.honest(quiet_seconds)
        show("alone", quiet)
        self.manager.watch()
        with self.attacked() as did:
            attacked = self.honest(seconds)
            gap = self.manager.longest_gap()
        self.memory.stop()
        show("attacked", attacked)
        for percentile in ("p50", "p99"):
            before, after = quiet["hello_ms"][percentile], attacked["hello_ms"][percentile]
            print(f"an honest hello, {percentile}: {after:.1f} ms, {after / before:.1f} times what it was alone")
        reached = self.show_attacks(did)
        resident, kernel = self.memory.resident_peak(), self.memory.kernel_peak
        print(f"relay: {resident / 2**20:.0f} MiB resident at most, {kernel / 2**20:.0f} MiB of socket memory at most, "
              f"{gap:.1f} s between signs of life at most (2 a second would be {WATCHDOG_USEC / 2e6:g} s)")
        self.show_rejections()
        wrong = [f"{part}: {what}" for part, report in (("alone", quiet), ("attacked", attacked)) for what in failed(report)]
        if reached < LEAST_REACHED and not self.options.short:
            wrong.append("the attackers were too slow: take a machine with less to do, or a lower --rate")
        if resident >= self.options.resident_mib << 20:
            wrong.append(f"the relay had {resident >> 20} MiB resident")
        if kernel >= self.options.kernel_mib << 20:
            wrong.append(f"the relay's sockets had {kernel >> 20} MiB in the kernel")
        if gap > WATCHDOG_GAP and not self.options.short:
            wrong.append(f"the relay's event loop was silent for {gap:.1f} s")
        if not self.relay.running():
            wrong.append(f"the relay has ended: {self.relay.describe()}")
        return wrong

    def show_attacks(self, did):
        print(f"{'attack':<20}{'a second':>10}{'kB a second':>13}{'connections':>13}")
        together = [sum(column) for column in zip(*did.values())]
        for name, (operations, size, connections) in [*did.items(), ("all", together)]:
            print(f"{name:<20}{operations:>10.1f}{size / 1000:>13.1f}{connections:>13}")
        reached = together[0] / self.options.rate
        print(f"The attackers reached {reached:.0%} of the stated rate.", flush=True)
        return reached

    def show_rejections(self):
        with contextlib.suppress(OSError):
            found = relay_operation.metrics(self.relay.ready["http"][0])
            for family in ("rejections", "packets_dropped"):
                shown = {series.split('"')[1]: int(value) for series, value in found.items()
                         if series.startswith(f"parley_relay_{family}_total") and value}
                print(f"relay: {family.replace('_', ' ')} {shown}")


def failed(report):
    return [f"{report[what] - report[what + '_ok']} of {report[what]} honest {what} failed" for what in ("pairs", "probes")
            if report[what + "_ok"] != report[what]]


def show(part, report):
    print(f"{part}: {report['pairs_ok']} of {report['pairs']} honest pairs, {report['probes_ok']} of {report['probes']} hellos")
    for what in ("hello_ms", "pair_ms"):
        found = report[what]
        print(f"  {what[:-3]}: p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms, at most {found['max']:.1f} ms")
    for why, count in sorted(report["failures"].items(), key=lambda each: -each[1])[:10]:
        print(f"  failed {count} times: {why}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--over", choices=("tcp", "tls", "nginx"), default="tcp")
    parser.add_argument("--pairs", type=float, default=20, help="honest pairs a second; fewer for a slow machine")
    parser.add_argument("--rate", type=float, help="attacks a second, all together; by default 1000, over tls 500, over nginx 300")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resident-mib", type=int, default=256)
    parser.add_argument("--kernel-mib", type=int, default=256)
    parser.add_argument("--programs", type=pathlib.Path, default=os.environ.get("PARLEY_SOAK_PROGRAMS"))
    parser.add_argument("--short", action="store_true", help="10 seconds, 5 pairs a second and 0.3 times the attacks")
    options = parser.parse_args()
    options.rate = options.rate or RATE[options.over]
    if options.short:
        options.seconds, options.pairs, options.rate = 10, 5, 0.3 * options.rate
    if not options.programs:
        parser.error("--programs or PARLEY_SOAK_PROGRAMS is missing")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    if os.access(MEMORY, os.W_OK):
        tempfile.tempdir = str(MEMORY)
    with harness.World(relay=False) as world:
        try:
            wrong = Soak(options, world).run()
        except harness.Failure as failure:  # a program has not ended, or not as it should
            wrong = [str(failure)]
    for sentence in wrong:
        print(f"FAILED: {sentence}")
    print("soak failed" if wrong else "soak passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
