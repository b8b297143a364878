// The page: what the user wants, one transfer at a time.
import { collectFiles, collectFolder, collectTransfer, joinItems, TooMany, topsOf, withoutTop, type Collection } from "./collect";
import { limitsOf, lookAround, type Environment } from "./environment";
import { formatFiles, formatSize, visible } from "./format";
import { codeOf, relayOf } from "./link";
import type { FromWorker, SendItem } from "./messages";
import { PeerWorker } from "./peer_worker";
import { Receiving } from "./receiving";
import type { Transfer } from "./role";
import { describe, Sending } from "./sending";
import { setUnfinished } from "./unfinished";
import { announce, byId, element, setShown, setText, setTitle, showView, shownView } from "./view";

/** A text above this travels as a file. */
const maxTextBytes = 65536;
const maxShownTops = 200;

let environment: Environment;
let transfer: Transfer | null = null;
let items: SendItem[] = [];
let writing = false; // a text is being written, and no items are chosen
let retry: (() => void) | null = null;

// --- one transfer

function begin(make: (worker: PeerWorker) => Transfer, again: () => void): void {
  transfer?.close();
  retry = again;
  setUnfinished(true);
  const worker = new PeerWorker(relayOf(location), (message) => hear(message));
  transfer = make(worker);
}

function hear(message: FromWorker): void {
  transfer?.onMessage(message);
  const over = message.type === "failed" || message.type === "finished" || message.type === "saved";
  if (over && !(transfer instanceof Receiving && message.type === "finished")) setUnfinished(false);
}

function receive(code: string): void {
  if (!usable()) return;
  begin(
    (worker) => new Receiving(worker, environment, code, setUnfinished),
    () => receive(code),
  );
}

function send(chosen: SendItem[], receivers: number | "unlimited", code: string): void {
  begin(
    (worker) => new Sending(worker, chosen, receivers, code),
    () => send(chosen, receivers, code),
  );
}

function startAgain(): void {
  transfer?.close();
  transfer = null;
  items = [];
  writing = false;
  setUnfinished(false);
  byId<HTMLFormElement>("receive").reset();
  byId<HTMLFormElement>("prepare-form").reset();
  setText(byId("start-error"), "");
  setTitle("");
  announce("");
  showView("start");
}

// --- what to send

function usable(): boolean {
  return environment.able && environment.complete;
}

function mayChoose(): boolean {
  return usable() && (shownView() === "start" || (shownView() === "prepare" && !writing));
}

async function add(collecting: Promise<Collection> | Collection): Promise<void> {
  const error = byId(shownView() === "prepare" ? "prepare-error" : "start-error");
  setText(error, "");
  try {
    const collection = await collecting;
    if (!mayChoose()) return;
    if (collection.items.length === 0 && collection.unreadable.length === 0) return;
    items = joinItems(items, collection.items);
    if (items.length > 0) showPrepare();
    const [first, ...others] = collection.unreadable;
    if (first !== undefined)
      setText(
        byId(items.length > 0 ? "prepare-error" : "start-error"),
        `The browser cannot read “${visible(first)}”${others.length > 0 ? ` and ${others.length} more` : ""}. It is left out.`,
      );
  } catch (failure) {
    setText(error, failure instanceof TooMany ? "These are more than a million files and folders. Pack them first, or send fewer." : "The browser cannot read this. Choose something else.");
  }
}

function showPrepare(): void {
  setShown(byId("text-part"), writing);
  setShown(byId("add-more"), !writing);
  setShown(byId("more-folder"), canChooseFolder());
  setText(byId("prepare-error"), "");
  const tops = topsOf(items);
  setText(byId("prepare-title"), writing ? "Send a text" : `Send ${describe(items)}`);
  byId("chosen").replaceChildren(
    ...tops.slice(0, maxShownTops).map((top) => {
      const item = element("li");
      const name = element("span", "path", visible(top.name));
      name.dir = "auto";
      const size = element("span", "size", top.folder ? `${formatFiles(top.files, top.folders)}, ${formatSize(top.bytes)}` : formatSize(top.bytes));
      const remove = element("button", "remove", "×");
      remove.type = "button";
      remove.setAttribute("aria-label", `Remove ${visible(top.name)}`);
      remove.addEventListener("click", () => {
        items = withoutTop(items, top.name);
        if (items.length === 0) startAgain();
        else showPrepare();
      });
      item.append(name, size, remove);
      return item;
    }),
    ...(tops.length > maxShownTops ? [element("li", "", `and ${(tops.length - maxShownTops).toLocaleString("en")} more`)] : []),
  );
  setShown(byId("chosen"), !writing);
  if (shownView() !== "prepare" || !writing) showView("prepare");
  if (writing) byId("text").focus();
  setTitle("Send");
}

function writeText(text: string): void {
  writing = true;
  items = [];
  byId<HTMLTextAreaElement>("text").value = text;
  showTextSize();
  showPrepare();
}

function textBytes(): number {
  return new TextEncoder().encode(byId<HTMLTextAreaElement>("text").value).length;
}

function showTextSize(): void {
  const bytes = textBytes();
  setText(byId("text-size"), bytes > maxTextBytes ? `${formatSize(bytes)}: it is longer than ${formatSize(maxTextBytes)} and travels as the file message.txt.` : "");
}

function sendPrepared(): void {
  const choice = byId<HTMLSelectElement>("receivers").value;
  const receivers = choice === "unlimited" ? choice : Number(choice);
  const code = byId<HTMLInputElement>("own-code").value;
  if (writing) {
    const text = byId<HTMLTextAreaElement>("text").value;
    if (text === "") {
      setText(byId("prepare-error"), "There is no text yet.");
      byId("text").focus();
      return;
    }
    const tooLong = textBytes() > maxTextBytes;
    items = tooLong ? [{ kind: "file", path: "message.txt", file: new File([text], "message.txt", { type: "text/plain" }) }] : [{ kind: "text", text }];
  }
  send(items, receivers, code);
}

function canChooseFolder(): boolean {
  return environment.folderPicker || environment.folderInput;
}

async function chooseFolder(): Promise<void> {
  if (window.showDirectoryPicker === undefined) {
    byId("folder-input").click();
    return;
  }
  try {
    const handle = await window.showDirectoryPicker({ id: "parley-send", mode: "read" });
    await add(collectFolder(handle));
  } catch (failure) {
    if (!(failure instanceof DOMException && failure.name === "AbortError")) byId("folder-input").click();
  }
}

// --- what the user does

function listenToChoices(): void {
  for (const id of ["file-input", "folder-input"]) {
    const input = byId<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      const collection = (): Collection => collectFiles([...(input.files ?? [])]);
      void add(Promise.resolve().then(collection)).finally(() => (input.value = ""));
    });
  }
  for (const id of ["choose-files", "more-files"]) byId(id).addEventListener("click", () => byId("file-input").click());
  for (const id of ["choose-folder", "more-folder"]) byId(id).addEventListener("click", () => void chooseFolder());
  byId("write-text").addEventListener("click", () => writeText(""));
  byId("text").addEventListener("input", showTextSize);
  byId("prepare-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sendPrepared();
  });
  byId("prepare-back").addEventListener("click", startAgain);
}

function listenToDrops(): void {
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // or the browser would leave the page to show the file
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = mayChoose() ? "copy" : "none";
    document.body.classList.toggle("dropping", mayChoose());
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer !== null && mayChoose()) void add(collectTransfer(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const into = event.target;
    if (into instanceof HTMLInputElement || into instanceof HTMLTextAreaElement || event.clipboardData === null || !mayChoose()) return;
    if (event.clipboardData.types.includes("Files")) {
      event.preventDefault();
      void add(collectTransfer(event.clipboardData));
    } else if (shownView() === "start") {
      const text = event.clipboardData.getData("text/plain");
      if (text !== "") writeText(text);
    }
  });
}

function listenToCodes(): void {
  const input = byId<HTMLInputElement>("code");
  byId("receive").addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() !== "") receive(input.value);
  });
  byId("finding-again").addEventListener("click", () => {
    startAgain();
    input.focus();
  });
  for (const id of ["finished-again", "failed-again"]) byId(id).addEventListener("click", startAgain);
  byId("failed-retry").addEventListener("click", () => retry?.());
  addEventListener("hashchange", receiveLinked);
}

/** Takes the code out of the address bar, so that it is not in the history, a bookmark or a picture of the screen. */
function receiveLinked(): void {
  const code = codeOf(location);
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  if (code !== null && (shownView() === "start" || shownView() === "failed")) receive(code);
}

function showLimits(): void {
  const limits = limitsOf(environment, location.host);
  const box = byId("limits");
  setShown(box, limits !== null);
  if (limits === null) return;
  const list = element("ul");
  list.append(...limits.list.map((line) => element("li", "", line)));
  const title = element("p");
  title.append(element("strong", "", limits.title));
  box.replaceChildren(title, list, element("p", "", limits.todo));
}

async function main(): Promise<void> {
  const code = codeOf(location); // before anything waits
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  for (const host of document.querySelectorAll<HTMLElement>(".host")) setText(host, location.host);
  setText(byId("cli-command"), `parley send --relay ${relayOf(location)} FILE`);
  environment = await lookAround();
  showLimits();
  if (!usable()) for (const button of byId("start").querySelectorAll("button")) button.disabled = true;
  setShown(byId("choose-folder"), canChooseFolder());
  document.body.dataset["view"] = "start";
  listenToChoices();
  listenToDrops();
  listenToCodes();
  setInterval(() => transfer?.tick(), 1000);
  if (code !== null) receive(code);
}

void main();
