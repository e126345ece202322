/**
 * Call back when the network or the person may have come back, where there is a window to tell it.
 *
 * @param {() => void} hint
 * @returns {() => void} ends it
 */
export function watchReturn(hint) {
  const { window, document } = globalThis;
  if (typeof window === "undefined" || typeof window.addEventListener !== "function") return () => {};
  const seen = () => isVisible() && hint();
  const names = ["online", "offline"]; // offline: to find out soon whether that is so
  for (const name of names) window.addEventListener(name, hint);
  document?.addEventListener("visibilitychange", seen);
  return () => {
    for (const name of names) window.removeEventListener(name, hint);
    document?.removeEventListener("visibilitychange", seen);
  };
}

/** Whether somebody can see the page; without a page: yes. */
export function isVisible() {
  return (globalThis.document?.visibilityState ?? "visible") === "visible";
}
