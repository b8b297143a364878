// The small modules of the page, without a browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { load } from "./bundle.mjs";
import { readQr } from "./qr_reader.mjs";

const { encodeQr } = await load("qr");
const { codeOf, linkFor, relayOf } = await load("link");
const { formatCount, formatDuration, formatFiles, formatSize, visible } = await load("format");
const { RateEstimator } = await load("rate");
const { collectFiles, joinItems, topsOf, withoutTop } = await load("collect");
const { explainFailure, explainNote } = await load("explain");
const { limitsOf } = await load("environment");
const { crc32, zip } = await load("zip");
const { entriesOf } = await load("save");

const link = "https://relay.example.org/#lusab-babad-gutit";

test("a QR code is read back, in every layout of blocks", () => {
  const versions = new Set();
  for (const length of [0, 1, 14, 15, 26, 27, 42, 62, 84, 122, 152, 213, 362, 2331]) {
    const text = link.repeat(60).slice(0, length);
    const read = readQr(encodeQr(text));
    assert.equal(read.text, text);
    versions.add(read.version);
  }
  assert.deepEqual([...versions], [1, 2, 3, 4, 5, 7, 8, 10, 14, 40]);
});

test("a QR code is the smallest one, and there is none beyond the largest", () => {
  assert.equal(encodeQr("x".repeat(14)).length, 21);
  assert.equal(encodeQr("x".repeat(15)).length, 25);
  assert.equal(encodeQr("x".repeat(2332)), null);
});

test("a QR code carries UTF-8", () => assert.equal(readQr(encodeQr("Grüße, 世界 🙂")).text, "Grüße, 世界 🙂"));

// Written by libqrencode 4.1.1: qrencode -8 -l M -m 0 -t ASCII.
test("a QR code is the one that another program writes", () => {
  const known = readFileSync(new URL("qr_known.txt", import.meta.url), "utf8").trimEnd().split("\n");
  const [text, ...rows] = known;
  const mine = encodeQr(text).map((row) => row.map((dark) => (dark ? "#" : ".")).join(""));
  assert.deepEqual(mine, rows);
});

test("the masks of QR codes differ", () => {
  const masks = new Set();
  for (let i = 0; i < 40; i += 1) masks.add(readQr(encodeQr(link + (i * 7919).toString(2))).mask);
  assert.ok(masks.size > 4, `only ${masks.size} masks`);
});

const address = (url) => {
  const { protocol, host, pathname, hash } = new URL(url);
  return { protocol, host, pathname, hash };
};

test("the code is what stands behind #", () => {
  assert.equal(codeOf(address(link)), "lusab-babad-gutit");
  assert.equal(codeOf(address("https://h/")), null);
  assert.equal(codeOf(address("https://h/#")), null);
  assert.equal(codeOf(address("https://h/#a%20b%23%C3%A9")), "a b#é");
  assert.equal(codeOf(address("https://h/#100%")), "100%");
});

test("a link gives its code back, whatever the code is", () => {
  for (const code of ["lusab-babad-gutit", "with space", "#?&/%25", "日本語", " "]) assert.equal(codeOf(address(linkFor(code, address("https://h/x")))), code);
});

test("the relay is where the page is", () => {
  assert.equal(relayOf(address("https://relay.example.org/")), "wss://relay.example.org");
  assert.equal(relayOf(address("http://localhost:8080/index.html")), "ws://localhost:8080");
  assert.equal(relayOf(address("https://h:444/lobby/room-1#code")), "wss://h:444/lobby/room-1");
  assert.equal(linkFor("a", address("https://h:444/lobby/room-1")), "https://h:444/lobby/room-1#a");
});

test("sizes have three digits at most", () => {
  const cases = { 0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1075: "1.0 KiB", 102300: "99.9 KiB", 102349: "100 KiB", 102400: "100 KiB", 1023999: "1.0 MiB", 1048576: "1.0 MiB", 1288490189: "1.2 GiB" };
  for (const [bytes, text] of Object.entries(cases)) assert.equal(formatSize(Number(bytes)), text, bytes);
  assert.equal(formatSize(2 ** 63), "8.0 EiB");
});

test("counts and durations read well", () => {
  assert.equal(formatCount(1, "file"), "1 file");
  assert.equal(formatCount(20000, "file"), "20,000 files");
  assert.equal(formatFiles(0, 2), "no files in 2 folders");
  assert.equal(formatFiles(3, 0), "3 files");
  const cases = { 3: "5 seconds", 11: "15 seconds", 60: "1 minute", 61: "2 minutes", 5399: "2 hours", 172800: "2 days" };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(formatDuration(Number(seconds)), text, seconds);
});

test("characters that mislead are written out", () => {
  assert.equal(visible("plain – naïve 世界 🙂"), "plain – naïve 世界 🙂");
  assert.equal(visible("exe\u202egpj.scr"), "exe⟨202E⟩gpj.scr");
  assert.equal(visible("a\nb\u0000c\u200bd\u2066e\ufefff\ud800"), "a⟨000A⟩b⟨0000⟩c⟨200B⟩d⟨2066⟩e⟨FEFF⟩f⟨D800⟩");
  assert.equal(visible("👩\u200d👧 नमस्\u200dते a\u200db 👩\u200d\u200d👧"), "👩\u200d👧 नमस्\u200dते a⟨200D⟩b 👩\u200d⟨200D⟩👧");
  assert.equal(visible("<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>");
});

test("the rate is that of the last seconds", () => {
  const estimator = new RateEstimator(0);
  assert.equal(estimator.rate(), null);
  for (let second = 0; second <= 20; second += 1) estimator.add(second * 1000, second <= 10 ? second * 100 : 1000 + (second - 10) * 1000);
  assert.equal(estimator.rate(), 1000);
  assert.equal(estimator.left(21000), 10);
});

test("what does not move is stalled, and what begins anew is no negative rate", () => {
  const estimator = new RateEstimator(0);
  estimator.add(1000, 500);
  estimator.add(5000, 500);
  assert.equal(estimator.stalled(5900), 0);
  assert.equal(estimator.stalled(8000), 7);
  estimator.add(8000, 100);
  assert.equal(estimator.rate(), null);
  assert.equal(estimator.stalled(8000), 0);
});

const file = (name, size = 1, path = "") => ({ name, size, webkitRelativePath: path });

test("a chosen folder has the folders that its files are in", () => {
  const { items } = collectFiles([file("a", 1, "top/a"), file("b", 2, "top/x/y/b"), file("c", 3, "top/x/c")]);
  assert.deepEqual(items.map((item) => `${item.kind} ${item.path}`), ["folder top", "file top/a", "folder top/x", "folder top/x/y", "file top/x/y/b", "file top/x/c"]);
  assert.deepEqual(topsOf(items), [{ name: "top", folder: true, files: 3, folders: 2, bytes: 6 }]);
});

test("names that are taken get a number, with all that is below them", () => {
  let items = joinItems([], collectFiles([file("report.txt"), file("a", 1, "top/a")]).items);
  items = joinItems(items, collectFiles([file("report.txt"), file("b", 1, "top/b")]).items);
  items = joinItems(items, collectFiles([file("report.txt")]).items);
  assert.deepEqual(items.map((item) => item.path), ["report.txt", "top", "top/a", "report (1).txt", "top (1)", "top (1)/b", "report (2).txt"]);
  assert.deepEqual(withoutTop(items, "top").map((item) => item.path), ["report.txt", "report (1).txt", "top (1)", "top (1)/b", "report (2).txt"]);
});

test("every failure has a sentence for both sides, and says what to do", () => {
  const source = readFileSync(new URL("../../peer/web/src/messages.ts", import.meta.url), "utf8");
  const ids = [...source.slice(source.indexOf("type FailureId")).matchAll(/"([a-z-]+)"/g)].map((match) => match[1]);
  assert.ok(ids.length >= 15);
  for (const id of ids)
    for (const role of ["sender", "receiver"]) {
      const { title, what, todo } = explainFailure(id, role, { path: "x\u202e" });
      for (const text of [title, what, todo]) assert.ok(text.length > 5 && !text.includes("\u202e") && !text.includes("undefined"), `${id}: ${text}`);
      assert.match(what, /^[^.]*[^ ].*\.$/);
      assert.equal(what.match(/\. /g), null, `one sentence: ${what}`);
    }
  assert.equal(explainFailure("unheard-of", "sender", {}).title, explainFailure("internal", "sender", {}).title);
  assert.equal(explainFailure("toString", "sender", {}).title, explainFailure("internal", "sender", {}).title);
});

test("notes that are not known are not shown", () => {
  assert.equal(explainNote("constructor", "sender", {}), null);
  assert.match(explainNote("skipped", "sender", { path: "a\u202eb" }), /a⟨202E⟩b/);
});

test("what a browser lacks is explained", () => {
  const all = { complete: true, secure: true, able: true, storage: true, folderPicker: true, filePicker: true, folderInput: true };
  assert.equal(limitsOf(all, "h"), null);
  assert.match(limitsOf({ ...all, secure: false, storage: false }, "relay.test:8080").todo, /https:\/\/relay\.test /);
  assert.match(limitsOf({ ...all, storage: false }, "h").list[0], /256 MiB/);
  for (const lack of ["complete", "able"]) assert.ok(limitsOf({ ...all, [lack]: false }, "h"));
});

test("CRC-32 is that of everybody", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919) & 255);
  assert.equal(crc32(bytes.subarray(333), crc32(bytes.subarray(0, 333))), crc32(bytes));
});

test("Python unpacks the ZIP file of a received folder", async () => {
  const contents = { "a.txt": "alpha", "deep/er/ü 🙂.bin": "x".repeat(200000), "empty.bin": "" };
  const received = {
    name: "holiday",
    single: false,
    folders: ["deep", "deep/er", "nothing in it"],
    files: Object.entries(contents).map(([path, text]) => ({ path, handle: new Blob([text]) })),
  };
  const folder = mkdtempSync(join(tmpdir(), "parley-zip-"));
  try {
    writeFileSync(join(folder, "a.zip"), Buffer.from(await new Response(zip(entriesOf(received))).arrayBuffer()));
    const program = "import sys, zipfile, json; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(json.dumps({i.filename: z.read(i).decode() for i in z.infolist()}))";
    const unpacked = JSON.parse(execFileSync("python3", ["-c", program, join(folder, "a.zip")], { encoding: "utf8", maxBuffer: 1 << 24 }));
    const expected = { "holiday/": "", "holiday/deep/": "", "holiday/deep/er/": "", "holiday/nothing in it/": "" };
    for (const [path, text] of Object.entries(contents)) expected[`holiday/${path}`] = text;
    assert.deepEqual(unpacked, expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a ZIP file can have more than 65535 entries", async () => {
  const entries = Array.from({ length: 70000 }, (_, i) => ({ path: `${i}`, open: null }));
  const folder = mkdtempSync(join(tmpdir(), "parley-zip-"));
  try {
    writeFileSync(join(folder, "a.zip"), Buffer.from(await new Response(zip(entries)).arrayBuffer()));
    const program = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
    assert.equal(execFileSync("python3", ["-c", program, join(folder, "a.zip")], { encoding: "utf8" }).trim(), "70000");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("names in an archive are harmless on other systems, and stay apart", () => {
  const handle = new Blob([]);
  const entries = entriesOf({ name: "d", single: false, folders: [], files: ["a:b", "a?b", "..\\x"].map((path) => ({ path, handle })) });
  assert.deepEqual(entries.map((entry) => entry.path), ["d", "d/a_b", "d/a_b (1)", "d/.._x"]);
});

test("text is readable in both colour schemes", () => {
  const css = readFileSync(new URL("../../peer/web/src/style.css", import.meta.url), "utf8");
  const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map((match) => Object.fromEntries([...match[1].matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((pair) => [pair[1], pair[2]])));
  const luminance = (colour) => {
    const parts = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
  for (const scheme of [light, dark]) {
    for (const [front, back] of [["ink", "ground"], ["ink", "surface"], ["quiet", "ground"], ["quiet", "surface"], ["accent", "ground"], ["accent", "surface"], ["accent-ink", "accent"], ["ink", "accent-soft"], ["ink", "warn-soft"], ["bad", "ground"], ["bad", "surface"]])
      assert.ok(contrast(scheme[front], scheme[back]) >= 4.5, `${front} on ${back}: ${contrast(scheme[front], scheme[back])}`);
    for (const back of ["ground", "surface"]) assert.ok(contrast(scheme["strong-line"], scheme[back]) >= 3, "borders of what can be pressed");
  }
});
