// node pictures.mjs FOLDER: pictures of every view in Chromium, at three widths, light and dark. For people to look at.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, Page } from "./driver.mjs";
import { serve } from "./server.mjs";

const out = process.argv[2] ?? "build/web-pictures";
const wanted = process.argv.slice(3);
mkdirSync(out, { recursive: true });
const folder = join(out, "page");
execFileSync(process.execPath, [
  new URL("../../peer/web/build.mjs", import.meta.url).pathname,
  "--out", folder, "--worker", new URL("fake_worker.ts", import.meta.url).pathname, "--module", "none",
]);
const server = await serve(folder);
const launched = await launch();
const code = "lusab-babad-gutit";
const mebi = 1048576;
const progress = (done, receiver = 1) => ({ type: "progress", done: done * mebi, total: 1229 * mebi, receiver, receivers: 1 });

async function files(page) {
  await page.evaluate(() => {
    const data = new DataTransfer();
    for (const [name, size] of [["Invoice March.pdf", 183000], ["a rather long name of a photograph from the holiday.jpeg", 4200000], ["notes.txt", 812]])
      data.items.add(new File([new Uint8Array(size)], name));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.view("prepare");
}
async function sending(page, receivers = "1") {
  await files(page);
  await page.page.select("#receivers", receivers);
  await page.click("#prepare-send");
  await page.ready();
  await page.say({ type: "code", code }, { type: "waiting" });
  await page.waitForText("#code-shown", code);
}
async function finding(page) {
  await page.type("#code", code);
  await page.press("Enter");
  await page.view("finding");
  await page.ready();
}
async function offer(page) {
  await finding(page);
  const list = ["beach.jpeg", "day 2", "day 2/mountain.jpeg", "day 2/the way there.mp4"].map((path, i) => ({ path, size: 3 * mebi * i, kind: path === "day 2" ? "folder" : "file" }));
  await page.say({ type: "offer", name: "holiday", text: false, files: 312, folders: 4, bytes: 1229 * mebi, list, room: 80 * 1024 * mebi });
  await page.view("offer");
}

const scenes = {
  start: async () => undefined,
  dropping: (page) => page.evaluate(() => document.body.classList.add("dropping")),
  careful: (page) => page.click("footer summary"),
  prepare: files,
  options: async (page) => {
    await files(page);
    await page.click(".options summary");
  },
  text: async (page) => {
    await page.click("#write-text");
    await page.type("#text", "The key is under the flower pot.\nThe cat gets half a tin.");
  },
  code: sending,
  progress: async (page) => {
    await sending(page);
    await page.say(progress(0), progress(301));
    await page.waitForText(".row", "24%");
    await new Promise((resolve) => setTimeout(resolve, 700));
    await page.say(progress(341));
    await page.waitForText(".row", "MiB/s");
  },
  several: async (page) => {
    await sending(page, "3");
    await page.say(progress(1000, 1), progress(200, 2), { type: "stored", receiver: 1 }, { type: "note", id: "wrong-code", values: {} });
    await page.waitForText("#receivers-list", "stored");
  },
  sent: async (page) => {
    await sending(page);
    await page.say({ type: "stored", receiver: 1 }, { type: "finished" });
    await page.view("finished");
  },
  finding: async (page) => {
    await finding(page);
    await page.say({ type: "waiting" }, { type: "note", id: "mistyped-code", values: {} });
    await page.waitForText("#finding-notes", "wrong");
  },
  offer,
  receiving: async (page) => {
    await offer(page);
    await page.click("#offer-download");
    await page.say(progress(0, 0), progress(801, 0));
    await page.waitForText(".row", "65%");
  },
  received: async (page) => {
    await finding(page);
    await page.say({ type: "offer", name: "", text: true, files: 1, folders: 0, bytes: 58, list: [], room: null });
    await page.view("offer");
    await page.click("#offer-yes");
    await page.say({ type: "received", text: "The key is under the flower pot.\nThe cat gets half a tin." });
    await page.view("finished");
  },
  failed: async (page) => {
    await finding(page);
    await page.say({ type: "failed", id: "no-space", values: { detail: "QuotaExceededError" } });
    await page.view("failed");
  },
  plain: { address: `http://page.test:${server.port}/` },
};

for (const [name, scene] of Object.entries(scenes)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const page = await Page.open(launched, scene.address ?? `http://localhost:${server.port}/`, { width: 1280, height: 800 });
  if (typeof scene === "function") await scene(page);
  for (const scheme of ["light", "dark"]) {
    await page.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
    for (const [width, height] of [[1280, 800], [768, 1024], [320, 640]]) {
      await page.page.setViewport({ width, height });
      await page.page.screenshot({ path: join(out, `${name}-${width}-${scheme}.png`), fullPage: true });
    }
  }
  await page.page.close();
}
await launched.close();
await server.close();
