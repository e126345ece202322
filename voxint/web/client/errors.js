/**
 * What can go wrong, as one closed set of codes; whoever shows it to a person has words for each.
 *
 * @typedef {"insecure_origin" | "microphone_denied" | "microphone_missing" | "microphone_busy" | "audio_blocked"
 *   | "audio_failed" | "no_websocket" | "unreachable" | "lost" | "origin_refused" | "no_such_path" | "key_needed"
 *   | "key_refused" | "busy" | "draining" | "upstream" | "timeout" | "too_large" | "malformed" | "session_gone"
 *   | "internal" | "closed"} ErrorCode
 */

/** An error of the client or of the server, told by its code. */
export class VoxintError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message for the developer: who is at fault, and what to do
   * @param {{detail?: string, retryable?: boolean, requestId?: string, stage?: string, errorId?: string, cause?: unknown}} [more]
   *   `errorId` is what the operator finds in the server's log
   */
  constructor(code, message, more = {}) {
    super(message, { cause: more.cause });
    this.name = "VoxintError";
    this.code = code;
    this.detail = more.detail ?? "";
    this.retryable = more.retryable ?? false;
    this.requestId = more.requestId ?? null;
    this.stage = more.stage ?? null;
    this.errorId = more.errorId ?? null;
  }
}
