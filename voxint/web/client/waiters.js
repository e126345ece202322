/**
 * Those who wait for an answer of the server's, each kind of answer in a line of its own.
 *
 * @import { Clock } from "./types.js"
 */

import { deferred } from "./clock.js";
import { VoxintError } from "./errors.js";

/**
 * @template T
 * @typedef {import("./clock.js").Deferred<T> & {askedAt: number, note: string}} Waiter `askedAt`: when it stood in
 *   line; `note`: the asker's own
 */

/**
 * Gives each answer to whoever has waited for its kind the longest: the server answers each kind in order.
 *
 * One who has lost patience keeps the place, so that a late answer does not go to the next.
 *
 * @template T
 */
export class Waiters {
  #clock;
  #patienceMs;
  /** @type {Map<string, Waiter<T>[]>} */
  #lines = new Map();

  /**
   * @param {Clock} clock
   * @param {number} patienceMs how long each waits, from the instant it was made
   */
  constructor(clock, patienceMs) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /**
   * Return one who waits, and is in no line yet.
   *
   * @param {string} what for the error of a wait that was too long
   * @param {string} [note]
   * @returns {Waiter<T>}
   */
  make(what, note = "") {
    /** @type {Waiter<T>} */
    const waiter = { ...deferred(), askedAt: this.#clock.now(), note };
    const late = () => {
      const message = `the server did not answer ${what} within ${this.#patienceMs / 1000} s: is it busy?`;
      waiter.reject(new VoxintError("timeout", message, { retryable: true }));
    };
    const timer = this.#clock.setTimeout(late, this.#patienceMs);
    const done = () => this.#clock.clearTimeout(timer);
    waiter.promise.then(done, done);
    return waiter;
  }

  /**
   * Stand in line, in the step in which the question is sent.
   *
   * @param {string} kind
   * @param {Waiter<T>} waiter
   */
  join(kind, waiter) {
    waiter.askedAt = this.#clock.now();
    const line = this.#lines.get(kind);
    if (line) line.push(waiter);
    else this.#lines.set(kind, [waiter]);
  }

  /**
   * Take whoever is first out of a line; null: nobody asked.
   *
   * @param {string} kind
   */
  next(kind) {
    const line = this.#lines.get(kind);
    const waiter = line?.shift() ?? null;
    if (line?.length === 0) this.#lines.delete(kind);
    return waiter;
  }

  /** @param {string} kind */
  has(kind) {
    return this.#lines.has(kind);
  }

  /**
   * Fail all in line: no answer will come.
   *
   * @param {() => VoxintError} error
   */
  fail(error) {
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    for (const waiter of lines.flat()) waiter.reject(error());
  }
}
