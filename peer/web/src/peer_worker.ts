// The worker that is the peer. The page tells it what the user wants, and shows what it says.
import type { FromWorker, ToWorker } from "./messages";

/** How long a worker may take for its last words after it was cancelled. */
const cancelMilliseconds = 5000;

function trusted(url: string): string {
  if (window.trustedTypes === undefined) return url;
  const policy = window.trustedTypes.createPolicy("parley", {
    createScriptURL(candidate) {
      if (candidate !== PARLEY_WORKER_URL) throw new TypeError("not the worker of this page");
      return candidate;
    },
  });
  return policy.createScriptURL(url) as unknown as string;
}

let workerUrl: string | null = null;

/** One conversation with one worker. `listener` hears everything but `ready`, and nothing after the last message. */
export class PeerWorker {
  private readonly worker: Worker;
  private readonly queue: ToWorker[] = [];
  private ready = false;
  private over = false;
  private cancelTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    relay: string,
    private readonly listener: (message: FromWorker) => void,
  ) {
    workerUrl ??= trusted(PARLEY_WORKER_URL); // a policy can be made once
    this.worker = new Worker(workerUrl, { type: "module" });
    this.worker.onmessage = (event: MessageEvent<FromWorker>) => this.hear(event.data);
    this.worker.onerror = (event) => this.fail(event.message);
    this.worker.onmessageerror = () => this.fail("a message could not be read");
    const module = PARLEY_MODULE_URL === "" ? "" : new URL(PARLEY_MODULE_URL, document.baseURI).href;
    this.worker.postMessage({ type: "start", module, relay } satisfies ToWorker);
  }

  /** Waits until the worker is ready. */
  post(message: ToWorker): void {
    if (this.over) return;
    if (this.ready) this.worker.postMessage(message);
    else this.queue.push(message);
  }

  /** The worker tells the other side and then says `failed`; one that hangs is ended. */
  cancel(): void {
    if (this.over || this.cancelTimer !== undefined) return;
    this.cancelTimer = setTimeout(() => this.hear({ type: "failed", id: "cancelled-here", values: {} }), cancelMilliseconds);
    if (this.ready) this.worker.postMessage({ type: "cancel" } satisfies ToWorker);
    else this.hear({ type: "failed", id: "cancelled-here", values: {} });
  }

  /** Nothing is heard any more. The worker has some time to say its last words to the other side. */
  retire(): void {
    if (this.over) return;
    this.leave();
    setTimeout(() => this.worker.terminate(), cancelMilliseconds);
  }

  /** Nothing is heard any more, and the worker lives as long as the page: a download still reads what it keeps. */
  leave(): void {
    this.over = true;
    clearTimeout(this.cancelTimer);
  }

  private hear(message: FromWorker): void {
    if (this.over) return;
    if (message.type === "ready") {
      this.ready = true;
      for (const waiting of this.queue.splice(0)) this.worker.postMessage(waiting);
      return;
    }
    if (message.type === "failed" || message.type === "finished") {
      this.over = true;
      clearTimeout(this.cancelTimer);
      this.worker.terminate();
    }
    this.listener(message);
  }

  private fail(detail: string | undefined): void {
    this.hear({ type: "failed", id: "internal", values: { detail: detail ?? "the worker could not be started" } });
  }
}
