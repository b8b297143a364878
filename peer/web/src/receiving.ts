// The receiver's side: finds the sender, asks the user, shows how far it is, and hands over what came.
import { copyText, showFailure, showFinished } from "./endings";
import { memoryLimit, type Environment } from "./environment";
import { explainFailure, explainNote } from "./explain";
import { formatCount, formatFiles, formatSize, visible } from "./format";
import type { FromWorker, Target } from "./messages";
import type { PeerWorker } from "./peer_worker";
import { ProgressRow } from "./progress_row";
import type { Transfer } from "./role";
import { prepareDownload, startDownload, type Download } from "./save";
import { announce, byId, element, Notes, setShown, setStatus, setText, setTitle, shownView, showView } from "./view";

type Offer = Extract<FromWorker, { type: "offer" }>;
type ReceivedFiles = Extract<FromWorker, { type: "received"; files: unknown }>;

/** One file that stands for itself, and not a folder with one file in it. */
function isSingleFile(offer: Offer): boolean {
  const path = offer.list[0]?.path;
  return offer.files === 1 && offer.folders === 0 && (path === "" || path === offer.name);
}

export class Receiving implements Transfer {
  private readonly listeners = new AbortController();
  private notes: Notes;
  private row: ProgressRow | null = null;
  private offer: Offer | null = null;
  private status: HTMLElement;
  private refused = false;
  private complete = false;
  private downloadReadsSpool = false;

  constructor(
    private readonly worker: PeerWorker,
    private readonly environment: Environment,
    code: string,
    private readonly onUnfinished: (value: boolean) => void,
  ) {
    this.notes = new Notes(byId("finding-notes"));
    this.status = byId("finding-status");
    setShown(byId("finding-again"), false);
    showView("finding");
    setTitle("Looking");
    setStatus(this.status, "Connecting to the relay", true);
    for (const id of ["finding-stop", "receiving-stop"]) {
      this.on(id, () => {
        setStatus(this.status, "Stopping", true);
        worker.cancel();
      });
    }
    this.on("offer-yes", () => void this.accept());
    this.on("offer-download", () => this.answer(this.withoutPicker()));
    this.on("offer-no", () => this.refuse());
    worker.post({ type: "receive", code });
  }

  onMessage(message: FromWorker): void {
    switch (message.type) {
      case "waiting":
        setStatus(this.status, "Waiting for the sender", true);
        break;
      case "meeting":
        setStatus(this.status, "The sender is there. Waiting for what it offers", true);
        break;
      case "offer":
        this.showOffer(message);
        break;
      case "progress":
        this.showProgress(message.done, message.total);
        break;
      case "connection":
        if (message.state === "lost") this.row?.broken();
        else this.row?.continued();
        setStatus(
          this.status,
          message.state === "lost" ? "The connection is lost. Both sides go back by themselves, for ten minutes" : "",
          message.state === "lost",
        );
        break;
      case "received":
        this.complete = true;
        this.row?.finish("complete");
        if ("text" in message) this.showText(message.text);
        else this.handOver(message);
        break;
      case "saved":
        this.complete = true;
        showFinished({ title: `Received ${this.called()}`, what: "It is where you wanted it." });
        break;
      case "note": {
        if (message.id === "mistyped-code") setShown(byId("finding-again"), true);
        const text = explainNote(message.id, "receiver", message.values);
        if (text !== null) this.notes.add(text);
        break;
      }
      case "failed":
        if (!this.complete && !this.refused) showFailure(explainFailure(message.id, "receiver", message.values), message.values);
        break;
      default:
        break;
    }
  }

  tick(): void {
    this.row?.tick();
  }

  close(): void {
    this.listeners.abort();
    if (this.downloadReadsSpool) this.worker.leave();
    else this.worker.retire();
  }

  private on(id: string, action: () => void): void {
    byId(id).addEventListener("click", action, { signal: this.listeners.signal });
  }

  private called(): string {
    if (this.offer?.text) return "a text";
    const name = visible(this.offer?.name ?? "");
    return name === "" ? formatCount(this.offer?.files ?? 0, "file") : `“${name}”`;
  }

  private showOffer(offer: Offer): void {
    this.offer = offer;
    const single = isSingleFile(offer);
    setText(byId("offer-title"), offer.text ? "Receive a text?" : single ? "Receive this file?" : offer.name === "" ? "Receive these files?" : "Receive this folder?");
    setText(byId("offer-name"), visible(offer.name));
    setShown(byId("offer-name"), offer.name !== "");
    const size = offer.bytes === null ? "of unknown size" : formatSize(offer.bytes);
    setText(byId("offer-facts"), offer.text || single ? size : `${formatFiles(offer.files, offer.folders)}, ${size}`);
    this.showList(offer);

    const picker = !offer.text && (single ? this.environment.filePicker : this.environment.folderPicker);
    const room = this.environment.storage ? offer.room : memoryLimit;
    const fits = offer.text || room === null || offer.bytes === null || offer.bytes <= room;
    setText(byId("offer-room"), offer.text || room === null ? "" : `${formatSize(room)} ${this.environment.storage ? "are free in this browser." : "fit into this browser’s memory."}`);
    setText(byId("offer-yes"), picker ? "Receive, and choose where" : "Receive");
    byId<HTMLButtonElement>("offer-yes").disabled = !picker && !fits;
    setShown(byId("offer-download"), picker && fits);
    const warning = byId("offer-warning");
    setShown(warning, !fits);
    if (!fits)
      setText(
        warning,
        picker
          ? `It is larger than the room that this browser has, ${formatSize(room)}. Choose where on your disk it goes.`
          : `It is larger than the room that this browser has, ${formatSize(room)}. Say no, and receive it with the command line program parley, or with another browser.`,
      );
    setText(byId("offer-error"), "");
    showView("offer");
    setTitle("Receive?");
    announce(`${byId("offer-title").textContent} ${this.called()}, ${byId("offer-facts").textContent}`);
  }

  private showList(offer: Offer): void {
    const list = byId("offer-list");
    const details = byId<HTMLDetailsElement>("offer-details");
    setShown(details, !offer.text && !isSingleFile(offer) && offer.list.length > 0);
    details.open = offer.list.length <= 5;
    list.replaceChildren(
      ...offer.list.map((file) => {
        const item = element("li");
        const path = element("span", "path", visible(file.path) + (file.kind === "folder" ? "/" : ""));
        path.dir = "auto";
        item.append(path, element("span", "size", file.kind === "file" ? formatSize(file.size) : file.kind));
        return item;
      }),
    );
    const others = offer.files + offer.folders - offer.list.length;
    setText(byId("offer-more"), others > 0 ? `and ${others.toLocaleString("en")} more` : "");
  }

  private withoutPicker(): Target {
    if (this.offer?.text) return { kind: "memory", limit: 65536 };
    return this.environment.storage ? { kind: "opfs" } : { kind: "memory", limit: memoryLimit };
  }

  private async accept(): Promise<void> {
    const offer = this.offer;
    if (offer === null) return;
    setText(byId("offer-error"), "");
    try {
      if (!offer.text && isSingleFile(offer) && window.showSaveFilePicker !== undefined)
        this.answer({ kind: "file", handle: await window.showSaveFilePicker({ id: "parley", suggestedName: offer.name }) });
      else if (!offer.text && !isSingleFile(offer) && window.showDirectoryPicker !== undefined)
        this.answer({ kind: "folder", handle: await window.showDirectoryPicker({ id: "parley", mode: "readwrite" }) });
      else this.answer(this.withoutPicker());
    } catch (failure) {
      const closed = failure instanceof DOMException && failure.name === "AbortError";
      setText(byId("offer-error"), closed ? "" : "The browser does not let this page write there. Choose another place.");
    }
  }

  private answer(target: Target): void {
    if (shownView() !== "offer") return; // it failed while the picker was open
    this.worker.post({ type: "answer", accept: true, target });
    this.status = byId("receiving-status");
    this.notes = new Notes(byId("receiving-notes"));
    setText(byId("receiving-title"), `Receiving ${this.called()}`);
    this.row = new ProgressRow("You have");
    this.row.update(0, this.offer?.bytes ?? null);
    byId("receiving-rows").replaceChildren(this.row.root);
    setStatus(this.status, "");
    showView("receiving");
  }

  private refuse(): void {
    this.refused = true;
    this.onUnfinished(false);
    this.worker.post({ type: "answer", accept: false });
    showFinished({ title: "Not received", what: "You said no, and the sender is told." });
  }

  private showProgress(done: number, total: number | null): void {
    this.row?.update(done, total);
    const part = this.row?.part ?? null;
    if (part !== null) setTitle(`${Math.floor(part * 100)}%`);
  }

  private showText(text: string): void {
    showFinished({ title: "Received a text", what: "" });
    setText(byId("finished-text"), text);
    setShown(byId("finished-text"), true);
    setShown(byId("copy-text"), true);
    this.worker.post({ type: "exported" });
    this.on("copy-text", () => copyText(byId("copy-text"), text));
    this.onUnfinished(false);
  }

  /** Gives what the browser's storage holds to the user: at once, and again for each press of the button. */
  private handOver(received: ReceivedFiles): void {
    const button = byId<HTMLButtonElement>("save");
    const notes = new Notes(byId("finished-notes"));
    showFinished({ title: `Received ${this.called()}`, what: "It is complete." });
    setShown(button, true);
    let made: Download | null = null;
    const attempt = async (): Promise<void> => {
      button.disabled = true;
      try {
        if (made === null) {
          setText(byId("finished-what"), received.single ? "It is complete. Handing it over to the downloads." : "It is complete. Packing it into a ZIP file for the downloads.");
          made = await prepareDownload(received);
        }
        startDownload(made);
        if (received.single) this.downloadReadsSpool = true;
        else this.worker.post({ type: "exported" }); // the ZIP file has it all
        setText(byId("finished-what"), received.single ? "It is complete, and in the downloads of your browser." : "It is complete, and in the downloads of your browser as a ZIP file.");
        announce(byId("finished-what").textContent ?? "");
        this.onUnfinished(false);
      } catch (failure) {
        setText(byId("finished-what"), "It is complete, but not saved yet.");
        notes.add(`The browser could not save it: ${visible(failure instanceof Error ? failure.message : String(failure))}`);
      }
      setText(button, "Save again");
      button.disabled = false;
    };
    setText(button, "Save");
    this.on("save", () => void attempt());
    void attempt();
  }
}
