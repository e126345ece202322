/** What a microphone hears, as frames of 20 ms at the rate of the protocol, with their level; pure. */

import { Resampler, clipped } from "./resampler.js";

/** @typedef {{pcm: Int16Array, at: number, rms: number, peak: number}} Frame `at` samples came before; levels in dB */

const FRAME_MS = 20; // Ours: as the page before and most telephones have it
const QUIETEST_DB = -60; // as in the server: a quiet room
const SMOOTH = 0.4; // of a frame in the level that is shown. Ours: follows syllables, and does not flicker

/** Cuts a stream into frames. */
export class Capture {
  #resampler;
  #resampled;
  /** @type {Int16Array} */ #pcm;
  #size;
  #filled = 0;
  #made = 0;
  #power = 0;
  #smooth = 0;
  #peak = 0;

  /** Whether zeros take the place of what is heard; a server that listens wants silence, not nothing. */
  muted = false;

  /**
   * @param {number} from Hz of the microphone @param {number} [rate] Hz of the frames
   * @param {number} [most] samples of a piece
   */
  constructor(from, rate = 16000, most = 128) {
    this.#resampler = new Resampler(from, rate);
    this.#resampled = new Float32Array(this.#resampler.most(most));
    this.#size = Math.round((rate * FRAME_MS) / 1000);
    this.#pcm = new Int16Array(this.#size);
  }

  /** @returns {Float32Array} what the last piece became; `feed` says how much of it counts */
  get samples() {
    return this.#resampled;
  }

  /** @returns {number} samples at the frames' rate so far */
  get made() {
    return this.#made;
  }

  /**
   * @param {Float32Array} input a piece of the stream
   * @param {(frame: Frame) => void} take gets each frame that it completes; the samples are the taker's own
   * @returns {number} samples that it became
   */
  feed(input, take) {
    const count = this.#resampler.feed(input, this.#resampled);
    if (this.muted) this.#resampled.fill(0, 0, count);
    for (let n = 0; n < count; n += 1) {
      const sample = this.#resampled[n] ?? 0;
      this.#power += sample * sample;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
      this.#pcm[this.#filled++] = clipped(sample * 32768);
      this.#made += 1;
      if (this.#filled === this.#size) take(this.#frame());
    }
    return count;
  }

  /** @returns {Frame} */
  #frame() {
    this.#smooth += (this.#power / this.#size - this.#smooth) * SMOOTH;
    const frame = {
      pcm: this.#pcm, at: this.#made - this.#size, rms: decibels(this.#smooth), peak: decibels(this.#peak ** 2),
    };
    this.#pcm = new Int16Array(this.#size);
    this.#filled = this.#power = this.#peak = 0;
    return frame;
  }
}

/** @param {number} power @returns {number} */
function decibels(power) {
  return Math.max(QUIETEST_DB, 10 * Math.log10(power + 1e-12));
}
