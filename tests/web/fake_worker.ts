// A worker that the test plays: what the page posts goes to the test over a BroadcastChannel, and the other way round.
import type { FromWorker, ToWorker } from "../../peer/web/src/messages";

declare const self: DedicatedWorkerGlobalScope;

const script = new BroadcastChannel("fake worker");

self.onmessage = (event: MessageEvent<ToWorker>) => script.postMessage({ to: event.data });
script.onmessage = (event: MessageEvent<{ from?: FromWorker; crash?: string }>) => {
  if (event.data.from !== undefined) self.postMessage(event.data.from);
  if (event.data.crash !== undefined) throw new Error(event.data.crash);
};
