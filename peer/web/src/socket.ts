// One connection to the relay (PROTOCOL.md section 9). Bytes are passed on when the peer wants them, and the relay is held
// back meanwhile: by the browser where it can (WebSocketStream), elsewhere by the window of `bob.room.window`.

const windowed = "bob.room.window";
const fault = 4000; // close code; 1000 alone is an end in order
const countBytes = 256 * 1024;
const countMilliseconds = 1000;

export interface SocketOwner {
  opened(): void;
  /** Takes the bytes that are used before it returns, and returns how many; the others are offered again by poke(). */
  received(bytes: Uint8Array): number;
  closed(inOrder: boolean): void;
  sent(bytes: number): void;
}

export interface Socket {
  /** The bytes are used before it returns. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** After what was sent. The owner hears no more; resolves when the connection is gone. */
  close(inOrder: boolean): Promise<void>;
  /** The owner may take bytes again. */
  poke(): void;
}

interface StreamConnection {
  readonly readable: ReadableStream<Uint8Array | ArrayBuffer | string>; // Chromium gives buffers, the standard arrays
  readonly writable: WritableStream<BufferSource>;
}
interface StreamSocket {
  readonly opened: Promise<StreamConnection>;
  readonly closed: Promise<{ readonly closeCode?: number }>;
  close(info: { closeCode: number }): void;
}
declare const WebSocketStream: (new (url: string, options: { protocols: string[] }) => StreamSocket) | undefined;

/** `receives`: large documents come. A sender gets a plain WebSocket: Chromium 156 does not tell a WebSocketStream that its
 * connection broke while writes wait. */
export function openSocket(url: string, channel: "handshake" | "room", seat: string, receives: boolean, owner: SocketOwner): Socket {
  const protocols = [`bob.${channel}`, `bob.seat.${seat}`];
  if (receives && typeof WebSocketStream === "function") return new HeldSocket(url, protocols, owner);
  if (channel === "room") protocols.unshift(windowed);
  return new PlainSocket(url, protocols, owner);
}

/** Bytes that have come and are not taken. */
class Backlog {
  private readonly pieces: Uint8Array[] = [];
  private isDraining = false; // who takes bytes may poke

  constructor(private readonly take: (bytes: Uint8Array) => number) {}

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }
  push(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.drain();
  }
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    while (this.pieces.length > 0) {
      const first = this.pieces[0]!;
      const taken = this.take(first);
      if (taken === first.length) {
        this.pieces.shift();
        continue;
      }
      if (taken > 0) this.pieces[0] = first.subarray(taken);
      break;
    }
    this.isDraining = false;
  }
}

/** The browser reads no more from the network than is taken here. */
class HeldSocket implements Socket {
  private readonly socket: StreamSocket;
  private readonly backlog: Backlog;
  private writer: WritableStreamDefaultWriter<BufferSource> | null = null;
  private written: Promise<unknown> = Promise.resolve(); // the last write
  private isClosed = false;
  private wake: (() => void) | null = null;

  constructor(url: string, protocols: string[], private readonly owner: SocketOwner) {
    this.backlog = new Backlog((bytes) => owner.received(bytes));
    this.socket = new WebSocketStream!(url, { protocols });
    this.socket.closed.catch(() => undefined); // whoever waits for it learns why
    void this.run();
  }

  private async run(): Promise<void> {
    let inOrder = false;
    try {
      const { readable, writable } = await this.socket.opened;
      if (this.isClosed) return;
      this.writer = writable.getWriter();
      this.owner.opened();
      const reader = readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (this.isClosed) return;
        if (done) break;
        if (typeof value === "string") throw new TypeError("a text message");
        this.backlog.push(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
        while (!this.backlog.isEmpty && !this.isClosed) await new Promise<void>((resolve) => (this.wake = resolve));
      }
      inOrder = (await this.socket.closed).closeCode === 1000;
    } catch {
      // The connection is gone, or was never there, or breaks the rules.
      if (!this.isClosed) this.end(fault);
    }
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.closed(inOrder);
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.isClosed || this.writer === null) return;
    const copy = bytes.slice();
    this.written = this.writer.write(copy).then(
      () => {
        if (!this.isClosed) this.owner.sent(copy.length);
      },
      () => undefined, // the reading learns why
    );
  }
  async close(inOrder: boolean): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wake?.();
    if (inOrder) await this.written;
    this.end(inOrder ? 1000 : fault);
    await this.socket.closed.catch(() => undefined);
  }
  private end(closeCode: number): void {
    try {
      this.socket.close({ closeCode });
    } catch {
      // it was closed already
    }
  }
  poke(): void {
    this.backlog.drain();
    if (!this.backlog.isEmpty) return;
    this.wake?.();
    this.wake = null;
  }
}

/** The browser takes whatever comes: what the peer does not want yet waits here. */
class PlainSocket implements Socket {
  private readonly socket: WebSocket;
  private readonly backlog: Backlog;
  private isClosed = false;
  private ended: boolean | null = null; // how, while bytes wait
  private underWay = 0; // bytes that the browser has not sent, as far as was told
  private timer: ReturnType<typeof setTimeout> | undefined;
  private used = 0;
  private counted = 0; // of `used`, told to the relay
  private countTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly gone: Promise<void>;

  constructor(url: string, protocols: string[], private readonly owner: SocketOwner) {
    this.backlog = new Backlog((bytes) => this.use(bytes));
    this.socket = new WebSocket(url, protocols);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      if (!this.isClosed) owner.opened();
    };
    this.socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (this.isClosed) return;
      if (typeof data === "string") {
        this.end(false);
        this.socket.close(fault);
      } else {
        this.backlog.push(new Uint8Array(data));
      }
    };
    this.gone = new Promise((resolve) => {
      this.socket.onclose = ({ code }) => {
        resolve();
        this.end(code === 1000);
      };
    });
  }

  private use(bytes: Uint8Array): number {
    const taken = this.owner.received(bytes);
    this.used += taken;
    if (this.isClosed) return taken;
    if (this.used - this.counted >= countBytes) this.count();
    else if (this.used > this.counted) this.countTimer ??= setTimeout(() => this.count(), countMilliseconds);
    return taken;
  }
  /** Tells the relay how much was used, so that it may go on. */
  private count(): void {
    clearTimeout(this.countTimer);
    this.countTimer = undefined;
    if (this.socket.protocol !== windowed || this.socket.readyState !== WebSocket.OPEN) return;
    this.counted = this.used;
    this.socket.send(String(this.used));
  }

  private end(inOrder: boolean): void {
    this.stopTimers();
    if (this.isClosed || this.ended !== null) return;
    this.ended = inOrder;
    this.poke();
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.isClosed || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(bytes);
    this.underWay += bytes.length;
    this.watch();
  }
  /** The browser has no event for what has left: look again and again while something is under way. */
  private watch(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.isClosed || this.socket.readyState !== WebSocket.OPEN) return;
      const left = this.underWay - this.socket.bufferedAmount;
      if (left > 0) {
        this.underWay -= left;
        this.owner.sent(left);
      }
      if (this.underWay > 0) this.watch();
    }, 0);
  }

  private stopTimers(): void {
    clearTimeout(this.timer);
    clearTimeout(this.countTimer);
  }

  close(inOrder: boolean): Promise<void> {
    this.isClosed = true;
    this.stopTimers();
    this.socket.close(inOrder ? 1000 : fault);
    return this.gone;
  }
  poke(): void {
    this.backlog.drain();
    if (this.ended === null || !this.backlog.isEmpty || this.isClosed) return;
    this.isClosed = true;
    this.owner.closed(this.ended);
  }
}
