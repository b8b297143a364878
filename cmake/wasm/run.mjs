// Runs a program of the WebAssembly build in Node and ends as it does.
// usage: node run.mjs PROGRAM.wasm [ARGUMENT...]
// It sees the files of the project, and those of the folder that PARLEY_VECTORS names.
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const [program, ...rest] = process.argv.slice(2);

const flags = ["--no-warnings", "--experimental-wasi-unstable-preview1"];
if (!flags.every((flag) => process.execArgv.includes(flag))) {
    const again = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: "inherit" });
    process.exit(again.status ?? 1);
}

const { WASI } = await import("node:wasi");
const folders = [project, process.env.PARLEY_VECTORS].filter(Boolean);
const wasi = new WASI({
    version: "preview1",
    args: [program, ...rest],
    env: process.env,
    preopens: Object.fromEntries(folders.map((folder) => [folder, folder])),
    returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
process.exitCode = wasi.start(instance);
