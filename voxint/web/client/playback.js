/**
 * What waits for the loudspeaker, quantum by quantum: fades, pauses, a start that adapts to the network; pure.
 *
 * Every sample is handed out exactly once, faded or not, so what is heard of an answer is all of it. Paused, it goes on
 * for the length of a fade and keeps the rest. Frames are samples at the loudspeaker's own rate.
 */

const FADE_MS = 10; // as the server and the sound card's player have it
const START_MS = 60; // that wait before any is played. Ours: a jitter of three packets
const MOST_START_MS = 300; // that this grows to, by half at each underrun. Ours: a pause that nobody minds
const CALM_MS = 10000; // without an underrun after which it shrinks by a tenth. Ours
const THINKING_MS = 1000; // Ours: a longer gap is a model that thinks, for which no start would have been late enough
const DUCK_MS = 400; // after which `duck` is over by itself. Ours: the longest that a server may need
const MOST_MS = 30000; // of sound that may wait. Ours

/**
 * @typedef {{id: string, chunks: Int16Array[], offset: number, waiting: number, given: number, ended: boolean}} Answer
 * @typedef {{id: string, given: number, at: number}} Gone an answer of which nothing comes any more: `given` frames of
 *   it were handed out, the last of them before frame `at` of the quantum
 */

/** A queue of answers, in order, with an account of what became of each. */
export class PlaybackBuffer {
  #frames;
  #fade;
  /** @type {Answer[]} */ #answers = [];
  /** @type {Set<string>} */ #reasons = new Set();
  /** @type {Gone[]} */ #gone = [];
  #waiting = 0;
  #loudness; // of the last frame, in steps of a fade; never 0 in a frame that is handed out
  #flowing = false; // the current answer has begun to sound and has not run dry
  #starving = false; // it is about to run dry, so it fades out
  #target;
  #targetBefore;
  #fresh = false; // something came since it ran dry
  #waited = 0;
  #gap = -1; // frames since it ran dry, or -1
  #calm = 0;
  #duckLeft = 0;
  /** @type {Float32Array} */ #tail;
  #tailAt = 0;
  #tailEnd = 0;

  /** Times that an answer ran dry before it was complete. */
  underruns = 0;

  /** @param {number} rate frames a second */
  constructor(rate) {
    const frames = (/** @type {number} */ ms) => Math.round((ms * rate) / 1000);
    this.#frames = {
      start: frames(START_MS), mostStart: frames(MOST_START_MS), calm: frames(CALM_MS), duck: frames(DUCK_MS),
      most: frames(MOST_MS), thinking: frames(THINKING_MS),
    };
    this.#fade = Math.max(1, frames(FADE_MS));
    this.#loudness = this.#fade;
    this.#target = this.#targetBefore = this.#frames.start;
    this.#tail = new Float32Array(this.#fade);
  }

  /** @returns {{id: string, given: number} | null} the answer that sounds, or is the next to */
  get current() {
    return this.#answers[0] ?? null;
  }

  /** @returns {number} frames that wait */
  get waiting() {
    return this.#waiting;
  }

  /** @returns {number} frames that have to wait before an answer begins */
  get target() {
    return this.#target;
  }

  /** @returns {boolean} whether the next quantum will have sound */
  get sounds() {
    return this.#tailAt < this.#tailEnd || (this.#flowing && (this.#reasons.size === 0 || this.#loudness > 1));
  }

  /** @returns {boolean} whether there is a reason to be silent */
  get paused() {
    return this.#reasons.size > 0;
  }

  /** @returns {boolean} */
  get ducked() {
    return this.#reasons.has("hint");
  }

  /** Another answer follows; what has not ended before it ends here. @param {string} id */
  begin(id) {
    for (const answer of this.#answers) answer.ended = true;
    this.#answers.push({ id, chunks: [], offset: 0, waiting: 0, given: 0, ended: false });
  }

  /**
   * @param {string} id @param {Int16Array} pcm
   * @returns {boolean} whether it was taken: not where it is too much, or of an answer that is not here or has ended
   */
  put(id, pcm) {
    const answer = this.#answers.find((each) => each.id === id);
    if (!answer || answer.ended || this.#waiting + pcm.length > this.#frames.most) return false;
    if (pcm.length) {
      answer.chunks.push(pcm);
      answer.waiting += pcm.length;
      this.#waiting += pcm.length;
      this.#fresh = true;
    }
    return true;
  }

  /** The answer is complete. @param {string} id */
  end(id) {
    const answer = this.#answers.find((each) => each.id === id);
    if (answer) answer.ended = true;
  }

  /** Be silent for a reason, from the next quantum on within a fade. @param {string} reason */
  pause(reason) {
    this.#reasons.add(reason);
  }

  /** That reason is gone; with the last of them the sound goes on. @param {string} reason */
  resume(reason) {
    this.#reasons.delete(reason);
  }

  /** Pause for a suspicion, which is over by itself. @returns {boolean} whether anything sounded for it to matter */
  duck() {
    if (!this.#flowing) return false;
    this.#reasons.add("hint");
    this.#duckLeft = this.#frames.duck;
    return true;
  }

  /**
   * Throw away an answer, or all of them; what sounds now fades out from the next quantum on. Pauses for it are over.
   *
   * @param {string | null} id
   * @returns {Gone[]}
   */
  discard(id) {
    const first = this.#answers[0];
    const gone = this.#answers.filter((answer) => id === null || answer.id === id);
    this.#answers = this.#answers.filter((answer) => !gone.includes(answer));
    for (const answer of gone) {
      if (answer === first) this.#stop(answer);
      this.#waiting -= answer.waiting;
    }
    // A hold may have come before any sound of what it held.
    if (this.#answers.length === 0) this.#reasons.clear();
    return gone.map(({ id: name, given }) => ({ id: name, given, at: this.#tailEnd - this.#tailAt }));
  }

  /** @returns {Gone[]} the answers that came to their end in the last quantum */
  takeGone() {
    if (this.#gone.length === 0) return this.#gone;
    const gone = this.#gone;
    this.#gone = [];
    return gone;
  }

  /** Fill a quantum. @param {Float32Array} output @returns {number} frames of sound; behind them is silence */
  pop(output) {
    const size = output.length;
    if (this.#reasons.has("hint") && (this.#duckLeft -= size) <= 0) this.#reasons.delete("hint");
    let at = 0;
    while (at < size && this.#tailAt < this.#tailEnd) output[at++] = this.#tail[this.#tailAt++] ?? 0;
    if (at < size) this.#decide(size);
    while (at < size) {
      const answer = this.#answers[0];
      if (!answer) break;
      if (this.#flowing) at += this.#fill(answer, output, at);
      if (!answer.ended || answer.waiting > 0) break;
      this.#gone.push({ id: answer.id, given: answer.given, at });
      this.#answers.shift();
      this.#halt(this.#fade);
      this.#decide(0);
    }
    output.fill(0, at);
    return at;
  }

  /** Begin to sound, or to fade out before nothing is left. @param {number} size of the quantum */
  #decide(size) {
    const answer = this.#answers[0];
    if (!answer) return;
    const rich = answer.ended || answer.waiting >= this.#target;
    if (this.#flowing) {
      if (this.#starving) this.#starving = !rich;
      else if (!answer.ended && answer.waiting < this.#fade + size && !this.paused) this.#runDry();
      return;
    }
    if (this.#gap >= 0) this.#gap += size;
    if (this.paused) {
      this.#loudness = 0;
      return;
    }
    if (this.#fresh) this.#waited += size;
    if (answer.waiting === 0 || !(rich || this.#waited >= this.#target)) return;
    if (this.#gap > this.#frames.thinking) this.#target = this.#targetBefore;
    this.#flowing = true;
    this.#gap = -1;
  }

  #runDry() {
    this.#starving = true;
    this.underruns += 1;
    this.#calm = 0;
    this.#targetBefore = this.#target;
    this.#target = Math.min(this.#frames.mostStart, Math.round(this.#target * 1.5));
  }

  /** @param {Answer} answer @param {Float32Array} output @param {number} at @returns {number} frames written */
  #fill(answer, output, at) {
    const falling = this.paused || this.#starving;
    const wanted = Math.min(output.length - at, falling ? Math.max(0, this.#loudness - 1) : Infinity);
    const count = Math.min(wanted, answer.waiting);
    const step = falling ? -1 : 1;
    for (let done = 0; done < count; done += 1) {
      this.#loudness = Math.min(this.#fade, this.#loudness + step);
      output[at + done] = (next(answer) * this.#loudness) / (this.#fade * 32768);
    }
    answer.given += count;
    this.#waiting -= count;
    // Where less was there than the fade takes, silence stands behind it: that fade is over too.
    if (falling && (this.#loudness <= 1 || count < wanted)) this.#loudness = 0;
    if (this.#starving && this.#loudness === 0) {
      this.#halt(0);
      this.#gap = 0;
    }
    this.#settle(count);
    return count;
  }

  /** Less has to wait where all went well for long. @param {number} count frames that were played */
  #settle(count) {
    this.#calm += count;
    if (this.#calm < this.#frames.calm) return;
    this.#calm = 0;
    this.#target = Math.max(this.#frames.start, Math.round(this.#target * 0.9));
  }

  /** @param {number} loudness of what comes next */
  #halt(loudness) {
    this.#flowing = this.#starving = this.#fresh = false;
    this.#waited = 0;
    this.#gap = -1;
    this.#loudness = loudness;
  }

  /** Let the current answer fade out, apart from what may follow. @param {Answer} answer */
  #stop(answer) {
    if (this.#flowing && this.#loudness > 1) {
      const count = Math.min(this.#loudness - 1, answer.waiting);
      for (let done = 0; done < count; done += 1) {
        const gain = (this.#loudness * (count - done)) / (count + 1);
        this.#tail[done] = (next(answer) * gain) / (this.#fade * 32768);
      }
      this.#tailAt = 0;
      this.#tailEnd = count;
      answer.given += count;
      this.#waiting -= count;
    }
    this.#halt(this.#fade);
    this.#reasons.clear();
  }
}

/** @param {Answer} answer with at least one frame waiting @returns {number} */
function next(answer) {
  const chunk = /** @type {Int16Array} */ (answer.chunks[0]);
  const sample = /** @type {number} */ (chunk[answer.offset++]);
  if (answer.offset === chunk.length) {
    answer.chunks.shift();
    answer.offset = 0;
  }
  answer.waiting -= 1;
  return sample;
}
