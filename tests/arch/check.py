#!/usr/bin/env python3
"""Checks that the sources keep to the written structure: rooms, libraries, macros, coroutines, tests, sizes, headers.

usage: check.py [ROOT]

Looks at the C++ sources that git tracks under ROOT (all of them where ROOT is not a repository), prints one line
`path:line: rule: what` for each breach, and exits 1 when there is one. Standard library only.
"""

import os
import re
import subprocess
import sys

# Which rooms a room may include: itself, these, and what these may.
ROOMS = {
    "base": [],
    "wire": ["base"],
    "crypto": ["wire"],
    "proto": ["crypto"],
    "payload": ["proto"],
    "async": ["base"],
    "stream": ["async", "proto"],
    "transport": ["stream"],
    "relay": ["transport"],
    "session": ["transport"],
    "transfer": ["session", "payload"],
    "testing": ["relay", "transfer"],
}
# The same for programs, by folder.
PROGRAMS = {
    "relay": ["relay"],
    "peer": ["relay", "transfer"],
    "bench": ["relay", "transfer", "testing"],
    "examples": ["relay", "transfer", "testing"],
}
# The document knows nothing of the handshake.
NEVER_INCLUDES = {"payload": {"wire"}}
# What these keep in framework/src serves the rooms above them, too. What other rooms keep there serves themselves alone.
SHARING = {"async", "stream", "transport", "session"}
# What parley::net and <parley/net.hpp> stand for.
NET = ["async", "stream", "transport", "relay", "session", "transfer"]

# Which rooms may include a library's headers; programs only where "programs" is named. Tests may include anything.
LIBRARIES = [
    ("libsodium", re.compile(r"sodium(\.h|/)"), {"crypto"}),
    ("OpenSSL's TLS", re.compile(r"openssl/(ssl|tls1|err|x509|x509v3|x509_vfy)\.h"), {"crypto", "stream", "transport"}),
    ("OpenSSL", re.compile(r"openssl/"), {"crypto"}),
    ("mbedTLS", re.compile(r"mbedtls/"), {"crypto"}),
    ("Asio or Beast", re.compile(r"boost/(asio|beast)(\.hpp|/)"), {*NET, "testing", "programs"}),
]
# The harness calls the libraries themselves here, to measure the framework against them.
LIBRARIES_THEMSELVES = {"bench/library_speed.cpp", "bench/load_socket.cpp"}
# The only ones that stand on the library of their name. The others of the room compile where neither is.
BACKENDS = {"openssl/": {"aead_openssl", "sha1_openssl"}, "mbedtls/": {"aead_mbedtls", "sha1_mbedtls"}}

# Sources without a test file of their own name: path below framework/src, and the test that runs it, below tests.
TESTED_BY = {
    "async/blocking_worker.cpp": "unit/transfer/blocking_worker_test.cpp",
    "async/time_source.cpp": "unit/async/deadline_timer_test.cpp",
    "crypto/aead_mbedtls.cpp": "unit/crypto/record_cipher_test.cpp",
    "crypto/sha1_mbedtls.cpp": "unit/crypto/sha1_test.cpp",
    "crypto/sha1_openssl.cpp": "unit/crypto/sha1_test.cpp",
    "payload/disk/guarded_file.cpp": "unit/payload/guarded_directory_test.cpp",
    "payload/disk/name_probe.cpp": "unit/payload/folder_sink_test.cpp",
    "payload/in/raw_inflate_isal.cpp": "unit/payload/deflate_engine_test.cpp",
    "payload/in/raw_inflate_zlib.cpp": "unit/payload/deflate_engine_test.cpp",
    "payload/out/deflate_engine_isal.cpp": "unit/payload/deflate_engine_test.cpp",
    "payload/out/deflate_engine_zlib.cpp": "unit/payload/deflate_engine_test.cpp",
    "payload/sink/document_placement.cpp": "unit/payload/folder_sink_test.cpp",
    "payload/sink/staged_document.cpp": "unit/payload/kept_document_test.cpp",
    "relay/handshake/handshake_service.cpp": "unit/relay/relay_server_test.cpp",
    "relay/intake/relay_listeners.cpp": "unit/relay/relay_server_test.cpp",
    "relay/reject_reason.cpp": "unit/relay/limiter_test.cpp",
    "relay/rooms/room_service.cpp": "unit/relay/relay_server_test.cpp",
    "session/continuation.cpp": "unit/transfer/content_transfer_test.cpp",
    "session/probe.cpp": "integration/probe.py",
    "session/secure_room.cpp": "unit/session/meeting_test.cpp",
    "stream/layer/layered_stream.cpp": "unit/transport/tls_test.cpp",
    "stream/layer/keepalive_scheduler.cpp": "unit/transport/websocket_test.cpp",
    "stream/layer/tls_layer.cpp": "unit/transport/tls_test.cpp",
    "stream/layer/websocket_layer.cpp": "unit/transport/websocket_test.cpp",
    "testing/secure_pair.cpp": "unit/stream/secure_stream_test.cpp",
    "transfer/content_pump.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/content_store.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/document_read_ahead.cpp": "unit/transfer/blocking_worker_test.cpp",
    "transfer/receive_content.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/receiver_session.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/send_content.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/sender_session.cpp": "unit/transfer/content_transfer_test.cpp",
    "transfer/write_behind.cpp": "unit/transfer/blocking_worker_test.cpp",
    "transport/http/http_head.cpp": "unit/transport/http_connect_test.cpp",
    "transport/http/websocket_transport.cpp": "unit/transport/websocket_test.cpp",
    "transport/proxy/proxy_dialogue.cpp": "unit/transport/socks5_test.cpp",
    "transport/proxy/proxy_environment.cpp": "unit/transport/proxy_test.cpp",
}

MAX_LINES = 600
SOURCE = re.compile(r"\.(cpp|hpp)$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
NOISE = re.compile(
    r'R"([^()\\\s]{0,16})\(.*?\)\1"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'"  # not the mark inside 1'000
    r"|//[^\n]*|/\*.*?\*/",
    re.DOTALL,
)
CONDITION = re.compile(r"\b(if|while|switch|for|(?:EXPECT|ASSERT)_[A-Z_]+)\b(?:\s+constexpr)?\s*\(")
LAMBDA = re.compile(r"\[[^\]]*\][^;{}]*\{")
CLOCKS = re.compile(r"::now\s*\(|\b(?:std::)?(?:random_device|time\s*\(\s*(?:nullptr|NULL|0)\s*\)|gettimeofday|clock_gettime)")
THREADS = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "stop_token", "semaphore"}


def sources(root):
    """The paths, relative to `root`, of the C++ sources to look at."""
    git = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
    top = os.path.exists(os.path.join(root, ".git"))
    if git.returncode == 0 and top:
        paths = git.stdout.decode().split("\0")
    else:
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not name.startswith((".", "build", "node_modules"))]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(p for p in paths if SOURCE.search(p) and os.path.isfile(os.path.join(root, p)))


def code_of(text):
    """`text` without comments and the content of strings; every line keeps its number."""

    def blank(match):
        newlines = "\n" * match.group().count("\n")
        return newlines or " " if match.group().startswith("/") else '""' + newlines

    return NOISE.sub(blank, text)


def room_of(path):
    parts = path.split("/")
    if path.startswith("framework/include/parley/") and len(parts) > 4:
        return parts[3]
    if path.startswith("framework/src/") and len(parts) > 3:
        return parts[2]
    return "programs" if parts[0] in PROGRAMS else None


def closure(rooms):
    """`rooms`, and all that they may include."""
    return set(rooms).union(*(closure(ROOMS[room]) for room in rooms))


def cmake_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return re.sub(r"#[^\n]*", "", file.read())


def used_by_room(root, room):
    """The rooms that its CMake target names."""
    declared = re.search(rf"parley_room\(\s*{room}\b([^)]*)\)", cmake_of(root, f"framework/src/{room}/CMakeLists.txt"))
    words = declared.group(1).split() if declared else []
    begin = words.index("USES") + 1 if "USES" in words else len(words)
    end = next((i for i in range(begin, len(words)) if words[i].isupper()), len(words))
    return words[begin:end]


def used_by_program(root, folder):
    return re.findall(r"\bparley::(\w+)", cmake_of(root, f"{folder}/CMakeLists.txt"))


def line_at(text, position):
    return text.count("\n", 0, position) + 1


def matching(text, opening):
    """Where the parenthesis that opens at `opening` closes."""
    depth = 0
    for position in range(opening, len(text)):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            depth -= 1
            if depth == 0:
                return position
    return len(text)


def check_room_order(root, path, room, header, quoted):
    target = None
    if header.startswith("parley/") and header.count("/") >= 2:
        target = header.split("/")[1]
    elif quoted:
        folder = os.path.dirname(os.path.join(root, path))
        found = os.path.relpath(os.path.normpath(os.path.join(folder, header)), root)
        if not os.path.exists(os.path.join(folder, header)):
            found = os.path.join("framework/src", header)
        if os.path.exists(os.path.join(root, found)) and found.startswith("framework/src/"):
            target = room_of(found)
            if target != room and (target not in SHARING or room not in ROOMS):
                yield "private", f"{header} is a private header of {target}"
                return
    if target not in ROOMS:
        return
    may = closure(PROGRAMS[path.split("/")[0]] if room == "programs" else ROOMS.get(room, ()))
    if target != room and target not in may:
        yield "rooms", f"{room} may not include {header}: {target} is not below it"
    elif target in NEVER_INCLUDES.get(room, ()):
        yield "rooms", f"{room} may not include {header}"


def check_includes(root, path, text):
    room = room_of(path)
    if room is None:
        return
    for match in INCLUDE.finditer(text):
        line, header, quoted = line_at(text, match.start(2)), match.group(2), match.group(1) == '"'
        for rule, what in check_room_order(root, path, room, header, quoted):
            yield line, rule, what
        library = next((entry for entry in LIBRARIES if entry[1].match(header)), None)
        if library and room not in library[2] and path not in LIBRARIES_THEMSELVES:
            yield line, "libraries", f"{room} may not include {header}"
        elif library and path.startswith("framework/include/") and room == "crypto":
            yield line, "libraries", f"a public header of crypto may not show {header} to other rooms"
        for prefix, files in BACKENDS.items():
            if room == "crypto" and header.startswith(prefix):
                if os.path.splitext(os.path.basename(path))[0] not in files:
                    yield line, "libraries", f"{header}: this file stands on libsodium alone"
        if header.endswith("awaitable_operators.hpp"):
            yield line, "coroutines", "operators on awaitables drop the loser's exception"
        if room == "proto" and header in THREADS:
            yield line, "machines", f"a machine knows no <{header}>"


def check_machines(path, code):
    if room_of(path) != "proto":
        return
    for match in CLOCKS.finditer(code):
        yield line_at(code, match.start()), "machines", "a machine is handed time and randomness; it reads none"


def check_coroutines(code):
    if "co_await" not in code:
        return
    for match in CONDITION.finditer(code):
        inside = code[match.end() : matching(code, match.end() - 1)]
        before, found, _ = inside.partition("co_await")
        # What a lambda inside the condition does is judged on its own.
        if found and not LAMBDA.search(before):
            yield line_at(code, match.start()), "coroutines", f"co_await in the condition of {match.group(1)}"
    for match in re.finditer(r"!\s*\(*\s*co_await\b", code):
        yield line_at(code, match.start()), "coroutines", "co_await under !"
    begin = 0
    for statement in code.split(";"):
        awaits = [m.start() for m in re.finditer(r"\bco_await\b", statement)]
        if len(awaits) > 1:
            yield line_at(code, begin + awaits[1]), "coroutines", "two co_await in one statement"
        if awaits and re.search(r"\{\s*\.", statement[awaits[0] :]):
            yield line_at(code, begin + awaits[0]), "coroutines", "an aggregate temporary beside co_await"
        if awaits and re.search(r"\bauto\s*&*\s*\[[^\]()]*\]\s*=\s*$", statement[: awaits[0]]):
            yield line_at(code, begin + awaits[0]), "coroutines", "a structured binding of co_await"
        begin += len(statement) + 1


def check_cmake(root, paths):
    """Targets use what the graph says; the umbrella has all headers."""
    for room, uses in ROOMS.items():
        path = f"framework/src/{room}/CMakeLists.txt"
        if not os.path.exists(os.path.join(root, path)):
            if any(room_of(source) == room for source in paths):
                yield path, 1, "rooms", "no such file"
        elif sorted(used_by_room(root, room)) != sorted(uses):
            yield path, 1, "rooms", f"{room} is to use {' '.join(uses) or 'nothing'}"
    for folder, rooms in PROGRAMS.items():
        path = f"{folder}/CMakeLists.txt"
        if os.path.exists(os.path.join(root, path)):
            for room in sorted(set(used_by_program(root, folder)) & set(ROOMS) - closure(rooms)):
                yield path, 1, "rooms", f"{folder} may not link {room}"
    top = "framework/include/"
    wanted = {path[len(top) :] for path in paths if path.startswith(top) and room_of(path) in NET}
    umbrella = os.path.join(root, top, "parley/net.hpp")
    if wanted and os.path.exists(umbrella):
        with open(umbrella, encoding="utf-8") as file:
            wanted -= set(re.findall(r"#include <([^>]+)>", file.read()))
    for header in sorted(wanted):
        yield top + "parley/net.hpp", 1, "rooms", f"does not include {header}"


def check_macros(root, paths):
    """A macro of Asio that reaches a user's targets would have to be the same in all objects of a program."""
    for path in sorted(os.path.join(folder, name) for top in ("framework", "cmake")
                       for folder, _, names in os.walk(os.path.join(root, top)) for name in names):
        path = os.path.relpath(path, root)
        if re.search(r"(^|/)CMakeLists\.txt$|\.cmake(\.in)?$", path):
            text = cmake_of(root, path)
            for match in re.finditer(r"\bBOOST_(?:ASIO|BEAST)\w*", text):
                yield path, line_at(text, match.start()), "macros", f"{match.group()}: Asio is used without macros"
    for path in paths:
        if path.startswith("framework/"):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = code_of(file.read())
            for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(BOOST_(?:ASIO|BEAST)\w*)", text, re.MULTILINE):
                yield path, line_at(text, match.start()), "macros", f"{match.group(1)}: Asio is used without macros"


def check_tests(root, paths):
    for path in paths:
        parts = path.split("/")
        if not (path.startswith("framework/src/") and path.endswith(".cpp") and room_of(path) in ROOMS):
            continue
        wanted = f"tests/unit/{parts[2]}/{os.path.splitext(parts[-1])[0]}_test.cpp"
        # On the disk is enough: a test that is not tracked yet is not missing.
        exists = os.path.exists(os.path.join(root, wanted))
        excepted = TESTED_BY.get("/".join(parts[2:]))
        if excepted and not os.path.exists(os.path.join(root, "tests", excepted)):
            yield path, 1, "tests", f"no tests/{excepted}, which is to test it"
        if not exists and not excepted:
            yield path, 1, "tests", f"no {wanted}"
        if exists and excepted:
            yield path, 1, "tests", f"{wanted} exists: take the file off the list of exceptions"


def check(root):
    paths = sources(root)
    breaches = []
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        code = code_of(text)
        found = list(check_includes(root, path, text)) + list(check_machines(path, code)) + list(check_coroutines(code))
        lines = text.count("\n")
        if lines > MAX_LINES:
            found.append((lines, "size", f"{lines} lines: one file is one thing, at most {MAX_LINES}"))
        if path.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.MULTILINE):
            found.append((1, "headers", "no #pragma once"))
        breaches += [(path, *breach) for breach in found]
    breaches += check_cmake(root, paths)
    breaches += check_macros(root, paths)
    breaches += check_tests(root, paths)
    return paths, breaches


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../.."))
    paths, breaches = check(root)
    for path, line, rule, what in breaches:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"{len(paths)} files, {len(breaches)} breaches")
    if not paths:
        print("no sources found", file=sys.stderr)
    return 1 if breaches or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
