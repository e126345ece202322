/** @import { Ack, Clock, Counts } from "./types.js" */
/** @import { By, Facts, InterruptionRecord } from "./interruption.js" */

import { recordOf } from "./interruption.js";

/** Ours: how long an acknowledged interruption waits for the loudspeaker's word; a worklet's takes some 20 ms. */
const SILENCE_MS = 300;
/** Ours: how long an acknowledgement is waited for. The server owes it within 250 ms, and a phone's network is slow. */
const ACK_MS = 10_000;
/** Ours: a hint that is earlier than the speech by more was none of it; what the ears take for its begin is rough. */
const EARLY_MS = 500;
/** Of those that are under way, and of those that are remembered so that none is told twice: the server's number. */
const MOST = 64;

/** @typedef {{began: number | null, heard: number | null, silent: number | null, alreadySilent: boolean,
 *   held: number | null}} OfSpeech */

/** @returns {OfSpeech} */
const nothing = () => ({ began: null, heard: null, silent: null, alreadySilent: false, held: null });

/**
 * Notes what happens in an interruption, in whatever order it comes, and makes a record of it when all is known.
 *
 * Instants are handed in, in milliseconds of the clock. It knows neither page nor socket.
 */
export class InterruptionLog {
  /** @type {Map<string, {facts: Facts, before: Counts, playing: boolean | null, timer: unknown}>} */
  #open = new Map();
  /** @type {string[]} ids of which a record was made */
  #told = [];
  #speech = nothing();

  /**
   * @param {object} options
   * @param {Clock} options.clock
   * @param {() => {rttMs: number, counts: Counts}} options.now what the connection and the messages say at this moment
   * @param {(record: InterruptionRecord) => void} options.tell
   */
  constructor({ clock, now, tell }) {
    this.clock = clock;
    this.now = now;
    this.tell = tell;
  }

  /**
   * The local hint of a voice. A later one replaces it, as long as nothing came of the first; one behind the silence or
   * the hold was not what noticed the voice.
   *
   * @param {number} ms
   */
  heard(ms) {
    const { heard, silent, held } = this.#speech;
    const came = silent ?? held;
    if (came === null || (heard === null && ms <= came)) this.#speech.heard = ms;
  }

  /** The speech began, by the server's ears or a detector's.  @param {number | null} ms */
  began(ms) {
    const { heard, silent } = this.#speech;
    if (ms !== null && (heard ?? ms) < ms - EARLY_MS) this.#speech.heard = null; // it was of another sound
    if (ms !== null && (silent ?? ms) < ms - EARLY_MS) this.#speech.silent = null;
    this.#speech.began = ms;
  }

  /** HOLD arrived.  @param {number} ms */
  held(ms) {
    this.#speech.held ??= ms;
  }

  /** The answer goes on: the speech was none that interrupts. */
  released() {
    this.#speech = nothing();
  }

  /** The loudspeaker goes on by itself after a hint, and nothing is decided. */
  unducked() {
    this.#speech.silent = null;
    this.#speech.alreadySilent = false;
  }

  /**
   * The loudspeaker is silent.
   *
   * @param {number} ms its first silent sample
   * @param {"hint" | "pause" | "discard"} why only what is interrupted is discarded
   * @param {boolean} alreadySilent whether that was before it was told to be
   */
  silent(ms, why, alreadySilent) {
    let taken = why === "discard";
    for (const [id, { facts, playing }] of this.#open) {
      if (!playing || facts.silent != null) continue;
      taken = true;
      Object.assign(facts, { silent: ms, alreadySilent });
      if (facts.acknowledged != null) this.#settle(id);
    }
    if (!taken && this.#speech.silent === null) Object.assign(this.#speech, { silent: ms, alreadySilent });
  }

  /**
   * Note that a request is interrupted, before or while INTERRUPT is sent. A second word of the same one is ignored.
   *
   * @param {string} requestId
   * @param {{by: By, reason: string, local: Facts["local"], playing: boolean | null, recognised?: number | null}} how
   *   `playing`: whether it is heard, so that a silence is waited for; null: there is no loudspeaker
   */
  interrupted(requestId, { by, reason, local, playing, recognised = null }) {
    if (this.knows(requestId)) return;
    const { rttMs, counts } = this.now();
    const { silent } = this.#speech;
    // An answer that is held for a speech is silent already, where something else stops it.
    const speech = by === "voice" ? this.#speech : { silent, alreadySilent: silent !== null };
    const facts = { ...speech, requestId, by, reason, local, recognised, rttMs, dropped: 0, stale: 0 };
    if (playing === false) facts.alreadySilent = true;
    const timer = this.clock.setTimeout(() => this.#settle(requestId), ACK_MS);
    this.#open.set(requestId, { facts, before: { ...counts }, playing, timer });
    if (this.#open.size > MOST) this.#settle(/** @type {string} */ (this.#open.keys().next().value));
    this.#speech = nothing();
  }

  /** @param {string} requestId @returns {boolean} whether it is noted, or was told */
  knows(requestId) {
    return this.#open.has(requestId) || this.#told.includes(requestId);
  }

  /** Its interrupted last frame arrived.  @param {string} requestId @param {number} ms */
  stopped(requestId, ms) {
    const open = this.#open.get(requestId);
    if (open) open.facts.stopped ??= ms;
  }

  /**
   * INTERRUPT_ACK arrived. What it has a receipt of was interrupted; the rest of what was noted was not.
   *
   * @param {Ack} ack
   */
  acknowledged(ack) {
    if (ack.mode !== "commit") return;
    for (const [id, outcome] of Object.entries(ack.outcomes)) {
      const open = this.#open.get(id);
      if (!open) continue;
      const receipt = ack.receipts[id];
      if (!receipt) this.#forget(id);
      else {
        const { rttMs, counts } = this.now();
        const { before, facts, playing } = open;
        Object.assign(facts, {
          outcome, receipt, rttMs, sent: ack.sentAt, acknowledged: ack.ackAt, reason: receipt.reason,
          dropped: counts.dropped - before.dropped, stale: counts.stale - before.stale,
        });
        if (playing && facts.silent == null) this.#wait(open, id);
        else this.#settle(id);
      }
    }
  }

  /** @param {{timer: unknown}} open @param {string} id */
  #wait(open, id) {
    this.clock.clearTimeout(open.timer);
    open.timer = this.clock.setTimeout(() => this.#settle(id), SILENCE_MS);
  }

  /** @param {string} id */
  #settle(id) {
    const facts = this.#forget(id);
    if (facts === null) return;
    this.#told = [...this.#told, id].slice(-MOST);
    const { began, heard, held, sent, recognised, silent } = facts;
    const first = Math.min(...[began, heard, held, sent, recognised].map((ms) => ms ?? Infinity));
    // The sound card's clock is read to some milliseconds: what an interruption did is not before it.
    if (silent != null && first < Infinity) facts.silent = Math.max(silent, first);
    this.tell(recordOf(facts));
  }

  /** @param {string} id */
  #forget(id) {
    const open = this.#open.get(id);
    if (!open) return null;
    this.clock.clearTimeout(open.timer);
    this.#open.delete(id);
    return open.facts;
  }

  /** Tell what is known of those under way, for whoever closes. */
  close() {
    for (const id of [...this.#open.keys()]) this.#settle(id);
  }
}
