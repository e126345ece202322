/** The recorder's part on the audio thread: frames for the page, and hints straight to the player. */

import { Capture } from "./capture.js";
import { lines } from "./hint-line.js";
import { OnsetHint } from "./onset.js";

/**
 * @typedef {{type: "mute", muted: boolean} | {type: "confirm", was: boolean} | {type: "close"}} ToRecorder
 * @typedef {(import("./capture.js").Frame & {type: "audio", frame: number}) | {type: "begin", frame: number}
 *   | {type: "onset", frame: number, at: number}} FromRecorder
 */

class RecorderProcessor extends AudioWorkletProcessor {
  #capture;
  #hint;
  #line;
  #rate;
  #nothing = new Float32Array(128);
  #begin = -1;
  #open = true;

  /** @param {{processorOptions: {rate: number, line?: number}}} options `line` of the player that hints are for */
  constructor({ processorOptions: { rate, line = 0 } }) {
    super();
    this.#rate = rate;
    this.#line = line;
    this.#capture = new Capture(sampleRate, rate);
    this.#hint = new OnsetHint(rate);
    this.port.onmessage = ({ data }) => this.#take(data);
  }

  /** @param {Float32Array[][]} inputs @returns {boolean} */
  process([channels]) {
    if (this.#begin < 0) {
      this.#begin = currentFrame;
      this.#tell({ type: "begin", frame: this.#begin });
    }
    // A device that is gone gives no channel; the stream's clock goes on in silence.
    const input = channels?.[0] ?? this.#nothing;
    const before = this.#capture.made;
    const count = this.#capture.feed(input, this.#frame);
    this.#hint.plays(lines.get(this.#line)?.outputDb ?? -100);
    const hint = this.#hint.feed(this.#capture.samples, count);
    if (hint >= 0) this.#onset(before + hint);
    return this.#open;
  }

  /** @param {number} at samples of the frames' rate */
  #onset(at) {
    lines.get(this.#line)?.duck();
    this.#tell({ type: "onset", frame: this.#onContext(at), at });
  }

  /** @param {number} at @returns {number} */
  #onContext(at) {
    return this.#begin + Math.round((at * sampleRate) / this.#rate);
  }

  #frame = (/** @type {import("./capture.js").Frame} */ frame) => {
    this.#tell({ type: "audio", ...frame, frame: this.#onContext(frame.at) }, [frame.pcm.buffer]);
  };

  /** @param {ToRecorder} message */
  #take(message) {
    if (message.type === "mute") this.#capture.muted = message.muted;
    else if (message.type === "close") {
      this.#open = false;
      this.port.close(); // Chromium keeps a processor for as long as its port is open
    } else if (message.was) this.#hint.confirmed();
    else this.#hint.unconfirmed();
  }

  /** @param {FromRecorder} message @param {Transferable[]} [transfer] */
  #tell(message, transfer = []) {
    this.port.postMessage(message, transfer);
  }
}

registerProcessor("voxint-recorder", RecorderProcessor);
