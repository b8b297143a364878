// What the address of the page says: the code behind '#', and where the relay is.

/** The parts of `location` that are used here. */
export interface PageAddress {
  readonly protocol: string;
  readonly host: string;
  readonly pathname: string;
  readonly hash: string;
}

/** The code behind '#', or null where there is none. */
export function codeOf(address: PageAddress): string | null {
  const text = address.hash.replace(/^#/, "");
  if (text === "") return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody's own password, with a '%' that was not encoded
  }
}

/** Path of the page: without the file's name, and so the same for everybody who uses this lobby. */
function folder(address: PageAddress): string {
  return address.pathname.replace(/\/index\.html$/, "/");
}

/** A link that opens the page with `code`. Browsers never send what is behind '#'. */
export function linkFor(code: string, address: PageAddress): string {
  return `${address.protocol}//${address.host}${folder(address)}#${encodeURIComponent(code)}`;
}

/** The relay that serves the page: the same host, port and path, so that a lobby's page meets in its lobby. */
export function relayOf(address: PageAddress): string {
  const scheme = address.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${address.host}${folder(address).replace(/^\/$/, "")}`;
}
