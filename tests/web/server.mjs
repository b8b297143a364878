// A static server for the page, with the header fields that it is served with. Only for tests.
import { createServer } from "node:http";
import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** The header fields that the relay sends with its page, read from its source, so that both are tested with the same. */
const source = await readFile(new URL("../../framework/src/relay/intake/static_site.cpp", import.meta.url), "utf8");
const table = source.slice(source.indexOf("site_headers{{"), source.indexOf("}};"));
export const headers = Object.fromEntries(
  [...table.matchAll(/\{("[^{}]*")\}/g)].map(([, row]) => {
    const [name, ...value] = [...row.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
    return [name, value.join("")];
  }),
);

/** Serves `folder` on a port of 127.0.0.1 that the system chooses; `requests` collects the addresses that were asked for. */
export async function serve(folder) {
  const requests = [];
  const names = new Set(await readdir(folder));
  const server = createServer(async (request, response) => {
    requests.push(request.url);
    const { pathname } = new URL(request.url, "http://localhost");
    const file = names.has(basename(pathname)) ? basename(pathname) : pathname === "/" || /^\/lobby\/[^/]+$/.test(pathname) ? "index.html" : null;
    if (file === null) return void response.writeHead(404, headers).end();
    response.writeHead(200, { ...headers, "Content-Type": types[extname(file)] ?? "application/octet-stream" });
    response.end(await readFile(join(folder, file)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, requests, close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}
