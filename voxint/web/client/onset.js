/**
 * Does somebody begin to speak while an answer plays? A quick suspicion of the client's own, which ducks the sound and
 * no more; the server decides. Energy against the noise of the room and against the answer's own echo; pure.
 *
 * How loud the echo is at most, against what the player put out lately, is learned while nobody was found to speak, as
 * the server's ears learn it. A hint that nobody confirms makes the next one harder, so that a café does not stutter.
 */

const WINDOW_MS = 8; // Ours: the first sound of a word is over the threshold within one
const RUN = 3; // windows in a row. Ours: a click has one or two
const ABOVE_NOISE_DB = 15; // Ours: a voice at arm's length has 20 and more
const ABOVE_ECHO_DB = 10; // as the server's ears: three times the amplitude of the loudest echo
const FAINTEST_DB = -50; // against full scale. Ours: somewhat less shy than the server's -55, which costs no silence
const ECHO_MS = 400; // Ours: how late an echo comes, through two sound cards and a room, Bluetooth aside
const LATE_MS = 256; // as the server's ears: the soft beginning of a voice teaches nothing
const LEARN_MS = 400; // of an answer that sounds before its echo is known. Ours: two syllables
const SINK_DB_S = 3; // as the server's ears: for an echo that has become softer
const REST_MS = 200; // below the threshold before there may be another hint. Ours: longer than a consonant's closure
const DOUBT_MS = 1000; // Ours: a server that holds does so within half of it
const SPEECH_MS = 2000; // Ours: what follows a confirmed onset is a person, and teaches no echo
const WARY_DB = 3; // more for each hint that came to nothing, five of them at most: ours
const WARY_MOST = 5;
const FORGET_MS = 20000; // Ours: after which one of them is forgotten
const SILENT_DB = -80; // what the player puts out below this is nothing
const FLOOR_RISE_DB_S = 3;

/** Suspects onsets in a stream of samples from -1 to 1. */
export class OnsetHint {
  #size;
  #samples = 0;
  #power = 0;
  #last = 0;
  #slow = 0;
  #pole;
  #floor = -60;
  #playerDb = -100;
  #recent;
  #at = 0;
  /** @type {number[]} */ #late = [];
  #ratio = -100;
  #learned = 0;
  #run = 0;
  #rest = 0;
  #armed = true;
  #doubt = 0; // windows until a hint counts as unconfirmed
  #speech = 0; // windows in which a person is taken to speak
  #wary = 0;
  #forget = 0;

  /** @param {number} [rate] samples a second */
  constructor(rate = 16000) {
    this.#size = Math.round((rate * WINDOW_MS) / 1000);
    this.#pole = Math.exp((-2 * Math.PI * 150) / rate); // what is below 150 Hz is rumble
    this.#recent = new Float32Array(windows(ECHO_MS)).fill(-100);
  }

  /** @returns {number} hints lately that nobody confirmed */
  get wary() {
    return this.#wary;
  }

  /** The player puts out so much. @param {number} db against full scale; below -80 nothing */
  plays(db) {
    this.#playerDb = db;
  }

  /** The last hint was an onset: the server holds. */
  confirmed() {
    this.#doubt = 0;
    this.#speech = windows(SPEECH_MS);
    this.#late.length = 0;
    this.#wary = Math.max(0, this.#wary - 2);
  }

  /** It was none. */
  unconfirmed() {
    this.#doubt = 0;
    this.#speech = 0;
    this.#wary = Math.min(WARY_MOST, this.#wary + 1);
    this.#forget = windows(FORGET_MS);
  }

  /**
   * @param {Float32Array} samples
   * @param {number} [count] of them, from the first on
   * @returns {number} behind which of them there is a hint, or -1
   */
  feed(samples, count = samples.length) {
    let hint = -1;
    for (let n = 0; n < count; n += 1) {
      const sample = samples[n] ?? 0;
      this.#slow = sample - this.#last + this.#pole * this.#slow;
      this.#last = sample;
      this.#power += this.#slow * this.#slow;
      this.#samples += 1;
      if (this.#samples < this.#size) continue;
      if (this.#window(10 * Math.log10(this.#power / this.#size + 1e-9))) hint = n + 1;
      this.#samples = 0;
      this.#power = 0;
    }
    return hint;
  }

  /** @param {number} db @returns {boolean} */
  #window(db) {
    this.#recent[this.#at] = this.#playerDb;
    this.#at = (this.#at + 1) % this.#recent.length;
    const player = this.#recent.reduce(louder);
    const playing = player > SILENT_DB;
    const wary = this.#wary * WARY_DB;
    const echo = player + this.#ratio + ABOVE_ECHO_DB;
    const isLoud = db > Math.max(FAINTEST_DB, this.#floor + ABOVE_NOISE_DB + wary, playing ? echo + wary : -100);
    this.#run = isLoud ? this.#run + 1 : 0;
    this.#rest = isLoud ? 0 : this.#rest + 1;
    if (this.#rest >= windows(REST_MS) && !this.#doubt) this.#armed = true;
    this.#pass();
    const known = this.#learned * WINDOW_MS >= LEARN_MS;
    if (playing && known && this.#armed && this.#run >= RUN + this.#wary) {
      this.#armed = false;
      this.#late.length = 0;
      this.#doubt = windows(DOUBT_MS);
      return true;
    }
    if (!this.#doubt && !this.#speech) this.#learn(db, player, playing);
    return false;
  }

  /** A window has passed. */
  #pass() {
    if (this.#speech) this.#speech -= 1;
    if (this.#doubt && (this.#doubt -= 1) === 0) this.unconfirmed();
    if (this.#wary && (this.#forget -= 1) <= 0) {
      this.#wary -= 1;
      this.#forget = windows(FORGET_MS);
    }
  }

  /** @param {number} db @param {number} player @param {boolean} playing */
  #learn(db, player, playing) {
    if (db < this.#floor) this.#floor += (db - this.#floor) * 0.2;
    else if (!playing) this.#floor += (FLOOR_RISE_DB_S * WINDOW_MS) / 1000;
    if (!playing) {
      this.#late.length = 0;
      return;
    }
    this.#late.push(db - player);
    if (this.#late.length * WINDOW_MS <= LATE_MS) return;
    const ratio = this.#late.shift() ?? -100;
    this.#ratio = Math.max(ratio, this.#ratio - (SINK_DB_S * WINDOW_MS) / 1000);
    this.#learned += 1;
  }
}

/** @param {number} ms @returns {number} */
function windows(ms) {
  return Math.round(ms / WINDOW_MS);
}

/** @param {number} a @param {number} b @returns {number} */
function louder(a, b) {
  return a > b ? a : b;
}
