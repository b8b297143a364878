// The page in a real browser, with a worker that the test plays. PARLEY_BROWSER is chromium (default) or firefox.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isChromium, launch, Page } from "./driver.mjs";
import { readQr } from "./qr_reader.mjs";
import { serve } from "./server.mjs";

const code = "lusab-babad-gutit";
const folder = mkdtempSync(join(tmpdir(), "parley-page-"));
let server;
let launched;
let address;

before(async () => {
  const build = new URL("../../peer/web/build.mjs", import.meta.url).pathname;
  const worker = new URL("fake_worker.ts", import.meta.url).pathname;
  execFileSync(process.execPath, [build, "--out", join(folder, "page"), "--worker", worker, "--module", join(folder, "none")]);
  server = await serve(join(folder, "page"));
  address = `http://localhost:${server.port}/`;
  launched = await launch();
});

after(async () => {
  await launched?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A test with a page; closes it and looks for violations and errors. */
function pageTest(name, options, body) {
  test(name, async () => {
    const page = await Page.open(launched, options.address?.() ?? address + (options.path ?? ""), options);
    let failed = true;
    try {
      await body(page);
      failed = false;
    } finally {
      if (failed) await page.page.screenshot({ path: join(tmpdir(), `parley-failed-${process.env.PARLEY_BROWSER ?? "chromium"}.png`) }).catch(() => undefined);
      await page.close().catch((failure) => {
        if (!failed) throw failure;
      });
    }
  });
}

function aFile(name, content) {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function upload(page, input, ...paths) {
  const handle = await page.page.$(input);
  await handle.uploadFile(...paths);
}

/** Until a text is being sent and its code is shown. */
async function sendText(page, text = "hello") {
  await page.click("#write-text");
  await page.view("prepare");
  await page.type("#text", text);
  await page.click("#prepare-send");
  await page.view("sending");
  await page.ready();
  const message = await page.posted("send");
  await page.say({ type: "code", code }, { type: "waiting" });
  await page.waitForText("#code-shown", code);
  return message;
}

const offerOfFile = { type: "offer", name: "report.txt", text: false, files: 1, folders: 0, bytes: 5, list: [{ path: "report.txt", size: 5, kind: "file" }], room: 1e9 };
const offerOfFolder = {
  type: "offer", name: "holiday", text: false, files: 2, folders: 1, bytes: 1288490189, room: 1e11,
  list: [{ path: "a.txt", size: 189, kind: "file" }, { path: "deep", size: 0, kind: "folder" }, { path: "deep/b.txt", size: 1288490000, kind: "file" }],
};

/** Until an offer is shown. */
async function receive(page, offer) {
  await page.type("#code", code);
  await page.press("Enter");
  await page.view("finding");
  await page.ready();
  assert.deepEqual(await page.posted("receive"), { type: "receive", code });
  await page.say({ type: "waiting" }, { type: "meeting" }, offer);
  await page.view("offer");
}

pageTest("a text is sent with the keyboard alone", {}, async (page) => {
  await page.tabTo("write-text");
  await page.press("Enter");
  await page.view("prepare");
  assert.equal(await page.evaluate(() => document.activeElement.id), "text");
  await page.page.keyboard.type("hello");
  await page.tabTo("prepare-send");
  await page.press("Enter");
  await page.view("sending");
  await page.ready();
  assert.deepEqual(await page.posted("send"), { type: "send", items: [{ kind: "text", text: "hello" }], name: "", receivers: 1 });
  await page.say({ type: "code", code }, { type: "waiting" });
  await page.waitForText("#announcer", "Waiting for the receiver");
  assert.equal(await page.text("#code-shown"), code);
  for (const id of ["copy-code", "copy-link", "sending-stop"]) await page.tabTo(id);
  await page.say({ type: "meeting" }, { type: "progress", done: 5, total: 5, receiver: 0, receivers: 1 }, { type: "stored", receiver: 0 }, { type: "finished" });
  await page.view("finished");
  assert.equal(await page.text("#finished-title"), "Sent a text");
  assert.equal(await page.evaluate(() => document.activeElement.id), "finished-title");
  await page.tabTo("finished-again");
  await page.press("Enter");
  await page.view("start");
});

pageTest("files are chosen, removed, sent, and the receiver's progress is shown", {}, async (page) => {
  await upload(page, "#file-input", aFile("one.txt", "1"), aFile("two.txt", "22"));
  await page.view("prepare");
  assert.equal(await page.text("#prepare-title"), "Send 2 items");
  await upload(page, "#file-input", aFile("three.txt", "333"));
  await page.waitForText("#prepare-title", "3 items");
  await page.click('button[aria-label="Remove one.txt"]');
  await page.waitForText("#prepare-title", "2 items");
  await page.click("#prepare-send");
  await page.view("sending");
  await page.ready();
  const message = await page.posted("send");
  assert.deepEqual(message.items, [{ kind: "file", path: "two.txt", size: 2 }, { kind: "file", path: "three.txt", size: 3 }]);
  assert.equal(await page.text("#sending-summary"), "2 files, 5 B");
  await page.say({ type: "code", code }, { type: "waiting" }, { type: "meeting" });
  await page.say({ type: "progress", done: 100 * 1048576, total: 400 * 1048576, receiver: 0, receivers: 1 });
  await page.waitForText(".row .facts", "100 MiB of 400 MiB");
  assert.equal(await page.text(".row .percent"), "25%");
  assert.equal(await page.page.$eval(".row progress", (bar) => bar.value), 0.25);
  assert.match(await page.page.title(), /^25% /);
  assert.equal(await page.shown("#code-card"), false);
  await page.waitForText("#announcer", "25 percent");
  await page.waitFor(() => performance.now() - (window.since ??= performance.now()) > 700);
  await page.say({ type: "progress", done: 200 * 1048576, total: 400 * 1048576, receiver: 0, receivers: 1 });
  await page.waitForText(".row .facts", "MiB/s");
  assert.match(await page.text(".row .facts"), /^200 MiB of 400 MiB · [\d.]+ MiB\/s · a few seconds left$/);
});

pageTest("the code, its link and its picture say the same", {
  before: () => Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => void (window.copied = text) } }),
}, async (page) => {
  await sendText(page);
  await page.click("#copy-code");
  await page.waitForText("#copy-code", "Copied");
  assert.equal(await page.evaluate(() => window.copied), code);
  await page.click("#copy-link");
  await page.waitForText("#copy-link", "Copied");
  assert.equal(await page.evaluate(() => window.copied), `${address}#${code}`);
  const { data, size } = await page.evaluate(() => ({ data: document.querySelector("#qr path").getAttribute("d"), size: document.querySelector("#qr svg").viewBox.baseVal.width }));
  const rows = Array.from({ length: size - 8 }, () => Array(size - 8).fill(false));
  for (const [, x, y] of data.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) rows[y - 4][x - 4] = true;
  assert.equal(readQr(rows).text, `${address}#${code}`);
  assert.equal(await page.text("#recv-command"), `parley recv --relay ws://localhost:${server.port}`);
});

pageTest("several receivers each have their progress", {}, async (page) => {
  await page.click("#write-text");
  await page.type("#text", "x");
  await page.click(".options summary");
  await page.page.select("#receivers", "3");
  await page.type("#own-code", "my own code");
  await page.click("#prepare-send");
  await page.ready();
  const message = await page.posted("send");
  assert.equal(message.receivers, 3);
  assert.equal(message.code, "my own code");
  await page.say({ type: "code", code: "my own code" }, { type: "waiting" }, { type: "meeting" });
  await page.say({ type: "progress", done: 1, total: 4, receiver: 0, receivers: 1 }, { type: "progress", done: 2, total: 4, receiver: 7, receivers: 2 });
  await page.waitFor(() => document.querySelectorAll("#receivers-list .row").length === 2);
  assert.equal(await page.shown("#code-card"), true);
  await page.say({ type: "stored", receiver: 7 });
  await page.waitForText("#receivers-list .row.done", "has stored everything");
  await page.say({ type: "stored", receiver: 0 }, { type: "stored", receiver: 9 }, { type: "finished" });
  await page.view("finished");
  assert.equal(await page.text("#finished-what"), "3 receivers have stored everything.");
});

pageTest("a sender that is stopped says what has been sent", {}, async (page) => {
  await page.click("#write-text");
  await page.type("#text", "x");
  await page.click(".options summary");
  await page.page.select("#receivers", "unlimited");
  await page.click("#prepare-send");
  await page.ready();
  assert.equal((await page.posted("send")).receivers, "unlimited");
  await page.say({ type: "code", code }, { type: "waiting" }, { type: "stored", receiver: 0 });
  await page.waitForText("#receivers-list", "has stored everything");
  await page.click("#sending-stop");
  await page.posted("cancel");
  await page.say({ type: "failed", id: "cancelled-here", values: {} });
  await page.view("finished");
  assert.equal(await page.text("#finished-what"), "1 receiver has stored everything.");
});

pageTest("a worker that hangs does not keep the page", {}, async (page) => {
  await sendText(page);
  await page.click("#sending-stop");
  await page.posted("cancel");
  await page.view("failed");
  assert.equal(await page.text("#failed-title"), "Stopped");
});

pageTest("a link brings its code and loses it", { path: `#${code}` }, async (page) => {
  await page.view("finding");
  assert.equal(await page.page.evaluate(() => location.href), address);
  assert.equal(await page.evaluate(() => history.length <= 2), true);
  await page.ready();
  assert.deepEqual(await page.posted("receive"), { type: "receive", code });
  await page.say({ type: "failed", id: "timed-out", values: {} });
  await page.view("failed");
  // A second link in the same tab.
  await page.evaluate(() => (location.hash = "#my%20own"));
  await page.view("finding");
  assert.equal(await page.page.evaluate(() => location.hash), "");
  await page.ready();
  assert.deepEqual(await page.posted("receive"), { type: "receive", code: "my own" });
  assert.ok(!server.requests.some((request) => request.includes("lusab") || request.includes("own")));
  assert.equal(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])), '[{},{},""]');
});

pageTest("a page of a lobby meets in its lobby", { path: `lobby/room-1` }, async (page) => {
  await page.type("#code", code);
  await page.press("Enter");
  assert.equal((await page.posted("start")).relay, `ws://localhost:${server.port}/lobby/room-1`);
});

pageTest("a file is received with the keyboard alone, and saved", {
  before: () => {
    delete window.showSaveFilePicker;
    delete window.showDirectoryPicker;
  },
}, async (page) => {
  await page.tabTo("code");
  await page.page.keyboard.type("LUSAB babad_gutit");
  await page.press("Enter");
  await page.view("finding");
  await page.ready();
  assert.deepEqual(await page.posted("receive"), { type: "receive", code: "LUSAB babad_gutit" });
  await page.say({ type: "waiting" }, { type: "meeting" }, offerOfFile);
  await page.view("offer");
  assert.equal(await page.evaluate(() => document.activeElement.id), "offer-title");
  assert.equal(await page.text("#offer-title"), "Receive this file?");
  assert.equal(await page.text("#offer-name"), "report.txt");
  assert.equal(await page.text("#offer-facts"), "5 B");
  await page.waitForText("#announcer", "“report.txt”, 5 B");
  await page.tabTo("offer-yes");
  await page.press("Enter");
  await page.view("receiving");
  assert.deepEqual((await page.posted("answer")).target, { kind: "opfs" });
  await page.say({ type: "progress", done: 5, total: 5, receiver: 0, receivers: 1 });
  await page.waitForText("#receiving-rows .facts", "5 B of 5 B · finishing");
  await page.evaluate(() => {
    const received = { type: "received", files: [{ path: "report.txt", handle: new Blob(["hello"]) }], name: "report.txt", single: true, folders: [] };
    window.script.postMessage({ from: received });
  });
  await page.view("finished");
  await page.waitForText("#finished-what", "in the downloads");
  assert.equal((await page.download("report.txt")).toString(), "hello");
  await page.tabTo("finished-again");
  await page.press("Enter");
  await page.view("start");
  assert.equal(await page.evaluate(() => window.heard.length), 0); // a download may still read the file
});

pageTest("a folder is saved as a ZIP file, from the browser's storage", {}, async (page) => {
  await receive(page, offerOfFolder);
  assert.equal(await page.text("#offer-title"), "Receive this folder?");
  assert.equal(await page.text("#offer-facts"), "2 files in 1 folder, 1.2 GiB");
  assert.equal(await page.text("#offer-room"), "93.1 GiB are free in this browser.");
  assert.equal(await page.page.$$eval("#offer-list .path", (all) => all.map((one) => one.textContent).join()), "a.txt,deep/,deep/b.txt");
  await page.click(isChromium ? "#offer-download" : "#offer-yes");
  await page.view("receiving");
  assert.deepEqual((await page.posted("answer")).target, { kind: "opfs" });
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const files = [];
    for (const [path, text] of [["a.txt", "alpha"], ["deep/b.txt", "beta"]]) {
      const handle = await root.getFileHandle(`spool-${files.length}`, { create: true });
      const writable = await handle.createWritable();
      await writable.write(text);
      await writable.close();
      files.push({ path, handle });
    }
    window.script.postMessage({ from: { type: "received", files, name: "holiday", single: false, folders: ["deep", "nothing in it"] } });
  });
  await page.view("finished");
  await page.waitForText("#finished-what", "browser as a ZIP file");
  await page.posted("exported");
  await page.download("holiday.zip");
  const program = "import sys, zipfile, json; z = zipfile.ZipFile(sys.argv[1]); print(json.dumps({i.filename: z.read(i).decode() for i in z.infolist()}))";
  const unpacked = JSON.parse(execFileSync("python3", ["-c", program, join(launched.downloads, "holiday.zip")], { encoding: "utf8" }));
  assert.deepEqual(unpacked, { "holiday/": "", "holiday/deep/": "", "holiday/nothing in it/": "", "holiday/a.txt": "alpha", "holiday/deep/b.txt": "beta" });
});

pageTest("a picked file and a picked folder are told to the worker", {
  before: () => {
    window.showSaveFilePicker = async ({ suggestedName }) => (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
    window.showDirectoryPicker = async () => (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
  },
}, async (page) => {
  await receive(page, offerOfFile);
  assert.equal(await page.text("#offer-yes"), "Receive, and choose where");
  await page.click("#offer-yes");
  await page.view("receiving");
  assert.deepEqual((await page.posted("answer")).target, { kind: "file", handle: "report.txt" });
  await page.say({ type: "saved" });
  await page.view("finished");
  assert.equal(await page.text("#finished-title"), "Received “report.txt”");
  await page.say({ type: "finished" });
  await page.click("#finished-again");
  await page.view("start");
  await receive(page, offerOfFolder);
  await page.click("#offer-yes");
  await page.view("receiving");
  assert.deepEqual((await page.posted("answer")).target, { kind: "folder", handle: "picked" });
});

pageTest("a picker that is closed leaves the question open", {
  before: () => (window.showSaveFilePicker = () => Promise.reject(new DOMException("closed", window.refuse ? "SecurityError" : "AbortError"))),
}, async (page) => {
  await receive(page, offerOfFile);
  await page.click("#offer-yes");
  assert.equal(await page.text("#offer-error"), "");
  await page.evaluate(() => (window.refuse = true));
  await page.click("#offer-yes");
  await page.waitForText("#offer-error", "Choose another place");
  await page.click("#offer-download");
  await page.view("receiving");
});

pageTest("a text is received as text", {}, async (page) => {
  const text = "<b>bold</b>\n<script>document.title = 'fallen'</script>";
  await receive(page, { type: "offer", name: "", text: true, files: 1, folders: 0, bytes: text.length, list: [], room: null });
  assert.equal(await page.text("#offer-title"), "Receive a text?");
  await page.click("#offer-yes");
  assert.deepEqual((await page.posted("answer")).target, { kind: "memory", limit: 65536 });
  await page.say({ type: "received", text });
  await page.view("finished");
  await page.posted("exported");
  assert.equal(await page.text("#finished-text"), text);
  assert.equal(await page.page.$("#finished-text b"), null);
  assert.doesNotMatch(await page.page.title(), /fallen/);
});

pageTest("a no is told to the worker", {}, async (page) => {
  await receive(page, offerOfFile);
  await page.click("#offer-no");
  await page.view("finished");
  assert.deepEqual(await page.posted("answer"), { type: "answer", accept: false });
  assert.equal(await page.text("#finished-title"), "Not received");
  await page.say({ type: "failed", id: "refused", values: {} });
  await page.click("#finished-again");
  await page.view("start");
});

pageTest("names of the other side are only text", {}, async (page) => {
  const evil = "<img src=x onerror=alert(1)>";
  const list = [evil, "a\u202etxt.exe", `"><script>alert(1)</script>`, "javascript:alert(1)"].map((path) => ({ path, size: 1, kind: "file" }));
  await receive(page, { type: "offer", name: evil, text: false, files: 1000000, folders: 0, bytes: 4, list, room: null });
  assert.equal(await page.text("#offer-name"), evil);
  assert.deepEqual(await page.page.$$eval("#offer-list .path", (all) => all.map((one) => one.textContent)), list.map(({ path }) => path.replace("\u202e", "⟨202E⟩")));
  assert.equal(await page.text("#offer-more"), "and 999,996 more");
  assert.equal(await page.page.$("main img, main script"), null);
  await page.say({ type: "failed", id: "changed", values: { path: evil, detail: "<script>\u0007" } });
  await page.view("failed");
  assert.match(await page.text("#failed-what"), /“<img src=x onerror=alert\(1\)>”/);
  assert.equal(await page.text("#failed-detail"), "Details: <script>⟨0007⟩");
  assert.deepEqual(page.dialogs, []);
});

pageTest("what does not fit is not begun", { before: () => delete window.showDirectoryPicker }, async (page) => {
  await receive(page, { ...offerOfFolder, room: 1000 });
  assert.equal(await page.shown("#offer-warning"), true);
  assert.equal(await page.page.$eval("#offer-yes", (button) => button.disabled), true);
  await page.click("#offer-no");
  await page.posted("answer");
});

pageTest("every failure says what to do, and can be tried again", {}, async (page) => {
  const ids = ["wrong-code", "refused", "cancelled-there", "relay-unreachable", "relay-closed", "connection-lost", "no-space", "changed", "name", "protocol", "timed-out", "unsupported", "storage", "internal"];
  await page.type("#code", code);
  await page.press("Enter");
  for (const id of ids) {
    await page.view("finding");
    await page.ready();
    await page.posted("receive");
    await page.say({ type: "failed", id, values: {} });
    await page.view("failed");
    assert.ok((await page.text("#failed-what")).length > 20, id);
    assert.ok((await page.text("#failed-todo")).length > 20, id);
    assert.equal(await page.evaluate(() => document.activeElement.id), "failed-title");
    await page.press("Tab");
    await page.press("Enter"); // try again
  }
});

pageTest("a worker that crashes is a failure of the page", {}, async (page) => {
  await sendText(page);
  await page.evaluate(() => window.script.postMessage({ crash: "out of memory" }));
  await page.view("failed");
  assert.match(await page.text("#failed-detail"), /out of memory/);
  page.errors = page.errors.filter((error) => !error.includes("out of memory")); // the browser reports it, too
});

pageTest("notes are shown once, unknown ones not at all", {}, async (page) => {
  await page.type("#code", "lusab-babad-gutis");
  await page.press("Enter");
  await page.ready();
  await page.posted("receive");
  const note = { type: "note", id: "mistyped-code", values: {} };
  await page.say(note, { type: "note", id: "__proto__", values: {} }, note);
  await page.waitForText("#finding-notes", "wrong letter");
  assert.equal(await page.page.$$eval("#finding-notes li", (all) => all.length), 1);
  await page.click("#finding-again");
  await page.view("start");
  assert.equal(await page.evaluate(() => document.activeElement.id), "code");
});

pageTest("a lost connection is shown, and goes on", {}, async (page) => {
  await receive(page, offerOfFile);
  await page.click(isChromium ? "#offer-download" : "#offer-yes");
  await page.view("receiving");
  await page.say({ type: "progress", done: 2, total: 5, receiver: 0, receivers: 1 }, { type: "connection", state: "lost", seconds: 1 });
  await page.waitForText("#receiving-status", "The connection is lost");
  await page.waitForText("#receiving-rows .facts", "2 B of 5 B · the connection is lost");
  await page.say({ type: "connection", state: "continued", seconds: 0 });
  await page.waitFor(() => document.querySelector("#receiving-status").textContent === "");
});

pageTest("the page asks before it is closed while something is unfinished", {
  before: () => {
    window.awake = 0;
    Object.defineProperty(navigator, "wakeLock", { value: { request: async () => ((window.awake += 1), { released: false, release: async () => (window.awake -= 1) }) } });
  },
}, async (page) => {
  const asks = () => page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
  assert.equal(await asks(), false);
  await sendText(page);
  assert.equal(await asks(), true);
  assert.equal(await page.evaluate(() => window.awake), 1);
  await page.say({ type: "stored", receiver: 0 }, { type: "finished" });
  await page.view("finished");
  assert.equal(await asks(), false);
  assert.equal(await page.evaluate(() => window.awake), 0);
  await page.click("#finished-again");
  await page.view("start");
  await receive(page, offerOfFile);
  assert.equal(await asks(), true);
  await page.evaluate(() => location.reload());
  await page.waitFor(() => document.body?.dataset.view === "start");
  assert.deepEqual(page.dialogs, ["beforeunload"]);
});

pageTest("a dropped folder comes with its empty folders", {}, async (page) => {
  if (isChromium) {
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "empty"), { recursive: true });
    mkdirSync(join(tree, "deep/er"), { recursive: true });
    writeFileSync(join(tree, "deep/er/file.txt"), "abc");
    for (let i = 0; i < 150; i += 1) writeFileSync(join(tree, `deep/many-${i}`), ""); // more than the browser gives at a time
    const session = await page.page.createCDPSession();
    const data = { items: [], files: [tree, aFile("beside.txt", "12")], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 200, y: 200, data });
    await page.view("prepare");
    await page.click("#prepare-send");
    await page.ready();
    const { items } = await page.posted("send");
    const paths = items.map((item) => `${item.kind} ${item.path}`).filter((line) => !line.includes("many")).sort();
    assert.deepEqual(paths, ["file beside.txt", "file tree/deep/er/file.txt", "folder tree", "folder tree/deep", "folder tree/deep/er", "folder tree/empty"]);
    assert.equal(items.length, 156);
  } else {
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["abc"], "dropped.txt"));
      for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.view("prepare");
    assert.equal(await page.text("#prepare-title"), "Send “dropped.txt”");
  }
});

pageTest("files and texts are pasted", {}, async (page) => {
  const paste = (kind) =>
    page.evaluate((what) => {
      const data = new DataTransfer();
      if (what === "file") data.items.add(new File(["abc"], "image.png", { type: "image/png" }));
      else data.setData("text/plain", "a pasted text");
      const event = new Event("paste", { bubbles: true, cancelable: true }); // Firefox gives a ClipboardEvent no data
      Object.defineProperty(event, "clipboardData", { value: data });
      document.body.dispatchEvent(event);
    }, kind);
  await paste("text");
  await page.view("prepare");
  assert.equal(await page.page.$eval("#text", (area) => area.value), "a pasted text");
  await page.click("#prepare-back");
  await page.view("start");
  await paste("file");
  await page.waitForText("#prepare-title", "Send “image.png”");
  await paste("file");
  await page.waitForText("#chosen", "image (1).png");
});

pageTest("a long text travels as a file", {}, async (page) => {
  await page.click("#write-text");
  await page.view("prepare");
  await page.evaluate(() => {
    document.querySelector("#text").value = "x".repeat(65537);
    document.querySelector("#text").dispatchEvent(new Event("input"));
  });
  await page.waitForText("#text-size", "message.txt");
  await page.click("#prepare-send");
  await page.ready();
  assert.deepEqual((await page.posted("send")).items, [{ kind: "file", path: "message.txt", size: 65537 }]);
});

pageTest("on plain http the page says what does not work, and works", { address: () => `http://page.test:${server.port}/` }, async (page) => {
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  assert.equal(await page.shown("#limits"), true);
  assert.match(await page.text("#limits"), /plain http.*256 MiB.*https:\/\/page\.test /s);
  await receive(page, { ...offerOfFile, room: null });
  await page.click("#offer-yes");
  await page.view("receiving");
  assert.deepEqual((await page.posted("answer")).target, { kind: "memory", limit: 268435456 });
  await page.evaluate(() => {
    const received = { type: "received", files: [{ path: "plain.txt", handle: new Blob(["hello"]) }], name: "plain.txt", single: true, folders: [] };
    window.script.postMessage({ from: received });
  });
  await page.waitForText("#finished-what", "in the downloads");
  // The browser says itself that it ignores a header field on plain http.
  page.errors = page.errors.filter((error) => !error.includes("Cross-Origin-Opener-Policy"));
});

pageTest("everything that can be used has a name, and is large enough for a finger", { width: 320, height: 640 }, async (page) => {
  const check = async () => {
    const problems = await page.evaluate(() => {
      const found = [];
      for (const control of document.querySelectorAll("button, input, select, textarea, summary, a")) {
        if (!control.checkVisibility()) continue;
        const name = control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ?? control.textContent;
        if (!name?.trim()) found.push(`${control.tagName} #${control.id} has no name`);
        const { width, height } = control.getBoundingClientRect();
        if (control.tagName === "BUTTON" && (width < 44 || height < 44)) found.push(`#${control.id} is ${width} x ${height}`);
      }
      const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
      for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`#${id} twice`);
      if (document.documentElement.scrollWidth > innerWidth) found.push(`wider than the window: ${document.documentElement.scrollWidth}`);
      return found;
    });
    assert.deepEqual(problems, []);
  };
  await check();
  await upload(page, "#file-input", aFile(`${"long".repeat(40)}.txt`, "1"), aFile("two.txt", "22"));
  await page.view("prepare");
  await check();
  await page.click("#prepare-send");
  await page.ready();
  await page.posted("send");
  await page.say({ type: "code", code }, { type: "waiting" }, { type: "progress", done: 1, total: 3, receiver: 0, receivers: 1 });
  await page.waitForText(".row", "33%");
  await check();
  await page.say({ type: "failed", id: "internal", values: {} });
  await page.view("failed");
  await check();
  await page.click("#failed-again");
  await receive(page, { ...offerOfFolder, name: "long".repeat(40), list: [{ path: "x".repeat(200), size: 1, kind: "file" }] });
  await check();
});
