// node build.mjs [--out FOLDER] [--worker FILE] [--module FILE]
//
// Builds the page into FOLDER (build/web): index.html, and page, worker, style, icon and WebAssembly module under names
// that carry a hash of their content, so that they never change. Beside each file of some size stand a .br and a .gz
// variant. esbuild is looked for in PARLEY_WEB_MODULES (node_modules beside this file). Without a module the page says that it cannot do anything yet. Prints each name with its sizes and SHA-256.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const modules = process.env.PARLEY_WEB_MODULES ?? join(here, "node_modules");
const { build } = (await import(createRequire(join(modules, "x")).resolve("esbuild"))).default;
const root = resolve(here, "../..");
const { values: options } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "build/web") },
    worker: { type: "string", default: join(here, "src/worker.ts") },
    module: { type: "string", default: join(root, "build/wasm/parley.wasm") },
  },
});
const minCompressedBytes = 512;

/** Bundles one entry and returns its bytes. */
async function bundle(entry, define = {}) {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: here,
    bundle: true,
    write: false,
    format: "esm",
    target: ["es2022", "chrome110", "firefox114", "safari16.4"],
    minify: true,
    legalComments: "none",
    charset: "utf8",
    define,
    logLevel: "warning",
  });
  return result.outputFiles[0].contents;
}

/** `page.js` becomes `page-0123456789.js`. */
function hashed(name, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  return name.replace(/(\.[^.]+)$/, `-${hash}$1`);
}

const files = new Map();
function put(name, bytes) {
  files.set(name, bytes);
  return name;
}
function putHashed(name, bytes) {
  return put(hashed(name, bytes), bytes);
}

const module = existsSync(options.module) ? putHashed("parley.wasm", await readFile(options.module)) : "";
const worker = existsSync(options.worker) ? putHashed("worker.js", await bundle(resolve(options.worker))) : "";
const page = putHashed(
  "page.js",
  await bundle("src/page.ts", { PARLEY_WORKER_URL: JSON.stringify(worker), PARLEY_MODULE_URL: JSON.stringify(module) }),
);
const style = putHashed("style.css", await bundle("src/style.css"));
const icon = putHashed("icon.svg", await readFile(join(here, "src/icon.svg")));
let html = await readFile(join(here, "src/index.html"), "utf8");
for (const [name, built] of Object.entries({ "page.js": page, "style.css": style, "icon.svg": icon })) html = html.replaceAll(`"${name}"`, `"${built}"`);
put("index.html", Buffer.from(html));

await rm(options.out, { recursive: true, force: true });
await mkdir(options.out, { recursive: true });
for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  await writeFile(join(options.out, name), bytes);
  const sizes = [bytes.length];
  if (bytes.length >= minCompressedBytes) {
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
    const gzip = gzipSync(bytes, { level: 9 });
    await writeFile(join(options.out, `${name}.br`), brotli);
    await writeFile(join(options.out, `${name}.gz`), gzip);
    sizes.push(gzip.length, brotli.length);
  }
  console.log(`${name}  ${sizes.join(" / ")} bytes  ${createHash("sha256").update(bytes).digest("hex")}`);
}
