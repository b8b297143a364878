// The worker of the page in Node, and the real programs. Everything is on loopback, at ports that the system chooses.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { DiskFile, DiskFolder, FileReader, TextBlob } from "./node_files.mjs";

const root = new URL("../..", import.meta.url).pathname;
const from = (folder, name) => createRequire(join(folder, "x")).resolve(name);
const modules = process.env.PARLEY_WEB_MODULES ?? join(root, "peer/web/node_modules");
const { default: esbuild } = await import(from(modules, "esbuild"));
const { default: WebSocketOfNode } = await import(from(process.env.PARLEY_NODE_MODULES ?? modules, "ws"));
const programs = { parley: process.env.PARLEY_PROGRAM, relay: process.env.PARLEY_RELAY_PROGRAM };

const bundle = await esbuild.build({ entryPoints: [join(root, "peer/web/src/worker.ts")], bundle: true, write: false, format: "iife", target: "node18" });
const worker = new Function("self", "Blob", bundle.outputFiles[0].text);
const module = await WebAssembly.compile(readFileSync(process.env.PARLEY_WEB_MODULE ?? join(root, "build/wasm/parley.wasm")));

/** What browsers have and Node has not. Sees how many bytes of a windowed room have come and were told to be used. */
class BrowserSocket extends WebSocketOfNode {
  static rooms = [];
  constructor(...all) {
    super(...all);
    this.came = this.counted = this.furthest = 0;
    this.on("error", () => undefined); // `close` follows
    this.on("open", () => {
      if (this.protocol === "bob.room.window") BrowserSocket.rooms.push(this);
    });
    this.on("message", (bytes) => {
      this.came += bytes.byteLength;
      this.furthest = Math.max(this.furthest, this.came - this.counted);
      this.onfurthest?.();
    });
  }
  send(data, ...more) {
    if (typeof data === "string") this.counted = Number(data);
    super.send(data, ...more);
  }
}
globalThis.crypto ??= webcrypto;
globalThis.WebSocket = BrowserSocket;
globalThis.FileReaderSync = FileReader;

/** One document each: a folder for files, a relay, peers. */
export class World {
  constructor(...relayOptions) {
    this.folder = mkdtempSync(join(tmpdir(), "parley-web-"));
    this.relayOptions = relayOptions;
    this.running = [];
    this.pages = [];
    this.rooms = BrowserSocket.rooms = [];
    const storage = new DiskFolder(join(this.folder, "opfs"));
    const navigator = {
      storage: { getDirectory: async () => new DiskFolder(storage.path, this.quota ?? Infinity), estimate: async () => ({ quota: 1e12, usage: 0 }) },
      locks: { request: async (name, options, held) => (held ?? options)({ name }) },
    };
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  }
  async start(address = "ws://127.0.0.1:0") {
    this.relay = this.run(programs.relay, ["--json", "--one-port", "--listen", address, ...this.relayOptions]);
    const ready = await this.relay.event("ready");
    [this.address] = ready.handshake.filter((each) => each.startsWith("ws://"));
    return this;
  }
  async restart() {
    this.relay.kill("SIGKILL");
    await this.relay.exit;
    await this.start(this.address.replace(/\/$/, ""));
  }
  run(program, parameters, environment = {}) {
    const made = new Program(program, parameters, { ...process.env, TMPDIR: this.folder, ...environment });
    this.running.push(made);
    return made;
  }
  send(what, ...more) {
    return this.run(programs.parley, ["send", "--json", "--relay", this.address, ...more, ...what]);
  }
  receive(code, into, ...more) {
    mkdirSync(into, { recursive: true });
    return this.run(programs.parley, ["recv", "--json", "--relay", this.address, "-o", into, ...more], { PARLEY_CODE: code });
  }
  page() {
    const page = new Page(this.address);
    this.pages.push(page);
    return page;
  }
  path(...names) {
    return join(this.folder, ...names);
  }
  file(path, bytes) {
    const full = this.path(path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, bytes);
    return full;
  }
  spooled() {
    return existsSync(this.path("opfs/received")) ? readdirSync(this.path("opfs/received")) : [];
  }
  async end() {
    for (const page of this.pages) page.post({ type: "cancel" }); // or their timers keep Node alive
    for (const each of this.running) each.kill("SIGKILL");
    await Promise.all(this.running.map((each) => each.exit));
    rmSync(this.folder, { recursive: true });
  }
}

/** Messages in their order: each is waited for by its kind, and those between are skipped. */
class Messages {
  constructor(kindOf) {
    Object.assign(this, { kindOf, all: [], next: 0, waiting: [] });
  }
  put(message) {
    this.all.push(message);
    for (const wake of this.waiting.splice(0)) wake();
  }
  async take(kinds, last) {
    for (;;) {
      while (this.next < this.all.length) {
        const message = this.all[this.next++];
        const kind = this.kindOf(message);
        if (kinds.includes(kind)) return message;
        assert(!last.includes(kind), `instead of ${kinds}: ${JSON.stringify(this.all)}`);
      }
      await new Promise((resolve) => this.waiting.push(resolve));
    }
  }
}

class Program {
  constructor(program, parameters, environment) {
    this.messages = new Messages((message) => message.event);
    this.said = "";
    this.child = spawn(program, parameters, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.messages.put(JSON.parse(line)));
    this.child.stderr.on("data", (text) => (this.said += text));
    this.exit = new Promise((resolve) => {
      this.child.on("close", (code) => {
        this.messages.put({ event: "exit", code, said: this.said });
        resolve(code);
      });
    });
  }
  event(kind) {
    return this.messages.take([kind], ["exit"]);
  }
  async expect(code) {
    assert.equal(await this.exit, code, this.said + JSON.stringify(this.messages.all.slice(-5)));
  }
  kill(signal) {
    this.child.kill(signal);
  }
}

/** A page without a document: what the user wants goes to the worker, and what that says is waited for. */
export class Page {
  constructor(relay) {
    this.messages = new Messages((message) => message.type);
    this.self = { postMessage: (message) => this.messages.put(message) };
    worker(this.self, TextBlob);
    this.post({ type: "start", module, relay });
    this.ready = this.message("ready");
  }
  post(message) {
    this.self.onmessage({ data: message });
  }
  message(...kinds) {
    return this.messages.take(kinds, ["failed", "finished"]);
  }
  async send(items, name = "", receivers = 1) {
    await this.ready;
    this.post({ type: "send", items, name, receivers });
    const { code } = await this.message("code");
    await this.message("waiting");
    return code;
  }
  async receive(code) {
    await this.ready;
    this.post({ type: "receive", code });
  }
  /** Up to the offer, and yes to it. */
  async accept(code, target) {
    await this.receive(code);
    const offer = await this.message("offer");
    this.post({ type: "answer", accept: true, target });
    return offer;
  }
}

/** The items of a real file or folder, as a page makes them. */
export function itemsOf(path, name = path.slice(path.lastIndexOf("/") + 1)) {
  if (!statSync(path).isDirectory()) return [{ kind: "file", path: name, file: new DiskFile(path) }];
  return [{ kind: "folder", path: name, modified: statSync(path).mtimeMs }, ...readdirSync(path).flatMap((each) => itemsOf(join(path, each), `${name}/${each}`))];
}

/** Everything below a path: folders, and the hashes of files. */
export function snapshot(path, name = "") {
  if (!statSync(path).isDirectory()) return { [name]: createHash("sha256").update(readFileSync(path)).digest("hex") };
  const below = readdirSync(path).sort().map((each) => snapshot(join(path, each), `${name}/${each}`));
  return Object.assign({ [name]: "folder" }, ...below);
}

/** What a page has got, in the form of snapshot(). */
export async function snapshotOf({ files, folders, single }) {
  const out = single ? {} : { "": "folder" };
  for (const path of folders) out[`/${path}`] = "folder";
  for (const { path, handle } of files) {
    const file = handle instanceof Blob ? handle : await handle.getFile();
    const hash = createHash("sha256").update(Buffer.from(await file.arrayBuffer())).digest("hex");
    out[single ? "" : `/${path}`] = hash;
  }
  return Object.fromEntries(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)));
}
