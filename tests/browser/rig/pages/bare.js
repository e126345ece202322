/** The tests' bare page: the client's modules, and everything that they tell, in order. */

import * as index from "/web/client/index.js";
import { Player } from "/web/client/player.js";
import { Recorder } from "/web/client/recorder.js";

const client = { ...index, Player, Recorder };

/** @type {{of: string, name: string, detail: unknown, at: number}[]} */
const told = [];

/**
 * Note these events of a target, under a name for it.
 *
 * @template {EventTarget} T
 * @param {string} of
 * @param {T} target
 * @param {string[]} names
 * @returns {T} the target
 */
function note(of, target, names) {
  for (const name of names) {
    target.addEventListener(name, (event) => {
      const detail = event instanceof CustomEvent ? event.detail : null;
      told.push({ of, name, detail: plain(detail), at: performance.now() });
    });
  }
  return target;
}

/**
 * What of a detail can leave the page: sound by its length, an error by its code.
 *
 * @param {unknown} detail
 * @returns {unknown}
 */
function plain(detail) {
  if (detail instanceof Error) return { code: "code" in detail ? detail.code : detail.name, message: detail.message };
  if (ArrayBuffer.isView(detail)) return { bytes: detail.byteLength };
  if (detail instanceof Set) return [...detail];
  if (Array.isArray(detail)) return detail.map(plain);
  if (detail && typeof detail === "object") {
    return Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, plain(value)]));
  }
  return typeof detail === "function" ? null : detail;
}

Object.assign(window, { client, told, note });
document.documentElement.dataset.ready = "yes";
