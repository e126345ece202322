/** What this browser remembers of a person's choices. No key is among it. */

const PLACE = "voxint";

/**
 * @typedef {object} Choices
 * @property {string} voice "" is the agent's own
 * @property {string} language that the person speaks; "" is automatic
 * @property {string} prompt
 * @property {boolean} keep whether an answer goes on when the connection drops
 * @property {"free" | "hold"} mode
 * @property {string} page the page's language; "" is the browser's
 */

/** @type {Readonly<Choices>} */
const DEFAULTS = { voice: "", language: "", prompt: "", keep: false, mode: "free", page: "" };

/** @returns {Choices} */
export function remembered() {
  try {
    return sound(JSON.parse(localStorage.getItem(PLACE) ?? "{}"));
  } catch {
    return { ...DEFAULTS }; // no storage here, or somebody else's writing in it: the page works without
  }
}

/** @param {Choices} choices */
export function remember(choices) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(choices));
  } catch {
    // A browser that keeps nothing (a private window, a full disk): the choices hold until the page is closed.
  }
}

/**
 * Take what fits of a stored text, and the defaults for the rest.
 *
 * @param {unknown} stored
 * @returns {Choices}
 */
export function sound(stored) {
  const known = /** @type {Record<string, unknown>} */ (stored !== null && typeof stored === "object" ? stored : {});
  const fitting = Object.entries(DEFAULTS).map(([name, value]) => [
    name, typeof known[name] === typeof value ? known[name] : value,
  ]);
  const made = /** @type {Choices} */ (Object.fromEntries(fitting));
  return { ...made, mode: made.mode === "hold" ? "hold" : "free" };
}
