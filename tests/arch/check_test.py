#!/usr/bin/env python3
"""Plants breaches, one at a time, in a small tree of sources, and sees check.py find each and nothing else."""

import os
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check.py")

CLEAN = {
    "framework/include/parley/base/a.hpp": "#pragma once\n#include <string>\n",
    "framework/include/parley/wire/b.hpp": "#pragma once\n#include <parley/base/a.hpp>\n",
    "framework/include/parley/stream/any.hpp": "#pragma once\n#include <boost/asio/awaitable.hpp>\n",
    "framework/include/parley/payload/source.hpp": "#pragma once\n",
    "framework/include/parley/session/peer.hpp": "#pragma once\n#include <parley/stream/any.hpp>\n",
    "framework/include/parley/net.hpp": "#pragma once\n#include <parley/session/peer.hpp>\n#include <parley/stream/any.hpp>\n",
    "framework/src/base/a.cpp": '#include <parley/base/a.hpp>\nauto s = "if (co_await x) // not code";\n',
    "framework/src/wire/b.cpp": '#include <parley/wire/b.hpp>\n#include "b_table.hpp"\n',
    "framework/src/wire/b_table.hpp": "#pragma once\n",
    "framework/src/crypto/spoke.cpp": "#include <sodium.h>\n#include <parley/wire/b.hpp>\n",
    "framework/src/crypto/aead_openssl.cpp": "#include <openssl/evp.h>\n",
    "framework/src/stream/tls.cpp": "#include <openssl/ssl.h>\n#include <boost/beast.hpp>\n#include <parley/proto/m.hpp>\n",
    "framework/src/stream/layer/layer.hpp": "#pragma once\n",
    "framework/src/relay/rooms/private.hpp": "#pragma once\n",
    "framework/src/relay/rooms/pipe.cpp": '#include "stream/layer/layer.hpp"\n#include <parley/stream/any.hpp>\n',
    "framework/src/transfer/send.cpp": "#include <parley/payload/source.hpp>\n#include <parley/session/peer.hpp>\n",
    "framework/src/stream/run.cpp": "awaitable<void> f()\n{\n    // if (co_await g())\n    auto a = co_await g(1'000);\n"
    "    if (!a) { co_await h(); }\n    for (int i = 0; i < 2; ++i) co_await h();\n"
    "    co_spawn(e, [] -> awaitable<void> { co_await h(); co_await h(); }, 'x');\n"
    "    while (run([&](int) { co_await h(); })) {}\n    co_return co_await h();\n}\n",
    "framework/src/proto/m.cpp": "void on(time_point now) { use(now); }\n",
    "framework/src/payload/p.cpp": "#include <parley/base/a.hpp>\n#include <parley/crypto/sha1.hpp>\n",
    "relay/main.cpp": "#include <parley/stream/any.hpp>\n#include <boost/asio/signal_set.hpp>\n",
    "relay/CMakeLists.txt": "target_link_libraries(relay_lib PUBLIC parley::relay)\n",
    "peer/send.cpp": "#include <parley/session/peer.hpp>\n#include <parley/payload/source.hpp>\n",
    "tests/unit/base/a_test.cpp": "",
    "tests/unit/wire/b_test.cpp": "",
    "tests/unit/crypto/spoke_test.cpp": "#include <openssl/evp.h>\n#include <sodium.h>\n",
    "tests/unit/crypto/aead_openssl_test.cpp": "",
    "tests/unit/proto/m_test.cpp": "",
    "tests/unit/payload/p_test.cpp": "",
    "tests/unit/stream/tls_test.cpp": "",
    "tests/unit/stream/run_test.cpp": "",
    "tests/unit/relay/pipe_test.cpp": "",
    "tests/unit/transfer/send_test.cpp": "",
}
USES = {"base": "", "wire": "base", "crypto": "wire", "proto": "crypto", "payload": "proto", "stream": "async proto",
        "relay": "transport", "session": "transport", "transfer": "session payload"}
for name, used in USES.items():
    CLEAN[f"framework/src/{name}/CMakeLists.txt"] = (
        f"# one\nparley_room({name} SOURCES a.cpp" + (f"\n    USES {used} LINK z)\n" if used else ")\n"))

# What is planted (path, content), and the beginning of the one line that must be printed.
NET = "framework/src/stream/run.cpp"
PIPE = "framework/src/relay/rooms/pipe.cpp"
PLANTED = [
    ("framework/src/base/a.cpp", "#include <parley/wire/b.hpp>\n", "framework/src/base/a.cpp:1: rooms:"),
    ("framework/include/parley/wire/b.hpp", "#pragma once\n\n#include <parley/crypto/k.hpp>\n",
     "framework/include/parley/wire/b.hpp:3: rooms:"),
    ("framework/src/crypto/spoke.cpp", "#include <parley/proto/m.hpp>\n", "framework/src/crypto/spoke.cpp:1: rooms:"),
    ("framework/src/proto/m.cpp", "#include <parley/stream/any.hpp>\n", "framework/src/proto/m.cpp:1: rooms:"),
    (NET, "#include <parley/testing/pair.hpp>\n", f"{NET}:1: rooms:"),
    (PIPE, "#include <parley/payload/source.hpp>\n", f"{PIPE}:1: rooms:"),
    (PIPE, "#include <parley/session/peer.hpp>\n", f"{PIPE}:1: rooms:"),
    ("framework/include/parley/session/peer.hpp", "#pragma once\n#include <parley/relay/server.hpp>\n",
     "framework/include/parley/session/peer.hpp:2: rooms:"),
    (NET, '#include "relay/rooms/private.hpp"\n', f"{NET}:1: private:"),
    ("framework/src/proto/m.cpp", '#include "stream/layer/layer.hpp"\n', "framework/src/proto/m.cpp:1: rooms:"),
    ("relay/x.cpp", "#include <parley/payload/source.hpp>\n", "relay/x.cpp:1: rooms:"),
    ("peer/x.cpp", '#include "../framework/src/stream/layer/layer.hpp"\n', "peer/x.cpp:1: private:"),
    ("framework/src/relay/CMakeLists.txt", "parley_room(relay SOURCES a.cpp USES transport payload)\n",
     "framework/src/relay/CMakeLists.txt:1: rooms:"),
    ("framework/src/transfer/CMakeLists.txt", "parley_room(transfer SOURCES a.cpp USES session LINK payload)\n",
     "framework/src/transfer/CMakeLists.txt:1: rooms:"),
    ("relay/CMakeLists.txt", "target_link_libraries(relay_lib PUBLIC parley::relay parley::payload)\n",
     "relay/CMakeLists.txt:1: rooms:"),
    ("framework/include/parley/net.hpp", "#pragma once\n#include <parley/stream/any.hpp>\n",
     "framework/include/parley/net.hpp:1: rooms: does not include parley/session/peer.hpp"),
    ("framework/src/payload/p.cpp", "#include <parley/wire/b.hpp>\n", "framework/src/payload/p.cpp:1: rooms:"),
    ("framework/src/payload/p.cpp", "#  include <parley/session/peer.hpp>\n", "framework/src/payload/p.cpp:1: rooms:"),
    (NET, '#include "wire/b_table.hpp"\n', f"{NET}:1: private:"),
    ("relay/x.cpp", '#include "../framework/src/wire/b_table.hpp"\n', "relay/x.cpp:1: private:"),
    ("peer/x.cpp", '#include "wire/b_table.hpp"\n', "peer/x.cpp:1: private:"),
    ("framework/src/base/a.cpp", "#include <sodium.h>\n", "framework/src/base/a.cpp:1: libraries:"),
    ("relay/x.cpp", "#include <sodium/core.h>\n", "relay/x.cpp:1: libraries:"),
    (NET, "#include <openssl/evp.h>\n", f"{NET}:1: libraries:"),
    (PIPE, "#include <openssl/ssl.h>\n", f"{PIPE}:1: libraries:"),
    ("framework/src/payload/p.cpp", "#include <openssl/sha.h>\n", "framework/src/payload/p.cpp:1: libraries:"),
    ("framework/src/proto/m.cpp", "#include <openssl/ssl.h>\n", "framework/src/proto/m.cpp:1: libraries:"),
    ("framework/src/proto/m.cpp", "#include <boost/asio.hpp>\n", "framework/src/proto/m.cpp:1: libraries:"),
    ("framework/src/wire/b.cpp", "#include <boost/beast/http.hpp>\n", "framework/src/wire/b.cpp:1: libraries:"),
    ("framework/src/crypto/spoke.cpp", "#include <openssl/evp.h>\n", "framework/src/crypto/spoke.cpp:1: libraries:"),
    ("framework/src/crypto/spoke.cpp", "#include <mbedtls/gcm.h>\n", "framework/src/crypto/spoke.cpp:1: libraries:"),
    ("framework/src/proto/m.cpp", "#include <mbedtls/gcm.h>\n", "framework/src/proto/m.cpp:1: libraries:"),
    ("framework/include/parley/crypto/k.hpp", "#pragma once\n#include <sodium.h>\n",
     "framework/include/parley/crypto/k.hpp:2: libraries:"),
    ("framework/src/proto/m.cpp", "#include <thread>\n", "framework/src/proto/m.cpp:1: machines:"),
    ("framework/src/proto/m.cpp", "\nauto t = std::chrono::steady_clock::now();\n", "framework/src/proto/m.cpp:2: machines:"),
    ("framework/src/proto/m.cpp", "std::random_device r;\n", "framework/src/proto/m.cpp:1: machines:"),
    (NET, "void f() {\n    if (co_await g()) h();\n}\n", f"{NET}:2: coroutines: co_await in the condition of if"),
    (NET, "while (a && (b || co_await g())) h();\n", f"{NET}:1: coroutines: co_await in the condition of while"),
    (NET, "switch (co_await g()) {}\n", f"{NET}:1: coroutines: co_await in the condition of switch"),
    (NET, "for (auto a = f(); co_await g(a);) h();\n", f"{NET}:1: coroutines: co_await in the condition of for"),
    (NET, "if (f({1}) || co_await g()) h();\n", f"{NET}:1: coroutines: co_await in the condition of if"),
    ("tests/sim/x.cpp", "EXPECT_TRUE(co_await g());\n", "tests/sim/x.cpp:1: coroutines: co_await in the condition"),
    (NET, "auto a = !co_await g();\n", f"{NET}:1: coroutines: co_await under !"),
    (NET, "auto a = co_await g(\n    co_await h());\n", f"{NET}:2: coroutines: two co_await"),
    (NET, "auto a = co_await g(T{co_await h()});\n", f"{NET}:1: coroutines: two co_await"),
    (NET, "auto a = co_await g(T{.x = 1});\n", f"{NET}:1: coroutines: an aggregate"),
    (NET, "auto [a, b] = co_await g();\n", f"{NET}:1: coroutines: a structured binding"),
    (NET, "#include <boost/asio/experimental/awaitable_operators.hpp>\n", f"{NET}:1: coroutines: operators"),
    ("framework/CMakeLists.txt",
     "add_library(a INTERFACE)\ntarget_compile_definitions(a\n    PUBLIC BOOST_ASIO_NO_DEPRECATED)\n",
     "framework/CMakeLists.txt:3: macros: BOOST_ASIO_NO_DEPRECATED"),
    ("cmake/Options.cmake", "add_compile_definitions(BOOST_BEAST_SEPARATE_COMPILATION)\n", "cmake/Options.cmake:1: macros:"),
    ("framework/include/parley/stream/any.hpp", "#pragma once\n#define BOOST_ASIO_SEPARATE_COMPILATION\n",
     "framework/include/parley/stream/any.hpp:2: macros:"),
    ("framework/src/wire/lonely.cpp", "", "framework/src/wire/lonely.cpp:1: tests:"),
    ("framework/src/payload/deep/lonely.cpp", "", "framework/src/payload/deep/lonely.cpp:1: tests:"),
    ("framework/src/relay/rooms/lonely.cpp", "", "framework/src/relay/rooms/lonely.cpp:1: tests:"),
    ("framework/src/session/probe.cpp", "", "framework/src/session/probe.cpp:1: tests:"), # and its test is not there
    (NET, "\n" * 601, f"{NET}:601: size:"),
    ("tests/sim/support.hpp", "// #pragma once is only spoken of\n", "tests/sim/support.hpp:1: headers:"),
]


def run(root):
    done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[:-1], done.stderr


def write(root, files):
    for path, content in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)


class Check(unittest.TestCase):
    def test_a_clean_tree_passes(self):
        with tempfile.TemporaryDirectory() as root:
            write(root, CLEAN)
            self.assertEqual(run(root), (0, [], ""))

    def test_every_planted_breach_is_found_alone(self):
        for path, content, expected in PLANTED:
            with self.subTest(expected=expected, content=content[:60]), tempfile.TemporaryDirectory() as root:
                write(root, {**CLEAN, path: content})
                status, lines, errors = run(root)
                self.assertEqual((status, len(lines), errors), (1, 1, ""), lines)
                self.assertTrue(lines[0].startswith(expected), lines[0])

    def test_600_lines_are_allowed(self):
        with tempfile.TemporaryDirectory() as root:
            write(root, {**CLEAN, NET: "\n" * 600})
            self.assertEqual(run(root), (0, [], ""))

    def test_an_empty_tree_fails(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(run(root)[0], 1)

    def test_only_tracked_files_are_looked_at(self):
        with tempfile.TemporaryDirectory() as root:
            write(root, CLEAN)
            subprocess.run(["git", "init", "-q", root], check=True)
            subprocess.run(["git", "-C", root, "add", "."], check=True)
            write(root, {"relay/scratch.hpp": ""})
            self.assertEqual(run(root), (0, [], ""))


if __name__ == "__main__":
    unittest.main()
