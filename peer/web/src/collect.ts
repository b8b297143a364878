// What the user drops, pastes or chooses, as the items of a document. Folders come with their empty folders wherever the
// browser tells of them; only its file input does not.
import type { SendItem } from "./messages";

/** As many paths as receivers take. */
const maxItems = 1_000_000;

export class TooMany extends Error {}

export interface Collection {
  readonly items: SendItem[];
  /** Paths that could not be read. */
  readonly unreadable: string[];
}

class Collector implements Collection {
  readonly items: SendItem[] = [];
  readonly unreadable: string[] = [];

  file(path: string, file: File): void {
    this.add({ kind: "file", path, file });
  }

  folder(path: string): void {
    this.add({ kind: "folder", path });
  }

  private add(item: SendItem): void {
    if (this.items.length >= maxItems) throw new TooMany();
    this.items.push(item);
  }
}

function readAll(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => {
    const all: FileSystemEntry[] = [];
    const more = (): void => {
      reader.readEntries((entries) => {
        if (entries.length === 0) resolve(all);
        else {
          for (const entry of entries) all.push(entry);
          if (all.length > maxItems) reject(new TooMany());
          else more(); // at most a hundred at a time
        }
      }, reject);
    };
    more();
  });
}

async function addEntry(collector: Collector, entry: FileSystemEntry, path: string): Promise<void> {
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      collector.file(path, file);
    } else if (entry.isDirectory) {
      const children = await readAll((entry as FileSystemDirectoryEntry).createReader());
      collector.folder(path);
      for (const child of children) await addEntry(collector, child, `${path}/${child.name}`);
    }
  } catch (failure) {
    if (failure instanceof TooMany) throw failure;
    collector.unreadable.push(path);
  }
}

/** Of a drop or a paste. Must be called before its event has ended: then the browser takes the items away. */
export function collectTransfer(transfer: DataTransfer): Promise<Collection> {
  const entries: FileSystemEntry[] = [];
  const files: File[] = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = typeof item.webkitGetAsEntry === "function" ? item.webkitGetAsEntry() : null;
    const file = entry === null ? item.getAsFile() : null;
    if (entry !== null) entries.push(entry);
    else if (file !== null) files.push(file); // pasted pictures are no entries
  }
  return (async () => {
    const collector = new Collector();
    for (const file of files) collector.file(file.name, file);
    for (const entry of entries) await addEntry(collector, entry, entry.name);
    return collector;
  })();
}

/** Of a file input. With `webkitdirectory` it tells the paths of files, and so of the folders that are not empty. */
export function collectFiles(files: Iterable<File>): Collection {
  const collector = new Collector();
  const folders = new Set<string>();
  for (const file of files) {
    const path = file.webkitRelativePath || file.name;
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const folder = path.slice(0, slash);
      if (folders.has(folder)) continue;
      folders.add(folder);
      collector.folder(folder);
    }
    collector.file(path, file);
  }
  return collector;
}

async function addHandle(collector: Collector, handle: FileSystemDirectoryHandle, path: string): Promise<void> {
  try {
    collector.folder(path);
    for await (const [name, child] of handle.entries()) {
      const below = `${path}/${name}`;
      if (child.kind === "directory") await addHandle(collector, child as FileSystemDirectoryHandle, below);
      else await (child as FileSystemFileHandle).getFile().then((file) => collector.file(below, file), () => collector.unreadable.push(below));
    }
  } catch (failure) {
    if (failure instanceof TooMany) throw failure;
    collector.unreadable.push(path);
  }
}

/** Of a picked folder. */
export async function collectFolder(handle: FileSystemDirectoryHandle): Promise<Collection> {
  const collector = new Collector();
  await addHandle(collector, handle, handle.name);
  return collector;
}

function topOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? path : path.slice(0, slash);
}

/** `more` behind `items`. What has a name that is there already gets another one: `report (1).txt`. */
export function joinItems(items: readonly SendItem[], more: readonly SendItem[]): SendItem[] {
  const taken = new Set(topsOf(items).map((top) => top.name));
  const here = new Set<string>(); // folders of `more`, whose items belong together
  const joined = [...items];
  const names = new Map<string, string>();
  for (const item of more) {
    if (item.kind === "text") continue;
    const top = topOf(item.path);
    const below = item.path.length > top.length;
    let name = below || here.has(top) ? names.get(top) : undefined;
    if (name === undefined) {
      name = freeName(top, item.kind === "folder" || below, taken);
      taken.add(name);
      names.set(top, name);
      if (item.kind === "folder") here.add(top);
    }
    joined.push({ ...item, path: name + item.path.slice(top.length) });
  }
  return joined;
}

function freeName(name: string, folder: boolean, taken: ReadonlySet<string>): string {
  const dot = folder ? -1 : name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  let free = name;
  for (let i = 1; taken.has(free); i += 1) free = `${stem} (${i})${extension}`;
  return free;
}

/** What the user chose, each with all that is below it. */
export interface Top {
  readonly name: string;
  readonly folder: boolean;
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
}

export function topsOf(items: readonly SendItem[]): Top[] {
  const tops = new Map<string, { name: string; folder: boolean; files: number; folders: number; bytes: number }>();
  for (const item of items) {
    if (item.kind === "text") continue;
    const name = topOf(item.path);
    let top = tops.get(name);
    if (top === undefined) tops.set(name, (top = { name, folder: item.kind === "folder" || item.path !== name, files: 0, folders: 0, bytes: 0 }));
    if (item.kind === "file") {
      top.files += 1;
      top.bytes += item.file.size;
    } else if (item.path !== name) top.folders += 1;
  }
  return [...tops.values()];
}

export function withoutTop(items: readonly SendItem[], name: string): SendItem[] {
  return items.filter((item) => item.kind === "text" || topOf(item.path) !== name);
}
