// Hands what came to the user's downloads: one file as it is, several as a ZIP file.
import type { FromWorker } from "./messages";
import { zip, type ZipEntry } from "./zip";

type ReceivedFiles = Extract<FromWorker, { type: "received"; files: unknown }>;

const folderOfArchives = "archives";

/** What is handed to the user, and its name. */
export interface Download {
  readonly blob: Blob;
  readonly name: string;
}

/** The one file itself, or a ZIP file that is made. Rejects when it cannot be read, or when there is no room. */
export async function prepareDownload(received: ReceivedFiles): Promise<Download> {
  const first = received.files[0];
  if (received.single && first !== undefined) return { blob: await open(first.handle), name: received.name };
  const name = received.name === "" ? "received" : received.name;
  return { blob: await archive(zip(entriesOf(received))), name: `${name}.zip` };
}

function open(handle: FileSystemFileHandle | Blob): Promise<Blob> {
  return handle instanceof Blob ? Promise.resolve(handle) : handle.getFile();
}

// Names travel as they are, and other systems take these characters for something else.
const harmful = /[\p{Cc}\\:*?"<>|]/gu;

/** Paths for an archive that any system can unpack; those that have become equal are numbered. */
export function entriesOf(received: ReceivedFiles): ZipEntry[] {
  const taken = new Set<string>();
  const prefix = received.name === "" ? "" : `${received.name}/`;
  const safe = (path: string): string => (prefix + path).replace(harmful, "_");
  const entries: ZipEntry[] = received.folders.map((path) => ({ path: safe(path), open: null }));
  if (prefix !== "") entries.unshift({ path: safe("").slice(0, -1), open: null });
  for (const file of received.files) {
    let path = safe(file.path);
    for (let i = 1; taken.has(path); i += 1) path = `${safe(file.path)} (${i})`;
    taken.add(path);
    entries.push({ path, open: () => open(file.handle) });
  }
  return entries;
}

/** The archive as a file of the browser's storage, or in memory where there is none. */
async function archive(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  let folder: FileSystemDirectoryHandle;
  try {
    const root = await navigator.storage.getDirectory();
    folder = await root.getDirectoryHandle(folderOfArchives, { create: true });
    await removeOld(folder);
  } catch {
    return new Response(stream).blob();
  }
  const name = crypto.randomUUID();
  await hold(name);
  const handle = await folder.getFileHandle(name, { create: true });
  if (typeof handle.createWritable !== "function") return new Response(stream).blob();
  await stream.pipeTo(await handle.createWritable());
  return handle.getFile();
}

/** Archives live as long as the page that made them, which holds a lock of their name: a download reads them for a while. */
function hold(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(`parley-${name}`, () => {
      resolve();
      return new Promise<never>(() => undefined);
    }).catch(reject);
  });
}

async function removeOld(folder: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of folder.keys())
    await navigator.locks.request(`parley-${name}`, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await folder.removeEntry(name).catch(() => undefined);
    });
}

/** Browsers read the bytes after this has returned, and do not tell when they are done. */
export function startDownload({ blob, name }: Download): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 600_000); // a slow disk reads it for a while
}
