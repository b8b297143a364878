// What browsers have and TypeScript's library does not know yet, and what the build defines.

declare const PARLEY_WORKER_URL: string;
/** "" where the page was built without the WebAssembly module. */
declare const PARLEY_MODULE_URL: string;

interface TrustedScriptURL {
  readonly trustedTypes: true;
}
interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): TrustedScriptURL };
  };
  showDirectoryPicker?(options?: { id?: string; mode?: "read" | "readwrite" }): Promise<FileSystemDirectoryHandle>;
  showSaveFilePicker?(options?: { id?: string; suggestedName?: string }): Promise<FileSystemFileHandle>;
}
