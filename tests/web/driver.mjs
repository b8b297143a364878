// Chromium and Firefox behind one door, and what the tests do with a page.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";

// The modules may be installed elsewhere (PARLEY_NODE_MODULES); ES modules know no search path.
const modules = process.env.PARLEY_NODE_MODULES ?? new URL("node_modules", import.meta.url).pathname;
const { default: puppeteer } = await import(createRequire(join(modules, "x")).resolve("puppeteer-core"));

export const browserName = process.env.PARLEY_BROWSER ?? "chromium";
export const isChromium = browserName === "chromium";
const waitMilliseconds = 60000 * Number(process.env.PARLEY_TEST_SLOWNESS ?? 1);

/** Starts the browser with a profile of its own. */
export async function launch() {
  const folder = await mkdtemp(join(tmpdir(), "parley-web-"));
  const downloads = join(folder, "downloads");
  const home = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
  const common = { headless: true, acceptInsecureCerts: true, env: { ...process.env, ...home }, timeout: 4 * waitMilliseconds, protocolTimeout: 10 * waitMilliseconds };
  const browser = isChromium
    ? await puppeteer.launch({
        ...common,
        browser: "chrome",
        executablePath: process.env.PARLEY_CHROMIUM ?? "/usr/bin/chromium",
        userDataDir: join(folder, "profile"),
        // No sandbox inside a user namespace. page.test is a name that is not this computer's own.
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP page.test 127.0.0.1"],
      })
    : await puppeteer.launch({
        ...common,
        browser: "firefox",
        executablePath: process.env.PARLEY_FIREFOX ?? "/usr/bin/firefox-esr",
        extraPrefsFirefox: {
          "network.dns.localDomains": "page.test",
          "browser.download.folderList": 2,
          "browser.download.dir": downloads,
          "browser.download.useDownloadDir": true,
          "browser.download.alwaysOpenPanel": false, // it would take the keyboard
          "browser.download.always_ask_before_handling_new_types": false,
        },
      });
  return {
    browser,
    downloads,
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A page in a context of its own (storage, channels), with the other end of its fake worker. */
export class Page {
  static async open(launched, address, { width = 800, height = 900, before } = {}) {
    const context = await launched.browser.createBrowserContext(isChromium ? { downloadBehavior: { policy: "allow", downloadPath: launched.downloads } } : {});
    const page = await context.newPage();
    page.setDefaultTimeout(waitMilliseconds);
    await page.setViewport({ width, height });
    const made = new Page(context, page, launched.downloads);
    page.on("pageerror", (error) => made.errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && made.errors.push(message.text()));
    page.on("dialog", (dialog) => made.dialogs.push(dialog.type()) && void dialog.accept().catch(() => undefined));
    await page.evaluateOnNewDocument(() => {
      window.heard = [];
      window.violations = [];
      addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
      window.script = new BroadcastChannel("fake worker");
      window.script.onmessage = (event) => event.data.to && window.heard.push(event.data.to);
    });
    if (before !== undefined) await page.evaluateOnNewDocument(before);
    await page.goto(address);
    await made.waitFor(() => document.body.dataset.view !== undefined);
    return made;
  }

  constructor(context, page, downloads) {
    Object.assign(this, { context, page, downloads, errors: [], dialogs: [] });
  }

  evaluate(...given) {
    return this.page.evaluate(...given);
  }

  waitFor(condition, ...given) {
    return this.page.waitForFunction(condition, { polling: 50 }, ...given); // a page behind another one draws no frames
  }

  /** Waits until `id` is the view that is shown. */
  view(id) {
    return this.waitFor((wanted) => document.body.dataset.view === wanted, id);
  }

  text(selector) {
    return this.page.$eval(selector, (found) => found.textContent);
  }

  waitForText(selector, text) {
    return this.waitFor((where, what) => document.querySelector(where)?.textContent.includes(what), selector, text);
  }

  shown(selector) {
    return this.page.$eval(selector, (found) => found.checkVisibility());
  }

  async click(selector) {
    await this.page.locator(selector).click();
  }

  async type(selector, text) {
    await this.page.focus(selector);
    await this.page.keyboard.type(text);
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  /** Tab until the element with this id has the focus. */
  async tabTo(id, key = "Tab") {
    const passed = [];
    for (let i = 0; i < 40; i += 1) {
      await this.press(key);
      const at = await this.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
      if (at === id) return;
      passed.push(at);
    }
    assert.fail(`#${id} cannot be reached with the keyboard; passed ${passed.join(", ")}`);
  }

  /** As a user does who says yes to leaving. */
  async reload() {
    await this.page.reload();
    await this.view("start");
  }

  /** The next message that the page has posted to its worker; it must be of this type. */
  async posted(type) {
    await this.waitFor(() => window.heard.length > 0);
    const text = await this.evaluate(() => {
      const first = window.heard.shift();
      const items = first.items?.map((item) => ({ ...item, file: undefined, size: item.file?.size }));
      return JSON.stringify({ ...first, target: first.target && { ...first.target, handle: first.target.handle?.name }, ...(items && { items }) });
    });
    const message = JSON.parse(text); // drivers differ in what they do with undefined
    assert.equal(message.type, type, JSON.stringify(message));
    return message;
  }

  /** Says what a worker says. */
  async say(...messages) {
    await this.evaluate((all) => all.forEach((from) => window.script.postMessage({ from })), messages);
  }

  /** The worker has loaded and is ready. */
  async ready() {
    await this.posted("start");
    await this.say({ type: "ready" });
  }

  /** The bytes of a download. */
  async download(name) {
    const deadline = Date.now() + waitMilliseconds;
    for (;;) {
      const names = await readdir(this.downloads).catch(() => []);
      if (names.includes(name) && !names.some((other) => other.endsWith(".part") || other.endsWith(".crdownload"))) {
        const bytes = await readFile(join(this.downloads, name));
        if (bytes.length > 0) return bytes;
      }
      assert.ok(Date.now() < deadline, `no download ${name} among ${names.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Nothing was blocked, and nothing failed. */
  async close() {
    const violations = await this.evaluate(() => window.violations);
    await this.page.close();
    await this.context.close();
    assert.deepEqual(violations, []);
    assert.deepEqual(this.errors, []);
  }
}
