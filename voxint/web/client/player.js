import { VoxintError } from "./errors.js";

/**
 * Plays answers through an AudioWorklet, and knows to the sample what was heard of them.
 *
 * Events (`CustomEvent.detail`): "played" {requestId, playedMs}, each 200 ms, at every pause and at the end;
 * "drained" {requestId}: all of it was heard; "silent" {frame, atFrame, why: "hint" | "pause" | "discard"};
 * "ducked"; "unducked" {why: "expired" | "told" | "held"}; "state" {state}: of the AudioContext, where it changes to or
 * from "running" (a phone interrupts it: ask for a click and call `context.resume()`); "error" {error: VoxintError}.
 */
export class Player extends EventTarget {
  /**
   * @param {BaseAudioContext} context
   * @param {{rate?: number}} [options]
   * @returns {Promise<Player>}
   */
  static async open(context, { rate = 24000 } = {}) {
    throw new VoxintError("audio_failed", `nothing plays ${rate} Hz at ${context.sampleRate} Hz yet`);
  }

  /** @param {string} requestId */
  begin(requestId) {}

  /** @param {string} requestId @param {Int16Array} pcm @returns {boolean} whether it was taken */
  put(requestId, pcm) {
    return false;
  }

  /** @param {string} requestId */
  end(requestId) {}

  /** HOLD came: fall silent within 10 ms and keep the rest. */
  pause() {}

  /** The answer goes on with its very next sample. */
  resume() {}

  /** A local suspicion of an onset: the same pause, over after 400 ms by itself unless `pause` came. */
  duck() {}

  unduck() {}

  /**
   * @param {string} [requestId] of the answer; all of them without it
   * @returns {Promise<{requestId: string | null, playedMs: number, silentFrame: number | null}>}
   */
  async discard(requestId) {
    return { requestId: requestId ?? null, playedMs: 0, silentFrame: null };
  }

  /** @param {string} requestId @returns {number} milliseconds of that answer that have been heard */
  playedMs(requestId) {
    return 0;
  }

  /** @returns {MessagePort} for `Recorder.open`; each time it is asked for a new one takes the place of the last */
  get hintPort() {
    return new MessageChannel().port2;
  }

  volume = 1;

  /** @returns {{bufferMs: number, targetMs: number, underruns: number, refused: number, lastLoudFrame: number}} */
  get stats() {
    return { bufferMs: 0, targetMs: 60, underruns: 0, refused: 0, lastLoudFrame: 0 };
  }

  close() {}
}
