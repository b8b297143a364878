// The document of the page: elements, views of which one is shown at a time, and what screen readers say.
// Texts of the other side enter only as text nodes.

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element #${id}`);
  return found as T;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className = "", text = ""): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

/** Sets text only where it differs: live regions speak of each change. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function setShown(target: HTMLElement, shown: boolean): void {
  target.hidden = !shown;
}

/** Shows one view and hides the others. Its heading gets the focus, so that keyboards and screen readers go on there. */
export function showView(id: string): void {
  for (const view of document.querySelectorAll<HTMLElement>("main > .view")) setShown(view, view.id === id);
  document.body.dataset["view"] = id;
  byId(`${id}-title`).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

export function shownView(): string {
  return document.body.dataset["view"] ?? "start";
}

/** Says something that is seen elsewhere on the page. */
export function announce(text: string): void {
  setText(byId("announcer"), text);
}

export function setTitle(text: string): void {
  document.title = text === "" ? "Parley" : `${text} · Parley`;
}

const maxNotes = 20;

/** A list of things that happened on the side; the newest twenty, each once. */
export class Notes {
  constructor(private readonly list: HTMLElement) {
    list.replaceChildren();
  }

  add(text: string): void {
    for (const note of this.list.children) if (note.textContent === text) return;
    while (this.list.children.length >= maxNotes) this.list.firstElementChild?.remove();
    this.list.append(element("li", "", text));
    announce(text);
  }
}

/** What happens now. While it is `busy`, a point breathes beside it. */
export function setStatus(target: HTMLElement, text: string, busy = false): void {
  target.classList.toggle("busy", busy);
  if (text !== "" && target.textContent !== text) announce(text);
  setText(target, text);
}
