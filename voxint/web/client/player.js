import { within } from "./clock.js";
import { Emitter } from "./emitter.js";
import { VoxintError } from "./errors.js";
import { Heard } from "./heard.js";
import { Resampler, resampled } from "./resampler.js";
import { openWorklet, stopped } from "./worklet.js";

const PLAYED_MS = 200; // between two "played" events, as the protocol recommends for PLAYED
const MOST_LATENCY_S = 1; // Ours: a browser that tells more than a Bluetooth loudspeaker has is wrong
const DISCARD_MS = 500; // Ours: a worklet answers within some 20

let lines = 0;

/** @typedef {{requestId: string | null, playedMs: number, silentFrame: number | null}} Discarded */

/**
 * @typedef {object} PlayerEvents
 * @property {{requestId: string, playedMs: number}} played each 200 ms, at every pause and at the end
 * @property {{requestId: string}} drained all of it was heard
 * @property {{frame: number, atFrame: number, why: "hint" | "pause" | "discard"}} silent from `frame` on the output is
 *   all zero, for what reached the worklet at `atFrame`
 * @property {{}} ducked
 * @property {{why: "expired" | "told" | "held"}} unducked
 * @property {{state: AudioContextState}} state of the AudioContext, where it changes (a phone interrupts it: ask for a
 *   click and call `context.resume()`)
 * @property {{error: VoxintError}} error
 */

/**
 * Plays answers through an AudioWorklet, and knows to the sample what was heard of them.
 *
 * @extends {Emitter<PlayerEvents>}
 */
export class Player extends Emitter {
  #context;
  #node;
  #gain;
  #resampler;
  #heard = new Heard();
  #current = "";
  #sounding = "";
  #told = { id: "", ms: 0 };
  /** @type {Set<string>} */ #draining = new Set();
  /** @type {Map<number, (discarded: {id: string | null, given: number, frame: number}) => void>} */ #asked = new Map();
  #ask = 0;
  #sent = 0;
  #stats = { bufferMs: 0, targetMs: 0, underruns: 0, refused: 0, lastLoudFrame: -1 };

  /**
   * @param {BaseAudioContext} context at any rate; may be suspended still
   * @param {{rate?: number}} [options] `rate` of what is put, in Hz: 24000 by default, as the protocol has it
   * @returns {Promise<Player>}
   * @throws {VoxintError} insecure_origin, audio_failed
   */
  static async open(context, { rate = 24000 } = {}) {
    const line = (lines += 1);
    const options = { numberOfInputs: 0, outputChannelCount: [1], processorOptions: { line } };
    return new Player(context, await openWorklet(context, "player", options), rate, line);
  }

  /**
   * Use `Player.open`.
   *
   * @param {BaseAudioContext} context @param {AudioWorkletNode} node @param {number} rate @param {number} line
   */
  constructor(context, node, rate, line) {
    super();
    /** By which a recorder on the same context finds this player, for `Recorder.open`. */
    this.hintPort = line;
    this.#context = context;
    this.#node = node;
    this.#gain = context.createGain();
    this.#resampler = new Resampler(rate, context.sampleRate);
    node.connect(this.#gain).connect(context.destination);
    node.port.onmessage = ({ data }) => this.#take(data);
    node.onprocessorerror = () => this.#fail(stopped("player"));
    context.addEventListener("statechange", this.#changed);
  }

  /** An answer begins, behind what there is. @param {string} requestId */
  begin(requestId) {
    if (this.#current) this.end(this.#current);
    this.#current = requestId;
    this.#resampler.reset();
    this.#heard.begin(requestId);
    this.#tell({ type: "begin", id: requestId });
  }

  /**
   * @param {string} requestId of the answer that began last
   * @param {Int16Array} pcm
   * @returns {boolean} whether it was taken: not of an answer that has ended, was discarded or never began
   */
  put(requestId, pcm) {
    if (requestId !== this.#current) return false;
    this.#send(requestId, resampled(this.#resampler, pcm));
    return true;
  }

  /** The answer is complete. @param {string} requestId */
  end(requestId) {
    if (requestId !== this.#current) return;
    this.#send(requestId, resampled(this.#resampler, null));
    this.#current = "";
    this.#tell({ type: "end", id: requestId });
  }

  /** HOLD came: fall silent within 10 ms and keep the rest. */
  pause() {
    this.#tell({ type: "pause" });
  }

  /** The answer goes on with its very next sample, and a duck is over. */
  resume() {
    this.#tell({ type: "resume" });
  }

  /** A local suspicion of an onset: the same pause, over after 400 ms (ours) by itself unless `pause` came. */
  duck() {
    this.#tell({ type: "duck" });
  }

  unduck() {
    this.#tell({ type: "unduck" });
  }

  /**
   * Throw away what waits; what sounds fades within 10 ms, from the next render quantum on.
   *
   * @param {string} [requestId] of the answer; all of them without it
   * @returns {Promise<Discarded>} `playedMs` is what was handed to the loudspeaker, which nothing can take back, and
   *   `silentFrame` the first frame of silence; null where the context does not run, so that nothing sounds anyway
   */
  async discard(requestId) {
    if (!requestId || requestId === this.#current) {
      this.#current = "";
      this.#resampler.reset();
    }
    const ask = (this.#ask += 1);
    const late = () => new VoxintError("audio_failed", "the player's worklet does not answer");
    /** @type {Promise<{id: string | null, given: number, frame: number}>} */
    const answer = new Promise((resolve) => this.#asked.set(ask, resolve));
    this.#tell({ type: "discard", id: requestId ?? null, ask });
    try {
      const { id, given, frame } = await within(answer, DISCARD_MS, late);
      return { requestId: id, playedMs: this.#ms(given), silentFrame: frame };
    } catch (error) {
      if (this.#context.state === "running") this.#fail(/** @type {VoxintError} */ (error));
      return { requestId: requestId ?? null, playedMs: this.playedMs(requestId ?? ""), silentFrame: null };
    } finally {
      this.#asked.delete(ask);
    }
  }

  /** @param {string} requestId @returns {number} milliseconds of that answer that have been heard; it never shrinks */
  playedMs(requestId) {
    return this.#ms(this.#heard.frames(requestId, this.#now, this.#latency));
  }

  /** @returns {number} 0 to 1 */
  get volume() {
    return this.#gain.gain.value;
  }

  set volume(volume) {
    this.#gain.gain.setTargetAtTime(volume, this.#context.currentTime, 0.01);
  }

  /**
   * @returns {{bufferMs: number, targetMs: number, underruns: number, refused: number, lastLoudFrame: number}} what
   *   waits, what has to wait before an answer begins, frames that were too many, and the last frame that was not zero
   */
  get stats() {
    return { ...this.#stats };
  }

  /** Be silent for good, and let the context go on. Safe to call twice. */
  close() {
    this.#tell({ type: "close" });
    // Chromium keeps a node of a closed context for good: not with it all that it knows.
    this.#node.port.onmessage = this.#node.onprocessorerror = null;
    this.#context.removeEventListener("statechange", this.#changed);
    this.#node.disconnect();
    this.#gain.disconnect();
  }

  #changed = () => this.emit("state", { state: this.#context.state });

  /** @param {string} id @param {Int16Array} pcm */
  #send(id, pcm) {
    if (pcm.length) this.#tell({ type: "put", id, pcm }, [pcm.buffer]);
  }

  /** @param {import("./player-worklet.js").FromPlayer} message */
  #take(message) {
    if (message.type === "report" || message.type === "drained") this.#progress(message);
    else if (message.type === "discarded") this.#asked.get(message.ask)?.(message);
    else if (message.type === "full") {
      this.#stats.refused += message.frames;
      const requestId = message.id;
      this.#fail(new VoxintError("audio_failed", "more than 30 s of sound wait: the rest is lost", { requestId }));
    } else {
      const { type, ...detail } = message;
      this.emit(type, /** @type {PlayerEvents[typeof type]} */ (detail));
      if (type === "silent") this.#played(this.#sounding, true);
    }
  }

  /** @param {import("./player-worklet.js").Progress} progress */
  #progress({ type, id, given, frame, sounds, waiting, target, underruns, lastLoudFrame }) {
    Object.assign(this.#stats, { bufferMs: this.#ms(waiting), targetMs: this.#ms(target), underruns, lastLoudFrame });
    this.#heard.report({ id, given, frame }, this.#now, this.#latency);
    if (type === "drained") this.#draining.add(id);
    if (given) this.#sounding = id;
    this.#played(this.#sounding, !sounds && this.#heard.caughtUp(this.#sounding));
    for (const each of this.#draining) {
      this.#heard.frames(each, this.#now, this.#latency);
      if (!this.#heard.caughtUp(each)) continue;
      this.#draining.delete(each);
      this.#played(each, true);
      this.emit("drained", { requestId: each });
    }
  }

  /** @param {string} id @param {boolean} atOnce where it has changed at all */
  #played(id, atOnce) {
    const ms = this.playedMs(id);
    const before = this.#told.id === id ? this.#told.ms : 0;
    if (!id || ms <= before || (!atOnce && ms < before + PLAYED_MS)) return;
    this.#told = { id, ms };
    this.emit("played", { requestId: id, playedMs: ms });
  }

  /** @returns {number} the context's frame at this instant */
  get #now() {
    return this.#context.currentTime * this.#context.sampleRate;
  }

  /** @returns {number} frames that are on their way to the loudspeaker; 0 where the browser doesn't know */
  get #latency() {
    const { baseLatency = 0, outputLatency = 0 } = /** @type {Partial<AudioContext>} */ (this.#context);
    return Math.min(MOST_LATENCY_S, (baseLatency || 0) + (outputLatency || 0)) * this.#context.sampleRate;
  }

  /** @param {number} frames */
  #ms(frames) {
    return (frames * 1000) / this.#context.sampleRate;
  }

  /** @param {import("./player-worklet.js").ToPlayer} message @param {Transferable[]} [transfer] */
  #tell(message, transfer = []) {
    this.#node.port.postMessage(message, transfer);
  }

  /** @param {VoxintError} error */
  #fail(error) {
    this.emit("error", { error });
  }
}
