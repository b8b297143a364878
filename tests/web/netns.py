#!/usr/bin/env python3
"""netns.py COMMAND...: runs a command in a network of its own that has only the loopback device; 77 where there is none."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import namespaces  # noqa: E402

INSIDE = "--inside"

if sys.argv[1] == INSIDE:
    namespaces.set_loopback(True)
    os.execvp(sys.argv[2], sys.argv[2:])
if os.system("unshare -rn true 2>/dev/null") != 0:
    print("skipped: this machine allows no network namespaces", file=sys.stderr)
    sys.exit(77)
os.execvp("unshare", ["unshare", "-rn", sys.executable, "-B", os.path.abspath(__file__), INSIDE, *sys.argv[1:]])
