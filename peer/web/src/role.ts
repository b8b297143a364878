// One transfer as the page shows it: the sender's in sending.ts, the receiver's in receiving.ts.
import type { FromWorker } from "./messages";

export interface Transfer {
  onMessage(message: FromWorker): void;
  /** Once a second. */
  tick(): void;
  /** Removes its listeners; what comes next on the page is another transfer. */
  close(): void;
}

/** How a transfer ends, for the view that says so. */
export interface Ending {
  readonly title: string;
  readonly what: string;
}
