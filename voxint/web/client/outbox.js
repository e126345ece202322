/** Messages that wait for a connection, within a bound. */

import { VoxintError } from "./errors.js";

const MOST = 64; // ours: what a person does in an outage, many times over
const MOST_CHARS = 8 * 1024 * 1024; // ours: one message as large as a server takes

/** @typedef {{type: string, payload: Record<string, unknown>, chars: number, sent?: () => void}} Waiting */

export class Outbox {
  /** @type {Waiting[]} */
  #waiting = [];
  #chars = 0;

  /**
   * @param {string} type
   * @param {Waiting["payload"]} payload
   * @param {number} chars roughly, of the payload
   * @param {() => void} [sent] called when it is handed to a socket
   * @throws {VoxintError} "busy": too much waits already
   */
  push(type, payload, chars, sent) {
    if (this.#waiting.length >= MOST || this.#chars + chars > MOST_CHARS) {
      const message = `${this.#waiting.length} messages wait for a connection already`;
      throw new VoxintError("busy", message, { retryable: true });
    }
    this.#waiting.push({ type, payload, chars, sent });
    this.#chars += chars;
  }

  /**
   * Throw away a REQUEST that nobody awaits any more.
   *
   * @param {string} requestId
   */
  drop(requestId) {
    this.#waiting = this.#waiting.filter(({ payload }) => payload.request_id !== requestId);
    this.#chars = this.#waiting.reduce((sum, { chars }) => sum + chars, 0);
  }

  /** Take all that waits, the oldest first. */
  take() {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#chars = 0;
    return waiting;
  }
}
