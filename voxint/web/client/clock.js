/** @import { Clock } from "./types.js" */

/** @type {Clock} the platform's time and timers */
export const CLOCK = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {ReturnType<typeof setTimeout>} */ (timer)),
};

/**
 * Return what a promise gives, unless that takes too long; what comes later is nobody's.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @param {() => Error} late makes the error of a wait that was too long
 * @param {Clock} [clock]
 * @returns {Promise<T>}
 */
export function within(promise, ms, late, clock = CLOCK) {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}

/**
 * @template T
 * @typedef {{promise: Promise<T>, resolve: (value: T) => void, reject: (error: Error) => void}} Deferred
 */

/**
 * Return a promise that is settled from elsewhere. A rejection that nobody takes is no fault of the program's: each of
 * these is told by an event too.
 *
 * @template T
 * @returns {Deferred<T>}
 */
export function deferred() {
  /** @type {Partial<Deferred<T>>} */
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return /** @type {Deferred<T>} */ (made);
}
