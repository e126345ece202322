import { Emitter } from "./emitter.js";
import { VoxintError } from "./errors.js";
import { openWorklet, stopped } from "./worklet.js";

const LEVEL_EVERY = 3; // frames of 20 ms: 17 levels a second. Ours: a meter needs no more

/** @type {MediaTrackConstraints} what is asked of the browser, as for a telephone call */
const CALL = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** @type {Record<string, [import("./errors.js").ErrorCode, string]>} what a browser's refusals mean */
const REFUSALS = {
  NotAllowedError: ["microphone_denied", "the person or the page's policy does not allow the microphone"],
  SecurityError: ["microphone_denied", "the page's policy does not allow the microphone"],
  NotFoundError: ["microphone_missing", "there is no microphone"],
  OverconstrainedError: ["microphone_missing", "there is no such microphone"],
  NotReadableError: ["microphone_busy", "another program holds the microphone, or its driver fails"],
  AbortError: ["microphone_busy", "the microphone could not be started"],
};

/**
 * @typedef {{pcm: Int16Array, frame: number, at: number}} Captured 20 ms: `at` samples came before, and `frame` is the
 *   first one on the context's sample clock
 *
 * @typedef {object} RecorderEvents
 * @property {Captured} audio
 * @property {{rms: number, peak: number}} level in decibels of full scale, 17 a second
 * @property {{frame: number, atMs: number}} onset somebody may have begun to speak over an answer
 * @property {{}} ended the device went away
 * @property {{error: VoxintError}} error
 */

/** A microphone as s16le frames of 20 ms, through an AudioWorklet. @extends {Emitter<RecorderEvents>} */
export class Recorder extends Emitter {
  #context;
  #stream;
  #source;
  #node;
  #rate;
  #begin = 0;
  #muted = false;
  #sent = 0;
  #frames = 0;

  /**
   * Ask for the microphone. The person may take any time to answer, so this wait has no bound.
   *
   * @param {AudioContext} context the player's too, so that both have one clock
   * @param {{rate?: number, constraints?: MediaTrackConstraints, hintPort?: number, deviceId?: string}} [options]
   *   `rate` of the frames, 16000 Hz by default, as the protocol has it; `constraints` over those of a telephone call,
   *   which are asked for by default; `hintPort` of the player; `deviceId` as the browser lists it
   * @returns {Promise<Recorder>}
   * @throws {VoxintError} insecure_origin, microphone_denied, microphone_missing, microphone_busy, audio_failed
   */
  static async open(context, { rate = 16000, constraints, hintPort, deviceId } = {}) {
    const device = deviceId ? { deviceId: { exact: deviceId } } : {};
    const stream = await microphone({ ...CALL, ...device, ...constraints });
    try {
      const source = context.createMediaStreamSource(stream);
      const node = await openWorklet(context, "recorder", {
        channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1],
        processorOptions: { rate, line: hintPort },
      });
      return new Recorder(context, { stream, source, node, rate });
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      if (error instanceof VoxintError) throw error;
      throw new VoxintError("audio_failed", "the microphone cannot be joined to this AudioContext", { cause: error });
    }
  }

  /**
   * Use `Recorder.open`.
   *
   * @param {AudioContext} context
   * @param {{stream: MediaStream, source: MediaStreamAudioSourceNode, node: AudioWorkletNode, rate: number}} parts
   */
  constructor(context, { stream, source, node, rate }) {
    super();
    this.#context = context;
    this.#stream = stream;
    this.#source = source;
    this.#node = node;
    this.#rate = rate;
    node.port.onmessage = ({ data }) => this.#take(data);
    node.onprocessorerror = () => this.emit("error", { error: stopped("recorder") });
    for (const track of stream.getTracks()) track.onended = () => this.emit("ended", {});
    // A worklet that leads nowhere is not run by every browser; its output is silence.
    source.connect(node).connect(context.destination);
  }

  /** @returns {boolean} whether zeros are told in place of what the microphone hears */
  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = muted;
    this.#tell({ type: "mute", muted });
  }

  /** @returns {number} samples told by "audio" so far, at the frames' rate */
  get sentFrames() {
    return this.#sent;
  }

  /** @param {number} atMs of the recorded stream @returns {number} the frame on the context's sample clock */
  frameAt(atMs) {
    return this.#begin + Math.round((atMs * this.#context.sampleRate) / 1000);
  }

  /** Say whether the last onset was one: HOLD came. Unsaid for a second, it was none. @param {boolean} was */
  confirm(was) {
    this.#tell({ type: "confirm", was });
  }

  /** Let the microphone go. Safe to call twice; nothing is told any more. */
  close() {
    this.#node.port.onmessage = null;
    this.#tell({ type: "close" });
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.#source.disconnect();
    this.#node.disconnect();
  }

  /** @param {import("./recorder-worklet.js").FromRecorder} message */
  #take(message) {
    if (message.type === "begin") this.#begin = message.frame;
    else if (message.type === "onset") {
      this.emit("onset", { frame: message.frame, atMs: (message.at * 1000) / this.#rate });
    } else {
      const { pcm, frame, at, rms, peak } = message;
      this.#sent = at + pcm.length;
      this.#frames += 1;
      this.emit("audio", { pcm, frame, at });
      if (this.#frames % LEVEL_EVERY === 0) this.emit("level", { rms, peak });
    }
  }

  /** @param {import("./recorder-worklet.js").ToRecorder} message */
  #tell(message) {
    this.#node.port.postMessage(message);
  }
}

/** @param {MediaTrackConstraints} audio @returns {Promise<MediaStream>} */
async function microphone(audio) {
  const devices = globalThis.navigator?.mediaDevices;
  if (!devices?.getUserMedia) {
    throw new VoxintError("insecure_origin", "a browser gives a microphone only to https and localhost");
  }
  try {
    return await devices.getUserMedia({ audio });
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : "";
    const [code, words] = REFUSALS[name] ?? ["audio_failed", `the browser gives no microphone: ${name}`];
    throw new VoxintError(code, words, { cause, retryable: code === "microphone_busy" });
  }
}
