// While something is unfinished, the browser asks before it closes the page, and the screen stays on.

let unfinished = false;
let lock: WakeLockSentinel | null = null;

function ask(event: BeforeUnloadEvent): void {
  event.preventDefault();
  event.returnValue = true; // what older browsers look at
}

async function stayAwake(): Promise<void> {
  if (!unfinished || document.visibilityState !== "visible" || (lock !== null && !lock.released) || !("wakeLock" in navigator)) return;
  try {
    const sentinel = await navigator.wakeLock.request("screen");
    if (unfinished) lock = sentinel;
    else await sentinel.release();
  } catch {
    // the battery is low, or the browser does not want to
  }
}

export function setUnfinished(value: boolean): void {
  if (value === unfinished) return;
  unfinished = value;
  if (value) {
    addEventListener("beforeunload", ask);
    document.addEventListener("visibilitychange", stayAwake); // the browser releases it with the page
    void stayAwake();
  } else {
    removeEventListener("beforeunload", ask);
    document.removeEventListener("visibilitychange", stayAwake);
    void lock?.release();
    lock = null;
  }
}
