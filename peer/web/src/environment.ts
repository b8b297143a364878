// What this browser gives the page, and what does not work without it.

export interface Environment {
  /** The page was built with a worker. */
  readonly complete: boolean;
  /** https or this computer: elsewhere browsers give no storage, no WebCrypto, no clipboard, no wake lock. */
  readonly secure: boolean;
  /** WebAssembly, and workers that are modules: nothing works without them. */
  readonly able: boolean;
  /** The origin private file system: received documents need not fit into memory. */
  readonly storage: boolean;
  readonly folderPicker: boolean;
  readonly filePicker: boolean;
  /** The file input can choose folders. */
  readonly folderInput: boolean;
}

/** What is held in memory where there is no storage. */
export const memoryLimit = 256 * 1024 * 1024;

export async function lookAround(): Promise<Environment> {
  let storage = false;
  try {
    await navigator.storage.getDirectory();
    storage = true;
  } catch {
    // plain http, a private window, an old browser
  }
  return {
    complete: PARLEY_WORKER_URL !== "",
    secure: window.isSecureContext,
    able: typeof WebAssembly === "object" && typeof Worker === "function",
    storage,
    folderPicker: typeof window.showDirectoryPicker === "function",
    filePicker: typeof window.showSaveFilePicker === "function",
    folderInput: "webkitdirectory" in HTMLInputElement.prototype,
  };
}

export interface Limits {
  readonly title: string;
  readonly list: readonly string[];
  readonly todo: string;
}

/** What does not work here, why, and what to do; null where everything works. `host` is that of the page. */
export function limitsOf(environment: Environment, host: string): Limits | null {
  if (!environment.complete)
    return { title: "This page is not complete.", list: ["It was built without its worker, and can neither send nor receive."], todo: "Build it again." };
  if (!environment.able)
    return {
      title: "This browser cannot run the page.",
      list: ["It has no WebAssembly or no workers. Some browsers turn them off in a strict mode."],
      todo: "Use a current Firefox, Chromium or Safari, or the command line program parley.",
    };
  if (!environment.secure)
    return {
      title: "This page came over plain http, and browsers give such pages less.",
      list: [
        "Anybody in the network between can change the page, and so read what you send and receive.",
        "There is no storage: you can receive at most 256 MiB, which stay in memory until you save them.",
        "Encryption is slower, nothing can be copied with a button, and the screen may turn off during a transfer.",
      ],
      todo: `Open https://${host.replace(/:\d+$/, "")} instead, if it exists, or use the command line program parley.`,
    };
  if (!environment.storage)
    return {
      title: "This browser gives the page no storage.",
      list: ["You can receive at most 256 MiB, which stay in memory until you save them. Private windows are often like this."],
      todo: "For more, use another window or browser, or the command line program parley.",
    };
  return null;
}
