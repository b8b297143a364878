// What transfers of the page need around them: the programs, an nginx, and documents that can be compared.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;
const peerProgram = process.env.PARLEY_PROGRAM ?? join(root, "build/dev/peer/parley");
const relayProgram = process.env.PARLEY_RELAY_PROGRAM ?? join(root, "build/dev/relay/parley-relay");
export const patience = 120000 * Number(process.env.PARLEY_TEST_SLOWNESS ?? 1);

/** A folder that is removed at the end, and everything that was started in it. */
export class World {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "parley-browsers-"));
    this.programs = [];
    this.codes = new Set();
  }

  path(...names) {
    const path = join(this.folder, ...names);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  /** A new empty folder. */
  empty() {
    return mkdtempSync(this.path("out-"));
  }

  run(path, ...args) {
    const program = new Program(path, args);
    this.programs.push(program);
    return program;
  }

  /** `parley send` or `parley recv` at this relay. */
  peer(command, relay, args, code) {
    if (code !== undefined) this.codes.add(code);
    const program = new Program(peerProgram, [command, "--json", "--relay", relay, ...args], code === undefined ? {} : { PARLEY_CODE: code });
    this.programs.push(program);
    return program;
  }

  async send(relay, ...args) {
    const program = this.peer("send", relay, args);
    const { code } = await program.event("code");
    this.codes.add(code);
    await program.event("waiting");
    return { program, code };
  }

  receive(relay, code, folder, ...args) {
    return this.peer("recv", relay, ["-y", "-o", folder, ...args], code);
  }

  /** No code is in what anybody wrote who must not know it. */
  checkLogs(...texts) {
    for (const code of this.codes) for (const text of texts) assert.ok(!text.includes(code), `${code} is in a log`);
  }

  async close() {
    for (const program of this.programs) await program.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A program, its events (lines of JSON) and what it logs. */
export class Program {
  constructor(path, args, environment = {}) {
    this.events = [];
    this.output = "";
    this.log = "";
    this.code = null;
    this.wakers = new Set();
    this.endSignal = "SIGKILL";
    this.child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
    this.child.stdout.setEncoding("utf8").on("data", (text) => this.read(text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => {
      this.log += text;
      this.wake();
    });
    this.exited = new Promise((resolve) =>
      this.child.on("close", (code, signal) => {
        this.code = code ?? signal;
        this.wake();
        resolve(this.code);
      }),
    );
  }

  read(text) {
    this.output += text;
    const lines = this.output.split("\n");
    this.output = lines.pop();
    for (const line of lines) if (line.startsWith("{")) this.events.push(JSON.parse(line));
    this.wake();
  }

  wake() {
    for (const waker of this.wakers) waker();
  }

  describe() {
    return `${this.child.spawnargs.join(" ")}: ${this.code}\n${this.events.map((one) => JSON.stringify(one)).join("\n")}\n${this.log}`;
  }

  /** Until `find` finds something that is not undefined. */
  async until(find, what) {
    const deadline = Date.now() + patience;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      assert.ok(Date.now() < deadline && this.code === null, `no ${what}: ${this.describe()}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        const waker = () => {
          clearTimeout(timer);
          this.wakers.delete(waker);
          resolve();
        };
        this.wakers.add(waker);
      });
    }
  }

  event(name, holds = () => true) {
    return this.until(() => this.events.find((one) => one.event === name && holds(one)), `event ${name}`);
  }

  /** The exit code must be this one. */
  async ends(code = 0) {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), patience);
    const found = await this.exited;
    clearTimeout(timer);
    assert.equal(found, code, this.describe());
  }

  signal(name) {
    this.child.kill(name);
  }

  async end(signal = this.endSignal) {
    if (this.code === null) this.child.kill(signal);
    await this.exited;
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A relay that serves the page; it can be restarted at its port. */
export class Relay {
  static async start(world, ...options) {
    const relay = new Relay(world, await freePort(), options);
    await relay.start();
    return relay;
  }

  constructor(world, port, options) {
    Object.assign(this, { world, port, options, runs: [] });
    this.address = `ws://127.0.0.1:${port}`;
    this.page = `http://127.0.0.1:${port}/`;
  }

  async start() {
    const program = this.world.run(relayProgram, "--json", "--log-level", "debug", "--one-port", "--listen", `ws://127.0.0.1:${this.port}`, ...this.options);
    this.runs.push(program);
    await program.event("ready");
  }

  /** As a machine does that loses its power and comes back; `meanwhile` runs between. */
  async restart(meanwhile) {
    await this.runs.at(-1).end("SIGKILL");
    await meanwhile();
    await this.start();
  }

  get log() {
    return this.runs.map((run) => run.log).join("");
  }
}

/** nginx with TLS in front of a relay, as deploy/nginx/parley.conf says. */
export class Nginx {
  static async start(world, relay) {
    const folder = world.empty();
    const openssl = (...args) => execFileSync("openssl", args, { stdio: "ignore" });
    const [ca, caKey, key, request, certificate, extension] = ["ca.pem", "ca.key", "server.key", "server.csr", "server.pem", "server.ext"].map((name) => join(folder, name));
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl("req", "-x509", ...newKey, "-keyout", caKey, "-out", ca, "-days", "2", "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE");
    openssl("req", ...newKey, "-keyout", key, "-out", request, "-subj", "/CN=relay");
    writeFileSync(extension, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-out", certificate, "-days", "2", "-extfile", extension);
    const port = await freePort();
    let site = readFileSync(join(root, "deploy/nginx/parley.conf"), "utf8");
    for (const [old, now] of [
      ["127.0.0.1:9000;", `127.0.0.1:${relay.port};`], ["listen 443", `listen 127.0.0.1:${port}`], ["    listen [::]:443 ssl;\n", ""],
      ["/etc/letsencrypt/live/relay.example/fullchain.pem", certificate], ["/etc/letsencrypt/live/relay.example/privkey.pem", key],
    ]) {
      assert.ok(site.includes(old), old);
      site = site.replace(old, now);
    }
    writeFileSync(join(folder, "site.conf"), site);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
    writeFileSync(
      join(folder, "nginx.conf"),
      `${process.getuid() === 0 ? "user root;\n" : ""}daemon off;\npid ${folder}/nginx.pid;\nerror_log stderr debug;\nevents {}\n` +
        `http { ${temporary} access_log ${folder}/access.log; include ${folder}/site.conf; }\n`,
    );
    const program = world.run("nginx", "-p", folder, "-c", join(folder, "nginx.conf"));
    program.endSignal = "SIGTERM"; // nginx ends its workers, which hold its pipes
    await program.until(() => (program.log.includes("start worker process ") ? true : undefined), "worker");
    return Object.assign(new Nginx(), { program, accessLog: join(folder, "access.log"), ca, address: `wss://localhost:${port}`, page: `https://localhost:${port}/` });
  }

  get log() {
    return this.program.log + readFileSync(this.accessLog, "utf8");
  }
}

// --- documents

export function hashOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Every path below, with the hash of a file, or "folder". */
export function treeOf(folder) {
  const tree = {};
  const walk = (path) => {
    for (const name of readdirSync(join(folder, path))) {
      const below = path === "" ? name : `${path}/${name}`;
      const found = lstatSync(join(folder, below));
      tree[below] = found.isDirectory() ? "folder" : hashOf(readFileSync(join(folder, below)));
      if (found.isDirectory()) walk(below);
    }
  };
  walk("");
  return tree;
}

/** Bytes that do not shrink. */
export function noise(size) {
  return randomBytes(size);
}

/** A folder of 500 files: empty ones, equal ones, deep ones, and folders with nothing in them. */
export function manyFiles() {
  const files = {};
  for (let i = 0; i < 500; i += 1) files[`part ${i % 7}/${i % 3 === 0 ? "deep/er/" : ""}file ${i}.txt`] = i % 50 === 0 ? "" : i % 5 === 0 ? "the same\n".repeat(300) : `${i}\n`.repeat(i * 7);
  return { files, folders: ["nothing", "part 1/nothing either", "part 1/nothing either/and here"] };
}

export const names = [
  "Grüße.txt", "Ελληνικά.txt", "русский.txt", "עברית.txt", "العربية.txt", "हिन्दी.txt", "ไทย.txt", "日本語.txt", "한국어.txt",
  "emoji 👩‍👩‍👧.txt", "<img src=x onerror=alert(1)>.txt", "a 'quoted' \"name\".txt", "100% & more #1?.txt", "tick` $HOME;.txt",
];

export function write(folder, { files, folders = [] }) {
  for (const path of folders) mkdirSync(join(folder, path), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Unpacks with Python's zipfile; null while the file is not complete. */
export function unzip(file, folder) {
  if (!existsSync(file)) return null;
  try {
    execFileSync("python3", ["-c", "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])", file, folder], { stdio: "ignore" });
    return treeOf(folder);
  } catch {
    return null;
  }
}
