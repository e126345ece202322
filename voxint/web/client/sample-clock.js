/**
 * One time for what is known in samples and what is known in milliseconds. Pure: times are handed in.
 */

/** Ours: readings of the clocks that count: one each 20 ms, so a second, in which no sound card drifts. */
const READINGS = 64;

/** The time of an audio context's frames, in milliseconds of `performance.now`. */
export class SampleClock {
  /** @type {number[]} */
  #offsets = [];

  /** @param {number} rate frames a second */
  constructor(rate) {
    this.rate = rate;
  }

  /**
   * Read both clocks. A context's time moves in steps and is read late by a little, never early: the least of the
   * latest differences is the truest.
   *
   * @param {number} contextS `AudioContext.currentTime`
   * @param {number} nowMs `performance.now()` behind it
   */
  read(contextS, nowMs) {
    this.#offsets.push(nowMs - contextS * 1000);
    if (this.#offsets.length > READINGS) this.#offsets.shift();
  }

  /** Forget the readings: the context stood still, and its time with it. */
  reset() {
    this.#offsets.length = 0;
  }

  /** @param {number} frame of the context @returns {number | null} null before the first reading */
  msOf(frame) {
    return this.#offsets.length === 0 ? null : Math.min(...this.#offsets) + (frame / this.rate) * 1000;
  }
}

/** Ours: places where a microphone went on after a gap that are remembered; what is asked about is seconds old. */
const GAPS = 64;

/** Which frame of the context a millisecond of the microphone's sound is, as the server counts it: by what it gets. */
export class MicrophoneClock {
  /** Where unbroken stretches begin: in milliseconds sent, and the context's frame.
   * @type {{sentMs: number, frame: number}[]} */
  #starts = [];
  #sentMs = 0;

  /**
   * @param {number} rate of the sound that is sent, in Hz
   * @param {number} contextRate frames of the context a second
   */
  constructor(rate, contextRate) {
    this.rate = rate;
    this.contextRate = contextRate;
  }

  /**
   * Note what is sent.
   *
   * @param {number} samples how many
   * @param {number} frame of the context at which they begin
   */
  sent(samples, frame) {
    const expected = this.frameOf(this.#sentMs);
    const step = (samples / this.rate) * this.contextRate;
    if (expected === null || Math.abs(frame - expected) > step / 2) {
      this.#starts.push({ sentMs: this.#sentMs, frame });
      if (this.#starts.length > GAPS) this.#starts.shift();
    }
    this.#sentMs += (samples / this.rate) * 1000;
  }

  /** Begin anew: another connection has its own count. */
  reset() {
    this.#starts.length = 0;
    this.#sentMs = 0;
  }

  /**
   * @param {number} atMs of the microphone's sound since it was opened
   * @returns {number | null} null where nothing was sent, or it is forgotten
   */
  frameOf(atMs) {
    const start = this.#starts.findLast(({ sentMs }) => sentMs <= atMs);
    return start ? start.frame + ((atMs - start.sentMs) / 1000) * this.contextRate : null;
  }
}
