#!/usr/bin/env python3
"""Checks that programs were built and linked with the compiler's protections.

usage: hardening.py [--relro] [--stack-protector] [--fortify] [--cet] PROGRAM...
"""

import argparse
import re
import subprocess
import sys

ENDBR64 = b"\xf3\x0f\x1e\xfa"
MIN_BRANCH_TARGETS = 1000  # the C library's start files alone have a handful


def readelf(option, program):
    return subprocess.run(["readelf", "--wide", option, program], capture_output=True, check=True, text=True).stdout


def missing(program, wanted):
    """The protections that `program` lacks."""
    symbols = readelf("--dyn-syms", program)
    if wanted.relro:
        if not re.search(r"\((?:FLAGS|BIND_NOW|FLAGS_1)\).*\b(?:BIND_NOW|NOW)\b", readelf("--dynamic", program)):
            yield "full RELRO: symbols are bound lazily"
        if "GNU_RELRO" not in readelf("--program-headers", program):
            yield "full RELRO: no segment is made read-only"
        if not re.search(r"Type:\s+DYN", readelf("--file-header", program)):
            yield "a position-independent executable"
    if wanted.stack_protector and "__stack_chk_fail" not in symbols:
        yield "the stack protector"
    if wanted.fortify and not re.search(r"UND __\w+_chk", symbols):
        yield "_FORTIFY_SOURCE: no checked function is called"
    if wanted.cet:
        with open(program, "rb") as file:
            if file.read().count(ENDBR64) < MIN_BRANCH_TARGETS:
                yield "control-flow protection: branch targets are not marked"


def main():
    parser = argparse.ArgumentParser()
    for protection in ("relro", "stack-protector", "fortify", "cet"):
        parser.add_argument(f"--{protection}", action="store_true")
    parser.add_argument("programs", nargs="+")
    wanted = parser.parse_args()
    failures = [f"{program} lacks {what}" for program in wanted.programs for what in missing(program, wanted)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
