// Modules of the page as a test can import them.
import { createRequire } from "node:module";
import { join } from "node:path";

const web = new URL("../../peer/web/", import.meta.url).pathname;
const modules = process.env.PARLEY_WEB_MODULES ?? join(web, "node_modules");
const { default: esbuild } = await import(createRequire(join(modules, "x")).resolve("esbuild"));

/** One module of peer/web/src, by its name. */
export async function load(name) {
  const result = await esbuild.build({
    entryPoints: [join(web, "src", `${name}.ts`)],
    bundle: true,
    write: false,
    format: "esm",
    target: "node18",
    define: { PARLEY_WORKER_URL: '"worker.js"', PARLEY_MODULE_URL: '""' },
  });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString("base64")}`);
}
