// The worker of the page against the real parley through the real parley-relay. Everything is compared byte by byte.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { test as nodeTest } from "node:test";

import { DiskFileHandle, DiskFolder } from "./node_files.mjs";
import { itemsOf, snapshot, snapshotOf, World } from "./node_world.mjs";

const timeout = 120_000 * Number(process.env.PARLEY_TEST_SLOWNESS ?? 1);
const test = (name, what) => nodeTest(name, { timeout }, what);

const windowBytes = 8 * 1024 * 1024; // PROTOCOL.md section 9
const slow = ["--max-room-rate", "4000000"];

function noise(size, seed = 1) {
  const out = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i < size; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = state >>> 24;
  }
  return out;
}
function prose(size) {
  const words = "the quick brown fox jumps over a lazy dog and nobody minds it\n".split(" ");
  let text = "";
  for (let i = 1; text.length < size; i = (Math.imul(i, 69069) + 1) >>> 0) text += `${words[(i >>> 16) % words.length]} `;
  return Buffer.from(text.slice(0, size));
}
const contents = { "0 bytes": Buffer.alloc(0), "1 byte": Buffer.from("x"), "20 MB of noise": noise(20_000_000), "20 MB of text": prose(20_000_000) };

async function inWorld(options, what) {
  const world = await new World(...options).start();
  try {
    await what(world);
  } finally {
    await world.end();
  }
}

function makeTree(world, files = 60) {
  for (let i = 0; i < files; ++i) world.file(`out/tree/sub${i % 7}/file${i}`, i % 3 === 0 ? "equal contents" : noise(i * 997, i));
  for (const name of ["a", "a b", "a.b", "文書", "привет", "naïve", ".hidden", "large"]) world.file(`out/tree/${name}/x`, name === "large" ? noise(700_000) : name);
  for (const name of ["empty", "empty/inside", "sub1/also empty"]) mkdirSync(world.path("out/tree", name), { recursive: true });
  return world.path("out/tree");
}

const opfs = { kind: "opfs" };
const memory = { kind: "memory", limit: 256 * 1024 * 1024 };
function folderOf(world) {
  return { kind: "folder", handle: new DiskFolder(world.path("picked")) };
}

async function sendFromCli(world, what, ...more) {
  const cli = world.send(what, ...more);
  const { code } = await cli.event("code");
  await cli.event("waiting");
  return { cli, code };
}

// --- CLI to page

for (const [what, bytes] of Object.entries(contents))
  for (const kind of ["opfs", "memory", "folder", "file"])
    test(`${what}, from the CLI, into ${kind}`, () =>
      inWorld([], async (world) => {
        const path = world.file("out/document.bin", bytes);
        const { cli, code } = await sendFromCli(world, [path]);
        const page = world.page();
        const picked = new DiskFolder(world.path("picked"));
        const targets = { opfs, memory, folder: { kind: "folder", handle: picked }, file: { kind: "file", handle: await picked.getFileHandle("chosen", { create: kind === "file" }).catch(() => null) } };
        const offer = await page.accept(code, targets[kind]);
        assert.deepEqual([offer.name, offer.bytes, offer.files, offer.folders, offer.text], ["document.bin", bytes.length, 1, 0, false]);
        if (kind === "folder" || kind === "file") {
          await page.message("saved");
          await page.message("finished");
          assert.deepEqual(snapshot(picked.path), { "": "folder", [kind === "file" ? "/chosen" : "/document.bin"]: snapshot(path)[""] });
        } else {
          const received = await page.message("received");
          await cli.expect(0); // it knows before anything is exported
          assert.deepEqual([received.single, received.name, received.files.length], [true, "document.bin", 1]);
          assert.deepEqual(await snapshotOf(received), snapshot(path));
          page.post({ type: "exported" });
          await page.message("finished");
        }
        await cli.expect(0);
        assert.deepEqual(world.spooled(), []);
      }));

for (const kind of ["opfs", "memory", "folder"])
  test(`a folder from the CLI, into ${kind}`, () =>
    inWorld([], async (world) => {
      const tree = makeTree(world);
      const { cli, code } = await sendFromCli(world, [tree]);
      const page = world.page();
      const offer = await page.accept(code, { opfs, memory, folder: folderOf(world) }[kind]);
      assert.equal(offer.name, "tree");
      assert.equal(offer.list.length, offer.files + offer.folders);
      if (kind === "folder") {
        await page.message("finished");
        assert.deepEqual(readdirSync(world.path("picked")), ["tree"]);
        assert.deepEqual(snapshot(world.path("picked/tree")), snapshot(tree));
      } else {
        const received = await page.message("received");
        assert.deepEqual(await snapshotOf(received), snapshot(tree));
        page.post({ type: "exported" });
        await page.message("finished");
      }
      await cli.expect(0);
    }));

test("several items from the CLI into a folder", () =>
  inWorld([], async (world) => {
    const tree = makeTree(world, 5);
    const file = world.file("out/single", noise(70_000));
    const { cli, code } = await sendFromCli(world, [file, tree]);
    const page = world.page();
    await page.accept(code, folderOf(world));
    await page.message("finished");
    await cli.expect(0);
    assert.deepEqual(snapshot(world.path("picked")), snapshot(world.path("out")));
  }));

test("a text from the CLI", () =>
  inWorld([], async (world) => {
    const { cli, code } = await sendFromCli(world, ["--text", "Grüße,\n<b>&amp;</b>"]);
    const page = world.page();
    const offer = await page.accept(code, memory);
    assert.equal(offer.text, true);
    assert.equal((await page.message("received")).text, "Grüße,\n<b>&amp;</b>");
    page.post({ type: "exported" });
    await page.message("finished");
    await cli.expect(0);
  }));

// --- page to CLI

for (const [what, bytes] of Object.entries(contents))
  test(`${what}, to the CLI`, () =>
    inWorld([], async (world) => {
      const path = world.file("out/document.bin", bytes);
      const page = world.page();
      const code = await page.send(itemsOf(path));
      const cli = world.receive(code, world.path("in"), "-y");
      await page.message("stored");
      await page.message("finished");
      await cli.expect(0);
      assert.deepEqual(snapshot(world.path("in")), { "": "folder", "/document.bin": snapshot(path)[""] });
    }));

test("a folder to the CLI", () =>
  inWorld([], async (world) => {
    const tree = makeTree(world);
    const page = world.page();
    const cli = world.receive(await page.send(itemsOf(tree)), world.path("in"), "-y");
    await page.message("finished");
    await cli.expect(0);
    assert.deepEqual(snapshot(world.path("in/tree")), snapshot(tree));
  }));

test("a text to the CLI", () =>
  inWorld([], async (world) => {
    const page = world.page();
    const cli = world.receive(await page.send([{ kind: "text", text: "Grüße\n" }]), world.path("in"), "-y");
    assert.equal((await cli.event("text")).text, "Grüße\n");
    await page.message("finished");
    await cli.expect(0);
  }));

test("two receivers", () =>
  inWorld([], async (world) => {
    const path = world.file("out/document.bin", noise(3_000_000));
    const page = world.page();
    const code = await page.send(itemsOf(path), "", 2);
    const taking = [1, 2].map((i) => world.receive(code, world.path(`in${i}`), "-y"));
    await page.message("finished");
    for (const [i, cli] of taking.entries()) {
      await cli.expect(0);
      assert.deepEqual(snapshot(world.path(`in${i + 1}/document.bin`)), snapshot(path));
    }
    assert.equal(page.messages.all.filter(({ type }) => type === "stored").length, 2);
  }));

test("from page to page", () =>
  inWorld([], async (world) => {
    const tree = makeTree(world);
    const sender = world.page();
    const code = await sender.send(itemsOf(tree));
    const receiver = world.page();
    await receiver.accept(code.toUpperCase().replaceAll("-", " "), folderOf(world));
    await receiver.message("finished");
    await sender.message("finished");
    assert.deepEqual(snapshot(world.path("picked/tree")), snapshot(tree));
  }));

test("a slow disk holds back the relay", () =>
  inWorld([], async (world) => {
    const path = world.file("out/document.bin", noise(30_000_000));
    const { cli, code } = await sendFromCli(world, [path]);
    const page = world.page();
    let go;
    const gate = new Promise((resolve) => (go = resolve));
    const target = folderOf(world);
    await page.receive(code);
    await page.message("offer");
    const create = DiskFileHandle.prototype.createWritable;
    DiskFileHandle.prototype.createWritable = async function (options) {
      await gate;
      return create.call(this, options);
    };
    try {
      page.post({ type: "answer", accept: true, target });
      const [room] = world.rooms;
      await new Promise((resolve) => {
        room.onfurthest = () => room.furthest > windowBytes - 512 * 1024 && resolve();
      });
      go();
      await page.message("finished");
    } finally {
      DiskFileHandle.prototype.createWritable = create;
    }
    assert.deepEqual(snapshot(world.path("picked/document.bin")), snapshot(path));
    assert.ok(world.rooms[0].furthest <= windowBytes, `${world.rooms[0].furthest} bytes were waiting`);
    await cli.expect(0);
  }));

// --- what goes wrong

test("a wrong code ends nothing", () =>
  inWorld([], async (world) => {
    const path = world.file("out/document.bin", noise(1000));
    const { cli, code } = await sendFromCli(world, [path]);
    const wrong = world.page();
    await wrong.receive("another-password");
    assert.equal((await wrong.message("note")).id, "wrong-code");
    await cli.event("rejected");
    wrong.post({ type: "cancel" });
    assert.equal((await wrong.messages.take(["failed"], [])).id, "cancelled-here");

    const mistyped = world.page();
    await mistyped.receive(code.replace(/.$/, (last) => (last === "t" ? "d" : "t")));
    assert.equal((await mistyped.message("note")).id, "mistyped-code");

    const page = world.page();
    await page.accept(code, opfs);
    await page.message("received");
    await cli.expect(0);
  }));

test("a wrong code comes to a page", () =>
  inWorld([], async (world) => {
    const page = world.page();
    const code = await page.send(itemsOf(world.file("out/document.bin", noise(1000))));
    world.receive("another-password", world.path("in"), "-y");
    assert.equal((await page.message("note")).id, "wrong-code");
    const cli = world.receive(code, world.path("in"), "-y");
    await page.message("finished");
    await cli.expect(0);
  }));

test("the page refuses", () =>
  inWorld([], async (world) => {
    const { cli, code } = await sendFromCli(world, [world.file("out/document.bin", noise(1000))]);
    const page = world.page();
    await page.receive(code);
    await page.message("offer");
    page.post({ type: "answer", accept: false });
    assert.equal((await page.messages.take(["failed"], [])).id, "refused");
    await cli.event("refused"); // it waits for another one
    const another = world.page();
    await another.accept(code, opfs);
    await another.message("received");
    await cli.expect(0);
  }));

test("the CLI refuses", () =>
  inWorld([], async (world) => {
    const page = world.page();
    const code = await page.send(itemsOf(world.file("out/document.bin", noise(1000))));
    world.file("in/document.bin", "taken");
    const cli = world.receive(code, world.path("in"), "-y");
    const left = await page.message("note");
    assert.equal(left.id, "left");
    await cli.expect(8);
    assert.equal(readFileSync(world.path("in/document.bin"), "utf8"), "taken");
    page.post({ type: "cancel" });
    assert.equal((await page.messages.take(["failed"], [])).id, "cancelled-here");
  }));

for (const who of ["page", "CLI"]) {
  test(`the ${who} stops receiving`, () =>
    inWorld(slow, async (world) => {
      const path = world.file("out/document.bin", noise(20_000_000));
      if (who === "page") {
        const { cli, code } = await sendFromCli(world, [path]);
        const page = world.page();
        await page.accept(code, folderOf(world));
        while ((await page.message("progress")).done === 0);
        page.post({ type: "cancel" });
        assert.equal((await page.messages.take(["failed"], [])).id, "cancelled-here");
        assert.notEqual(await cli.exit, 0);
        assert.deepEqual(readdirSync(world.path("picked")), []);
      } else {
        const page = world.page();
        const cli = world.receive(await page.send(itemsOf(path)), world.path("in"), "-y");
        while ((await page.message("progress")).done === 0);
        cli.kill("SIGINT");
        const last = await page.messages.take(["failed", "note"], ["finished"]);
        assert.ok(last.id === "cancelled-there" || last.id === "left", JSON.stringify(last));
        await cli.expect(130);
      }
    }));
  test(`the ${who} stops sending`, () =>
    inWorld(slow, async (world) => {
      const path = world.file("out/document.bin", noise(20_000_000));
      if (who === "CLI") {
        const { cli, code } = await sendFromCli(world, [path]);
        const page = world.page();
        await page.accept(code, opfs);
        while ((await page.message("progress")).done === 0);
        cli.kill("SIGINT");
        assert.equal((await page.messages.take(["failed"], [])).id, "cancelled-there");
        assert.deepEqual(world.spooled(), []);
        await cli.expect(130);
      } else {
        const page = world.page();
        const cli = world.receive(await page.send(itemsOf(path)), world.path("in"), "-y");
        while ((await page.message("progress")).done === 0);
        page.post({ type: "cancel" });
        assert.equal((await page.messages.take(["failed"], [])).id, "cancelled-here");
        assert.notEqual(await cli.exit, 0);
        assert.ok(!readdirSync(world.path("in")).includes("document.bin"));
      }
    }));
}

test("the storage is full", () =>
  inWorld([], async (world) => {
    world.quota = 5_000_000;
    const { cli, code } = await sendFromCli(world, [world.file("out/document.bin", noise(20_000_000))]);
    const page = world.page();
    await page.accept(code, opfs);
    assert.equal((await page.messages.take(["failed"], ["received"])).id, "no-space");
    assert.deepEqual(world.spooled(), []);
    cli.kill("SIGINT"); // it waits for another receiver
    await cli.exit;
  }));

test("more than the memory takes", () =>
  inWorld([], async (world) => {
    const { cli, code } = await sendFromCli(world, [world.file("out/document.bin", noise(20_000))]);
    const page = world.page();
    await page.accept(code, { kind: "memory", limit: 10_000 });
    assert.equal((await page.messages.take(["failed"], [])).id, "no-space");
    cli.kill("SIGINT");
    await cli.exit;
  }));

test("the name is taken", () =>
  inWorld([], async (world) => {
    const { cli, code } = await sendFromCli(world, [world.file("out/document.bin", noise(20_000))]);
    world.file("picked/document.bin", "taken");
    const page = world.page();
    await page.accept(code, folderOf(world));
    assert.equal((await page.messages.take(["failed"], [])).id, "storage");
    assert.deepEqual(readdirSync(world.path("picked")), ["document.bin"]);
    assert.equal(readFileSync(world.path("picked/document.bin"), "utf8"), "taken");
    cli.kill("SIGINT");
    await cli.exit;
  }));

test("a file changes while it is sent", () =>
  inWorld(slow, async (world) => {
    const path = world.file("out/document.bin", noise(20_000_000));
    const page = world.page();
    const cli = world.receive(await page.send(itemsOf(path)), world.path("in"), "-y");
    while ((await page.message("progress")).done === 0);
    world.file("out/document.bin", noise(10_000));
    assert.equal((await page.messages.take(["failed"], [])).id, "changed");
    assert.notEqual(await cli.exit, 0);
  }));

test("no relay", () =>
  inWorld([], async (world) => {
    world.relay.kill("SIGKILL");
    await world.relay.exit;
    const page = world.page();
    await page.receive("some-code");
    assert.equal((await page.messages.take(["failed"], [])).id, "relay-unreachable");
  }));

// --- the relay restarts in the middle

for (const target of ["opfs", "folder"])
  test(`the relay restarts while a page receives into ${target}`, () =>
    inWorld(slow, async (world) => {
      const path = world.file("out/document.bin", noise(16_000_000));
      const { cli, code } = await sendFromCli(world, [path]);
      const page = world.page();
      await page.accept(code, target === "opfs" ? opfs : folderOf(world));
      while ((await page.message("progress")).done < 3_000_000);
      await world.restart();
      assert.equal((await page.message("connection")).state, "lost");
      const kept = page.messages.all.findLast(({ type }) => type === "progress").done;
      while ((await page.message("connection")).state !== "continued"); // the relay may not be back at the first attempt
      assert.ok((await page.message("progress")).done >= kept, "it has begun anew");
      if (target === "opfs") {
        assert.deepEqual(await snapshotOf(await page.message("received")), snapshot(path));
        page.post({ type: "exported" });
      }
      await page.message("finished");
      if (target === "folder") assert.deepEqual(snapshot(world.path("picked/document.bin")), snapshot(path));
      await cli.expect(0);
    }));

test("the relay restarts while a page sends", () =>
  inWorld(slow, async (world) => {
    const path = world.file("out/document.bin", noise(16_000_000));
    const page = world.page();
    const cli = world.receive(await page.send(itemsOf(path)), world.path("in"), "-y");
    while ((await page.message("progress")).done < 3_000_000);
    await world.restart();
    await page.message("finished");
    await cli.expect(0);
    const states = page.messages.all.filter(({ type }) => type === "connection").map(({ state }) => state);
    assert.deepEqual([states[0], states.at(-1)], ["lost", "continued"]);
    assert.deepEqual(snapshot(world.path("in/document.bin")), snapshot(path));
  }));

test("the relay restarts while a page waits", () =>
  inWorld([], async (world) => {
    const path = world.file("out/document.bin", noise(1000));
    const page = world.page();
    const code = await page.send(itemsOf(path));
    await world.restart();
    assert.equal((await page.message("note")).id, "reconnecting");
    await page.message("waiting");
    const cli = world.receive(code, world.path("in"), "-y");
    await page.message("finished");
    await cli.expect(0);
    assert.equal(createHash("sha256").update(readFileSync(world.path("in/document.bin"))).digest("hex"), snapshot(path)[""]);
  }));
