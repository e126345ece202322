/** @import { Deferred } from "./clock.js" */
/** @import { Clock } from "./types.js" */

import { deferred } from "./clock.js";
import { VoxintError } from "./errors.js";

/**
 * @template T
 * @typedef {Deferred<T> & {askedAt: number, note: string}} Awaited `askedAt`: when the question was sent; `note`: the
 *   asker's own
 */

/**
 * Replies of the server's that are awaited. It answers each kind of question in order, so a reply is for whoever has
 * waited for its kind the longest. One who has lost patience keeps the place: a late reply does not go to the next.
 *
 * @template T
 */
export class Replies {
  #clock;
  #patienceMs;
  /** @type {Map<string, Awaited<T>[]>} */
  #lines = new Map();

  /** @param {Clock} clock @param {number} patienceMs how long each is awaited, from the instant it was made */
  constructor(clock, patienceMs) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /**
   * Return a reply to a question that has not been sent yet.
   *
   * @param {string} what for the error of a wait that was too long
   * @param {string} [note]
   * @returns {Awaited<T>}
   */
  make(what, note = "") {
    /** @type {Awaited<T>} */
    const reply = { ...deferred(), askedAt: this.#clock.now(), note };
    const late = () => {
      const message = `the server did not answer ${what} within ${this.#patienceMs / 1000} s: is it busy?`;
      reply.reject(new VoxintError("timeout", message, { retryable: true }));
    };
    const timer = this.#clock.setTimeout(late, this.#patienceMs);
    const done = () => this.#clock.clearTimeout(timer);
    reply.promise.then(done, done);
    return reply;
  }

  /** Await it, in the step in which the question is sent. @param {string} kind @param {Awaited<T>} reply */
  asked(kind, reply) {
    reply.askedAt = this.#clock.now();
    const line = this.#lines.get(kind);
    if (line) line.push(reply);
    else this.#lines.set(kind, [reply]);
  }

  /** Take the first of a kind; null: nobody asked. @param {string} kind */
  next(kind) {
    const line = this.#lines.get(kind);
    const reply = line?.shift() ?? null;
    if (line?.length === 0) this.#lines.delete(kind);
    return reply;
  }

  /** @param {string} kind */
  has(kind) {
    return this.#lines.has(kind);
  }

  /** None will come. @param {() => VoxintError} error */
  fail(error) {
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    for (const reply of lines.flat()) reply.reject(error());
  }
}
