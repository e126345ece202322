/** The player's part on the audio thread: hands out quanta, and tells what happened on the sample clock. */

import { lines } from "./hint-line.js";
import { PlaybackBuffer } from "./playback.js";

const REPORT_QUANTA = 8; // Ours: 21 ms at 48 kHz; what was heard is known this well
const LEVEL_QUANTA = 4; // Ours: 11 ms; the recorder's windows have 8
const LINGER_S = 1.2; // Ours: reports go on for longer than the longest way to a loudspeaker

/**
 * @typedef {"hint" | "pause" | "discard"} Why
 * @typedef {{type: "begin" | "end", id: string} | {type: "put", id: string, pcm: Int16Array}
 *   | {type: "pause" | "resume" | "duck" | "unduck" | "close"}
 *   | {type: "discard", id: string | null, ask: number}} ToPlayer
 * @typedef {import("./heard.js").Report & {type: "report" | "drained", sounds: boolean, waiting: number,
 *   target: number, underruns: number, lastLoudFrame: number}} Progress
 * @typedef {Progress | {type: "silent", frame: number, atFrame: number, why: Why} | {type: "ducked"}
 *   | {type: "unducked", why: "expired" | "told" | "held"} | {type: "full", id: string, frames: number}
 *   | {type: "discarded", ask: number, id: string | null, given: number, frame: number}} FromPlayer
 */

class PlayerProcessor extends AudioWorkletProcessor {
  #buffer = new PlaybackBuffer(sampleRate);
  #line;
  /** @type {{why: Why, atFrame: number, until?: number}[]} */ #causes = []; // of a silence that is not told yet
  #next = currentFrame; // the first frame that is not handed out yet; a message may come between two quanta
  #silentSince = 0;
  #lastLoudFrame = -1;
  #quanta = 0;
  #lingerUntil = 0;
  #power = 0;
  #open = true;

  /** What was put out lately, in decibels against full scale. */
  outputDb = -100;

  /** @param {{processorOptions: {line: number}}} options */
  constructor({ processorOptions: { line } }) {
    super();
    this.#line = line;
    lines.set(line, this);
    this.port.onmessage = ({ data }) => this.#take(data);
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs @returns {boolean} */
  process(_inputs, [channels]) {
    const output = channels?.[0];
    if (!output) return this.#open;
    const wasDucked = this.#buffer.ducked;
    const count = this.#buffer.pop(output);
    if (wasDucked && !this.#buffer.ducked) this.#unducked("expired");
    if (count) {
      this.#silentSince = currentFrame + count;
      this.#lingerUntil = this.#silentSince + LINGER_S * sampleRate;
    }
    this.#measure(output, count);
    this.#next = currentFrame + output.length;
    if (this.#causes.length) this.#silent();
    for (const { id, given, at } of this.#buffer.takeGone()) {
      this.#progress("drained", { id, given, frame: currentFrame + at });
    }
    this.#quanta += 1;
    if (this.#quanta % REPORT_QUANTA === 0) this.#report();
    return this.#open;
  }

  /** @param {ToPlayer} message */
  #take(message) {
    const buffer = this.#buffer;
    if (message.type === "put") {
      const { id, pcm } = message;
      if (!buffer.put(id, pcm)) this.#tell({ type: "full", id, frames: pcm.length });
    } else if (message.type === "begin") buffer.begin(message.id);
    else if (message.type === "end") buffer.end(message.id);
    else if (message.type === "discard") this.#discard(message.id, message.ask);
    else if (message.type === "pause") this.#pause();
    else if (message.type === "resume") this.#resume();
    else if (message.type === "duck") this.duck();
    else if (message.type === "unduck") this.#unduck("told");
    else {
      this.#open = false;
      lines.delete(this.#line);
      this.port.close(); // Chromium keeps a processor for as long as its port is open
    }
  }

  /** Somebody may have begun to speak: the page says so, or the recorder beside this. */
  duck() {
    const before = this.#buffer.ducked;
    if (!this.#buffer.duck() || before) return;
    this.#causes.push({ why: "hint", atFrame: this.#next });
    this.#tell({ type: "ducked" });
  }

  #pause() {
    this.#buffer.pause("hold");
    this.#causes.push({ why: "pause", atFrame: this.#next });
    this.#unduck("held");
  }

  #resume() {
    this.#unduck("told");
    this.#buffer.resume("hold");
    this.#causes = this.#causes.filter(({ why }) => why === "discard");
    this.#report();
  }

  /** @param {"told" | "held"} why */
  #unduck(why) {
    if (!this.#buffer.ducked) return;
    this.#buffer.resume("hint");
    this.#unducked(why);
  }

  /** @param {"expired" | "told" | "held"} why */
  #unducked(why) {
    if (why !== "held") this.#causes = this.#causes.filter((cause) => cause.why !== "hint");
    this.#tell({ type: "unducked", why });
  }

  /** @param {string | null} id @param {number} ask by which the page knows the answer to its question */
  #discard(id, ask) {
    const sounded = this.#buffer.sounds;
    const wasDucked = this.#buffer.ducked;
    const gone = this.#buffer.discard(id);
    if (wasDucked && !this.#buffer.ducked) this.#unducked("told");
    const first = gone[0];
    const frame = first && sounded ? this.#next + first.at : this.#silentSince;
    for (const each of gone) this.#progress("report", { id: each.id, given: each.given, frame });
    this.#tell({ type: "discarded", ask, id: first?.id ?? id, given: first?.given ?? 0, frame });
    this.#causes.push({ why: "discard", atFrame: this.#next, until: frame });
  }

  /** Tell each silence that has begun; behind what was discarded the next answer may sound already. */
  #silent() {
    const silent = !this.#buffer.sounds;
    for (const { why, atFrame, until } of this.#causes) {
      if (until === undefined ? silent : until <= this.#next) {
        this.#tell({ type: "silent", frame: until ?? this.#silentSince, atFrame, why });
      }
    }
    this.#causes = this.#causes.filter(({ until }) => (until === undefined ? !silent : until > this.#next));
    if (silent) this.#report();
  }

  #report() {
    if (this.#next > this.#lingerUntil) return;
    const { id, given } = this.#buffer.current ?? { id: "", given: 0 };
    this.#progress("report", { id, given, frame: this.#silentSince });
  }

  /** @param {"report" | "drained"} type @param {import("./heard.js").Report} report */
  #progress(type, report) {
    const { sounds, waiting, target, underruns } = this.#buffer;
    this.#tell({ type, ...report, sounds, waiting, target, underruns, lastLoudFrame: this.#lastLoudFrame });
  }

  /** @param {Float32Array} output @param {number} count frames of sound in it */
  #measure(output, count) {
    for (let n = 0; n < count; n += 1) {
      const sample = output[n] ?? 0;
      if (sample !== 0) this.#lastLoudFrame = currentFrame + n;
      this.#power += sample * sample;
    }
    if (this.#quanta % LEVEL_QUANTA) return;
    this.outputDb = 10 * Math.log10(this.#power / (LEVEL_QUANTA * output.length) + 1e-10);
    this.#power = 0;
  }

  /** @param {FromPlayer} message */
  #tell(message) {
    this.port.postMessage(message);
  }
}

registerProcessor("voxint-player", PlayerProcessor);
