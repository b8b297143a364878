// The views that a transfer ends with, and what their buttons do.
import { detailOf, type Explanation } from "./explain";
import type { Ending } from "./role";
import { announce, byId, setShown, setText, setTitle, showView } from "./view";

export function showFinished(ending: Ending): void {
  setText(byId("finished-title"), ending.title);
  setText(byId("finished-what"), ending.what);
  for (const id of ["finished-text", "save", "copy-text"]) setShown(byId(id), false);
  byId("finished-notes").replaceChildren();
  showView("finished");
  setTitle(ending.title);
  announce(`${ending.title}. ${ending.what}`);
}

export function showFailure(explanation: Explanation, values: Readonly<Record<string, string>>, before = ""): void {
  setText(byId("failed-title"), explanation.title);
  setText(byId("failed-what"), explanation.what);
  setText(byId("failed-todo"), before === "" ? explanation.todo : `${before} ${explanation.todo}`);
  setText(byId("failed-detail"), detailOf(values));
  showView("failed");
  setTitle(explanation.title);
  announce(`${explanation.title}. ${explanation.what} ${explanation.todo}`);
}

const labels = new WeakMap<HTMLElement, string>();

/** Copies and says so on the button for two seconds. */
export function copyText(button: HTMLElement, text: string): void {
  const label = labels.get(button) ?? button.textContent ?? "";
  labels.set(button, label);
  const say = (what: string): void => {
    setText(button, what);
    announce(what);
    setTimeout(() => setText(button, label), 2000);
  };
  if (navigator.clipboard === undefined) {
    say("Not on plain http");
    return;
  }
  navigator.clipboard.writeText(text).then(
    () => say("Copied"),
    () => say("The browser does not let me"),
  );
}
