/**
 * One voice on its way to the server: what the network does not take at once waits here, in order.
 *
 * @import { Clock } from "./types.js"
 */

import { bytesOf } from "./envelope.js";

export const BEHIND_BYTES = 65_536; // ours: 2 s of speech at 16 kHz, so that an INTERRUPT never queues behind more
const LOOK_MS = 50; // ours: a twentieth of what may wait
const PIECE_BYTES = 16_384; // ours: the server takes frames of any size; small ones keep near the bound
export const LONGEST_S = 120; // wire.md: the longest upload

/**
 * @typedef {object} Road where it goes
 * @property {() => boolean} open whether something can be sent now
 * @property {() => number} behind bytes that the socket has not sent yet
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} send
 * @property {() => void} end sends the end frame
 * @property {() => void} tooLong more was written than an upload may have; called once
 */

export class Upload {
  #road;
  #clock;
  #mostBytes;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #waiting = [];
  #taken = 0;
  #ended = false;
  #over = false;
  /** @type {unknown} */
  #timer = null;
  /** Whether the start frame is with the server. */
  #started = false;

  /**
   * @param {string} requestId
   * @param {Road} road
   * @param {Clock} clock
   * @param {number} rate of the samples, in Hz
   */
  constructor(requestId, road, clock, rate) {
    this.requestId = requestId;
    this.#road = road;
    this.#clock = clock;
    this.#mostBytes = LONGEST_S * rate * 2;
  }

  /** Whether its start frame was sent, and its last piece was not. */
  get underWay() {
    return this.#started && !this.#over;
  }

  /** Note that the start frame has been sent. */
  started() {
    this.#started = true;
    this.#pump();
  }

  /**
   * Take a piece. What comes behind the end, or when the request is over, is dropped: a microphone need not know.
   *
   * @param {Int16Array | ArrayBuffer} pcm
   */
  write(pcm) {
    if (this.#ended || this.#over) return;
    const bytes = bytesOf(pcm);
    this.#taken += bytes.length;
    if (this.#taken > this.#mostBytes) {
      this.cut();
      this.#road.tooLong();
      return;
    }
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) this.#waiting.push(bytes.subarray(at, at + PIECE_BYTES));
    this.#pump();
  }

  /** The voice is complete; a second time does nothing. */
  end() {
    this.#ended = true;
    this.#pump();
  }

  /** Throw away what waits, and take no more. */
  cut() {
    this.#over = true;
    this.#waiting = [];
    this.#clock.clearTimeout(this.#timer);
  }

  #pump() {
    if (!this.#started || this.#over || !this.#road.open()) return;
    while (this.#waiting.length > 0 && this.#road.behind() < BEHIND_BYTES) {
      this.#road.send(/** @type {Uint8Array<ArrayBuffer>} */ (this.#waiting.shift()));
    }
    this.#clock.clearTimeout(this.#timer);
    if (this.#waiting.length > 0) {
      this.#timer = this.#clock.setTimeout(() => this.#pump(), LOOK_MS);
    } else if (this.#ended) {
      this.#over = true;
      this.#road.end();
    }
  }
}
