// What the page and the worker tell each other by postMessage. Whatever comes from the other side is text, and is shown
// as nothing else. A code is never stored, logged or sent in a URL.

/** `path` has '/' between names, and begins with the name of the file or folder that the user chose. */
export type SendItem =
  | { readonly kind: "file"; readonly path: string; readonly file: File }
  | { readonly kind: "folder"; readonly path: string; readonly modified?: number }
  | { readonly kind: "text"; readonly text: string }; // the only item then

export type ToWorker =
  | {
      readonly type: "start";
      readonly module: WebAssembly.Module | string; // or its URL
      readonly relay: string; // ws(s)://host[:port][/base]
    }
  | {
      readonly type: "send";
      readonly items: readonly SendItem[];
      readonly name: string; // of one file or folder, or the title of several; may be empty
      readonly receivers: number | "unlimited";
      readonly code?: string;
    }
  | { readonly type: "receive"; readonly code: string }
  | { readonly type: "answer"; readonly accept: true; readonly target: Target }
  | { readonly type: "answer"; readonly accept: false }
  | { readonly type: "exported" } // the page has handed the received document to the user
  | { readonly type: "cancel" };

export type Target =
  | { readonly kind: "opfs" }
  | { readonly kind: "folder"; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: "file"; readonly handle: FileSystemFileHandle }
  | { readonly kind: "memory"; readonly limit: number };

export interface OfferedFile {
  readonly path: string;
  readonly size: number;
  readonly kind: "file" | "folder" | "link";
}

export interface ReceivedFile {
  readonly path: string;
  readonly handle: FileSystemFileHandle | Blob;
}

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "code"; readonly code: string } // sender: show it
  | { readonly type: "waiting" } // connected to the relay
  | { readonly type: "meeting" } // the other side knows the code
  | {
      readonly type: "offer";
      readonly name: string;
      readonly text: boolean;
      readonly files: number;
      readonly folders: number;
      readonly bytes: number | null; // null: not known before the end
      readonly list: readonly OfferedFile[]; // at most 1000
      readonly room: number | null; // bytes free, when known
    }
  | {
      readonly type: "progress";
      readonly done: number; // sender: what the receiver has; receiver: what is verified
      readonly total: number | null;
      readonly receiver: number;
      readonly receivers: number;
    }
  | { readonly type: "connection"; readonly state: "lost" | "continued"; readonly seconds: number }
  | { readonly type: "stored"; readonly receiver: number } // sender: one receiver has everything
  | { readonly type: "received"; readonly text: string } // verified
  | {
      readonly type: "received"; // verified: the page exports it
      readonly files: readonly ReceivedFile[];
      readonly name: string;
      readonly single: boolean;
      readonly folders: readonly string[];
    }
  | { readonly type: "saved" } // receiver: under its final name already
  | { readonly type: "note"; readonly id: string; readonly values: Readonly<Record<string, string>> } // not fatal
  // The last message is one of these.
  | { readonly type: "failed"; readonly id: FailureId; readonly values: Readonly<Record<string, string>> }
  | { readonly type: "finished" };

export type FailureId =
  | "wrong-code"
  | "refused"
  | "cancelled-here"
  | "cancelled-there"
  | "relay-unreachable"
  | "relay-closed"
  | "connection-lost"
  | "no-space"
  | "changed"
  | "name"
  | "protocol"
  | "timed-out"
  | "unsupported"
  | "storage"
  | "internal";
