/**
 * How much of each answer has been heard, by what the player's worklet reports on the sample clock; pure.
 *
 * @typedef {{id: string, given: number, frame: number}} Report `given` frames of the answer were handed to the
 *   loudspeaker, the last of them right before `frame` on the context's clock
 */

const KEPT = 64; // answers. Ours: whoever asks for one asks soon

/** What is heard is what was handed over, less what is still on its way; it never shrinks. */
export class Heard {
  /** @type {Map<string, {given: number, frame: number, heard: number}>} */ #answers = new Map();

  /** @param {string} id */
  begin(id) {
    this.#answers.set(id, { given: 0, frame: 0, heard: 0 });
    for (const old of this.#answers.keys()) {
      if (this.#answers.size <= KEPT) break;
      this.#answers.delete(old);
    }
  }

  /** @param {Report} report @param {number} now the frame at that instant @param {number} latency frames on the way */
  report({ id, given, frame }, now, latency) {
    const answer = this.#answers.get(id);
    if (!answer || given < answer.given) return;
    this.frames(id, now, latency);
    answer.given = given;
    answer.frame = frame;
  }

  /**
   * @param {string} id
   * @param {number} now the frame at this instant
   * @param {number} latency frames between the context's clock and the loudspeaker
   * @returns {number} frames; between two reports it goes on with the clock, but never beyond what was handed over, so
   *   that no pause is run past
   */
  frames(id, now, latency) {
    const answer = this.#answers.get(id);
    if (!answer) return 0;
    const reached = answer.given - Math.max(0, answer.frame + latency - now);
    answer.heard = Math.max(answer.heard, reached);
    return answer.heard;
  }

  /** @param {string} id @returns {boolean} whether all that was handed over has been heard */
  caughtUp(id) {
    const answer = this.#answers.get(id);
    return !answer || answer.heard >= answer.given;
  }
}
