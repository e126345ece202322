/**
 * Whether a connection is alive, and how long a message takes there and back.
 *
 * @import { Clock } from "./types.js"
 */

const SILENCE_MS = 75_000; // ours: the server beats every 30 s, so two beats were missed
const PING_MS = 10_000; // ours: often enough to be right when an interruption is drawn, and no load
const PROBE_MS = 5_000; // ours: a connection that answers nothing for so long, when somebody has come back, is dead
const TICK_MS = 5_000; // ours
const SAMPLES = 8; // ours: the least of them is the road alone, without what a busy machine adds

/**
 * @typedef {object} Patient
 * @property {() => boolean} visible whether somebody can see the page
 * @property {() => void} ping sends a HEALTH_CHECK
 * @property {() => void} dead nothing comes any more; called once
 * @property {(ms: number) => void} measured the least round trip of the last few
 */

export class Pulse {
  #clock;
  #patient;
  #heardAt;
  #tickedAt;
  #pingedAt = -Infinity;
  /** @type {number[]} when each was sent that has no answer yet */
  #pings = [];
  /** @type {number[]} */
  #trips = [];
  /** @type {unknown} */
  #tick = null;
  /** @type {unknown} */
  #probe = null;

  /** @param {Clock} clock @param {Patient} patient */
  constructor(clock, patient) {
    this.#clock = clock;
    this.#patient = patient;
    this.#heardAt = this.#tickedAt = clock.now();
    this.#ping();
    this.#again();
  }

  /** Something came. */
  heard() {
    this.#heardAt = this.#clock.now();
  }

  /** A HEALTH_CHECK was answered. */
  pong() {
    const sentAt = this.#pings.shift();
    if (sentAt === undefined) return;
    this.#trips = [...this.#trips, this.#clock.now() - sentAt].slice(-SAMPLES);
    this.#patient.measured(Math.min(...this.#trips));
  }

  /** Find out soon whether it is alive: the network or the person has come back. */
  probe() {
    if (this.#probe !== null) return;
    const askedAt = this.#clock.now();
    this.#ping();
    this.#probe = this.#clock.setTimeout(() => {
      this.#probe = null;
      if (this.#heardAt < askedAt) this.#die();
    }, PROBE_MS);
  }

  stop() {
    this.#clock.clearTimeout(this.#tick);
    this.#clock.clearTimeout(this.#probe);
  }

  #again() {
    this.#tick = this.#clock.setTimeout(() => this.#look(), TICK_MS);
  }

  #look() {
    const now = this.#clock.now();
    const slept = now - this.#tickedAt > 3 * TICK_MS; // then what has come meanwhile is still to be read
    this.#tickedAt = now;
    this.#again();
    if (now - this.#heardAt > SILENCE_MS) {
      if (slept) this.probe();
      else if (this.#probe === null) this.#die();
    } else if (this.#patient.visible() && now - this.#pingedAt >= PING_MS) {
      this.#ping();
    }
  }

  #ping() {
    this.#pingedAt = this.#clock.now();
    this.#pings = [...this.#pings, this.#pingedAt].slice(-SAMPLES); // more are not waited for
    this.#patient.ping();
  }

  #die() {
    this.stop();
    this.#patient.dead();
  }
}
