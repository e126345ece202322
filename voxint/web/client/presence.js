/** Whether a person is there, as far as a page can know. */

/** Whether somebody can see the page; without a page: yes. */
export function isVisible() {
  return (globalThis.document?.visibilityState ?? "visible") === "visible";
}

/**
 * Call back when the network or the person may have come back, where there is a window to tell it.
 *
 * @param {() => void} hint
 * @returns {() => void} ends it
 */
export function watchReturn(hint) {
  const { window, document } = globalThis;
  if (typeof window?.addEventListener !== "function") return () => {};
  const end = new AbortController();
  const { signal } = end;
  // offline: to find out soon whether that is so
  for (const name of ["online", "offline"]) window.addEventListener(name, hint, { signal });
  document?.addEventListener("visibilitychange", () => isVisible() && hint(), { signal });
  return () => end.abort();
}
