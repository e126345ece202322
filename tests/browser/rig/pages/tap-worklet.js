/** The tap's half on the audio thread: what goes out (its first input) and what comes in (its second), by quantum. */

const QUANTA = 16;

class Tap extends AudioWorkletProcessor {
  #frames = [];
  #out = [];
  #heard = [];
  #samples = new Float32Array(128 * QUANTA);

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const out = inputs[0]?.[0];
    if (out) this.#samples.set(out, 128 * this.#frames.length);
    else this.#samples.fill(0, 128 * this.#frames.length, 128 * (this.#frames.length + 1));
    this.#frames.push(currentFrame);
    this.#out.push(loudest(out));
    this.#heard.push(loudest(inputs[1]?.[0]));
    if (this.#frames.length === QUANTA) {
      this.port.postMessage({ frames: this.#frames, out: this.#out, heard: this.#heard, samples: this.#samples });
      this.#frames = [];
      this.#out = [];
      this.#heard = [];
      this.#samples = new Float32Array(128 * QUANTA);
    }
    return true;
  }
}

/** @param {Float32Array | undefined} samples */
function loudest(samples) {
  let most = 0;
  for (const sample of samples ?? []) most = Math.max(most, Math.abs(sample));
  return most;
}

registerProcessor("tap", Tap);
