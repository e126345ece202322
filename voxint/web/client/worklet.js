import { within } from "./clock.js";
import { VoxintError } from "./errors.js";

const LOAD_MS = 15000; // Ours: some 15 kB of modules over a bad mobile network

/**
 * @param {BaseAudioContext} context
 * @param {string} name of the processor, "voxint-" and the part of the file's name before "-worklet.js"
 * @param {AudioWorkletNodeOptions} options
 * @returns {Promise<AudioWorkletNode>}
 * @throws {VoxintError} insecure_origin: a browser has worklets only at https and localhost; audio_failed
 */
export async function openWorklet(context, name, options) {
  if (!context.audioWorklet) {
    throw new VoxintError("insecure_origin", "this page has no AudioWorklet: serve it by https, or from localhost");
  }
  const url = new URL(`./${name}-worklet.js`, import.meta.url);
  const failed = (/** @type {unknown} */ cause) =>
    new VoxintError("audio_failed", `the worklet ${url} could not be loaded`, { cause, retryable: true });
  try {
    await within(context.audioWorklet.addModule(url), LOAD_MS, () => failed("it took too long"));
    return new AudioWorkletNode(context, `voxint-${name}`, options);
  } catch (cause) {
    throw cause instanceof VoxintError ? cause : failed(cause);
  }
}

/** @param {string} what worklet @returns {VoxintError} */
export function stopped(what) {
  return new VoxintError("audio_failed", `the ${what}'s worklet has stopped by an error of its own: open another`);
}
