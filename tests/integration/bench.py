"""parley-bench at its smallest: every benchmark before real programs, its file, and what bench/report.py makes of it."""

import base64
import html.parser
import json
import os
import pathlib
import re
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORT = ROOT / "bench" / "report.py"
LIMIT = 10 * harness.LIMIT  # of a whole run
BENCH = os.environ.get("PARLEY_BENCH_PROGRAM", "parley-bench")
SMALL = ("--runs", "1", "--seconds", "0.05", "--waiting", "10,40", "--memory-waiting", "10,200",
         "--transfer-mb", "1", "--small-files", "20", "--memory-ballast", "--concurrency", "4")
MEASUREMENT = {"benchmark", "system", "parameters", "metric", "unit", "better", "values", "min", "median", "max",
               "cpu_seconds"}


def run(world, *arguments, status=0):
    process = world.keep(harness.Process(arguments))
    got = process.wait(LIMIT)
    said = [line for line in process.stderr.text().splitlines() if line.startswith("FAILED")]
    if got != status:
        raise harness.Failure(f"exit {got} instead of {status}: {said}: {process.describe()}")
    return process


def bench(world, *arguments, status=0):
    return run(world, BENCH, *arguments, status=status)


class Page(html.parser.HTMLParser):
    """Counts elements, and finds what would be loaded from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.outside, self.words = {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.outside += [value for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.words.append(data)


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(relay=False)
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.file = cls.world.root / "run.json"
        cls.process = bench(cls.world, "all", *SMALL, "--transports", "tcp,ws", "--rooms", "1,2", "--parley",
                            harness.PARLEY, "--parley-relay", harness.RELAY, "--json", cls.file)
        cls.document = json.loads(cls.file.read_text())

    def of(self, benchmark, **wanted):
        """The measurements of that benchmark whose system, metric or parameters are as `wanted`."""
        return [m for m in self.document["measurements"] if m["benchmark"] == benchmark and
                all({**m, **m["parameters"]}[key] == value for key, value in wanted.items())]

    def test_the_file_is_whole(self):
        self.assertEqual(self.document["schema"], "parley-bench/2")
        self.assertEqual(set(self.document), {"schema", "machine", "versions", "settings", "criteria", "measurements"})
        for key in ("cpu", "cores", "kernel", "memory_bytes", "governor", "congestion_control", "load_average"):
            self.assertIn(key, self.document["machine"])
        for m in self.document["measurements"]:
            self.assertEqual(set(m), MEASUREMENT)
            self.assertEqual(len(m["values"]), 1)
            self.assertLessEqual(m["min"], m["median"])
            self.assertLessEqual(m["median"], m["max"])

    def test_every_benchmark_measured_the_relay(self):
        for transport in ("tcp", "ws"):
            for benchmark in ("forward", "fanout", "idle"):
                for waiting in (10, 40):
                    with self.subTest(transport=transport, benchmark=benchmark, waiting=waiting):
                        self.assertTrue(self.of(benchmark, system="parley-relay", transport=transport,
                                                waiting=waiting))
            for receiver in ("tcp", "ws"):
                for rooms in (1, 2):
                    rate, = self.of("room", system="parley-relay", metric="throughput", sender=transport,
                                    receiver=receiver, rooms=rooms)
                    self.assertGreater(rate["median"], 0)
                    self.assertGreater(rate["cpu_seconds"]["system"][0], 0)
            for keys in ("agreement", "precomputed"):
                done, = self.of("handshakes", metric="handshakes", transport=transport, keys=keys)
                self.assertGreater(done["median"], 0)
                for failed in self.of("handshakes", metric="failed", transport=transport, keys=keys):
                    self.assertEqual(failed["median"], 0)
                self.assertEqual(len(self.of("handshakes", metric="latency p99.9", transport=transport, keys=keys)), 2)
                offered, = self.of("handshakes", metric="offered rate", transport=transport, keys=keys)
                self.assertAlmostEqual(offered["median"] / done["median"], 0.5)
                self.assertTrue(any("offered rate" in line and "parley-relay" in line
                                    for line in self.process.stdout.text().splitlines()))
        for benchmark in ("forward", "fanout"):
            self.assertEqual({m["parameters"]["waiting"] for m in self.of(benchmark, transport="memory")}, {10, 200})
        self.assertTrue(self.of("fanout", system="bare writes"))
        self.assertTrue(self.of("room", system="relay with Beast", sender="ws", receiver="ws"))
        self.assertTrue(self.of("idle", system="relay with Beast", transport="ws"))
        for document in ("random", "compressible", "20 small files"):
            self.assertGreater(self.of("transfer", document=document, metric="rate")[0]["median"], 0)
            self.assertTrue(self.of("transfer", document=document, metric="first byte after the room's opening"))
        for metric, systems in (("rate", {"parley stream", "parley document"}),
                                ("throughput once open", {"parley stream", "bare room"}),
                                ("echo of a byte", {"parley stream", "bare room"}),
                                ("echo of a byte, p99", {"parley stream", "bare room"})):
            measured = self.of("stream", metric=metric, relay="parley-relay")
            self.assertEqual({m["system"] for m in measured}, systems)
            for m in measured:
                self.assertGreater(m["median"], 0, m)
        self.assertEqual(self.document["settings"]["memory_ballast"], "yes")
        for room in self.of("room", metric="CPU time a GB, both ends included"):
            self.assertGreater(room["median"], 0, room)
        for system in ("parley", "libsodium", "openssl", "zlib", "memcpy"):
            self.assertTrue(self.of("primitives", system=system), system)

    def test_others_ran_beside_it_or_are_named_as_absent(self):
        self.assertNotEqual(bool(self.of("transfer", system="magic-wormhole")),
                            "skipped magic-wormhole" in self.document["settings"])
        for system in ("direct", "haproxy", "haproxy splice", "nginx stream", "nginx websocket", "socat"):
            skipped = f"skipped {system}" in self.document["settings"]
            self.assertNotEqual(bool(self.of("room", system=system)), skipped, system)

    def test_the_output_opens_with_criteria_and_ratios(self):
        lines = self.process.stdout.text().splitlines()
        self.assertEqual(lines[0].split(), ["criterion", "measured", "target", "met"])
        criteria = lines[1:lines.index("")]
        self.assertEqual({line[0] for line in criteria}, set("12345678"))
        for line in criteria:
            self.assertRegex(line, r" (yes|no|-)$")
            self.assertEqual(line.endswith("-"), "not measured" in line, line)
        measured = [line for line in criteria if not line.endswith("-")]
        for part in ("1 room tcp to tcp, throughput / direct", "3 idle", "4 forward", "5 fanout", "6 handshakes",
                     "7 transfer", "8 stream, rate", "8 stream, echo"):
            self.assertTrue(any(line.startswith(part) for line in measured), part)
        rest = lines[lines.index("") + 1:]
        self.assertIn("times better", rest[0])
        self.assertTrue(any(line.startswith("TCP congestion control of all programs") for line in rest))
        self.assertTrue(any(line.startswith("room") and "direct" in line for line in lines))

    def test_the_page_stands_alone(self):
        page_file = self.world.root / "page.html"
        run(self.world, REPORT, self.file, self.file, "-o", page_file)
        text = page_file.read_text()
        page = Page(text)
        self.assertEqual(page.elements["h1"], 2)
        self.assertEqual([one for one in page.outside if not one.startswith("data:image/svg+xml;base64,")], [])
        self.assertNotIn("script", page.elements)
        self.assertLess(text.index("<h2>Criteria</h2>"), text.index("<h2>Ratios</h2>"))
        words = " ".join(page.words)
        for part in ("criterion", "1 room tcp to tcp", "times better", "congestion_control"):
            self.assertIn(part, words)
        if "python3-matplotlib was not installed" in words:
            self.assertNotIn("img", page.elements)
            self.skipTest("the page has no plots: python3-matplotlib is not installed")
        self.assertGreater(page.elements["img"], 40)
        self.assertIn("throughput [MB/s], more is better", words)
        pictures = [base64.b64decode(one.split(",")[1]) for one in page.outside]
        self.assertTrue(all(b"<svg" in one for one in pictures))
        self.assertTrue(any(b"waiting peers (logarithmic)" in one for one in pictures))

    def test_the_page_shows_text_as_text(self):
        """Whoever wrote a file may have put markup into a name."""
        marked = json.loads(self.file.read_text())
        marked["machine"]["cpu"] = "<script>alert(1)</script>"
        marked["measurements"] = marked["measurements"][:2]
        marked["measurements"][0]["system"] = 'a<b>&"c"$\\x$'
        page_file = self.world.root / "marked.html"
        run(self.world, REPORT, self.world.file("marked.json", json.dumps(marked).encode()), "-o", page_file)
        self.assertNotIn("<script", page_file.read_text())
        self.assertIn("a&lt;b&gt;&amp;&quot;c&quot;", page_file.read_text())

    def test_a_run_compared_with_itself(self):
        table = run(self.world, REPORT, "--compare", self.file, self.file).stdout.text().splitlines()
        ratios = {line.split()[-1] for line in table[1:]}
        self.assertEqual(len(table), len(self.document["measurements"]) + 1)
        self.assertIn("1.00", ratios)
        self.assertLessEqual(ratios, {"1.00", "0.00"})  # 0.00: nothing was measured to be above zero

    def test_what_is_wrong_is_said(self):
        self.assertIn("--help", bench(self.world, "room", "--runs", "0", status=2).stderr.text())
        bench(self.world, status=2)
        missing = run(self.world, REPORT, "--compare", self.file, "/nonexistent.json", status=1)
        self.assertIn("/nonexistent.json", missing.stderr.text())

    def test_a_file_that_is_not_of_this_schema_is_refused(self):
        """Each of these is one change to a document that can be read."""
        for said, change in (("schema", lambda d: d.update(schema="parley-bench/1")),
                             ("schema", lambda d: d.pop("schema")),
                             ("unknown 'more'", lambda d: d.update(more=1)),
                             ("wrong type", lambda d: d.update(measurements=1)),
                             ("measurement 0 is not an object", lambda d: d.update(measurements=["x"])),
                             ("unknown 'colour'", lambda d: d["measurements"][0].update(colour=1)),
                             ("no 'unit'", lambda d: d["measurements"][0].pop("unit")),
                             ("not numbers", lambda d: d["measurements"][0].update(values=["fast"])),
                             ("not numbers", lambda d: d["measurements"][0].update(values=[])),
                             ("NaN", lambda d: d["measurements"][0].update(median=float("nan"))),
                             ("wrong type", lambda d: d["measurements"][0].update(median=True)),
                             ("'better'", lambda d: d["measurements"][0].update(better="higher")),
                             ("criterion 0", lambda d: d["criteria"][0].pop("target"))):
            changed = json.loads(self.file.read_text())
            change(changed)
            file = self.world.file("changed.json", json.dumps(changed).encode())
            refused = run(self.world, REPORT, "--compare", file, file, status=1).stderr.text()
            self.assertIn(said, refused)
            self.assertIn("changed.json", refused)

    def test_documents_pass_through_programs_given_as_command_lines(self):
        """A sender that copies and a receiver that copies on, which meet at a pipe."""
        world, folder = self.world, self.world.folder("copied")
        os.mkfifo(folder / "met")
        sender = world.file("sender.sh", f'set -e; mkdir "$2"; cp -r "$1" "$2/"; echo > {folder}/met\n'.encode())
        receiver = world.file("receiver.sh", f'read line < {folder}/met; cp -r "$1/." "$2"\n'.encode())
        spoil = f'read line < {folder}/met; cp -r "$1/." "$2"; date > "$2/random"\n'
        spoiler = world.file("spoiler.sh", spoil.encode())
        file = world.root / "copied.json"
        for name, script, status in (("copy", receiver, 0), ("spoil", spoiler, 1)):
            done = bench(world, "transfer", *SMALL, "--only", name, "--send-command",
                         f"{name}=sh {sender} {{path}} '{folder}'/{name}{{code}}", "--recv-command",
                         f'{name}=sh {script} {folder}/{name}{{code}} "{{folder}}"', "--json", file, status=status)
            measured = {m["parameters"]["document"] for m in json.loads(file.read_text())["measurements"]}
            self.assertIn("compressible", measured)
            self.assertIn("20 small files", measured)
            self.assertEqual("random" in measured, status == 0)
            self.assertEqual("what was received is not what was sent" in done.stderr.text(), status == 1)

    def test_load_over_tls(self):
        file = self.world.root / "tls.json"
        given = ("--runs", "1", "--seconds", "0.05", "--concurrency", "4", "--only", "parley-relay", "--parley-relay",
                 harness.RELAY, "--json", file)
        for benchmark, transports, more in (("room", {"tls", "wss"}, ("--rooms", "1")),
                                            ("handshakes", {"wss"}, ("--keys", "precomputed")),
                                            ("idle", {"tls", "wss", "unix"}, ("--waiting", "40"))):
            bench(self.world, benchmark, *given, *more, "--transports", ",".join(transports))
            measured = json.loads(file.read_text())["measurements"]
            name = "receiver" if benchmark == "room" else "transport"
            self.assertEqual({m["parameters"][name] for m in measured}, transports)
            for m in measured:
                if m["metric"] in ("throughput", "handshakes"):  # the memory of forty drowns in the relay's own
                    self.assertGreater(m["median"], 0, m)

    def test_a_relay_that_runs_already_and_one_given_as_a_command(self):
        relay = self.world.start_relay()
        file = self.world.root / "given.json"
        command = f"other={harness.RELAY} --listen 127.0.0.1:{{handshake}} --room-listen 127.0.0.1:{{room}} --quiet"
        bench(self.world, "idle", *SMALL, "--transports", "tcp", "--only", "relay", "--only", "other",
              "--relay", relay.address, "--relay-pid", relay.pid, "--relay-command", command, "--json", file)
        systems = {m["system"] for m in json.loads(file.read_text())["measurements"]}
        self.assertEqual(systems, {f"relay {relay.address}", "other"})
        self.assertTrue(relay.running())

    def test_the_reference_relay_as_the_documentation_starts_it(self):
        """A stand-in named bob takes the documented command line, and nothing else."""
        command, = re.findall(r"--relay-command *'(bob=.*)'", (ROOT / "docs" / "benchmarks.md").read_text())
        folder = self.world.folder("reference")
        bob = folder / "bob"
        bob.write_text("#!/bin/sh\n"
                       '[ "$#-$1-$2-$4-$6" = "7-relay-127.0.0.1---secure-port---backlog" ] || exit 64\n'
                       f'exec "{harness.RELAY}" --quiet --listen "$2:$3" --room-listen "$2:$5"\n')
        bob.chmod(0o755)
        file = self.world.root / "reference.json"
        bench(self.world, "handshakes", *SMALL, "--keys", "precomputed", "--only", "bob", "--relay-command",
              command.replace("bob relay", f"{bob} relay"), "--json", file)
        self.assertEqual({m["system"] for m in json.loads(file.read_text())["measurements"]}, {"bob"})

    def test_a_relay_command_that_fails_is_shown_with_its_output(self):
        failed = bench(self.world, "idle", *SMALL, "--transports", "tcp", "--only", "broken", "--relay-command",
                       "broken=sh -c 'echo unknown option; echo usage: this >&2; exit 124'", status=1)
        said, = [line for line in failed.stderr.text().splitlines() if line.startswith("FAILED: idle broken tcp 10")]
        self.assertIn("ended at once with status 124: unknown option", said)
        self.assertIn("usage: this", said)

    def test_a_relay_that_is_gone_fails_and_is_said(self):
        relay = self.world.start_relay()
        relay.stop()
        failed = bench(self.world, "room", *SMALL, "--transports", "tcp", "--only", "relay", "--relay", relay.address,
                       status=1)
        self.assertIn("FAILED: room relay", failed.stderr.text())


if __name__ == "__main__":
    unittest.main()
