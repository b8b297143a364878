// What browsers give pages for files, in Node and on a real folder: handles, streams and reading without waiting.
import { closeSync, createReadStream, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";

function fault(name) {
  return new DOMException(`${name} of the storage for tests`, name);
}

/** Part of a file of the disk: of `File` what the worker uses. */
export class DiskFile {
  constructor(path, from = 0, to = statSync(path).size) {
    Object.assign(this, { path, from, size: Math.max(to - from, 0), name: basename(path), lastModified: statSync(path).mtimeMs });
  }
  slice(from = 0, to = this.size) {
    return new DiskFile(this.path, this.from + Math.min(from, this.size), this.from + Math.min(to, this.size));
  }
  readNow() {
    const file = openSync(this.path);
    try {
      if (fstatSync(file).size < this.from + this.size) throw fault("NotReadableError"); // it has changed
      const bytes = new Uint8Array(this.size);
      readSync(file, bytes, 0, this.size, this.from);
      return bytes.buffer;
    } finally {
      closeSync(file);
    }
  }
  async arrayBuffer() {
    return this.readNow();
  }
  stream() {
    return Readable.toWeb(this.size === 0 ? Readable.from([]) : createReadStream(this.path, { start: this.from, end: this.from + this.size - 1 }));
  }
}

/** Of `FileReaderSync` what the worker uses: a DiskFile, or part of a TextBlob. */
export class FileReader {
  readAsArrayBuffer(part) {
    return part.readNow();
  }
}

/** Node cannot read a Blob without waiting: those that the worker makes of a text remember it. */
export class TextBlob extends Blob {
  constructor(parts = [], options) {
    super(parts, options);
    this.bytes = parts.length === 1 && typeof parts[0] === "string" ? new TextEncoder().encode(parts[0]) : null;
  }
  slice(from, to, type) {
    const part = super.slice(from, to, type);
    if (this.bytes !== null) part.readNow = () => this.bytes.slice(from, to).buffer;
    return part;
  }
}

class DiskWritable extends WritableStream {
  constructor(path, keep) {
    const own = `${path}.crswap`;
    const file = openSync(own, "w+");
    let at = 0;
    const put = (bytes) => {
      writeSync(file, bytes, 0, bytes.length, at);
      at += bytes.length;
    };
    super({ write: put, close: () => this.commit() });
    Object.assign(this, {
      write: async (bytes) => put(bytes),
      seek: async (to) => void (at = to),
      truncate: async (to) => ftruncateSync(file, to),
      commit: () => {
        closeSync(file);
        renameSync(own, path);
      },
      close: async () => this.commit(),
      abort: async () => {
        closeSync(file);
        rmSync(own);
      },
    });
    if (keep) {
      put(new Uint8Array(new DiskFile(path).readNow()));
      at = 0;
    }
  }
}

/** `limit` is how many bytes a file takes: more come back short, as in private windows. */
export class DiskFileHandle {
  kind = "file";
  constructor(path, limit) {
    Object.assign(this, { path, limit, name: basename(path) });
  }
  async getFile() {
    return new DiskFile(this.path);
  }
  async createWritable({ keepExistingData = false } = {}) {
    return new DiskWritable(this.path, keepExistingData);
  }
  async createSyncAccessHandle() {
    const file = openSync(this.path, "r+");
    return {
      write: (bytes, { at }) => writeSync(file, bytes, 0, Math.max(Math.min(bytes.length, this.limit - at), 0), at),
      truncate: (size) => ftruncateSync(file, size),
      flush: () => undefined,
      close: () => closeSync(file),
    };
  }
  async move(folder, name) {
    renameSync(this.path, join(folder.path, name));
  }
  async remove() {
    rmSync(this.path);
  }
}

/** Directories cannot be moved, as in Chromium. */
export class DiskFolder {
  kind = "directory";
  constructor(path, limit = Infinity) {
    Object.assign(this, { path, limit, name: basename(path) });
    mkdirSync(path, { recursive: true });
  }
  async getFileHandle(name, { create = false } = {}) {
    const path = join(this.path, name);
    const found = existsSync(path);
    if (found && statSync(path).isDirectory()) throw fault("TypeMismatchError");
    if (!found && !create) throw fault("NotFoundError");
    if (!found) closeSync(openSync(path, "w"));
    return new DiskFileHandle(path, this.limit);
  }
  async getDirectoryHandle(name, { create = false } = {}) {
    const path = join(this.path, name);
    const found = existsSync(path);
    if (found && !statSync(path).isDirectory()) throw fault("TypeMismatchError");
    if (!found && !create) throw fault("NotFoundError");
    return new DiskFolder(path, this.limit);
  }
  async removeEntry(name, { recursive = false } = {}) {
    rmSync(join(this.path, name), { recursive });
  }
  async *keys() {
    yield* await readdir(this.path);
  }
  async *values() {
    for await (const name of this.keys()) {
      const isFolder = (await stat(join(this.path, name))).isDirectory();
      yield isFolder ? new DiskFolder(join(this.path, name), this.limit) : new DiskFileHandle(join(this.path, name), this.limit);
    }
  }
}
