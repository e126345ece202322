/**
 * The requests of a conversation and the bubbles that show them. A bubble's id (`msg_`) never goes on the wire, a
 * request's (`req_`) is never a bubble's: a client that mixes them up interrupts nothing.
 *
 * @import { VoxintError } from "./errors.js"
 * @import { SpeakingRate } from "./captions.js"
 * @import { Message } from "./types.js"
 */

import { Caption } from "./captions.js";

const MOST_MESSAGES = 500; // ours: of a long day's talk; the older ones are let go
const MOST_TURNS = 64; // as the server remembers

/**
 * @typedef {object} Turn a request, as far as it has come
 * @property {string} requestId
 * @property {Message | null} person
 * @property {Message | null} agent
 * @property {Caption} caption
 * @property {number} audioMs of its speech that has come
 * @property {boolean} byEars whether the server heard it in the open microphone
 * @property {boolean} plays whether the player has begun it
 * @property {boolean} cut whether it was interrupted, as far as this client knows: what still comes is dropped
 * @property {boolean} closed whether nothing may come any more: it has ended, or its acknowledgement is here
 */

export class Turns {
  /** @type {Message[]} the oldest first */
  messages = [];
  /** @type {Map<string, Turn>} */
  #turns = new Map();
  #rate;
  #changed;
  #made = 0;

  /**
   * @param {SpeakingRate} rate
   * @param {(message: Message) => void} changed told a copy of each bubble that is new or other than it was
   */
  constructor(rate, changed) {
    this.#rate = rate;
    this.#changed = changed;
  }

  /** @param {string | null} requestId @returns {Turn | null} */
  get(requestId) {
    return (requestId === null ? null : this.#turns.get(requestId)) ?? null;
  }

  get all() {
    return [...this.#turns.values()];
  }

  /** Return a request's turn, a new one where there is none. @param {string} requestId @returns {Turn} */
  of(requestId) {
    const known = this.#turns.get(requestId);
    if (known) return known;
    const caption = new Caption(this.#rate);
    const flags = { byEars: false, plays: false, cut: false, closed: false };
    const turn = { requestId, person: null, agent: null, caption, audioMs: 0, ...flags };
    this.#turns.set(requestId, turn);
    this.#forget();
    return turn;
  }

  /**
   * Add a bubble to a turn.
   *
   * @param {Turn} turn
   * @param {Message["role"]} role
   * @param {Pick<Message, "text" | "status">} first
   * @returns {Message}
   */
  add(turn, role, first) {
    this.#made += 1;
    const { requestId } = turn;
    const messageId = `msg_${this.#made}`;
    /** @type {Message} */
    const message = { messageId, requestId, role, ...first, spokenChars: 0, heard: null, at: Date.now() };
    turn[role] = message;
    this.messages.push(message);
    if (this.messages.length > MOST_MESSAGES) this.messages.shift();
    this.#changed({ ...message });
    return message;
  }

  /**
   * Change a bubble; null: there is none.
   *
   * @param {Message | null} message
   * @param {Partial<Message>} change
   */
  change(message, change) {
    if (message === null) return;
    const before = { ...message };
    Object.assign(message, change);
    const names = /** @type {(keyof Message)[]} */ (Object.keys(change));
    if (names.some((name) => before[name] !== message[name])) this.#changed({ ...message });
  }

  /** It is asked, and its answer awaited. @param {Turn} turn */
  wait(turn) {
    this.change(turn.person, { status: "complete" });
    if (turn.agent === null) this.add(turn, "agent", { text: "", status: "waiting" });
  }

  /** @param {Turn} turn */
  complete(turn) {
    this.change(turn.person, { status: "complete" });
    this.change(turn.agent, { status: "complete", spokenChars: turn.agent?.text.length ?? 0 });
  }

  /** @param {Turn} turn @param {VoxintError} error */
  fail(turn, error) {
    if (turn.agent) this.change(turn.person, { status: "complete" });
    this.change(turn.agent ?? turn.person, { status: "failed", error });
  }

  #forget() {
    for (const [requestId, turn] of this.#turns) {
      if (this.#turns.size <= MOST_TURNS) return;
      if (isDone(turn) && (turn.closed || turn.person?.status === "dismissed")) this.#turns.delete(requestId);
    }
    const [oldest] = this.#turns.keys(); // all are live: a server that never ends one
    if (this.#turns.size > 2 * MOST_TURNS && oldest !== undefined) this.#turns.delete(oldest);
  }
}

/** @param {Message["status"]} status @returns {boolean} whether nothing more is awaited, or heard, of it */
export function isOver(status) {
  return ["complete", "interrupted", "failed", "dismissed"].includes(status);
}

/** @param {Turn} turn @returns {boolean} whether nothing of it is awaited or heard any more */
export function isDone({ agent, person }) {
  const message = agent ?? person;
  return message === null || isOver(message.status);
}
