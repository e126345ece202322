import { VoxintError } from "./errors.js";

/** Samples of a window: 32 ms at 16 kHz, as in the server. */
export const WINDOW = 512;

const LOAD_MS = 15000; // Ours: 6 kB over a bad mobile network

/** @typedef {{memory: WebAssembly.Memory, inputAt(): number, reset(): void, heard(): number}} Exports */

/** A small voice detector in WebAssembly, for servers without `server_vad`; about 0.1 ms of a processor a window. */
export class Detector {
  #wasm;
  #input;
  #filled = 0;

  /**
   * @param {URL | string | BufferSource} [source] detector.wasm or where it is; by default beside this module
   * @returns {Promise<Detector>}
   * @throws {VoxintError} audio_failed: it could not be loaded
   */
  static async load(source = new URL("./detector.wasm", import.meta.url)) {
    try {
      const bytes = source instanceof URL || typeof source === "string" ? await fetched(source) : source;
      const { instance } = await WebAssembly.instantiate(bytes, {});
      return new Detector(/** @type {Exports} */ (/** @type {unknown} */ (instance.exports)));
    } catch (cause) {
      throw new VoxintError("audio_failed", "the voice detector could not be loaded", { cause, retryable: true });
    }
  }

  /** Use `Detector.load`. @param {Exports} wasm */
  constructor(wasm) {
    this.#wasm = wasm;
    this.#input = new Int16Array(wasm.memory.buffer, wasm.inputAt(), WINDOW);
    wasm.reset();
  }

  /**
   * @param {Int16Array} pcm 16 kHz, any number of samples; what completes no window is kept
   * @returns {number[]} the probability of speech, 0 to 1, of each window that they complete
   */
  feed(pcm) {
    const probabilities = [];
    for (let at = 0; at < pcm.length; ) {
      const piece = pcm.subarray(at, at + WINDOW - this.#filled);
      this.#input.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < WINDOW) break;
      this.#filled = 0;
      probabilities.push(this.#wasm.heard());
    }
    return probabilities;
  }
}

/** @param {URL | string} url @returns {Promise<ArrayBuffer>} */
async function fetched(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(LOAD_MS) });
  if (!response.ok) throw new Error(`${url} is answered with ${response.status}`);
  return response.arrayBuffer();
}
