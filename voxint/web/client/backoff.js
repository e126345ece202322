/** When to try again. */

const FIRST_MS = 250; // ours: a server that only restarts is found at once
const MOST_MS = 8000; // ours: somebody looks at the page and waits

/**
 * Return how long to wait before a try, in milliseconds: doubling, and between half of that and all of it, so that the
 * clients of a server that was gone do not come back in one instant.
 *
 * @param {number} attempt 1 for the first after a loss
 * @param {() => number} random from 0 to 1
 */
export function delayMs(attempt, random) {
  const whole = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.round((whole * (1 + random())) / 2);
}
