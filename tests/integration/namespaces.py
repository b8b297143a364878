"""A network of a test's own: a namespace whose only device is the loopback device.

    with namespaces.Network() as network:        # raises unittest.SkipTest where the machine allows none
        harness.Process(command, prefix=network.prefix)
        network.set_loopback(False)              # from now on every path in it is dead

    with namespaces.Network(beside=network) as home:   # and one that a cable joins to it
        namespaces.join(network, home)
        home.ip("addr", "add", "10.1.0.2/24", "dev", "cable")
"""

import contextlib
import fcntl
import socket
import struct
import subprocess
import sys
import unittest


def set_loopback(up):
    """Of the calling process' namespace."""
    up_and_running = 0x1 | 0x40
    set_flags = 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", up_and_running if up else 0))


class Network:
    """Lives as long as a process that holds it. `beside` is one whose owner may change this one, too."""

    def __init__(self, beside=None):
        own = [*map(str, beside.prefix), "unshare", "-n"] if beside else ["unshare", "-rn"]
        self._holder = subprocess.Popen([*own, sys.executable, "-B", __file__], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.prefix = ("nsenter", "--preserve-credentials", "-t", self._holder.pid, "-U", "-n")
        try:
            self.set_loopback(True)
            subprocess.run([*map(str, self.prefix), "true"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as failure:
            self.end()
            raise unittest.SkipTest(f"no network namespace of its own here: {failure}") from None

    def set_loopback(self, up):
        self._holder.stdin.write(b"up\n" if up else b"down\n")
        self._holder.stdin.flush()
        if self._holder.stdout.readline() != b"done\n":
            raise OSError(self._holder.stderr.read().decode().strip()[-200:])

    @property
    def pid(self):
        return self._holder.pid

    def ip(self, *arguments):
        """The program of that name, in here."""
        try:
            subprocess.run([*map(str, self.prefix), "ip", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as failure:
            raise unittest.SkipTest(f"ip does not work here: {failure} {getattr(failure, 'stderr', '')}") from None

    def end(self):
        with contextlib.suppress(OSError):
            self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()
        self._holder.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def join(one, other):
    """A cable between the two, whose ends are called `cable`."""
    one.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", other.pid)
    for network in (one, other):
        network.ip("link", "set", "cable", "up")


def main():
    for line in sys.stdin:
        set_loopback(line == "up\n")
        print("done", flush=True)


if __name__ == "__main__":
    main()
