"""Runs a command where only one name server exists, in namespaces of its own:

    unshare -rnm python3 name_server.py HOW COMMAND...

HOW is `silent` (it never answers), `refuses`, `absent` (nobody listens) or `knows-nothing` (every name does not exist).
Exits with the command's status."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import namespaces

RCODES = {"refuses": 5, "knows-nothing": 3}
ADDRESSES = ("127.0.0.53", "127.0.0.54", "127.0.0.55")  # a silent one costs a look-up 30 s, five times


def replace(path, text):
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, path], check=True)
    os.unlink(file.name)


def answer(server, rcode):
    while True:
        query, who = server.recvfrom(4096)
        if rcode is not None:  # the question again, as a response
            server.sendto(query[:2] + struct.pack(">H", 0x8180 | rcode) + query[4:6] + bytes(6) + query[12:], who)


def main(how, *command):
    namespaces.set_loopback(True)
    servers = "".join(f"nameserver {address}\n" for address in ADDRESSES)
    replace("/etc/resolv.conf", servers + "options timeout:30 attempts:5\n")
    if os.path.exists("/etc/nsswitch.conf"):
        replace("/etc/nsswitch.conf", "hosts: files dns\n")
    if how != "absent":
        for address in ADDRESSES:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((address, 53))
            threading.Thread(target=answer, args=(server, RCODES.get(how)), daemon=True).start()
    status = subprocess.call(command)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
