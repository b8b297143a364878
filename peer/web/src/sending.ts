// The sender's side: shows the code, then what each receiver has.
import { explainFailure, explainNote } from "./explain";
import { formatCount, formatFiles, formatSize, visible } from "./format";
import { linkFor, relayOf } from "./link";
import type { FromWorker, SendItem, ToWorker } from "./messages";
import type { PeerWorker } from "./peer_worker";
import { ProgressRow } from "./progress_row";
import { encodeQr } from "./qr";
import type { Transfer } from "./role";
import { topsOf } from "./collect";
import { announce, byId, element, Notes, setShown, setStatus, setText, setTitle, showView } from "./view";
import { copyText, showFailure, showFinished } from "./endings";

/** What a document is called in a sentence. */
export function describe(items: readonly SendItem[]): string {
  const tops = topsOf(items);
  if (tops.length === 0) return "a text";
  return tops.length === 1 ? `“${visible(tops[0]!.name)}”` : `${tops.length.toLocaleString("en")} items`;
}

function summary(items: readonly SendItem[]): string {
  const first = items[0];
  if (first?.kind === "text") return formatSize(new TextEncoder().encode(first.text).length);
  let [files, folders, bytes] = [0, 0, 0];
  for (const item of items) {
    if (item.kind === "folder") folders += 1;
    else if (item.kind === "file") {
      files += 1;
      bytes += item.file.size;
    }
  }
  return `${formatFiles(files, folders)}, ${formatSize(bytes)}`;
}

function drawQr(link: string): void {
  const matrix = encodeQr(link);
  const holder = byId("qr");
  holder.replaceChildren();
  if (matrix === null) return;
  const quiet = 4;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const size = matrix.length + 2 * quiet;
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code of the link");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  let data = "";
  matrix.forEach((row, y) => row.forEach((dark, x) => (data += dark ? `M${x + quiet} ${y + quiet}h1v1h-1z` : "")));
  path.setAttribute("d", data);
  svg.append(path);
  holder.append(svg);
}

export class Sending implements Transfer {
  private readonly rows = new Map<number, ProgressRow>();
  private readonly notes = new Notes(byId("sending-notes"));
  private readonly listeners = new AbortController();
  private readonly name: string;
  private stored = 0;
  private stopped = false;
  private code = "";

  constructor(
    private readonly worker: PeerWorker,
    items: SendItem[],
    private readonly receivers: number | "unlimited",
    ownCode: string,
  ) {
    this.name = describe(items);
    setText(byId("sending-title"), `Sending ${this.name}`);
    setText(byId("sending-summary"), summary(items));
    setText(byId("sending-stop"), receivers === 1 ? "Stop" : "Stop sending");
    byId("receivers-list").replaceChildren();
    setShown(byId("code-card"), false);
    setStatus(byId("sending-status"), "Connecting to the relay", true);
    this.on("copy-code", () => copyText(byId("copy-code"), this.code));
    this.on("copy-link", () => copyText(byId("copy-link"), linkFor(this.code, location)));
    this.on("share-link", () => void navigator.share({ url: linkFor(this.code, location) }).catch(() => undefined));
    this.on("sending-stop", () => {
      this.stopped = true;
      setStatus(byId("sending-status"), "Stopping", true);
      worker.cancel();
    });
    showView("sending");
    setTitle("Connecting");
    const tops = topsOf(items);
    const message: ToWorker = { type: "send", items, name: tops.length === 1 ? tops[0]!.name : "", receivers };
    worker.post(ownCode === "" ? message : { ...message, code: ownCode });
  }

  onMessage(message: FromWorker): void {
    switch (message.type) {
      case "code":
        this.showCode(message.code);
        break;
      case "waiting":
        this.setStatus(this.receivers === 1 ? "Waiting for the receiver" : "Waiting for receivers");
        if (this.code !== "") setShown(byId("code-card"), true);
        break;
      case "meeting":
        this.setStatus("A receiver knows the code, and is being asked whether to take it");
        break;
      case "progress":
        this.row(message.receiver).update(message.done, message.total);
        if (this.receivers === 1) setShown(byId("code-card"), false);
        if (this.receivers === 1) this.setStatus("");
        this.showTitle();
        break;
      case "stored":
        this.stored += 1;
        this.row(message.receiver).finish("has stored everything");
        announce("A receiver has stored everything.");
        break;
      case "connection":
        if (message.state === "lost") {
          for (const row of this.rows.values()) row.broken();
          this.setStatus("The connection is lost. Both sides go back by themselves, for ten minutes");
        } else {
          for (const row of this.rows.values()) row.continued();
          this.setStatus(this.receivers === 1 ? "" : "Waiting for receivers");
        }
        break;
      case "note": {
        const text = explainNote(message.id, "sender", message.values);
        if (text !== null) this.notes.add(text);
        break;
      }
      case "finished":
        this.finish();
        break;
      case "failed":
        if (this.stopped && this.stored > 0) this.finish();
        else showFailure(explainFailure(message.id, "sender", message.values), message.values, this.storedText());
        break;
      default:
        break;
    }
  }

  tick(): void {
    for (const row of this.rows.values()) row.tick();
  }

  close(): void {
    this.listeners.abort();
    this.worker.retire();
    byId("qr").replaceChildren();
    byId("code-shown").replaceChildren();
  }

  private on(id: string, action: () => void): void {
    byId(id).addEventListener("click", action, { signal: this.listeners.signal });
  }

  private setStatus(text: string): void {
    if (!this.stopped) setStatus(byId("sending-status"), text, text !== "");
  }

  private showCode(code: string): void {
    this.code = code;
    const shown = byId("code-shown");
    shown.replaceChildren();
    shown.classList.toggle("long", code.length > 24);
    // Each part stays on one line.
    code.split("-").forEach((part, i) => {
      if (i > 0) shown.append("-", document.createElement("wbr"));
      shown.append(element("span", "", part));
    });
    setText(byId("here"), location.host);
    setText(byId("recv-command"), `parley recv --relay ${relayOf(location)}`);
    setShown(byId("share-link"), typeof navigator.share === "function");
    drawQr(linkFor(code, location));
    setShown(byId("code-card"), true);
    announce(`The code is ${code}`);
    setTitle("Waiting");
  }

  private row(receiver: number): ProgressRow {
    let row = this.rows.get(receiver);
    if (row === undefined) {
      row = new ProgressRow(this.receivers === 1 ? "The receiver has" : `Receiver ${this.rows.size + 1} has`);
      this.rows.set(receiver, row);
      byId("receivers-list").append(row.root);
    }
    return row;
  }

  private showTitle(): void {
    const parts = [...this.rows.values()].filter((row) => !row.complete).map((row) => row.part ?? 0);
    if (parts.length > 0) setTitle(`${Math.floor(Math.min(...parts) * 100)}%`);
  }

  private storedText(): string {
    return this.stored === 0 ? "" : `${formatCount(this.stored, "receiver has", "receivers have")} stored it before.`;
  }

  private finish(): void {
    const what =
      this.receivers === 1 ? "The receiver has stored everything." : `${formatCount(this.stored, "receiver has", "receivers have")} stored everything.`;
    showFinished({ title: `Sent ${this.name}`, what });
  }
}
