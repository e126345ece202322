/** Messages that wait for a connection, within a bound. */

import { VoxintError } from "./errors.js";

const MOST = 64; // ours: what a person does in an outage, many times over
const MOST_CHARS = 8 * 1024 * 1024; // ours: one message as large as a server takes

/**
 * @typedef {object} Waiting
 * @property {string} type
 * @property {Record<string, unknown>} payload
 * @property {number} chars roughly, of the payload
 * @property {() => void} [sent] called when it is handed to a socket
 */

export class Outbox {
  /** @type {Waiting[]} */
  #waiting = [];

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  /** @param {Waiting} message @throws {VoxintError} "busy": too much waits already */
  push(message) {
    const chars = this.#waiting.reduce((sum, each) => sum + each.chars, message.chars);
    if (this.#waiting.length >= MOST || chars > MOST_CHARS) {
      const words = `${this.#waiting.length} messages wait for a connection already`;
      throw new VoxintError("busy", words, { retryable: true });
    }
    this.#waiting.push(message);
  }

  /** Throw away a REQUEST that nobody awaits any more. @param {string} requestId */
  drop(requestId) {
    this.#waiting = this.#waiting.filter(({ payload }) => payload.request_id !== requestId);
  }

  /** Take the oldest; undefined: none waits. */
  take() {
    return this.#waiting.shift();
  }

  clear() {
    this.#waiting = [];
  }
}
