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
   * @param {{detail?: string, retryable?: boolean, requestId?: string, stage?: string, errorId?: string,
   *   cause?: unknown}} [more] `errorId` is what the operator finds in the server's log
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

  /** Return the same of a request: several may fail by one cause. @param {string} requestId */
  of(requestId) {
    const { code, message, detail, retryable } = this;
    return new VoxintError(code, message, { detail, retryable, requestId, cause: this });
  }
}

/** @type {Map<string, ErrorCode>} the server's codes of ERROR; no object, which would know a code "constructor", too */
const OF_SERVER = new Map([
  ["AUTH_FAILED", "key_refused"],
  ["SESSION_INVALID", "session_gone"],
  ["MALFORMED_PAYLOAD", "malformed"],
  ["STREAM_SEQ_ERROR", "malformed"],
  ["PAYLOAD_TOO_LARGE", "too_large"],
  ["SERVER_BUSY", "busy"],
  ["REQUEST_TIMEOUT", "timeout"],
  ["UPSTREAM_ERROR", "upstream"],
  ["INTERNAL_ERROR", "internal"],
]);

/**
 * Return what an ERROR of the server says.
 *
 * @param {Record<string, unknown>} payload
 * @param {boolean} [draining] whether the server has said that it goes down: then it is no crowd that makes it busy
 */
export function toldByServer(payload, draining = false) {
  const words = (/** @type {unknown} */ value) => (typeof value === "string" && value !== "" ? value : undefined);
  const code = OF_SERVER.get(words(payload.error_code) ?? "") ?? "internal";
  const message = words(payload.error_msg) ?? "the server told no reason";
  return new VoxintError(code === "busy" && draining ? "draining" : code, message, {
    detail: words(payload.error_detail),
    retryable: payload.retryable === true,
    requestId: words(payload.request_id),
    stage: words(payload.stage),
    errorId: words(payload.error_id),
  });
}

/** @type {Record<number, [code: ErrorCode, message: string, retryable: boolean]>} by the close codes of wire.md */
const OF_CLOSE = {
  1000: ["closed", "the server has closed the connection", true],
  1001: ["draining", "the server goes down", true],
  1008: ["lost", "the server dropped the connection: it was not read, or what came was no message", true],
  1009: ["too_large", "a message was larger than the server takes", true],
  1011: ["internal", "the server failed; its log says more, and the session goes on", true],
  1013: ["busy", "the server is full", true],
  4401: ["key_refused", "the key or token is not known, or good no more", false],
  4403: ["origin_refused", "a page of this origin may not connect: set allowed_origins there", false],
  4404: ["no_such_path", "there is no WebSocket at this path", false],
  4408: ["timeout", "nothing was heard of this client for too long, or no REGISTER came in time", true],
};

/**
 * Return what the close of a WebSocket says.
 *
 * @param {number} code
 * @param {string} reason of the server's, in words; may be empty
 * @param {boolean} opened whether there was a session on it
 */
export function toldByClose(code, reason, opened) {
  const [name, message, retryable] = OF_CLOSE[code] ?? [
    opened ? "lost" : "unreachable",
    opened
      ? "the connection broke without a word: is the network up?"
      : "nobody answers there, or the server is going down or full: is this its address?",
    true,
  ];
  // Before REGISTER_ACK these two are about REGISTER itself, and the next one would be the same.
  const vain = !opened && (code === 1008 || code === 1009);
  return new VoxintError(vain && name === "lost" ? "malformed" : name, reason || message, {
    detail: String(code),
    retryable: retryable && !vain,
  });
}
