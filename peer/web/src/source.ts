// The content of what the user sends, read piece by piece.
import type { SendItem } from "./messages";

const readAheadBytes = 4 * 1024 * 1024;
const maxReadAhead = 8; // readers: others read again

/** A file that is no longer what it was when the user chose it, or that cannot be read. */
export class ReadError extends Error {
  constructor(readonly changed: boolean) {
    super(changed ? "the file has changed" : "the file cannot be read");
  }
}

declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Reads without waiting, so it lives in a worker. Each reader has its own bytes read ahead. */
export class Source {
  private readonly blobs: (Blob | null)[];
  private readonly files = new FileReaderSync();
  private readonly ahead = new Map<number, { item: number; offset: number; bytes: Uint8Array }>();

  constructor(items: readonly SendItem[]) {
    this.blobs = items.map((item) => (item.kind === "file" ? item.file : item.kind === "text" ? new Blob([item.text]) : null));
  }

  /** Bytes of an item. */
  size(item: number): number {
    return this.blobs[item]?.size ?? 0;
  }

  /** At most `size` bytes from `offset` on; fewer only at the end. Valid until the reader's next call. */
  read(reader: number, item: number, offset: number, size: number): Uint8Array {
    let held = this.ahead.get(reader);
    const isHeld = held !== undefined && held.item === item && offset >= held.offset && offset + size <= held.offset + held.bytes.length;
    if (!isHeld) {
      const blob = this.blobs[item];
      if (blob === undefined || blob === null) throw new ReadError(false);
      held = { item, offset, bytes: this.load(blob.slice(offset, offset + Math.max(size, readAheadBytes))) };
      this.ahead.delete(reader);
      this.ahead.set(reader, held);
      if (this.ahead.size > maxReadAhead) this.ahead.delete(this.ahead.keys().next().value!);
    }
    const from = offset - held!.offset;
    return held!.bytes.subarray(from, from + size);
  }

  /** This reader is done. */
  release(reader: number): void {
    this.ahead.delete(reader);
  }

  private load(part: Blob): Uint8Array {
    try {
      return new Uint8Array(this.files.readAsArrayBuffer(part));
    } catch (error) {
      // A browser keeps size and time of a chosen file, and refuses to read another one in its place.
      const name = error instanceof DOMException ? error.name : "";
      throw new ReadError(name === "NotReadableError" || name === "NotFoundError");
    }
  }
}
