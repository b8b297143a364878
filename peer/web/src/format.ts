// How numbers and foreign names are written.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** `1.2 GiB`; three digits at most. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (unit + 1 < units.length && Math.round(value) >= (unit === 0 ? 1024 : 1000)) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `1 file`, `2,000 files`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** `3 files in 2 folders`, `no files`. */
export function formatFiles(files: number, folders: number): string {
  const text = files === 0 ? "no files" : formatCount(files, "file");
  return folders === 0 ? text : `${text} in ${formatCount(folders, "folder")}`;
}

/** `15 seconds`, `12 minutes`: no more exact than an estimate is. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} seconds`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return formatCount(minutes, "minute");
  const hours = Math.round(minutes / 60);
  return hours < 48 ? formatCount(hours, "hour") : formatCount(Math.round(hours / 24), "day");
}

// Control characters, what turns the direction of text, and what takes no room: with them a name looks like another.
// Emoji and several scripts need joiners, and flags need tags: these stay after a character that is not ASCII.
const needed = /(?<=[^\0-\x7f\u200c\u200d])[\u200c\u200d]|(?<=[^\0-\x7f])[\u{e0020}-\u{e007f}]/u;
const misleading = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/u;
const either = new RegExp(`${needed.source}|(?<misleading>${misleading.source})`, "gu");

/** A text of the other side, with its invisible characters written out: `exe\u202e.txt` becomes `exe⟨202E⟩.txt`. */
export function visible(text: string): string {
  return text.replace(either, (character, misled?: string) => {
    if (misled === undefined) return character;
    return `⟨${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
