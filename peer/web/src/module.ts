// The functions of the WebAssembly module, typed. peer/web/module/exports.cpp is its other half.

import type { FailureId } from "./messages";

const abi = 1;
const headerBytes = 64;

/** What the peer wants done. Bytes are views of the module's memory: use them before the next call. */
export type Action =
  | { readonly kind: "open"; readonly connection: number; readonly channel: "handshake" | "room"; readonly seat: string }
  | { readonly kind: "send"; readonly connection: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "close"; readonly connection: number; readonly inOrder: boolean }
  | { readonly kind: "read"; readonly reader: number; readonly item: number; readonly offset: number; readonly size: number }
  | { readonly kind: "create"; readonly entry: number; readonly offset: number }
  | { readonly kind: "append"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "finish" | "place" | "waiting" | "meeting" | "offer" | "resumed" | "finished" }
  | { readonly kind: "receiving"; readonly kept: number }
  | { readonly kind: "progress"; readonly receiver: number; readonly bytes: number; readonly total: number | null }
  | { readonly kind: "interrupted"; readonly seconds: number }
  | { readonly kind: "delivered"; readonly receiver: number }
  | { readonly kind: "note"; readonly id: string; readonly key: string; readonly value: string }
  | { readonly kind: "failed"; readonly id: FailureId; readonly detail: string };

export interface Entry {
  readonly kind: "file" | "folder" | "link";
  readonly path: string;
  readonly mode: number;
  /** Bytes; null in a stream. */
  readonly size: number | null;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
  readonly target: string;
}

export interface Document {
  readonly kind: "file" | "folder" | "items" | "stream" | "text";
  readonly name: string;
  readonly entries: number;
  readonly files: number;
  readonly folders: number;
  readonly bytes: number | null;
}

export type CodeKind = "code" | "mistyped" | "other" | "empty";

/** Reasons of SESSION2.md section 8 that a page gives. */
export const reasons = { refused: 1, noSpace: 3, exists: 4, fileFailed: 5, changed: 6, badEntry: 7 } as const;
export type Reason = (typeof reasons)[keyof typeof reasons];

type Call = (...numbers: number[]) => number;
type Exports = { readonly memory: WebAssembly.Memory; readonly _initialize?: () => void } & Record<
  | "abi" | "buffer" | "make_code" | "read_code" | "add_file" | "add_folder" | "add_text" | "send" | "receive" | "cancel" | "accept"
  | "refuse" | "opened" | "received" | "wants_input" | "closed" | "sent" | "content" | "content_failed" | "stored" | "store_failed"
  | "expire" | "next_deadline" | "next_action" | "document" | "entry",
  Call
>;

const documentKinds = ["file", "folder", "items", "stream", "text"] as const;
const entryKinds = { 1: "file", 2: "folder", 3: "link" } as const;
const codeKinds = ["code", "mistyped", "other", "empty"] as const;

/** The system that the module sees: random numbers, and nothing else. */
function system(module: WebAssembly.Module, memory: () => WebAssembly.Memory): WebAssembly.Imports {
  const notSupported = 52;
  const functions: Record<string, (...numbers: number[]) => number> = {
    random_get(address, size) {
      const most = 65536; // of getRandomValues
      const bytes = new Uint8Array(memory().buffer, address, size);
      for (let at = 0; at < bytes.length; at += most) crypto.getRandomValues(bytes.subarray(at, at + most));
      return 0;
    },
    proc_exit(status) {
      throw new Error(`the module has ended with status ${status}`);
    },
  };
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const known = from === "wasi_snapshot_preview1" ? functions[name] : undefined;
    (imports[from] ??= {})[name] = known ?? (() => notSupported);
  }
  return imports;
}

/** One run of a peer. Any call may throw when memory runs out; the instance is of no use then. */
export class PeerModule {
  private view: DataView<ArrayBuffer>;
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder("utf-8");

  private constructor(private readonly wasm: Exports) {
    this.view = new DataView(this.memory);
  }

  static async load(module: WebAssembly.Module): Promise<PeerModule> {
    let memory: WebAssembly.Memory | undefined;
    const instance = await WebAssembly.instantiate(module, system(module, () => memory!));
    const wasm = instance.exports as unknown as Exports;
    memory = wasm.memory;
    wasm._initialize?.();
    if (wasm.abi() !== abi) throw new Error("this module belongs to another version of the page");
    return new PeerModule(wasm);
  }

  private get memory(): ArrayBuffer {
    return this.wasm.memory.buffer as ArrayBuffer;
  }
  private data(): DataView<ArrayBuffer> {
    if (this.view.buffer !== this.memory) this.view = new DataView(this.memory); // it has grown
    return this.view;
  }
  private bytesAt(address: number): Uint8Array<ArrayBuffer> {
    const data = this.data();
    return new Uint8Array(this.memory, data.getUint32(address, true), data.getUint32(address + 4, true));
  }
  private textAt(address: number): string {
    return this.decoder.decode(this.bytesAt(address));
  }

  /** Where `size` bytes for the next call go: content() and received() take them from there. */
  space(size: number): Uint8Array<ArrayBuffer> {
    const address = this.wasm.buffer(size);
    if (address === 0) throw new RangeError("too many bytes for one call");
    return new Uint8Array(this.memory, address, size);
  }
  private give(...texts: string[]): number[] {
    const parts = texts.map((text) => this.encoder.encode(text));
    const space = this.space(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      space.set(part, at);
      at += part.length;
      part.fill(0);
    }
    return parts.map((part) => part.length);
  }

  makeCode(): string {
    return this.textAt(this.wasm.make_code() + 4);
  }
  /** What a person has typed, and the password that it means. */
  readCode(typed: string): { kind: CodeKind; password: string } {
    const [size] = this.give(typed);
    const record = this.wasm.read_code(size!);
    return { kind: codeKinds[this.data().getUint32(record, true)] ?? "other", password: this.textAt(record + 4) };
  }

  addFile(path: string, size: number, modified: number): void {
    const [length] = this.give(path);
    this.wasm.add_file(length!, size, modified);
  }
  addFolder(path: string, modified: number | undefined): void {
    const [length] = this.give(path);
    this.wasm.add_folder(length!, modified ?? Number.NaN);
  }
  addText(size: number): void {
    this.wasm.add_text(size);
  }
  /** `receivers` 0: as many as come within an hour. */
  send(now: number, name: string, code: string, receivers: number): void {
    const [nameSize, codeSize] = this.give(name, code);
    this.wasm.send(now, nameSize!, codeSize!, receivers);
  }
  receive(now: number, code: string): void {
    const [size] = this.give(code);
    this.wasm.receive(now, size!);
  }
  cancel(now: number): void {
    this.wasm.cancel(now);
  }
  accept(now: number): void {
    this.wasm.accept(now);
  }
  refuse(now: number, reason: Reason, text = ""): void {
    const [size] = this.give(text);
    this.wasm.refuse(now, reason, size!);
  }

  opened(now: number, connection: number): void {
    this.wasm.opened(now, connection);
  }
  /** The first `size` bytes of space() have come. */
  received(now: number, connection: number, size: number): void {
    this.wasm.received(now, connection, size);
  }
  wantsInput(connection: number): boolean {
    return this.wasm.wants_input(connection) !== 0;
  }
  closed(now: number, connection: number, inOrder: boolean): void {
    this.wasm.closed(now, connection, inOrder ? 1 : 0);
  }
  sent(now: number, connection: number, bytes: number): void {
    this.wasm.sent(now, connection, bytes);
  }

  /** The first `size` bytes of space() are the answer to a read. */
  content(now: number, reader: number, size: number): void {
    this.wasm.content(now, reader, size);
  }
  contentFailed(now: number, reader: number, reason: Reason): void {
    this.wasm.content_failed(now, reader, reason);
  }
  stored(now: number, actions: number): void {
    this.wasm.stored(now, actions);
  }
  storeFailed(now: number, reason: Reason, text: string): void {
    const [size] = this.give(text);
    this.wasm.store_failed(now, reason, size!);
  }

  expire(now: number): void {
    this.wasm.expire(now);
  }
  /** Infinity: nothing will be due. */
  nextDeadline(): number {
    return this.wasm.next_deadline();
  }

  document(): Document | null {
    const record = this.wasm.document();
    if (record === 0) return null;
    const data = this.data();
    const bytes = data.getFloat64(record + 32, true);
    return {
      kind: documentKinds[data.getUint32(record, true)] ?? "items",
      entries: data.getUint32(record + 4, true),
      name: this.textAt(record + 8),
      files: data.getFloat64(record + 16, true),
      folders: data.getFloat64(record + 24, true),
      bytes: bytes < 0 ? null : bytes,
    };
  }
  entry(number: number): Entry {
    const record = this.wasm.entry(number);
    if (record === 0) throw new RangeError("no such entry");
    const data = this.data();
    const size = data.getFloat64(record + 24, true);
    const modified = data.getFloat64(record + 32, true);
    return {
      kind: entryKinds[data.getUint32(record, true) as 1 | 2 | 3],
      mode: data.getUint32(record + 4, true),
      path: this.textAt(record + 8),
      target: this.textAt(record + 16),
      size: size < 0 ? null : size,
      modified: Number.isNaN(modified) ? null : modified,
    };
  }

  /** The next thing to do; null when there is none. */
  next(): Action | null {
    const record = this.wasm.next_action();
    if (record === 0) return null;
    const data = this.data();
    if (record + headerBytes > data.byteLength) throw new RangeError("an action outside memory");
    const number = data.getUint32(record + 4, true);
    const flag = data.getUint32(record + 8, true);
    const first = data.getFloat64(record + 48, true);
    const second = data.getFloat64(record + 56, true);
    switch (data.getUint32(record, true)) {
      case 1: return { kind: "open", connection: number, channel: flag === 0 ? "handshake" : "room", seat: this.textAt(record + 24) };
      case 2: return { kind: "send", connection: number, bytes: this.bytesAt(record + 16) };
      case 3: return { kind: "close", connection: number, inOrder: flag !== 0 };
      case 4: return { kind: "read", reader: number, item: flag, offset: first, size: data.getUint32(record + 12, true) };
      case 5: return { kind: "create", entry: number, offset: first };
      case 6: return { kind: "append", bytes: this.bytesAt(record + 16) };
      case 7: return { kind: "finish" };
      case 8: return { kind: "place" };
      case 9: return { kind: "waiting" };
      case 10: return { kind: "meeting" };
      case 11: return { kind: "offer" };
      case 12: return { kind: "receiving", kept: first };
      case 13: return { kind: "progress", receiver: number, bytes: first, total: second < 0 ? null : second };
      case 14: return { kind: "interrupted", seconds: first };
      case 15: return { kind: "resumed" };
      case 16: return { kind: "delivered", receiver: number };
      case 17: return { kind: "note", id: this.textAt(record + 32), key: this.textAt(record + 40), value: this.textAt(record + 24) };
      case 18: return { kind: "failed", id: this.textAt(record + 32) as FailureId, detail: this.textAt(record + 24) };
      case 19: return { kind: "finished" };
      default: throw new Error("an action that this page does not know");
    }
  }
}
