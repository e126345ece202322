/**
 * @typedef {object} CutterOptions
 * @property {number} [rate] samples a second
 * @property {number} [window] samples of one probability; 512 are 32 ms
 * @property {number} [on] from which probability on a window is speech; 0.5, as in the server
 * @property {number} [off] below which it is quiet; between the two what was goes on. 0.35, as in the server
 * @property {number} [onsetMs] of speech in a row that are an onset; 64, as in the server: two windows
 * @property {number} [speechMs] of speech that are no noise any more. Ours: 250, longer than most coughs
 * @property {number} [apartMs] of quiet between two sounds that are no longer one. 300, as in the server
 * @property {number} [endMs] of quiet that end speech. Ours: 700, for nobody looks at the words here
 * @property {number} [beforeMs] of sound that belong to it before its first window. Ours: 300
 */

/**
 * @typedef {{type: "onset" | "speech" | "noise" | "end", frame: number}} Utterance what has happened, and where:
 *   "onset" the first sample, with what belongs to it before; somebody may speak. Then "speech" (behind the window that
 *   made it certain) or "noise" (it was too short); and after "speech" an "end" (the sample after the last one of it).
 */

/** Makes utterances of a detector's probabilities; pure. */
export class UtteranceCutter {
  /** @type {Required<CutterOptions>} */ #rules;
  #position = 0;
  #runFrom = -1;
  #run = 0;
  #speech = 0;
  #voiced = 0;
  /** @type {"quiet" | "doubt" | "speech"} */ #state = "quiet";

  /** @param {CutterOptions} [options] */
  constructor(options = {}) {
    this.#rules = {
      rate: 16000, window: 512, on: 0.5, off: 0.35, onsetMs: 64, speechMs: 250, apartMs: 300, endMs: 700, beforeMs: 300,
      ...options,
    };
  }

  /** @returns {boolean} whether an utterance has begun, certain or not */
  get speaking() {
    return this.#state !== "quiet";
  }

  /** @param {number} probability of the next window @returns {Utterance[]} */
  heard(probability) {
    const { on, off, window } = this.#rules;
    const begin = this.#position;
    this.#position += window;
    const isSpeech = probability >= on || (probability >= off && this.#run > 0);
    if (isSpeech) {
      if (this.#run === 0) this.#runFrom = begin;
      this.#run += window;
      this.#speech += window;
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
    if (this.#state === "quiet" && this.#run >= this.#samples(this.#rules.onsetMs)) {
      this.#state = "doubt";
      this.#speech = this.#run;
      events.push({ type: "onset", frame: Math.max(0, this.#runFrom - this.#samples(this.#rules.beforeMs)) });
    }
    if (this.#state === "doubt" && this.#speech >= this.#samples(this.#rules.speechMs)) {
      this.#state = "speech";
      events.push({ type: "speech", frame: this.#position });
    }
    return events;
  }

  /** @returns {Utterance[]} */
  #isQuiet() {
    if (this.#state === "quiet") return [];
    const limit = this.#state === "speech" ? this.#rules.endMs : this.#rules.apartMs;
    return this.#position - this.#voiced >= this.#samples(limit) ? this.ended() : [];
  }

  #rest() {
    this.#state = "quiet";
    this.#run = 0;
    this.#speech = 0;
  }

  /** @param {number} ms */
  #samples(ms) {
    return (ms * this.#rules.rate) / 1000;
  }
}

/** The last second of a microphone, by position: what was said before it was known to be speech. */
export class RecentAudio {
  /** @type {Int16Array} */ #ring;
  #end = 0;

  /** @param {number} [samples] that are kept. Ours: 1.5 s at 16 kHz, more than an onset needs to become speech */
  constructor(samples = 24000) {
    this.#ring = new Int16Array(samples);
  }

  /** @returns {number} samples heard so far */
  get end() {
    return this.#end;
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
