// Where the worker puts a document that comes. Nothing has its final name before all of it is verified.
import type { ReceivedFile } from "./messages";
import type { Document, Entry, Reason } from "./module";
import { reasons } from "./module";

/** Why storing has failed. */
export class StoreError extends Error {
  constructor(
    readonly reason: Reason,
    text: string,
  ) {
    super(text);
  }
}

/** What has come, for the page; null when it stands in its place already. */
export type Stored = { readonly text: string } | { readonly files: ReceivedFile[]; readonly folders: string[] } | null;

/** The entries of the document, by number. */
export interface Outline {
  readonly document: Document;
  entry(number: number): Entry;
}

/** A step that returns nothing is done when it returns; bytes are copied before a step waits. */
export interface Sink {
  create(entry: number, offset: number): void | Promise<void>;
  append(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  finish(): void | Promise<void>;
  place(): Promise<Stored>;
  /** Removes what is not placed, and what the page has exported. */
  dispose(): Promise<void>;
}

interface SyncHandle {
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type SyncFileHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncHandle> };

const memoryFileBytes = 16 * 1024; // up to this size a file of a spool stays in memory
const memoryBytes = 32 * 1024 * 1024; // of all such files
const spoolFolder = "received";

/** What a failed call of the browser's storage means. */
export function explain(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") return new StoreError(reasons.noSpace, "the browser's storage is full");
  if (name === "TypeMismatchError" || name === "InvalidModificationError") return new StoreError(reasons.exists, "the name is taken");
  if (name === "TypeError") return new StoreError(reasons.badEntry, "the name cannot be stored");
  return new StoreError(reasons.fileFailed, error instanceof Error ? error.message : "cannot write");
}

/** Runs a sink's steps one after another, and tells how many are done. */
export class SinkQueue {
  private readonly steps: (() => void | Promise<void>)[] = [];
  private busy = false;
  private failed = false;

  constructor(
    readonly sink: Sink,
    private readonly done: (steps: number) => void,
    private readonly onFailed: (error: StoreError) => void,
  ) {}

  create(entry: number, offset: number): void {
    this.add(() => this.sink.create(entry, offset));
  }
  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.busy && this.steps.length === 0) return this.add(() => this.sink.append(bytes));
    const copy = bytes.slice(); // the module's memory is used again
    this.add(() => this.sink.append(copy));
  }
  finish(): void {
    this.add(() => this.sink.finish());
  }
  place(then: (stored: Stored) => void): void {
    this.add(async () => then(await this.sink.place()));
  }

  private add(step: () => void | Promise<void>): void {
    if (this.failed) return;
    this.steps.push(step);
    this.run();
  }
  private run(): void {
    while (!this.busy && !this.failed && this.steps.length > 0) {
      const step = this.steps.shift()!;
      try {
        const waits = step();
        if (waits === undefined) {
          this.done(1);
          continue;
        }
        this.busy = true;
        waits.then(
          () => {
            this.busy = false;
            if (!this.failed) this.done(1);
            this.run();
          },
          (error: unknown) => this.fail(error),
        );
      } catch (error) {
        this.fail(error);
      }
    }
  }
  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.steps.length = 0;
    this.onFailed(explain(error));
  }
}

/** The paths of the folders. */
export function foldersOf(outline: Outline): string[] {
  const out: string[] = [];
  for (let i = 0; i < outline.document.entries; ++i) {
    const entry = outline.entry(i);
    if (entry.kind === "folder") out.push(entry.path);
  }
  return out;
}

/** The path that the page shows: the entry of a single file has none. */
function pathOf(outline: Outline, entry: number): string {
  const { path } = outline.entry(entry);
  return path === "" ? outline.document.name : path;
}

/** Keeps the document in the tab's memory. */
export class MemorySink implements Sink {
  private readonly files = new Map<number, Blob[]>();
  private open = -1;
  private size = 0;

  constructor(
    private readonly outline: Outline,
    private readonly limit: number,
  ) {}

  create(entry: number, offset: number): void {
    const before = new Blob(this.files.get(entry) ?? []);
    this.size -= before.size - offset;
    this.files.set(entry, offset === 0 ? [] : [before.slice(0, offset)]);
    this.open = entry;
  }
  append(bytes: Uint8Array<ArrayBuffer>): void {
    this.size += bytes.length;
    if (this.size > this.limit) throw new StoreError(reasons.noSpace, "more than this page keeps in memory");
    this.files.get(this.open)!.push(new Blob([bytes]));
  }
  finish(): void {
    this.open = -1;
  }
  async place(): Promise<Stored> {
    if (this.outline.document.kind === "text") return { text: await new Blob(this.files.get(0) ?? []).text() };
    const files = [...this.files].map(([entry, parts]) => ({ path: pathOf(this.outline, entry), handle: new Blob(parts) }));
    return { files, folders: foldersOf(this.outline) };
  }
  async dispose(): Promise<void> {
    this.files.clear();
  }
}

/** Removes what the workers of pages that are gone have left, and returns a folder that only this worker has. */
async function ownFolder(): Promise<{ parent: FileSystemDirectoryHandle; name: string }> {
  const parent = await (await navigator.storage.getDirectory()).getDirectoryHandle(spoolFolder, { create: true });
  for await (const old of parent.keys())
    await navigator.locks.request(`parley-${old}`, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await parent.removeEntry(old, { recursive: true }).catch(() => undefined);
    });
  const name = crypto.randomUUID();
  await new Promise<void>((resolve, reject) => {
    const held = (): Promise<never> => {
      resolve();
      return new Promise<never>(() => undefined); // until the worker ends
    };
    navigator.locks.request(`parley-${name}`, held).catch(reject);
  });
  return { parent, name };
}

/** Spools into the origin's private file system: files are named after their entries, and the page exports them. */
export class PrivateSink implements Sink {
  private handle: SyncHandle | null = null;
  private entry = -1;
  private at = 0;
  private small: Uint8Array<ArrayBuffer>[] | null = null;
  private readonly kept = new Map<number, Blob>(); // small files
  private keptBytes = 0;

  private constructor(
    private readonly outline: Outline,
    private readonly parent: FileSystemDirectoryHandle,
    private readonly name: string,
    private readonly folder: FileSystemDirectoryHandle,
  ) {}

  static async make(outline: Outline): Promise<PrivateSink> {
    const { parent, name } = await ownFolder();
    return new PrivateSink(outline, parent, name, await parent.getDirectoryHandle(name, { create: true }));
  }

  create(entry: number, offset: number): void | Promise<void> {
    if (this.small !== null || this.kept.has(entry)) return this.createSmall(entry, offset);
    const size = this.outline.entry(entry).size;
    const fits = size !== null && size <= memoryFileBytes && this.keptBytes + size <= memoryBytes;
    if (this.handle === null && offset === 0 && fits) {
      this.entry = entry;
      this.small = [];
      this.keptBytes += size;
      return;
    }
    return this.open(entry, offset);
  }
  /** One that was begun before: the connection was lost meanwhile. */
  private async createSmall(entry: number, offset: number): Promise<void> {
    if (this.small !== null) this.kept.set(this.entry, new Blob(this.small));
    this.small = null;
    const before = this.kept.get(entry);
    if (before === undefined) return this.create(entry, offset);
    this.kept.delete(entry);
    this.entry = entry;
    this.small = [new Uint8Array(await before.slice(0, offset).arrayBuffer())];
  }
  private async open(entry: number, offset: number): Promise<void> {
    if (this.entry !== entry || this.handle === null) {
      this.closeHandle();
      const file = (await this.folder.getFileHandle(String(entry), { create: true })) as SyncFileHandle;
      this.handle = await file.createSyncAccessHandle();
    }
    this.entry = entry;
    this.handle.truncate(offset);
    this.at = offset;
  }
  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.small !== null) {
      this.small.push(bytes.slice());
      return;
    }
    // A full quota may show in nothing but what write() returns.
    const written = this.handle!.write(bytes, { at: this.at });
    this.at += written;
    if (written !== bytes.length) throw new StoreError(reasons.noSpace, "the browser's storage is full");
  }
  finish(): void {
    if (this.small !== null) this.kept.set(this.entry, new Blob(this.small));
    this.small = null;
    this.closeHandle();
    this.entry = -1;
  }
  private closeHandle(): void {
    const handle = this.handle;
    if (handle === null) return;
    this.handle = null;
    try {
      handle.flush();
    } finally {
      handle.close();
    }
  }
  async place(): Promise<Stored> {
    const files: ReceivedFile[] = [];
    for (let i = 0; i < this.outline.document.entries; ++i)
      if (this.outline.entry(i).kind === "file")
        files.push({ path: pathOf(this.outline, i), handle: this.kept.get(i) ?? (await this.folder.getFileHandle(String(i))) });
    return { files, folders: foldersOf(this.outline) };
  }
  async dispose(): Promise<void> {
    this.handle?.close();
    this.handle = null;
    await this.parent.removeEntry(this.name, { recursive: true });
  }
}
