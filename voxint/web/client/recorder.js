import { VoxintError } from "./errors.js";

/**
 * A microphone as 16 kHz s16le frames of 20 ms, through an AudioWorklet.
 *
 * Events (`CustomEvent.detail`): "audio" {pcm: Int16Array, frame, at}: `at` samples of 16 kHz came before it, `frame` is
 * its first one on the context's sample clock; "level" {rms, peak}, decibels, 20 a second at most; "onset" {frame, atMs}:
 * somebody may have begun to speak while an answer plays; "ended": the device went away; "error" {error: VoxintError}.
 */
export class Recorder extends EventTarget {
  /**
   * @param {AudioContext} context
   * @param {{rate?: number, constraints?: MediaTrackConstraints, hintPort?: MessagePort, deviceId?: string}} [options]
   * @returns {Promise<Recorder>}
   */
  static async open(context, { rate = 16000 } = {}) {
    throw new VoxintError("microphone_missing", `nothing records ${rate} Hz at ${context.sampleRate} Hz yet`);
  }

  /** Whether zeros are sent in place of what the microphone hears. */
  muted = false;

  /** @returns {number} samples told by "audio" so far, at 16 kHz */
  get sentFrames() {
    return 0;
  }

  /** @param {number} atMs of the recorded stream @returns {number} the frame on the context's sample clock */
  frameAt(atMs) {
    return atMs;
  }

  /** Tell whether the last onset was one: HOLD came for it. Where nothing is told for a second it was none. @param {boolean} was */
  confirm(was) {}

  close() {}
}
