#!/usr/bin/env python3
"""Checks that a program which embeds a relay links nothing of the document: not its room, and none of its libraries.

usage: relay_links.py BUILD_FOLDER CMAKE_MAKE_PROGRAM PROGRAM TARGET
"""

import os
import re
import subprocess
import sys

LIBRARIES = r"(?:lib|-l)(?:z|isal|zstd)(?:\.|\b)"
ROOMS = r"libparley_(?:payload|session|transfer|testing)\."


def link_line(build, make, program, target):
    """The command that links `program`."""
    if os.path.exists(os.path.join(build, "build.ninja")):
        commands = subprocess.run([make, "-C", build, "-t", "commands", os.path.relpath(program, build)],
                                  capture_output=True, check=True, text=True).stdout.splitlines()
        return commands[-1]
    folder = os.path.join(os.path.dirname(program), "CMakeFiles", f"{target}.dir")
    with open(os.path.join(folder, "link.txt"), encoding="utf-8") as file:
        return file.read()


def main():
    build, make, program, target = sys.argv[1:]
    line = link_line(build, make, program, target)
    needed = subprocess.run(["readelf", "-d", program], capture_output=True, check=True, text=True).stdout
    needed = "\n".join(re.findall(r"\(NEEDED\).*", needed))
    failures = []
    if "libparley_relay." not in line or "libc.so" not in needed:
        failures.append("this is no link line, or no program, of a relay")
    failures += [f"on the link line: {found}" for found in re.findall(f"\\S*(?:{LIBRARIES}|{ROOMS})\\S*", line)]
    failures += [f"needed: {found}" for found in re.findall(f".*{LIBRARIES}.*", needed)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
