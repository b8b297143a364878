#!/usr/bin/env python3
"""Says how many of the native tests run as WebAssembly, too, and which do not.

usage: how_many.py NODE RUN.MJS NATIVE WASM [NATIVE WASM]...

Fails when a program has tests that its native counterpart lacks, or none at all. Standard library only.
"""

import os
import subprocess
import sys


def tests_of(command):
    """The full names of a GoogleTest program's tests."""
    listed = subprocess.run([*command, "--gtest_list_tests"], capture_output=True, check=True, text=True).stdout
    names, suite = set(), ""
    for line in listed.splitlines():
        text = line.partition("#")[0].rstrip()
        if line.startswith("  "):
            names.add(suite + text.strip())
        elif text.endswith("."):
            suite = text
    return names


def main():
    node, run, *programs = sys.argv[1:]
    total_native = total_wasm = 0
    failed = False
    for native, wasm in zip(programs[::2], programs[1::2]):
        here, there = tests_of([native]), tests_of([node, run, wasm])
        total_native += len(here)
        total_wasm += len(there)
        print(f"{os.path.basename(native)}: {len(there)} of {len(here)} tests run as WebAssembly")
        missing = {}
        for name in here - there:
            suite = name.partition(".")[0]
            missing[suite] = missing.get(suite, 0) + 1
        for suite, count in sorted(missing.items()):
            print(f"  not {suite} ({count})")
        failed |= not there or not there <= here
    print(f"all: {total_wasm} of {total_native}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
