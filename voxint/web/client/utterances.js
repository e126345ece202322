import { WINDOW } from "./detector.js";

const SAMPLES = 16; // a millisecond
const ON = 0.5; // from which probability on a window is speech; as in the server
const OFF = 0.35; // below which it is quiet; between the two what was goes on. As in the server
const ONSET = 64 * SAMPLES; // of speech in a row that are an onset; as in the server: two windows
const APART = 300 * SAMPLES; // of quiet between two sounds that are no longer one; as in the server
const END = 700 * SAMPLES; // of quiet that end speech. Ours, for nobody looks at the words here

/** Ours: sound from before the detector knew that goes along, for a soft first syllable. */
export const BEFORE_MS = 300;

/**
 * @typedef {{type: "onset" | "speech" | "noise" | "end", frame: number}} Utterance what has happened, and where:
 *   "onset" the first sample, with what belongs to it before; somebody may speak. Then "speech" (behind the window that
 *   made it certain) or "noise" (it was too short); and after "speech" an "end" (the sample after the last one of it).
 */

/** Makes utterances of a detector's probabilities; pure. */
export class UtteranceCutter {
  #enough;
  #position = 0;
  #runFrom = -1;
  #run = 0;
  #speech = 0;
  #voiced = 0;
  /** @type {"quiet" | "doubt" | "speech"} */ #state = "quiet";

  /** @param {number} [speechMs] of speech that are no noise any more. Ours: 250, longer than most coughs */
  constructor(speechMs = 250) {
    this.#enough = speechMs * SAMPLES;
  }

  /** @returns {boolean} whether an utterance has begun, certain or not */
  get speaking() {
    return this.#state !== "quiet";
  }

  /** @param {number} probability of the next window @returns {Utterance[]} */
  heard(probability) {
    const begin = this.#position;
    this.#position += WINDOW;
    const isSpeech = probability >= ON || (probability >= OFF && this.#run > 0);
    if (isSpeech) {
      if (this.#run === 0) this.#runFrom = begin;
      this.#run += WINDOW;
      this.#speech += WINDOW;
      this.#voiced = this.#position;
    } else {
      this.#run = 0;
    }
    return isSpeech ? this.#goesOn() : this.#isQuiet();
  }

  /** The stream is over, or is cut. @returns {Utterance[]} */
  ended() {
    const state = this.#state;
    this.#rest();
    if (state === "quiet") return [];
    return [{ type: state === "speech" ? "end" : "noise", frame: this.#voiced }];
  }

  /** @returns {Utterance[]} */
  #goesOn() {
    /** @type {Utterance[]} */ const events = [];
    if (this.#state === "quiet" && this.#run >= ONSET) {
      this.#state = "doubt";
      this.#speech = this.#run;
      events.push({ type: "onset", frame: Math.max(0, this.#runFrom - BEFORE_MS * SAMPLES) });
    }
    if (this.#state === "doubt" && this.#speech >= this.#enough) {
      this.#state = "speech";
      events.push({ type: "speech", frame: this.#position });
    }
    return events;
  }

  /** @returns {Utterance[]} */
  #isQuiet() {
    if (this.#state === "quiet") return [];
    const limit = this.#state === "speech" ? END : APART;
    return this.#position - this.#voiced >= limit ? this.ended() : [];
  }

  #rest() {
    this.#state = "quiet";
    this.#run = 0;
    this.#speech = 0;
  }
}

/** The latest of a microphone, by position: what was said before it was known to be speech. */
export class RecentAudio {
  #ring;
  #end = 0;

  /** @param {number} samples that are kept */
  constructor(samples) {
    this.#ring = new Int16Array(samples);
  }

  /** @param {Int16Array} pcm */
  put(pcm) {
    const size = this.#ring.length;
    const kept = pcm.subarray(Math.max(0, pcm.length - size));
    this.#end += pcm.length;
    const at = (this.#end - kept.length) % size;
    const first = kept.subarray(0, size - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
  }

  /** @param {number} frame position of the first sample wanted @returns {Int16Array} what is kept of it, to the end */
  since(frame) {
    const size = this.#ring.length;
    const from = Math.min(this.#end, Math.max(frame, this.#end - size, 0));
    const pcm = new Int16Array(this.#end - from);
    for (let index = 0; index < pcm.length; index += 1) pcm[index] = this.#ring[(from + index) % size] ?? 0;
    return pcm;
  }
}
