/** The last frames of each request that has not ended, for the REGISTER that goes on with a session. */

const MOST = 64; // wire.md: so many may be named in `seen`

/** @typedef {{text: number | null, voice: number | null, gap: boolean}} Last `gap`: the next number may be any */

export class ResumeCursor {
  /** @type {Map<string, Last>} */
  #last = new Map();

  /** What to say of them. */
  get seen() {
    /** @type {Record<string, object>} */
    const seen = {};
    for (const [id, { text, voice }] of this.#last) seen[id] = { text_stream_seq: text, voice_stream_seq: voice };
    return seen;
  }

  /**
   * Note a request that the server has been told, or has told, and of which nothing has come.
   *
   * @param {string} requestId
   */
  began(requestId) {
    if (this.#last.has(requestId)) return;
    this.#last.set(requestId, { text: null, voice: null, gap: false });
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST && oldest !== undefined) this.#last.delete(oldest);
  }

  /**
   * Note a frame, and return whether it is the next one, has come before, or one before it is missing.
   *
   * @param {string} requestId
   * @param {number | null} textSeq
   * @param {number | null} voiceSeq
   * @returns {"next" | "again" | "missing"}
   */
  took(requestId, textSeq, voiceSeq) {
    this.began(requestId);
    const last = /** @type {Last} */ (this.#last.get(requestId));
    const steps = [step(textSeq, last.text), step(voiceSeq, last.voice)].filter((each) => each !== null);
    if (steps.some((each) => each < 1)) return "again";
    const missing = !last.gap && steps.some((each) => each > 1);
    last.text = textSeq ?? last.text;
    last.voice = voiceSeq ?? last.voice;
    last.gap = false;
    return missing ? "missing" : "next";
  }

  /** Note that nothing more comes of it. @param {string} requestId */
  ended(requestId) {
    this.#last.delete(requestId);
  }

  /**
   * Learn what became of the requests meanwhile.
   *
   * @param {{live: string[], lost: string[], outcomes: object}} resumed of REGISTER_ACK
   * @returns {string[]} those that never came to the server, or are forgotten there; they have ended
   */
  resumed({ live, lost, outcomes }) {
    for (const id of lost) {
      const last = this.#last.get(id);
      if (last) last.gap = true;
    }
    const known = new Set([...live, ...Object.keys(outcomes)]);
    const never = [...this.#last.keys()].filter((id) => !known.has(id));
    for (const id of never) this.#last.delete(id);
    return never;
  }

  /** Forget all: the session is another one. Returns which there were. */
  clear() {
    const ids = [...this.#last.keys()];
    this.#last.clear();
    return ids;
  }
}

/**
 * Return how far a number is from the last one; null: the frame has none of this stream.
 *
 * @param {number | null} seq
 * @param {number | null} last
 */
function step(seq, last) {
  return seq === null ? null : seq - (last ?? -1);
}
