// Documents between real browsers and the command line program, through a relay that serves the page itself.
// PARLEY_BROWSER is chromium (default) or firefox; PARLEY_WEB_BYTES the size of the large document (20 MB).
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { isChromium, launch, Page } from "./driver.mjs";
import { hashOf, manyFiles, names, Nginx, noise, patience, Relay, treeOf, unzip, World, write } from "./world.mjs";

const largeBytes = Number(process.env.PARLEY_WEB_BYTES ?? 20_000_000);
const slowRate = Number(process.env.PARLEY_WEB_RATE ?? 4_000_000); // bytes a second, where something happens in the middle
const world = new World();
let launched;
let relay;
let slow;
let tls;
const documents = {};

before(async () => {
  [relay, slow] = [await Relay.start(world), await Relay.start(world, "--max-room-rate", String(slowRate))];
  tls = await Nginx.start(world, await Relay.start(world, "--trusted-network", "127.0.0.1"));
  launched = await launch();
  const file = (name, content) => write(world.empty(), { files: { [name]: content } }) + `/${name}`;
  documents.empty = file("empty.bin", "");
  documents.byte = file("byte.bin", "x");
  documents.large = file("large.bin", noise(largeBytes));
  documents.folder = write(world.path("holiday", "x", ".."), manyFiles());
  documents.names = write(world.path("names", "x", ".."), { files: Object.fromEntries(names.map((name) => [name, name])) });
  for (const folder of [documents.folder, documents.names]) rmSync(join(folder, "x"), { recursive: true, force: true });
});

after(async () => {
  await launched?.close();
  world.checkLogs(...[relay, slow, tls].filter(Boolean).map((one) => one.log));
  await world.close();
});

/** A test with its pages, which are closed; nothing was blocked or failed in them. */
function browserTest(name, body) {
  test(name, async () => {
    const pages = [];
    const open = async (address, options) => {
      const page = await Page.open(launched, address, options);
      page.page.setDefaultTimeout(patience);
      pages.push(page);
      return page;
    };
    rmSync(launched.downloads, { recursive: true, force: true });
    mkdirSync(launched.downloads, { recursive: true });
    let failure = null;
    try {
      await body(open);
    } catch (error) {
      failure = error;
      for (const page of pages) {
        const text = await page.evaluate(() => document.querySelector("main").innerText).catch(() => "");
        console.error(`--- ${name}\n${text}\n${page.errors.join("\n")}`);
      }
    }
    for (const page of pages)
      await page.close().catch((error) => {
        failure ??= error;
      });
    if (failure !== null) throw failure;
  });
}

// --- what a user does

async function press(page, selector) {
  await page.waitFor((id) => document.querySelector(id)?.checkVisibility() && !document.querySelector(id).disabled, selector);
  await page.page.$eval(selector, (button) => button.click());
}

async function choose(page, ...paths) {
  await (await page.page.$("#file-input")).uploadFile(...paths);
  await page.view("prepare");
}

async function fill(page, selector, text) {
  await page.page.$eval(selector, (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, text);
}

/** Sends what is chosen, and returns its code. */
async function send(page) {
  await press(page, "#prepare-send");
  await page.waitForText("#sending-status", "Waiting");
  const code = await page.text("#code-shown");
  assert.match(code, /^[a-z]{5}-[a-z]{5}-[a-z]{5}$/);
  world.codes.add(code);
  return code;
}

async function sendFiles(page, ...paths) {
  await choose(page, ...paths);
  return send(page);
}

async function sendText(page, text) {
  await press(page, "#write-text");
  await page.view("prepare");
  await fill(page, "#text", text);
  return send(page);
}

const sent = (page) => page.waitForText("#finished-what", "stored everything");

async function typeCode(page, code) {
  world.codes.add(code);
  await fill(page, "#code", code);
  await page.page.$eval("#receive", (form) => form.requestSubmit());
}

/** Types the code, waits for the offer and says yes; where there is a picker, "downloads" does not ask for it. */
async function accept(page, code, where = "downloads") {
  await typeCode(page, code);
  await page.view("offer");
  await press(page, where === "downloads" && (await page.shown("#offer-download")) ? "#offer-download" : "#offer-yes");
}

const downloaded = (page) => page.waitForText("#finished-what", "in the downloads");

async function poll(look, what) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `${what} among ${readdirSync(launched.downloads).join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The download is this file, byte by byte. */
async function downloadIs(file) {
  const wanted = readFileSync(file);
  const path = join(launched.downloads, basename(file));
  const complete = () => {
    const all = readdirSync(launched.downloads);
    return all.includes(basename(file)) && !all.some((one) => /\.(part|crdownload)$/.test(one)) && readFileSync(path).length === wanted.length;
  };
  await poll(complete, `no ${basename(file)} of ${wanted.length} bytes`);
  assert.equal(hashOf(readFileSync(path)), hashOf(wanted));
}

/** The download is a ZIP file with this tree. */
async function zipIs(name, tree) {
  const found = await poll(() => unzip(join(launched.downloads, name), world.empty()), `no ${name}`);
  assert.deepEqual(found, tree);
}

/** The tree of a folder, below its name. */
function named(folder) {
  const name = basename(folder);
  return { [name]: "folder", ...Object.fromEntries(Object.entries(treeOf(folder)).map(([path, hash]) => [`${name}/${path}`, hash])) };
}

async function progressOver(page, part) {
  await page.waitFor((least) => [...document.querySelectorAll(".row progress")].some((bar) => bar.checkVisibility() && bar.value >= least), part);
}

/** Nothing but what is hidden: what may be continued later. */
function onlyHidden(folder) {
  assert.deepEqual(readdirSync(folder).filter((name) => !name.startsWith(".")), []);
}

// --- how much is loaded

/** What the relay answers, as a browser asks for it. */
function ask(path, headers = {}) {
  return new Promise((resolve, reject) => {
    get(relay.page + path, { headers: { "Accept-Encoding": "gzip, deflate, br", ...headers } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part)).on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) }));
    }).on("error", reject);
  });
}

test("the page is small, and does not travel twice", async () => {
  const html = await ask("");
  const found = brotliDecompressSync(html.bytes).toString().match(/(page|style|icon)-[0-9a-f]{10}\.[a-z]+/g);
  const script = await ask(found.find((name) => name.startsWith("page")));
  found.push(...brotliDecompressSync(script.bytes).toString().match(/(worker|parley)-[0-9a-f]{10}\.(js|wasm)/g));
  let total = html.bytes.length;
  for (const name of new Set(found)) {
    const { status, headers, bytes } = await ask(name);
    assert.equal(status, 200, name);
    assert.match(headers["cache-control"], /immutable/);
    if (name.endsWith(".wasm")) assert.ok(bytes.length <= 280_000, `${name}: ${bytes.length}`);
    total += bytes.length;
  }
  assert.equal(new Set(found).size, 5);
  assert.ok(total <= 320_000, String(total));
  const again = await ask("", { "If-None-Match": html.headers.etag });
  assert.deepEqual([again.status, again.bytes.length], [304, 0]);
});

// --- one file, each way, over ws and over wss behind nginx

for (const which of ["empty", "byte", "large"]) {
  browserTest(`page to program: ${which}`, async (open) => {
    const page = await open(relay.page);
    const code = await sendFiles(page, documents[which]);
    const out = world.empty();
    await world.receive(relay.address, code, out).ends();
    await sent(page);
    assert.equal(hashOf(readFileSync(join(out, basename(documents[which])))), hashOf(readFileSync(documents[which])));
  });

  browserTest(`program to page: ${which}`, async (open) => {
    const page = await open(relay.page);
    const { program, code } = await world.send(relay.address, documents[which]);
    await accept(page, code);
    await program.ends();
    await downloaded(page);
    await downloadIs(documents[which]);
  });

  browserTest(`page to page: ${which}`, async (open) => {
    const [from, to] = [await open(relay.page), await open(relay.page)];
    const code = await sendFiles(from, documents[which]);
    await accept(to, code);
    await sent(from);
    await downloaded(to);
    await downloadIs(documents[which]);
  });
}

browserTest("behind nginx, over TLS: page to program, program to page, page to page", async (open) => {
  const [from, to] = [await open(tls.page), await open(tls.page)];
  const out = world.empty();
  await world.receive(tls.address, await sendFiles(from, documents.large), out, "--ca-file", tls.ca).ends();
  await sent(from);
  assert.deepEqual(treeOf(out), { "large.bin": hashOf(readFileSync(documents.large)) });

  const { program, code } = await world.send(tls.address, "--ca-file", tls.ca, documents.byte);
  await accept(to, code);
  await program.ends();
  await downloaded(to);
  await downloadIs(documents.byte);

  for (const page of [from, to]) await press(page, "#finished-again");
  await accept(to, await sendFiles(from, documents.large));
  await sent(from);
  await downloaded(to);
  await downloadIs(documents.large);
});

// --- folders, several items, names, text

/** The page's pickers give places of the browser's storage: no browser here lets a test use the real ones. */
function withPickers(open, address) {
  return open(address, {
    before: () => {
      window.showDirectoryPicker = async () => (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
      window.showSaveFilePicker = async ({ suggestedName }) => (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
    },
  });
}

/** Picks a folder that has the files and folders of manyFiles(). */
async function pickMany(page) {
  await page.evaluate(({ files, folders }) => {
    const folder = (name) => ({ kind: "directory", name, children: new Map(), entries: async function* () { yield* this.children; } });
    const top = folder("holiday");
    const at = (path) =>
      path.reduce((above, name) => {
        if (!above.children.has(name)) above.children.set(name, folder(name));
        return above.children.get(name);
      }, top);
    for (const path of folders) at(path.split("/"));
    for (const [path, content] of Object.entries(files)) {
      const names = path.split("/");
      const name = names.pop();
      at(names).children.set(name, { kind: "file", name, getFile: async () => new File([content], name) });
    }
    window.showDirectoryPicker = async () => top;
  }, manyFiles());
  await press(page, "#choose-folder");
  await page.view("prepare");
}

/** What is in a page's storage, below a name. */
function stored(page, name) {
  return page.evaluate(async (top) => {
    const tree = {};
    const walk = async (folder, path) => {
      for await (const [child, handle] of folder.entries()) {
        const below = path === "" ? child : `${path}/${child}`;
        tree[below] = "folder";
        if (handle.kind === "directory") await walk(handle, below);
        else {
          const digest = await crypto.subtle.digest("SHA-256", await (await handle.getFile()).arrayBuffer());
          tree[below] = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        }
      }
    };
    const root = await navigator.storage.getDirectory();
    await walk(top === "" ? root : await root.getDirectoryHandle(top), "");
    return tree;
  }, name);
}

browserTest("a folder of 500 files, with empty folders: page to program", async (open) => {
  let page;
  if (isChromium) {
    page = await open(relay.page);
    const session = await page.page.createCDPSession();
    const data = { items: [], files: [documents.folder], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 200, y: 200, data });
  } else {
    page = await withPickers(open, relay.page);
    await pickMany(page);
  }
  await page.view("prepare");
  const code = await send(page);
  const out = world.empty();
  await world.receive(relay.address, code, out).ends();
  await sent(page);
  assert.deepEqual(treeOf(out), named(documents.folder));
});

browserTest("a folder of 500 files, with empty folders: program to page, as a ZIP file", async (open) => {
  const page = await open(relay.page);
  const { program, code } = await world.send(relay.address, documents.folder);
  await accept(page, code);
  await program.ends();
  await downloaded(page);
  await zipIs("holiday.zip", named(documents.folder));
});

browserTest(`a folder of 500 files, with empty folders: page to page, ${isChromium ? "into a picked folder" : "as a ZIP file"}`, async (open) => {
  const [from, to] = [await withPickers(open, relay.page), await (isChromium ? withPickers(open, relay.page) : open(relay.page))];
  await pickMany(from);
  const code = await send(from);
  await accept(to, code, isChromium ? "picked" : "downloads");
  await sent(from);
  if (isChromium) {
    await to.view("finished");
    assert.deepEqual(await stored(to, "picked"), named(documents.folder));
  } else {
    await downloaded(to);
    await zipIs("holiday.zip", named(documents.folder));
  }
});

browserTest("several files: page to program, program to page", async (open) => {
  const page = await open(relay.page);
  const code = await sendFiles(page, documents.byte, documents.empty, documents.large);
  const out = world.empty();
  await world.receive(relay.address, code, out).ends();
  await sent(page);
  const wanted = Object.fromEntries([documents.byte, documents.empty, documents.large].map((path) => [basename(path), hashOf(readFileSync(path))]));
  assert.deepEqual(treeOf(out), wanted);

  await press(page, "#finished-again");
  const back = await world.send(relay.address, documents.byte, documents.empty, documents.large);
  await accept(page, back.code);
  await back.program.ends();
  await downloaded(page);
  await zipIs("received.zip", wanted);
});

browserTest("names in many scripts: page to program, program to page", async (open) => {
  const page = await open(relay.page);
  const code = await sendFiles(page, ...names.map((name) => join(documents.names, name)));
  const out = world.empty();
  await world.receive(relay.address, code, out).ends();
  await sent(page);
  assert.deepEqual(treeOf(out), treeOf(documents.names));

  await press(page, "#finished-again");
  const back = await world.send(relay.address, documents.names);
  await typeCode(page, back.code);
  await page.view("offer");
  const shown = await page.page.$$eval("#offer-list .path", (all) => all.map((one) => one.textContent));
  assert.deepEqual(new Set(shown), new Set(names));
  await press(page, (await page.shown("#offer-download")) ? "#offer-download" : "#offer-yes");
  await back.program.ends();
  await downloaded(page);
  const safe = (name) => name.replace(/[\\:*?"<>|]/g, "_"); // as any system can unpack it
  await zipIs("names.zip", Object.fromEntries(Object.entries(named(documents.names)).map(([path, hash]) => [safe(path), hash])));
});

browserTest("a file into a picked file", async (open) => {
  const page = await withPickers(open, relay.page);
  const { program, code } = await world.send(relay.address, documents.large);
  await accept(page, code, "picked");
  await program.ends();
  await page.view("finished");
  assert.equal((await stored(page, ""))["large.bin"], hashOf(readFileSync(documents.large)));
});

browserTest("a text: page to program, program to page, page to page by its link", async (open) => {
  const text = "Grüße, 世界!\n<b>not bold</b>\u202e\n";
  const page = await open(relay.page);
  const program = world.peer("recv", relay.address, ["-y"], await sendText(page, text));
  await program.ends();
  await sent(page);
  assert.equal(program.events.find((one) => one.event === "text")?.text, text);

  await press(page, "#finished-again");
  const back = await world.send(relay.address, "--text", text);
  await accept(page, back.code);
  await back.program.ends();
  await page.waitForText("#finished-text", "Grüße");
  assert.equal(await page.text("#finished-text"), text);

  await press(page, "#finished-again");
  const code = await sendText(page, text);
  const to = await open(`${relay.page}#${code}`);
  assert.equal(await to.evaluate(() => location.href), relay.page);
  await to.view("offer");
  await press(to, "#offer-yes");
  await sent(page);
  await to.waitForText("#finished-text", "Grüße");
  assert.equal(await to.text("#finished-text"), text);
});

browserTest("several receivers, of both kinds", async (open) => {
  const [from, to] = [await open(relay.page), await open(relay.page)];
  await choose(from, documents.large);
  await from.page.select("#receivers", "2");
  const code = await send(from);
  const out = world.empty();
  await world.receive(relay.address, code, out).ends();
  await accept(to, code);
  await downloaded(to);
  await from.waitForText("#finished-what", "2 receivers have stored everything");
  await downloadIs(documents.large);
  assert.deepEqual(treeOf(out), { "large.bin": hashOf(readFileSync(documents.large)) });
});

browserTest("on plain http: page to program, program to page", async (open) => {
  const page = await open(`http://page.test:${relay.port}/`);
  assert.equal(await page.evaluate(() => isSecureContext), false);
  const out = world.empty();
  await world.receive(relay.address, await sendFiles(page, documents.large), out).ends();
  await sent(page);
  assert.deepEqual(treeOf(out), { "large.bin": hashOf(readFileSync(documents.large)) });
  await press(page, "#finished-again");
  const { program, code } = await world.send(relay.address, documents.large);
  await accept(page, code);
  await program.ends();
  await downloaded(page);
  await downloadIs(documents.large);
  page.errors = page.errors.filter((error) => !error.includes("Cross-Origin-Opener-Policy"));
});

// --- what goes wrong

/** A code that looks right and is another one. */
const otherCode = "lusab-babad-gutit";

browserTest("a wrong code, from each side, and then the right one", async (open) => {
  const page = await open(relay.page);
  const { program, code } = await world.send(relay.address, documents.byte);
  await typeCode(page, otherCode);
  await page.waitForText("#finding-notes", "another code");
  await program.event("rejected");
  await press(page, "#finding-stop");
  await page.view("failed");
  await press(page, "#failed-again");
  await accept(page, code);
  await program.ends();
  await downloaded(page);

  await press(page, "#finished-again");
  const own = await sendFiles(page, documents.byte);
  const wrong = world.receive(relay.address, otherCode, world.empty(), "--timeout", "3");
  await page.waitForText("#sending-notes", "another code");
  await wrong.ends(4);
  const out = world.empty();
  await world.receive(relay.address, own, out).ends();
  await sent(page);
  assert.deepEqual(treeOf(out), { "byte.bin": hashOf("x") });
});

browserTest("a no, from each side; the code stays good", async (open) => {
  const [page, other] = [await open(relay.page), await open(relay.page)];
  const { program, code } = await world.send(relay.address, documents.byte);
  await typeCode(page, code);
  await page.view("offer");
  await press(page, "#offer-no");
  await page.view("finished");
  await program.event("refused");
  await press(page, "#finished-again");
  await accept(page, code);
  await program.ends();
  await downloaded(page);
  await downloadIs(documents.byte);

  await press(page, "#finished-again");
  const own = await sendFiles(page, documents.large);
  await typeCode(other, own);
  await other.view("offer");
  await press(other, "#offer-no");
  await page.waitForText("#sending-notes", "did not take it");
  const out = world.empty();
  const small = world.receive(relay.address, own, out, "--max-size", "1000");
  assert.notEqual(await small.exited, 0);
  onlyHidden(out);
  await world.receive(relay.address, own, out).ends();
  await sent(page);
  assert.deepEqual(treeOf(out), { "large.bin": hashOf(readFileSync(documents.large)) });
});

browserTest("stopped in the middle, by the sender: page to program, program to page", async (open) => {
  const page = await open(slow.page);
  const out = world.empty();
  const receiver = world.receive(slow.address, await sendFiles(page, documents.large), out);
  await progressOver(page, 0.1);
  await press(page, "#sending-stop");
  await page.waitForText("#failed-title", "Stopped");
  assert.notEqual(await receiver.exited, 0);
  onlyHidden(out);

  await press(page, "#failed-again");
  const { program, code } = await world.send(slow.address, documents.large);
  await accept(page, code);
  await progressOver(page, 0.1);
  program.signal("SIGINT");
  await page.waitForText("#failed-title", "The other side stopped");
  assert.deepEqual(readdirSync(launched.downloads), []);
});

browserTest("stopped in the middle, by the receiver: page to program, program to page", async (open) => {
  const page = await open(slow.page);
  const out = world.empty();
  const receiver = world.receive(slow.address, await sendFiles(page, documents.large), out);
  await progressOver(page, 0.1);
  receiver.signal("SIGINT");
  await page.waitForText("#failed-title", "The other side stopped");
  await receiver.ends(130);
  onlyHidden(out);

  await press(page, "#failed-again");
  const { program, code } = await world.send(slow.address, documents.large);
  await accept(page, code);
  await progressOver(page, 0.1);
  await press(page, "#receiving-stop");
  await page.waitForText("#failed-title", "Stopped");
  assert.notEqual(await program.exited, 0);
  assert.ok(!program.events.some((one) => one.event === "delivered" || one.event === "done"), program.describe());
  assert.deepEqual(readdirSync(launched.downloads), []);
});

/** The browser itself reports connections that fail. */
function expectLostConnections(page) {
  page.errors = page.errors.filter((error) => !/WebSocket|can.t establish a connection|was interrupted|ERR_CONNECTION/.test(error));
}

browserTest("the relay restarts in the middle: page to program, program to page, page to page", async (open) => {
  const [page, other] = [await open(slow.page), await open(slow.page)];
  const out = world.empty();
  const receiver = world.receive(slow.address, await sendFiles(page, documents.large), out);
  await progressOver(page, 0.2);
  await slow.restart(() => page.waitForText("#sending-status", "The connection is lost"));
  await receiver.ends();
  await sent(page);
  assert.deepEqual(treeOf(out), { "large.bin": hashOf(readFileSync(documents.large)) });

  await press(page, "#finished-again");
  const { program, code } = await world.send(slow.address, documents.large);
  await accept(page, code);
  await progressOver(page, 0.2);
  await slow.restart(() => page.waitForText("#receiving-status", "The connection is lost"));
  await program.ends();
  await downloaded(page);
  await downloadIs(documents.large);

  rmSync(join(launched.downloads, "large.bin"));
  await press(page, "#finished-again");
  await accept(other, await sendFiles(page, documents.large));
  await progressOver(other, 0.2);
  await slow.restart(() => other.waitForText("#receiving-status", "The connection is lost"));
  await sent(page);
  await downloaded(other);
  await downloadIs(documents.large);
  for (const one of [page, other]) expectLostConnections(one);
});

browserTest("reloaded in the middle, the receiver comes again with the code", async (open) => {
  const page = await open(slow.page);
  const { program, code } = await world.send(slow.address, documents.large);
  await accept(page, code);
  await progressOver(page, 0.2);
  await page.reload();
  assert.ok(!program.events.some((one) => one.event === "delivered" || one.event === "done"), program.describe());
  assert.deepEqual(readdirSync(launched.downloads), []);
  await accept(page, code);
  await program.ends();
  await downloaded(page);
  await downloadIs(documents.large);
  assert.equal(program.events.filter((one) => one.event === "delivered").length, 1);
  expectLostConnections(page);
});

browserTest("reloaded in the middle, a sender leaves nothing under the document's name", async (open) => {
  const page = await open(slow.page);
  const out = world.empty();
  const receiver = world.receive(slow.address, await sendFiles(page, documents.large), out);
  await progressOver(page, 0.2);
  await page.reload();
  await receiver.event("interrupted");
  onlyHidden(out);
  receiver.signal("SIGINT");
  await receiver.ends(130);
  onlyHidden(out);
  expectLostConnections(page);
});
