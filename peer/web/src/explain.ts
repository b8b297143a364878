// Why something failed, in one sentence, and what to do about it.
import { visible } from "./format";
import type { FailureId } from "./messages";

export type Role = "sender" | "receiver";

export interface Explanation {
  readonly title: string;
  readonly what: string;
  readonly todo: string;
}

type Values = Readonly<Record<string, string>>;
type Row = (role: Role, values: Values) => Explanation;

const cli = "the command line program parley";

function path(values: Values): string {
  const text = values["path"] ?? "";
  return text === "" ? "" : ` “${visible(text)}”`;
}

function reason(values: Values): string {
  const text = values["detail"] ?? "";
  return text === "" ? "" : ` (${visible(text)})`;
}

const failures: Record<FailureId, Row> = {
  "wrong-code": (role) =>
    role === "receiver"
      ? {
          title: "The code does not match",
          what: "The sender who waits at this relay has another code.",
          todo: "Compare the code with the sender’s, letter by letter, and type it again.",
        }
      : {
          title: "Too many wrong codes",
          what: "So many others came with a wrong code that somebody may be guessing it.",
          todo: "Send again with a new code, and not with one that you thought up.",
        },
  refused: (role) =>
    role === "sender"
      ? {
          title: "The other side said no",
          what: "The receiver does not want the document, or cannot take it.",
          todo: "Ask the receiver why, and send it again.",
        }
      : {
          title: "It was refused",
          what: "The relay or the sender refused the connection.",
          todo: "Ask the sender to send it again, with a new code.",
        },
  "cancelled-here": (role) => ({
    title: "Stopped",
    what: "You stopped it, and the other side was told.",
    todo: role === "receiver" ? "No incomplete file was saved." : "Nothing is being sent any more.",
  }),
  "cancelled-there": (role) => ({
    title: "The other side stopped",
    what: `The ${role === "sender" ? "receiver" : "sender"} ended the transfer before it was complete.`,
    todo: role === "receiver" ? "No incomplete file was saved. Ask the sender for a new code." : "Ask the receiver, and send it again.",
  }),
  "relay-unreachable": () => ({
    title: "The relay cannot be reached",
    what: "This page got no connection to the relay that served it.",
    todo: "Check that you are online, and try again; if that does not help, the relay may be down, or something in your network stops WebSockets.",
  }),
  "relay-closed": () => ({
    title: "The relay closed the connection",
    what: "The relay is being restarted, is full, or has had too many connections from your network.",
    todo: "Wait a minute and try again.",
  }),
  "connection-lost": (role) => ({
    title: "The connection was lost",
    what: "The two sides did not find each other again within ten minutes.",
    todo: `Check that both are online, and ${role === "sender" ? "send it again" : "ask the sender for a new code"}; no incomplete file was saved.`,
  }),
  "no-space": (role) =>
    role === "receiver"
      ? {
          title: "There is not enough room",
          what: "The document is larger than what is free here.",
          todo: `Free some space and ask the sender to send it again, or receive it with ${cli}.`,
        }
      : {
          title: "The other side has not enough room",
          what: "The document is larger than what is free at the receiver, or above a limit there.",
          todo: "Send less, or ask the receiver to free some space.",
        },
  changed: (role, values) => ({
    title: "A file changed",
    what: `The file${path(values)} changed or disappeared while it was being sent.`,
    todo: role === "sender" ? "Wait until nothing writes to it, choose it again, and send it again." : "Ask the sender to send it again.",
  }),
  name: (role, values) => ({
    title: "A name cannot be used",
    what: `The name${path(values)} is taken already, misleading, or not possible at the receiver.`,
    todo: role === "sender" ? "Give it another name and send it again." : `Receive it into another folder, or with ${cli}.`,
  }),
  protocol: () => ({
    title: "Something is not as it should be",
    what: "What came from the other side or from the relay breaks the rules of the protocol.",
    todo: "Try again with a new code; if it happens again, one of the two programs has a fault or somebody interferes.",
  }),
  "timed-out": (role) => ({
    title: "Nobody came",
    what: `No ${role === "sender" ? "receiver" : "sender"} with this code came in time.`,
    todo: role === "sender" ? "Send it again, and tell the receiver the new code." : "Ask the sender whether the page or program is still open, and try again.",
  }),
  unsupported: () => ({
    title: "This browser cannot do it",
    what: "The browser lacks something that this transfer needs.",
    todo: `Use a current Firefox, Chromium or Safari, or ${cli}.`,
  }),
  storage: (role, values) => ({
    title: role === "receiver" ? "It could not be saved" : "A file could not be read",
    what:
      role === "receiver"
        ? `The browser could not write${path(values)} to its storage or to the folder that you chose.`
        : `The browser could not read${path(values)}: it may have been moved, or the browser may not open it.`,
    todo: role === "receiver" ? "Check the free space and the folder, and ask the sender to send it again." : "Choose the files again, and send them again.",
  }),
  internal: () => ({
    title: "The page failed",
    what: "A fault of this page ended the transfer.",
    todo: `Reload the page and try again; if it happens again, use ${cli}, and please report it.`,
  }),
};

export function explainFailure(id: FailureId, role: Role, values: Values): Explanation {
  const row = Object.hasOwn(failures, id) ? failures[id] : failures.internal;
  return row(role, values);
}

const notes: Readonly<Record<string, (role: Role, values: Values) => string>> = {
  "wrong-code": (role) =>
    role === "sender"
      ? "Somebody came with another code, or with an older program that this page cannot meet."
      : "A sender with another code, or with an older program, waits at this relay. Yours may still come.",
  "mistyped-code": () => "The code has a wrong letter: its check letter does not fit. Compare it with the sender’s.",
  guesses: (_, values) => `${values["count"] ?? "Many"} others came with a wrong code in the last minute. Somebody may be guessing.`,
  refused: (_, values) => `A receiver did not take it${reason(values)}. The code is still good.`,
  left: (_, values) => `A receiver left before the end${reason(values)}. The code is still good.`,
  skipped: (_, values) => `Left out:${path(values)}${values["reason"] ? ` (${visible(values["reason"])})` : ""}.`,
  reconnecting: (_, values) => `The relay is lost; connecting again in ${values["seconds"] ?? "a few"} seconds.`,
};

/** What is worth knowing and ends nothing; null for what this page does not know. */
export function explainNote(id: string, role: Role, values: Values): string | null {
  return Object.hasOwn(notes, id) ? notes[id]!(role, values) : null;
}

/** Technical words of the worker, behind the sentence. */
export function detailOf(values: Values): string {
  const detail = values["detail"] ?? "";
  return detail === "" ? "" : `Details: ${visible(detail)}`;
}
