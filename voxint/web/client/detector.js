/** Samples of a window: 32 ms at 16 kHz. */
export const WINDOW = 512;

/** A small voice detector in WebAssembly, for servers without `server_vad`. */
export class Detector {
  /**
   * @param {URL | string | BufferSource} [source] detector.wasm, or where it is; beside this module without it
   * @returns {Promise<Detector>}
   */
  static async load(source = new URL("./detector.wasm", import.meta.url)) {
    throw new Error(`${source} is not there yet`);
  }

  /** @param {Int16Array} pcm 16 kHz, any length; what completes no window is kept @returns {number[]} the probability of speech of each window */
  feed(pcm) {
    return [];
  }

  /** Begin anew. */
  reset() {}
}
