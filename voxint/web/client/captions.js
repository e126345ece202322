/**
 * How much of an answer's text its voice has reached, at a position of its playback.
 *
 * @import { Mark } from "./types.js"
 */

const LETTER_MS = 1000 / 15; // ours: English at its usual pace, spaces counted
const CHARACTER_MS = 1000 / 4.5; // ours: the same for Chinese, Japanese and Korean, a syllable each
const IN_ONE_MS = 600; // ours: what is said so quickly is shown as it begins, like a word; longer pieces grow
const SHORT = 20; // characters; ours: a shorter text says little about a pace
const WEIGHT = 0.3; // ours: of the newest answer, among all before it
const MOST_MARKS = 20_000; // ours: of an answer as long as a bubble may be, one a word
const SLOWEST = 3; // ours: times the first guess; likewise the quickest

const SYLLABIC = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** How fast a voice speaks: a guess at first, learned from what was heard to its end. */
export class SpeakingRate {
  #scale = 1;

  /** Return how long a text takes to say. @param {string} text */
  msOf(text) {
    return this.#scale * guessMs(text);
  }

  /** Take in how long one took. @param {string} text @param {number} ms */
  learn(text, ms) {
    if (text.length < SHORT || ms <= 0) return;
    const scale = Math.min(SLOWEST, Math.max(1 / SLOWEST, ms / guessMs(text)));
    this.#scale = (1 - WEIGHT) * this.#scale + WEIGHT * scale;
  }
}

/** One answer's text as its voice goes through it. */
export class Caption {
  #rate;
  #text = "";
  /** @type {Mark[]} in order */
  #marks = [];
  /** @type {number | null} */
  #totalMs = null;
  #reached = 0;

  /** @param {SpeakingRate} rate for what the server tells no marks of */
  constructor(rate) {
    this.#rate = rate;
  }

  /** @param {string} text what comes behind the text so far */
  add(text) {
    this.#text += text;
  }

  /** @param {Mark[]} marks of two of one instant the later one counts */
  mark(marks) {
    for (const mark of marks) {
      while ((this.#marks.at(-1)?.[0] ?? -Infinity) >= mark[0]) this.#marks.pop();
      if (this.#marks.length < MOST_MARKS) this.#marks.push(mark);
    }
  }

  /** Nothing more comes. @param {number} totalMs of its sound */
  ended(totalMs) {
    this.#totalMs = totalMs;
  }

  /**
   * Return how much of the text was reached, in UTF-16 units; never less than at the call before.
   *
   * @param {number} playedMs
   */
  at(playedMs) {
    const reached = this.#marks.length > 0 ? this.#byMarks(playedMs) : this.#byRate(playedMs);
    this.#reached = Math.max(this.#reached, reached);
    return this.#reached;
  }

  /** @param {number} playedMs */
  #byRate(playedMs) {
    const whole = this.#rate.msOf(this.#text);
    const scale = this.#totalMs !== null && whole > 0 ? this.#totalMs / whole : 1;
    return reachedBy(this.#text, playedMs, (piece) => this.#rate.msOf(piece) * scale);
  }

  /** @param {number} playedMs */
  #byMarks(playedMs) {
    const index = this.#marks.findLastIndex(([atMs]) => atMs <= playedMs);
    const mark = this.#marks[index];
    if (mark === undefined) return 0;
    const [atMs, chars] = mark;
    const begin = unitsOf(this.#text, this.#marks[index - 1]?.[1] ?? 0);
    const end = unitsOf(this.#text, chars);
    const piece = this.#text.slice(begin, end);
    const expected = this.#rate.msOf(piece);
    const next = this.#marks[index + 1]?.[0] ?? this.#totalMs;
    const lasts = next === null ? expected : next - atMs;
    if (expected <= IN_ONE_MS || lasts <= 0) return end;
    return begin + reachedBy(piece, playedMs - atMs, (part) => (this.#rate.msOf(part) * lasts) / expected);
  }
}

/**
 * Return where the words that were heard end in a text; null: the text does not begin with them. White space does not
 * count: a voice has none. A text that is shorter was heard to its end.
 *
 * @param {string} text
 * @param {string} heard
 */
export function heardLength(text, heard) {
  let at = 0;
  for (const each of heard) {
    if (/\s/u.test(each)) continue;
    while (at < text.length && /\s/u.test(text.charAt(at))) at += 1;
    if (at >= text.length) return text.length;
    if (!text.startsWith(each, at)) return null;
    at += each.length;
  }
  return at;
}

/** @param {string} text */
function guessMs(text) {
  let ms = 0;
  for (const each of text) ms += SYLLABIC.test(each) ? CHARACTER_MS : LETTER_MS;
  return ms;
}

/**
 * @param {string} text
 * @param {number} ms
 * @param {(piece: string) => number} msOf
 */
function reachedBy(text, ms, msOf) {
  let left = ms;
  let units = 0;
  for (const each of text) {
    left -= msOf(each);
    if (left < -1e-6) break; // a thousandth of a sample: sums of fractions are not exact
    units += each.length;
  }
  return units;
}

/** Return how many UTF-16 units so many code points are. @param {string} text @param {number} points */
function unitsOf(text, points) {
  let units = 0;
  let left = points;
  for (const each of text) {
    if (left <= 0) break;
    left -= 1;
    units += each.length;
  }
  return units;
}
