// The worker that is the peer: it owns the sockets and the files of one run, and does what the module wants done.
import type { FromWorker, SendItem, Target, ToWorker } from "./messages";
import { PeerModule, reasons } from "./module";
import type { Action } from "./module";
import { FileSink, FolderSink } from "./picked";
import { explain, MemorySink, PrivateSink, SinkQueue, StoreError } from "./sink";
import type { Outline, Sink, Stored } from "./sink";
import { openSocket } from "./socket";
import type { Socket, SocketOwner } from "./socket";
import { ReadError, Source } from "./source";

declare const self: DedicatedWorkerGlobalScope;

const maxListed = 1000; // entries of an offer
const maxPieceBytes = 256 * 1024; // given to the module at once
const maxTextBytes = 65536;
const progressMilliseconds = 100;
const farewellMilliseconds = 2000; // for connections to end in order
const maxTimerMilliseconds = 2 ** 31 - 1;

function post(message: FromWorker): void {
  self.postMessage(message);
}

function now(): number {
  return performance.now();
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class Run {
  private readonly sockets = new Map<number, Socket>();
  private readonly closing = new Set<Promise<void>>();
  private source: Source | null = null;
  private sink: Sink | null = null;
  private queue: SinkQueue | null = null;
  private isActing = false;
  private isPoking = false;
  private isOver = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerDue = Infinity;
  private readonly shown = new Map<number, number>(); // when progress was posted, by receiver
  private lastReceiver = 0;
  private isExported = false; // or there is nothing to export
  private exportedLater: (() => void) | null = null;

  constructor(
    private readonly module: PeerModule,
    private readonly relay: string,
  ) {}

  // --- what the page wants

  send(items: readonly SendItem[], name: string, receivers: number | "unlimited", typed: string | undefined): void {
    this.guard(() => {
      this.source = new Source(items);
      items.forEach((item, i) => {
        if (item.kind === "file") this.module.addFile(item.path, item.file.size, item.file.lastModified);
        else if (item.kind === "folder") this.module.addFolder(item.path, item.modified);
        else this.module.addText(this.source!.size(i));
      });
      const code = typed === undefined || typed === "" ? this.module.makeCode() : this.module.readCode(typed).password;
      post({ type: "code", code });
      this.module.send(now(), name, code, receivers === "unlimited" ? 0 : receivers);
    });
  }

  receive(typed: string): void {
    this.guard(() => {
      const { kind, password } = this.module.readCode(typed);
      if (kind === "mistyped") post({ type: "note", id: "mistyped-code", values: {} });
      this.module.receive(now(), password);
    });
  }

  async accept(target: Target): Promise<void> {
    if (this.isOver || this.sink !== null) return;
    try {
      const sink = await this.makeSink(target);
      if (this.isOver) return void sink.dispose();
      this.sink = sink;
      this.queue = new SinkQueue(
        sink,
        (steps) => this.guard(() => this.module.stored(now(), steps)),
        (error) => this.guard(() => this.module.storeFailed(now(), error.reason, error.message)),
      );
      this.guard(() => this.module.accept(now()));
    } catch (error) {
      const { reason, message } = explain(error);
      this.guard(() => this.module.refuse(now(), reason === reasons.exists ? reason : reasons.noSpace, message));
    }
  }

  refuse(): void {
    this.guard(() => this.module.refuse(now(), reasons.refused));
  }

  cancel(): void {
    this.guard(() => this.module.cancel(now()));
  }

  exported(): void {
    this.isExported = true;
    this.exportedLater?.();
  }

  // --- the loop

  /** Gives something to the module, and does what it wants then. */
  private guard(input: () => void): void {
    if (this.isOver) return;
    try {
      input();
      this.settle();
    } catch (error) {
      this.crash(error);
    }
  }

  private settle(): void {
    if (this.isActing) return;
    this.act();
    if (!this.isPoking) {
      this.isPoking = true;
      for (const socket of this.sockets.values()) socket.poke();
      this.isPoking = false;
    }
    if (!this.isOver) this.arm();
  }

  private act(): void {
    if (this.isActing) return;
    this.isActing = true;
    try {
      while (!this.isOver) {
        const action = this.module.next();
        if (action === null) break;
        this.perform(action);
      }
    } finally {
      this.isActing = false;
    }
  }

  private arm(): void {
    const due = this.module.nextDeadline();
    if (due >= this.timerDue) return; // what comes too early does no harm
    clearTimeout(this.timer);
    this.timerDue = due;
    const wait = Math.min(Math.max(due - now(), 0), maxTimerMilliseconds);
    this.timer = setTimeout(() => {
      this.timerDue = Infinity;
      this.guard(() => this.module.expire(now()));
    }, wait);
  }

  /** The module is of no use any more. */
  private crash(error: unknown): void {
    if (this.isOver) return;
    for (const socket of this.sockets.values()) this.closing.add(socket.close(false));
    this.sockets.clear();
    void this.end({ type: "failed", id: "internal", values: { detail: detailOf(error) } });
  }

  private async end(last: FromWorker): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    const pause = new Promise((resolve) => setTimeout(resolve, farewellMilliseconds));
    await Promise.race([Promise.all(this.closing), pause]);
    if (last.type === "finished" && this.sink !== null && !this.isExported)
      await new Promise<void>((resolve) => (this.exportedLater = resolve));
    await this.sink?.dispose().catch(() => undefined);
    post(last);
  }

  private perform(action: Action): void {
    switch (action.kind) {
      case "open":
        return this.open(action.connection, action.channel, action.seat);
      case "send":
        return this.sockets.get(action.connection)?.send(action.bytes);
      case "close":
        return this.close(action.connection, action.inOrder);
      case "read":
        return this.read(action.reader, action.item, action.offset, action.size);
      case "create":
        return this.queue!.create(action.entry, action.offset);
      case "append":
        return this.queue!.append(action.bytes);
      case "finish":
        return this.queue!.finish();
      case "place":
        return this.queue!.place((stored) => this.placed(stored));
      case "waiting":
      case "meeting":
        return post({ type: action.kind });
      case "offer":
        return void this.showOffer();
      case "receiving":
        return this.source === null ? this.showProgress(0, action.kept, null) : undefined;
      case "progress":
        return this.showProgress(action.receiver, action.bytes, action.total);
      case "interrupted":
        return post({ type: "connection", state: "lost", seconds: action.seconds });
      case "resumed":
        return post({ type: "connection", state: "continued", seconds: 0 });
      case "delivered":
        this.source?.release(action.receiver);
        return post({ type: "stored", receiver: action.receiver });
      case "note":
        return post({ type: "note", id: action.id, values: { [action.key]: action.value } });
      case "failed":
        return void this.end({ type: "failed", id: action.id, values: { detail: action.detail } });
      case "finished":
        return void this.end({ type: "finished" });
    }
  }

  // --- connections

  private open(connection: number, channel: "handshake" | "room", seat: string): void {
    const owner: SocketOwner = {
      opened: () => this.guard(() => this.module.opened(now(), connection)),
      received: (bytes) => this.take(connection, bytes),
      closed: (inOrder) => {
        this.sockets.delete(connection);
        this.guard(() => this.module.closed(now(), connection, inOrder));
      },
      sent: (bytes) => this.guard(() => this.module.sent(now(), connection, bytes)),
    };
    this.sockets.set(connection, openSocket(this.relay, channel, seat, this.source === null, owner));
  }

  private close(connection: number, inOrder: boolean): void {
    const socket = this.sockets.get(connection);
    if (socket === undefined) return;
    this.sockets.delete(connection);
    const gone = socket.close(inOrder);
    this.closing.add(gone);
    void gone.then(() => this.closing.delete(gone));
  }

  private take(connection: number, bytes: Uint8Array): number {
    let taken = 0;
    this.guard(() => {
      while (taken < bytes.length && this.sockets.has(connection) && this.module.wantsInput(connection)) {
        const piece = bytes.subarray(taken, taken + maxPieceBytes);
        this.module.space(piece.length).set(piece);
        taken += piece.length;
        this.module.received(now(), connection, piece.length);
        this.act();
      }
    });
    return this.sockets.has(connection) ? taken : bytes.length;
  }

  // --- files

  private read(reader: number, item: number, offset: number, size: number): void {
    let bytes: Uint8Array;
    try {
      bytes = this.source!.read(reader, item, offset, size);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      return this.module.contentFailed(now(), reader, error.changed ? reasons.changed : reasons.fileFailed);
    }
    this.module.space(bytes.length).set(bytes);
    this.module.content(now(), reader, bytes.length);
  }

  private outline(): Outline {
    return { document: this.module.document()!, entry: (number) => this.module.entry(number) };
  }

  private async makeSink(target: Target): Promise<Sink> {
    const outline = this.outline();
    const { kind, bytes } = outline.document;
    if (kind === "text") return new MemorySink(outline, maxTextBytes);
    switch (target.kind) {
      case "opfs":
        return PrivateSink.make(outline);
      case "folder":
        return FolderSink.make(outline, target.handle);
      case "file":
        if (kind !== "file" && kind !== "stream") throw new StoreError(reasons.noSpace, "several files do not go into one");
        return FileSink.make(target.handle);
      case "memory":
        if (bytes !== null && bytes > target.limit) throw new StoreError(reasons.noSpace, "more than this page keeps in memory");
        return new MemorySink(outline, target.limit);
    }
  }

  private placed(stored: Stored): void {
    const outline = this.outline();
    for (let i = 0; i < outline.document.entries; ++i) {
      const entry = outline.entry(i);
      if (entry.kind === "link") post({ type: "note", id: "skipped", values: { path: entry.path, reason: "a link" } });
    }
    if (stored === null) {
      this.isExported = true;
      return post({ type: "saved" });
    }
    if ("text" in stored) return post({ type: "received", text: stored.text });
    const { kind, name } = outline.document;
    post({ type: "received", ...stored, name, single: kind === "file" || kind === "stream" });
  }

  // --- for the page

  private async showOffer(): Promise<void> {
    const { document, entry } = this.outline();
    const list = Array.from({ length: Math.min(document.entries, maxListed) }, (_, i) => {
      const { path, size, kind } = entry(i);
      return { path: path === "" ? document.name : path, size: size ?? 0, kind };
    });
    const estimate = await navigator.storage?.estimate().catch(() => null);
    const { quota, usage } = estimate ?? {};
    post({
      type: "offer",
      name: document.name,
      text: document.kind === "text",
      files: document.files,
      folders: document.folders,
      bytes: document.bytes,
      list,
      room: quota === undefined || usage === undefined ? null : Math.max(quota - usage, 0),
    });
  }

  private showProgress(receiver: number, done: number, total: number | null): void {
    this.lastReceiver = Math.max(this.lastReceiver, receiver);
    const time = now();
    const last = this.shown.get(receiver);
    if (done !== total && last !== undefined && time - last < progressMilliseconds) return;
    this.shown.set(receiver, time);
    post({ type: "progress", done, total, receiver, receivers: Math.max(this.lastReceiver, 1) });
  }
}

async function compile(module: WebAssembly.Module | string): Promise<WebAssembly.Module> {
  return module instanceof WebAssembly.Module ? module : WebAssembly.compileStreaming(fetch(module));
}

let run: Run | null = null;

self.onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  switch (data.type) {
    case "start":
      compile(data.module)
        .then((compiled) => PeerModule.load(compiled))
        .then(
          (module) => {
            run = new Run(module, data.relay);
            post({ type: "ready" });
          },
          (error: unknown) => post({ type: "failed", id: "unsupported", values: { detail: detailOf(error) } }),
        );
      return;
    case "send":
      return run?.send(data.items, data.name, data.receivers, data.code);
    case "receive":
      return run?.receive(data.code);
    case "answer":
      if (data.accept) void run?.accept(data.target);
      else run?.refuse();
      return;
    case "exported":
      return run?.exported();
    case "cancel":
      return run?.cancel();
  }
};
