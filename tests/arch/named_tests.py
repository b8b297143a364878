#!/usr/bin/env python3
"""Checks that each test which a document names is there: `suite.case` as a GoogleTest case, a path as a file of tests/.

usage: named_tests.py ROOT DOCUMENT...
"""

import pathlib
import re
import sys

CASE = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
NAMED = re.compile(r"`([A-Za-z_]+(?:/[a-z_]+)*\.[A-Za-z0-9_]+)`")


def missing(root, document):
    tests = root / "tests"
    cases = {".".join(found) for source in tests.rglob("*.cpp") for found in CASE.findall(source.read_text())}
    rows = [line for line in (root / document).read_text().splitlines() if line.startswith("|")]
    for name in NAMED.findall("\n".join(rows)):
        if name not in cases and not (tests / name).is_file():
            yield name


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = [f"{document}: no test is called {name}" for document in sys.argv[2:] for name in missing(root, document)]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
