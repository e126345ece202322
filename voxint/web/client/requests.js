/**
 * This client's own requests that have not ended, and what was promised about them.
 *
 * @import { Answer } from "./types.js"
 */

import { deferred } from "./clock.js";
import { VoxintError } from "./errors.js";

const LIMIT_MS = 120_000; // wire.md: the server's own limit is 110 s
const MOST_CHARS = 1_000_000; // ours: of an answer's text; the rest is told by events alone

/**
 * @typedef {object} Live
 * @property {string[]} texts
 * @property {number} chars
 * @property {number} heardAt
 * @property {boolean} quiet
 * @property {import("./clock.js").Deferred<Answer>} answer
 */

export class Requests {
  /** @type {Map<string, Live>} */
  #live = new Map();
  #prefix = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(36)).join("");
  #made = 0;

  /** Return an id that no other request has. */
  newId() {
    this.#made += 1;
    return `req_${this.#prefix}_${this.#made}`;
  }

  /**
   * Note a request, and return its promise.
   *
   * @param {string} requestId
   * @param {number} now
   * @param {boolean} [quiet] whether it only changes the session, and nobody is told of its answer
   * @returns {Promise<Answer>}
   * @throws {VoxintError} "malformed": the id is too long, or that of a live request
   */
  begin(requestId, now, quiet = false) {
    if (requestId.length > 128) throw new VoxintError("malformed", "a request id has 128 characters at most");
    if (this.#live.has(requestId)) {
      throw new VoxintError("malformed", "this is the id of a live request: each needs its own", { requestId });
    }
    /** @type {import("./clock.js").Deferred<Answer>} */
    const answer = deferred();
    this.#live.set(requestId, { texts: [], chars: 0, heardAt: now, quiet, answer });
    return answer.promise;
  }

  /** @param {string} requestId */
  has(requestId) {
    return this.#live.has(requestId);
  }

  /** @param {string} requestId */
  isQuiet(requestId) {
    return this.#live.get(requestId)?.quiet ?? false;
  }

  get ids() {
    return [...this.#live.keys()];
  }

  /**
   * Note that something came of it, or was said for it.
   *
   * @param {string} requestId
   * @param {number} now
   * @param {string} [text]
   */
  heard(requestId, now, text = "") {
    const live = this.#live.get(requestId);
    if (!live) return;
    live.heardAt = now;
    if (text === "" || live.chars + text.length > MOST_CHARS) return;
    live.texts.push(text);
    live.chars += text.length;
  }

  /**
   * @param {string} requestId
   * @param {boolean} interrupted
   * @param {string | null} reason
   */
  end(requestId, interrupted, reason) {
    const live = this.#take(requestId);
    live?.answer.resolve({ requestId, text: live.texts.join(""), interrupted, ...(reason !== null && { reason }) });
  }

  /** @param {string} requestId @param {VoxintError} error */
  fail(requestId, error) {
    this.#take(requestId)?.answer.reject(error);
  }

  /** Return those of which nothing was heard for longer than any answer takes. @param {number} now */
  overdue(now) {
    return [...this.#live].filter(([, live]) => now - live.heardAt > LIMIT_MS).map(([id]) => id);
  }

  /** @param {string} requestId */
  #take(requestId) {
    const live = this.#live.get(requestId);
    this.#live.delete(requestId);
    return live;
  }
}
