/** Every error in words that a person understands, with what to do about it. */

import { say } from "./words.js";

/**
 * @import { VoxintError, ErrorCode } from "../client/errors.js"
 *
 * @typedef {"retry" | "microphone" | "key" | "sound" | "reload" | null} Remedy what a button can do about it
 */

/** @type {Record<ErrorCode, Remedy>} */
export const REMEDIES = {
  insecure_origin: null,
  microphone_denied: "microphone",
  microphone_missing: "microphone",
  microphone_busy: "microphone",
  audio_blocked: "sound",
  audio_failed: "sound",
  no_websocket: null,
  unreachable: "retry",
  lost: null,
  origin_refused: null,
  no_such_path: null,
  key_needed: "key",
  key_refused: "key",
  busy: "retry",
  draining: "retry",
  upstream: null,
  timeout: null,
  too_large: null,
  malformed: "reload",
  session_gone: "retry",
  internal: null,
  closed: "retry",
};

const STAGES = /** @type {const} */ (["llm", "stt", "tts"]);

/**
 * @param {Pick<VoxintError, "code" | "stage"> & {errorId?: string | null}} error
 * @returns {{title: string, todo: string, remedy: Remedy}}
 */
export function errorWords({ code, stage, errorId }) {
  const known = STAGES.find((name) => name === stage);
  const words = code === "upstream" && known ? say(`err_upstream_${known}`) : say(`err_${code}`);
  const [title = "", todo = ""] = words.split("|");
  return { title, todo: errorId ? `${todo} ${say("err_number", { id: errorId })}` : todo, remedy: REMEDIES[code] };
}
