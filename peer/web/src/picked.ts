// Writes a document where the user has chosen: under another name until all of it is verified.
import { explain, foldersOf, StoreError } from "./sink";
import type { Outline, Sink, Stored } from "./sink";
import { reasons } from "./module";

type Movable = FileSystemHandle & { move?: (parent: FileSystemDirectoryHandle, name: string) => Promise<void> };
type Removable = FileSystemFileHandle & { remove?: () => Promise<void> };

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "NotFoundError";
}

async function isTaken(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.getFileHandle(name);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    if (error instanceof Error && error.name === "TypeMismatchError") return true; // a folder
    throw explain(error);
  }
}

function splitPath(path: string): { folders: string[]; name: string } {
  const folders = path.split("/");
  const name = folders.pop()!;
  return { folders, name };
}

/** Two names may be one to a file system. */
function twoNames(name: string): StoreError {
  return new StoreError(reasons.badEntry, `"${name}" is the name of two things here`);
}

/** Moves by renaming where the browser can, else by copying. */
async function move(from: FileSystemHandle, to: FileSystemDirectoryHandle, name: string): Promise<void> {
  const movable = from as Movable;
  if (movable.move !== undefined)
    try {
      return await movable.move(to, name);
    } catch {
      // Browsers have it for their own storage, some only for files.
    }
  if (from.kind === "file") {
    const writable = await (await to.getFileHandle(name, { create: true })).createWritable();
    await (await (from as FileSystemFileHandle).getFile()).stream().pipeTo(writable);
    return;
  }
  const made = await to.getDirectoryHandle(name, { create: true });
  for await (const child of (from as FileSystemDirectoryHandle).values()) await move(child, made, child.name);
}

/** A folder or several items, in a folder that the user has chosen. */
export class FolderSink implements Sink {
  private entry = -1;
  private writable: FileSystemWritableFileStream | null = null;
  private readonly begun = new Set<number>(); // files
  private readonly made = new Set<string>(); // folders
  private recent: { path: string; folder: FileSystemDirectoryHandle };

  private constructor(
    private readonly outline: Outline,
    private readonly picked: FileSystemDirectoryHandle,
    private readonly staging: FileSystemDirectoryHandle,
    private readonly tops: readonly string[],
  ) {
    this.recent = { path: "", folder: staging };
  }

  static async make(outline: Outline, picked: FileSystemDirectoryHandle): Promise<FolderSink> {
    const { document } = outline;
    const tops = new Set<string>();
    if (document.kind === "items")
      for (let i = 0; i < document.entries; ++i) tops.add(outline.entry(i).path.split("/", 1)[0]!);
    else tops.add(document.name);
    await FolderSink.check(picked, tops);
    const staging = await picked.getDirectoryHandle(`.parley-page-${crypto.randomUUID()}`, { create: true });
    return new FolderSink(outline, picked, staging, [...tops]);
  }
  private static async check(picked: FileSystemDirectoryHandle, tops: Iterable<string>): Promise<void> {
    for (const name of tops)
      if (await isTaken(picked, name)) throw new StoreError(reasons.exists, `"${name}" is there already`);
  }

  private path(relative: string): string {
    const { kind, name } = this.outline.document;
    return kind === "items" ? relative : relative === "" ? name : `${name}/${relative}`;
  }
  private async folderAt(names: readonly string[]): Promise<FileSystemDirectoryHandle> {
    const path = names.join("/");
    if (this.recent.path === path) return this.recent.folder;
    let folder = this.staging;
    for (let i = 0; i < names.length; ++i) {
      const above = names.slice(0, i + 1).join("/");
      if (!this.made.has(above) && (await isTaken(folder, names[i]!))) throw twoNames(names[i]!);
      this.made.add(above);
      folder = await folder.getDirectoryHandle(names[i]!, { create: true });
    }
    this.recent = { path, folder };
    return folder;
  }

  async create(entry: number, offset: number): Promise<void> {
    if (this.entry !== entry || this.writable === null) {
      await this.writable?.close();
      this.writable = null;
      this.entry = entry;
      const { folders, name } = splitPath(this.path(this.outline.entry(entry).path));
      const folder = await this.folderAt(folders);
      if (!this.begun.has(entry) && (await isTaken(folder, name))) throw twoNames(name);
      this.begun.add(entry);
      const file = await folder.getFileHandle(name, { create: true });
      this.writable = await file.createWritable({ keepExistingData: offset > 0 });
    }
    await this.writable.truncate(offset);
    await this.writable.seek(offset);
  }
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.writable!.write(bytes.slice());
  }
  async finish(): Promise<void> {
    const { writable } = this;
    this.writable = null;
    await writable!.close();
  }

  async place(): Promise<Stored> {
    for (const path of foldersOf(this.outline)) await this.folderAt(this.path(path).split("/"));
    if (this.outline.document.kind === "folder") await this.folderAt([this.outline.document.name]);
    await FolderSink.check(this.picked, this.tops);
    const placed: string[] = [];
    try {
      for (const name of this.tops) {
        const item = await this.staged(name);
        if (item === null) continue; // a link, which browsers cannot make
        placed.push(name);
        await move(item, this.picked, name);
      }
    } catch (error) {
      for (const name of placed) await this.picked.removeEntry(name, { recursive: true }).catch(() => undefined);
      throw error;
    }
    await this.dispose().catch(() => undefined);
    return null;
  }
  private async staged(name: string): Promise<FileSystemHandle | null> {
    try {
      return await this.staging.getFileHandle(name);
    } catch (error) {
      if (isMissing(error)) return null;
      return this.staging.getDirectoryHandle(name);
    }
  }
  async dispose(): Promise<void> {
    await this.writable?.abort().catch(() => undefined);
    this.writable = null;
    await this.picked.removeEntry(this.staging.name, { recursive: true });
  }
}

/** One file, where the user has chosen. The browser itself writes into another file until this one is closed. */
export class FileSink implements Sink {
  private isPlaced = false;

  private constructor(
    private readonly handle: Removable,
    private readonly wasEmpty: boolean,
    private readonly writable: FileSystemWritableFileStream,
  ) {}

  static async make(handle: FileSystemFileHandle): Promise<FileSink> {
    const wasEmpty = (await handle.getFile()).size === 0;
    return new FileSink(handle, wasEmpty, await handle.createWritable());
  }

  async create(_entry: number, offset: number): Promise<void> {
    await this.writable.truncate(offset);
    await this.writable.seek(offset);
  }
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.writable.write(bytes.slice());
  }
  finish(): void {
    // One file is complete when the document is.
  }
  async place(): Promise<Stored> {
    await this.writable.close();
    this.isPlaced = true;
    return null;
  }
  /** The browser has made an empty file when the user chose its name. */
  async dispose(): Promise<void> {
    if (this.isPlaced) return;
    await this.writable.abort();
    if (this.wasEmpty) await this.handle.remove?.();
  }
}
