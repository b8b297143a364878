#!/usr/bin/env python3
"""Draws the rooms and programs from what their CMake targets use, and measures them.

usage: rooms.py [--write | --check] [ROOT]

Prints what each room uses and its share of the lines of code. --write writes docs/rooms.svg. --check fails when that
picture is out of date, or when a room has more than a fifth of all lines. Standard library only.
"""

import os
import sys

from check import PROGRAMS, ROOMS, SOURCE, room_of, sources, used_by_program, used_by_room

PICTURE = "docs/rooms.svg"
NAMES = {"relay": "parley-relay", "peer": "parley", "bench": "parley-bench"}
MAX_SHARE = 0.20
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 122, 52, 96, 30, 14


def graph(root):
    """Room or program to what it uses directly, as CMake has it."""
    out = {room: used_by_room(root, room) for room in ROOMS}
    for folder, name in NAMES.items():
        if folder in PROGRAMS:
            out[name] = [room for room in used_by_program(root, folder) if room in ROOMS]
    return {name: sorted(direct(out, name)) for name in out}


def reached(uses, name):
    out = set()
    for used in uses[name]:
        out |= {used} | reached(uses, used)
    return out


def direct(uses, name):
    """What `name` uses other than through something else that it uses."""
    return {used for used in uses[name] if not any(used in reached(uses, other) for other in uses[name])}


def layers_of(uses):
    """Columns of nodes, each right of all that it uses. An arrow across a column has a place there: (user, used)."""
    depth = {}

    def measure(name):
        if name not in depth:
            depth[name] = 1 + max((measure(used) for used in uses[name]), default=-1)
        return depth[name]

    for name in uses:
        measure(name)
    layers = [[name for name in uses if depth[name] == column] for column in range(1 + max(depth.values()))]
    for name, used in ((name, used) for name in uses for used in uses[name]):
        for column in range(depth[used] + 1, depth[name]):
            layers[column].append((name, used))
    return depth, layers


def place(uses):
    """Where each node and each crossing arrow is: (column, row)."""
    depth, layers = layers_of(uses)
    row = {(column, node): float(i) for column, layer in enumerate(layers) for i, node in enumerate(layer)}

    def neighbours(column, node, step):
        at = column + step
        for name in uses:
            for used in uses[name]:
                here = [name if depth[name] == column else None, used if depth[used] == column else None, (name, used)]
                there = name if depth[name] == at else used if depth[used] == at else (name, used)
                if node in here and (at, there) in row:
                    yield row[at, there]

    def settle(column, step):
        wished = []
        for i, node in enumerate(layers[column]):
            found = list(neighbours(column, node, step))
            wished.append((sum(found) / len(found) if found else row[column, node], i, node))
        wished.sort(key=lambda one: one[:2])
        layers[column] = [node for _, _, node in wished]
        rows = []
        for wish, _, _ in wished:
            rows.append(max(wish, rows[-1] + 1) if rows else wish)
        shift = sum(rows) / len(rows) - sum(wish for wish, _, _ in wished) / len(rows)
        for one, node in zip(rows, layers[column]):
            row[column, node] = one - shift

    for _ in range(6):
        for column in range(1, len(layers)):
            settle(column, -1)
        for column in reversed(range(len(layers) - 1)):
            settle(column, 1)
    top = min(row.values())
    return depth, {key: value - top for key, value in row.items()}


def draw(uses):
    depth, row = place(uses)
    width = MARGIN * 2 + max(depth.values()) * COLUMN + WIDTH
    height = MARGIN * 2 + max(row.values()) * ROW + HEIGHT

    def middle(column, node):
        return MARGIN + row[column, node] * ROW + HEIGHT / 2

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="13">',
        "<title>The rooms of Parley: each uses what its arrows point to, and what those use</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#7a8794"/></marker></defs>',
    ]
    for name in uses:
        for used in uses[name]:
            x, y = MARGIN + depth[name] * COLUMN, middle(depth[name], name)
            path = f"M{x} {y:.1f}"
            for column in reversed(range(depth[used], depth[name])):
                crossing = column != depth[used]
                to, below = MARGIN + column * COLUMN + WIDTH, middle(column, (name, used) if crossing else used)
                bend = (x + to) / 2
                path += f"C{bend:.0f} {y:.1f} {bend:.0f} {below:.1f} {to} {below:.1f}"
                x, y = to - WIDTH, below
                path += f"H{x}" if crossing else ""
            out.append(f'<path d="{path}" fill="none" stroke="#7a8794" stroke-width="1.3" marker-end="url(#tip)"/>')
    for name in uses:
        x, y = MARGIN + depth[name] * COLUMN, middle(depth[name], name)
        fill, stroke, corner = ("#e4eef8", "#3b6ea5", 5) if name in ROOMS else ("#fbf1dc", "#a87b1e", 15)
        out.append(
            f'<rect x="{x}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="{corner}" fill="{fill}" '
            f'stroke="{stroke}"/><text x="{x + WIDTH / 2:.0f}" y="{y + 4.5:.1f}" text-anchor="middle" '
            f'fill="#1c2733">{name}</text>'
        )
    return "\n".join(out + ["</svg>"]) + "\n"


def lines_of(root):
    """Lines of code by room and program; tests and examples are none."""
    out = {}
    for path in sources(root):
        top = path.split("/")[0]
        name = room_of(path) if top == "framework" else NAMES.get(top)
        if name and SOURCE.search(path):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                out[name] = out.get(name, 0) + sum(1 for _ in file)
    return out


def main():
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--write", "--check")]
    root = os.path.abspath(arguments[0] if arguments else os.path.join(os.path.dirname(__file__), "../.."))
    uses = graph(root)
    picture = draw(uses)
    lines = lines_of(root)
    total = sum(lines.values())
    for name in uses:
        share = lines.get(name, 0) / total
        print(f"{name:13} {lines.get(name, 0):6} lines {share:6.1%}  uses {' '.join(uses[name]) or '-'}")
    path = os.path.join(root, PICTURE)
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(picture)
    if "--check" not in sys.argv:
        return 0
    failures = [f"{name} has more than {MAX_SHARE:.0%} of the lines" for name in ROOMS if lines.get(name, 0) > MAX_SHARE * total]
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != picture:
        failures.append(f"{PICTURE} is out of date: tests/arch/rooms.py --write")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
